// SPDX-License-Identifier: Apache-2.0
/* Maps guest RAM. */
#include "vmm/kvm/ram.h"

#include "vmm/base/aligned_map.h"
#include "vmm/base/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int ram_init(struct ram *ram, uint64_t size, struct guest_memory *mem, struct error *err)
{
	uint64_t low = size < LAYOUT_LOW_RAM_MAX ? size : LAYOUT_LOW_RAM_MAX;
	uint8_t *host = aligned_map(size, PROT_READ | PROT_WRITE);
	int ret;

	if (!host)
		return error_set(err, errno,
				 "--memory: cannot map %" PRIu64
				 " MiB of guest RAM: %s; give less, "
				 "or raise the limit on address space (ulimit -v)",
				 size >> 20, strerror(errno));
	madvise(host, size, MADV_DONTDUMP); /* where it is refused, core files have guest memory */
	*ram = (struct ram){ .host = host, .size = size, .base_fd = -1 };
	ret = guest_memory_add(mem, gpa(0), low, host, GUEST_RAM);
	if (ret == 0 && size > low)
		ret = guest_memory_add(mem, gpa(LAYOUT_ABOVE_4G), size - low, host + low,
				       GUEST_RAM);
	return ret < 0 ? error_system(err, -ret, "guest RAM") : 0;
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
	ram->host = NULL;
}
