/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of boot/ share: guest memory, files that need no cleaning up, a kernel made by
 * hand, and a way to run tools such as dtc.
 */
#pragma once

#include "boot/boot.h"
#include "vmm/base/error.h"
#include "vmm/base/guest_memory.h"
#include "vmm/base/layout.h"

#include <asm/bootparam.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1ull << 20)

extern char **environ;

/* @size bytes of zeroed RAM at 0; never unmapped, each test is a process. */
static inline struct guest_memory fixture_ram(uint64_t size)
{
	struct guest_memory mem = { .count = 0 };
	void *host = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	cr_assert_neq(host, MAP_FAILED);
	cr_assert_eq(guest_memory_add(&mem, gpa(0), size, host, GUEST_RAM), 0);
	return mem;
}

struct fixture_file {
	int fd;
	char path[32];
};

/* A file in memory with these bytes, which a program that we run can open by its path as well. */
static inline struct fixture_file fixture_file(const void *data, size_t len)
{
	struct fixture_file f;

	f.fd = memfd_create("fixture", 0);
	cr_assert(f.fd >= 0);
	cr_assert_eq(pwrite(f.fd, data, len, 0), (ssize_t)len);
	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
	return f;
}

/* The same file, as boot/ takes it. */
static inline struct input_file fixture_open(const char *option, const char *path)
{
	struct input_file file;
	struct error err;

	cr_assert_eq(input_file_open(&file, option, path, &err), 0, "%s", err.text);
	return file;
}

#define FIXTURE_SETUP_BYTES 1024
#define FIXTURE_BODY_BYTES 4096
#define FIXTURE_BZIMAGE_BYTES (FIXTURE_SETUP_BYTES + FIXTURE_BODY_BYTES)

/* A sound bzImage of protocol 2.15: one sector of setup code, a body of 0xc3. */
struct fixture_bzimage {
	uint8_t bytes[FIXTURE_BZIMAGE_BYTES];
};

static inline struct setup_header *fixture_header(struct fixture_bzimage *k)
{
	return (struct setup_header *)(void *)(k->bytes + 0x1f1);
}

static inline struct fixture_bzimage fixture_bzimage(void)
{
	static struct fixture_bzimage k;
	struct setup_header *h = fixture_header(&k);

	memset(&k, 0, sizeof(k));
	memset(k.bytes + FIXTURE_SETUP_BYTES, 0xc3, FIXTURE_BODY_BYTES);
	h->setup_sects = 1;
	h->syssize = FIXTURE_BODY_BYTES / 16;
	h->boot_flag = 0xaa55;
	h->jump = 0x6aeb;
	h->header = 0x53726448;
	h->version = 0x020f;
	h->loadflags = LOADED_HIGH;
	h->initrd_addr_max = 0x7fffffff;
	h->kernel_alignment = 0x200000;
	h->relocatable_kernel = 1;
	h->xloadflags = XLF_KERNEL_64;
	h->cmdline_size = 2047;
	h->pref_address = 0x1000000;
	h->init_size = 0x100000;
	return k;
}

/* A machine with all kinds of devices; @slots of virtio-mmio. */
static inline struct boot_machine fixture_machine(enum boot_platform platform, unsigned cpus,
						  unsigned slots)
{
	struct boot_machine m = {
		.ram_size = 64 * MIB, .cpus = cpus, .topology = { 1, cpus, 1 }, .platform = platform
	};

	m.devices[m.n_devices++] = (struct boot_device){ .kind = BOOT_DEVICE_SERIAL,
							 .addr = LAYOUT_SERIAL_PORT,
							 .size = LAYOUT_SERIAL_PORTS,
							 .gsi = LAYOUT_SERIAL_GSI };
	m.devices[m.n_devices++] = (struct boot_device){ .kind = BOOT_DEVICE_POWER,
							 .addr = LAYOUT_POWER_BASE,
							 .size = LAYOUT_POWER_SIZE,
							 .gsi = LAYOUT_POWER_GSI };
	m.devices[m.n_devices++] = (struct boot_device){ .kind = BOOT_DEVICE_EXIT,
							 .addr = LAYOUT_EXIT_BASE,
							 .size = LAYOUT_EXIT_SIZE };
	m.devices[m.n_devices++] = (struct boot_device){ .kind = BOOT_DEVICE_PANIC,
							 .addr = LAYOUT_PANIC_BASE,
							 .size = LAYOUT_PANIC_SIZE };
	for (unsigned i = 0; i < slots; i++)
		m.devices[m.n_devices++] = boot_virtio_device(i, "virtio-pmem");
	return m;
}

#define FIXTURE_OUTPUT 0x8000

/*
 * Runs a program with its output and errors in @output, and returns its exit status. The test
 * fails if the program is not there: it is needed, and scripts/install-deps installs it.
 */
static inline int fixture_run(char output[FIXTURE_OUTPUT], const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int out = memfd_create("output", 0);
	int status = -1;
	ssize_t n;
	pid_t pid;

	cr_assert(out >= 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	cr_assert_eq(posix_spawnp(&pid, argv[0], &actions, NULL, (char **)(uintptr_t)argv, environ),
		     0, "cannot run %s; see scripts/install-deps", argv[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	posix_spawn_file_actions_destroy(&actions);
	n = pread(out, output, FIXTURE_OUTPUT - 1, 0);
	cr_assert(n >= 0);
	output[n] = '\0';
	close(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The same, for a program that must succeed. */
#define FIXTURE_RUN(output, ...)                                                                   \
	do {                                                                                       \
		const char *const argv_[] = { __VA_ARGS__, NULL };                                 \
		int status_ = fixture_run(output, argv_);                                          \
		cr_assert_eq(status_, 0, "%s: status %d\n%s", argv_[0], status_, output);          \
	} while (0)

/* The file @name of @size bytes, which begins with these @len bytes. */
static inline void fixture_named_file(const char *name, const void *bytes, size_t len, off_t size)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);

	cr_assert(fd >= 0);
	cr_assert_eq(pwrite(fd, bytes, len, 0), (ssize_t)len);
	cr_assert_eq(ftruncate(fd, size), 0);
	close(fd);
}

/* A directory of its own under /tmp; the test removes what it puts there. */
static inline void fixture_directory(char path[32])
{
	snprintf(path, 32, "/tmp/mvmm-test-XXXXXX");
	cr_assert_not_null(mkdtemp(path));
}

static inline void fixture_remove(const char *directory)
{
	char output[FIXTURE_OUTPUT];

	FIXTURE_RUN(output, "rm", "-rf", directory);
}
