// SPDX-License-Identifier: Apache-2.0
/*
 * Saves and restores a vCPU. The order matters; what must come before what is said at each step.
 * Start reading at vcpu_state_x86_save and restore_one. Bits: Intel SDM volumes 3 and 4, AMD APM
 * volume 2.
 */
#include "vmm/kvm/vcpu_state_x86.h"

#include "vmm/base/array.h"
#include "vmm/kvm/cpuid_fit_x86.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#define CR4_VMXE (1ULL << 13)
#define EFER_SVME (1ULL << 12)
#define MSR_TSC_DEADLINE 0x6e0

#define APIC_IRR 0x200
#define APIC_LVT_TIMER 0x320
#define APIC_VECTOR 0xff

/* A part of the state that an ioctl reads and another one writes. */
struct part {
	unsigned long get, set;
	const char *get_name, *set_name;
	size_t offset;
};

#define PART(name, member)                                                                         \
	{                                                                                          \
		KVM_GET_##name, KVM_SET_##name, "KVM_GET_" #name, "KVM_SET_" #name,                \
			offsetof(struct vcpu_state, member)                                        \
	}

/*
 * MP_STATE comes first in a save, because reading it carries out the INIT and start-up messages
 * that came from other vCPUs, which changes registers.
 */
static const struct part registers[] = {
	PART(MP_STATE, mp_state),
	PART(REGS, regs),
	PART(SREGS2, sregs),
	{ KVM_GET_XSAVE2, KVM_SET_XSAVE, "KVM_GET_XSAVE2", "KVM_SET_XSAVE",
	  offsetof(struct vcpu_state, xsave) },
	PART(XCRS, xcrs),
	PART(DEBUGREGS, debugregs),
};
static const struct part lapic = PART(LAPIC, lapic);
static const struct part events = PART(VCPU_EVENTS, events);

static int call_kvm(const struct vcpu *vcpu, unsigned long request, void *arg, const char *name,
		    struct error *err)
{
	if (ioctl(vcpu->fd, request, arg) < 0)
		return error_system(err, errno, "KVM: vCPU %u: %s", vcpu->id, name);
	return 0;
}

static int get_part(const struct vcpu *vcpu, const struct part *part, struct vcpu_state *state,
		    struct error *err)
{
	void *to = (uint8_t *)state + part->offset;

	return call_kvm(vcpu, part->get, to, part->get_name, err);
}

/* KVM only reads it, but takes a pointer to what is not constant. */
static int set_part(const struct vcpu *vcpu, const struct part *part,
		    const struct vcpu_state *state, struct error *err)
{
	uintptr_t from = (uintptr_t)state + part->offset;

	/* A processor without XSAVE has none, and KVM then refuses to set none. */
	if (part->set == KVM_SET_XCRS && state->xcrs.nr_xcrs == 0)
		return 0;
	return call_kvm(vcpu, part->set, (void *)from, part->set_name, err);
}

int vcpu_state_x86_probe(const struct kvm *kvm, struct vcpu_state_host *ret_host, struct error *err)
{
	static const struct {
		int cap;
		const char *name;
	} needed[] = {
		{ KVM_CAP_MP_STATE, "KVM_GET_MP_STATE" },
		{ KVM_CAP_SREGS2, "KVM_GET_SREGS2" },
		{ KVM_CAP_XSAVE2, "KVM_GET_XSAVE2" },
		{ KVM_CAP_DEBUGREGS, "KVM_GET_DEBUGREGS" },
		{ KVM_CAP_VCPU_EVENTS, "KVM_GET_VCPU_EVENTS" },
		{ KVM_CAP_GET_TSC_KHZ, "KVM_GET_TSC_KHZ" },
		{ KVM_CAP_ADJUST_CLOCK, "KVM_GET_CLOCK" },
	};
	int size = ioctl(kvm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
	struct vcpu_state_host host = {
		.xsave_size = (uint32_t)size,
	};
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (ioctl(kvm->dev_fd, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return error_set(err, ENOTSUP,
					 "snapshots: this host's KVM lacks %s; Linux 5.17 or newer "
					 "has it",
					 needed[i].name);
	if (host.xsave_size > VCPU_STATE_XSAVE_MAX)
		return error_set(err, ENOTSUP,
				 "snapshots: the vector registers of this host's processor take "
				 "%" PRIu32 " bytes; mvmm saves up to %u",
				 host.xsave_size, VCPU_STATE_XSAVE_MAX);
	ret = vcpu_msrs_x86_list(kvm, &host.msrs, err);
	if (ret == 0)
		*ret_host = host;
	return ret;
}

/* State of a hypervisor is in KVM, and no part of this. */
static int check_not_nested(const struct vcpu *vcpu, const struct kvm_sregs2 *sregs,
			    struct error *err)
{
	const char *what = sregs->cr4 & CR4_VMXE     ? "CR4.VMXE"
			   : sregs->efer & EFER_SVME ? "EFER.SVME"
						     : NULL;

	if (!what)
		return 0;
	return error_set(err, ENOTSUP,
			 "vCPU %u: runs a hypervisor of the guest's (%s is set), which cannot be "
			 "saved; start the VM without --cpu-features host, or unload it in the "
			 "guest",
			 vcpu->id, what);
}

/* Whether the interrupt of the APIC's own timer waits to be served. */
static bool timer_is_pending(const struct kvm_lapic_state *state)
{
	uint32_t entry, word;
	uint8_t vector;

	memcpy(&entry, state->regs + APIC_LVT_TIMER, sizeof(entry));
	vector = entry & APIC_VECTOR;
	/* A word for 32 vectors, one in 16 bytes. */
	memcpy(&word, state->regs + APIC_IRR + vector / 32 * 16UL, sizeof(word));
	return word >> vector % 32 & 1;
}

/*
 * The deadline becomes 0 when KVM passes the timer's interrupt on, which it may do within any
 * ioctl: between the two reads, it would be in neither. So the deadline is read before and after
 * the APIC.
 */
static int save_lapic(const struct vcpu *vcpu, struct vcpu_state *state, struct error *err)
{
	uint64_t after;
	int ret = vcpu_msrs_x86_get(vcpu, MSR_TSC_DEADLINE, &state->tsc_deadline, err);

	if (ret == 0)
		ret = get_part(vcpu, &lapic, state, err);
	if (ret == 0)
		ret = vcpu_msrs_x86_get(vcpu, MSR_TSC_DEADLINE, &after, err);
	if (ret == 0 && after == 0 && timer_is_pending(&state->lapic))
		state->tsc_deadline = 0;
	return ret;
}

int vcpu_state_x86_save(const struct vcpu *vcpu, const struct vcpu_state_host *host,
			struct vcpu_state *state, struct error *err)
{
	int ret = 0;

	assert(vcpu_is_parked(vcpu));
	if (vcpu->unfinished)
		return error_set(err, EBUSY,
				 "vCPU %u: waits for memory that the host could not supply, in the "
				 "middle of an instruction; let the VM go on, and save it then",
				 vcpu->id);
	memset(state, 0, sizeof(*state));
	state->id = vcpu->id;
	state->apic_id = vcpu->apic_id;
	state->xsave_size = host->xsave_size;
	state->cpuid.nent = CPUID_LIST_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(registers) && ret == 0; i++)
		ret = get_part(vcpu, &registers[i], state, err);
	if (ret == 0)
		ret = check_not_nested(vcpu, &state->sregs, err);
	if (ret == 0)
		ret = save_lapic(vcpu, state, err);
	if (ret == 0)
		ret = vcpu_tsc_x86_save(vcpu, &state->tsc, err);
	if (ret == 0)
		ret = call_kvm(vcpu, KVM_GET_CPUID2, &state->cpuid, "KVM_GET_CPUID2", err);
	if (ret == 0)
		ret = vcpu_msrs_x86_save(vcpu, &host->msrs, &state->msrs, err);
	/* What is on its way into the guest, which the APIC has handed over. */
	return ret < 0 ? ret : get_part(vcpu, &events, state, err);
}

static int check_mp_state(const struct vcpu_state *state, struct error *err)
{
	switch (state->mp_state.mp_state) {
	case KVM_MP_STATE_RUNNABLE:
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_HALTED:
	case KVM_MP_STATE_SIPI_RECEIVED:
		return 0;
	}
	return error_set(err, EINVAL, "snapshot: vCPU %u: MP state %" PRIu32 " is unknown",
			 state->id, state->mp_state.mp_state);
}

static int check(const struct vcpu *vcpu, const struct vcpu_state_host *host,
		 const struct cpuid_leaves *cpuid, const struct vcpu_state *state,
		 struct error *err)
{
	int ret;

	if (state->id != vcpu->id || state->apic_id != vcpu->apic_id)
		return error_set(err, EINVAL,
				 "snapshot: vCPU %" PRIu32 " with APIC id %" PRIu32
				 " is in the place of vCPU %u with APIC id %u",
				 state->id, state->apic_id, vcpu->id, vcpu->apic_id);
	/* A smaller one is the beginning of a larger one. */
	if (state->xsave_size > host->xsave_size)
		return error_set(err, ENOTSUP,
				 "snapshot: vCPU %u: %" PRIu32
				 " bytes of vector registers, and this host's KVM takes %" PRIu32
				 "; restore it on a processor of the same kind",
				 vcpu->id, state->xsave_size, host->xsave_size);
	ret = check_mp_state(state, err);
	if (ret == 0)
		ret = cpuid_fit_x86_check(&state->cpuid, cpuid, vcpu->id, err);
	if (ret == 0)
		ret = vcpu_msrs_x86_check(&state->msrs, &host->msrs, vcpu->id, err);
	return ret;
}

static int restore_tsc(const struct vcpu *vcpus, unsigned i, const struct kvm *kvm,
		       const struct vcpu_state *states, struct error *err)
{
	if (i == 0)
		return vcpu_tsc_x86_restore(&vcpus[0], &states[0].tsc, kvm, err);
	return vcpu_tsc_x86_follow(&vcpus[i], &states[i].tsc, &vcpus[0], &states[0].tsc, kvm, err);
}

/*
 * Tells the guest through kvmclock that it was stopped. Otherwise its watchdog would take the time
 * since the save for a lock-up. EINVAL: this guest does not use kvmclock, so it cannot be told.
 */
static int tell_of_pause(const struct vcpu *vcpu, struct error *err)
{
	if (ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0) < 0 && errno != EINVAL)
		return error_system(err, errno, "KVM: vCPU %u: KVM_KVMCLOCK_CTRL", vcpu->id);
	return 0;
}

/* CPUID comes first: KVM refuses registers and bits of features that CPUID lacks. */
static int restore_cpuid(const struct vcpu *vcpu, const struct vcpu_state *state, struct error *err)
{
	uintptr_t cpuid = (uintptr_t)&state->cpuid;

	return call_kvm(vcpu, KVM_SET_CPUID2, (void *)cpuid, "KVM_SET_CPUID2", err);
}

static int restore_one(const struct vcpu *vcpu, const struct vcpu_state *state, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(registers) && ret == 0; i++)
		ret = set_part(vcpu, &registers[i], state, err);
	/* Disarms what an earlier guest of this vCPU had armed; setting the APIC would start it. */
	if (ret == 0)
		ret = vcpu_msrs_x86_set(vcpu, MSR_TSC_DEADLINE, 0, err);
	/* After the special registers, which hold the APIC's address and whether it is on. */
	if (ret == 0)
		ret = set_part(vcpu, &lapic, state, err);
	if (ret == 0)
		ret = vcpu_msrs_x86_restore(vcpu, &state->msrs, err);
	/* After the APIC: setting it disarms the timer, and its mode decides if this has effect. */
	if (ret == 0)
		ret = vcpu_msrs_x86_set(vcpu, MSR_TSC_DEADLINE, state->tsc_deadline, err);
	if (ret == 0)
		ret = set_part(vcpu, &events, state, err);
	return ret < 0 ? ret : tell_of_pause(vcpu, err);
}

/* INIT and start-up messages that are on their way would reach a guest that did not send them. */
static int drop_messages(const struct vcpu *vcpu, struct error *err)
{
	struct kvm_mp_state state;

	return call_kvm(vcpu, KVM_GET_MP_STATE, &state, "KVM_GET_MP_STATE", err);
}

/* With their CPUID, unless they @ran: KVM does not change it then. */
static int put(const struct vcpu *vcpus, unsigned n, const struct kvm *kvm,
	       const struct vcpu_state *states, bool ran, struct error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < n && ran && ret == 0; i++)
		ret = drop_messages(&vcpus[i], err);
	/* All counters before the first APIC, whose timer may go by them. */
	for (unsigned i = 0; i < n && ret == 0; i++)
		ret = restore_tsc(vcpus, i, kvm, states, err);
	for (unsigned i = 0; i < n && ret == 0; i++) {
		if (!ran)
			ret = restore_cpuid(&vcpus[i], &states[i], err);
		if (ret == 0)
			ret = restore_one(&vcpus[i], &states[i], err);
	}
	return ret;
}

int vcpu_state_x86_put_back(const struct vcpu *vcpus, unsigned n, const struct kvm *kvm,
			    const struct vcpu_state *states, struct error *err)
{
	return put(vcpus, n, kvm, states, true, err);
}

int vcpu_state_x86_restore(const struct vcpu *vcpus, unsigned n, const struct kvm *kvm,
			   const struct vcpu_state_host *host, const struct vcpu_state *states,
			   struct error *err)
{
	struct cpuid_leaves cpuid = { .nent = CPUID_LIST_MAX };
	int ret = call_kvm(&vcpus[0], KVM_GET_CPUID2, &cpuid, "KVM_GET_CPUID2", err);

	for (unsigned i = 0; i < n && ret == 0; i++)
		ret = check(&vcpus[i], host, &cpuid, &states[i], err);
	return ret < 0 ? ret : put(vcpus, n, kvm, states, false, err);
}
