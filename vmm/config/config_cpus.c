// SPDX-License-Identifier: Apache-2.0
/* --cpus: how many vCPUs, and how they are divided. Start reading at config_set_cpus. */
#include "vmm/config/config_options.h"

#include <errno.h>
#include <stddef.h>

/* 0: not given. */
struct cpus {
	unsigned n;
	struct boot_topology topology;
};

#define NUMBER(member)                                                                             \
	PROPERTY_NUMBER, offsetof(struct cpus, member), "must be a number from 1 to 32",           \
		.min = 1, .max = BOOT_MAX_CPUS

_Static_assert(BOOT_MAX_CPUS == 32, "as the message says");

const struct property config_cpus_properties[] = {
	{ "cpus", NUMBER(n), .bare = true },
	{ "sockets", NUMBER(topology.sockets) },
	{ "cores", NUMBER(topology.cores) },
	{ "threads", NUMBER(topology.threads) },
	PROPERTY_END("are cpus, sockets, cores, threads"),
};

static unsigned or_one(unsigned n)
{
	return n ? n : 1;
}

static unsigned product(const struct boot_topology *t)
{
	return t->sockets * t->cores * t->threads;
}

/*
 * What is not given is worked out as in QEMU since 6.2 (machine_parse_smp_config): there are as
 * many cores as possible, then sockets, then threads.
 */
static void fill_in(struct cpus *c)
{
	struct boot_topology *t = &c->topology;

	if (!c->n) {
		*t = (struct boot_topology){ or_one(t->sockets), or_one(t->cores),
					     or_one(t->threads) };
		c->n = product(t);
	} else if (!t->cores) {
		t->sockets = or_one(t->sockets);
		t->threads = or_one(t->threads);
		t->cores = c->n / (t->sockets * t->threads);
	} else if (!t->sockets) {
		t->threads = or_one(t->threads);
		t->sockets = c->n / (t->cores * t->threads);
	}
	if (!t->threads)
		t->threads = or_one(c->n / (t->sockets * t->cores));
}

static int check(const struct cpus *c, const char *given, struct error *err)
{
	const struct boot_topology *t = &c->topology;

	if (c->n > BOOT_MAX_CPUS)
		return error_set(err, EINVAL,
				 "--cpus %s: sockets (%u) * cores (%u) * threads (%u) are %u "
				 "vCPUs; there can be at most %u",
				 given, t->sockets, t->cores, t->threads, c->n, BOOT_MAX_CPUS);
	if (product(t) != c->n)
		return error_set(err, EINVAL,
				 "--cpus %s: sockets (%u) * cores (%u) * threads (%u) are not %u "
				 "vCPUs; give numbers whose product is %u, or leave %u out and "
				 "give the others",
				 given, t->sockets, t->cores, t->threads, c->n, c->n, c->n);
	return 0;
}

int config_set_cpus(struct config *config, const struct config_keys *keys, struct error *err)
{
	struct cpus cpus = { 0 };
	int ret = property_fill(config_cpus_properties, &cpus, keys->list, keys->n, keys->option,
				err);

	if (ret < 0)
		return ret;
	fill_in(&cpus);
	ret = check(&cpus, keys->given, err);
	if (ret < 0)
		return ret;
	config->cpus = cpus.n;
	config->topology = cpus.topology;
	return 0;
}
