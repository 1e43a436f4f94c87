// SPDX-License-Identifier: Apache-2.0
/* The width of physical addresses, as KVM tells it its guests. */
#include "vmm/kvm/phys_bits_x86.h"

#include "tests/support/small_guest.h"

Test(phys_bits_x86, is_what_kvm_says)
{
	static union {
		struct kvm_cpuid2 list;
		uint8_t room[sizeof(struct kvm_cpuid2) + 256 * sizeof(struct kvm_cpuid_entry2)];
	} cpuid = { .list.nent = 256 };
	struct error err = { 0 };
	unsigned seen = 0;
	struct kvm kvm;

	small_guest_need_kvm();
	check_eq(kvm_open(&kvm, "/dev/kvm", &err), 0, "%s", err.text);
	check_eq(ioctl(kvm.dev_fd, KVM_GET_SUPPORTED_CPUID, &cpuid), 0);
	for (unsigned i = 0; i < cpuid.list.nent; i++) {
		uint32_t eax = cpuid.list.entries[i].eax;

		if (cpuid.list.entries[i].function != 0x80000008)
			continue;
		seen++;
		check_eq(phys_bits(), eax >> 16 & 0xff ? eax >> 16 & 0xff : eax & 0xff);
	}
	check_eq(seen, 1);
	cr_assert(phys_bits() >= 36 && phys_bits() <= 52);
	kvm_close(&kvm);
}
