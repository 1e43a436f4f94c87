// SPDX-License-Identifier: Apache-2.0
/* Makes what is no disk, in the order of machine.c's plan_extras. Start reading at vm_extras_init.
 */
#include "vmm/vm/vm_extras.h"

#include "vmm/base/layout.h"
#include "vmm/base/log.h"
#include "vmm/host/tap.h"
#include "vmm/vm/vm_state.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static int add(struct vm *vm, struct virtio_device *dev, struct error *err)
{
	unsigned n = vm->n_extras++;

	return virtio_slot_init(&vm->extras[n], LAYOUT_VIRTIO_SLOTS - 1 - n, dev, &vm->loop,
				&vm->registers, err);
}

static int add_vsock(struct vm *vm, const struct config *config, struct error *err)
{
	int ret;

	vm->vsock_buffers = calloc(1, VSOCK_BUFFERS);
	if (!vm->vsock_buffers)
		return error_set(err, ENOMEM, "--vsock: out of memory");
	vsock_init(&vm->vsock, config->vsock_cid, &vm->vsock_unix.host, &vm->loop, &vm->memory,
		   vm->vsock_buffers);
	ret = vsock_unix_init(&vm->vsock_unix, &vm->vsock, &vm->loop, config->vsock_path,
			      config->sandbox.chroot, err);
	return ret < 0 ? error_blame_option(err, ret) : add(vm, &vm->vsock.virtio, err);
}

static int set_offloads(struct net *net, uint64_t features)
{
	return tap_set_offloads(net->fd, features);
}

static const struct net_ops net_ops = { .set_offloads = set_offloads };

/* A new one each time, as for a card that was just bought: nobody else on the network has it. */
static int make_mac(uint8_t *ret_mac, struct error *err)
{
	if (getrandom(ret_mac, ETH_ALEN, 0) != ETH_ALEN)
		return error_set(err, errno, "--net: no random address; give mac=: %s",
				 strerror(errno));
	ret_mac[0] = (ret_mac[0] & ~1) | 2; /* one card's, locally administered */
	return 0;
}

static int add_net(struct vm *vm, const struct config_net *config, struct error *err)
{
	unsigned n = vm->n_nets;
	struct vm_net *net = &vm->nets[n];
	uint8_t mac[ETH_ALEN];
	int ret = 0;

	memcpy(mac, config->mac, sizeof(mac));
	if (!config->has_mac)
		ret = make_mac(mac, err);
	if (ret < 0)
		return ret;
	snprintf(net->name, sizeof(net->name), "net%u", n);
	vm->n_nets++;
	net_init(&net->net, net->name, &net_ops, vm->machine->taps[n], mac, &vm->loop, &vm->memory);
	log_info("%s: %s, %02x:%02x:%02x:%02x:%02x:%02x", net->name, config->tap, mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	return add(vm, &net->net.virtio, err);
}

int vm_extras_init(struct vm *vm, const struct config *config, struct error *err)
{
	int ret = 0;

	if (config->rng) {
		rng_init(&vm->rng, &vm->memory);
		ret = add(vm, &vm->rng.virtio, err);
	}
	if (config->vsock_path && ret == 0)
		ret = add_vsock(vm, config, err);
	if (config->console.given && ret == 0) {
		virtio_port_init(&vm->virtio_port, &vm->consoles[VM_CONSOLE_VIRTIO], &vm->loop,
				 &vm->memory);
		ret = add(vm, &vm->virtio_port.virtio.virtio, err);
	}
	for (unsigned i = 0; i < config->n_nets && ret == 0; i++)
		ret = add_net(vm, &config->nets[i], err);
	assert(ret < 0 || vm->n_extras == vm->machine->n_extras);
	return ret;
}

static void add_counter(struct device_counters *counters, const char *name, uint64_t value)
{
	counters->list[counters->n].name = name;
	counters->list[counters->n++].value = value;
}

static void count_vsock(const struct vsock_counters *n, struct device_counters *ret)
{
	*ret = (struct device_counters){ .id = "vsock" };
	add_counter(ret, "connections", n->connections);
	add_counter(ret, "refused", n->refused);
	add_counter(ret, "received-bytes", n->received_bytes);
	add_counter(ret, "sent-bytes", n->sent_bytes);
}

static void count_net(const struct vm_net *net, struct device_counters *ret)
{
	const struct net_counters *n = &net->net.counters;

	*ret = (struct device_counters){ 0 };
	strcpy(ret->id, net->name);
	add_counter(ret, "received", n->received);
	add_counter(ret, "received-bytes", n->received_bytes);
	add_counter(ret, "receive-dropped", n->receive_dropped);
	add_counter(ret, "sent", n->sent);
	add_counter(ret, "sent-bytes", n->sent_bytes);
	add_counter(ret, "send-dropped", n->send_dropped);
}

int vm_extras_count(const struct vm *vm, unsigned i, struct device_counters *ret_counters)
{
	bool has_rng = vm->rng.virtio.ops, has_vsock = vm->vsock_buffers;
	unsigned first_net = has_rng + has_vsock;

	_Static_assert(sizeof(vm->nets[0].name) <= sizeof(ret_counters->id), "it fits");
	if (has_rng && i == 0) {
		*ret_counters = (struct device_counters){ .id = "rng" };
		add_counter(ret_counters, "bytes", vm->rng.bytes);
	} else if (i < first_net) {
		count_vsock(&vm->vsock.counters, ret_counters);
	} else if (i - first_net < vm->n_nets) {
		count_net(&vm->nets[i - first_net], ret_counters);
	} else {
		return -ENOENT;
	}
	return 0;
}

void vm_extras_finish(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_extras; i++)
		virtio_mmio_look(&vm->extras[i].mmio);
}

unsigned vm_extras_list_files(const struct vm *vm, struct sandbox_file *ret_files)
{
	return control_socket_file(&vm->vsock_unix.socket, ret_files);
}

void vm_extras_fini(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_extras; i++)
		virtio_slot_fini(&vm->extras[i]);
	if (!vm->vsock_buffers)
		return;
	vsock_fini(&vm->vsock);
	vsock_unix_fini(&vm->vsock_unix);
	free(vm->vsock_buffers);
}
