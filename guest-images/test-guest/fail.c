// SPDX-License-Identifier: Apache-2.0
/* Reasons why a test has failed. */
#include "fail.h"

#include "text.h"

const char *fail(const char *fmt, ...)
{
	static char reason[2][256];
	static unsigned turn;
	va_list args;

	/* Two, so that a reason can be made from another one. */
	turn ^= 1;
	va_start(args, fmt);
	text_format(reason[turn], sizeof(reason[0]), fmt, args);
	va_end(args);
	return reason[turn];
}
