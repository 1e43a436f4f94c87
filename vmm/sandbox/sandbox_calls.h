/* SPDX-License-Identifier: Apache-2.0 */
// Tested by tests/e2e/sandbox-calls.
/*
 * The system calls that each kind of thread may make once the guest runs, each with its reason.
 * vmm/sandbox/make_filters.c makes BPF of this table when mvmm is built. tests/e2e/sandbox-calls
 * shows that no entry is missing and none is unused. Calls that are only needed before have no
 * entry: by then threads, files, KVM's VM and the io_uring exist, and the ring itself is restricted
 * (vmm/base/event_loop.c).
 */
#pragma once

#include "vmm/base/array.h"
#include "vmm/snapshot/page_scan.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* VCPU: every vCPU. LOOP: the event loop. CONTROL: the loop with --qmp, --monitor, a console's
 * socket, a file of --result or --vsock. PLUG: with allow=. VSOCK: with --vsock. SEARCH: the
 * process that looks inside a kernel, before there is a VM. JOB: the thread of vm_freeze.h; with
 * SAVE it makes snapshots, with RESET it puts a restored VM back, with FORK it makes children.
 */
enum {
	VCPU = 1,
	LOOP = 2,
	CONTROL = 4,
	PLUG = 8,
	VSOCK = 16,
	SEARCH = 32,
	JOB = 128,
	SAVE = 256,
	RESET = 512,
	FORK = 1024,
};
#define ALL (VCPU | LOOP | JOB)

#define SANDBOX_MAX_ARGS 3

struct sandbox_call {
	unsigned who;
	const char *name;
	struct scmp_arg_cmp
		args[SANDBOX_MAX_ARGS]; /* all must hold; those with .op == 0 are none */
};

/* clang-format off */
/* A 32-bit argument; the upper half is ignored. */
#define IS(n, value) { .arg = (n), .op = SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value) }
/* Of the bits of @mask exactly those of @value are set. */
#define HAS(n, mask, value) { .arg = (n), .op = SCMP_CMP_MASKED_EQ, (mask), (value) }
/* What is only known at run time replaces these when a filter is installed: mvmm's own process id,
 * and the descriptors of the VM and of the vCPU whose thread it is. */
#define SANDBOX_PID 0x7f4d5650
#define SANDBOX_VM 0x7f4d5651
#define SANDBOX_VCPU_FD 0x7f4d5652
#define OWN_PID(n) IS(n, SANDBOX_PID)
#define VM_FD IS(0, SANDBOX_VM)
#define VCPU_FD IS(0, SANDBOX_VCPU_FD)

#define CALL(threads, call, ...) { .who = threads, .name = call, .args = { __VA_ARGS__ } }

/* fstat(), which older libcs call with an empty path. */
#if __GLIBC_PREREQ(2, 39)
#define FSTAT(threads) CALL(threads, "fstat")
#else
#define FSTAT(threads) CALL(threads, "newfstatat", IS(3, AT_EMPTY_PATH))
#endif
/* clang-format on */

static const struct sandbox_call sandbox_calls[] = {
	/* Running the guest. */
	CALL(VCPU, "ioctl", VCPU_FD, IS(1, KVM_RUN)),
	/* Tells the guest that it was paused, so that it does not report a lock-up. */
	CALL(VCPU, "ioctl", VCPU_FD, IS(1, KVM_KVMCLOCK_CTRL)),
	/* Checks whether a busy vCPU makes progress; if not, holds back its interrupts once. */
	CALL(VCPU, "ioctl", VCPU_FD, IS(1, KVM_GET_REGS)),
	CALL(VCPU, "ioctl", VCPU_FD, IS(1, KVM_GET_STATS_FD)),
	CALL(VCPU, "ioctl", VCPU_FD, IS(1, KVM_GET_MP_STATE)),
	CALL(VCPU, "ioctl", VCPU_FD, IS(1, KVM_GET_VCPU_EVENTS)),
	CALL(VCPU, "ioctl", VCPU_FD, IS(1, KVM_SET_VCPU_EVENTS)),
	/* Deletes the timer for that, at the thread's end. */
	CALL(VCPU, "timer_delete"),
	/* Interrupts: vCPUs raise that of the serial port, the loop all others. */
	CALL(VCPU | LOOP, "ioctl", VM_FD, IS(1, KVM_IRQ_LINE)),
	/* Asks an image's file why KVM could not get a page, and KVM how many it tried to get. */
	FSTAT(VCPU),
	CALL(VCPU, "pread64"),
	CALL(VCPU, "fallocate", IS(1, FALLOC_FL_KEEP_SIZE)),
	CALL(VCPU, "fstatfs"),
	CALL(VCPU, "lseek", IS(2, SEEK_HOLE)),
	/* Reports where vCPUs were when the time is over, with the kernel's function. */
	CALL(LOOP, "ioctl", IS(1, KVM_GET_REGS)),
	CALL(LOOP, "ioctl", IS(1, KVM_GET_MP_STATE)),
	CALL(LOOP, "pread64"),
	/* The ring's operations, by which the loop does everything else. */
	CALL(LOOP, "io_uring_enter"),
	/* Unregisters the ring's own descriptor at the end. */
	CALL(LOOP, "io_uring_register", IS(1, IORING_UNREGISTER_RING_FDS)),
	/* Locks and conditions, and waiting for other threads' ends. */
	CALL(ALL, "futex"),
	/* Continues a wait for --timeout after mvmm was stopped. */
	CALL(LOOP, "restart_syscall"),
	/* Messages, if somebody reads them, and eventfds that wake the loop. poll(2) would need
	 * restart_syscall, by which the kernel continues it after a signal. */
	CALL(ALL, "ppoll"),
	CALL(ALL, "write"),
	/* Input for the console and from control clients. */
	CALL(LOOP, "read"),
	/* Entropy for the guest (--rng). */
	CALL(LOOP, "getrandom"),
	/* Frames of network cards, between tap and guest memory (--net). When the guest's driver is
	 * ready, the tap's offloads are set. */
	CALL(LOOP, "readv"),
	CALL(LOOP, "writev"),
	CALL(LOOP, "ioctl", IS(1, TUNSETOFFLOAD)),
	/* Kicks a vCPU out of the guest. A thread also dies of its own signal with these three. */
	CALL(ALL, "tgkill", OWN_PID(0)),
	CALL(ALL, "getpid"),
	CALL(ALL, "gettid"),
	/* Whether the parent has ended (--die-with-parent). */
	CALL(LOOP, "getppid"),
	/* The return from the handler of a kick or of a crash, which ends the process. */
	CALL(ALL, "rt_sigreturn"),
	/* Threads that end, and abort(), block signals. */
	CALL(ALL, "rt_sigprocmask"),
	/* Restores a signal's default action, to die of it. */
	CALL(VCPU | LOOP, "rt_sigaction"),
	/* Restores the terminal, at the end or in a crash, if it is ours. libc checks it before and
	 * after. */
	CALL(ALL, "ioctl", IS(0, 0), IS(1, TIOCGPGRP)),
	CALL(ALL, "ioctl", IS(0, 0), IS(1, TCGETS)),
	CALL(ALL, "ioctl", IS(0, 0), IS(1, TCSETS)),
	/* Time, on hosts whose clock the vDSO cannot read. */
	CALL(ALL, "clock_gettime"),
	/* CPU time, for the file of --result. */
	CALL(LOOP, "getrusage"),
	/* malloc and free. */
	CALL(LOOP, "brk"),
	CALL(LOOP, "mmap", HAS(2, PROT_EXEC, 0), HAS(3, MAP_ANONYMOUS | MAP_FIXED, MAP_ANONYMOUS)),
	CALL(LOOP, "mremap", HAS(3, MREMAP_FIXED, 0)),
	/* free, and at the end guest memory and the rings are unmapped. */
	CALL(LOOP, "munmap"),
	CALL(LOOP, "close"),
	/* A thread that ends gives back its stack. */
	CALL(VCPU | JOB, "madvise", IS(2, MADV_DONTNEED)),
	CALL(VCPU | JOB, "exit"),
	CALL(ALL, "exit_group"),
	/* Accepts clients, also those of consoles. */
	CALL(CONTROL, "accept4"),
	CALL(CONTROL, "shutdown"),
	/* What clients of the control plane send, with descriptors. */
	CALL(CONTROL, "recvmsg"),
	/* Closing one of those ends the process's locks of that file; they are taken again. */
	CALL(CONTROL, "fcntl", IS(1, F_SETLK)),
	/* Whether the guest takes the power button's interrupt. */
	CALL(CONTROL, "ioctl", VM_FD, IS(1, KVM_GET_IRQCHIP)),
	/* Removes a socket's file at the end, unless it was replaced. */
	CALL(CONTROL, "newfstatat"),
	CALL(CONTROL, "unlinkat", IS(2, 0)),
	/* Gives the file of --result its name at the end. It is renamed where another file has the
	 * name by then, or where it could not be made without a name. */
	CALL(CONTROL, "linkat", IS(4, AT_SYMLINK_FOLLOW)),
	CALL(CONTROL, "renameat"),
	/* Opens, locks, makes, measures and maps a disk's file. Landlock restricts where. */
	CALL(PLUG, "openat", IS(0, AT_FDCWD)),
	FSTAT(PLUG),
	CALL(PLUG, "fcntl", IS(1, F_OFD_SETLK)),
	CALL(PLUG, "fcntl", IS(1, F_OFD_GETLK)),
	CALL(PLUG, "flock"),
	CALL(PLUG, "ftruncate"),
	CALL(PLUG, "ioctl", IS(1, BLKGETSIZE64)),
	CALL(PLUG, "ioctl", IS(1, BLKROGET)),
	CALL(PLUG, "mmap", HAS(2, PROT_EXEC, 0)),
	CALL(PLUG, "madvise", IS(2, MADV_DONTDUMP)),
	/* Makes and connects the disk's doorbell, and gives its memory to the guest. */
	CALL(PLUG, "eventfd2"),
	CALL(PLUG, "io_uring_register", IS(1, IORING_REGISTER_FILES_UPDATE)),
	CALL(PLUG, "ioctl", VM_FD, IS(1, KVM_SET_USER_MEMORY_REGION)),
	CALL(PLUG, "ioctl", VM_FD, IS(1, KVM_IOEVENTFD)),
	/* The guest's connections to the host. No filter sees the path: --chroot restricts it. */
	CALL(VSOCK, "socket", IS(0, AF_UNIX), IS(1, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)),
	CALL(VSOCK, "connect"),
	/* Reads the state of KVM and vCPUs. */
	CALL(JOB, "ioctl", IS(1, KVM_GET_MP_STATE)),
	CALL(SAVE | FORK, "ioctl", IS(1, KVM_GET_REGS)),
	CALL(SAVE | FORK, "ioctl", IS(1, KVM_GET_SREGS2)),
	CALL(SAVE | FORK, "ioctl", IS(1, KVM_GET_XSAVE2)),
	CALL(SAVE | FORK, "ioctl", IS(1, KVM_GET_XCRS)),
	CALL(SAVE | FORK, "ioctl", IS(1, KVM_GET_DEBUGREGS)),
	CALL(SAVE | FORK, "ioctl", IS(1, KVM_GET_LAPIC)),
	CALL(JOB, "ioctl", IS(1, KVM_GET_TSC_KHZ)),
	CALL(JOB, "ioctl", IS(1, KVM_GET_DEVICE_ATTR)),
	CALL(SAVE | FORK, "ioctl", IS(1, KVM_GET_CPUID2)),
	CALL(JOB, "ioctl", IS(1, KVM_GET_MSRS)),
	CALL(SAVE | FORK, "ioctl", IS(1, KVM_GET_VCPU_EVENTS)),
	CALL(SAVE | FORK, "ioctl", IS(1, KVM_GET_IRQCHIP)),
	CALL(SAVE | FORK, "ioctl", IS(1, KVM_GET_PIT2)),
	CALL(SAVE | FORK, "ioctl", IS(1, KVM_GET_CLOCK)),
	/* Finds the pages of guest memory that have something, and what a file below them has. */
	CALL(JOB, "ioctl", IS(1, PAGE_SCAN)),
	CALL(SAVE | FORK, "pread64"),
	CALL(SAVE | FORK, "lseek"),
	/* Makes a snapshot below the directory of --snapshots, which Landlock restricts it to. */
	CALL(SAVE, "openat2"),
	CALL(SAVE, "openat"),
	CALL(SAVE, "mkdirat"),
	CALL(SAVE, "getrandom"),
	CALL(SAVE, "flock"),
	CALL(SAVE, "fcntl", IS(1, F_SETLK)),
	CALL(SAVE, "fcntl", IS(1, F_GETFL)),
	CALL(SAVE | FORK, "ftruncate"),
	CALL(SAVE | FORK, "pwrite64"),
	CALL(SAVE, "fsync"),
	CALL(SAVE, "renameat2"),
	CALL(SAVE, "unlinkat"),
	/* Lists what killed saves have left. */
	CALL(SAVE, "getdents64"),
	FSTAT(SAVE | FORK),
	CALL(SAVE, "newfstatat", IS(3, AT_SYMLINK_NOFOLLOW)),
	CALL(SAVE | FORK, "close"),
	/* malloc and realloc. */
	CALL(SAVE | FORK, "brk"),
	CALL(SAVE | FORK, "mmap", HAS(2, PROT_EXEC, 0),
	     HAS(3, MAP_ANONYMOUS | MAP_FIXED, MAP_ANONYMOUS)),
	CALL(SAVE | FORK, "mremap", HAS(3, MREMAP_FIXED, 0)),
	/* Makes memory and state what children can share, and sends them. */
	CALL(FORK, "memfd_create"),
	CALL(FORK, "fcntl", IS(1, F_ADD_SEALS)),
	CALL(FORK, "mmap", IS(2, PROT_READ | PROT_WRITE),
	     IS(3, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE)),
	CALL(FORK, "madvise", IS(2, MADV_DONTDUMP)),
	CALL(FORK, "getsockopt", IS(1, SOL_SOCKET), IS(2, SO_DOMAIN)),
	CALL(FORK, "sendmsg"),
	/* Puts the state of KVM and vCPUs back. What the guest has stored goes by the madvise
	   above. */
	CALL(RESET, "ioctl", IS(1, KVM_SET_DEVICE_ATTR)),
	CALL(RESET, "ioctl", IS(1, KVM_SET_MSRS)),
	CALL(RESET, "ioctl", IS(1, KVM_SET_MP_STATE)),
	CALL(RESET, "ioctl", IS(1, KVM_SET_REGS)),
	CALL(RESET, "ioctl", IS(1, KVM_SET_SREGS2)),
	CALL(RESET, "ioctl", IS(1, KVM_SET_XSAVE)),
	CALL(RESET, "ioctl", IS(1, KVM_SET_XCRS)),
	CALL(RESET, "ioctl", IS(1, KVM_SET_DEBUGREGS)),
	CALL(RESET, "ioctl", IS(1, KVM_SET_LAPIC)),
	CALL(RESET, "ioctl", IS(1, KVM_SET_VCPU_EVENTS)),
	CALL(RESET, "ioctl", IS(1, KVM_KVMCLOCK_CTRL)),
	CALL(RESET, "ioctl", VM_FD, IS(1, KVM_SET_IRQCHIP)),
	CALL(RESET, "ioctl", VM_FD, IS(1, KVM_SET_CLOCK)),
	/* Reads a kernel, and writes what was found. */
	CALL(SEARCH, "pread64", IS(0, STDIN_FILENO)),
	CALL(SEARCH, "write", IS(0, STDOUT_FILENO)),
	CALL(SEARCH, "exit_group"),
	/* malloc and free of what unpacks it. */
	CALL(SEARCH, "brk"),
	CALL(SEARCH, "mmap", HAS(2, PROT_EXEC, 0),
	     HAS(3, MAP_ANONYMOUS | MAP_FIXED, MAP_ANONYMOUS)),
	CALL(SEARCH, "munmap"),
};

#define SANDBOX_CALLS ARRAY_SIZE(sandbox_calls)
