// SPDX-License-Identifier: Apache-2.0
/* Exits of a real vCPU, and the ways in which it ends or is ended. */
#include "vmm/kvm/vcpu.h"

#include "tests/support/refuse_call.h"
#include "tests/support/small_guest.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <ucontext.h>

TestSuite(vcpu, .timeout = 15);

static struct small_guest guest;

/* Every access to the region, in order. */
struct recorder {
	struct bus_region region;
	unsigned n;
	struct {
		bool write;
		uint64_t offset, value;
		unsigned size;
	} seen[32];
};

static uint64_t record_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	struct recorder *r = container_of(region, struct recorder, region);

	r->seen[r->n].offset = offset;
	r->seen[r->n++].size = size;
	return 0x1111111111111111ULL * r->n;
}

static void record_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	struct recorder *r = container_of(region, struct recorder, region);

	r->seen[r->n].write = true;
	r->seen[r->n].offset = offset;
	r->seen[r->n].size = size;
	r->seen[r->n++].value = value;
}

static const struct bus_ops record_ops = { .read = record_read, .write = record_write };
static struct recorder ports = { .region = { 0x40, 4, &record_ops } };
static struct recorder registers = { .region = { 0xd0000000, 0x1000, &record_ops } };

static void start(const uint8_t *code, size_t len)
{
	small_guest_init(&guest, code, len);
	check_eq(bus_add(&guest.ports, &ports.region), 0);
	check_eq(bus_add(&guest.mmio, &registers.region), 0);
}

static void expect(const struct recorder *r, unsigned i, bool write, uint64_t offset, unsigned size,
		   uint64_t value)
{
	cr_assert(i < r->n, "%u accesses", r->n);
	check_eq(r->seen[i].write, write, "access %u", i);
	check_eq(r->seen[i].offset, offset, "access %u", i);
	check_eq(r->seen[i].size, size, "access %u", i);
	if (write)
		check_eq(r->seen[i].value, value, "access %u", i);
}

Test(vcpu, ports_of_every_width)
{
	static const uint8_t code[] = {
		0xb8, 0x04, 0x03, 0x02, 0x01, /* mov eax, 0x01020304 */
		0xe6, 0x40,		      /* out 0x40, al */
		0x66, 0xe7, 0x41,	      /* out 0x41, ax */
		0xe7, 0x40,		      /* out 0x40, eax */
		0xe4, 0x43,		      /* in al, 0x43 */
		0xa2, 0x00, 0x20, 0x00, 0x00, /* mov [0x2000], al */
		0x66, 0xe5, 0x40,	      /* in ax, 0x40 */
		0xa3, 0x04, 0x20, 0x00, 0x00, /* mov [0x2004], eax */
		0xe5, 0x40,		      /* in eax, 0x40 */
		0xa3, 0x08, 0x20, 0x00, 0x00, /* mov [0x2008], eax */
		0xe4, 0x99,		      /* in al, 0x99 */
		0xa2, 0x0c, 0x20, 0x00, 0x00, /* mov [0x200c], al */
		0x0f, 0x0b,		      /* ud2 */
	};
	const uint32_t *words;

	start(code, sizeof(code));
	small_guest_run(&guest);
	check_eq(guest.outcome, OUTCOME_TRIPLE_FAULT, "%s", guest.detail);
	check_eq(ports.n, 6);
	expect(&ports, 0, true, 0, 1, 0x04);
	expect(&ports, 1, true, 1, 2, 0x0304);
	expect(&ports, 2, true, 0, 4, 0x01020304);
	expect(&ports, 3, false, 3, 1, 0);
	expect(&ports, 4, false, 0, 2, 0);
	expect(&ports, 5, false, 0, 4, 0);
	words = (const uint32_t *)(guest.ram + 0x2000);
	check_eq(words[0], 0x44);
	check_eq(words[1], 0x01025555);
	check_eq(words[2], 0x66666666);
	check_eq(words[3], 0xff, "nobody is there");
	check_eq(guest.vcpu.exits[KVM_EXIT_IO], 7);
	check_eq(guest.vcpu.exits[KVM_EXIT_SHUTDOWN], 1);
	small_guest_fini(&guest);
}

Test(vcpu, string_instructions)
{
	static const uint8_t code[] = {
		0xfc,			      /* cld */
		0xbe, 0x00, 0x20, 0x00, 0x00, /* mov esi, 0x2000 */
		0xb9, 0x05, 0x00, 0x00, 0x00, /* mov ecx, 5 */
		0xba, 0x40, 0x00, 0x00, 0x00, /* mov edx, 0x40 */
		0xf3, 0x6e,		      /* rep outsb */
		0xbf, 0x00, 0x21, 0x00, 0x00, /* mov edi, 0x2100 */
		0xb9, 0x03, 0x00, 0x00, 0x00, /* mov ecx, 3 */
		0xf3, 0x66, 0x6d,	      /* rep insw */
		0x0f, 0x0b,		      /* ud2 */
	};

	start(code, sizeof(code));
	memcpy(guest.ram + 0x2000, "hello", 5);
	small_guest_run(&guest);
	check_eq(ports.n, 8);
	for (unsigned i = 0; i < 5; i++)
		expect(&ports, i, true, 0, 1, (uint64_t) "hello"[i]);
	for (unsigned i = 5; i < 8; i++)
		expect(&ports, i, false, 0, 2, 0);
	cr_assert(memcmp(guest.ram + 0x2100, "\x66\x66\x77\x77\x88\x88\0", 7) == 0);
	small_guest_fini(&guest);
}

Test(vcpu, registers_of_every_width)
{
	static const uint8_t code[] = {
		0xb8, 0x04, 0x03, 0x02, 0x01,	    /* mov eax, 0x01020304 */
		0xa2, 0x10, 0x00, 0x00, 0xd0,	    /* mov [0xd0000010], al */
		0x66, 0xa3, 0x12, 0x00, 0x00, 0xd0, /* mov [0xd0000012], ax */
		0xa3, 0x14, 0x00, 0x00, 0xd0,	    /* mov [0xd0000014], eax */
		0xa0, 0x01, 0x00, 0x00, 0xd0,	    /* mov al, [0xd0000001] */
		0xa2, 0x00, 0x20, 0x00, 0x00,	    /* mov [0x2000], al */
		0xa1, 0x04, 0x00, 0x00, 0xd0,	    /* mov eax, [0xd0000004] */
		0xa3, 0x04, 0x20, 0x00, 0x00,	    /* mov [0x2004], eax */
		0xa1, 0x00, 0x10, 0x00, 0xd0,	    /* mov eax, [0xd0001000] */
		0xa3, 0x08, 0x20, 0x00, 0x00,	    /* mov [0x2008], eax */
		0xa3, 0x00, 0x10, 0x00, 0xd0,	    /* mov [0xd0001000], eax */
		0x0f, 0x0b,			    /* ud2 */
	};
	const uint32_t *words;

	start(code, sizeof(code));
	small_guest_run(&guest);
	check_eq(registers.n, 5);
	expect(&registers, 0, true, 0x10, 1, 0x04);
	expect(&registers, 1, true, 0x12, 2, 0x0304);
	expect(&registers, 2, true, 0x14, 4, 0x01020304);
	expect(&registers, 3, false, 0x01, 1, 0);
	expect(&registers, 4, false, 0x04, 4, 0);
	words = (const uint32_t *)(guest.ram + 0x2000);
	check_eq(words[0], 0x44);
	check_eq(words[1], 0x55555555);
	check_eq(words[2], 0xffffffff, "nobody is there");
	check_eq(guest.vcpu.exits[KVM_EXIT_MMIO], 7);
	small_guest_fini(&guest);
}

Test(vcpu, triple_fault)
{
	static const uint8_t code[] = { 0x0f, 0x0b }; /* ud2 */

	start(code, sizeof(code));
	small_guest_run(&guest);
	check_eq(guest.outcome, OUTCOME_TRIPLE_FAULT);
	check_contains(guest.detail, "triple fault");
	check_eq(sem_trywait(&guest.ended), -1, "told once");
	small_guest_fini(&guest);
}

static void expect_failure(int error, enum outcome outcome, const char *says)
{
	static const uint8_t code[] = { 0xf4 };

	start(code, sizeof(code));
	refuse_command(SYS_ioctl, KVM_RUN, error);
	small_guest_run(&guest);
	check_eq(guest.outcome, outcome);
	check_contains(guest.detail, says);
	check_eq(sem_trywait(&guest.ended), -1, "told once");
	small_guest_fini(&guest);
}

/* The next fault, with the vCPU paused. */
static void await_fault(unsigned n)
{
	while (sem_wait(&guest.ended) < 0)
		;
	check_eq(guest.faults, n);
	while (!__atomic_load_n(&guest.vcpu.parked, __ATOMIC_ACQUIRE))
		sched_yield();
}

/*
 * What KVM says where a file behind guest memory was cut, or is on a full file system.
 * bad input: Host resources: the host cannot supply a page of guest memory (KVM_RUN returns
 * EFAULT) -> the vCPU waits, and tries again when it is resumed
 */
Test(vcpu, page_that_the_host_cannot_supply)
{
	static const uint8_t code[] = { 0xf4 };

	start(code, sizeof(code));
	refuse_command(SYS_ioctl, KVM_RUN, EFAULT);
	small_guest_start(&guest);
	await_fault(1);
	check_eq(guest.fault_gpa, UINT64_MAX, "nobody tells");
	vcpu_resume(&guest.vcpu);
	await_fault(2);
	vcpu_stop(&guest.vcpu);
	check_eq(guest.faults, 2);
	small_guest_fini(&guest);
}

/* From Linux 6.8 on KVM says where. */
Test(vcpu, page_that_kvm_names)
{
	static const uint64_t fault[] = { 0, 0x123456000, 0x1000 }; /* flags, address, size */
	static const uint8_t code[] = { 0xf4 };

	start(code, sizeof(code));
	refuse_command(SYS_ioctl, KVM_RUN, EFAULT);
	guest.vcpu.run->exit_reason = 39; /* KVM_EXIT_MEMORY_FAULT */
	memcpy(guest.vcpu.run->padding, fault, sizeof(fault));
	small_guest_start(&guest);
	await_fault(1);
	check_eq(guest.fault_gpa, 0x123456000);
	/* The next failure says nothing new. */
	vcpu_resume(&guest.vcpu);
	await_fault(2);
	check_eq(guest.fault_gpa, UINT64_MAX);
	vcpu_stop(&guest.vcpu);
	small_guest_fini(&guest);
}

/* Memory that fails as often as it is told. */
struct missing {
	struct bus_region region;
	unsigned failures;
	uint32_t value;
};

static int missing_access(struct bus_region *region, uint64_t offset, void *data, unsigned size,
			  bool write)
{
	struct missing *m = container_of(region, struct missing, region);

	check_eq(offset, 0x10);
	check_eq(size, 4);
	if (m->failures && m->failures--)
		return -EIO;
	if (write)
		memcpy(&m->value, data, size);
	else
		memcpy(data, &m->value, size);
	return 0;
}

static const struct bus_ops missing_ops = { .access = missing_access };

/* KVM has emulated the instruction and asks us: it goes on only once the access was made. */
Test(vcpu, access_that_fails_is_made_again)
{
	static const uint8_t code[] = {
		0xb8, 0x04, 0x03, 0x02, 0x01, /* mov eax, 0x01020304 */
		0xa3, 0x10, 0x00, 0x00, 0xe0, /* mov [0xe0000010], eax */
		0x31, 0xc0,		      /* xor eax, eax */
		0xa1, 0x10, 0x00, 0x00, 0xe0, /* mov eax, [0xe0000010] */
		0xa3, 0x00, 0x20, 0x00, 0x00, /* mov [0x2000], eax */
		0x0f, 0x0b,		      /* ud2 */
	};
	struct missing missing = { .region = { 0xe0000000, 0x1000, &missing_ops }, .failures = 2 };

	start(code, sizeof(code));
	check_eq(bus_add(&guest.mmio, &missing.region), 0);
	small_guest_start(&guest);
	await_fault(1);
	check_eq(guest.fault_gpa, 0xe0000010);
	vcpu_resume(&guest.vcpu);
	await_fault(2);
	check_eq(missing.value, 0);
	missing.failures = 0;
	vcpu_resume(&guest.vcpu);
	while (sem_wait(&guest.ended) < 0)
		;
	check_eq(guest.outcome, OUTCOME_TRIPLE_FAULT, "%s", guest.detail);
	check_eq(missing.value, 0x01020304);
	check_eq(*(uint32_t *)(guest.ram + 0x2000), 0x01020304);
	vcpu_stop(&guest.vcpu);
	small_guest_fini(&guest);
}

/* Loads wait, too, and such a vCPU can be stopped. */
Test(vcpu, stopped_within_an_access_that_fails)
{
	static const uint8_t code[] = {
		0xa1, 0x10, 0x00, 0x00, 0xe0, /* mov eax, [0xe0000010] */
		0x0f, 0x0b,		      /* ud2 */
	};
	struct missing missing = { .region = { 0xe0000000, 0x1000, &missing_ops }, .failures = 9 };

	start(code, sizeof(code));
	check_eq(bus_add(&guest.mmio, &missing.region), 0);
	small_guest_start(&guest);
	await_fault(1);
	vcpu_stop(&guest.vcpu);
	check_eq(guest.outcome, 0);
	check_eq(missing.failures, 8);
	small_guest_fini(&guest);
}

/* bad input: Host resources: KVM_RUN fails -> the VM ends, and mvmm reports the reason */
Test(vcpu, kvm_fails)
{
	expect_failure(ENOMEM, OUTCOME_HOST_ERROR, "KVM_RUN: Cannot allocate memory");
}

static uint32_t exit_reason, exit_detail;

/* Both unions begin alike: the suberror and the type of the event come first. */
static void exit_at_once(int signo, siginfo_t *info, void *context)
{
	guest.vcpu.run->exit_reason = exit_reason;
	guest.vcpu.run->internal.suberror = exit_detail;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 0;
}

static void expect_end(uint32_t reason, uint32_t detail, enum outcome outcome)
{
	static const uint8_t code[] = { 0xeb, 0xfe }; /* jmp . */

	start(code, sizeof(code));
	exit_reason = reason;
	exit_detail = detail;
	small_guest_run(&guest);
	check_eq(guest.outcome, outcome, "exit %u, %u: %s", reason, detail, guest.detail);
	small_guest_fini(&guest);
}

/* bad input: Exit status: guest that brings KVM to an internal error or, before Linux 5.12, to an
 * event of Hyper-V -> status 44; other internal errors are the host's */
Test(vcpu, whose_fault_an_exit_is)
{
	struct sigaction action = { .sa_sigaction = exit_at_once, .sa_flags = SA_SIGINFO };

	small_guest_need_kvm();
	sigaction(SIGSYS, &action, NULL);
	trap_command(SYS_ioctl, KVM_RUN);
	expect_end(KVM_EXIT_INTERNAL_ERROR, KVM_INTERNAL_ERROR_EMULATION, OUTCOME_EMULATION);
	expect_end(KVM_EXIT_INTERNAL_ERROR, KVM_INTERNAL_ERROR_SIMUL_EX, OUTCOME_EMULATION);
	expect_end(KVM_EXIT_INTERNAL_ERROR, KVM_INTERNAL_ERROR_DELIVERY_EV, OUTCOME_EMULATION);
	expect_end(KVM_EXIT_INTERNAL_ERROR, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON,
		   OUTCOME_HOST_ERROR);
	expect_end(KVM_EXIT_SYSTEM_EVENT, KVM_SYSTEM_EVENT_RESET, OUTCOME_EMULATION);
	expect_end(KVM_EXIT_SYSTEM_EVENT, KVM_SYSTEM_EVENT_CRASH, OUTCOME_EMULATION);
	expect_end(KVM_EXIT_FAIL_ENTRY, 0, OUTCOME_HOST_ERROR);
	expect_end(KVM_EXIT_SHUTDOWN, 0, OUTCOME_TRIPLE_FAULT);
}

static void expect_stop(const uint8_t *code, size_t len)
{
	start(code, len);
	/* At once, and when it has surely entered the guest: the port tells. */
	small_guest_start(&guest);
	vcpu_stop(&guest.vcpu);
	check_eq(guest.vcpu.started, false);
	vcpu_stop(&guest.vcpu);
	small_guest_fini(&guest);
	start(code, len);
	small_guest_start(&guest);
	while (sem_wait(&guest.ended) < 0)
		;
	vcpu_stop(&guest.vcpu);
	check_eq(guest.outcome, 0);
	check_eq(guest.detail[0], '\0', "being stopped is no end");
	small_guest_fini(&guest);
}

Test(vcpu, stopped_while_it_halts)
{
	static const uint8_t code[] = { 0xe6, 0x10, 0xf4 }; /* out 0x10, al; hlt */

	expect_stop(code, sizeof(code));
}

Test(vcpu, stopped_while_it_spins)
{
	static const uint8_t code[] = { 0xe6, 0x10, 0xeb, 0xfe }; /* out 0x10, al; jmp itself */

	expect_stop(code, sizeof(code));
}

/* Wherever the thread is on its way into the guest. */
Test(vcpu, stopped_at_once_many_times, .timeout = 60)
{
	static const uint8_t code[] = { 0xeb, 0xfe }; /* jmp itself */

	start(code, sizeof(code));
	for (unsigned n = 0; n < 100; n++) {
		guest.vcpu.stop = false;
		guest.vcpu.run->immediate_exit = 0;
		small_guest_start(&guest);
		/* From at once to well within the guest. */
		for (unsigned i = 0; i < n; i++)
			sched_yield();
		vcpu_stop(&guest.vcpu);
	}
	small_guest_fini(&guest);
}

Test(vcpu, stopped_before_it_was_started)
{
	static const uint8_t code[] = { 0xf4 };

	start(code, sizeof(code));
	vcpu_stop(&guest.vcpu);
	small_guest_fini(&guest);
}

/* The signals that end mvmm are for the event loop, whichever thread could take them. */
Test(vcpu, thread_hears_no_signals)
{
	static const uint8_t code[] = { 0xe6, 0x10, 0xf4 };
	sigset_t set;

	start(code, sizeof(code));
	small_guest_start(&guest);
	while (sem_wait(&guest.ended) < 0)
		;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* Unblocked in any thread, it would end this test. */
	kill(getpid(), SIGTERM);
	check_eq(sigwaitinfo(&set, NULL), SIGTERM);
	vcpu_stop(&guest.vcpu);
	small_guest_fini(&guest);
}

Test(vcpu, init_fails)
{
	static const uint8_t code[] = { 0xf4 };
	struct error err = { 0 };
	struct vcpu second;
	struct rlimit limit, none;

	start(code, sizeof(code));
	check_eq(vcpu_init(&second, 0, 0, &guest.kvm, &guest.ports, &guest.mmio,
			   &small_guest_vcpu_ops, &err),
		 -EEXIST);
	check_contains(err.text, "cannot create vCPU 0");
	vcpu_fini(&second);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ 0, limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	check_eq(vcpu_init(&second, 1, 1, &guest.kvm, &guest.ports, &guest.mmio,
			   &small_guest_vcpu_ops, &err),
		 -EMFILE);
	setrlimit(RLIMIT_NOFILE, &limit);
	vcpu_fini(&second);
	small_guest_fini(&guest);
}

/* Waits until the vCPU is out of the guest, or the suite's time limit. */
static void await_parked(const struct vcpu *vcpu)
{
	while (!__atomic_load_n(&vcpu->parked, __ATOMIC_ACQUIRE))
		sched_yield();
}

/* Waits until the vCPU's thread sleeps: one that runs a guest never does. */
static void await_asleep(const struct vcpu *vcpu)
{
	char path[64], text[256], *state;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", vcpu->thread_id);
	do {
		sched_yield();
		fd = open(path, O_RDONLY);
		cr_assert(fd >= 0, "%s", path);
		text[read(fd, text, sizeof(text) - 1)] = '\0';
		close(fd);
		state = strrchr(text, ')');
		cr_assert(state);
	} while (state[2] != 'S');
}

Test(vcpu, paused_guest_stands_still)
{
	static const uint8_t code[] = {
		0xff, 0x05, 0x00, 0x20, 0x00, 0x00, /* inc dword [0x2000] */
		0xeb, 0xf8,			    /* jmp to it */
	};
	volatile uint32_t *counter;
	uint32_t before;

	small_guest_init(&guest, code, sizeof(code));
	counter = (volatile uint32_t *)(guest.ram + 0x2000);
	check_eq(vcpu_start(&guest.vcpu), 0);
	for (unsigned i = 0; i < 20; i++) {
		before = *counter;
		while (*counter == before)
			sched_yield();
		vcpu_pause(&guest.vcpu);
		await_parked(&guest.vcpu);
		before = *counter;
		await_asleep(&guest.vcpu);
		check_eq(*counter, before, "round %u", i);
		vcpu_resume(&guest.vcpu);
	}
	vcpu_stop(&guest.vcpu);
	small_guest_fini(&guest);
}

Test(vcpu, stopped_while_paused)
{
	static const uint8_t code[] = { 0xeb, 0xfe }; /* jmp to itself */

	small_guest_init(&guest, code, sizeof(code));
	check_eq(vcpu_start(&guest.vcpu), 0);
	vcpu_pause(&guest.vcpu);
	await_parked(&guest.vcpu);
	vcpu_stop(&guest.vcpu);
	small_guest_fini(&guest);
}

/* What vm_pause waits for must become true also for a vCPU that ends by itself. */
Test(vcpu, ended_is_parked)
{
	static const uint8_t code[] = { 0x0f, 0x0b }; /* ud2 */

	small_guest_init(&guest, code, sizeof(code));
	check_eq(vcpu_start(&guest.vcpu), 0);
	await_parked(&guest.vcpu);
	check_eq(guest.outcome, OUTCOME_TRIPLE_FAULT);
	vcpu_stop(&guest.vcpu);
	small_guest_fini(&guest);
}

/* Registers that pause the vCPU as they are accessed. */
static uint64_t pausing_read(struct bus_region *region, uint64_t offset, unsigned size)
{
	vcpu_pause(&guest.vcpu);
	return record_read(region, offset, size);
}

static void pausing_write(struct bus_region *region, uint64_t offset, unsigned size, uint64_t value)
{
	vcpu_pause(&guest.vcpu);
	record_write(region, offset, size, value);
}

/* Runs @code, whose first access pauses it, and expects it to park behind @len bytes of it. */
static struct kvm_regs park_in_access(const uint8_t *code, size_t size, size_t len)
{
	static const struct bus_ops ops = { .read = pausing_read, .write = pausing_write };
	struct kvm_regs regs;

	registers.region.size = 0x2000; /* with a boundary between two pages */
	start(code, size);
	ports.region.ops = registers.region.ops = &ops;
	small_guest_start(&guest);
	await_parked(&guest.vcpu);
	check_eq(ioctl(guest.vcpu.fd, KVM_GET_REGS, &regs), 0);
	check_eq(regs.rip, SMALL_GUEST_CODE + len, "the instruction is done, no other is");
	check_eq(guest.vcpu.in_instruction, false);
	return regs;
}

/* Lets the guest go on, to its end. */
static void end_parked(void)
{
	ports.region.ops = registers.region.ops = &record_ops;
	vcpu_resume(&guest.vcpu);
	small_guest_finish(&guest);
	check_eq(guest.outcome, OUTCOME_TRIPLE_FAULT, "%s", guest.detail);
	small_guest_fini(&guest);
}

Test(vcpu, parks_behind_a_load_of_a_port)
{
	static const uint8_t code[] = {
		0xe5, 0x40, /* in eax, 0x40 */
		0x0f, 0x0b, /* ud2 */
	};

	check_eq(park_in_access(code, sizeof(code), 2).rax, 0x11111111);
	end_parked();
	check_eq(ports.n, 1);
}

Test(vcpu, parks_behind_a_store_to_a_port)
{
	static const uint8_t code[] = {
		0xe6, 0x40, /* out 0x40, al */
		0x0f, 0x0b, /* ud2 */
	};

	park_in_access(code, sizeof(code), 2);
	end_parked();
	check_eq(ports.n, 1);
}

Test(vcpu, parks_behind_a_store_to_a_register)
{
	static const uint8_t code[] = {
		0xa3, 0x10, 0x00, 0x00, 0xd0, /* mov [0xd0000010], eax */
		0x0f, 0x0b,		      /* ud2 */
	};

	park_in_access(code, sizeof(code), 5);
	end_parked();
	check_eq(registers.n, 1);
}

/* An instruction with two accesses, of which the first one pauses the vCPU. */
Test(vcpu, parks_behind_the_last_access_of_an_instruction)
{
	static const uint8_t code[] = {
		0xa1, 0xfe, 0x0f, 0x00, 0xd0, /* mov eax, [0xd0000ffe] */
		0x0f, 0x0b,		      /* ud2 */
	};

	check_eq(park_in_access(code, sizeof(code), 5).rax, 0x22221111);
	end_parked();
	check_eq(registers.n, 2);
}
