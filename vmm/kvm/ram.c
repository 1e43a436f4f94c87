// SPDX-License-Identifier: Apache-2.0
/* Maps guest RAM. */
#include "vmm/kvm/ram.h"

#include "vmm/base/aligned_map.h"
#include "vmm/base/layout.h"
#include "vmm/base/sealed_memfd.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t low_size(uint64_t size)
{
	return size < LAYOUT_LOW_RAM_MAX ? size : LAYOUT_LOW_RAM_MAX;
}

/* Where that is refused, core files have guest memory. */
static void leave_out_of_core_files(const struct ram *ram)
{
	madvise(ram->host, ram->size, MADV_DONTDUMP);
}

static int map_memfd(const struct ram *ram, int flags)
{
	void *host = mmap(ram->host, ram->size, PROT_READ | PROT_WRITE,
			  flags | MAP_FIXED | MAP_NORESERVE, ram->memfd, 0);

	if (host == MAP_FAILED)
		return -errno;
	leave_out_of_core_files(ram);
	return 0;
}

static int make_memfd(struct ram *ram)
{
	int fd = sealed_memfd_make("mvmm-ram");

	if (fd < 0)
		return fd;
	ram->memfd = ram->base_fd = fd;
	ram->base_offsets[1] = low_size(ram->size);
	ram->base_size = ram->size;
	ram->shared = true;
	if (ftruncate(fd, (off_t)ram->size) < 0)
		return -errno;
	return map_memfd(ram, MAP_SHARED);
}

static int add_regions(const struct ram *ram, struct guest_memory *mem, struct error *err)
{
	uint64_t low = low_size(ram->size);
	uint8_t *host = ram->host;
	int ret = guest_memory_add(mem, gpa(0), low, host, GUEST_RAM);

	if (ret == 0 && ram->size > low)
		ret = guest_memory_add(mem, gpa(LAYOUT_ABOVE_4G), ram->size - low, host + low,
				       GUEST_RAM);
	return ret < 0 ? error_system(err, -ret, "guest RAM") : 0;
}

int ram_init(struct ram *ram, uint64_t size, bool fork, struct guest_memory *mem, struct error *err)
{
	uint8_t *host = aligned_map(size, PROT_READ | PROT_WRITE);
	int ret;

	if (!host)
		return error_set(err, errno,
				 "--memory: cannot map %" PRIu64
				 " MiB of guest RAM: %s; give less, "
				 "or raise the limit on address space (ulimit -v)",
				 size >> 20, strerror(errno));
	*ram = (struct ram){ .host = host, .size = size, .base_fd = -1 };
	leave_out_of_core_files(ram);
	ret = fork ? make_memfd(ram) : 0;
	if (ret < 0)
		return error_set(err, -ret,
				 "--memory fork=on: cannot make a memfd of %" PRIu64 " MiB: %s",
				 size >> 20, strerror(-ret));
	return add_regions(ram, mem, err);
}

int ram_freeze(struct ram *ram, struct error *err)
{
	int ret;

	if (!ram->shared)
		return 0;
	ret = map_memfd(ram, MAP_PRIVATE);
	if (ret < 0)
		return error_system(err, -ret, "cannot map guest RAM anew");
	ram->shared = false;
	ret = sealed_memfd_seal(ram->memfd);
	return ret < 0 ? error_system(err, -ret, "cannot seal guest RAM") : 0;
}

bool ram_has_lost_its_file(const struct ram *ram)
{
	struct stat st;

	return ram->base_fd >= 0 && fstat(ram->base_fd, &st) == 0 &&
	       (uint64_t)st.st_size < ram->base_size;
}

void ram_fini(struct ram *ram)
{
	if (ram->host)
		munmap(ram->host, ram->size);
	if (ram->memfd)
		close(ram->memfd);
	*ram = (struct ram){ 0 };
}
