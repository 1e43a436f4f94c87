// SPDX-License-Identifier: Apache-2.0
/* MSRs of real vCPUs: which ones there are, read, written and refused. */
#include "vmm/kvm/vcpu_msrs_x86.h"

#include "tests/support/refuse_call.h"
#include "tests/support/small_guest.h"

#include <stdio.h>

TestSuite(vcpu_msrs_x86, .timeout = 15);

#define TSC 0x10
#define PRED_CMD 0x49
#define FLUSH_CMD 0x10b
#define SYSENTER_CS 0x174
#define SYSENTER_ESP 0x175
#define MTRR_FIX64K 0x250
#define MTRR_DEF_TYPE 0x2ff
#define TSC_DEADLINE 0x6e0
#define KERNEL_GS_BASE 0xc0000102
#define NOBODYS 0x12345678

static struct small_guest guest;
static struct vcpu_msr_list list;
static struct vcpu_msrs msrs;
static struct error err;

static void setup(void)
{
	static const uint8_t code[] = { 0xf4 };

	small_guest_init(&guest, code, sizeof(code));
	check_eq(vcpu_msrs_x86_list(&guest.kvm, &list, &err), 0, "%s", err.text);
}

static void teardown(void)
{
	small_guest_fini(&guest);
}

static unsigned times_listed(uint32_t index)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < list.n; i++)
		n += list.indices[i] == index;
	return n;
}

/* The saved value, or fails. */
static uint64_t saved(uint32_t index)
{
	for (uint32_t i = 0; i < msrs.nmsrs; i++)
		if (msrs.entries[i].index == index)
			return msrs.entries[i].data;
	cr_assert_fail("MSR 0x%x was not saved", index);
	return 0;
}

static void save(void)
{
	check_eq(vcpu_msrs_x86_save(&guest.vcpu, &list, &msrs, &err), 0, "%s", err.text);
}

static void set_msr(uint32_t index, uint64_t value)
{
	check_eq(vcpu_msrs_x86_set(&guest.vcpu, index, value, &err), 0, "%s", err.text);
}

static uint64_t get_msr(uint32_t index)
{
	uint64_t value;

	check_eq(vcpu_msrs_x86_get(&guest.vcpu, index, &value, &err), 0, "%s", err.text);
	return value;
}

Test(vcpu_msrs_x86, lists_what_is_state, .init = setup, .fini = teardown)
{
	static const uint32_t left_out[] = { TSC, TSC_DEADLINE, PRED_CMD, FLUSH_CMD };
	static const uint32_t listed[] = {
		SYSENTER_CS, KERNEL_GS_BASE, 0x200, 0x20f, MTRR_FIX64K,
		0x258,	     0x259,	     0x268, 0x26f, MTRR_DEF_TYPE
	};

	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
		check_eq(times_listed(left_out[i]), 0, "0x%x", left_out[i]);
	for (size_t i = 0; i < ARRAY_SIZE(listed); i++)
		check_eq(times_listed(listed[i]), 1, "0x%x", listed[i]);
}

/* Of a KVM that lists all that it has. */
Test(vcpu_msrs_x86, selects_what_is_state)
{
	static const uint32_t of_kvm[] = { TSC,		  SYSENTER_CS,	  PRED_CMD,
					   FLUSH_CMD,	  0x26f,	  TSC_DEADLINE,
					   MTRR_DEF_TYPE, KERNEL_GS_BASE, SYSENTER_CS };

	check_eq(vcpu_msrs_x86_select(of_kvm, ARRAY_SIZE(of_kvm), &list, &err), 0);
	check_eq(list.n, 2 + 28, "SYSENTER_CS, KERNEL_GS_BASE and the MTRRs");
	for (uint32_t i = 0; i < list.n; i++)
		check_eq(times_listed(list.indices[i]), 1, "0x%x", list.indices[i]);
	check_eq(times_listed(SYSENTER_CS), 1);
	check_eq(times_listed(KERNEL_GS_BASE), 1);
	check_eq(times_listed(MTRR_DEF_TYPE), 1);
}

/* bad input: Host resources: KVM lists more MSRs than there is room for -> the VM is not saved */
Test(vcpu_msrs_x86, selects_no_more_than_its_room)
{
	uint32_t of_kvm[VCPU_MSRS_MAX - 27];

	for (uint32_t i = 0; i < ARRAY_SIZE(of_kvm); i++)
		of_kvm[i] = 0x1000 + i;
	check_eq(vcpu_msrs_x86_select(of_kvm, ARRAY_SIZE(of_kvm) - 1, &list, &err), 0);
	check_eq(list.n, VCPU_MSRS_MAX);
	check_eq(vcpu_msrs_x86_select(of_kvm, ARRAY_SIZE(of_kvm), &list, &err), -E2BIG);
	check_contains(err.text, "more MSRs than mvmm knows (256)");
}

Test(vcpu_msrs_x86, list_is_refused, .init = setup, .fini = teardown)
{
	refuse_command(SYS_ioctl, KVM_GET_MSR_INDEX_LIST, E2BIG);
	check_eq(vcpu_msrs_x86_list(&guest.kvm, &list, &err), -E2BIG);
	check_contains(err.text, "KVM: KVM_GET_MSR_INDEX_LIST: ");
}

Test(vcpu_msrs_x86, come_back, .init = setup, .fini = teardown)
{
	set_msr(SYSENTER_CS, 0x10);
	set_msr(KERNEL_GS_BASE, 0xffff888012345678);
	set_msr(MTRR_DEF_TYPE, 0xc06);
	save();
	check_eq(saved(KERNEL_GS_BASE), 0xffff888012345678);
	set_msr(SYSENTER_CS, 0x20);
	set_msr(KERNEL_GS_BASE, 0);
	set_msr(MTRR_DEF_TYPE, 0);
	check_eq(vcpu_msrs_x86_check(&msrs, &list, 0, &err), 0, "%s", err.text);
	check_eq(vcpu_msrs_x86_restore(&guest.vcpu, &msrs, &err), 0, "%s", err.text);
	check_eq(get_msr(SYSENTER_CS), 0x10);
	check_eq(get_msr(KERNEL_GS_BASE), 0xffff888012345678);
	check_eq(get_msr(MTRR_DEF_TYPE), 0xc06);
}

/* What KVM refuses ends its list; those behind must not be lost, wherever it is. */
Test(vcpu_msrs_x86, refused_ones_are_left_out, .init = setup, .fini = teardown)
{
	struct vcpu_msr_list plain = list;
	uint32_t n;

	set_msr(MTRR_DEF_TYPE, 0xc06);
	save();
	n = msrs.nmsrs;
	list.n = 0;
	for (uint32_t i = 0; i < plain.n; i++) {
		if (i % 7 == 0)
			list.indices[list.n++] = NOBODYS + i;
		list.indices[list.n++] = plain.indices[i];
	}
	list.indices[list.n++] = NOBODYS - 1;
	list.indices[list.n++] = NOBODYS - 2;
	save();
	check_eq(msrs.nmsrs, n);
	check_eq(saved(MTRR_DEF_TYPE), 0xc06);
}

/*
 * bad input: Host resources: KVM cannot read an MSR that every processor has -> the save fails, and
 * the error names the MSR
 */
Test(vcpu_msrs_x86, needed_one_is_not_read, .init = setup, .fini = teardown)
{
	for (uint32_t i = 0; i < list.n; i++)
		if (list.indices[i] == KERNEL_GS_BASE)
			list.indices[i] = NOBODYS;
	check_eq(vcpu_msrs_x86_save(&guest.vcpu, &list, &msrs, &err), -EIO);
	check_contains(err.text, "vCPU 0: KVM_GET_MSRS does not read MSR 0xc0000102");
	check_eq(msrs.nmsrs, 0, "nothing was saved");
}

Test(vcpu_msrs_x86, ioctls_are_refused, .init = setup, .fini = teardown)
{
	uint64_t value;

	save();
	refuse_command(SYS_ioctl, KVM_GET_MSRS, EFAULT);
	refuse_command(SYS_ioctl, KVM_SET_MSRS, ENOMEM);
	check_eq(vcpu_msrs_x86_save(&guest.vcpu, &list, &msrs, &err), -EFAULT);
	check_str(err.text, "KVM: vCPU 0: KVM_GET_MSRS: Bad address");
	check_eq(vcpu_msrs_x86_get(&guest.vcpu, TSC, &value, &err), -EFAULT);
	check_str(err.text, "KVM: vCPU 0: KVM_GET_MSRS: MSR 0x10: Bad address");
	check_eq(vcpu_msrs_x86_restore(&guest.vcpu, &msrs, &err), -ENOMEM);
	check_str(err.text, "KVM: vCPU 0: KVM_SET_MSRS: Cannot allocate memory");
}

/*
 * bad input: Snapshots: a snapshot with a value of an MSR that KVM refuses -> the restore fails,
 * and the error names the MSR and the value
 */
Test(vcpu_msrs_x86, value_is_refused, .init = setup, .fini = teardown)
{
	uint64_t value;

	save();
	for (uint32_t i = 0; i < msrs.nmsrs; i++)
		if (msrs.entries[i].index == MTRR_DEF_TYPE)
			msrs.entries[i].data = UINT64_MAX;
	check_eq(vcpu_msrs_x86_restore(&guest.vcpu, &msrs, &err), -EINVAL);
	check_str(err.text, "KVM: vCPU 0: KVM_SET_MSRS: MSR 0x2ff cannot be 0xffffffffffffffff");
	check_eq(vcpu_msrs_x86_get(&guest.vcpu, NOBODYS, &value, &err), -EIO);
	check_contains(err.text, "KVM_GET_MSRS: MSR 0x12345678");
	check_eq(vcpu_msrs_x86_set(&guest.vcpu, NOBODYS, 1, &err), -EINVAL);
	check_contains(err.text, "KVM_SET_MSRS: MSR 0x12345678 cannot be 0x1");
}

/*
 * bad input: Snapshots: a snapshot with more MSRs than there can be -> refused before the number is
 * used
 */
Test(vcpu_msrs_x86, hostile_number, .init = setup, .fini = teardown)
{
	static const uint32_t numbers[] = { VCPU_MSRS_MAX + 1, 0x80000000, UINT32_MAX };

	save();
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		msrs.nmsrs = numbers[i];
		check_eq(vcpu_msrs_x86_check(&msrs, &list, 3, &err), -EINVAL);
		check_contains(err.text, "vCPU 3: ");
		check_contains(err.text, "MSRs; there are at most 256");
	}
	msrs.nmsrs = 0;
	check_eq(vcpu_msrs_x86_check(&msrs, &list, 3, &err), 0);
}

/*
 * bad input: Snapshots: a snapshot with an MSR that KVM does not list here, or that is restored by
 * other means -> refused; the error names the MSR
 */
Test(vcpu_msrs_x86, hostile_index, .init = setup, .fini = teardown)
{
	static const uint32_t indices[] = { NOBODYS, TSC, TSC_DEADLINE, PRED_CMD, UINT32_MAX };

	save();
	for (size_t i = 0; i < ARRAY_SIZE(indices); i++) {
		char text[64];

		msrs.entries[msrs.nmsrs - 1].index = indices[i];
		check_eq(vcpu_msrs_x86_check(&msrs, &list, 1, &err), -ENOTSUP);
		snprintf(text, sizeof(text), "vCPU 1: has MSR 0x%x,", indices[i]);
		check_contains(err.text, text);
	}
}
