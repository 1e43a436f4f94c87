/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest on the real /dev/kvm that is saved and goes on in a new VM: 64-bit code at
 * STATE_GUEST_CODE, the same for all vCPUs, of which each has its id in RBX and a stack of its own.
 * Its local APICs are on, and vector STATE_GUEST_VECTOR runs what is at STATE_GUEST_HANDLER. It
 * reports by 32-bit stores to memory, and must never end a vCPU. The first 4 GiB are mapped as they
 * are.
 */
#pragma once

#include "tests/support/check.h"
#include "vmm/base/aligned_map.h"
#include "vmm/base/container_of.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/kvm_state_x86.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vcpu_state_x86.h"
#include "vmm/kvm/vcpu_x86.h"

#include <linux/kvm.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define STATE_GUEST_RAM 0x200000ULL
#define STATE_GUEST_GDT 0x800
#define STATE_GUEST_CODE 0x1000
#define STATE_GUEST_HANDLER 0x3000
#define STATE_GUEST_IDT 0x4000
#define STATE_GUEST_DATA 0x5000
#define STATE_GUEST_PAGE_TABLES 0x20000 /* a root, a table, and four of 2 MiB pages */
#define STATE_GUEST_STACKS 0x10000	/* 4 KiB each */
#define STATE_GUEST_VECTOR 0x30
#define STATE_GUEST_MAX_CPUS 2

struct state_guest {
	struct kvm kvm;
	struct vcpu vcpus[STATE_GUEST_MAX_CPUS];
	unsigned n;
	struct bus ports, mmio;
	struct vcpu_state_host host;
	uint8_t *ram;
	unsigned ended; /* vCPUs; atomic */
	char detail[160];
};

/* A snapshot. */
struct state_guest_saved {
	struct vcpu_state vcpus[STATE_GUEST_MAX_CPUS];
	struct kvm_state kvm;
	uint8_t ram[STATE_GUEST_RAM];
};

static inline void state_guest_ended(struct vcpu *vcpu, enum outcome outcome, const char *detail)
{
	struct state_guest *g = container_of(vcpu - vcpu->id, struct state_guest, vcpus[0]);

	strncpy(g->detail, detail, sizeof(g->detail) - 1);
	__atomic_fetch_add(&g->ended, 1, __ATOMIC_RELEASE);
}

static inline void state_guest_fault(struct vcpu *vcpu, const uint64_t *gpa)
{
}

static inline void state_guest_parked(struct vcpu *vcpu)
{
}

static const struct vcpu_ops state_guest_ops = { .ended = state_guest_ended,
						 .fault = state_guest_fault,
						 .parked = state_guest_parked };

/* Gives @n vCPUs from @first on what every vCPU starts with. */
static inline void state_guest_set_up(struct state_guest *g, unsigned first, unsigned n)
{
	const struct cpuid_x86 cpuid = { { 1, g->n, 1 }, false };
	struct error err = { 0 };

	check_eq(vcpu_x86_setup(g->vcpus + first, n, &cpuid, &g->kvm, &err), 0, "%s", err.text);
}

/* A VM of @n vCPUs with empty memory, as far as a restore needs it. */
static inline void state_guest_make(struct state_guest *g, unsigned n)
{
	struct error err = { 0 };

	if (access("/dev/kvm", F_OK) < 0)
		cr_skip_test("this machine has no /dev/kvm");
	memset(g, 0, sizeof(*g));
	g->n = n;
	check_eq(kvm_open(&g->kvm, "/dev/kvm", &err), 0, "%s", err.text);
	check_eq(vcpu_state_x86_probe(&g->kvm, &g->host, &err), 0, "%s", err.text);
	g->ram = aligned_map(STATE_GUEST_RAM, PROT_READ | PROT_WRITE);
	cr_assert(g->ram);
	check_eq(kvm_add_slot(&g->kvm, 0, STATE_GUEST_RAM, g->ram, false, &err), 0, "%s", err.text);
	check_eq(kvm_add_irqchips(&g->kvm, &err), 0, "%s", err.text);
	for (unsigned i = 0; i < n; i++)
		check_eq(vcpu_init(&g->vcpus[i], i, i, &g->kvm, &g->ports, &g->mmio,
				   &state_guest_ops, &err),
			 0, "%s", err.text);
	state_guest_set_up(g, 0, 1);
}

static inline void state_guest_map(struct state_guest *g)
{
	uint64_t *tables = (uint64_t *)(g->ram + STATE_GUEST_PAGE_TABLES);

	tables[0] = (STATE_GUEST_PAGE_TABLES + 0x1000) | 3;
	for (uint64_t i = 0; i < 4; i++)
		tables[512 + i] = (STATE_GUEST_PAGE_TABLES + 0x2000 + i * 0x1000) | 3;
	for (uint64_t i = 0; i < 4 * 512; i++)
		tables[1024 + i] = i << 21 | 0x83;
}

/* In 64-bit mode, with SSE, interrupts off and the local APIC on. */
static inline void state_guest_enter(struct vcpu *vcpu)
{
	static const struct boot_entry entry = {
		.rip = STATE_GUEST_CODE,
		.cr3 = STATE_GUEST_PAGE_TABLES,
		.gdt_base = STATE_GUEST_GDT,
		.gdt_limit = 23,
		.code_selector = 8,
		.data_selector = 16,
	};
	struct kvm_mp_state running = { KVM_MP_STATE_RUNNABLE };
	struct kvm_lapic_state lapic;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct error err = { 0 };

	check_eq(vcpu_x86_enter(vcpu, &entry, &err), 0, "%s", err.text);
	check_eq(ioctl(vcpu->fd, KVM_GET_REGS, &regs), 0);
	regs.rbx = vcpu->id;
	regs.rsp = STATE_GUEST_STACKS + (vcpu->id + 1) * 0x1000;
	check_eq(ioctl(vcpu->fd, KVM_SET_REGS, &regs), 0);
	check_eq(ioctl(vcpu->fd, KVM_GET_SREGS, &sregs), 0);
	sregs.idt = (struct kvm_dtable){ .base = STATE_GUEST_IDT, .limit = 0xfff };
	sregs.cr4 |= 0x600;
	check_eq(ioctl(vcpu->fd, KVM_SET_SREGS, &sregs), 0);
	check_eq(ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic), 0);
	memcpy(lapic.regs + 0xf0, "\xff\x01\0\0", 4); /* on, spurious vector 0xff */
	check_eq(ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic), 0);
	check_eq(ioctl(vcpu->fd, KVM_SET_MP_STATE, &running), 0);
}

static inline void state_guest_init(struct state_guest *g, unsigned n, const uint8_t *code,
				    size_t len)
{
	static const uint64_t gdt[] = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff };
	static const uint64_t gate = STATE_GUEST_HANDLER | 8 << 16 | 0x8eULL << 40;

	state_guest_make(g, n);
	state_guest_set_up(g, 1, n - 1);
	state_guest_map(g);
	memcpy(g->ram + STATE_GUEST_GDT, gdt, sizeof(gdt));
	memcpy(g->ram + STATE_GUEST_IDT + 16 * STATE_GUEST_VECTOR, &gate, sizeof(gate));
	memcpy(g->ram + STATE_GUEST_CODE, code, len);
	for (unsigned i = 0; i < n; i++)
		state_guest_enter(&g->vcpus[i]);
}

static inline void state_guest_start(struct state_guest *g)
{
	for (unsigned i = 0; i < g->n; i++)
		check_eq(vcpu_start(&g->vcpus[i]), 0);
}

/* A word of the guest's data. */
static inline uint32_t state_guest_word(const struct state_guest *g, unsigned i)
{
	return __atomic_load_n((const uint32_t *)(g->ram + STATE_GUEST_DATA) + i, __ATOMIC_ACQUIRE);
}

/* Waits until word @i is at least @value, or the suite's time limit. */
static inline void state_guest_await(const struct state_guest *g, unsigned i, uint32_t value)
{
	while (state_guest_word(g, i) < value) {
		check_eq(__atomic_load_n(&g->ended, __ATOMIC_ACQUIRE), 0, "%s", g->detail);
		sched_yield();
	}
}

static inline void state_guest_pause(struct state_guest *g)
{
	for (unsigned i = 0; i < g->n; i++)
		vcpu_pause(&g->vcpus[i]);
	for (unsigned i = 0; i < g->n; i++)
		while (!vcpu_is_parked(&g->vcpus[i]))
			sched_yield();
}

/* Of a guest that is paused or was never started. */
static inline void state_guest_save(const struct state_guest *g, struct state_guest_saved *saved)
{
	struct error err = { 0 };

	for (unsigned i = 0; i < g->n; i++)
		check_eq(vcpu_state_x86_save(&g->vcpus[i], &g->host, &saved->vcpus[i], &err), 0,
			 "%s", err.text);
	check_eq(kvm_state_x86_save(&g->kvm, &saved->kvm, &err), 0, "%s", err.text);
	memcpy(saved->ram, g->ram, STATE_GUEST_RAM);
}

/* Into a VM that was just made, or whose vCPUs are paused. */
static inline void state_guest_restore(struct state_guest *g, const struct state_guest_saved *saved)
{
	struct error err = { 0 };

	memcpy(g->ram, saved->ram, STATE_GUEST_RAM);
	check_eq(vcpu_state_x86_restore(g->vcpus, g->n, &g->kvm, &g->host, saved->vcpus, &err), 0,
		 "%s", err.text);
	check_eq(kvm_state_x86_restore(&g->kvm, &saved->kvm, false, &err), 0, "%s", err.text);
}

static inline void state_guest_fini(struct state_guest *g)
{
	for (unsigned i = 0; i < g->n; i++) {
		vcpu_stop(&g->vcpus[i]);
		vcpu_fini(&g->vcpus[i]);
	}
	kvm_close(&g->kvm);
	munmap(g->ram, STATE_GUEST_RAM);
}

/* Saves a running guest, takes it down, and lets it go on in a new VM. */
static inline void state_guest_move(struct state_guest *g)
{
	struct state_guest_saved *saved = malloc(sizeof(*saved));
	unsigned n = g->n;

	cr_assert(saved);
	state_guest_pause(g);
	state_guest_save(g, saved);
	state_guest_fini(g);
	state_guest_make(g, n);
	state_guest_restore(g, saved);
	free(saved);
	state_guest_start(g);
}
