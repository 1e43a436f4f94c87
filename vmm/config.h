/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as one plain structure: parsed and checked for form, without looking at any
 * file. Strings point into argv or into what config_fini frees.
 */
#ifndef MVMM_VMM_CONFIG_H
#define MVMM_VMM_CONFIG_H

#include "boot/boot.h"
#include "boot/layout.h"
#include "vmm/error.h"
#include "vmm/log.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_ID_MAX 31

enum config_root { CONFIG_ROOT_DEFAULT, CONFIG_ROOT_ON, CONFIG_ROOT_OFF };

struct config_pmem {
	char *text; /* owned: what the strings below point into */
	const char *file;
	uint64_t size; /* bytes; 0: the file's own */
	char id[CONFIG_ID_MAX + 1];
	bool readonly;
	bool share;
	enum config_root root;
};

enum config_serial { CONFIG_SERIAL_STDIO, CONFIG_SERIAL_NULL, CONFIG_SERIAL_FILE };

struct config {
	bool help, version;
	const char *kernel;
	const char *initrd; /* or NULL */
	const char *append; /* or NULL */
	uint64_t memory;    /* bytes */
	unsigned cpus;
	struct config_pmem pmem[LAYOUT_VIRTIO_SLOTS];
	unsigned n_pmem;
	enum config_serial serial;
	const char *serial_path;
	enum boot_platform platform;
	const char *dump_dtb;  /* or NULL */
	const char *dump_acpi; /* or NULL */
	bool dry_run;
	bool boot_timer;
	enum log_level log_level;
};

/*
 * Parses argv[1..]. -EINVAL with @err set: one line that names the option, the value and what is
 * allowed. In either case @config is for config_fini.
 */
int config_parse(struct config *config, int argc, char **argv, struct error *err);

void config_fini(struct config *config);

/* Prints what --help prints. */
void config_print_help(FILE *out);

#endif
