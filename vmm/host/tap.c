// SPDX-License-Identifier: Apache-2.0
/* Opens taps. Start reading at tap_open. */
#include "vmm/host/tap.h"

#include "vmm/base/file_argument.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define DEVICE "/dev/net/tun"

/* What a frame is wrapped in: a virtio header and nothing else. */
#define FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

/* TUNSETIFF would make an interface that is not there, connected to nothing. */
static int check_name(const char *name, struct error *err)
{
	if (strlen(name) >= IFNAMSIZ)
		return error_set(err, EINVAL,
				 "--net tap=%s: a name of an interface has at most %d characters",
				 name, IFNAMSIZ - 1);
	if (!if_nametoindex(name))
		return error_set(err, ENODEV,
				 "--net tap=%s: there is no such interface; make it with: ip "
				 "tuntap add dev %s mode tap",
				 name, name);
	return 0;
}

/*
 * TUNSETIFF. The kernel takes the io_uring of a process that ended down when it comes to it, and
 * with it that one's tap: so who starts a VM anew at once finds it in use for some milliseconds.
 */
static int set_interface(int fd, struct ifreq *request)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int ret = ioctl(fd, TUNSETIFF, request);

	for (unsigned i = 0; i < 50 && ret < 0 && errno == EBUSY; i++) {
		nanosleep(&pause, NULL);
		ret = ioctl(fd, TUNSETIFF, request);
	}
	return ret < 0 ? -errno : 0;
}

static int attach(int fd, const char *name, struct error *err)
{
	struct ifreq request = { .ifr_flags = FLAGS };
	int ret;

	memcpy(request.ifr_name, name, strlen(name) + 1);
	ret = set_interface(fd, &request);
	switch (-ret) {
	case 0:
		return 0;
	case EBUSY:
		return error_set(err, EBUSY,
				 "--net tap=%s: a process uses it already; end that one", name);
	case EPERM:
		return error_set(err, EPERM,
				 "--net tap=%s: not permitted; it must be this user's (ip tuntap "
				 "add ... user), or mvmm started by root",
				 name);
	case EINVAL:
		return error_set(err, EINVAL,
				 "--net tap=%s: is no tap with one queue; make one with: ip tuntap "
				 "add dev NAME mode tap",
				 name);
	default:
		return error_set(err, -ret, "--net tap=%s: %s", name, strerror(-ret));
	}
}

static int open_name(const char *name, struct error *err)
{
	int ret = check_name(name, err), fd;

	if (ret < 0)
		return ret;
	fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "--net tap=%s: cannot open " DEVICE ": %s%s", name,
				 strerror(errno), errno == ENOENT ? "; load the module tun" : "");
	ret = attach(fd, name, err);
	if (ret < 0)
		close(fd);
	return ret < 0 ? ret : fd;
}

static int check_fd(int fd, const char *where, struct error *err)
{
	struct ifreq request = { .ifr_flags = 0 };

	/* ENOTTY and the like: something else. EBADFD: a tun without an interface. */
	if (ioctl(fd, TUNGETIFF, &request) < 0)
		return error_set(err, errno == EBADFD ? EBADFD : EINVAL,
				 "--net tap=%s: %s; it must be " DEVICE " with TUNSETIFF done",
				 where, errno == EBADFD ? "has no interface" : "is no tap");
	/* Whether it has IFF_NO_PI does not show: the bit is IFF_NOFILTER's, too. */
	if ((request.ifr_flags & (FLAGS | IFF_TUN)) != FLAGS)
		return error_set(err, EINVAL,
				 "--net tap=%s: interface %.*s has flags 0x%x; TUNSETIFF with "
				 "IFF_TAP, IFF_NO_PI and IFF_VNET_HDR (0x%x) makes what is needed",
				 where, IFNAMSIZ, request.ifr_name,
				 (unsigned)(unsigned short)request.ifr_flags, FLAGS);
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return error_set(err, errno, "--net tap=%s: %s", where, strerror(errno));
	return 0;
}

static int open_fd(const char *where, struct error *err)
{
	int fd = file_argument_take("--net", where, O_RDWR, err), ret;

	if (fd < 0)
		return fd;
	ret = check_fd(fd, where, err);
	if (ret < 0)
		close(fd);
	return ret < 0 ? ret : fd;
}

/* Until the driver says more, each frame is a whole one. */
static int set_up(int fd, const char *where, struct error *err)
{
	int size = sizeof(struct virtio_net_hdr_v1);

	if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0 || tap_set_offloads(fd, 0) < 0)
		return error_set(err, errno, "--net tap=%s: cannot set up its headers: %s", where,
				 strerror(errno));
	return 0;
}

int tap_open(const char *where, struct error *err)
{
	int fd = file_argument_is_fd(where) ? open_fd(where, err) : open_name(where, err);
	int ret = fd < 0 ? fd : set_up(fd, where, err);

	if (fd >= 0 && ret < 0)
		close(fd);
	return ret < 0 ? ret : fd;
}

int tap_set_offloads(int fd, uint64_t features)
{
	bool csum = features & 1ULL << VIRTIO_NET_F_GUEST_CSUM;
	bool tso4 = csum && features & 1ULL << VIRTIO_NET_F_GUEST_TSO4;
	bool tso6 = csum && features & 1ULL << VIRTIO_NET_F_GUEST_TSO6;
	bool ecn = (tso4 || tso6) && features & 1ULL << VIRTIO_NET_F_GUEST_ECN;
	unsigned long flags = (csum ? TUN_F_CSUM : 0) | (tso4 ? TUN_F_TSO4 : 0) |
			      (tso6 ? TUN_F_TSO6 : 0) | (ecn ? TUN_F_TSO_ECN : 0);

	/* Each needs the one before (section 5.1.3.1); the kernel refuses them otherwise. */
	return ioctl(fd, TUNSETOFFLOAD, flags) < 0 ? -errno : 0;
}
