/* SPDX-License-Identifier: Apache-2.0 */
/* Files in memory that are given to other processes, which cannot change them then. */
#pragma once

/* Makes an empty one, which can be written to until it is sealed; @name is for /proc. The
 * descriptor is the caller's. -errno. */
int sealed_memfd_make(const char *name);

/*
 * From now on it keeps its size and its bytes, whoever has it. -EBUSY: somebody has it mapped, and
 * can store to it. Other -errno.
 */
int sealed_memfd_seal(int fd);
