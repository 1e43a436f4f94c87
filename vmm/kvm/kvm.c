// SPDX-License-Identifier: Apache-2.0
/* ioctls on /dev/kvm and the VM. */
#include "vmm/kvm/kvm.h"

#include "vmm/base/array.h"
#include "vmm/base/container_of.h"
#include "vmm/base/file_argument.h"
#include "vmm/kvm/kvm_x86.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int open_device(const char *path, struct error *err)
{
	int fd;

	if (file_argument_is_fd(path))
		return file_argument_take("--kvm", path, O_RDWR, err);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return error_set(err, ENOENT,
				 "%s: not there; load kvm_intel or kvm_amd, and switch "
				 "virtualization on in the firmware",
				 path);
	if (errno == EACCES)
		return error_set(err, EACCES,
				 "%s: no permission; add the user to its group (usually "
				 "kvm), or run as root",
				 path);
	return error_system(err, errno, "%s", path);
}

static int check_capabilities(int fd, const char *path, struct error *err)
{
	static const struct {
		int cap;
		const char *name;
	} needed[] = {
		{ KVM_CAP_USER_MEMORY, "user memory" },
		{ KVM_CAP_IRQCHIP, "in-kernel interrupt controllers" },
		{ KVM_CAP_IOEVENTFD, "ioeventfd" },
		{ KVM_CAP_READONLY_MEM, "read-only memory slots" },
		{ KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
	};

	if (ioctl(fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return error_set(
			err, ENOTSUP,
			"%s: is not KVM, or has an unknown API version; give --kvm the path of KVM's device",
			path);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (ioctl(fd, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return error_set(err, ENOTSUP,
					 "%s: this kernel's KVM lacks %s; Linux 5.10 or newer has "
					 "it",
					 path, needed[i].name);
	return 0;
}

static int vm_ioctl(struct kvm *kvm, unsigned long request, void *arg, const char *name,
		    struct error *err)
{
	if (ioctl(kvm->vm_fd, request, arg) < 0)
		return error_system(err, errno, "KVM: %s", name);
	return 0;
}

static int create_vm(struct kvm *kvm, struct error *err)
{
	do {
		kvm->vm_fd = ioctl(kvm->dev_fd, KVM_CREATE_VM, 0);
	} while (kvm->vm_fd < 0 && errno == EINTR);
	if (kvm->vm_fd < 0) {
		kvm->vm_fd = 0;
		return error_system(err, errno, "KVM: cannot create a VM");
	}
	return kvm_x86_prepare(kvm, err);
}

int kvm_open(struct kvm *kvm, const char *path, struct error *err)
{
	int ret;

	memset(kvm, 0, sizeof(*kvm));
	ret = open_device(path, err);
	if (ret < 0)
		return ret;
	kvm->dev_fd = ret;
	ret = check_capabilities(kvm->dev_fd, path, err);
	if (ret == 0)
		ret = create_vm(kvm, err);
	if (ret < 0) {
		kvm_close(kvm);
		return ret;
	}
	kvm->run_size = ioctl(kvm->dev_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	kvm->max_slots = (unsigned)ioctl(kvm->dev_fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	return 0;
}

void kvm_close(struct kvm *kvm)
{
	if (kvm->vm_fd > 0)
		close(kvm->vm_fd);
	if (kvm->dev_fd > 0)
		close(kvm->dev_fd);
	memset(kvm, 0, sizeof(*kvm));
}

int kvm_add_slot(struct kvm *kvm, uint64_t start, uint64_t size, void *host, bool readonly,
		 struct error *err)
{
	struct kvm_userspace_memory_region slot = {
		.slot = kvm->n_slots,
		.flags = readonly ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = start,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	if (kvm->n_slots == kvm->max_slots)
		return error_set(err, ENOSPC,
				 "hypervisor has no free memory slots left (KVM has %u)",
				 kvm->max_slots);
	if (ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return error_system(err, errno,
				    "KVM: memory slot of 0x%" PRIx64 " bytes at 0x%" PRIx64, size,
				    start);
	kvm->n_slots++;
	return 0;
}

void kvm_remove_slots(struct kvm *kvm, unsigned keep)
{
	while (kvm->n_slots > keep) {
		/* A slot of size 0 is removed. */
		struct kvm_userspace_memory_region slot = { .slot = --kvm->n_slots };

		ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot);
	}
}

int kvm_add_irqchips(struct kvm *kvm, struct error *err)
{
	int ret = vm_ioctl(kvm, KVM_CREATE_IRQCHIP, NULL, "interrupt controllers", err);

	return ret < 0 ? ret : kvm_x86_mask_8259s(kvm, err);
}

static int pulse(struct interrupt_line *line)
{
	const struct kvm_line *l = container_of(line, struct kvm_line, line);

	for (unsigned level = 2; level--;) {
		struct kvm_irq_level request = { .irq = l->gsi, .level = level };

		if (ioctl(l->vm_fd, KVM_IRQ_LINE, &request) < 0)
			return -errno;
	}
	return 0;
}

void kvm_line_init(struct kvm_line *line, const struct kvm *kvm, uint32_t gsi)
{
	*line = (struct kvm_line){ .line.pulse = pulse, .vm_fd = kvm->vm_fd, .gsi = gsi };
}

static struct kvm_ioeventfd doorbell(uint64_t addr, uint32_t value, int fd, uint32_t flags)
{
	return (struct kvm_ioeventfd){
		.addr = addr,
		.len = sizeof(value),
		.datamatch = value,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH | flags,
	};
}

int kvm_add_doorbell(struct kvm *kvm, uint64_t addr, uint32_t value, int fd, struct error *err)
{
	struct kvm_ioeventfd bell = doorbell(addr, value, fd, 0);

	return vm_ioctl(kvm, KVM_IOEVENTFD, &bell, "ioeventfd", err);
}

void kvm_remove_doorbell(struct kvm *kvm, uint64_t addr, uint32_t value, int fd)
{
	struct kvm_ioeventfd bell = doorbell(addr, value, fd, KVM_IOEVENTFD_FLAG_DEASSIGN);

	ioctl(kvm->vm_fd, KVM_IOEVENTFD, &bell);
}
