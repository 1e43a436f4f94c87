// SPDX-License-Identifier: Apache-2.0
// Covers: boot/kernel_probe.c boot/decompressor.c boot/kernel_file.c
/*
 * Any bytes as a kernel to look into: told apart, and if need be unpacked. libarchive does that and
 * is not instrumented, so what is tried here is how we feed it.
 */
#include "boot/kernel_probe.h"
#include "tests/fuzz/file.h"

#include <dlfcn.h>

/* Or each input would load and unload libarchive and all that it needs. */
static void keep_library(void)
{
	static void *library;

	if (library)
		return;
	library = dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL);
	fuzz_check(library, "%s", dlerror());
	/* No cache: each input is looked into. */
	unsetenv("HOME");
	unsetenv("XDG_CACHE_HOME");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kernel_probe probe;
	struct error err = { 0 };

	if (!size)
		return -1;
	keep_library();
	if (kernel_probe(fuzz_file(data, size), NULL, &probe, &err) < 0) {
		fuzz_check(*err.text);
		return 0;
	}
	fuzz_check(probe.platform == BOOT_PLATFORM_DT || probe.platform == BOOT_PLATFORM_ACPI);
	fuzz_check(*probe.reason && !probe.cached);
	return 0;
}
