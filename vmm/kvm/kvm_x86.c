// SPDX-License-Identifier: Apache-2.0
/* ioctls on the VM that only x86 has. */
#include "vmm/kvm/kvm_x86.h"

#include "vmm/base/layout.h"

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

static bool has_capability(const struct kvm *kvm, int capability)
{
	return ioctl(kvm->dev_fd, KVM_CHECK_EXTENSION, capability) > 0;
}

int kvm_x86_prepare(const struct kvm *kvm, struct error *err)
{
	uint64_t identity_map = LAYOUT_KVM_IDENTITY_MAP;

	if (has_capability(kvm, KVM_CAP_SET_IDENTITY_MAP_ADDR) &&
	    ioctl(kvm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0)
		return error_system(err, errno, "KVM: cannot set the identity map address");
	if (has_capability(kvm, KVM_CAP_SET_TSS_ADDR) &&
	    ioctl(kvm->vm_fd, KVM_SET_TSS_ADDR, LAYOUT_KVM_TSS) < 0)
		return error_system(err, errno, "KVM: cannot set the TSS address");
	return 0;
}

int kvm_x86_remove_counters(const struct kvm *kvm, struct error *err)
{
	struct kvm_enable_cap capability = {
		.cap = KVM_CAP_PMU_CAPABILITY,
		.args = { KVM_PMU_CAP_DISABLE },
	};
	int can = ioctl(kvm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_PMU_CAPABILITY);

	if (can > 0 && can & KVM_PMU_CAP_DISABLE &&
	    ioctl(kvm->vm_fd, KVM_ENABLE_CAP, &capability) < 0)
		return error_system(err, errno, "KVM: cannot take the performance counters away");
	return 0;
}

bool kvm_x86_is_unmasked(const struct kvm *kvm, unsigned gsi)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	return ioctl(kvm->vm_fd, KVM_GET_IRQCHIP, &chip) < 0 ||
	       !chip.chip.ioapic.redirtbl[gsi].fields.mask;
}

int kvm_x86_mask_8259s(const struct kvm *kvm, struct error *err)
{
	static const uint32_t chips[] = { KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE };

	for (unsigned i = 0; i < 2; i++) {
		struct kvm_irqchip chip = { .chip_id = chips[i] };

		int ret = ioctl(kvm->vm_fd, KVM_GET_IRQCHIP, &chip);

		chip.chip.pic.imr = 0xff;
		if (ret < 0 || ioctl(kvm->vm_fd, KVM_SET_IRQCHIP, &chip) < 0)
			return error_system(err, errno,
					    "KVM: cannot mask the 8259 interrupt controllers");
	}
	return 0;
}
