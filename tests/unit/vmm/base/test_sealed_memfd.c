// SPDX-License-Identifier: Apache-2.0
/* vmm/base/sealed_memfd.c: what nobody can do any more. */
#include "vmm/base/sealed_memfd.h"

#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

Test(sealed_memfd, stays_as_it_is)
{
	int fd = sealed_memfd_make("test");
	char *mapped;

	cr_assert(fd >= 0);
	check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_eq(write(fd, "abc", 3), 3);
	check_eq(sealed_memfd_seal(fd), 0);
	check_eq(pwrite(fd, "x", 1, 0), -1);
	check_eq(errno, EPERM);
	check_eq(ftruncate(fd, 1), -1);
	check_eq(ftruncate(fd, 9), -1);
	check_eq(mmap(NULL, 3, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	check_eq(fcntl(fd, F_ADD_SEALS, 0), -1);
	mapped = mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	check_eq(mapped[1], 'b');
	mapped[1] = 'x';
	check_eq(pread(fd, mapped, 3, 0), 3);
	check_eq(mapped[1], 'b');
}

Test(sealed_memfd, mapped_for_stores)
{
	int fd = sealed_memfd_make("test");

	check_eq(write(fd, "abc", 3), 3);
	cr_assert(mmap(NULL, 3, PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
	check_eq(sealed_memfd_seal(fd), -EBUSY);
	check_eq(sealed_memfd_seal(-1), -EBADF);
}
