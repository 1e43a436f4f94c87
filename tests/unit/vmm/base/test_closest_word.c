// SPDX-License-Identifier: Apache-2.0
/* Which of some words is meant by a mistyped one. */
#include "vmm/base/closest_word.h"

#include "tests/support/check.h"

TestSuite(closest_word, .timeout = 10);

static const char *find(const char *typed)
{
	static const char *const words[] = { "memory", "cpus", "pmem", "share", "align", "id" };
	struct closest_word closest = { .typed = typed };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		closest_word_try(&closest, words[i]);
	return closest.word ? closest.word : "none";
}

Test(closest_word, finds)
{
	check_str(find("memroy"), "memory");
	check_str(find("memory"), "memory");
	check_str(find("emory"), "memory");
	check_str(find("memories"), "none");
	check_str(find("shar"), "share");
	check_str(find("shares"), "share");
	check_str(find("pmme"), "pmem");
	check_str(find("cpu"), "cpus");
}

/* All of its letters would have to be changed, so it says nothing. */
Test(closest_word, short_words_are_close_to_nothing)
{
	check_str(find(""), "none");
	check_str(find("x"), "none");
	check_str(find("xy"), "none");
	check_str(find("x1"), "none");
	check_str(find("di"), "none");
}

Test(closest_word, long_words_are_close_to_nothing)
{
	static const char long_word[] = "memorymemorymemorymemorymemorymemory";
	struct closest_word closest = { .typed = long_word };

	closest_word_try(&closest, long_word);
	cr_assert_null(closest.word);
	check_str(find(long_word), "none");
}
