// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the CPUID that KVM supports, changes it, and gives it to vCPUs. Start reading at
 * cpuid_x86_setup. Bits: Intel SDM and AMD APM, volume 3.
 */
#include "vmm/kvm/cpuid_x86.h"

#include "vmm/kvm/cpuid_features_x86.h"
#include "vmm/kvm/cpuid_topology_x86.h"

#include <asm/kvm_para.h>
#include <errno.h>
#include <sys/ioctl.h>

#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_ECX_HYPERVISOR (1u << 31)
#define CPUID_6_EAX_ARAT (1u << 2)

static int get_supported(const struct kvm *kvm, union cpuid_list *list, struct error *err)
{
	list->kvm.nent = CPUID_LIST_MAX;
	if (ioctl(kvm->dev_fd, KVM_GET_SUPPORTED_CPUID, list) < 0)
		return error_system(err, errno, "KVM: cannot read the supported CPUID");
	return 0;
}

/* What KVM's list leaves to its user. */
static void complete_leaf(struct kvm_cpuid_entry2 *e, bool tsc_deadline)
{
	switch (e->function) {
	case 0x1:
		e->ecx |= CPUID_1_ECX_HYPERVISOR;
		if (tsc_deadline)
			e->ecx |= CPUID_1_ECX_TSC_DEADLINE;
		break;
	case 0x6:
		e->eax |= CPUID_6_EAX_ARAT;
		break;
	case KVM_CPUID_FEATURES:
		/* The guest would wait for ever for a page that never comes: vcpu_retry_x86.h. */
		e->eax &= ~(1u << KVM_FEATURE_ASYNC_PF | 1u << KVM_FEATURE_ASYNC_PF_VMEXIT |
			    1u << KVM_FEATURE_ASYNC_PF_INT);
		break;
	}
}

static int set_cpuid(struct vcpu *vcpu, union cpuid_list *list,
		     const struct boot_topology *topology, struct error *err)
{
	cpuid_topology_x86_set(list, topology, vcpu->apic_id);
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, list) < 0)
		return error_system(err, errno, "KVM: vCPU %u: CPUID", vcpu->id);
	return 0;
}

int cpuid_x86_setup(struct vcpu *vcpus, unsigned n, const struct cpuid_x86 *cpuid,
		    const struct kvm *kvm, struct error *err)
{
	bool tsc_deadline = ioctl(kvm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	union cpuid_list list;
	int ret = get_supported(kvm, &list, err);

	if (ret == 0)
		ret = cpuid_topology_x86_add_levels(&list, err);
	if (ret == 0 && !cpuid->all_features)
		cpuid_features_x86_mask(&list);
	for (uint32_t i = 0; ret == 0 && i < list.kvm.nent; i++)
		complete_leaf(&list.kvm.entries[i], tsc_deadline);
	for (unsigned i = 0; i < n && ret == 0; i++)
		ret = set_cpuid(&vcpus[i], &list, &cpuid->topology, err);
	return ret;
}
