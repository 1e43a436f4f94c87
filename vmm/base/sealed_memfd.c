// SPDX-License-Identifier: Apache-2.0
/* memfd_create(2) and the seals of fcntl(2). */
#include "vmm/base/sealed_memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

/* From Linux 6.3 on, and for headers that are older. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

int sealed_memfd_make(const char *name)
{
	/* A host can be set up so that no other kind is made (vm.memfd_noexec). */
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd < 0 ? -errno : fd;
}

int sealed_memfd_seal(int fd)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}
