// SPDX-License-Identifier: Apache-2.0
/* The configuration in a snapshot, and the options beside --restore. */
#include "vmm/config/config_state.h"

#include "tests/support/check.h"
#include "tests/support/config_fixture.h"
#include "vmm/base/endian.h"
#include "vmm/base/state_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(config_state, .timeout = 60);

static char directory[] = "/tmp/mvmm-test.XXXXXX";

#define EVERYTHING                                                                                 \
	"-m 512M,maxmem=8G,slots=3 -c 4,sockets=2 --cpu-features host -p a.img,id=data,lock=off "  \
	"-p b.img,share=off --numa node=0,cpus=0-1,memory=256M --numa "                            \
	"node=1,cpus=2-3,memory=256M --serial file=log,rate=4K --serial null --console unix:s "    \
	"--net tap0,mac=02:00:00:00:00:01 --net tap=tap9 --rng --vsock v.sock,cid=77 "             \
	"--isa-debug-exit --watchdog --platform acpi"

/* Two disks with their places, as the VM describes them. */
static void save(const struct config *config, struct state_writer *w)
{
	struct config_pmem disks[2] = { config->pmem[0], config->pmem[1] };
	struct error err;

	disks[0].addr = 0x140000000;
	disks[1].addr = 0x180000000;
	state_writer_init(w, STATE_MAX_SIZE);
	config_state_save(config, BOOT_PLATFORM_ACPI, disks, config->n_pmem, w);
	check_eq(state_writer_finish(w, &err), 0);
}

static void write_file(const char *name, const void *data, size_t len)
{
	char path[100];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check_eq(write(fd, data, len), len);
	close(fd);
}

static void make_snapshot(const char *line)
{
	struct config config = fixture_config(line);
	struct state_writer w;

	cr_assert(mkdtemp(directory) != NULL);
	save(&config, &w);
	write_file("state", w.file.data, w.file.len);
	write_file("memory", "", 0);
	state_writer_fini(&w);
	config_fini(&config);
}

static void remove_snapshot(void)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/state", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/memory", directory);
	unlink(path);
	rmdir(directory);
}

/* @keys follow the directory. */
static int restore_with(struct config *config, const char *keys, const char *options,
			struct error *err)
{
	static char text[1000], value[1000];
	static char name[] = "mvmm", option[] = "--restore";
	char *argv[30] = { name, option, value };
	int argc = 3;

	snprintf(value, sizeof(value), "%s%s", directory, keys);

	snprintf(text, sizeof(text), "%s", options);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	*err = (struct error){ 0 };
	return config_parse(config, argc, argv, err);
}

static int restore(struct config *config, const char *options, struct error *err)
{
	return restore_with(config, "", options, err);
}

Test(config_state, comes_back, .fini = remove_snapshot)
{
	struct config was = fixture_config(EVERYTHING), is;
	struct error err;

	make_snapshot(EVERYTHING);
	check_eq(restore(&is, "", &err), 0, "%s", err.text);
	check_eq(is.memory, 512u << 20);
	check_eq(is.maxmem, 8ULL << 30);
	check_eq(is.slots, 3u);
	check_eq(is.cpus, 4u);
	check_eq(is.topology.sockets, 2u);
	check_eq(is.topology.cores, 2u);
	check_eq(is.topology.threads, 1u);
	check_eq(is.cpu_features, CONFIG_CPU_FEATURES_HOST);
	check_eq(is.n_pmem, 2u);
	for (unsigned i = 0; i < 2; i++) {
		check_str(is.pmem[i].file, was.pmem[i].file);
		check_str(is.pmem[i].id, was.pmem[i].id);
		check_str(is.pmem[i].memdev, was.pmem[i].memdev);
		check_eq(is.pmem[i].named, was.pmem[i].named);
		check_eq(is.pmem[i].share, was.pmem[i].share);
		check_eq(is.pmem[i].unlocked, was.pmem[i].unlocked);
		check_eq(is.pmem[i].fixed, true);
		check_eq(is.pmem[i].addr, i ? 0x180000000u : 0x140000000u);
	}
	check_eq(is.numa_seen, 3u);
	check_eq(is.nodes[1].memory, 256u << 20);
	check_eq(is.nodes[1].cpus, 0xcu);
	check_eq(is.serial.n, 1u);
	check_str(is.serial.sinks[0].path, "log");
	check_eq(is.serial.sinks[0].rate, 4096u);
	check_eq(is.console.given, true);
	check_eq(is.console.sinks[0].kind, CONFIG_SINK_UNIX);
	check_eq(is.n_nets, 2u);
	check_str(is.nets[0].tap, "tap0");
	check_eq(is.nets[0].mac[5], 1);
	check_str(is.nets[1].tap, "tap9");
	check_eq(is.nets[1].has_mac, false);
	check_eq(is.rng, true);
	check_str(is.vsock_path, "v.sock");
	check_eq(is.vsock_cid, 77u);
	check_eq(is.debug_exit, true);
	check_eq(is.watchdog, true);
	check_eq(is.platform, BOOT_PLATFORM_ACPI);
	config_fini(&is);
	config_fini(&was);
}

Test(config_state, least, .fini = remove_snapshot)
{
	struct config is;
	struct error err;

	make_snapshot("--serial null");
	check_eq(restore(&is, "--timeout 5", &err), 0, "%s", err.text);
	check_eq(is.n_pmem, 0u);
	check_eq(is.serial.n, 0u);
	check_eq(is.console.given, false);
	check_eq(is.rng, false);
	cr_assert(is.vsock_path == NULL);
	check_eq(is.timeout, 5u);
	config_fini(&is);
}

Test(config_state, names_anew, .fini = remove_snapshot)
{
	struct config is;
	struct error err;

	make_snapshot(EVERYTHING);
	check_eq(restore(&is,
			 "-p id=pmem1,file=d.img -p id=data,lock=on --net tap5 --vsock w.sock "
			 "--serial stdio --serial file=x --console null --paused --qmp unix:q",
			 &err),
		 0, "%s", err.text);
	check_str(is.pmem[0].file, "a.img");
	check_eq(is.pmem[0].unlocked, false);
	check_str(is.pmem[1].file, "d.img");
	check_eq(is.pmem[1].share, false);
	check_str(is.nets[0].tap, "tap5");
	check_eq(is.nets[0].has_mac, true);
	check_str(is.nets[1].tap, "tap9");
	check_str(is.vsock_path, "w.sock");
	check_eq(is.vsock_cid, 77u);
	check_eq(is.serial.n, 2u);
	check_str(is.serial.sinks[1].path, "x");
	check_eq(is.console.n, 0u);
	check_eq(is.console.given, true);
	config_fini(&is);
}

/*
 * bad input: Snapshots: --restore together with an option of the machine -> status 35, and the
 * error says why
 */
/*
 * bad input: Snapshots: --restore with a disk, a card or a socket that was not saved -> status 35,
 * and the error says what was saved
 */
Test(config_state, refuses_another_machine, .fini = remove_snapshot)
{
	static const struct {
		const char *options, *text;
	} cases[] = {
		{ "-m 1G",
		  "--memory 1G: cannot be used with --restore, because the machine is as it "
		  "was saved; leave it out" },
		{ "--rng", "--rng: cannot be used with --restore, because the machine is as it was "
			   "saved; leave it out" },
		{ "-k k",
		  "--kernel k: cannot be used with --restore, because the machine is as it was "
		  "saved; leave it out" },
		{ "-p c.img", "--pmem c.img: with --restore, id= must be that of a disk that was "
			      "saved, such as pmem0" },
		{ "-p id=x,file=c", "--pmem id=x,file=c: with --restore, id= must be that of a "
				    "disk that was saved, such as pmem0" },
		{ "-p id=pmem0,share=off", "--pmem share=off: is as it was saved; with --restore "
					   "there are id, file and lock" },
		{ "--net tap0", "--net tap0: the VM was saved with 0 network cards; leave this one "
				"out" },
		{ "--vsock v", "--vsock v: the VM was saved without --vsock; leave it out" },
		{ "--console pty", "--console pty: the VM was saved without a console of virtio; "
				   "leave it out" },
	};

	make_snapshot("-p a.img");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config is;
		struct error err;

		check_eq(restore(&is, cases[i].options, &err), -EINVAL, "%s", cases[i].options);
		check_str(err.text, cases[i].text);
		config_fini(&is);
	}
}

/*
 * bad input: Snapshots: --restore of a VM that was started with descriptors (fd:N), without new
 * ones -> status 35, and the error names the option
 */
Test(config_state, descriptors_are_named_anew, .fini = remove_snapshot)
{
	static const struct {
		const char *options, *text;
	} cases[] = {
		{ "", "a disk was the descriptor fd:20 of the mvmm that was saved; give --pmem "
		      "id=data,file=FILE" },
		{ "-p id=data,file=a", "the tap of a card was the descriptor fd:9 of the mvmm that "
				       "was saved; give --net TAP for each" },
		{ "-p id=data,file=a --net a", "a console was the descriptor fd:7 of the mvmm that "
					       "was saved; give --console" },
	};
	struct config is;
	struct error err;

	make_snapshot("-p fd:20,id=data --net fd:9 --console fd:7");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_eq(restore(&is, cases[i].options, &err), -EINVAL);
		check_contains(err.text, cases[i].text);
		config_fini(&is);
	}
	check_eq(restore(&is, "-p id=data,file=a --net a --console null", &err), 0, "%s", err.text);
	config_fini(&is);
}

/*
 * bad input: Snapshots: each byte of the saved configuration is changed, with a checksum that is
 * right -> status 35, or a machine that options could have described; no crash
 */
Test(config_state, hostile)
{
	struct config config = fixture_config(EVERYTHING);
	struct state_writer w;
	unsigned refused = 0;

	save(&config, &w);
	for (size_t at = sizeof(struct state_header); at < w.file.len; at++) {
		for (unsigned bit = 0; bit < 8; bit += 7) {
			struct config is = { 0 };
			struct state_reader r;
			struct error err;
			__le32 sum;

			w.file.data[at] ^= (char)(1 << bit);
			sum = host_to_le32(state_checksum(w.file.data, w.file.len));
			memcpy(w.file.data + offsetof(struct state_header, checksum), &sum,
			       sizeof(sum));
			if (state_reader_init(&r, "state", w.file.data, w.file.len, &err) == 0) {
				config_state_load(&is, &r);
				refused += state_reader_result(&r, &err) < 0;
				state_reader_fini(&r);
			}
			w.file.data[at] ^= (char)(1 << bit);
			cr_assert(is.cpus <= BOOT_MAX_CPUS);
			cr_assert(is.n_pmem <= LAYOUT_VIRTIO_SLOTS);
			config_fini(&is);
		}
	}
	cr_assert(refused > 200, "%u", refused);
	state_writer_fini(&w);
	config_fini(&config);
}

Test(config_state, clock, .fini = remove_snapshot)
{
	const struct {
		const char *keys;
		enum config_clock clock;
	} cases[] = { { "", CONFIG_CLOCK_SAVED },
		      { ",clock=saved", CONFIG_CLOCK_SAVED },
		      { ",clock=realtime", CONFIG_CLOCK_REALTIME } };
	struct config is;
	struct error err;

	make_snapshot("-p a");
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		check_eq(restore_with(&is, cases[i].keys, "", &err), 0, "%s", err.text);
		check_str(is.restore.dir, directory);
		check_eq(is.restore.clock, cases[i].clock);
		config_fini(&is);
	}
	check_eq(restore_with(&is, ",clock=", "", &err), -EINVAL);
	check_str(err.text, "--restore: 'clock' has no value; say key=value");
	config_fini(&is);
}

/*
 * bad input: Snapshots: --restore of a directory that is missing or has no snapshot -> status 35,
 * and the error names the missing file
 */
Test(config_state, nothing_to_restore, .fini = remove_snapshot)
{
	struct config is;
	struct error err;

	cr_assert(mkdtemp(directory) != NULL);
	check_eq(restore(&is, "", &err), -EINVAL);
	check_contains(err.text, ": has no file state; name the directory of a snapshot");
	config_fini(&is);
	write_file("state", "xxxx", 4);
	write_file("memory", "", 0);
	check_eq(restore(&is, "", &err), -EINVAL);
	check_contains(err.text, ": state: ");
	config_fini(&is);
}
