// SPDX-License-Identifier: Apache-2.0
/*
 * Plays an attacker within mvmm, for tests/e2e/sandbox: a library to preload that, once the guest
 * is about to run, has a vCPU's thread or the event loop's do what MVMM_TEST_DO says, such as
 * "vcpu openat"; or an older host. Start reading at act.
 */
#include "vmm/snapshot/page_scan.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct io_uring;
struct io_uring_cqe;
struct __kernel_timespec;

int io_uring_submit_and_wait(struct io_uring *ring, unsigned n);
int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned n,
				     struct __kernel_timespec *time, sigset_t *signals);

/* Each with arguments that would work outside of the sandbox. */
static long do_openat(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static long do_execve(void)
{
	char *argv[] = { NULL };

	return syscall(SYS_execve, "/bin/true", argv, argv);
}

static long do_socket(void)
{
	return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static long do_clone(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long do_ptrace(void)
{
	return syscall(SYS_ptrace, 0, 0, 0, 0);
}

static long do_mmap_exec(void)
{
	return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
}

static long do_mprotect_exec(void)
{
	return syscall(SYS_mprotect, &environ, 1, PROT_READ | PROT_EXEC);
}

static long do_ioctl(void)
{
	return syscall(SYS_ioctl, 0, TIOCSTI, "x");
}

/* KVM has such calls for its own descriptors only, but a driver can give the numbers a meaning. */
static long do_ioctl_elsewhere(void)
{
	return syscall(SYS_ioctl, 0, KVM_IRQ_LINE, 0);
}

static long do_kill(void)
{
	return syscall(SYS_tgkill, 1, 1, 0);
}

static long do_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, &(char[256]){ 0 });
}

static long do_crash(void)
{
	return raise(SIGSEGV);
}

static long do_bus_error(void)
{
	return raise(SIGBUS);
}

static long do_abort(void)
{
	abort();
}

/* As one that waits for storage which does not answer. */
static long do_hang(void)
{
	static volatile int word;

	while (word == 0)
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return 0;
}

/* The file MVMM_TEST_LOCK, while files can be opened. */
static int lock_fd = -1;

__attribute__((constructor)) static void open_lock(void)
{
	const char *name = getenv("MVMM_TEST_LOCK");

	if (name)
		lock_fd = open(name, O_RDONLY | O_CLOEXEC);
}

/* As one that waits for slow storage: until the test gives the lock back. */
static long do_wait_for_lock(void)
{
	return flock(lock_fd, LOCK_EX);
}

static const struct {
	const char *name;
	long (*act)(void);
} acts[] = {
	{ "openat", do_openat },
	{ "execve", do_execve },
	{ "socket", do_socket },
	{ "clone", do_clone },
	{ "ptrace", do_ptrace },
	{ "mmap", do_mmap_exec },
	{ "mprotect", do_mprotect_exec },
	{ "ioctl", do_ioctl },
	{ "ioctl-elsewhere", do_ioctl_elsewhere },
	{ "tgkill", do_kill },
	{ "io_uring_setup", do_io_uring },
	{ "crash", do_crash },
	{ "bus-error", do_bus_error },
	{ "abort", do_abort },
	{ "hang", do_hang },
	{ "wait-for-lock", do_wait_for_lock },
};

static void say(const char *name, const char *what, const char *more)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "hook: %s%s%s\n", name, what, more);

	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		abort();
}

/* Once, on the first thread of the kind @who that comes by. */
static void act(const char *who)
{
	static bool done;
	const char *what = getenv("MVMM_TEST_DO");
	size_t len = strlen(who);

	if (!what || strncmp(what, who, len) != 0 || what[len] != ' ' ||
	    __atomic_exchange_n(&done, true, __ATOMIC_RELAXED))
		return;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(acts[i].name, what + len + 1) != 0)
			continue;
		if (acts[i].act() < 0)
			say(acts[i].name, ": ", strerror(errno));
		else
			say(acts[i].name, " was possible", "");
	}
}

static bool is_chosen(const char *name)
{
	const char *what = getenv("MVMM_TEST_DO");

	return what && strcmp(what, name) == 0;
}

/* KVM lacks a page and does not say which, and there is no fallocate(2). */
static bool is_old_host(void)
{
	return is_chosen("old-host");
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	if (!is_old_host())
		return (int)syscall(SYS_fallocate, fd, mode, offset, len);
	errno = EOPNOTSUPP;
	return -1;
}

/* What the threads call once they are confined. */
int ioctl(int fd, unsigned long request, ...)
{
	static int (*real)(int fd, unsigned long request, ...);
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (!real)
		real = (__typeof__(real))dlsym(RTLD_NEXT, "ioctl");
	if (request == KVM_RUN)
		act("vcpu");
	if (request == KVM_GET_SREGS2)
		act("save");
	/* Linux before 5.14. */
	if (request == KVM_GET_STATS_FD && is_chosen("no-statistics")) {
		errno = ENOTTY;
		return -1;
	}
	/* Linux before 6.7. */
	if (request == PAGE_SCAN && is_chosen("no-page-scan")) {
		errno = ENOTTY;
		return -1;
	}
	if (request == KVM_RUN && is_old_host()) {
		errno = EFAULT;
		return -1;
	}
	return real(fd, request, arg);
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned n)
{
	static int (*real)(struct io_uring * ring, unsigned n);

	if (!real)
		real = (__typeof__(real))dlsym(RTLD_NEXT, "io_uring_submit_and_wait");
	act("loop");
	return real(ring, n);
}

/* The same, where a timer is armed. */
int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned n,
				     struct __kernel_timespec *time, sigset_t *signals)
{
	static __typeof__(&io_uring_submit_and_wait_timeout) real;

	if (!real)
		real = (__typeof__(real))dlsym(RTLD_NEXT, "io_uring_submit_and_wait_timeout");
	act("loop");
	return real(ring, cqe, n, time, signals);
}

/* A host whose clock the vDSO cannot read. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
	static int (*real)(clockid_t clock, struct timespec * ret);

	if (is_chosen("no-clock"))
		return syscall(SYS_clock_gettime, clock, ret) < 0 ? -1 : 0;
	if (!real)
		real = (__typeof__(real))dlsym(RTLD_NEXT, "clock_gettime");
	return real(clock, ret);
}
