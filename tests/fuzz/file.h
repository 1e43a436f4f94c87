/* SPDX-License-Identifier: Apache-2.0 */
/* A file in memory whose contents are the input, and RAM to load it to. */
#pragma once

#include "boot/input_file.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/base/guest_memory.h"

#include <sys/mman.h>
#include <unistd.h>

/* Gives the one file these contents; what is returned is borrowed. */
static inline const struct input_file *fuzz_file(const uint8_t *data, size_t size)
{
	static char path[32];
	static struct input_file file = { .fd = -1, .what = "--kernel", .path = path };

	if (file.fd < 0) {
		file.fd = memfd_create("input", MFD_CLOEXEC);
		fuzz_check(file.fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file.fd);
	}
	fuzz_check(pwrite(file.fd, data, size, 0) == (ssize_t)size);
	fuzz_check(ftruncate(file.fd, (off_t)size) == 0);
	file.size = size;
	return &file;
}

#define FUZZ_RAM_SIZE (64ULL << 20)
#define FUZZ_LOW_RAM_END 0x100000ULL

/*
 * RAM from 0 to FUZZ_RAM_SIZE, zeroed again by each call. A kernel has no business below 1 MiB or
 * behind the end: touching either is a crash.
 */
static inline const struct guest_memory *fuzz_ram(void)
{
	static struct guest_memory memory;
	static uint8_t *ram;

	if (!ram) {
		ram = mmap(NULL, FUZZ_RAM_SIZE + FUZZ_LOW_RAM_END, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		fuzz_check(ram != MAP_FAILED);
		fuzz_check(mprotect(ram + FUZZ_LOW_RAM_END, FUZZ_RAM_SIZE - FUZZ_LOW_RAM_END,
				    PROT_READ | PROT_WRITE) == 0);
		guest_memory_add(&memory, gpa(0), FUZZ_RAM_SIZE, ram, GUEST_RAM);
	}
	madvise(ram + FUZZ_LOW_RAM_END, FUZZ_RAM_SIZE - FUZZ_LOW_RAM_END, MADV_DONTNEED);
	return &memory;
}
