// SPDX-License-Identifier: Apache-2.0
/* libarchive, found at run time. */
#include "boot/archive_api.h"
#include "tests/support/boot_fixture.h"

Test(archive_api, finds_every_function)
{
	struct archive_api api;
	struct error err;
	struct archive *a;

	cr_assert_eq(archive_api_open(&api, &err), 0, "%s", err.text);
#define IS_THERE(name) cr_assert_not_null((void *)api.name, #name);
	ARCHIVE_API(IS_THERE)
	a = api.read_new();
	cr_assert_not_null(a);
	cr_assert_eq(api.read_support_format_raw(a), ARCHIVE_OK);
	cr_assert_eq(api.read_free(a), ARCHIVE_OK);
	archive_api_close(&api);
	cr_assert_null(api.library);
}
