// SPDX-License-Identifier: Apache-2.0
/* Opens and places memory devices. Start reading at open_disk. */
#include "vmm/machine/machine_pmem.h"

#include "vmm/base/file_argument.h"
#include "vmm/base/log.h"
#include "vmm/config/config_pmem.h"
#include "vmm/kvm/phys_bits_x86.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

static bool same_file(const char *path, const struct pmem_backing *b)
{
	struct stat x, y;

	if (file_argument_stat(path, &x) < 0 || fstat(b->fd, &y) < 0)
		return false;
	/* A block device can have several nodes. */
	if (S_ISBLK(x.st_mode) && S_ISBLK(y.st_mode))
		return x.st_rdev == y.st_rdev;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool machine_uses_file(const struct machine *machine, const char *path)
{
	for (unsigned i = 0; i < machine->n_pmem; i++)
		if (same_file(path, &machine->pmem[i].backing))
			return true;
	return false;
}

/*
 * Two file systems on one file destroy each other, unless both only read it or keep their stores to
 * themselves. Checked before the file's lock, whose message would say less.
 */
static int check_unshared(const struct machine *m, const struct config_pmem *c, struct error *err)
{
	bool writes = c->share && !c->readonly;

	for (unsigned i = 0; i < m->n_pmem; i++) {
		const struct machine_pmem *other = &m->pmem[i];

		if (!same_file(c->file, &other->backing) ||
		    (!writes && (!other->backing.share || other->backing.readonly)))
			continue;
		return error_set(
			err, EBUSY,
			"the disk '%s' uses the same file; give each disk its own file, or give "
			"both readonly=on or share=off",
			other->id);
	}
	return 0;
}

/* Its size is given, and with that a file would be made. */
static int check_there(const struct config_pmem *c, struct error *err)
{
	struct stat st;
	int ret = file_argument_stat(c->file, &st);

	if (ret < 0)
		return error_set(err, -ret,
				 "%s; name the file of the saved disk by --pmem id=%s,file=FILE",
				 strerror(-ret), c->id);
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < c->size)
		return error_set(err, EINVAL,
				 "has %" PRIu64 " bytes, and the disk was saved with %" PRIu64
				 "; name a file of that size by --pmem id=%s,file=FILE",
				 (uint64_t)st.st_size, c->size, c->id);
	return 0;
}

/* KVM takes 2^31 - 1 pages in one slot; a disk has whole pieces of 2 MiB. */
#define SIZE_MAX_OF_SLOT ((1ULL << 43) - LAYOUT_PMEM_ALIGN)

static int place_disk(struct machine *m, const struct machine_pmem *pmem,
		      const struct config_pmem *c, gpa_t *ret_start, struct error *err)
{
	struct placement_request request = {
		.id = pmem->id,
		.size = pmem->backing.size,
		.align = c->align > LAYOUT_PMEM_ALIGN ? c->align : LAYOUT_PMEM_ALIGN,
		.addr = c->addr,
		.fixed = c->fixed,
	};

	if (request.size > SIZE_MAX_OF_SLOT)
		return error_set(err, EFBIG,
				 "can't add memory device, device too big: its 0x%" PRIx64
				 " bytes are more than the 0x%llx that KVM takes; use a part of "
				 "the file by size=, or several files",
				 request.size, SIZE_MAX_OF_SLOT);
	return placement_add(&m->placement, &request, &ret_start->value, err);
}

static void describe(struct machine *m, unsigned slot)
{
	const struct machine_pmem *pmem = &m->pmem[slot];
	struct boot_machine *boot = &m->boot;

	boot->pmem[slot] = (struct boot_pmem){ pmem->start.value, pmem->backing.size, pmem->node };
	boot->devices[boot->n_devices++] = boot_virtio_device(slot, "virtio-pmem");
}

/* @ret_why is an error of the device; messages about the file itself name @option. @patient: not on
 * the event loop (pmem_backing.h). */
static int open_disk(struct machine *m, const struct config_pmem *c, const char *option,
		     bool patient, struct error *ret_why, struct error *err)
{
	struct pmem_backing_options options = {
		.path = c->file,
		.size = c->size,
		.readonly = c->readonly,
		.share = c->share,
		.unlocked = c->unlocked,
		.option = option,
		.patient = patient,
	};
	struct machine_pmem *pmem = &m->pmem[m->n_pmem];
	int ret = c->saved ? check_there(c, ret_why) : 0;

	if (ret == 0)
		ret = check_unshared(m, c, ret_why);
	if (ret < 0)
		return ret;
	*pmem = (struct machine_pmem){ .named = c->named,
				       .node = c->node,
				       .prealloc = c->prealloc };
	strcpy(pmem->id, c->id);
	strcpy(pmem->memdev, c->memdev);
	ret = pmem_backing_open(&pmem->backing, &options, err);
	if (ret < 0)
		return ret;
	if (c->unlocked)
		log_warning(
			"%s %s: lock=off: the file is not locked; other processes can write to it "
			"while the guest runs",
			option, c->file);
	ret = place_disk(m, pmem, c, &pmem->start, ret_why);
	if (ret < 0) {
		pmem_backing_close(&pmem->backing);
		return ret;
	}
	describe(m, m->n_pmem++);
	return 0;
}

void machine_describe_pmem(const struct machine *machine, unsigned i, struct config_pmem *ret)
{
	const struct machine_pmem *pmem = &machine->pmem[i];

	*ret = (struct config_pmem){
		.file = pmem->backing.path,
		.size = pmem->backing.file_size,
		.addr = pmem->start.value,
		.fixed = true,
		.node = pmem->node,
		.named = pmem->named,
		.readonly = pmem->backing.readonly,
		.share = pmem->backing.share,
		.unlocked = pmem->backing.lock_fd < 0 && !pmem->backing.process_lock,
	};
	strcpy(ret->id, pmem->id);
	strcpy(ret->memdev, pmem->memdev);
}

/* Copies them, because the copy can grow at run time. */
static int copy_backends(struct machine *m, const struct memory_backends *from, struct error *err)
{
	for (unsigned i = 0; i < from->n; i++) {
		int ret = memory_backends_add_copy(&m->backends, &from->list[i], 0, err);

		if (ret < 0)
			return ret;
	}
	return 0;
}

int machine_plan_pmem(struct machine *machine, const struct config *config, struct error *err)
{
	struct placement_options options = { config->memory, config->maxmem, config->slots,
					     phys_bits() };
	struct error why = { 0 };
	int ret = placement_init(&machine->placement, &options, &why);

	if (ret < 0)
		return error_set(err, -ret, "--memory: %s", why.text);
	ret = copy_backends(machine, &config->backends, err);
	for (unsigned i = 0; i < config->n_pmem && ret == 0; i++) {
		const struct config_pmem *c = &config->pmem[i];

		ret = open_disk(machine, c, c->device ? "--object" : "--pmem", true, &why, err);
		if (ret < 0 && why.text[0])
			error_set(err, -ret, "%s %s: %s", c->device ? "--device" : "--pmem",
				  c->device ? c->given : c->file, why.text);
	}
	if (ret == 0)
		placement_close(&machine->placement);
	return ret;
}

static bool id_is_used(const struct machine *m, const char *id)
{
	for (unsigned i = 0; i < m->n_pmem; i++)
		if (strcmp(m->pmem[i].id, id) == 0)
			return true;
	return false;
}

static int check_device(const struct machine *m, const struct memory_device *device,
			struct error *err)
{
	unsigned nodes = m->boot.n_nodes ? m->boot.n_nodes : 1;

	if (device->id[0] && id_is_used(m, device->id))
		return error_set(err, EINVAL, "Duplicate device ID '%s'", device->id);
	if (device->node >= nodes)
		return error_set(err, EINVAL,
				 "'node' property has value '%u', which exceeds the number of "
				 "numa nodes: %u",
				 device->node, nodes);
	if (m->n_pmem + m->n_devices == LAYOUT_VIRTIO_SLOTS)
		return error_set(err, EBUSY, "no virtio slot is free: all %d are in use",
				 LAYOUT_VIRTIO_SLOTS);
	return 0;
}

int machine_plug_pmem(struct machine *machine, const struct memory_device *device,
		      struct error *err)
{
	struct memory_backend *backend;
	struct config_pmem c = { 0 };
	int ret = check_device(machine, device, err);

	if (ret == 0)
		ret = memory_backends_claim(&machine->backends, device->memdev, &backend, err);
	if (ret)
		return ret;
	config_pmem_take_device(&c, device);
	config_pmem_take_backend(&c, backend);
	for (unsigned i = machine->n_pmem; !c.id[0] || (!c.named && id_is_used(machine, c.id)); i++)
		snprintf(c.id, sizeof(c.id), "pmem%u", i);
	ret = open_disk(machine, &c, "memory-backend-file", false, err, err);
	if (ret < 0)
		backend->busy = false;
	return ret;
}

void machine_unplug_pmem(struct machine *machine)
{
	struct machine_pmem *pmem = &machine->pmem[--machine->n_pmem];
	struct memory_backend *backend = memory_backends_find(&machine->backends, pmem->memdev);

	if (backend)
		backend->busy = false;
	placement_remove(&machine->placement, pmem->start.value);
	pmem_backing_close(&pmem->backing);
	machine->boot.pmem[machine->n_pmem] = (struct boot_pmem){ 0 };
	machine->boot.n_devices--;
}

void machine_fini_pmem(struct machine *machine)
{
	for (unsigned i = 0; i < machine->n_pmem; i++)
		pmem_backing_close(&machine->pmem[i].backing);
	machine->n_pmem = 0;
	memory_backends_fini(&machine->backends);
}
