// SPDX-License-Identifier: Apache-2.0
/*
 * What looks into a kernel, in its own process: the answers of a sound one, and what mvmm makes of
 * one that a hostile kernel has taken over.
 */
#include "vmm/machine/confined_search.h"

#include "tests/support/boot_fixture.h"
#include "tests/support/check.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

TestSuite(confined_search, .timeout = 30);

static const struct sandbox_options on = { .mode = SANDBOX_ON }, off = { .mode = SANDBOX_OFF };
static struct confined_search confined;
static struct kernel_probe probe;
static struct error err;

/* A bzImage whose kernel was packed by a shell command that reads it from standard input. */
static struct fixture_file kernel(const char *pack)
{
	static uint8_t plain[MIB], bytes[2 * MIB];
	struct fixture_bzimage k = fixture_bzimage();
	struct setup_header *h = fixture_header(&k);
	struct fixture_file in, out = fixture_file("", 0);
	char output[FIXTURE_OUTPUT];
	char line[160];
	ssize_t len;

	memcpy(plain + 5000, "OF: fdt: Machine model: ", 24);
	memcpy(plain + 6000, "intel,ce4100-lapic", 18);
	in = fixture_file(plain, sizeof(plain));
	snprintf(line, sizeof(line), "%s <%s >%s", pack, in.path, out.path);
	FIXTURE_RUN(output, "sh", "-c", line);
	len = pread(out.fd, bytes + FIXTURE_BZIMAGE_BYTES, MIB, 0);
	cr_assert(len > 0);
	h->payload_offset = FIXTURE_BODY_BYTES;
	/* All but gzip have the length behind. */
	h->payload_length = (uint32_t)len + (strncmp(pack, "gzip", 4) == 0 ? 0 : 4);
	h->init_size = 16 * MIB;
	memcpy(bytes, k.bytes, sizeof(k.bytes));
	return fixture_file(bytes, FIXTURE_BZIMAGE_BYTES + h->payload_length);
}

static int search_kernel(const struct fixture_file *f)
{
	struct input_file file = fixture_open("--kernel", f->path);
	int ret = confined.searcher.search(&confined.searcher, &file, &probe, &err);

	input_file_close(&file);
	return ret;
}

static int search_by(const struct sandbox_options *sandbox,
		     int (*search)(const struct input_file *, struct kernel_probe *,
				   struct error *))
{
	struct fixture_file f = kernel("gzip -n");

	confined_search_init(&confined, sandbox);
	confined.search = search;
	return search_kernel(&f);
}

Test(confined_search, all_formats_of_the_kernel)
{
	static const char *const packs[] = {
		"gzip -n",     "bzip2 -9",
		"lzma -9",     "xz --check=crc32 --x86 --lzma2=dict=32MiB",
		"lz4 -l -9 -", "zstd -q -19 -"
	};

	confined_search_init(&confined, &on);
	for (size_t i = 0; i < ARRAY_SIZE(packs); i++) {
		struct fixture_file f = kernel(packs[i]);

		check_eq(search_kernel(&f), 0, "%s: %s", packs[i], err.text);
		check_eq(probe.platform, BOOT_PLATFORM_DT, "%s", packs[i]);
		check_str(probe.reason, "the kernel has device tree support");
		check_eq(probe.searched, MIB);
	}
}

Test(confined_search, damaged_kernel)
{
	struct fixture_file f = kernel("xz --check=crc32");

	confined_search_init(&confined, &on);
	cr_assert_eq(pwrite(f.fd, "\xff\xff\xff\xff", 4, FIXTURE_BZIMAGE_BYTES + 40), 4);
	check_eq(search_kernel(&f), -EINVAL);
	check_contains(err.text, "cannot decompress it");
}

#ifndef __SANITIZE_ADDRESS__ /* in such a build nothing is refused */

static int open_a_file(const struct input_file *file, struct kernel_probe *ret, struct error *why)
{
	int fd = open("/dev/null", O_RDONLY);

	ret->platform = BOOT_PLATFORM_DT;
	return fd < 0 ? -errno : 0;
}

/*
 * bad input: Images: a kernel whose payload takes control of the process that unpacks it -> this
 * process cannot open any file, and the start goes on with ACPI
 */
Test(confined_search, can_open_nothing)
{
	check_eq(search_by(&on, open_a_file), -ECHILD);
	check_contains(err.text, "was ended by signal 31 (Bad system call)");
	check_eq(search_by(&off, open_a_file), 0, "%s", err.text);
}

static int write_to_the_kernel(const struct input_file *file, struct kernel_probe *ret,
			       struct error *why)
{
	return write(file->fd, "x", 1) < 0 ? -errno : 0;
}

Test(confined_search, can_write_nothing_but_its_answer)
{
	check_eq(search_by(&on, write_to_the_kernel), -ECHILD);
	check_contains(err.text, "signal 31");
}

#endif

static int list_descriptors(const struct input_file *file, struct kernel_probe *ret,
			    struct error *why)
{
	for (int fd = STDERR_FILENO; fd < 1000; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return error_set(why, EINVAL, "descriptor %d is open", fd);
	ret->platform = BOOT_PLATFORM_DT;
	return 0;
}

Test(confined_search, has_no_other_descriptor)
{
	check_eq(search_by(&off, list_descriptors), 0, "%s", err.text);
}

static int tell_cpu_limit(const struct input_file *file, struct kernel_probe *ret,
			  struct error *why)
{
	struct rlimit limit;

	getrlimit(RLIMIT_CPU, &limit);
	ret->platform = BOOT_PLATFORM_DT;
	ret->searched = limit.rlim_cur * 1000 + limit.rlim_max;
	return 0;
}

/* A launcher's lower limit stays: without a capability it could not be raised. */
Test(confined_search, has_a_limit_of_cpu_time)
{
	check_eq(search_by(&off, tell_cpu_limit), 0, "%s", err.text);
	check_eq(probe.searched, 300300);
	setrlimit(RLIMIT_CPU, &(struct rlimit){ 100, 200 });
	check_eq(search_by(&off, tell_cpu_limit), 0, "%s", err.text);
	check_eq(probe.searched, 100200);
}

static int crash(const struct input_file *file, struct kernel_probe *ret, struct error *why)
{
	raise(SIGKILL);
	return 0;
}

static int exit_at_once(const struct input_file *file, struct kernel_probe *ret, struct error *why)
{
	_exit(0);
}

static int make_one_up(const struct input_file *file, struct kernel_probe *ret, struct error *why)
{
	ret->platform = (enum boot_platform)77;
	return 0;
}

Test(confined_search, no_answer_or_a_wrong_one)
{
	check_eq(search_by(&off, crash), -ECHILD);
	check_contains(err.text, "was ended by signal 9 (Killed)");
	check_eq(search_by(&on, exit_at_once), -ECHILD);
	check_contains(err.text, "gave no answer");
	check_eq(search_by(&on, make_one_up), -ECHILD);
	check_contains(err.text, "gave no answer");
}
