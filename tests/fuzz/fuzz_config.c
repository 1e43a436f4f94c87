// SPDX-License-Identifier: Apache-2.0
// Covers: vmm/config/config.c vmm/config/config_options.c vmm/config/config_file.c
// Covers: vmm/config/config_memory.c vmm/config/config_numa.c vmm/config/config_pmem.c
// Covers: vmm/config/memory_backend.c vmm/config/property.c vmm/base/keyval.c
// Covers: vmm/base/closest_word.c vmm/config/config_cpus.c
/*
 * The command line: the input's lines are its words; or, if it begins with a brace, the file of
 * --config. What is accepted is within all limits, what is refused has a text that says why.
 */
#include "tests/fuzz/fuzz.h"
#include "vmm/base/keyval.h"
#include "vmm/config/config.h"

#include <sys/mman.h>
#include <unistd.h>

#define WORDS_MAX 64
#define TEXT_MAX 4096

/* Splits @text in place. */
static int split(char *text, char *argv[WORDS_MAX + 1])
{
	static char name[] = "mvmm";
	int argc = 0;

	argv[argc++] = name;
	for (char *word = strtok(text, "\n"); word && argc < WORDS_MAX; word = strtok(NULL, "\n"))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

/* A command line with a file that has these bytes. */
static int name_file(const uint8_t *data, size_t size, char *argv[WORDS_MAX + 1])
{
	static char name[] = "mvmm", option[] = "--config", path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("input", MFD_CLOEXEC);
		fuzz_check(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	fuzz_check(pwrite(fd, data, size, 0) == (ssize_t)size && ftruncate(fd, (off_t)size) == 0);
	argv[0] = name;
	argv[1] = option;
	argv[2] = path;
	argv[3] = NULL;
	return 3;
}

static void check_config(const struct config *c)
{
	if (c->help || c->version)
		return;
	fuzz_check(c->kernel && c->memory);
	fuzz_check(c->cpus >= 1 && c->cpus <= BOOT_MAX_CPUS);
	fuzz_check(c->topology.sockets * c->topology.cores * c->topology.threads == c->cpus);
	fuzz_check(c->n_pmem <= LAYOUT_VIRTIO_SLOTS);
	fuzz_check(c->n_controls <= CONFIG_MAX_CONTROLS);
	for (unsigned i = 0; i < c->n_pmem; i++) {
		const struct config_pmem *p = &c->pmem[i];

		fuzz_check(p->file && *p->id && memchr(p->id, 0, sizeof(p->id)));
		for (unsigned j = 0; j < i; j++)
			fuzz_check(strcmp(p->id, c->pmem[j].id) != 0, "%s", p->id);
	}
}

static void parse_values(char *text)
{
	struct keyval list[8];
	struct error err = { 0 };
	uint64_t value = 42;
	char *copy = strdup(text);
	int n;

	fuzz_check(copy);
	if (keyval_size(text, 1, &value) < 0)
		fuzz_check(value == 42);
	value = 42;
	if (keyval_number(text, &value) < 0)
		fuzz_check(value == 42);
	n = keyval_parse(text, KEYVAL_STRICT, "--option", "file", list, ARRAY_SIZE(list), &err);
	fuzz_check(n <= (int)ARRAY_SIZE(list) && (n >= 0 || *err.text));
	n = keyval_parse(copy, KEYVAL_QEMU, "--option", NULL, list, ARRAY_SIZE(list), &err);
	fuzz_check(n <= (int)ARRAY_SIZE(list) && (n >= 0 || *err.text));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	char text[TEXT_MAX + 1], *argv[WORDS_MAX + 1];
	struct error err = { 0 };
	int argc;

	if (size > TEXT_MAX)
		return -1;
	memcpy(text, data, size);
	text[size] = '\0';
	parse_values(text);
	memcpy(text, data, size);
	/* That would be a file of this machine. */
	if (size && *data != '{' && strstr(text, "--config"))
		return -1;
	argc = size && *data == '{' ? name_file(data, size, argv) : split(text, argv);
	if (config_parse(&config, argc, argv, &err) == 0)
		check_config(&config);
	else
		fuzz_check(*err.text && memchr(err.text, 0, sizeof(err.text)));
	config_fini(&config);
	return 0;
}
