// SPDX-License-Identifier: Apache-2.0
/* Where a kernel may lie. */
#include "boot/kernel_image.h"
#include "tests/support/boot_fixture.h"

#include <errno.h>

static struct error err;

Test(kernel_image, place_is_between_1_mib_and_the_end_of_low_ram)
{
	struct input_file file = { -1, "--kernel", "k", 1 };
	const uint64_t ram = LAYOUT_LOW_RAM_MAX;

	cr_assert_eq(kernel_image_check_place(&file, MIB, ram - MIB, ram, &err), 0);
	cr_assert_eq(kernel_image_check_place(&file, MIB - 1, 1, ram, &err), -EINVAL);
	cr_assert_eq(kernel_image_check_place(&file, MIB, ram - MIB + 1, ram, &err), -EINVAL);
	cr_assert_eq(kernel_image_check_place(&file, MIB, UINT64_MAX, ram, &err), -EINVAL);
	cr_assert_eq(kernel_image_check_place(&file, MIB, MIB, 2 * MIB, &err), 0);
	cr_assert_eq(kernel_image_check_place(&file, MIB, MIB + 1, 2 * MIB, &err), -E2BIG);
	cr_assert_not_null(strstr(err.text, "--memory 3M"), "%s", err.text);
}
