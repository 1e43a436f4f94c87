// SPDX-License-Identifier: Apache-2.0
/* Maps the pages and gives them to KVM. */
#include "vmm/kvm/register_pages.h"

#include "vmm/base/layout.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (LAYOUT_VMGENID_BASE + LAYOUT_VMGENID_SIZE - (uint64_t)LAYOUT_VIRTIO_BASE)

int register_pages_init(struct register_pages *pages, struct kvm *kvm, struct error *err)
{
	void *host = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd;

	*pages = (struct register_pages){ 0 };
	if (host == MAP_FAILED)
		return error_system(err, errno, "cannot map the devices' registers");
	pages->host = host;
	fd = eventfd(0, EFD_CLOEXEC);
	if (fd < 0)
		return error_system(err, errno, "cannot make an eventfd");
	pages->acknowledge_fd = fd;
	return kvm_add_slot(kvm, LAYOUT_VIRTIO_BASE, SIZE, host, true, err);
}

void *register_pages_get(const struct register_pages *pages, unsigned number)
{
	return pages->host + (uint64_t)number * LAYOUT_VIRTIO_SIZE;
}

void *register_pages_vmgenid(const struct register_pages *pages)
{
	return register_pages_get(pages, LAYOUT_VIRTIO_SLOTS);
}

void register_pages_fini(struct register_pages *pages)
{
	if (pages->host)
		munmap(pages->host, SIZE);
	if (pages->acknowledge_fd > 0)
		close(pages->acknowledge_fd);
	*pages = (struct register_pages){ 0 };
}
