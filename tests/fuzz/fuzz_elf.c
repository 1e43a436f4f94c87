// SPDX-License-Identifier: Apache-2.0
// Covers: boot/elf.c boot/kernel_file.c
/* Any bytes as an ELF kernel. What is accepted lies in RAM above 1 MiB and enters itself. */
#include "boot/elf.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct guest_memory *memory = fuzz_ram();
	const struct input_file *file = fuzz_file(data, size);
	struct kernel_image image;
	struct error err = { 0 };

	if (!size)
		return -1;
	if (elf_load(file, memory, FUZZ_RAM_SIZE, &image, &err) < 0) {
		fuzz_check(*err.text);
		return 0;
	}
	fuzz_check(image.start >= FUZZ_LOW_RAM_END && image.start <= FUZZ_RAM_SIZE);
	fuzz_check(image.size <= FUZZ_RAM_SIZE - image.start);
	fuzz_check(image.entry >= image.start && image.entry - image.start < image.size);
	return 0;
}
