/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole guest for the fuzz targets: a virtio-pmem device behind its registers, guest memory in
 * small pieces with guard pages between them, and a model that says after each step, from the
 * specification alone, what must have happened. The model keeps a second copy of guest memory; one
 * byte of difference is a crash. Start reading at machine_write and, in machine.c, model_kick.
 *
 *   0x0000 .. 0x5fff  RAM
 *   0x6000 .. 0x6fff  RAM, another mapping
 *   0x8000 .. 0xbfff  pmem, of which the file holds 0x2800 bytes (or none may be written to)
 *   the last page but one of the address space: RAM
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_RAM 0x0ULL
#define MACHINE_RAM_SIZE 0x6000ULL
#define MACHINE_MORE_RAM 0x6000ULL
#define MACHINE_MORE_RAM_SIZE 0x1000ULL
#define MACHINE_PMEM 0x8000ULL
#define MACHINE_PMEM_SIZE 0x4000ULL
#define MACHINE_PMEM_FILE_SIZE 0x2800ULL
#define MACHINE_TOP_RAM 0xffffffffffffe000ULL
#define MACHINE_TOP_RAM_SIZE 0x1000ULL

/* Where a driver that behaves has its ring. */
#define MACHINE_DESC 0x0
#define MACHINE_AVAIL 0x1000
#define MACHINE_USED 0x2000

enum machine_file { MACHINE_SHARED, MACHINE_PRIVATE, MACHINE_READONLY, MACHINE_FILES };

/* A machine that was just switched on, instead of the one before. */
void machine_start(enum machine_file file);

/* At the end of an input: lets fdatasyncs end, and compares all memory once more. */
void machine_stop(void);

/*
 * What a guest does. Each step ends with a comparison of device and model: of all registers, and of
 * memory where requests may have been taken or answered, because what differs there stays so.
 */
uint32_t machine_read(uint64_t offset);
void machine_write(uint64_t offset, unsigned size, uint64_t value);
void machine_doorbell(void);
/* A store of any length; one that KVM would not take to memory goes where KVM would send it. */
void machine_store(uint64_t addr, const void *data, unsigned len);

/* The running fdatasync, if there is one, ends with @result. */
void machine_sync_done(int result);

/* Steps of a driver that behaves, with whatever is set up now. */
void machine_negotiate(void);
void machine_ring(unsigned size, uint64_t desc, uint64_t avail, uint64_t used);
void machine_driver_ok(void);
void machine_descriptor(unsigned i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next);
void machine_offer(uint16_t head);
