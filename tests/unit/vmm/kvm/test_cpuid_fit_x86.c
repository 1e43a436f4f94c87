// SPDX-License-Identifier: Apache-2.0
/* Saved CPUIDs that fit and that do not. */
#include "vmm/kvm/cpuid_fit_x86.h"

#include "tests/support/small_guest.h"
#include "vmm/kvm/cpuid_x86.h"

#include <asm/kvm_para.h>
#include <stdio.h>

TestSuite(cpuid_fit_x86, .timeout = 15);

#define INDEXED KVM_CPUID_FLAG_SIGNIFCANT_INDEX
#define OSXSAVE (1u << 27)
#define AVX (1u << 28)
#define VMX (1u << 5)

static struct cpuid_leaves host, saved;
static struct error err;

static void add_leaf(struct cpuid_leaves *list, struct kvm_cpuid_entry2 e)
{
	list->entries[list->nent++] = e;
}

static void make_leaves(void)
{
	host.nent = saved.nent = 0;
	add_leaf(&host, (struct kvm_cpuid_entry2){ .function = 0x1, .ecx = AVX, .edx = 0xff });
	add_leaf(&host,
		 (struct kvm_cpuid_entry2){ .function = 0x7, .flags = INDEXED, .ebx = 0xf0 });
	add_leaf(&host, (struct kvm_cpuid_entry2){
				.function = 0x7, .index = 1, .flags = INDEXED, .eax = 0x3 });
	add_leaf(&host, (struct kvm_cpuid_entry2){ .function = 0x80000008, .eax = 0x3028 });
}

static int check(void)
{
	return cpuid_fit_x86_check(&saved, &host, 2, &err);
}

static void expect_refusal(struct kvm_cpuid_entry2 e, const char *says)
{
	make_leaves();
	saved = host;
	add_leaf(&saved, e);
	check_eq(check(), -ENOTSUP, "%s", says);
	check_contains(err.text, "vCPU 2: ");
	check_contains(err.text, says);
	add_leaf(&host, e);
}

Test(cpuid_fit_x86, same_and_fewer_features_fit)
{
	make_leaves();
	check_eq(check(), 0, "none at all");
	saved = host;
	check_eq(check(), 0, "%s", err.text);
	saved.entries[1].ebx = 0x10;
	check_eq(check(), 0, "%s", err.text);
}

/*
 * bad input: Snapshots: a snapshot with a processor feature that the processor, KVM or
 * --cpu-features do not offer here -> refused; the error names the CPUID leaf and the bits
 */
Test(cpuid_fit_x86, other_features)
{
	expect_refusal((struct kvm_cpuid_entry2){ .function = 0x1, .ecx = AVX | VMX },
		       "CPUID leaf 0x1.0 ECX bits 0x20;");
	expect_refusal((struct kvm_cpuid_entry2){ .function = 0x7, .flags = INDEXED, .ebx = 0x1f0 },
		       "CPUID leaf 0x7.0 EBX bits 0x100;");
	expect_refusal(
		(struct kvm_cpuid_entry2){
			.function = 0x7, .index = 1, .flags = INDEXED, .eax = 0x4 },
		"CPUID leaf 0x7.1 EAX bits 0x4;");
	expect_refusal((struct kvm_cpuid_entry2){ .function = KVM_CPUID_FEATURES, .eax = 1 << 4 },
		       "CPUID leaf 0x40000001.0 EAX bits 0x10;");
	expect_refusal((struct kvm_cpuid_entry2){ .function = 0x80000001, .ecx = 4 },
		       "CPUID leaf 0x80000001.0 ECX bits 0x4;");
}

/* KVM takes an entry without the flag for every subleaf. */
Test(cpuid_fit_x86, subleaf_without_its_flag)
{
	expect_refusal((struct kvm_cpuid_entry2){ .function = 0x7, .index = 9, .ebx = 0x100 },
		       "CPUID leaf 0x7.0 EBX bits 0x100;");
	make_leaves();
	add_leaf(&saved, (struct kvm_cpuid_entry2){
				 .function = 0x7, .index = 9, .flags = INDEXED, .ebx = 0x100 });
	check_eq(check(), 0, "%s", err.text);
}

Test(cpuid_fit_x86, whole_leaves)
{
	static const uint32_t functions[] = { 0xa,  0x12,	0x14,	    0x1c,
					      0x23, 0x8000001b, 0x8000001f, 0x80000022 };

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		char says[64];

		snprintf(says, sizeof(says), "CPUID leaf 0x%x;", functions[i]);
		expect_refusal((struct kvm_cpuid_entry2){ .function = functions[i], .edx = 1 },
			       says);
		check_eq(check(), 0, "the host has it now");
		make_leaves();
		add_leaf(&saved, (struct kvm_cpuid_entry2){ .function = functions[i] });
		check_eq(check(), 0, "it is empty");
	}
}

/* What KVM and the topology set is no feature of the processor. */
Test(cpuid_fit_x86, bits_that_are_none)
{
	make_leaves();
	add_leaf(&saved, (struct kvm_cpuid_entry2){
				 .function = 0x1, .ecx = OSXSAVE | 1u << 3, .edx = 1u << 28 });
	add_leaf(&saved,
		 (struct kvm_cpuid_entry2){ .function = 0x7, .flags = INDEXED, .ecx = 1u << 4 });
	add_leaf(&saved, (struct kvm_cpuid_entry2){ .function = 0x80000001, .ecx = 1u << 1 });
	check_eq(check(), 0, "%s", err.text);
}

Test(cpuid_fit_x86, physical_address_bits)
{
	expect_refusal((struct kvm_cpuid_entry2){ .function = 0x80000008, .eax = 0x3029 },
		       "has 41 bits of physical address, and 40 here");
}

/*
 * bad input: Snapshots: a snapshot with more CPUID leaves than there can be -> refused before the
 * number is used
 */
Test(cpuid_fit_x86, hostile_number)
{
	static const uint32_t numbers[] = { CPUID_LIST_MAX + 1, 0x80000000, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		saved.nent = numbers[i];
		check_eq(check(), -EINVAL);
		check_contains(err.text, "vCPU 2: ");
		check_contains(err.text, "CPUID leaves; there are at most 256");
	}
}

/* What mvmm gives a vCPU of this host fits this host, and what it masks does not. */
Test(cpuid_fit_x86, real_vcpu)
{
	static const uint8_t code[] = { 0xf4 };
	static struct small_guest guest;
	const struct cpuid_x86 cpuid = { { 1, 1, 1 }, false };

	small_guest_init(&guest, code, sizeof(code));
	check_eq(cpuid_x86_setup(&guest.vcpu, 1, &cpuid, &guest.kvm, &err), 0, "%s", err.text);
	host.nent = CPUID_LIST_MAX;
	check_eq(ioctl(guest.vcpu.fd, KVM_GET_CPUID2, &host), 0);
	saved = host;
	check_eq(ioctl(guest.vcpu.fd, KVM_SET_CPUID2, &saved), 0);
	check_eq(ioctl(guest.vcpu.fd, KVM_GET_CPUID2, &saved), 0);
	check_eq(check(), 0, "%s", err.text);
	for (uint32_t i = 0; i < saved.nent; i++)
		if (saved.entries[i].function == 0x1)
			saved.entries[i].ecx |= VMX;
	check_eq(check(), -ENOTSUP);
	check_contains(err.text, "CPUID leaf 0x1.0 ECX bits 0x20;");
	small_guest_fini(&guest);
}
