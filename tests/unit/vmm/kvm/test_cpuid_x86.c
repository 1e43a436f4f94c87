// SPDX-License-Identifier: Apache-2.0
/* What CPUID tells the guest: of this host, read back from KVM, and of processors made up. */
#include "vmm/kvm/cpuid_x86.h"

#include "tests/support/refuse_call.h"
#include "tests/support/small_guest.h"
#include "vmm/kvm/kvm_x86.h"

#include <asm/kvm_para.h>
#include <stdarg.h>

TestSuite(cpuid_x86, .timeout = 15);

#define MAX_CPUS 8
#define MAX_LEAVES 200

static struct kvm kvm;
static struct bus bus;
static struct vcpu vcpus[MAX_CPUS];
static struct error err;

static void make_vcpus(unsigned n)
{
	small_guest_need_kvm();
	check_eq(kvm_open(&kvm, "/dev/kvm", &err), 0, "%s", err.text);
	check_eq(kvm_add_irqchips(&kvm, &err), 0, "%s", err.text);
	for (unsigned i = 0; i < n; i++)
		check_eq(vcpu_init(&vcpus[i], i, i, &kvm, &bus, &bus, &small_guest_vcpu_ops, &err),
			 0, "%s", err.text);
}

static bool all_features;

static int set_up_all(struct vcpu *list, unsigned n, const struct kvm *with)
{
	const struct cpuid_x86 cpuid = { { 1, n, 1 }, all_features };

	return cpuid_x86_setup(list, n, &cpuid, with, &err);
}

static void start(unsigned n)
{
	make_vcpus(n);
	check_eq(set_up_all(vcpus, n, &kvm), 0, "%s", err.text);
}

static void free_vcpus(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		vcpu_fini(&vcpus[i]);
	kvm_close(&kvm);
}

struct leaves {
	struct kvm_cpuid2 list;
	struct kvm_cpuid_entry2 room[MAX_LEAVES];
};

static struct leaves given, supported;

/* By index from 0; NULL behind the last. */
static const struct kvm_cpuid_entry2 *next_leaf(const struct leaves *leaves, uint32_t function,
						unsigned *index)
{
	while (*index < leaves->list.nent) {
		const struct kvm_cpuid_entry2 *e = &leaves->room[(*index)++];

		if (e->function == function)
			return e;
	}
	return NULL;
}

static const struct kvm_cpuid_entry2 *find(const struct leaves *leaves, uint32_t function,
					   uint32_t subleaf)
{
	const struct kvm_cpuid_entry2 *e;
	unsigned i = 0;

	while ((e = next_leaf(leaves, function, &i)))
		if (e->index == subleaf)
			return e;
	return NULL;
}

static void read_leaves(const struct vcpu *vcpu)
{
	given.list.nent = supported.list.nent = MAX_LEAVES;
	check_eq(ioctl(vcpu->fd, KVM_GET_CPUID2, &given), 0);
	check_eq(ioctl(kvm.dev_fd, KVM_GET_SUPPORTED_CPUID, &supported), 0);
}

/* Those that every processor with KVM has. */
static const struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t subleaf)
{
	const struct kvm_cpuid_entry2 *e = find(&given, function, subleaf);

	cr_assert(e, "leaf 0x%x, %u is not there", function, subleaf);
	return e;
}

/*
 * A KVM of any processor: what it supports, and in @given what a vCPU is given. ioctl is the whole
 * program's, and goes to the kernel but for this one.
 */
#define FAKE_FD 0x7fff0000

static int fake_has_deadline, fake_counters, fake_refuses;
static struct kvm_enable_cap fake_enabled;

static int fake_kvm(unsigned long request, void *arg)
{
	switch (request) {
	case KVM_GET_SUPPORTED_CPUID:
		memcpy(arg, &supported,
		       sizeof(supported.list) + supported.list.nent * sizeof(supported.room[0]));
		return 0;
	case KVM_SET_CPUID2:
		memcpy(&given, arg,
		       sizeof(given.list) + supported.list.nent * sizeof(given.room[0]));
		return 0;
	case KVM_CHECK_EXTENSION:
		if ((uintptr_t)arg == KVM_CAP_PMU_CAPABILITY)
			return fake_counters;
		return (uintptr_t)arg == KVM_CAP_TSC_DEADLINE_TIMER ? fake_has_deadline : 0;
	case KVM_ENABLE_CAP:
		memcpy(&fake_enabled, arg, sizeof(fake_enabled));
		errno = fake_refuses;
		return fake_refuses ? -1 : 0;
	}
	cr_assert_fail("ioctl 0x%lx", request);
	return -1;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return fd == FAKE_FD ? fake_kvm(request, arg) : (int)syscall(SYS_ioctl, fd, request, arg);
}

/* vCPU @id of @n of a processor with these leaves, and no others. */
static void set_up(const struct kvm_cpuid_entry2 *leaves, unsigned n_leaves, unsigned id,
		   unsigned n)
{
	const struct kvm fake = { .dev_fd = FAKE_FD };
	struct vcpu list[MAX_CPUS];

	/* The last one that is set up is the one that is looked at. */
	for (unsigned i = 0; i < n; i++)
		list[i] = (struct vcpu){ .apic_id = (id + 1 + i) % n, .fd = FAKE_FD };
	supported.list.nent = n_leaves;
	memcpy(supported.room, leaves, n_leaves * sizeof(leaves[0]));
	check_eq(set_up_all(list, n, &fake), 0, "%s", err.text);
	check_eq(given.list.nent, n_leaves);
}

/* The guest's clocks go on in each state of the processor, and interrupt by deadline if KVM can. */
Test(cpuid_x86, timers_and_threads)
{
	static const struct kvm_cpuid_entry2 leaves[] = {
		{ .function = 1, .ebx = 0xffff0812, .ecx = 1, .edx = 0xffdfffff },
		{ .function = 6, .eax = 0x70, .ebx = 5 },
		{ .function = 7, .eax = 1, .ebx = 2, .ecx = 3, .edx = 4 },
	};

	set_up(leaves, ARRAY_SIZE(leaves), 0, 1);
	check_eq(leaf(1, 0)->ebx, 0x00010812);
	check_eq(leaf(1, 0)->ecx, 0x80000001);
	check_eq(leaf(1, 0)->edx, 0xefdfffff, "no other threads");
	check_eq(leaf(6, 0)->eax, 0x74);
	check_eq(leaf(6, 0)->ebx, 5);
	check_eq(memcmp(leaf(7, 0), &leaves[2], sizeof(leaves[2])), 0);
	fake_has_deadline = 1;
	set_up(leaves, ARRAY_SIZE(leaves), 2, 3);
	check_eq(leaf(1, 0)->ebx, 0x02030812);
	check_eq(leaf(1, 0)->ecx, 0x81000001);
	check_eq(leaf(1, 0)->edx, 0xffdfffff);
}

/* cpuid_features_x86.c has the list. */
Test(cpuid_x86, features_are_masked_unless_all_are_wanted)
{
	static const struct kvm_cpuid_entry2 leaves[] = {
		{ .function = 0x80000001, .ecx = 6 },
		{ .function = 0xa, .eax = 2 },
	};

	set_up(leaves, ARRAY_SIZE(leaves), 0, 1);
	check_eq(leaf(0x80000001, 0)->ecx, 2, "no SVM");
	check_eq(leaf(0xa, 0)->eax, 0);
	all_features = true;
	set_up(leaves, ARRAY_SIZE(leaves), 0, 1);
	check_eq(leaf(0x80000001, 0)->ecx, 6);
	check_eq(leaf(0xa, 0)->eax, 2);
}

/* By a KVM that can: not this host's, perhaps. */
Test(cpuid_x86, counters_are_taken_away)
{
	const struct kvm fake = { .dev_fd = FAKE_FD, .vm_fd = FAKE_FD };

	fake_refuses = EINVAL;
	check_eq(kvm_x86_remove_counters(&fake, &err), 0, "Linux before 5.18");
	fake_counters = 2;
	check_eq(kvm_x86_remove_counters(&fake, &err), 0, "it can do something else");
	check_eq(fake_enabled.cap, 0);
	fake_counters = 3;
	check_eq(kvm_x86_remove_counters(&fake, &err), -EINVAL);
	check_str(err.text, "KVM: cannot take the performance counters away: Invalid argument");
	check_eq(fake_enabled.cap, KVM_CAP_PMU_CAPABILITY);
	check_eq(fake_enabled.args[0], KVM_PMU_CAP_DISABLE);
	fake_refuses = 0;
	check_eq(kvm_x86_remove_counters(&fake, &err), 0);
}

/* A guest that is told of such pages would wait for those that never come. */
Test(cpuid_x86, no_asynchronous_page_faults)
{
	const struct kvm_cpuid_entry2 *e;
	unsigned i = 0;

	start(1);
	read_leaves(&vcpus[0]);
	e = next_leaf(&given, KVM_CPUID_FEATURES, &i);
	cr_assert(e);
	check_eq(e->eax & (1u << 4 | 1u << 10 | 1u << 14), 0);
	check_eq(e->eax >> KVM_FEATURE_CLOCKSOURCE2 & 1, 1, "others stay");
	cr_assert(next_leaf(&given, KVM_CPUID_FEATURES, &i) == NULL);
	free_vcpus(1);
}

/* On this host too, each vCPU knows its place among the others: test_cpuid_topology_x86.c has all.
 */
Test(cpuid_x86, topology)
{
	start(3);
	for (unsigned i = 0; i < 3; i++) {
		read_leaves(&vcpus[i]);
		check_eq(leaf(1, 0)->ebx >> 24, i, "APIC id");
		check_eq(leaf(1, 0)->ebx >> 16 & 0xff, 3);
		check_eq(leaf(0xb, 0)->ebx, 1);
		check_eq(leaf(0xb, 1)->ebx, 3);
		check_eq(leaf(0xb, 1)->eax, 2);
		check_eq(leaf(0xb, 1)->edx, i);
		check_eq(leaf(0x80000008, 0)->ecx & 0xff, 2);
	}
	free_vcpus(3);
}

/* All else is as KVM supports it. */
Test(cpuid_x86, others_are_as_supported)
{
	unsigned same = 0;

	start(2);
	read_leaves(&vcpus[1]);
	for (unsigned i = 0; i < supported.list.nent; i++) {
		const struct kvm_cpuid_entry2 *a = &supported.room[i], *b;

		b = leaf(a->function, a->index);
		if (a->function != 0x80000000 && a->function != 0x40000000)
			continue;
		same++;
		check_eq(a->eax, b->eax);
		check_eq(a->ebx, b->ebx);
		check_eq(a->ecx, b->ecx);
		check_eq(a->edx, b->edx);
	}
	check_eq(same, 2);
	free_vcpus(2);
}

Test(cpuid_x86, list_cannot_be_read)
{
	make_vcpus(1);
	refuse_command(SYS_ioctl, KVM_GET_SUPPORTED_CPUID, E2BIG);
	check_eq(set_up_all(vcpus, 1, &kvm), -E2BIG);
	check_str(err.text, "KVM: cannot read the supported CPUID: Argument list too long");
	free_vcpus(1);
}

Test(cpuid_x86, list_cannot_be_set)
{
	make_vcpus(2);
	refuse_command(SYS_ioctl, KVM_SET_CPUID2, EINVAL);
	check_eq(set_up_all(vcpus, 2, &kvm), -EINVAL);
	check_str(err.text, "KVM: vCPU 0: CPUID: Invalid argument");
	free_vcpus(2);
}
