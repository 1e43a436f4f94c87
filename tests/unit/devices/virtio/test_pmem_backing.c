// SPDX-License-Identifier: Apache-2.0
/* Every kind of file that somebody may give as a disk. Start reading at the table of sizes. */
#include "devices/virtio/pmem_backing.h"

#include "tests/support/check.h"
#include "tests/support/core_dump.h"
#include "tests/support/driver.h"
#include "tests/support/open_descriptors.h"
#include "tests/support/refuse_call.h"
#include "vmm/base/aligned_map.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

TestSuite(pmem_backing, .timeout = 10);

#define MIB (1ULL << 20)
#define TMPFS "/dev/shm"

static char dir[] = "/tmp/mvmm-test-XXXXXX";
static char path[64];

static void setup(void)
{
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/disk", dir);
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
}

static void make_file(uint64_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);

	cr_assert(fd >= 0);
	check_eq(ftruncate(fd, (off_t)size), 0);
	close(fd);
}

static uint64_t size_of(const char *name)
{
	struct stat st;

	check_eq(stat(name, &st), 0);
	return (uint64_t)st.st_size;
}

static struct pmem_backing_options options(uint64_t size, bool readonly, bool share)
{
	return (struct pmem_backing_options){
		.path = path, .size = size, .readonly = readonly, .share = share
	};
}

/* Fails with @code and a line that names the file and @part; leaves nothing open. */
static void expect_failure(const struct pmem_backing_options *opt, int code, const char *part)
{
	struct pmem_backing backing = { 0 };
	struct error err = { 0 };
	unsigned before = open_descriptors();

	errno = 0;
	check_eq(pmem_backing_open(&backing, opt, &err), -code, "%s", err.text);
	check_contains(err.text, opt->path);
	check_contains(err.text, part);
	cr_assert(!backing.host, "untouched on failure");
	check_eq(open_descriptors(), before);
}

static void open_ok(struct pmem_backing *backing, const struct pmem_backing_options *opt)
{
	struct error err = { 0 };

	check_eq(pmem_backing_open(backing, opt, &err), 0, "%s", err.text);
	check_eq((uintptr_t)backing->host % ALIGNED_MAP_ALIGN, 0);
}

static bool all_zero(const uint8_t *bytes, uint64_t len)
{
	return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/*
 * bad input: Backing file: an image whose size is not a multiple of 4 KiB or of 2 MiB -> the guest
 * sees a size rounded up to 2 MiB, the rest reads as zero, and the file keeps its size
 */
Test(pmem_backing, sizes, .init = setup, .fini = teardown)
{
	static const struct {
		uint64_t file, opt, used, seen, writable;
	} cases[] = {
		{ 2 * MIB, 0, 2 * MIB, 2 * MIB, 2 * MIB },
		{ 1, 0, 1, 2 * MIB, 0 },
		{ 4095, 0, 4095, 2 * MIB, 0 },
		{ 4096, 0, 4096, 2 * MIB, 4096 },
		{ 4097, 0, 4097, 2 * MIB, 4096 },
		{ 2 * MIB - 1, 0, 2 * MIB - 1, 2 * MIB, 2 * MIB - 4096 },
		{ 2 * MIB + 1, 0, 2 * MIB + 1, 4 * MIB, 2 * MIB },
		{ 3 * MIB, 0, 3 * MIB, 4 * MIB, 3 * MIB },
		{ 4 * MIB, 2 * MIB, 2 * MIB, 2 * MIB, 2 * MIB },
		{ 4 * MIB, 4096, 4096, 2 * MIB, 4096 },
		{ 4 * MIB, 4 * MIB, 4 * MIB, 4 * MIB, 4 * MIB },
		{ 4097, 4097, 4097, 2 * MIB, 4096 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (unsigned kind = 0; kind < 4; kind++) {
			bool readonly = kind & 1, share = kind & 2;
			struct pmem_backing_options opt = options(cases[i].opt, readonly, share);
			struct pmem_backing backing;
			uint64_t writable = readonly ? 0
					    : share  ? cases[i].writable
						     : cases[i].seen;

			make_file(cases[i].file);
			open_ok(&backing, &opt);
			check_eq(backing.file_size, cases[i].used, "case %zu", i);
			check_eq(backing.size, cases[i].seen, "case %zu", i);
			check_eq(backing.writable_size, writable, "case %zu, kind %u", i, kind);
			cr_assert(all_zero(backing.host, backing.size), "reads as zero");
			pmem_backing_close(&backing);
			check_eq(size_of(path), cases[i].file, "unchanged");
		}
	}
}

Test(pmem_backing, shared_stores_reach_the_file, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);
	struct pmem_backing backing;
	char text[4] = "";
	void *mapped;
	int fd;

	dup2(open("/dev/null", O_RDONLY), 0);
	make_file(3 * MIB);
	open_ok(&backing, &opt);
	memcpy(backing.host + 2 * MIB, "abc", 3);
	fd = open(path, O_RDONLY);
	check_eq(pread(fd, text, 3, 2 * MIB), 3);
	check_str(text, "abc");
	close(fd);
	mapped = backing.host;
	pmem_backing_close(&backing);
	cr_assert(!backing.host);
	check_eq(msync(mapped, 4096, MS_ASYNC), -1, "not mapped any more");
	/* Taken twice, as a zeroed one is; descriptor 0 is not ours to close. */
	pmem_backing_close(&backing);
	cr_assert(fcntl(0, F_GETFD) >= 0);
}

Test(pmem_backing, private_stores_stay_private, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, false);
	struct pmem_backing backing;
	char byte = 'x';
	int fd;

	make_file(4097);
	check_eq(chmod(path, 0444), 0);
	open_ok(&backing, &opt);
	memset(backing.host, 'p', backing.size);
	check_eq(is_dumped(backing.host), false);
	check_eq(is_dumped(backing.host + backing.size - 1), false);
	check_eq(backing.host[backing.size - 1], 'p');
	fd = open(path, O_RDONLY);
	check_eq(pread(fd, &byte, 1, 0), 1);
	check_eq(byte, 0);
	close(fd);
	pmem_backing_close(&backing);
	check_eq(size_of(path), 4097);
}

/* Whatever maps the memory, the host itself cannot store there. */
static void store_to_readonly(bool share)
{
	struct pmem_backing_options opt = options(0, true, share);
	struct pmem_backing backing;

	make_file(4096);
	open_ok(&backing, &opt);
	unlink(path);
	rmdir(dir);
	*(volatile uint8_t *)backing.host = 1;
}

/*
 * bad input: Backing file: a store to a disk with readonly=on, by mvmm itself -> not even mvmm can
 * store to it, because the image is mapped read-only
 */
Test(pmem_backing, readonly_is_mapped_readonly, .init = setup, .signal = SIGSEGV)
{
	store_to_readonly(true);
}

Test(pmem_backing, readonly_private_is_mapped_readonly, .init = setup, .signal = SIGSEGV)
{
	store_to_readonly(false);
}

Test(pmem_backing, readonly_behind_the_file_is_mapped_readonly, .init = setup, .signal = SIGSEGV)
{
	struct pmem_backing_options opt = options(0, true, true);
	struct pmem_backing backing;

	make_file(4096);
	open_ok(&backing, &opt);
	unlink(path);
	rmdir(dir);
	*(volatile uint8_t *)(backing.host + 8192) = 1;
}

/*
 * bad input: Backing file: the image is missing -> refused with the way out, and no file is made;
 * with size=, and a disk that is neither read-only nor private, the file is made
 */
Test(pmem_backing, missing, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);

	expect_failure(&opt, ENOENT, "no such file");
	cr_assert(access(path, F_OK) < 0, "nothing was made");
	/* What may not be written is not made either. */
	opt = options(MIB, true, true);
	expect_failure(&opt, ENOENT, "no such file");
	opt = options(MIB, false, false);
	expect_failure(&opt, ENOENT, "no such file");
	cr_assert(access(path, F_OK) < 0);
}

Test(pmem_backing, made_with_a_size, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(3 * MIB + 5, false, true);
	struct pmem_backing backing;

	open_ok(&backing, &opt);
	check_eq(backing.size, 4 * MIB);
	pmem_backing_close(&backing);
	check_eq(access(path, F_OK), -1, "no guest has run with it");
	open_ok(&backing, &opt);
	pmem_backing_keep(&backing);
	pmem_backing_close(&backing);
	check_eq(size_of(path), 3 * MIB + 5);
	/* And found again. */
	open_ok(&backing, &opt);
	pmem_backing_close(&backing);
}

/*
 * bad input: Backing file: the image is empty -> refused with the way out; with size=, and a disk
 * that is neither read-only nor private, the file grows
 */
Test(pmem_backing, empty, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);
	struct pmem_backing backing;

	make_file(0);
	expect_failure(&opt, EINVAL, "is empty");
	opt = options(MIB, true, true);
	expect_failure(&opt, EINVAL, "is empty");
	opt = options(MIB, false, false);
	expect_failure(&opt, EINVAL, "is empty");
	check_eq(size_of(path), 0);
	opt = options(MIB, false, true);
	open_ok(&backing, &opt);
	pmem_backing_keep(&backing);
	pmem_backing_close(&backing);
	check_eq(size_of(path), MIB);
}

/*
 * bad input: Backing file: the image is smaller than size=, or size= is not a multiple of 4 KiB ->
 * refused, and the file does not change
 */
Test(pmem_backing, size_that_the_file_does_not_have, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(4 * MIB, false, true);

	make_file(2 * MIB);
	expect_failure(&opt, EINVAL, "fewer than size=4194304");
	opt = options(4097, false, true);
	expect_failure(&opt, EINVAL, "multiple of 4096");
	check_eq(size_of(path), 2 * MIB);
}

/*
 * bad input: Backing file: the image is a directory, a character device, or a FIFO that nobody
 * writes to -> refused at once
 */
Test(pmem_backing, no_file, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, true, true);

	opt.path = dir;
	expect_failure(&opt, EINVAL, "a directory");
	opt.path = "/dev/null";
	expect_failure(&opt, EINVAL, "not a disk image");
	check_eq(mkfifo(path, 0666), 0);
	opt.path = path;
	expect_failure(&opt, EINVAL, "not a disk image");
	/* Without waiting for the other end. */
	opt = options(0, false, true);
	expect_failure(&opt, EINVAL, "not a disk image");
}

/* bad input: Backing file: the image is a directory, and the disk is writable -> refused */
Test(pmem_backing, directory_to_write, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);

	opt.path = dir;
	expect_failure(&opt, EISDIR, dir);
}

/*
 * bad input: Backing file: the image is a file that the user may not write to -> refused; the
 * error names readonly=on and share=off, which work
 */
Test(pmem_backing, no_permission, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);

	make_file(MIB);
	check_eq(chmod(dir, 0755), 0);
	check_eq(chmod(path, 0444), 0);
	/* Root may do everything; the test's process is its own, and goes on as nobody. */
	if (geteuid() == 0)
		check_eq(seteuid(65534), 0);
	expect_failure(&opt, EACCES, "readonly=on or share=off");
	opt = options(0, true, true);
	{
		struct pmem_backing backing;

		open_ok(&backing, &opt);
		pmem_backing_close(&backing);
	}
	if (getuid() == 0)
		check_eq(seteuid(0), 0);
}

/*
 * bad input: Host resources: no descriptor is left for an image (EMFILE) -> refused; the error
 * names the image
 */
Test(pmem_backing, no_descriptor_left, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);
	struct pmem_backing backing = { 0 };
	struct rlimit limit, none;
	struct error err;

	make_file(MIB);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ 0, limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	check_eq(pmem_backing_open(&backing, &opt, &err), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &limit);
	check_contains(err.text, path);
}

#ifndef __SANITIZE_ADDRESS__ /* which needs terabytes of address space itself */
/*
 * bad input: Host resources: no address space is left to map an image (ENOMEM) -> refused; the
 * error names the image
 */
Test(pmem_backing, no_address_space_left, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);
	struct rlimit limit = { 4ULL << 30, 4ULL << 30 };

	make_file(16ULL << 30);
	setrlimit(RLIMIT_AS, &limit);
	expect_failure(&opt, ENOMEM, "cannot map");
}
#endif

/* Bytes of address space in use. */
static unsigned long address_space(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY);

	check_eq(read(fd, text, sizeof(text) - 1) > 0, true);
	close(fd);
	return strtoul(text, NULL, 10);
}

/* A file that cannot be mapped, as there are in /proc and with FUSE. */
/*
 * bad input: Backing file: the image is a file that cannot be mapped -> refused, and nothing stays
 * mapped or open
 */
Test(pmem_backing, file_cannot_be_mapped, .init = setup, .fini = teardown)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[3])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENODEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(filter), filter };
	struct pmem_backing_options opt = options(0, false, true);
	unsigned long before;

	make_file(64 * MIB);
	expect_failure(&(struct pmem_backing_options){ .path = dir }, EINVAL, "a directory");
	check_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	check_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	before = address_space();
	expect_failure(&opt, ENODEV, "cannot map");
	cr_assert(address_space() - before < 64 * MIB / 4096, "what was mapped is unmapped");
}

/* bad input: Backing file: size= of 2^63 bytes or more -> refused */
Test(pmem_backing, larger_than_can_be_grown, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(UINT64_MAX - 4095, false, true);
	static const uint64_t sizes[] = { UINT64_MAX, UINT64_MAX - 4095, 1ULL << 63 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		opt.size = sizes[i];
		expect_failure(&opt, EFBIG, "size=");
	}
}

/*
 * bad input: Backing file: an image that is larger than the address space, up to 2^63 - 4096 bytes
 * -> refused
 */
Test(pmem_backing, larger_than_can_be_mapped)
{
	char name[32];
	int fd = driver_temp_file(TMPFS, 0, name);
	struct pmem_backing_options opt = { .path = name, .share = true };

	/* tmpfs has files of every size. */
	check_eq(ftruncate(fd, INT64_MAX - 4095), 0);
	expect_failure(&opt, EFBIG, "too large");
	check_eq(ftruncate(fd, 1LL << 50), 0);
	expect_failure(&opt, ENOMEM, "cannot map");
	close(fd);
}

Test(pmem_backing, memfd)
{
	struct pmem_backing backing;
	char name[32], byte = 0;
	int fd = memfd_create("disk", MFD_CLOEXEC);
	struct pmem_backing_options opt = { .path = name, .share = true };

	check_eq(ftruncate(fd, MIB), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	open_ok(&backing, &opt);
	backing.host[5] = 'm';
	check_eq(pread(fd, &byte, 1, 5), 1);
	check_eq(byte, 'm');
	pmem_backing_close(&backing);
	close(fd);
}

static int loop_fd = -1;

/* @path leads to its node, or is one where nobody else makes them. */
static void name_block_device(unsigned number)
{
	char node[32];

	snprintf(node, sizeof(node), "/dev/loop%u", number);
	if (access(node, F_OK) == 0)
		check_eq(symlink(node, path), 0);
	else
		check_eq(mknod(path, S_IFBLK | 0600, makedev(LOOP_MAJOR, number)), 0);
}

/* A block device of @size bytes: a loop device, which takes root to make. */

static void make_block_device(uint64_t size, uint32_t flags)
{
	struct loop_config config = { .info.lo_flags = flags | LO_FLAGS_AUTOCLEAR };
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int number;

	if (control < 0)
		cr_skip_test("no loop devices can be made: %s", strerror(errno));
	config.fd = (uint32_t)memfd_create("disk", MFD_CLOEXEC);
	check_eq(ftruncate((int)config.fd, (off_t)size), 0);
	/* Somebody else may be quicker. */
	do {
		number = ioctl(control, LOOP_CTL_GET_FREE);
		cr_assert(number >= 0, "%s", strerror(errno));
		unlink(path);
		name_block_device((unsigned)number);
		loop_fd = open(path, O_RDWR | O_CLOEXEC);
		cr_assert(loop_fd >= 0, "%s", strerror(errno));
	} while (ioctl(loop_fd, LOOP_CONFIGURE, &config) < 0 && errno == EBUSY);
	close((int)config.fd);
	close(control);
}

/* Stores reach the device and are written back by the fdatasync of a flush. */
Test(pmem_backing, block_device, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);
	struct pmem_backing backing;
	char text[4] = "";

	make_block_device(4 * MIB, 0);
	open_ok(&backing, &opt);
	check_eq(backing.file_size, 4 * MIB);
	check_eq(backing.size, 4 * MIB);
	check_eq(backing.writable_size, 4 * MIB);
	memcpy(backing.host + 3 * MIB, "abc", 3);
	check_eq(fdatasync(backing.fd), 0);
	pmem_backing_close(&backing);
	check_eq(pread(loop_fd, text, 3, 3 * MIB), 3);
	check_str(text, "abc");
	/* Part of it. */
	opt = options(2 * MIB, false, true);
	open_ok(&backing, &opt);
	check_eq(backing.size, 2 * MIB);
	pmem_backing_close(&backing);
	close(loop_fd);
}

/*
 * bad input: Backing file: a block device that is smaller than size= -> refused, because a block
 * device does not grow
 */
Test(pmem_backing, block_device_does_not_grow, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(8 * MIB, false, true);

	make_block_device(4 * MIB, 0);
	expect_failure(&opt, EINVAL, "fewer than size=8388608");
	close(loop_fd);
}

/* bad input: Backing file: a block device of size 0, such as a drive without a medium -> refused */
Test(pmem_backing, empty_block_device, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);

	make_block_device(0, 0);
	expect_failure(&opt, EINVAL, "is empty");
	opt = options(2 * MIB, false, true);
	expect_failure(&opt, EINVAL, "is empty");
	close(loop_fd);
}

/*
 * bad input: Backing file: a block device whose size is not a multiple of 4 KiB -> it works as a
 * file of such a size, and the guest can store to all of it
 */
Test(pmem_backing, block_device_of_odd_size, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);
	const uint64_t size = 3 * MIB + 512;
	struct pmem_backing backing;
	char byte = 0;

	make_block_device(size, 0);
	open_ok(&backing, &opt);
	check_eq(backing.file_size, size);
	check_eq(backing.size, 4 * MIB);
	check_eq(backing.writable_size, 3 * MIB);
	cr_assert(all_zero(backing.host, backing.size));
	check_eq(pmem_backing_store(&backing, size - 1, "xy", 2), 1);
	check_eq(fdatasync(backing.fd), 0);
	check_eq(pread(loop_fd, &byte, 1, (off_t)size - 1), 1);
	check_eq(byte, 'x');
	pmem_backing_close(&backing);
	close(loop_fd);
}

/*
 * bad input: Backing file: a read-only block device, for a writable disk -> refused; the error
 * names readonly=on and share=off, which work
 */
Test(pmem_backing, readonly_block_device, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);
	struct pmem_backing backing;

	make_block_device(4 * MIB, LO_FLAGS_READ_ONLY);
	expect_failure(&opt, EROFS, "readonly=on or share=off");
	opt = options(0, true, true);
	open_ok(&backing, &opt);
	pmem_backing_close(&backing);
	opt = options(0, false, false);
	open_ok(&backing, &opt);
	backing.host[0] = 1;
	pmem_backing_close(&backing);
	close(loop_fd);
}

/*
 * bad input: Backing file: stores before and behind the end of the file -> the bytes within the
 * file are kept, and the file does not grow
 */
Test(pmem_backing, stores_behind_writable_size, .init = setup, .fini = teardown)
{
	static const struct {
		const char *name;
		bool readonly;
		uint64_t offset;
		unsigned len, dropped;
	} cases[] = {
		{ "within the last page", false, 4096, 8, 0 },
		{ "up to the end", false, 4196 - 8, 8, 0 },
		{ "one byte over", false, 4196 - 7, 8, 1 },
		{ "one byte left", false, 4195, 8, 7 },
		{ "the last byte", false, 4195, 1, 0 },
		{ "just behind", false, 4196, 1, 1 },
		{ "behind, in the last page", false, 8184, 8, 8 },
		{ "behind the last page", false, 8192, 4, 4 },
		{ "the end", false, 2 * MIB - 8, 8, 8 },
		{ "read-only", true, 0, 8, 8 },
		{ "read-only, last byte", true, 4195, 1, 1 },
		{ "read-only, behind", true, 2 * MIB - 2, 2, 2 },
	};
	static const uint8_t data[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pmem_backing_options opt = options(0, cases[i].readonly, true);
		unsigned kept = cases[i].len - cases[i].dropped;
		struct pmem_backing backing;
		const uint8_t *at;

		make_file(4196);
		open_ok(&backing, &opt);
		at = backing.host + cases[i].offset;
		check_eq(pmem_backing_store(&backing, cases[i].offset, data, cases[i].len),
			 cases[i].dropped, "%s", cases[i].name);
		cr_assert(memcmp(at, data, kept) == 0, "%s", cases[i].name);
		cr_assert(all_zero(at + kept, backing.size - cases[i].offset - kept), "%s",
			  cases[i].name);
		pmem_backing_close(&backing);
		check_eq(size_of(path), 4196, "%s", cases[i].name);
	}
}

/* Nobody beside a writer; readers, and those that keep to themselves what they store, together. */
Test(pmem_backing, locks, .init = setup, .fini = teardown)
{
	static const struct {
		bool readonly, share, writes;
	} kinds[] = {
		{ false, true, true },
		{ true, true, false },
		{ false, false, false },
		{ true, false, false },
	};

	make_file(2 * MIB);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			struct pmem_backing_options first, second;
			struct pmem_backing a, b;

			first = options(0, kinds[i].readonly, kinds[i].share);
			second = options(0, kinds[k].readonly, kinds[k].share);
			open_ok(&a, &first);
			if (kinds[i].writes) {
				expect_failure(&second, EBUSY, "another process writes to it; end");
			} else if (kinds[k].writes) {
				expect_failure(&second, EBUSY, "another process reads it; use");
			} else {
				open_ok(&b, &second);
				pmem_backing_close(&b);
			}
			/* The way out that the text speaks of. */
			second.unlocked = true;
			open_ok(&b, &second);
			pmem_backing_close(&b);
			pmem_backing_close(&a);
			second.unlocked = false;
			open_ok(&b, &second);
			pmem_backing_close(&b);
		}
	}
}

/*
 * bad input: Sharing: an empty image that another process has locked -> refused, and the image
 * stays empty
 */
Test(pmem_backing, locked_before_it_grows, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(MIB, false, true);
	struct flock lock = { .l_type = F_WRLCK };
	int fd;

	make_file(0);
	fd = open(path, O_RDWR);
	check_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	expect_failure(&opt, EBUSY, "another process");
	check_eq(size_of(path), 0);
	close(fd);
}

/*
 * bad input: Sharing: an image on a file system without locks -> refused, unless lock=off is given
 */
Test(pmem_backing, file_system_without_locks, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);
	struct pmem_backing backing;

	make_file(MIB);
	refuse_command(SYS_fcntl, F_OFD_SETLK, ENOLCK);
	expect_failure(&opt, ENOLCK,
		       "cannot be locked: No locks available; give lock=off to use it without");
	opt.readonly = true;
	expect_failure(&opt, ENOLCK,
		       "cannot be locked: No locks available; give lock=off to use it without");
	opt = options(0, false, true);
	opt.unlocked = true;
	open_ok(&backing, &opt);
	pmem_backing_close(&backing);
}

static char passed[16];

/* The same file as a descriptor that was passed to us. */
static struct pmem_backing_options pass(int flags, bool readonly, bool share)
{
	struct pmem_backing_options opt = options(0, readonly, share);

	snprintf(passed, sizeof(passed), "fd:%d", open(path, flags));
	opt.path = passed;
	return opt;
}

Test(pmem_backing, passed_descriptors, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt;
	struct pmem_backing a, b;
	unsigned before;

	make_file(2 * MIB);
	before = open_descriptors();
	opt = pass(O_RDWR, false, true);
	open_ok(&a, &opt);
	a.host[5] = 7;
	pmem_backing_close(&a);
	check_eq(open_descriptors(), before);
	opt = pass(O_RDONLY, true, true);
	open_ok(&a, &opt);
	check_eq(a.host[5], 7);
	opt = pass(O_RDONLY, false, false);
	open_ok(&b, &opt);
	b.host[5] = 8;
	check_eq(a.host[5], 7);
	pmem_backing_close(&b);
	pmem_backing_close(&a);
	check_eq(open_descriptors(), before);
}

/*
 * bad input: Launcher: fd:N that is an image open for reading only, for a writable disk -> refused;
 * the error names the way out
 */
Test(pmem_backing, passed_for_reading_only, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt;

	make_file(2 * MIB);
	opt = pass(O_RDONLY, false, true);
	expect_failure(&opt, EACCES,
		       "is not open for reading and writing; use "
		       "readonly=on or share=off");
	opt = pass(O_WRONLY, true, true);
	expect_failure(&opt, EACCES, "is not open for reading");
}

/*
 * bad input: Launcher: fd:N that is a pipe, or an empty file without size=, for a disk -> refused
 */
Test(pmem_backing, passed_what_is_no_image, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, true, true);
	struct error err;
	struct pmem_backing b;
	int ends[2];

	check_eq(pipe(ends), 0);
	snprintf(passed, sizeof(passed), "fd:%d", ends[0]);
	opt.path = passed;
	opt.unlocked = true;
	check_eq(pmem_backing_open(&b, &opt, &err), -EINVAL);
	check_contains(err.text, "is not a disk image");
	check_eq(fcntl(ends[0], F_GETFD), -1, "closed");
	make_file(0);
	opt = pass(O_RDWR, false, true);
	check_eq(pmem_backing_open(&b, &opt, &err), -EINVAL);
	opt = pass(O_RDWR, false, true);
	opt.size = 2 * MIB;
	open_ok(&b, &opt);
	check_eq(size_of(path), 2 * MIB);
	pmem_backing_close(&b);
}

/*
 * bad input: Backing file: another file takes the image's name while the image is in use -> the
 * file that was opened stays in use, and the new one is not touched
 */
Test(pmem_backing, replaced_while_it_is_open, .init = setup, .fini = teardown)
{
	struct pmem_backing_options opt = options(0, false, true);
	struct pmem_backing backing;
	char other[80];
	struct stat st;

	make_file(MIB);
	open_ok(&backing, &opt);
	snprintf(other, sizeof(other), "%s/other", dir);
	check_eq(rename(path, other), 0);
	make_file(2 * MIB);
	/* The mapping stays with the file that was opened. */
	backing.host[0] = 1;
	check_eq(fstat(backing.fd, &st), 0);
	check_eq(st.st_size, MIB);
	check_eq(size_of(path), 2 * MIB);
	pmem_backing_close(&backing);
	unlink(other);
}
