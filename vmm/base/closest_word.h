/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the word that was probably meant by one that was mistyped. */
#pragma once

/* The word that is closest to a typed one so far. */
struct closest_word {
	const char *typed;
	const char *word; /* borrowed; NULL: none of those that were tried is close */
	unsigned changes;
};

/* Takes @word if fewer letters have to be changed for it than for those that were tried before. */
void closest_word_try(struct closest_word *closest, const char *word);
