// SPDX-License-Identifier: Apache-2.0
/*
 * Lists, reads and writes model-specific registers. KVM_GET_MSRS and KVM_SET_MSRS stop at the first
 * register that they refuse, and return how many they did. Numbers: Intel SDM volume 4, AMD APM
 * volume 2, appendix A.
 */
#include "vmm/kvm/vcpu_msrs_x86.h"

#include "vmm/base/array.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

/* Commands, which have no value; and registers that depend on time. */
static const uint32_t left_out[] = {
	0x49,  /* PRED_CMD */
	0x10b, /* FLUSH_CMD */
	0x10,  /* TIME_STAMP_COUNTER */
	0x6e0, /* TSC_DEADLINE */
};

/*
 * MTRRs, which some KVMs have and do not list. By them a guest decides how it maps a pmem device
 * that is plugged later.
 */
static const struct {
	uint32_t first, last;
} unlisted[] = {
	{ 0x200, 0x20f }, /* PHYSBASE and PHYSMASK of eight ranges */
	{ 0x250, 0x250 }, /* FIX64K */
	{ 0x258, 0x259 }, /* FIX16K */
	{ 0x268, 0x26f }, /* FIX4K */
	{ 0x2ff, 0x2ff }, /* DEF_TYPE */
};

/* Without these no 64-bit guest goes on. */
static const uint32_t needed[] = {
	0x174,						/* SYSENTER_CS, _ESP, _EIP */
	0x175,	    0x176,	0x277,			/* PAT */
	0xc0000081,					/* STAR, LSTAR, CSTAR, FMASK */
	0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102, /* KERNEL_GS_BASE */
};

/* As many as KVM could list, and more than any lists. */
#define KVM_LIST_MAX 1024

union kvm_list {
	struct kvm_msr_list kvm;
	uint8_t room[sizeof(struct kvm_msr_list) + KVM_LIST_MAX * sizeof(uint32_t)];
};

static bool is_in(const uint32_t *indices, size_t n, uint32_t index)
{
	for (size_t i = 0; i < n; i++)
		if (indices[i] == index)
			return true;
	return false;
}

static int add_msr(struct vcpu_msr_list *list, uint32_t index, struct error *err)
{
	if (is_in(left_out, ARRAY_SIZE(left_out), index) || is_in(list->indices, list->n, index))
		return 0;
	if (list->n == VCPU_MSRS_MAX)
		return error_set(err, E2BIG, "KVM: lists more MSRs than mvmm knows (%u)",
				 VCPU_MSRS_MAX);
	list->indices[list->n++] = index;
	return 0;
}

int vcpu_msrs_x86_select(const uint32_t *listed, uint32_t n, struct vcpu_msr_list *ret_list,
			 struct error *err)
{
	struct vcpu_msr_list list = { 0 };
	int ret = 0;

	for (uint32_t i = 0; i < n && ret == 0; i++)
		ret = add_msr(&list, listed[i], err);
	for (size_t i = 0; i < ARRAY_SIZE(unlisted); i++)
		for (uint32_t index = unlisted[i].first; index <= unlisted[i].last && ret == 0;
		     index++)
			ret = add_msr(&list, index, err);
	if (ret == 0)
		*ret_list = list;
	return ret;
}

int vcpu_msrs_x86_list(const struct kvm *kvm, struct vcpu_msr_list *ret_list, struct error *err)
{
	union kvm_list listed = { .kvm.nmsrs = KVM_LIST_MAX };

	if (ioctl(kvm->dev_fd, KVM_GET_MSR_INDEX_LIST, &listed) < 0)
		return error_system(err, errno, "KVM: KVM_GET_MSR_INDEX_LIST");
	return vcpu_msrs_x86_select(listed.kvm.indices, listed.kvm.nmsrs, ret_list, err);
}

/* Reads registers from @list on, until KVM refuses one. Returns how many it read, or -errno. */
static int read_some(const struct vcpu *vcpu, const uint32_t *list, uint32_t n,
		     struct kvm_msr_entry *entries)
{
	struct vcpu_msrs part = { .nmsrs = n };
	int got;

	for (uint32_t i = 0; i < n; i++)
		part.entries[i].index = list[i];
	got = ioctl(vcpu->fd, KVM_GET_MSRS, &part);
	if (got < 0)
		return -errno;
	memcpy(entries, part.entries, (size_t)got * sizeof(*entries));
	return got;
}

static int check_needed(const struct vcpu_msrs *msrs, unsigned id, struct error *err)
{
	uint32_t indices[VCPU_MSRS_MAX];

	for (uint32_t i = 0; i < msrs->nmsrs; i++)
		indices[i] = msrs->entries[i].index;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!is_in(indices, msrs->nmsrs, needed[i]))
			return error_set(err, EIO,
					 "KVM: vCPU %u: KVM_GET_MSRS does not read MSR 0x%" PRIx32
					 ", without which no guest can be restored",
					 id, needed[i]);
	return 0;
}

int vcpu_msrs_x86_save(const struct vcpu *vcpu, const struct vcpu_msr_list *list,
		       struct vcpu_msrs *ret_msrs, struct error *err)
{
	struct vcpu_msrs msrs = { 0 };
	int ret;

	for (uint32_t i = 0; i < list->n; i++) { /* the one that was refused */
		ret = read_some(vcpu, list->indices + i, list->n - i, msrs.entries + msrs.nmsrs);
		if (ret < 0)
			return error_system(err, -ret, "KVM: vCPU %u: KVM_GET_MSRS", vcpu->id);
		msrs.nmsrs += (uint32_t)ret;
		i += (uint32_t)ret;
	}
	ret = check_needed(&msrs, vcpu->id, err);
	if (ret == 0)
		*ret_msrs = msrs;
	return ret;
}

int vcpu_msrs_x86_check(const struct vcpu_msrs *msrs, const struct vcpu_msr_list *list, unsigned id,
			struct error *err)
{
	if (msrs->nmsrs > VCPU_MSRS_MAX)
		return error_set(err, EINVAL,
				 "snapshot: vCPU %u: %" PRIu32 " MSRs; there are at most %u", id,
				 msrs->nmsrs, VCPU_MSRS_MAX);
	for (uint32_t i = 0; i < msrs->nmsrs; i++)
		if (!is_in(list->indices, list->n, msrs->entries[i].index))
			return error_set(err, ENOTSUP,
					 "snapshot: vCPU %u: has MSR 0x%" PRIx32
					 ", which this host's KVM does not have; restore it where "
					 "processor and kernel are those of the save",
					 id, msrs->entries[i].index);
	return 0;
}

static int write_msrs(const struct vcpu *vcpu, struct vcpu_msrs *msrs, struct error *err)
{
	const struct kvm_msr_entry *refused;
	int done = ioctl(vcpu->fd, KVM_SET_MSRS, msrs);

	if (done < 0)
		return error_system(err, errno, "KVM: vCPU %u: KVM_SET_MSRS", vcpu->id);
	if ((uint32_t)done == msrs->nmsrs)
		return 0;
	refused = &msrs->entries[done];
	return error_set(err, EINVAL,
			 "KVM: vCPU %u: KVM_SET_MSRS: MSR 0x%" PRIx32 " cannot be 0x%" PRIx64,
			 vcpu->id, refused->index, (uint64_t)refused->data);
}

int vcpu_msrs_x86_restore(const struct vcpu *vcpu, const struct vcpu_msrs *msrs, struct error *err)
{
	struct vcpu_msrs copy = *msrs;

	copy.pad = 0;
	return write_msrs(vcpu, &copy, err);
}

int vcpu_msrs_x86_get(const struct vcpu *vcpu, uint32_t index, uint64_t *ret_value,
		      struct error *err)
{
	struct kvm_msr_entry entry = { 0 };
	int got = read_some(vcpu, &index, 1, &entry);

	if (got != 1)
		return error_system(err, got < 0 ? -got : EIO,
				    "KVM: vCPU %u: KVM_GET_MSRS: MSR 0x%" PRIx32, vcpu->id, index);
	*ret_value = entry.data;
	return 0;
}

int vcpu_msrs_x86_set(const struct vcpu *vcpu, uint32_t index, uint64_t value, struct error *err)
{
	struct vcpu_msrs msrs = { .nmsrs = 1 };

	msrs.entries[0] = (struct kvm_msr_entry){ .index = index, .data = value };
	return write_msrs(vcpu, &msrs, err);
}
