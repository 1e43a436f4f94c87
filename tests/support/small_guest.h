/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest of a few bytes on the real /dev/kvm: flat 32-bit code at SMALL_GUEST_CODE, one vCPU, no
 * paging. It ends by a byte to port SMALL_GUEST_PORT, or by any trap, which is a triple fault.
 */
#pragma once

#include "tests/support/check.h"
#include "vmm/base/aligned_map.h"
#include "vmm/base/container_of.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/vcpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <semaphore.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SMALL_GUEST_RAM 0x200000ULL
#define SMALL_GUEST_GDT 0x800
#define SMALL_GUEST_CODE 0x1000
#define SMALL_GUEST_HANDLER 0x3000
#define SMALL_GUEST_IDT 0x4000
#define SMALL_GUEST_VECTOR 0x30
#define SMALL_GUEST_PORT 0x10

struct small_guest {
	struct kvm kvm;
	struct vcpu vcpu;
	struct bus ports, mmio;
	struct bus_region end_port;
	uint8_t *ram;
	uint8_t ended_with; /* the byte to the port */
	enum outcome outcome;
	char detail[160];
	unsigned faults;
	uint64_t fault_gpa; /* of the last one, or UINT64_MAX */
	sem_t ended;
};

static inline uint64_t small_guest_port_read(struct bus_region *region, uint64_t offset,
					     unsigned size)
{
	return 0;
}

static inline void small_guest_port_write(struct bus_region *region, uint64_t offset, unsigned size,
					  uint64_t value)
{
	struct small_guest *g = container_of(region, struct small_guest, end_port);

	g->ended_with = (uint8_t)value;
	sem_post(&g->ended);
}

static inline void small_guest_vcpu_ended(struct vcpu *vcpu, enum outcome outcome,
					  const char *detail)
{
	struct small_guest *g = container_of(vcpu, struct small_guest, vcpu);

	g->outcome = outcome;
	strncpy(g->detail, detail, sizeof(g->detail) - 1);
	sem_post(&g->ended);
}

static inline void small_guest_vcpu_fault(struct vcpu *vcpu, const uint64_t *gpa)
{
	struct small_guest *g = container_of(vcpu, struct small_guest, vcpu);

	g->faults++;
	g->fault_gpa = gpa ? *gpa : UINT64_MAX;
	sem_post(&g->ended);
}

static inline void small_guest_vcpu_parked(struct vcpu *vcpu)
{
}

static const struct bus_ops small_guest_port_ops = { .read = small_guest_port_read,
						     .write = small_guest_port_write };
static const struct vcpu_ops small_guest_vcpu_ops = { .ended = small_guest_vcpu_ended,
						      .fault = small_guest_vcpu_fault,
						      .parked = small_guest_vcpu_parked };

static inline void small_guest_need_kvm(void)
{
	if (access("/dev/kvm", F_OK) < 0)
		cr_skip_test("this machine has no /dev/kvm");
}

static inline void small_guest_set_registers(struct small_guest *g)
{
	static const uint64_t gdt[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };
	struct kvm_segment code = { .selector = 8,
				    .limit = 0xffffffff,
				    .type = 0xb,
				    .present = 1,
				    .s = 1,
				    .db = 1,
				    .g = 1 };
	struct kvm_segment data = code;
	struct kvm_regs regs = { .rip = SMALL_GUEST_CODE, .rsp = 0x8000, .rflags = 2 };
	struct kvm_sregs sregs;

	data.selector = 16;
	data.type = 3;
	memcpy(g->ram + SMALL_GUEST_GDT, gdt, sizeof(gdt));
	check_eq(ioctl(g->vcpu.fd, KVM_GET_SREGS, &sregs), 0);
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.gdt = (struct kvm_dtable){ .base = SMALL_GUEST_GDT, .limit = sizeof(gdt) - 1 };
	sregs.idt = (struct kvm_dtable){ 0 };
	sregs.cr0 = 0x11; /* protected mode */
	check_eq(ioctl(g->vcpu.fd, KVM_SET_SREGS, &sregs), 0);
	check_eq(ioctl(g->vcpu.fd, KVM_SET_REGS, &regs), 0);
}

static inline void small_guest_init(struct small_guest *g, const uint8_t *code, size_t len)
{
	struct error err = { 0 };

	small_guest_need_kvm();
	memset(g, 0, sizeof(*g));
	sem_init(&g->ended, 0, 0);
	g->end_port = (struct bus_region){ SMALL_GUEST_PORT, 4, &small_guest_port_ops };
	check_eq(bus_add(&g->ports, &g->end_port), 0);
	check_eq(kvm_open(&g->kvm, "/dev/kvm", &err), 0, "%s", err.text);
	g->ram = aligned_map(SMALL_GUEST_RAM, PROT_READ | PROT_WRITE);
	cr_assert(g->ram);
	check_eq(kvm_add_slot(&g->kvm, 0, SMALL_GUEST_RAM, g->ram, false, &err), 0, "%s", err.text);
	check_eq(kvm_add_irqchips(&g->kvm, &err), 0, "%s", err.text);
	check_eq(vcpu_init(&g->vcpu, 0, 0, &g->kvm, &g->ports, &g->mmio, &small_guest_vcpu_ops,
			   &err),
		 0, "%s", err.text);
	memcpy(g->ram + SMALL_GUEST_CODE, code, len);
	small_guest_set_registers(g);
}

/* Interrupt @gsi, an IOAPIC pin, runs @code at SMALL_GUEST_HANDLER. */
static inline void small_guest_handle_irq(struct small_guest *g, unsigned gsi, const uint8_t *code,
					  size_t len)
{
	uint8_t gate[8] = { SMALL_GUEST_HANDLER & 0xff, SMALL_GUEST_HANDLER >> 8, 8, 0, 0, 0x8e };
	struct kvm_irqchip ioapic = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_lapic_state lapic;
	struct kvm_sregs sregs;

	memcpy(g->ram + SMALL_GUEST_HANDLER, code, len);
	memcpy(g->ram + SMALL_GUEST_IDT + 8 * SMALL_GUEST_VECTOR, gate, sizeof(gate));
	check_eq(ioctl(g->vcpu.fd, KVM_GET_SREGS, &sregs), 0);
	sregs.idt = (struct kvm_dtable){ .base = SMALL_GUEST_IDT, .limit = 0x7ff };
	check_eq(ioctl(g->vcpu.fd, KVM_SET_SREGS, &sregs), 0);
	check_eq(ioctl(g->vcpu.fd, KVM_GET_LAPIC, &lapic), 0);
	memcpy(lapic.regs + 0xf0, "\xff\x01\0\0", 4); /* on, spurious vector 0xff */
	check_eq(ioctl(g->vcpu.fd, KVM_SET_LAPIC, &lapic), 0);
	check_eq(ioctl(g->kvm.vm_fd, KVM_GET_IRQCHIP, &ioapic), 0);
	/* Edge-triggered, unmasked, to APIC 0. */
	ioapic.chip.ioapic.redirtbl[gsi].bits = SMALL_GUEST_VECTOR;
	check_eq(ioctl(g->kvm.vm_fd, KVM_SET_IRQCHIP, &ioapic), 0);
}

static inline void small_guest_start(struct small_guest *g)
{
	check_eq(vcpu_start(&g->vcpu), 0);
}

/* Waits until the guest ends, and takes the vCPU out of it. */
static inline void small_guest_finish(struct small_guest *g)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 8;
	while (sem_timedwait(&g->ended, &limit) < 0)
		cr_assert(errno == EINTR, "the guest did not end");
	vcpu_stop(&g->vcpu);
}

static inline void small_guest_run(struct small_guest *g)
{
	small_guest_start(g);
	small_guest_finish(g);
}

static inline void small_guest_fini(struct small_guest *g)
{
	vcpu_fini(&g->vcpu);
	kvm_close(&g->kvm);
	munmap(g->ram, SMALL_GUEST_RAM);
}
