// SPDX-License-Identifier: Apache-2.0
/* The section "config" of a state file. Each save has its load right behind it. */
#include "vmm/config/config_state.h"

#include "vmm/config/config_console.h"
#include "vmm/config/config_pmem.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define SECTION "config"
#define VERSION 2 /* 1: without fork= */

/* Texts are paths, names of taps and destinations of consoles. */
#define TEXT_MAX (PATH_MAX + 64)

static void save_text(struct state_writer *w, const char *text)
{
	state_writer_bool(w, text);
	if (text)
		state_writer_string(w, text);
}

static const char *load_text(struct config *config, struct state_reader *r)
{
	char text[TEXT_MAX];
	const char *kept;

	if (!state_reader_bool(r))
		return NULL;
	state_reader_string(r, text, sizeof(text));
	kept = config_keep(config, text);
	if (!kept)
		state_reader_fail(r, ENOMEM, "out of memory");
	return kept;
}

/* Fails if the number is not @min to @max. */
static uint32_t load_number(struct state_reader *r, const char *what, uint32_t min, uint32_t max)
{
	uint32_t n = state_reader_u32(r);

	if (n >= min && n <= max)
		return n;
	state_reader_fail(r, EINVAL, "%s is %u, which is not from %u to %u", what, n, min, max);
	return min;
}

static void save_cpus(const struct config *c, struct state_writer *w)
{
	state_writer_u32(w, c->cpus);
	state_writer_u32(w, c->topology.sockets);
	state_writer_u32(w, c->topology.cores);
	state_writer_u32(w, c->topology.threads);
	state_writer_u32(w, c->cpu_features);
}

static void load_cpus(struct config *c, struct state_reader *r)
{
	struct boot_topology *t = &c->topology;

	c->cpus = load_number(r, "the number of vCPUs", 1, BOOT_MAX_CPUS);
	t->sockets = load_number(r, "the number of sockets", 1, BOOT_MAX_CPUS);
	t->cores = load_number(r, "the number of cores", 1, BOOT_MAX_CPUS);
	t->threads = load_number(r, "the number of threads", 1, BOOT_MAX_CPUS);
	if (t->sockets * t->cores * t->threads != c->cpus)
		state_reader_fail(r, EINVAL, "%u sockets * %u cores * %u threads are not %u vCPUs",
				  t->sockets, t->cores, t->threads, c->cpus);
	c->cpu_features = load_number(r, "cpu-features", 0, CONFIG_CPU_FEATURES_HOST);
}

static void save_memory(const struct config *c, struct state_writer *w)
{
	state_writer_u64(w, c->memory);
	state_writer_u64(w, c->maxmem);
	state_writer_u32(w, c->slots);
	state_writer_bool(w, c->fork);
	state_writer_u32(w, c->numa_seen);
	for (unsigned i = 0; i < BOOT_MAX_NODES; i++) {
		if (!(c->numa_seen & 1u << i))
			continue;
		state_writer_u64(w, c->nodes[i].memory);
		state_writer_u32(w, c->nodes[i].cpus);
	}
}

static void load_memory(struct config *c, uint32_t version, struct state_reader *r)
{
	struct error why;

	c->memory = state_reader_u64(r);
	c->maxmem = state_reader_u64(r);
	c->slots = state_reader_u32(r);
	c->fork = version > 1 && state_reader_bool(r);
	c->numa_seen = load_number(r, "the set of NUMA nodes", 0, (1u << BOOT_MAX_NODES) - 1);
	for (unsigned i = 0; i < BOOT_MAX_NODES; i++) {
		if (!(c->numa_seen & 1u << i))
			continue;
		c->nodes[i].memory = state_reader_u64(r);
		c->nodes[i].cpus = state_reader_u32(r);
	}
	if (config_check_memory(c, &why) < 0)
		state_reader_fail(r, EINVAL, "its memory is not possible: %s", why.text);
}

static void save_disk(const struct config_pmem *p, struct state_writer *w)
{
	save_text(w, p->file);
	state_writer_string(w, p->id);
	state_writer_bool(w, p->named);
	state_writer_string(w, p->memdev);
	state_writer_u64(w, p->size);
	state_writer_u64(w, p->align);
	state_writer_u64(w, p->addr);
	state_writer_u32(w, p->node);
	state_writer_bool(w, p->readonly);
	state_writer_bool(w, p->share);
	state_writer_bool(w, p->unlocked);
}

/* Letters and the like, as on the command line: it is in messages, and is a file's name. */
static void load_id(struct state_reader *r, char *ret_id, size_t size)
{
	state_reader_string(r, ret_id, size);
	if (!property_is_id(ret_id))
		state_reader_fail(r, EINVAL,
				  "an id is not 1 to %d letters, digits, '.', '_' or '-'",
				  CONFIG_ID_MAX);
}

static void load_disk(struct config *c, struct config_pmem *p, struct state_reader *r)
{
	*p = (struct config_pmem){ .file = load_text(c, r), .fixed = true, .saved = true };
	if (!p->file)
		state_reader_fail(r, EINVAL, "a disk has no file");
	load_id(r, p->id, sizeof(p->id));
	p->named = state_reader_bool(r);
	load_id(r, p->memdev, sizeof(p->memdev));
	p->size = state_reader_u64(r);
	p->align = state_reader_u64(r);
	p->addr = state_reader_u64(r);
	p->node = state_reader_u32(r);
	p->readonly = state_reader_bool(r);
	p->share = state_reader_bool(r);
	p->unlocked = state_reader_bool(r);
	if (p->align & (p->align - 1))
		state_reader_fail(r, EINVAL, "the alignment of disk %s is no power of two", p->id);
}

static void load_disks(struct config *c, struct state_reader *r)
{
	unsigned n = state_reader_count(r, "disks", LAYOUT_VIRTIO_SLOTS);

	for (unsigned i = 0; i < n; i++) {
		load_disk(c, &c->pmem[i], r);
		for (unsigned k = 0; k < i; k++)
			if (strcmp(c->pmem[i].id, c->pmem[k].id) == 0 ||
			    strcmp(c->pmem[i].memdev, c->pmem[k].memdev) == 0)
				state_reader_fail(r, EINVAL, "two disks have the same id %s",
						  c->pmem[i].id);
	}
	c->n_pmem = n;
}

static void save_console(const struct config_console *console, struct state_writer *w)
{
	state_writer_bool(w, console->given);
	state_writer_u32(w, console->n);
	for (unsigned i = 0; i < console->n; i++)
		state_writer_string(w, console->sinks[i].given);
}

static void load_console(struct config *c, struct config_console *console,
			 int (*add_sink)(struct config *, const char *, struct error *),
			 struct state_reader *r)
{
	bool given = state_reader_bool(r);
	unsigned n = state_reader_count(r, "destinations", CONFIG_MAX_SINKS);

	for (unsigned i = 0; i < n; i++) {
		struct error why = { 0 };
		char text[TEXT_MAX];
		const char *kept;

		state_reader_string(r, text, sizeof(text));
		kept = config_keep(c, text);
		if (state_reader_result(r, &why) == 0 && (!kept || add_sink(c, kept, &why) < 0))
			state_reader_fail(r, EINVAL, "%s", kept ? why.text : "out of memory");
	}
	for (unsigned i = 0; i < console->n; i++)
		console->sinks[i].saved = true;
	console->given = given;
	console->saved = true;
}

static void save_nets(const struct config *c, struct state_writer *w)
{
	state_writer_u32(w, c->n_nets);
	for (unsigned i = 0; i < c->n_nets; i++) {
		save_text(w, c->nets[i].tap);
		state_writer_bool(w, c->nets[i].has_mac);
		state_writer_bytes(w, c->nets[i].mac, sizeof(c->nets[i].mac));
	}
}

static void load_nets(struct config *c, struct state_reader *r)
{
	unsigned n = state_reader_count(r, "network cards", CONFIG_MAX_NETS);

	for (unsigned i = 0; i < n; i++) {
		struct config_net *net = &c->nets[i];

		net->tap = load_text(c, r);
		net->has_mac = state_reader_bool(r);
		state_reader_bytes(r, net->mac, sizeof(net->mac));
		if (!net->tap)
			state_reader_fail(r, EINVAL, "a network card has no tap");
	}
	c->n_nets = n;
}

static void save_devices(const struct config *c, struct state_writer *w)
{
	state_writer_bool(w, c->rng);
	save_text(w, c->vsock_path);
	state_writer_u32(w, c->vsock_cid);
	state_writer_bool(w, c->debug_exit);
	state_writer_bool(w, c->watchdog);
}

static void load_devices(struct config *c, struct state_reader *r)
{
	c->rng = state_reader_bool(r);
	c->vsock_path = load_text(c, r);
	c->vsock_cid = state_reader_u32(r);
	c->debug_exit = state_reader_bool(r);
	c->watchdog = state_reader_bool(r);
}

void config_state_save(const struct config *config, enum boot_platform platform,
		       const struct config_pmem *disks, unsigned n, struct state_writer *w)
{
	state_writer_begin(w, SECTION, VERSION);
	save_memory(config, w);
	save_cpus(config, w);
	state_writer_u32(w, platform);
	state_writer_u32(w, n);
	for (unsigned i = 0; i < n; i++)
		save_disk(&disks[i], w);
	save_console(&config->serial, w);
	save_console(&config->console, w);
	save_nets(config, w);
	save_devices(config, w);
	state_writer_end(w);
}

void config_state_load(struct config *config, struct state_reader *r)
{
	load_memory(config, state_reader_begin(r, SECTION, VERSION), r);
	load_cpus(config, r);
	config->platform = load_number(r, "the platform", BOOT_PLATFORM_DT, BOOT_PLATFORM_ACPI);
	load_disks(config, r);
	load_console(config, &config->serial, config_add_serial, r);
	load_console(config, &config->console, config_add_console, r);
	load_nets(config, r);
	load_devices(config, r);
	state_reader_end(r);
}
