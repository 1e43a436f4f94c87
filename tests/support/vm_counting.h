/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that counts in its memory, on vCPU 0 of a whole VM: one that stands still is seen to. */
#pragma once

#include "tests/support/vm_fixture.h"

#include <sched.h>

#define VM_COUNTER 0x6000

static inline uint8_t *vm_counting_ram(struct vm *vm)
{
	return guest_memory_ram(&vm->memory, gpa(0), SMALL_GUEST_RAM);
}

/* Gives vCPU 0 @code to run. */
static inline void vm_counting_load_code(struct vm *vm, const uint8_t *code, size_t len)
{
	struct small_guest guest = { .kvm = vm->kvm,
				     .vcpu.fd = vm->vcpus[0].fd,
				     .ram = vm_counting_ram(vm) };

	memcpy(guest.ram + SMALL_GUEST_CODE, code, len);
	small_guest_set_registers(&guest);
}

static inline void vm_counting_load(struct vm *vm)
{
	static const uint8_t code[] = {
		0xff, 0x05, 0x00, 0x60, 0x00, 0x00, /* inc dword [0x6000] */
		0xeb, 0xf8,			    /* jmp to it */
	};

	vm_counting_load_code(vm, code, sizeof(code));
}

/* All vCPUs; those but the first wait to be started by the guest. */
static inline void vm_counting_start(struct vm *vm)
{
	for (unsigned i = 0; i < vm->n_vcpus; i++)
		check_eq(vcpu_start(&vm->vcpus[i]), 0);
}

static inline uint32_t vm_counting(struct vm *vm)
{
	return __atomic_load_n((const uint32_t *)(vm_counting_ram(vm) + VM_COUNTER),
			       __ATOMIC_ACQUIRE);
}

/* Waits until it has gone on, or the suite's time limit. */
static inline void vm_counting_await(struct vm *vm)
{
	uint32_t before = vm_counting(vm);

	while (vm_counting(vm) == before)
		sched_yield();
}
