/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as one plain structure: parsed and checked for form, without looking at any
 * file but that of --config. Strings point into argv or into what config_fini frees.
 */
#ifndef MVMM_VMM_CONFIG_H
#define MVMM_VMM_CONFIG_H

#include "boot/boot.h"
#include "vmm/base/error.h"
#include "vmm/base/layout.h"
#include "vmm/base/log.h"
#include "vmm/config/memory_backend.h"
#include "vmm/sandbox/sandbox.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_ID_MAX MEMORY_BACKEND_ID_MAX

enum config_root { CONFIG_ROOT_DEFAULT, CONFIG_ROOT_ON, CONFIG_ROOT_OFF };

/* A memory device, from --pmem or --device. */
struct config_pmem {
	char *text; /* owned: what --pmem's file points into; for --device the option's value */
	bool device;
	const char *file;
	uint64_t size;	/* bytes; 0: the file's own */
	uint64_t align; /* of its place; 0: the least that works */
	uint64_t addr;	/* if @fixed */
	bool fixed;
	unsigned node;
	char id[CONFIG_ID_MAX + 1];
	bool named;			/* by the user; else @id is made up */
	char memdev[CONFIG_ID_MAX + 1]; /* its backend's name */
	bool readonly;
	bool share;
	bool unlocked; /* lock=off */
	bool prealloc;
	enum config_root root;
};

enum config_backend_kind {
	CONFIG_BACKEND_STDIO,
	CONFIG_BACKEND_FILE,
	CONFIG_BACKEND_UNIX,
	CONFIG_BACKEND_PTY,
	CONFIG_BACKEND_FD,
};

/* One of the places that a console goes to. */
struct config_backend {
	enum config_backend_kind kind;
	const char *option; /* "--serial", for messages */
	const char *given;  /* and its value */
	char *text;	    /* owned: what @path points into */
	const char *path;   /* of a file or a socket; of CONFIG_BACKEND_FD fd:N as it was given */
	uint64_t rate;	    /* bytes per second, or 0: all that there are */
};

#define CONFIG_MAX_BACKENDS 4

struct config_console {
	bool given;
	struct config_backend backends[CONFIG_MAX_BACKENDS];
	unsigned n; /* 0 with null alone */
};

/* Where the control plane listens: --qmp, and --monitor (@hmp). */
struct config_control {
	bool hmp;
	const char *where;
};

#define CONFIG_MAX_CONTROLS 16

/* A network card, from --net. */
struct config_net {
	char *text;	 /* owned: what @tap points into */
	const char *tap; /* an interface, or fd:N */
	bool has_mac;
	uint8_t mac[6];
};

#define CONFIG_MAX_NETS 8

struct config_text;

struct config {
	bool help, version;
	const char *kvm; /* the device */
	const char *kernel;
	const char *initrd; /* or NULL */
	const char *append; /* or NULL */
	uint64_t memory;    /* bytes */
	uint64_t maxmem;    /* bytes, or 0 */
	unsigned slots;	    /* with maxmem */
	unsigned cpus;
	struct boot_node nodes[BOOT_MAX_NODES];
	uint32_t numa_seen; /* bit mask of the nodes that were given: after config_parse 0 to n */
	struct memory_backends backends;
	struct config_pmem pmem[LAYOUT_VIRTIO_SLOTS];
	unsigned n_pmem;
	struct config_console serial;
	struct config_console console; /* of virtio; @given: there is one */
	struct config_control controls[CONFIG_MAX_CONTROLS];
	unsigned n_controls;
	struct config_net nets[CONFIG_MAX_NETS];
	unsigned n_nets;
	bool rng;	  /* whether there is an entropy device */
	char *vsock_path; /* owned: where the socket device's host side listens; NULL: no device */
	uint32_t vsock_cid;
	bool debug_exit; /* whether there is an isa-debug-exit */
	bool watchdog;
	struct sandbox_options sandbox;
	char *sandbox_text; /* owned: what @sandbox points into */
	enum boot_platform platform;
	const char *dump_dtb;  /* or NULL */
	const char *dump_acpi; /* or NULL */
	bool dry_run;
	bool boot_timer;
	const char *result;   /* or NULL; also found behind an option that is wrong */
	const char *ready_fd; /* its number, or NULL */
	unsigned timeout;     /* seconds; 0: none */
	enum log_level log_level;
	struct config_text *texts; /* owned: what options of --config point into */
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
