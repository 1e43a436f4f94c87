// SPDX-License-Identifier: Apache-2.0
/* vCPUs of guests that run, are saved, and go on in another VM; and states that are hostile. */
#include "vmm/kvm/vcpu_state_x86.h"

#include "tests/support/refuse_call.h"
#include "tests/support/state_guest.h"

#include <errno.h>
#include <signal.h>
#include <ucontext.h>

TestSuite(vcpu_state_x86, .timeout = 60);

#define GENERATIONS 11

static struct state_guest guest;
static struct error err;

/* Counts in memory, vCPU 1 in word 1, and in RSI. XMM1 is words 64 to 67, and stored to 128. */
static const uint8_t count[] = {
	0xf3, 0x0f, 0x6f, 0x0c, 0x25, 0x00, 0x51, 0x00, 0x00, /* movdqu xmm1, [0x5100] */
	0xff, 0x04, 0x9d, 0x00, 0x50, 0x00, 0x00,	      /* inc [rbx*4+0x5000] */
	0xff, 0xc6,					      /* inc esi */
	0xf3, 0x0f, 0x7f, 0x0c, 0x25, 0x00, 0x52, 0x00, 0x00, /* movdqu [0x5200], xmm1 */
	0xeb, 0xec,					      /* jmp to "inc" */
};

/* Registers of all kinds, then word 0. */
static const uint8_t regs[] = {
	0xb9, 0x74, 0x01, 0x00, 0x00,				    /* mov ecx, 0x174 */
	0xb8, 0x44, 0x33, 0x22, 0x11,				    /* mov eax, 0x11223344 */
	0x31, 0xd2,						    /* xor edx, edx */
	0x0f, 0x30,						    /* wrmsr */
	0xb9, 0x02, 0x01, 0x00, 0xc0,				    /* mov ecx, 0xc0000102 */
	0xba, 0x45, 0x23, 0x01, 0x00,				    /* mov edx, 0x12345 */
	0x0f, 0x30,						    /* wrmsr */
	0x0f, 0x23, 0xc0,					    /* mov dr0, rax */
	0x0f, 0x22, 0xd0,					    /* mov cr2, rax */
	0xbf, 0x00, 0x00, 0xe0, 0xfe,				    /* mov edi, 0xfee00000 */
	0xc7, 0x87, 0x80, 0x00, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, /* mov [rdi+0x80], 0x20 */
	0xf3, 0x0f, 0x6f, 0x0c, 0x25, 0x00, 0x51, 0x00, 0x00,	    /* movdqu xmm1, [0x5100] */
	0x49, 0xbf, 0x88, 0x88, 0x88, 0x88, 0x77, 0x77, 0x77, 0x77, /* movabs r15,
								       0x7777777788888888 */
	0xc7, 0x04, 0x25, 0x00, 0x50, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, /* mov [0x5000], 0x1 */
	0xeb, 0xfe,							  /* jmp to itself */
};

/* The local APIC's timer, every 5 ms; word 0 counts its interrupts. */
static const uint8_t periodic[] = {
	0xbf, 0x00, 0x00, 0xe0, 0xfe,				    /* mov edi, 0xfee00000 */
	0xc7, 0x87, 0xe0, 0x03, 0x00, 0x00, 0x0b, 0x00, 0x00, 0x00, /* mov [rdi+0x3e0], 0xb */
	0xc7, 0x87, 0x20, 0x03, 0x00, 0x00, 0x30, 0x00, 0x02, 0x00, /* mov [rdi+0x320], 0x20030 */
	0xc7, 0x87, 0x80, 0x03, 0x00, 0x00, 0x40, 0x4b, 0x4c, 0x00, /* mov [rdi+0x380], 0x4c4b40 */
	0xfb,							    /* sti */
	0xf4,							    /* hlt */
	0xeb, 0xfd,						    /* jmp to "hlt" */
};

static const uint8_t tick_handler[] = {
	0xff, 0x04, 0x25, 0x00, 0x50, 0x00, 0x00,		    /* inc [0x5000] */
	0xbf, 0x00, 0x00, 0xe0, 0xfe,				    /* mov edi, 0xfee00000 */
	0xc7, 0x87, 0xb0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* mov [rdi+0xb0], 0x0 */
	0x48, 0xcf,						    /* iretq */
};

/* The same, started again by each interrupt. */
static const uint8_t oneshot[] = {
	0xbf, 0x00, 0x00, 0xe0, 0xfe,				    /* mov edi, 0xfee00000 */
	0xc7, 0x87, 0xe0, 0x03, 0x00, 0x00, 0x0b, 0x00, 0x00, 0x00, /* mov [rdi+0x3e0], 0xb */
	0xc7, 0x87, 0x20, 0x03, 0x00, 0x00, 0x30, 0x00, 0x00, 0x00, /* mov [rdi+0x320], 0x30 */
	0xc7, 0x87, 0x80, 0x03, 0x00, 0x00, 0x40, 0x4b, 0x4c, 0x00, /* mov [rdi+0x380], 0x4c4b40 */
	0xfb,							    /* sti */
	0xf4,							    /* hlt */
	0xeb, 0xfd,						    /* jmp to "hlt" */
};

static const uint8_t oneshot_handler[] = {
	0xff, 0x04, 0x25, 0x00, 0x50, 0x00, 0x00,		    /* inc [0x5000] */
	0xbf, 0x00, 0x00, 0xe0, 0xfe,				    /* mov edi, 0xfee00000 */
	0xc7, 0x87, 0x80, 0x03, 0x00, 0x00, 0x40, 0x4b, 0x4c, 0x00, /* mov [rdi+0x380], 0x4c4b40 */
	0xc7, 0x87, 0xb0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* mov [rdi+0xb0], 0x0 */
	0x48, 0xcf,						    /* iretq */
};

/* The same, by the TSC; word 4 is the time. */
static const uint8_t deadline[] = {
	0xbf, 0x00, 0x00, 0xe0, 0xfe,				    /* mov edi, 0xfee00000 */
	0xc7, 0x87, 0x20, 0x03, 0x00, 0x00, 0x30, 0x00, 0x04, 0x00, /* mov [rdi+0x320], 0x40030 */
	0xb9, 0xe0, 0x06, 0x00, 0x00,				    /* mov ecx, 0x6e0 */
	0xb8, 0x01, 0x00, 0x00, 0x00,				    /* mov eax, 0x1 */
	0x31, 0xd2,						    /* xor edx, edx */
	0x0f, 0x30,						    /* wrmsr */
	0xfb,							    /* sti */
	0xf4,							    /* hlt */
	0xeb, 0xfd,						    /* jmp to "hlt" */
};

static const uint8_t deadline_handler[] = {
	0xff, 0x04, 0x25, 0x00, 0x50, 0x00, 0x00,		    /* inc [0x5000] */
	0x0f, 0x31,						    /* rdtsc */
	0x03, 0x04, 0x25, 0x10, 0x50, 0x00, 0x00,		    /* add eax, [0x5010] */
	0x83, 0xd2, 0x00,					    /* adc edx, 0x0 */
	0xb9, 0xe0, 0x06, 0x00, 0x00,				    /* mov ecx, 0x6e0 */
	0x0f, 0x30,						    /* wrmsr */
	0xbf, 0x00, 0x00, 0xe0, 0xfe,				    /* mov edi, 0xfee00000 */
	0xc7, 0x87, 0xb0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* mov [rdi+0xb0], 0x0 */
	0x48, 0xcf,						    /* iretq */
};

/* Counts in word 0 until word 1 is set, and then takes interrupts, which word 2 counts. */
static const uint8_t pending[] = {
	0xff, 0x04, 0x25, 0x00, 0x50, 0x00, 0x00,	/* inc [0x5000] */
	0x83, 0x3c, 0x25, 0x04, 0x50, 0x00, 0x00, 0x00, /* cmp [0x5004], 0x0 */
	0x74, 0xef,					/* je to "inc" */
	0xfb,						/* sti */
	0xeb, 0xfe,					/* jmp to itself */
};

static const uint8_t pending_handler[] = {
	0xff, 0x04, 0x25, 0x08, 0x50, 0x00, 0x00,		    /* inc [0x5008] */
	0xbf, 0x00, 0x00, 0xe0, 0xfe,				    /* mov edi, 0xfee00000 */
	0xc7, 0x87, 0xb0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* mov [rdi+0xb0], 0x0 */
	0x48, 0xcf,						    /* iretq */
};

/* Word 0 counts what woke it. */
static const uint8_t halt[] = {
	0xfb,					  /* sti */
	0xff, 0x04, 0x25, 0x00, 0x50, 0x00, 0x00, /* inc [0x5000] */
	0xf4,					  /* hlt */
	0xeb, 0xf6,				  /* jmp to "inc" */
};

/* Until word 1 is set, counts in word 0; then starts vCPU 1 at 0x6000. */
static const uint8_t ap[] = {
	0xff, 0x04, 0x25, 0x00, 0x50, 0x00, 0x00,		    /* inc [0x5000] */
	0x83, 0x3c, 0x25, 0x04, 0x50, 0x00, 0x00, 0x00,		    /* cmp [0x5004], 0x0 */
	0x74, 0xef,						    /* je to "inc" */
	0xbf, 0x00, 0x00, 0xe0, 0xfe,				    /* mov edi, 0xfee00000 */
	0xc7, 0x87, 0x10, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, /* mov [rdi+0x310], 0x1000000 */
	0xc7, 0x87, 0x00, 0x03, 0x00, 0x00, 0x00, 0x45, 0x00, 0x00, /* mov [rdi+0x300], 0x4500 */
	0xc7, 0x87, 0x00, 0x03, 0x00, 0x00, 0x06, 0x46, 0x00, 0x00, /* mov [rdi+0x300], 0x4606 */
	0xeb, 0xfe,						    /* jmp to itself */
};

/* What that runs, in real mode: counts in word 2. */
static const uint8_t ap16[] = {
	0x31, 0xc0,		/* xor ax, ax */
	0x8e, 0xd8,		/* mov ds, ax */
	0xff, 0x06, 0x08, 0x50, /* inc word [0x5008] */
	0xeb, 0xfa,		/* jmp to it */
};

static void init(unsigned n, const uint8_t *code, size_t len, const uint8_t *handler,
		 size_t handler_len)
{
	state_guest_init(&guest, n, code, len);
	if (handler)
		memcpy(guest.ram + STATE_GUEST_HANDLER, handler, handler_len);
}

static void set_word(unsigned i, uint32_t value)
{
	__atomic_store_n((uint32_t *)(guest.ram + STATE_GUEST_DATA) + i, value, __ATOMIC_RELEASE);
}

static struct state_guest_saved *new_saved(void)
{
	struct state_guest_saved *saved = malloc(sizeof(*saved));

	cr_assert(saved);
	return saved;
}

static void *data(unsigned i)
{
	return guest.ram + STATE_GUEST_DATA + 4 * i;
}

static void count_for_generations(unsigned n)
{
	static const char pattern[16] = "these are bytes";
	struct state_guest_saved *saved = new_saved();
	uint32_t from[STATE_GUEST_MAX_CPUS] = { 0 };

	init(n, count, sizeof(count), NULL, 0);
	memcpy(data(64), pattern, sizeof(pattern));
	state_guest_start(&guest);
	for (unsigned g = 0; g <= GENERATIONS; g++) {
		for (unsigned i = 0; i < n; i++)
			state_guest_await(&guest, i, from[i] + 100);
		state_guest_pause(&guest);
		check_eq(memcmp(data(128), pattern, sizeof(pattern)), 0, "XMM1");
		state_guest_save(&guest, saved);
		for (unsigned i = 0; i < n; i++) {
			from[i] = state_guest_word(&guest, i);
			/* It may be between its two instructions. */
			cr_assert(from[i] - (uint32_t)saved->vcpus[i].regs.rsi <= 1);
			check_eq(saved->vcpus[i].regs.rbx, i);
		}
		state_guest_fini(&guest);
		state_guest_make(&guest, n);
		state_guest_restore(&guest, saved);
		memset(data(64), 0, sizeof(pattern));
		memset(data(128), 0, sizeof(pattern));
		state_guest_start(&guest);
	}
	state_guest_fini(&guest);
	free(saved);
}

Test(vcpu_state_x86, counter_goes_on)
{
	count_for_generations(1);
}

Test(vcpu_state_x86, counters_of_two_go_on)
{
	count_for_generations(2);
}

/* What is restored to a new VM is what is saved of it. */
Test(vcpu_state_x86, all_registers_come_back)
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} msrs[] = {
		{ 0x174, 0x11223344 },
		{ 0xc0000102, 0x1234511223344 },
		{ 0x2ff, 0x806 },
	};
	struct state_guest_saved *saved = new_saved(), *again = new_saved();
	struct vcpu_state *a = saved->vcpus, *b = again->vcpus;

	init(1, regs, sizeof(regs), NULL, 0);
	memset(data(64), 0x5a, 16);
	state_guest_start(&guest);
	state_guest_await(&guest, 0, 1);
	state_guest_pause(&guest);
	state_guest_save(&guest, saved);
	state_guest_fini(&guest);
	state_guest_make(&guest, 1);
	state_guest_restore(&guest, saved);
	memset(again, 0xa5, sizeof(*again));
	state_guest_save(&guest, again);
	check_eq(a->regs.r15, 0x7777777788888888);
	check_eq(a->debugregs.db[0], 0x11223344);
	check_eq(a->sregs.cr2, 0x11223344);
	check_eq(a->xsave[176], 0x5a, "XMM1");
	check_eq(a->lapic.regs[0x80], 0x20, "the task priority");
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++) {
		uint64_t value;

		check_eq(vcpu_msrs_x86_get(&guest.vcpus[0], msrs[i].index, &value, &err), 0);
		check_eq(value, msrs[i].value, "MSR 0x%x", msrs[i].index);
	}
	cr_assert(b->tsc.value > a->tsc.value);
	b->tsc = a->tsc;
	check_eq(memcmp(&a->regs, &b->regs, sizeof(a->regs)), 0);
	check_eq(memcmp(&a->sregs, &b->sregs, sizeof(a->sregs)), 0);
	check_eq(memcmp(&a->xcrs, &b->xcrs, sizeof(a->xcrs)), 0);
	check_eq(memcmp(&a->debugregs, &b->debugregs, sizeof(a->debugregs)), 0);
	check_eq(memcmp(&a->lapic, &b->lapic, sizeof(a->lapic)), 0);
	check_eq(memcmp(&a->msrs, &b->msrs, sizeof(a->msrs)), 0);
	check_eq(memcmp(a, b, sizeof(*a)), 0, "all of it, padding too");
	state_guest_fini(&guest);
	free(saved);
	free(again);
}

static void tick_for_generations(const uint8_t *code, size_t len, const uint8_t *handler,
				 size_t handler_len)
{
	uint32_t ticks = 0;

	init(1, code, len, handler, handler_len);
	set_word(4, 5 * (uint32_t)ioctl(guest.vcpus[0].fd, KVM_GET_TSC_KHZ, 0)); /* 5 ms */
	state_guest_start(&guest);
	for (unsigned g = 0; g < GENERATIONS; g++) {
		state_guest_await(&guest, 0, ticks + 2);
		state_guest_move(&guest);
		ticks = state_guest_word(&guest, 0);
	}
	state_guest_await(&guest, 0, ticks + 3);
	state_guest_fini(&guest);
}

Test(vcpu_state_x86, periodic_timer_goes_on)
{
	tick_for_generations(periodic, sizeof(periodic), tick_handler, sizeof(tick_handler));
}

Test(vcpu_state_x86, one_shot_timer_goes_on)
{
	tick_for_generations(oneshot, sizeof(oneshot), oneshot_handler, sizeof(oneshot_handler));
}

Test(vcpu_state_x86, deadline_timer_goes_on)
{
	tick_for_generations(deadline, sizeof(deadline), deadline_handler,
			     sizeof(deadline_handler));
}

/* As devices raise it: an edge at an IOAPIC's pin. */
static void pulse(unsigned gsi)
{
	struct kvm_line line;

	kvm_line_init(&line, &guest.kvm, gsi);
	check_eq(line.line.pulse(&line.line), 0);
}

static void unmask(unsigned gsi)
{
	struct kvm_irqchip ioapic = { .chip_id = KVM_IRQCHIP_IOAPIC };

	check_eq(ioctl(guest.kvm.vm_fd, KVM_GET_IRQCHIP, &ioapic), 0);
	ioapic.chip.ioapic.redirtbl[gsi].bits = STATE_GUEST_VECTOR; /* an edge, to APIC 0 */
	check_eq(ioctl(guest.kvm.vm_fd, KVM_SET_IRQCHIP, &ioapic), 0);
}

/* It is in the local APIC: accepted, and not yet served. */
Test(vcpu_state_x86, pending_interrupt_is_served_once)
{
	init(1, pending, sizeof(pending), pending_handler, sizeof(pending_handler));
	unmask(9);
	state_guest_start(&guest);
	state_guest_await(&guest, 0, 100);
	pulse(9);
	state_guest_move(&guest);
	state_guest_move(&guest);
	state_guest_await(&guest, 0, state_guest_word(&guest, 0) + 100);
	check_eq(state_guest_word(&guest, 2), 0, "it is not allowed yet");
	set_word(1, 1);
	state_guest_await(&guest, 2, 1);
	/* The IOAPIC still has its route, and the vector is free again. */
	pulse(9);
	state_guest_await(&guest, 2, 2);
	state_guest_move(&guest);
	pulse(9);
	state_guest_await(&guest, 2, 3);
	state_guest_pause(&guest);
	check_eq(state_guest_word(&guest, 2), 3);
	state_guest_fini(&guest);
}

/* It is on its way from the APIC into the guest. */
Test(vcpu_state_x86, injected_interrupt_is_served)
{
	struct state_guest_saved *saved = new_saved();
	struct kvm_vcpu_events events;
	struct kvm_regs regs_now;

	init(1, pending, sizeof(pending), pending_handler, sizeof(pending_handler));
	check_eq(ioctl(guest.vcpus[0].fd, KVM_GET_REGS, &regs_now), 0);
	regs_now.rflags |= 0x200;
	check_eq(ioctl(guest.vcpus[0].fd, KVM_SET_REGS, &regs_now), 0);
	check_eq(ioctl(guest.vcpus[0].fd, KVM_GET_VCPU_EVENTS, &events), 0);
	events.interrupt.injected = 1;
	events.interrupt.nr = STATE_GUEST_VECTOR;
	check_eq(ioctl(guest.vcpus[0].fd, KVM_SET_VCPU_EVENTS, &events), 0);
	state_guest_save(&guest, saved);
	state_guest_fini(&guest);
	state_guest_make(&guest, 1);
	state_guest_restore(&guest, saved);
	state_guest_start(&guest);
	state_guest_await(&guest, 2, 1);
	state_guest_fini(&guest);
	free(saved);
}

/* That vCPU 0 sleeps in HLT. */
static void pause_in_halt(void)
{
	struct vcpu_x86_place place;

	for (;;) {
		state_guest_pause(&guest);
		check_eq(vcpu_x86_place(&guest.vcpus[0], &place), 0);
		if (place.halted)
			return;
		vcpu_resume(&guest.vcpus[0]);
		sched_yield();
	}
}

Test(vcpu_state_x86, halted_guest_is_woken)
{
	init(1, halt, sizeof(halt), pending_handler, sizeof(pending_handler));
	unmask(9);
	state_guest_start(&guest);
	for (unsigned g = 1; g <= GENERATIONS; g++) {
		state_guest_await(&guest, 0, g);
		pause_in_halt();
		state_guest_move(&guest);
		pause_in_halt();
		check_eq(state_guest_word(&guest, 0), g, "it goes on sleeping");
		vcpu_resume(&guest.vcpus[0]);
		pulse(9);
	}
	state_guest_await(&guest, 0, GENERATIONS + 1);
	check_eq(state_guest_word(&guest, 2), GENERATIONS);
	state_guest_fini(&guest);
}

/* A vCPU that waits for its start is started in the new VM. */
Test(vcpu_state_x86, second_vcpu_is_started)
{
	struct kvm_mp_state waiting = { KVM_MP_STATE_UNINITIALIZED };

	init(2, ap, sizeof(ap), NULL, 0);
	memcpy(guest.ram + 0x6000, ap16, sizeof(ap16));
	check_eq(ioctl(guest.vcpus[1].fd, KVM_SET_MP_STATE, &waiting), 0);
	state_guest_start(&guest);
	state_guest_await(&guest, 0, 100);
	state_guest_move(&guest);
	check_eq(state_guest_word(&guest, 2), 0);
	set_word(1, 1);
	state_guest_await(&guest, 2, 100);
	state_guest_move(&guest);
	state_guest_await(&guest, 2, state_guest_word(&guest, 2) + 100);
	state_guest_fini(&guest);
}

/* Back to the instant of the save, in the same VM. */
Test(vcpu_state_x86, same_vm_goes_back)
{
	struct state_guest_saved *saved = new_saved();
	uint32_t then;

	init(1, deadline, sizeof(deadline), deadline_handler, sizeof(deadline_handler));
	set_word(4, 5 * (uint32_t)ioctl(guest.vcpus[0].fd, KVM_GET_TSC_KHZ, 0));
	state_guest_start(&guest);
	state_guest_await(&guest, 0, 3);
	state_guest_pause(&guest);
	state_guest_save(&guest, saved);
	then = state_guest_word(&guest, 0);
	for (unsigned i = 0; i < GENERATIONS; i++) {
		vcpu_resume(&guest.vcpus[0]);
		state_guest_await(&guest, 0, then + 2);
		state_guest_pause(&guest);
		state_guest_restore(&guest, saved);
		check_eq(state_guest_word(&guest, 0), then);
	}
	vcpu_resume(&guest.vcpus[0]);
	state_guest_await(&guest, 0, then + 3);
	state_guest_fini(&guest);
	free(saved);
}

/* A saved state of two vCPUs that have run, and the VM in which it was saved. */
static struct state_guest_saved *good;

static void setup_good(void)
{
	good = new_saved();
	init(2, count, sizeof(count), NULL, 0);
	state_guest_start(&guest);
	state_guest_await(&guest, 0, 10);
	state_guest_await(&guest, 1, 10);
	state_guest_pause(&guest);
	state_guest_save(&guest, good);
}

static void teardown_good(void)
{
	state_guest_fini(&guest);
	free(good);
}

static int restore(void)
{
	return vcpu_state_x86_restore(guest.vcpus, 2, &guest.kvm, &guest.host, good->vcpus, &err);
}

/* The states are refused, by @text, before anything has changed, and can be restored afterwards. */
static void expect_refusal(int ret, const char *text)
{
	struct kvm_regs before, after;

	check_eq(ioctl(guest.vcpus[0].fd, KVM_GET_REGS, &before), 0);
	before.rax = 0x1234567;
	check_eq(ioctl(guest.vcpus[0].fd, KVM_SET_REGS, &before), 0);
	check_eq(restore(), ret, "%s", text);
	check_contains(err.text, text);
	check_eq(ioctl(guest.vcpus[0].fd, KVM_GET_REGS, &after), 0);
	check_eq(after.rax, 0x1234567, "%s", text);
}

/* bad input: Snapshots: a snapshot with the state of one vCPU in the place of another -> refused */
Test(vcpu_state_x86, hostile_ids, .init = setup_good, .fini = teardown_good)
{
	good->vcpus[1].id = 0;
	expect_refusal(-EINVAL, "vCPU 0 with APIC id 1 is in the place of vCPU 1 with APIC id 1");
	good->vcpus[1].id = 1;
	good->vcpus[1].apic_id = UINT32_MAX;
	expect_refusal(-EINVAL, "vCPU 1 with APIC id 4294967295 is in the place of vCPU 1");
	good->vcpus[1].apic_id = 1;
	check_eq(restore(), 0, "%s", err.text);
}

/*
 * bad input: Snapshots: a snapshot with a size of the vector registers that this host does not have
 * -> refused before the size is used
 */
Test(vcpu_state_x86, hostile_xsave_size, .init = setup_good, .fini = teardown_good)
{
	uint32_t size = good->vcpus[1].xsave_size;

	check_eq(size, guest.host.xsave_size);
	good->vcpus[1].xsave_size = size + 1;
	expect_refusal(-ENOTSUP,
		       "vCPU 1: 4097 bytes of vector registers, and this host's KVM takes");
	good->vcpus[1].xsave_size = UINT32_MAX;
	expect_refusal(-ENOTSUP, "vCPU 1: 4294967295 bytes of vector registers");
	good->vcpus[1].xsave_size = size - 1;
	check_eq(restore(), 0, "%s", err.text);
}

/*
 * bad input: Snapshots: a snapshot with impossibly many MSRs and CPUID leaves -> refused before
 * anything is changed
 */
Test(vcpu_state_x86, hostile_numbers, .init = setup_good, .fini = teardown_good)
{
	uint32_t n = good->vcpus[1].cpuid.nent;

	good->vcpus[1].cpuid.nent = UINT32_MAX;
	expect_refusal(-EINVAL, "vCPU 1: 4294967295 CPUID leaves");
	good->vcpus[1].cpuid.nent = n;
	n = good->vcpus[1].msrs.nmsrs;
	good->vcpus[1].msrs.nmsrs = UINT32_MAX;
	expect_refusal(-EINVAL, "vCPU 1: 4294967295 MSRs");
	good->vcpus[1].msrs.nmsrs = n;
	check_eq(restore(), 0, "%s", err.text);
}

/*
 * bad input: Snapshots: a snapshot with a processor feature that vCPUs on this host lack -> refused
 */
Test(vcpu_state_x86, foreign_cpuid, .init = setup_good, .fini = teardown_good)
{
	struct cpuid_leaves *cpuid = &good->vcpus[1].cpuid;

	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ecx |= 1 << 5;
	expect_refusal(-ENOTSUP, "vCPU 1: has processor features that are not there here");
}

/* bad input: Snapshots: a snapshot with an MP state that does not exist -> refused */
Test(vcpu_state_x86, hostile_mp_state, .init = setup_good, .fini = teardown_good)
{
	static const uint32_t none[] = { KVM_MP_STATE_CHECK_STOP, KVM_MP_STATE_LOAD, 11,
					 UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		good->vcpus[1].mp_state.mp_state = none[i];
		expect_refusal(-EINVAL, "vCPU 1: MP state ");
	}
}

static void expect_failure(const char *text)
{
	cr_assert(restore() < 0, "%s", text);
	check_contains(err.text, text);
}

/*
 * bad input: Snapshots: a snapshot with registers that KVM refuses -> the restore fails, and the
 * error names the ioctl and the vCPU
 */
Test(vcpu_state_x86, hostile_registers, .init = setup_good, .fini = teardown_good)
{
	struct vcpu_state *state = &good->vcpus[1], copy = *state;

	state->sregs.cr0 = 0x80000000; /* paging without protected mode */
	expect_failure("KVM: vCPU 1: KVM_SET_SREGS2: ");
	*state = copy;
	state->sregs.cr4 |= 1 << 13; /* VMXE without the feature */
	expect_failure("KVM: vCPU 1: KVM_SET_SREGS2: ");
	*state = copy;
	state->xcrs.nr_xcrs = UINT32_MAX;
	expect_failure("KVM: vCPU 1: KVM_SET_XCRS: ");
	*state = copy;
	state->debugregs.flags = 1;
	expect_failure("KVM: vCPU 1: KVM_SET_DEBUGREGS: ");
	*state = copy;
	memset(state->xsave, 0xff, sizeof(state->xsave));
	expect_failure("KVM: vCPU 1: KVM_SET_XSAVE: ");
	*state = copy;
	state->msrs.entries[0].data = UINT64_MAX;
	state->msrs.entries[state->msrs.nmsrs - 1].data = UINT64_MAX;
	expect_failure("KVM: vCPU 1: KVM_SET_MSRS: MSR 0x2ff cannot be ");
	*state = copy;
	state->events.flags = UINT32_MAX;
	expect_failure("KVM: vCPU 1: KVM_SET_VCPU_EVENTS: ");
	*state = copy;
	check_eq(restore(), 0, "%s", err.text);
}

/*
 * bad input: Snapshots: a snapshot in which any byte of a vCPU's state was changed -> it is
 * restored or refused; a guest that was restored runs or ends
 */
Test(vcpu_state_x86, every_byte_changed, .init = setup_good, .fini = teardown_good)
{
	struct vcpu_state *copy = malloc(sizeof(*copy));
	unsigned refused = 0;

	cr_assert(copy);
	*copy = good->vcpus[1];
	for (size_t i = 0; i < sizeof(*copy); i += i < 4096 ? 1 : 17) {
		((uint8_t *)&good->vcpus[1])[i] ^= 0xff;
		refused += restore() < 0;
		good->vcpus[1] = *copy;
	}
	cr_assert(refused > 100, "%u", refused);
	check_eq(restore(), 0, "%s", err.text);
	free(copy);
}

static void expect_refused_ioctl(uint32_t request, const char *text)
{
	struct vcpu_state *state = malloc(sizeof(*state));
	int ret;

	cr_assert(state);
	refuse_command(SYS_ioctl, request, EIO);
	ret = vcpu_state_x86_save(&guest.vcpus[1], &guest.host, state, &err);
	if (ret == 0)
		ret = restore();
	check_eq(ret, -EIO, "%s", text);
	check_contains(err.text, text);
	free(state);
}

/* The last one first: a refusal lasts. */
Test(vcpu_state_x86, saving_ioctls_are_refused, .init = setup_good, .fini = teardown_good)
{
	expect_refused_ioctl(KVM_GET_VCPU_EVENTS, "KVM: vCPU 1: KVM_GET_VCPU_EVENTS: Input/output");
	expect_refused_ioctl(KVM_GET_CPUID2, "KVM: vCPU 1: KVM_GET_CPUID2: ");
	expect_refused_ioctl(KVM_GET_TSC_KHZ, "KVM: vCPU 1: KVM_GET_TSC_KHZ: ");
	expect_refused_ioctl(KVM_GET_LAPIC, "KVM: vCPU 1: KVM_GET_LAPIC: ");
	expect_refused_ioctl(KVM_GET_MSRS, "KVM: vCPU 1: KVM_GET_MSRS: MSR 0x6e0: ");
	expect_refused_ioctl(KVM_GET_DEBUGREGS, "KVM: vCPU 1: KVM_GET_DEBUGREGS: ");
	expect_refused_ioctl(KVM_GET_XCRS, "KVM: vCPU 1: KVM_GET_XCRS: ");
	expect_refused_ioctl(KVM_GET_XSAVE2, "KVM: vCPU 1: KVM_GET_XSAVE2: ");
	expect_refused_ioctl(KVM_GET_SREGS2, "KVM: vCPU 1: KVM_GET_SREGS2: ");
	expect_refused_ioctl(KVM_GET_REGS, "KVM: vCPU 1: KVM_GET_REGS: ");
	expect_refused_ioctl(KVM_GET_MP_STATE, "KVM: vCPU 1: KVM_GET_MP_STATE: ");
}

Test(vcpu_state_x86, restoring_ioctls_are_refused, .init = setup_good, .fini = teardown_good)
{
	expect_refused_ioctl(KVM_KVMCLOCK_CTRL, "KVM: vCPU 0: KVM_KVMCLOCK_CTRL: ");
	expect_refused_ioctl(KVM_SET_VCPU_EVENTS, "KVM: vCPU 0: KVM_SET_VCPU_EVENTS: ");
	expect_refused_ioctl(KVM_SET_LAPIC, "KVM: vCPU 0: KVM_SET_LAPIC: ");
	expect_refused_ioctl(KVM_SET_DEBUGREGS, "KVM: vCPU 0: KVM_SET_DEBUGREGS: ");
	expect_refused_ioctl(KVM_SET_XCRS, "KVM: vCPU 0: KVM_SET_XCRS: ");
	expect_refused_ioctl(KVM_SET_XSAVE, "KVM: vCPU 0: KVM_SET_XSAVE: ");
	expect_refused_ioctl(KVM_SET_SREGS2, "KVM: vCPU 0: KVM_SET_SREGS2: ");
	expect_refused_ioctl(KVM_SET_REGS, "KVM: vCPU 0: KVM_SET_REGS: ");
	expect_refused_ioctl(KVM_SET_MP_STATE, "KVM: vCPU 0: KVM_SET_MP_STATE: ");
	expect_refused_ioctl(KVM_SET_CPUID2, "KVM: vCPU 0: KVM_SET_CPUID2: ");
	expect_refused_ioctl(KVM_SET_MSRS, "KVM: vCPU 0: KVM_SET_MSRS: ");
}

/* A guest that does not use KVM's clock cannot be told of the pause. */
Test(vcpu_state_x86, clock_that_the_guest_does_not_use, .init = setup_good, .fini = teardown_good)
{
	refuse_command(SYS_ioctl, KVM_KVMCLOCK_CTRL, EINVAL);
	check_eq(restore(), 0, "%s", err.text);
}

/*
 * bad input: Host resources: vm-save while a vCPU waits for a page that the host cannot supply ->
 * refused
 */
Test(vcpu_state_x86, unfinished_instruction, .init = setup_good, .fini = teardown_good)
{
	guest.vcpus[1].unfinished = true;
	check_eq(vcpu_state_x86_save(&guest.vcpus[1], &guest.host, &good->vcpus[1], &err), -EBUSY);
	check_contains(err.text, "vCPU 1: waits for memory that the host could not supply");
}

/* Answers ioctls of MSRs that were trapped: reads deadlines from a list, and notes what is set. */
static uint64_t deadlines[2];
static unsigned n_deadlines, n_set;
static struct kvm_msr_entry set[16];

static void answer_msrs(int signo, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct kvm_msrs *msrs = (struct kvm_msrs *)registers[REG_RDX];
	bool write = (uint32_t)registers[REG_RSI] == (uint32_t)KVM_SET_MSRS;

	if (write)
		set[n_set++] = msrs->entries[0];
	else if (msrs->entries[0].index == 0x6e0)
		msrs->entries[0].data = deadlines[n_deadlines++];
	registers[REG_RAX] = msrs->nmsrs;
}

static void trap_msrs(uint32_t request)
{
	struct sigaction action = { .sa_sigaction = answer_msrs, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &action, NULL);
	trap_command(SYS_ioctl, request);
}

/* Of a vCPU whose timer's deadline is read as @before and @after the local APIC. */
static uint64_t saved_deadline(uint64_t before, uint64_t after)
{
	n_deadlines = 0;
	deadlines[0] = before;
	deadlines[1] = after;
	check_eq(vcpu_state_x86_save(&guest.vcpus[0], &guest.host, &good->vcpus[0], &err), 0, "%s",
		 err.text);
	check_eq(n_deadlines, 2);
	return good->vcpus[0].tsc_deadline;
}

/* KVM may pass the timer's interrupt on to the local APIC within any ioctl. */
Test(vcpu_state_x86, timer_that_expires_within_the_save, .init = setup_good, .fini = teardown_good)
{
	struct kvm_lapic_state lapic;

	trap_msrs(KVM_GET_MSRS);
	check_eq(ioctl(guest.vcpus[0].fd, KVM_GET_LAPIC, &lapic), 0);
	memcpy(lapic.regs + 0x320, "\x30\x00\x04\x00", 4); /* by the TSC, vector 0x30 */
	check_eq(ioctl(guest.vcpus[0].fd, KVM_SET_LAPIC, &lapic), 0);
	check_eq(saved_deadline(0, 0), 0);
	check_eq(saved_deadline(500, 500), 500);
	check_eq(saved_deadline(500, 0), 500, "behind the APIC");
	lapic.regs[0x212] = 1; /* vector 0x30 is pending */
	check_eq(ioctl(guest.vcpus[0].fd, KVM_SET_LAPIC, &lapic), 0);
	check_eq(saved_deadline(500, 0), 0, "before it");
	check_eq(saved_deadline(500, 500), 500, "another interrupt of that vector");
}

/* The TSC, a deadline of before, all MSRs, and at last the deadline. */
Test(vcpu_state_x86, order_of_time, .init = setup_good, .fini = teardown_good)
{
	struct vcpu_state *state = &good->vcpus[0];

	state->tsc_deadline = 12345;
	trap_msrs(KVM_SET_MSRS);
	check_eq(vcpu_state_x86_restore(guest.vcpus, 1, &guest.kvm, &guest.host, state, &err), 0,
		 "%s", err.text);
	check_eq(n_set, 5);
	check_eq(set[1].index, 0x10);
	check_eq(set[1].data, state->tsc.value);
	check_eq(set[2].index, 0x6e0);
	check_eq(set[2].data, 0);
	check_eq(set[3].index, state->msrs.entries[0].index);
	check_eq(set[4].index, 0x6e0);
	check_eq(set[4].data, 12345);
}

/* What KVM_GET_SREGS2 says of a guest that runs a hypervisor, which needs nested virtualization. */
static uint64_t nested_cr4, nested_efer;

static void answer_sregs(int signo, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct kvm_sregs2 *sregs = (struct kvm_sregs2 *)registers[REG_RDX];

	*sregs = good->vcpus[0].sregs;
	sregs->cr4 |= nested_cr4;
	sregs->efer |= nested_efer;
	registers[REG_RAX] = 0;
}

static void expect_nested(const char *text)
{
	check_eq(vcpu_state_x86_save(&guest.vcpus[0], &guest.host, &good->vcpus[1], &err),
		 -ENOTSUP);
	check_contains(err.text, text);
}

/* bad input: Snapshots: vm-save of a guest that runs a hypervisor -> refused */
Test(vcpu_state_x86, nested_guest, .init = setup_good, .fini = teardown_good)
{
	struct sigaction action = { .sa_sigaction = answer_sregs, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &action, NULL);
	trap_command(SYS_ioctl, KVM_GET_SREGS2);
	nested_cr4 = 1 << 13;
	expect_nested("vCPU 0: runs a hypervisor of the guest's (CR4.VMXE is set)");
	nested_cr4 = 0;
	nested_efer = 1 << 12;
	expect_nested("vCPU 0: runs a hypervisor of the guest's (EFER.SVME is set)");
	nested_efer = 0;
	check_eq(vcpu_state_x86_save(&guest.vcpus[0], &guest.host, &good->vcpus[1], &err), 0);
}

Test(vcpu_state_x86, probe_tells_what_is_there, .init = setup_good, .fini = teardown_good)
{
	cr_assert(guest.host.xsave_size >= sizeof(struct kvm_xsave));
	cr_assert(guest.host.xsave_size <= VCPU_STATE_XSAVE_MAX);
	cr_assert(guest.host.msrs.n > 28);
}

/* A host without XSAVE has none, and refuses the ioctl. */
Test(vcpu_state_x86, no_xcrs, .init = setup_good, .fini = teardown_good)
{
	static struct vcpu_state state;

	check_eq(vcpu_state_x86_save(&guest.vcpus[0], &guest.host, &state, &err), 0, "%s",
		 err.text);
	state.xcrs.nr_xcrs = 0;
	refuse_command(SYS_ioctl, KVM_SET_XCRS, EINVAL);
	check_eq(vcpu_state_x86_restore(guest.vcpus, 1, &guest.kvm, &guest.host, &state, &err), 0,
		 "%s", err.text);
}

/*
 * bad input: Host resources: --snapshots where KVM lacks what a save needs -> refused at the start;
 * the error names what is missing
 */
Test(vcpu_state_x86, probe_tells_what_is_missing, .init = setup_good, .fini = teardown_good)
{
	struct vcpu_state_host host;

	refuse_command(SYS_ioctl, KVM_GET_MSR_INDEX_LIST, EIO);
	check_eq(vcpu_state_x86_probe(&guest.kvm, &host, &err), -EIO);
	check_contains(err.text, "KVM_GET_MSR_INDEX_LIST");
	refuse_command(SYS_ioctl, KVM_CHECK_EXTENSION, EINVAL);
	check_eq(vcpu_state_x86_probe(&guest.kvm, &host, &err), -ENOTSUP);
	check_contains(err.text, "snapshots: this host's KVM lacks KVM_GET_MP_STATE; ");
}
