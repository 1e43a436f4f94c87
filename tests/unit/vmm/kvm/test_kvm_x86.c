// SPDX-License-Identifier: Apache-2.0
/* What only x86 needs of a VM, and KVMs that refuse it. */
#include "vmm/kvm/kvm_x86.h"

#include "tests/support/refuse_call.h"
#include "tests/support/small_guest.h"

TestSuite(kvm_x86, .timeout = 15);

static struct kvm kvm;
static struct error err;

static void setup(void)
{
	small_guest_need_kvm();
	check_eq(kvm_open(&kvm, "/dev/kvm", &err), 0, "%s", err.text);
}

static void teardown(void)
{
	kvm_close(&kvm);
}

/* kvm_open has prepared it, and once it has vCPUs that is too late. */
Test(kvm_x86, prepared_before_there_are_vcpus, .init = setup, .fini = teardown)
{
	int vcpu;

	check_eq(kvm_x86_prepare(&kvm, &err), 0, "%s", err.text);
	vcpu = ioctl(kvm.vm_fd, KVM_CREATE_VCPU, 0);
	cr_assert(vcpu >= 0);
	check_eq(kvm_x86_prepare(&kvm, &err), -EINVAL);
	check_str(err.text, "KVM: cannot set the identity map address: Invalid argument");
	close(vcpu);
}

Test(kvm_x86, identity_map_is_refused, .init = setup, .fini = teardown)
{
	refuse_command(SYS_ioctl, KVM_SET_IDENTITY_MAP_ADDR, ENOMEM);
	check_eq(kvm_x86_prepare(&kvm, &err), -ENOMEM);
	check_str(err.text, "KVM: cannot set the identity map address: Cannot allocate memory");
}

Test(kvm_x86, tss_is_refused, .init = setup, .fini = teardown)
{
	refuse_command(SYS_ioctl, KVM_SET_TSS_ADDR, ENOMEM);
	check_eq(kvm_x86_prepare(&kvm, &err), -ENOMEM);
	check_str(err.text, "KVM: cannot set the TSS address: Cannot allocate memory");
}

Test(kvm_x86, both_8259s_are_masked, .init = setup, .fini = teardown)
{
	static const uint32_t chips[] = { KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE };

	check_eq(kvm_add_irqchips(&kvm, &err), 0, "%s", err.text);
	for (size_t i = 0; i < ARRAY_SIZE(chips); i++) {
		struct kvm_irqchip chip = { .chip_id = chips[i] };

		check_eq(ioctl(kvm.vm_fd, KVM_GET_IRQCHIP, &chip), 0);
		check_eq(chip.chip.pic.imr, 0xff, "chip %zu", i);
	}
}

Test(kvm_x86, no_8259s, .init = setup, .fini = teardown)
{
	cr_assert(kvm_x86_mask_8259s(&kvm, &err) < 0, "there are none yet");
	check_contains(err.text, "KVM: cannot mask the 8259 interrupt controllers: ");
}

Test(kvm_x86, masks_are_refused, .init = setup, .fini = teardown)
{
	refuse_command(SYS_ioctl, KVM_SET_IRQCHIP, EINVAL);
	check_eq(kvm_add_irqchips(&kvm, &err), -EINVAL);
	check_str(err.text, "KVM: cannot mask the 8259 interrupt controllers: Invalid argument");
}
