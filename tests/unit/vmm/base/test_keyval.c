// SPDX-License-Identifier: Apache-2.0
/* Values of options. */
#include "vmm/base/keyval.h"

#include "tests/support/check.h"

#include <errno.h>

TestSuite(keyval, .timeout = 10);

Test(keyval, lists)
{
	static const struct {
		const char *text;
		int n;
		struct {
			const char *key, *value;
		} list[3];
	} cases[] = {
		{ "disk.img", 1, { { "file", "disk.img" } } },
		{ "file=disk.img", 1, { { "file", "disk.img" } } },
		{ "disk.img,size=1G", 2, { { "file", "disk.img" }, { "size", "1G" } } },
		{ "a=1,b=2,c=3", 3, { { "a", "1" }, { "b", "2" }, { "c", "3" } } },
		{ "a,,b.img", 1, { { "file", "a,b.img" } } },
		{ "file=a,,,,b,id=x,,", 2, { { "file", "a,,b" }, { "id", "x," } } },
		{ ",,", 1, { { "file", "," } } },
		{ "file=a=b", 1, { { "file", "a=b" } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct keyval list[3];
		struct error err = { 0 };
		char text[64];

		strcpy(text, cases[i].text);
		check_eq(keyval_parse(text, KEYVAL_STRICT, "--pmem", "file", list, 3, &err),
			 cases[i].n, "%s: %s", cases[i].text, err.text);
		for (int k = 0; k < cases[i].n; k++) {
			check_str(list[k].key, cases[i].list[k].key);
			check_str(list[k].value, cases[i].list[k].value);
		}
	}
}

Test(keyval, bad_lists)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "", "'file' has no value" },
		{ "size=", "'size' has no value" },
		{ "=1", "has no value" },
		{ "disk.img,", "'' has no value" },
		{ "disk.img,size", "'size' has no value" },
		{ ",size=1", "'file' has no value" },
		{ "disk.img,,size=1,id", "'id' has no value" },
		{ "a=1,a=2", "a=2: the key is given twice" },
		{ "disk.img,file=b", "file=b: the key is given twice" },
		{ "a=1,b=2,c=3,d=4", "d=4: too many keys" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct keyval list[3];
		struct error err = { 0 };
		char text[64];

		strcpy(text, cases[i].text);
		check_eq(keyval_parse(text, KEYVAL_STRICT, "--pmem", "file", list, 3, &err),
			 -EINVAL, "%s", cases[i].text);
		check_contains(err.text, "--pmem");
		check_contains(err.text, cases[i].error);
	}
}

Test(keyval, sizes)
{
	static const struct {
		const char *text;
		uint64_t unit;
		int ret;
		uint64_t size;
	} cases[] = {
		{ "0", 1, 0, 0 },
		{ "1", 1, 0, 1 },
		{ "1", 1 << 20, 0, 1 << 20 },
		{ "64K", 1 << 20, 0, 64 << 10 },
		{ "64k", 1, 0, 64 << 10 },
		{ "3M", 1, 0, 3 << 20 },
		{ "3m", 1, 0, 3 << 20 },
		{ "2G", 1, 0, 2ULL << 30 },
		{ "2g", 1, 0, 2ULL << 30 },
		{ "1T", 1, 0, 1ULL << 40 },
		{ "010", 1, 0, 10 },
		{ "18446744073709551615", 1, 0, UINT64_MAX },
		{ "18446744073709551616", 1, -ERANGE, 0 },
		{ "99999999999999999999999999", 1, -ERANGE, 0 },
		{ "18446744073709551615", 2, -ERANGE, 0 },
		{ "16777216T", 1, -ERANGE, 0 },
		{ "16777215T", 1, 0, 16777215ULL << 40 },
		{ "", 1, -EINVAL, 0 },
		{ "K", 1, -EINVAL, 0 },
		{ "-1", 1, -EINVAL, 0 },
		{ "+1", 1, -EINVAL, 0 },
		{ " 1", 1, -EINVAL, 0 },
		{ "1 ", 1, -EINVAL, 0 },
		{ "1 K", 1, -EINVAL, 0 },
		{ "1KB", 1, -EINVAL, 0 },
		{ "1KK", 1, -EINVAL, 0 },
		{ "1B", 1, -EINVAL, 0 },
		{ "1P", 1, -EINVAL, 0 },
		{ "1.5G", 1, -EINVAL, 0 },
		{ "0x10", 1, -EINVAL, 0 },
		{ "1\v", 1, -EINVAL, 0 },
		{ "1@", 1, -EINVAL, 0 },
		{ "1`", 1, -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t size = 4711;

		check_eq(keyval_size(cases[i].text, cases[i].unit, &size), cases[i].ret, "'%s'",
			 cases[i].text);
		check_eq(size, cases[i].ret ? 4711 : cases[i].size, "'%s'", cases[i].text);
	}
}

Test(keyval, numbers)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t number;
	} cases[] = {
		{ "0", 0, 0 },
		{ "32", 0, 32 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "", -EINVAL, 0 },
		{ "x", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1K", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t number = 4711;

		check_eq(keyval_number(cases[i].text, &number), cases[i].ret, "'%s'",
			 cases[i].text);
		check_eq(number, cases[i].ret ? 4711 : cases[i].number, "'%s'", cases[i].text);
	}
}

Test(keyval, numbers_of_any_type)
{
	static const struct keyval text = { .value = "12" },
				   typed = { .value = "?", .type = KEYVAL_NUMBER, .number = 13 },
				   negative = { .value = "1", .type = KEYVAL_NUMBER, .number = -1 },
				   on = { .value = "on", .type = KEYVAL_SWITCH, .number = 1 };
	uint64_t number = 0;

	check_eq(keyval_read_number(&text, &number), 0);
	check_eq(number, 12);
	check_eq(keyval_read_number(&typed, &number), 0);
	check_eq(number, 13);
	check_eq(keyval_read_number(&negative, &number), -EINVAL);
	check_eq(keyval_read_number(&on, &number), -EINVAL);
	check_eq(number, 13);
}

Test(keyval, switches)
{
	static const char *const bad[] = { "", "o", "onn", "On", "OFF", "1", "true", "yes", " on" };
	bool on = false;

	check_eq(keyval_switch("on", &on), 0);
	check_eq(on, true);
	check_eq(keyval_switch("off", &on), 0);
	check_eq(on, false);
	on = true;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_eq(keyval_switch(bad[i], &on), -EINVAL, "'%s'", bad[i]);
	check_eq(on, true);
}

/* "id=mem1,share,share=off": bare keys are switches, and may come again. */
Test(keyval, qemus_rules)
{
	char text[] = "type,id=a,share,share=off,path=x,,y,flag";
	struct keyval list[8];
	struct error err;

	check_eq(keyval_parse(text, KEYVAL_QEMU, "--o", "kind", list, 8, &err), 6);
	check_str(list[0].key, "kind");
	check_str(list[0].value, "type");
	check_str(list[2].key, "share");
	check_str(list[2].value, "on");
	check_str(list[4].value, "x,y");
	check_str(keyval_find(list, 6, "share"), "off");
	check_str(keyval_find(list, 6, "flag"), "on");
	cr_assert(!keyval_find(list, 6, "none"));
	cr_assert(!keyval_find(list, 0, "id"));
}

Test(keyval, qemus_rules_without_an_implied_key)
{
	char text[] = "node,a=1", empty[] = "a=", many[] = "a,b,c";
	struct keyval list[8];
	struct error err;

	check_eq(keyval_parse(text, KEYVAL_QEMU, "--o", NULL, list, 8, &err), 2);
	check_str(list[0].key, "node");
	check_str(list[0].value, "on");
	check_eq(keyval_parse(empty, KEYVAL_QEMU, "--o", NULL, list, 8, &err), -EINVAL);
	check_contains(err.text, "--o: 'a' has no value");
	check_eq(keyval_parse(many, KEYVAL_QEMU, "--o", NULL, list, 2, &err), -EINVAL);
	check_contains(err.text, "--o: c=on: too many keys");
}

Test(keyval, addresses)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t address;
	} cases[] = {
		{ "0x240000000", 0, 0x240000000 },
		{ "0XfF", 0, 255 },
		{ "9G", 0, 9ULL << 30 },
		{ "4096", 0, 4096 },
		{ "0", 0, 0 },
		{ "0xffffffffffffffff", 0, UINT64_MAX },
		{ "0x10000000000000000", -ERANGE, 0 },
		{ "0x", -EINVAL, 0 },
		{ "0x-1", -EINVAL, 0 },
		{ "0x1G", -EINVAL, 0 },
		{ "x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t address = 4711;

		check_eq(keyval_address(cases[i].text, &address), cases[i].ret, "'%s'",
			 cases[i].text);
		check_eq(address, cases[i].ret ? 4711 : cases[i].address, "'%s'", cases[i].text);
	}
}
