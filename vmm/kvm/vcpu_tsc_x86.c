// SPDX-License-Identifier: Apache-2.0
/*
 * Saves and restores time-stamp counters. KVM takes a value that is written to a counter for an
 * attempt to synchronize it if the counters of the VM are within a second of it, and then keeps
 * their value (before Linux 6.8 even if nobody has written to any). Start reading at
 * vcpu_tsc_x86_restore.
 */
#include "vmm/kvm/vcpu_tsc_x86.h"

#include "vmm/kvm/vcpu_msrs_x86.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <sys/ioctl.h>

#define MSR_TSC 0x10

/* Guests cope with such a difference: NTP corrects twice as much. */
#define MAX_DIFFERENCE_PPM 250

static struct kvm_device_attr offset_attribute(uint64_t *offset)
{
	return (struct kvm_device_attr){
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)offset,
	};
}

/* False: this KVM does not know it. */
static bool get_offset(const struct vcpu *vcpu, uint64_t *ret_offset)
{
	struct kvm_device_attr attribute = offset_attribute(ret_offset);

	return ioctl(vcpu->fd, KVM_GET_DEVICE_ATTR, &attribute) == 0;
}

static int set_offset(const struct vcpu *vcpu, uint64_t offset, struct error *err)
{
	struct kvm_device_attr attribute = offset_attribute(&offset);

	if (ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &attribute) < 0)
		return error_system(err, errno, "KVM: vCPU %u: KVM_SET_DEVICE_ATTR: TSC offset",
				    vcpu->id);
	return 0;
}

static int get_khz(const struct vcpu *vcpu, uint32_t *ret_khz, struct error *err)
{
	int khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);

	if (khz < 0)
		return error_system(err, errno, "KVM: vCPU %u: KVM_GET_TSC_KHZ", vcpu->id);
	*ret_khz = (uint32_t)khz;
	return 0;
}

int vcpu_tsc_x86_save(const struct vcpu *vcpu, struct vcpu_tsc *ret_tsc, struct error *err)
{
	struct vcpu_tsc tsc = { 0 };
	int ret = get_khz(vcpu, &tsc.khz, err);

	if (ret == 0)
		ret = vcpu_msrs_x86_get(vcpu, MSR_TSC, &tsc.value, err);
	if (ret < 0)
		return ret;
	tsc.has_offset = get_offset(vcpu, &tsc.offset);
	*ret_tsc = tsc;
	return 0;
}

static bool is_near(uint32_t a, uint32_t b)
{
	uint64_t difference = a < b ? b - a : a - b;

	return difference * 1000000 <= (uint64_t)a * MAX_DIFFERENCE_PPM;
}

static int restore_khz(const struct vcpu *vcpu, const struct kvm *kvm, uint32_t khz,
		       struct error *err)
{
	uint32_t here = 0;
	int ret = get_khz(vcpu, &here, err);

	if (ret < 0 || is_near(here, khz))
		return ret;
	/* Without that, KVM takes a higher frequency, and falls behind between two exits. */
	if (ioctl(kvm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL) <= 0)
		return error_set(err, ENOTSUP,
				 "snapshot: vCPU %u: its TSC ran at %" PRIu32
				 " kHz, and at %" PRIu32
				 " kHz here, where the processor cannot scale it; restore it on a "
				 "host with the frequency of the save",
				 vcpu->id, khz, here);
	if (ioctl(vcpu->fd, KVM_SET_TSC_KHZ, (unsigned long)khz) < 0)
		return error_system(err, errno, "KVM: vCPU %u: KVM_SET_TSC_KHZ: %" PRIu32, vcpu->id,
				    khz);
	return 0;
}

/* A guest whose counter goes back waits for ever for its next timer. */
static int check_value(const struct vcpu *vcpu, uint64_t value, struct error *err)
{
	uint64_t here;
	int ret = vcpu_msrs_x86_get(vcpu, MSR_TSC, &here, err);

	if (ret == 0 && (int64_t)(here - value) < 0)
		return error_set(err, ENOTSUP,
				 "snapshot: vCPU %u: its TSC had counted to %" PRIu64
				 ", and KVM here leaves it at %" PRIu64
				 "; restore it on a host whose KVM can set TSCs, or on the host of "
				 "the save before that restarts",
				 vcpu->id, value, here);
	return ret;
}

int vcpu_tsc_x86_restore(const struct vcpu *vcpu, const struct vcpu_tsc *tsc, const struct kvm *kvm,
			 struct error *err)
{
	int ret = restore_khz(vcpu, kvm, tsc->khz, err);

	/* This value is far from any that is there, so the next one is no attempt to synchronize.
	 */
	if (ret == 0)
		ret = vcpu_msrs_x86_set(vcpu, MSR_TSC, tsc->value ^ 1ULL << 62, err);
	if (ret == 0)
		ret = vcpu_msrs_x86_set(vcpu, MSR_TSC, tsc->value, err);
	return ret < 0 ? ret : check_value(vcpu, tsc->value, err);
}

/*
 * Counters that are written one after the other would be apart by the time between. So this one
 * gets the offset of the first. Where KVM has none, it gets its value, by which KVM synchronizes
 * it.
 */
int vcpu_tsc_x86_follow(const struct vcpu *vcpu, const struct vcpu_tsc *tsc,
			const struct vcpu *first, const struct vcpu_tsc *first_tsc,
			const struct kvm *kvm, struct error *err)
{
	uint64_t offset;
	int ret = restore_khz(vcpu, kvm, tsc->khz, err);

	if (ret < 0)
		return ret;
	if (!get_offset(first, &offset))
		return vcpu_msrs_x86_set(vcpu, MSR_TSC, first_tsc->value, err);
	if (tsc->has_offset && first_tsc->has_offset)
		offset += tsc->offset - first_tsc->offset;
	return set_offset(vcpu, offset, err);
}
