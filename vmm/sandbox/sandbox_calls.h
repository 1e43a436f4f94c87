/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that each kind of thread may make once the guest runs, each with its reason.
 * scripts/sandbox-filters.c makes BPF of this table when mvmm is built; tests/e2e/sandbox shows
 * that no entry is missing and none is unused. What was opened before needs no entry: threads,
 * files, KVM's VM and the io_uring are made by then, and the ring itself is restricted
 * (vmm/base/event_loop.c).
 */
#ifndef MVMM_VMM_SANDBOX_CALLS_H
#define MVMM_VMM_SANDBOX_CALLS_H

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Who: every vCPU; the event loop; that with --qmp, --monitor, a console's socket, a file of
 * --result or --vsock; that with allow=; and that with --vsock. */
enum { VCPU = 1, LOOP = 2, CONTROL = 4, PLUG = 8, VSOCK = 16, ALL = VCPU | LOOP };

#define SANDBOX_MAX_ARGS 3

struct sandbox_call {
	unsigned who;
	const char *name;
	struct scmp_arg_cmp
		args[SANDBOX_MAX_ARGS]; /* all must hold; those with .op == 0 are none */
};

/* clang-format off */
/* An argument that is a 32-bit number, whatever its upper half. */
#define IS(n, value) { .arg = n, .op = SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value) }
/* Of @mask just the bits of @value are set. */
#define HAS(n, mask, value) { .arg = n, .op = SCMP_CMP_MASKED_EQ, mask, value }
/* mvmm's own process: its number takes the place of this one when the filter is installed. */
#define SANDBOX_PID 0x7f4d5650
#define OWN_PID(n) IS(n, SANDBOX_PID)

#define CALL(threads, call, ...) { .who = threads, .name = call, .args = { __VA_ARGS__ } }

/* fstat() of a descriptor, which older libcs spell as a path of none. */
#if __GLIBC_PREREQ(2, 39)
#define FSTAT(threads) CALL(threads, "fstat")
#else
#define FSTAT(threads) CALL(threads, "newfstatat", IS(3, AT_EMPTY_PATH))
#endif
/* clang-format on */

static const struct sandbox_call sandbox_calls[] = {
	/* The guest. */
	CALL(VCPU, "ioctl", IS(1, KVM_RUN)),
	/* A guest that stood still should not take the time for a lock-up. */
	CALL(VCPU, "ioctl", IS(1, KVM_KVMCLOCK_CTRL)),
	/* Whether one that uses time has moved at all; if not, one instruction by itself. */
	CALL(VCPU, "ioctl", IS(1, KVM_GET_REGS)),
	CALL(VCPU, "ioctl", IS(1, KVM_SET_REGS)),
	CALL(VCPU, "ioctl", IS(1, KVM_GET_MP_STATE)),
	CALL(VCPU, "ioctl", IS(1, KVM_GET_VCPU_EVENTS)),
	CALL(VCPU, "ioctl", IS(1, KVM_SET_GUEST_DEBUG)),
	/* The timer for that, at the thread's end. */
	CALL(VCPU, "timer_delete"),
	/* Interrupts for the guest: the console's from vCPUs too, all others from the loop. */
	CALL(ALL, "ioctl", IS(1, KVM_IRQ_LINE)),
	/* Where KVM lacks a page of an image: what its file says about that. */
	FSTAT(VCPU),
	CALL(VCPU, "pread64"),
	CALL(VCPU, "fallocate", IS(1, FALLOC_FL_KEEP_SIZE)),
	CALL(VCPU, "fstatfs"),
	CALL(VCPU, "lseek", IS(2, SEEK_HOLE)),
	/* Where vCPUs were, and in which function of the kernel's file, when the time is over. */
	CALL(LOOP, "ioctl", IS(1, KVM_GET_REGS)),
	CALL(LOOP, "ioctl", IS(1, KVM_GET_MP_STATE)),
	CALL(LOOP, "pread64"),
	/* All that the loop waits for and does: the ring's operations. */
	CALL(LOOP, "io_uring_enter"),
	/* The ring's own descriptor is given back at the end. */
	CALL(LOOP, "io_uring_register", IS(1, IORING_UNREGISTER_RING_FDS)),
	/* Locks and conditions, and threads that wait for others to end. */
	CALL(ALL, "futex"),
	/* How the kernel goes on with a wait for --timeout that a stop of mvmm has interrupted. */
	CALL(LOOP, "restart_syscall"),
	/* Messages, if somebody reads them; eventfds that wake the loop. Not poll(2), which the
	 * kernel goes on with by another call, restart_syscall, where it was interrupted. */
	CALL(ALL, "ppoll"),
	CALL(ALL, "write"),
	/* Input for the console and from control clients. */
	CALL(LOOP, "read"),
	/* Entropy for the guest (--rng). */
	CALL(LOOP, "getrandom"),
	/* Frames of network cards, between tap and guest memory (--net); and when the guest's
	 * driver is ready, which kinds of them it takes. */
	CALL(LOOP, "readv"),
	CALL(LOOP, "writev"),
	CALL(LOOP, "ioctl", IS(1, TUNSETOFFLOAD)),
	/* Kicks a vCPU out of the guest; and a thread dies of its own signal with these three. */
	CALL(ALL, "tgkill", OWN_PID(0)),
	CALL(ALL, "getpid"),
	CALL(ALL, "gettid"),
	/* The return from a handler: of a kick, or of a crash's, which ends the process. */
	CALL(ALL, "rt_sigreturn"),
	/* A thread that ends, and abort(), block signals. */
	CALL(ALL, "rt_sigprocmask"),
	/* A signal's default is put back to die of it. */
	CALL(ALL, "rt_sigaction"),
	/* The terminal is restored, at the end or in a crash, if it is ours; libc looks at it
	 * before and after. */
	CALL(ALL, "ioctl", IS(0, 0), IS(1, TIOCGPGRP)),
	CALL(ALL, "ioctl", IS(0, 0), IS(1, TCGETS)),
	CALL(ALL, "ioctl", IS(0, 0), IS(1, TCSETS)),
	/* Time, on hosts whose clock the vDSO cannot read. */
	CALL(ALL, "clock_gettime"),
	/* malloc and free. */
	CALL(LOOP, "brk"),
	CALL(LOOP, "mmap", HAS(2, PROT_EXEC, 0), HAS(3, MAP_ANONYMOUS | MAP_FIXED, MAP_ANONYMOUS)),
	CALL(LOOP, "mremap", HAS(3, MREMAP_FIXED, 0)),
	/* The same, and the end takes guest memory and the rings down. */
	CALL(LOOP, "munmap"),
	CALL(LOOP, "close"),
	/* A thread that ends gives back its stack. */
	CALL(VCPU, "madvise", IS(2, MADV_DONTNEED)),
	CALL(VCPU, "exit"),
	CALL(ALL, "exit_group"),
	/* Clients, of consoles too, come and go. */
	CALL(CONTROL, "accept4"),
	CALL(CONTROL, "shutdown"),
	/* At the end the socket's file is removed, if it is still ours. */
	CALL(CONTROL, "newfstatat"),
	CALL(CONTROL, "unlinkat", IS(2, 0)),
	/* At the end the file of --result takes its name. */
	CALL(CONTROL, "renameat"),
	/* A disk's file is opened, locked, made, measured and mapped. Landlock says where. */
	CALL(PLUG, "openat", IS(0, AT_FDCWD)),
	FSTAT(PLUG),
	CALL(PLUG, "fcntl", IS(1, F_OFD_SETLK)),
	CALL(PLUG, "fcntl", IS(1, F_OFD_GETLK)),
	CALL(PLUG, "flock"),
	CALL(PLUG, "ftruncate"),
	CALL(PLUG, "ioctl", IS(1, BLKGETSIZE64)),
	CALL(PLUG, "ioctl", IS(1, BLKROGET)),
	CALL(PLUG, "mmap", HAS(2, PROT_EXEC, 0)),
	/* Its doorbell is made and connected, and its memory given to the guest. */
	CALL(PLUG, "eventfd2"),
	CALL(PLUG, "io_uring_register", IS(1, IORING_REGISTER_FILES_UPDATE)),
	CALL(PLUG, "ioctl", IS(1, KVM_SET_USER_MEMORY_REGION)),
	CALL(PLUG, "ioctl", IS(1, KVM_IOEVENTFD)),
	/* The guest's connections to the host. No filter sees the path: --chroot says where. */
	CALL(VSOCK, "socket", IS(0, AF_UNIX), IS(1, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)),
	CALL(VSOCK, "connect"),
};

#define SANDBOX_CALLS (sizeof(sandbox_calls) / sizeof(sandbox_calls[0]))

#endif
