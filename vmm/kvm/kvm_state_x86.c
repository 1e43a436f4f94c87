// SPDX-License-Identifier: Apache-2.0
/* Saves and restores what the VM has beside its vCPUs. */
#include "vmm/kvm/kvm_state_x86.h"

#include "vmm/base/clock.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

static const struct {
	uint32_t id;
	const char *name;
} chips[KVM_STATE_CHIPS] = {
	{ KVM_IRQCHIP_PIC_MASTER, "first 8259" },
	{ KVM_IRQCHIP_PIC_SLAVE, "second 8259" },
	{ KVM_IRQCHIP_IOAPIC, "IOAPIC" },
};

static int save_chips(const struct kvm *kvm, struct kvm_state *state, struct error *err)
{
	for (unsigned i = 0; i < KVM_STATE_CHIPS; i++) {
		state->chips[i].chip_id = chips[i].id;
		if (ioctl(kvm->vm_fd, KVM_GET_IRQCHIP, &state->chips[i]) < 0)
			return error_system(err, errno, "KVM: KVM_GET_IRQCHIP: %s", chips[i].name);
	}
	return 0;
}

/* ENXIO: the VM has no PC timer, as all that mvmm makes. Its state then has none either. */
static int save_pit(const struct kvm *kvm, struct kvm_state *state, struct error *err)
{
	int ret = ioctl(kvm->vm_fd, KVM_GET_PIT2, &state->pit);

	state->has_pit = ret == 0;
	return ret < 0 && errno != ENXIO ? error_system(err, errno, "KVM: KVM_GET_PIT2") : 0;
}

/* KVM tells the time of day only where it has the guest's clock from the host's TSC. */
static int save_clock(const struct kvm *kvm, struct kvm_state *state, struct error *err)
{
	struct kvm_clock_data clock = { 0 };
	uint64_t now = clock_now_ns(CLOCK_REALTIME);

	if (ioctl(kvm->vm_fd, KVM_GET_CLOCK, &clock) < 0)
		return error_system(err, errno, "KVM: KVM_GET_CLOCK");
	state->clock = clock.clock;
	state->realtime = clock.flags & KVM_CLOCK_REALTIME ? clock.realtime : now;
	return 0;
}

int kvm_state_x86_save(const struct kvm *kvm, struct kvm_state *ret_state, struct error *err)
{
	struct kvm_state state;
	int ret;

	memset(&state, 0, sizeof(state)); /* padding, too */
	ret = save_clock(kvm, &state, err);
	if (ret == 0)
		ret = save_chips(kvm, &state, err);
	if (ret == 0)
		ret = save_pit(kvm, &state, err);
	if (ret == 0)
		*ret_state = state;
	return ret;
}

static int check(const struct kvm_state *state, struct error *err)
{
	uint64_t base = state->chips[KVM_STATE_CHIPS - 1].chip.ioapic.base_address;

	for (unsigned i = 0; i < KVM_STATE_CHIPS; i++)
		if (state->chips[i].chip_id != chips[i].id)
			return error_set(err, EINVAL,
					 "snapshot: interrupt controller %" PRIu32
					 " is in the place of the %s",
					 state->chips[i].chip_id, chips[i].name);
	if (base != LAYOUT_IOAPIC)
		return error_set(err, EINVAL,
				 "snapshot: the IOAPIC is at 0x%" PRIx64 "; its place is 0x%x",
				 base, LAYOUT_IOAPIC);
	if (state->has_pit > 1)
		return error_set(err, EINVAL, "snapshot: number of PC timers is %" PRIu64,
				 state->has_pit);
	return 0;
}

static int restore_chips(const struct kvm *kvm, const struct kvm_state *state, struct error *err)
{
	for (unsigned i = 0; i < KVM_STATE_CHIPS; i++) {
		struct kvm_irqchip chip = state->chips[i];

		chip.pad = 0;
		if (ioctl(kvm->vm_fd, KVM_SET_IRQCHIP, &chip) < 0)
			return error_system(err, errno, "KVM: KVM_SET_IRQCHIP: %s", chips[i].name);
	}
	return 0;
}

static int restore_pit(const struct kvm *kvm, const struct kvm_state *state, struct error *err)
{
	struct kvm_pit_state2 pit = state->pit;

	if (state->has_pit && ioctl(kvm->vm_fd, KVM_SET_PIT2, &pit) < 0)
		return error_system(err, errno, "KVM: KVM_SET_PIT2");
	return 0;
}

static bool can_advance(const struct kvm *kvm)
{
	int flags = ioctl(kvm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_ADJUST_CLOCK);

	return flags > 0 && flags & KVM_CLOCK_REALTIME;
}

static int restore_clock(const struct kvm *kvm, const struct kvm_state *state, bool realtime,
			 struct error *err)
{
	struct kvm_clock_data clock = { .clock = state->clock };

	if (realtime && !can_advance(kvm))
		return error_set(err, ENOTSUP,
				 "--restore clock=realtime: this host's KVM cannot advance the "
				 "guest's clock; leave it out, or use Linux 5.16 or newer");
	if (realtime) {
		clock.flags = KVM_CLOCK_REALTIME;
		clock.realtime = state->realtime;
	}
	if (ioctl(kvm->vm_fd, KVM_SET_CLOCK, &clock) < 0)
		return error_system(err, errno, "KVM: KVM_SET_CLOCK");
	return 0;
}

int kvm_state_x86_restore(const struct kvm *kvm, const struct kvm_state *state, bool realtime,
			  struct error *err)
{
	int ret = check(state, err);

	if (ret == 0)
		ret = restore_chips(kvm, state, err);
	if (ret == 0)
		ret = restore_pit(kvm, state, err);
	return ret < 0 ? ret : restore_clock(kvm, state, realtime, err);
}
