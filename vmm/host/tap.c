// SPDX-License-Identifier: Apache-2.0
/* Opens taps. Start reading at tap_open. */
#include "vmm/host/tap.h"

#include "vmm/base/file_argument.h"
#include "vmm/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEVICE "/dev/net/tun"

/* A frame comes with a virtio header and nothing else. */
#define FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

/* Without this check TUNSETIFF would make a new interface, which is connected to nothing. */
static int check_name(const char *name, struct error *err)
{
	if (strlen(name) >= IFNAMSIZ)
		return error_set(err, EINVAL,
				 "--net tap=%s: the name of an interface has at most %d characters",
				 name, IFNAMSIZ - 1);
	if (!if_nametoindex(name))
		return error_set(err, ENODEV,
				 "--net tap=%s: there is no such interface; make it with: ip "
				 "tuntap add dev %s mode tap",
				 name, name);
	return 0;
}

/*
 * TUNSETIFF. After a process has ended, the kernel closes its io_uring, and with it the tap, a bit
 * later. So whoever restarts a VM at once finds the tap in use for some milliseconds.
 */
static int set_interface(int fd, struct ifreq *request)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int ret = ioctl(fd, TUNSETIFF, request);

	for (unsigned i = 0; i < 200 && ret < 0 && errno == EBUSY; i++) {
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
				 "--net tap=%s: a process uses it already; end that process", name);
	case EPERM:
		return error_set(
			err, EPERM,
			"--net tap=%s: not permitted; the tap must belong to this user (ip tuntap "
			"add ... user NAME), or root must start mvmm",
			name);
	case EINVAL:
		return error_set(
			err, EINVAL,
			"--net tap=%s: is not a tap with one queue; make one with: ip tuntap "
			"add dev NAME mode tap",
			name);
	default:
		return error_system(err, -ret, "--net tap=%s", name);
	}
}

/* Somebody may still switch it on, so this is no error. */
static void warn_if_down(const char *name)
{
	struct ifreq request = { .ifr_flags = 0 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(request.ifr_name, name, strlen(name) + 1);
	if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP))
		log_warning("--net tap=%s: the interface is down and drops all frames; switch it "
			    "on with: ip link set %s up",
			    name, name);
	if (fd >= 0)
		close(fd);
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
	if (ret < 0) {
		close(fd);
		return ret;
	}
	warn_if_down(name);
	return fd;
}

static int check_fd(int fd, const char *where, struct error *err)
{
	struct ifreq request = { .ifr_flags = 0 };

	/* ENOTTY and the like: not a tun device. EBADFD: a tun without an interface. */
	if (ioctl(fd, TUNGETIFF, &request) < 0)
		return error_set(err, errno == EBADFD ? EBADFD : EINVAL,
				 "--net tap=%s: %s; give a descriptor of " DEVICE
				 " for which TUNSETIFF was done",
				 where, errno == EBADFD ? "has no interface" : "is not a tap");
	/* IFF_NO_PI cannot be checked: its bit is also that of IFF_NOFILTER. */
	if ((request.ifr_flags & (FLAGS | IFF_TUN)) != FLAGS)
		return error_set(err, EINVAL,
				 "--net tap=%s: interface %.*s has flags 0x%x; TUNSETIFF with "
				 "IFF_TAP, IFF_NO_PI and IFF_VNET_HDR (0x%x) makes what is needed",
				 where, IFNAMSIZ, request.ifr_name,
				 (unsigned)(unsigned short)request.ifr_flags, FLAGS);
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return error_system(err, errno, "--net tap=%s", where);
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

/* Until the driver negotiates offloads, the kernel delivers whole frames only. */
static int set_up(int fd, const char *where, struct error *err)
{
	int size = sizeof(struct virtio_net_hdr_v1);

	if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0 || tap_set_offloads(fd, 0) < 0)
		return error_system(err, errno,
				    "--net tap=%s: cannot set its header size or its offloads "
				    "(TUNSETVNETHDRSZ, TUNSETOFFLOAD)",
				    where);
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

	/* Each flag needs the one before (section 5.1.3.1); otherwise the kernel refuses them. */
	return ioctl(fd, TUNSETOFFLOAD, flags) < 0 ? -errno : 0;
}
