/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as one plain structure, parsed and checked for form. No file but that of
 * --config is read. Strings point into argv or into memory that config_fini frees.
 */
#pragma once

#include "boot/boot.h"
#include "vmm/base/error.h"
#include "vmm/base/layout.h"
#include "vmm/base/log.h"
#include "vmm/base/state_reader.h"
#include "vmm/config/memory_backend.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/snapshot/snapshot_files.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_ID_MAX MEMORY_BACKEND_ID_MAX

enum config_root { CONFIG_ROOT_DEFAULT, CONFIG_ROOT_ON, CONFIG_ROOT_OFF };

/* A memory device, from --pmem or --device. */
struct config_pmem {
	bool device;
	const char *given; /* value of --device, for messages */
	const char *file;
	uint64_t size;	/* bytes; 0: the file's size */
	uint64_t align; /* of its address; 0: the smallest that works */
	uint64_t addr;	/* if @fixed */
	bool fixed;
	unsigned node;
	char id[CONFIG_ID_MAX + 1];
	bool named;			/* by the user; otherwise @id is made up */
	char memdev[CONFIG_ID_MAX + 1]; /* its backend's name */
	bool readonly;
	bool share;
	bool unlocked; /* lock=off */
	bool prealloc;
	bool saved;	 /* in a snapshot: its file must be there */
	bool named_anew; /* and the user has said which file that is */
	enum config_root root;
};

enum config_sink_kind {
	CONFIG_SINK_STDIO,
	CONFIG_SINK_FILE,
	CONFIG_SINK_UNIX,
	CONFIG_SINK_PTY,
	CONFIG_SINK_FD,
};

/* A destination of a console. */
struct config_sink {
	enum config_sink_kind kind;
	const char *option; /* "--serial", for messages */
	const char *given;  /* and its value */
	char *text;	    /* owned: @path points into it */
	const char *path;   /* of a file or a socket; of CONFIG_SINK_FD fd:N as it was given */
	uint64_t rate;	    /* bytes per second; 0: no limit */
	bool saved;	    /* in a snapshot: a file goes on, and does not begin anew */
};

#define CONFIG_MAX_SINKS 4

struct config_console {
	bool given;
	bool saved; /* as in the snapshot: the first one that is given takes their place */
	struct config_sink sinks[CONFIG_MAX_SINKS];
	unsigned n; /* 0 with null alone */
};

/* A socket of the control plane: --qmp, or --monitor (@hmp). */
struct config_control {
	bool hmp;
	const char *where;
};

#define CONFIG_MAX_CONTROLS 16

/* A network card, from --net. */
struct config_net {
	const char *tap; /* an interface, or fd:N */
	bool has_mac;
	uint8_t mac[6];
};

#define CONFIG_MAX_NETS 8

enum config_cpu_features { CONFIG_CPU_FEATURES_DEFAULT, CONFIG_CPU_FEATURES_HOST };

enum config_clock {
	CONFIG_CLOCK_SAVED,    /* goes on where it stood */
	CONFIG_CLOCK_REALTIME, /* advanced by the time since the save */
};

/* --restore: the machine is that of a snapshot. */
struct config_restore {
	const char *given;			    /* the option's value */
	const char *dir, *state_file, *memory_file; /* its keys, or NULL */
	enum config_clock clock;
	const char *where;	     /* the same as @given, or NULL: the snapshot was not opened */
	struct state_reader *state;  /* owned: its state file, whose section "config" was read */
	struct snapshot_files files; /* its other files */
	unsigned nets;		     /* how many cards were given anew */
};

/* Memory that options point into. */
struct config_text {
	struct config_text *next;
	char text[];
};

struct config {
	bool help, version;
	const char *name; /* or NULL */
	const char *uuid; /* in lower case, or NULL */
	const char *kvm;  /* the device */
	const char *kernel;
	const char *initrd; /* or NULL */
	const char *append; /* or NULL */
	uint64_t memory;    /* bytes */
	bool fork;	    /* vm-fork is possible */
	uint64_t maxmem;    /* bytes, or 0 */
	unsigned slots;	    /* with maxmem */
	unsigned cpus;
	struct boot_topology topology; /* of the cpus */
	enum config_cpu_features cpu_features;
	struct boot_node nodes[BOOT_MAX_NODES];
	uint32_t numa_seen; /* bit mask of the nodes that were given; config_parse ensures 0 to n */
	struct memory_backends backends;
	struct config_pmem pmem[LAYOUT_VIRTIO_SLOTS];
	unsigned n_pmem;
	struct config_console serial;
	struct config_console console; /* of virtio; @given: it exists */
	struct config_control controls[CONFIG_MAX_CONTROLS];
	unsigned n_controls;
	struct config_net nets[CONFIG_MAX_NETS];
	unsigned n_nets;
	bool rng;		/* whether there is an entropy device */
	const char *vsock_path; /* the socket on the host's side; NULL: no socket device */
	uint32_t vsock_cid;
	bool debug_exit; /* whether there is an isa-debug-exit */
	bool watchdog;
	bool paused;	       /* the guest waits for cont */
	const char *snapshots; /* the directory for vm-save, or NULL */
	struct config_restore restore;
	struct sandbox_options sandbox;
	enum boot_platform platform;
	const char *dump_dtb;  /* or NULL */
	const char *dump_acpi; /* or NULL */
	bool dry_run;
	bool boot_timer;
	const char *result;		       /* or NULL; also set if another option is wrong */
	int ready_fd, guest_ready_fd, life_fd; /* as they were inherited; -1: none */
	bool die_with_parent;
	unsigned timeout; /* seconds; 0: none */
	enum log_level log_level;
	enum log_format log_format;
	struct config_text *texts; /* owned: copies of values */
};

/*
 * Parses argv[1..]. -EINVAL with @err set: one line that names the option, the value and the
 * allowed values. In either case the caller calls config_fini.
 */
int config_parse(struct config *config, int argc, char **argv, struct error *err);

/* Whether a start makes files that it has to remove if it fails: disks or sockets. */
bool config_makes_files(const struct config *config);

void config_fini(struct config *config);

void config_print_help(FILE *out);
