// SPDX-License-Identifier: Apache-2.0
/*
 * The least that a program can do to run a guest: a VM, one memory slot, one vCPU, one instruction.
 * What mvmm's start takes beyond this is mvmm's. Prints one line as mvmm --boot-timer does, and
 * ends. Read main from the top.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#define RAM_SIZE (128UL << 20)
#define CODE 0x1000
#define PORT 0xe0

static double now_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int check(int ret, const char *what)
{
	if (ret < 0)
		err(EXIT_FAILURE, "%s", what);
	return ret;
}

static void *map(int fd, size_t size, int flags)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	return at;
}

int main(void)
{
	/* As in vmm/wiring/boot_timer.c: what exec and the dynamic loader used, without waiting. */
	double start = now_ms(CLOCK_MONOTONIC) - now_ms(CLOCK_PROCESS_CPUTIME_ID);
	static const uint8_t code[] = { 0xb0, 0x01, 0xe6, PORT }; /* mov al, 1; out PORT, al */
	int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	int vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	int run_size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	uint8_t *ram = map(-1, RAM_SIZE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	struct kvm_userspace_memory_region slot = {
		.memory_size = RAM_SIZE,
		.userspace_addr = (uintptr_t)ram,
	};
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	struct kvm_sregs sregs;
	struct kvm_run *run;
	int vcpu;

	check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
	vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	run = map(vcpu, (size_t)run_size, MAP_SHARED);
	memcpy(ram + CODE, code, sizeof(code));
	check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	check(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT)
		errx(EXIT_FAILURE, "the guest left by exit %u", run->exit_reason);
	printf("first guest instruction %12.3f\n", now_ms(CLOCK_MONOTONIC) - start);
	return 0;
}
