// SPDX-License-Identifier: Apache-2.0
/* --net. */
#include "vmm/config/config_net.h"

#include "vmm/base/keyval.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 2

#define MAC_LEN 17

/* An address of one card is no group's, and not empty. */
static int set_mac(struct config_net *net, const char *value, struct error *err)
{
	static const uint8_t none[sizeof(net->mac)];
	uint8_t *mac = net->mac;
	int len = 0;

	sscanf(value, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3],
	       &mac[4], &mac[5], &len);
	if (len != MAC_LEN || value[len] || strspn(value, "0123456789abcdefABCDEF:") != MAC_LEN)
		return error_set(err, EINVAL,
				 "--net mac=%s: must be six bytes like 02:00:00:12:34:56", value);
	if (mac[0] & 1 || memcmp(mac, none, sizeof(none)) == 0)
		return error_set(err, EINVAL,
				 "--net mac=%s: is no card's address; the first byte must be even, "
				 "and 02 begins one that is nobody else's",
				 value);
	net->has_mac = true;
	return 0;
}

static int set_key(struct config_net *net, const struct keyval *kv, struct error *err)
{
	if (strcmp(kv->key, "mac") == 0)
		return set_mac(net, kv->value, err);
	if (strcmp(kv->key, "tap") != 0)
		return error_set(
			err, EINVAL,
			"--net %s=%s: unknown key; there are tap=NAME or tap=fd:N, and mac=",
			kv->key, kv->value);
	net->tap = kv->value;
	return 0;
}

int config_add_net(struct config *config, const char *value, struct error *err)
{
	struct config_net *net = &config->nets[config->n_nets];
	struct keyval list[MAX_KEYS];
	int n, ret = 0;

	if (config->n_nets == CONFIG_MAX_NETS)
		return error_set(err, EINVAL, "--net %s: there can be at most %d", value,
				 CONFIG_MAX_NETS);
	net->text = strdup(value);
	if (!net->text)
		return error_set(err, ENOMEM, "--net %s: out of memory", value);
	config->n_nets++;
	n = keyval_parse(net->text, "--net", "tap", list, MAX_KEYS, err);
	if (n < 0)
		ret = n;
	for (int i = 0; i < n && ret == 0; i++)
		ret = set_key(net, &list[i], err);
	if (ret == 0 && !net->tap)
		return error_set(err, EINVAL, "--net %s: tap=NAME or tap=fd:N is missing", value);
	return ret;
}

void config_fini_net(struct config *config)
{
	for (unsigned i = 0; i < config->n_nets; i++)
		free(config->nets[i].text);
	config->n_nets = 0;
}
