// SPDX-License-Identifier: Apache-2.0
/* Taps of a network namespace of the test's own: what is taken, how it is set up, what is refused.
 */
#include "vmm/host/tap.h"

#include "tests/support/check.h"
#include "tests/support/open_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

TestSuite(tap, .timeout = 10);

#define GOOD (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

static struct error err;

/* Users may make namespaces of users, and are root in there; where they may not, root runs this. */
static void setup(void)
{
	cr_assert(unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0, "%s",
		  strerror(errno));
}

/* A tun with an interface @name of @flags; without FD_CLOEXEC, as what comes through exec. */
static int make_tap(const char *name, int flags)
{
	struct ifreq request = { .ifr_flags = (short)flags };
	int fd = open("/dev/net/tun", O_RDWR);

	cr_assert(fd >= 0, "%s", strerror(errno));
	strcpy(request.ifr_name, name);
	check_eq(ioctl(fd, TUNSETIFF, &request), 0, "%s", name);
	return fd;
}

/* One that stays without a process. */
static void make_persistent(const char *name, int flags)
{
	int fd = make_tap(name, flags);

	check_eq(ioctl(fd, TUNSETPERSIST, 1), 0);
	close(fd);
}

static void check_set_up(int fd)
{
	struct ifreq request = { .ifr_flags = 0 };
	int size = 0;

	cr_assert(fd >= 0, "%s", err.text);
	check_eq(ioctl(fd, TUNGETIFF, &request), 0);
	check_eq(request.ifr_flags & (GOOD | IFF_TUN), GOOD);
	check_eq(ioctl(fd, TUNGETVNETHDRSZ, &size), 0);
	check_eq(size, sizeof(struct virtio_net_hdr_v1));
	check_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

Test(tap, by_name, .init = setup)
{
	int fd;

	/* As ip tuntap makes it. */
	make_persistent("tap7", IFF_TAP | IFF_NO_PI);
	fd = tap_open("tap7", &err);
	check_set_up(fd);
	close(fd);
}

Test(tap, by_descriptor, .init = setup)
{
	char where[16];
	int fd = make_tap("tap7", GOOD);

	snprintf(where, sizeof(where), "fd:%d", fd);
	check_eq(tap_open(where, &err), fd);
	check_set_up(fd);
	fd = make_tap("tap8", GOOD | IFF_MULTI_QUEUE);
	snprintf(where, sizeof(where), "fd:%d", fd);
	check_eq(tap_open(where, &err), fd, "one queue of several");
}

Test(tap, offloads, .init = setup)
{
	static const unsigned features[] = { VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_GUEST_TSO4,
					     VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_ECN };
	int fd = make_tap("tap7", GOOD);

	/* TUNSETOFFLOAD refuses segments without checksums. */
	for (unsigned set = 0; set < 16; set++) {
		uint64_t all = 0;

		for (unsigned i = 0; i < 4; i++)
			all |= (uint64_t)(set >> i & 1) << features[i];
		check_eq(tap_set_offloads(fd, all), 0, "0x%lx", all);
	}
	check_eq(tap_set_offloads(open("/dev/null", O_RDWR), 0), -ENOTTY);
}

static void refused(const char *where, int error, const char *text)
{
	unsigned before = open_descriptors();

	check_eq(tap_open(where, &err), -error, "%s", where);
	check_str(err.text, text);
	check_eq(open_descriptors(), before, "%s", where);
}

/*
 * bad input: Network: the name of a tap that does not exist, is in use, or is not a tap -> refused,
 * and the error names the way out
 */
Test(tap, names_that_do_not_do, .init = setup)
{
	int user = make_tap("used", GOOD);

	make_persistent("tun", IFF_TUN | IFF_NO_PI);
	make_persistent("many", IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE);
	refused("none", ENODEV,
		"--net tap=none: there is no such interface; make it with: ip tuntap add dev none "
		"mode tap");
	refused("a-name-of-sixteen", EINVAL,
		"--net tap=a-name-of-sixteen: the name of an interface has at most 15 characters");
	refused("used", EBUSY, "--net tap=used: a process uses it already; end that process");
	refused("lo", EINVAL,
		"--net tap=lo: is not a tap with one queue; make one with: ip tuntap add dev NAME "
		"mode tap");
	refused("tun", EINVAL,
		"--net tap=tun: is not a tap with one queue; make one with: ip tuntap add dev NAME "
		"mode tap");
	refused("many", EINVAL,
		"--net tap=many: is not a tap with one queue; make one with: ip tuntap add dev "
		"NAME "
		"mode tap");
	close(user);
}

/*
 * bad input: Network: a descriptor that is not a tap, or is a tap of another kind than mvmm needs
 * -> refused, and the error names the way out
 */
Test(tap, descriptors_that_do_not_do, .init = setup)
{
	static const struct {
		const char *name;
		int flags;
	} forms[] = {
		{ "tun", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR },
		{ "plain", IFF_TAP | IFF_NO_PI },
	};
	char where[16], text[300];

	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
		int fd = make_tap(forms[i].name, forms[i].flags);

		snprintf(where, sizeof(where), "fd:%d", fd);
		check_eq(tap_open(where, &err), -EINVAL, "%s: %s", forms[i].name, err.text);
		snprintf(text, sizeof(text), "--net tap=%s: interface %s has flags 0x", where,
			 forms[i].name);
		check_contains(err.text, text);
		check_contains(err.text, "; TUNSETIFF with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR "
					 "(0x5002) makes what is needed");
	}
	snprintf(where, sizeof(where), "fd:%d", open("/dev/null", O_RDWR));
	check_eq(tap_open(where, &err), -EINVAL);
	check_contains(err.text, "is not a tap; give a descriptor of /dev/net/tun for which "
				 "TUNSETIFF was done");
	snprintf(where, sizeof(where), "fd:%d", open("/dev/net/tun", O_RDWR));
	check_eq(tap_open(where, &err), -EBADFD);
	check_contains(
		err.text,
		"has no interface; give a descriptor of /dev/net/tun for which TUNSETIFF was done");
	check_eq(tap_open("fd:900", &err), -EBADF);
}
