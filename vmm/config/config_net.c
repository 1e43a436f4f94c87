// SPDX-License-Identifier: Apache-2.0
/* --net. */
#include "vmm/config/config_options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MAC_LEN 17

/* The address of a single card is not a multicast address, and not zero. */
static int set_mac(void *object, const struct keyval *given, struct error *why)
{
	const char *value = given->value;
	static const uint8_t none[sizeof(((struct config_net *)0)->mac)];
	struct config_net *net = object;
	uint8_t *mac = net->mac;
	int len = 0;

	sscanf(value, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3],
	       &mac[4], &mac[5], &len);
	if (len != MAC_LEN || value[len] || strspn(value, "0123456789abcdefABCDEF:") != MAC_LEN)
		return -EINVAL;
	if (mac[0] & 1 || memcmp(mac, none, sizeof(none)) == 0)
		return error_set(
			why, EINVAL,
			"cannot be the address of a card; the first byte must be even, and not "
			"all bytes 0 (02 begins a locally administered address)");
	net->has_mac = true;
	return 0;
}

const struct property config_net_properties[] = {
	{ "tap", PROPERTY_NAME, offsetof(struct config_net, tap), .required = true },
	{ "mac", PROPERTY_TEXT, .wants = "must be six bytes like 02:00:00:12:34:56",
	  .check = set_mac },
	PROPERTY_END("are tap=NAME or tap=fd:N, and mac="),
};

/* The n-th --net of a restore names the tap of the n-th card. */
static int name_anew(struct config *config, const struct config_keys *keys, struct error *err)
{
	struct config_net *net = &config->nets[config->restore.nets];

	if (config->restore.nets == config->n_nets)
		return error_set(err, EINVAL,
				 "--net %s: the VM was saved with %u network cards; leave this one "
				 "out",
				 keys->given, config->n_nets);
	config->restore.nets++;
	return property_fill(config_net_properties, net, keys->list, keys->n, keys->option, err);
}

int config_add_net(struct config *config, const struct config_keys *keys, struct error *err)
{
	struct config_net net = { 0 };
	int ret;

	if (config->restore.where)
		return name_anew(config, keys, err);
	if (config->n_nets == CONFIG_MAX_NETS)
		return error_set(err, EINVAL, "--net %s: there can be at most %d", keys->given,
				 CONFIG_MAX_NETS);
	ret = property_fill(config_net_properties, &net, keys->list, keys->n, keys->option, err);
	if (ret == 0 && !net.tap)
		return error_set(err, EINVAL, "--net %s: tap=NAME or tap=fd:N is missing",
				 keys->given);
	if (ret == 0)
		config->nets[config->n_nets++] = net;
	return ret;
}
