// SPDX-License-Identifier: Apache-2.0
/* Compares words by how many letters have to be changed. Start reading at closest_word_try. */
#include "vmm/base/closest_word.h"

#include <limits.h>
#include <string.h>

#define WORD_LIMIT 32
/* More than these, and another word is as likely to be meant. */
#define CHANGES_MAX 2

/* How many letters have to be changed, added or left out to make one of the other. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[WORD_LIMIT + 1];
	size_t width = strlen(b);

	if (strlen(a) > WORD_LIMIT || width > WORD_LIMIT)
		return UINT_MAX;
	for (unsigned i = 0; i <= width; i++)
		row[i] = i;
	for (unsigned k = 0; a[k]; k++) {
		unsigned diagonal = row[0]++;

		for (unsigned i = 0; i < width; i++) {
			unsigned best = diagonal + (a[k] != b[i]);

			diagonal = row[i + 1];
			if (best > row[i] + 1)
				best = row[i] + 1;
			if (best > diagonal + 1)
				best = diagonal + 1;
			row[i + 1] = best;
		}
	}
	return row[width];
}

void closest_word_try(struct closest_word *closest, const char *word)
{
	unsigned changes = distance(closest->typed, word);

	if (changes > CHANGES_MAX || changes >= strlen(closest->typed) ||
	    (closest->word && changes >= closest->changes))
		return;
	closest->word = word;
	closest->changes = changes;
}
