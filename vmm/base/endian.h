/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Little-endian integers of wire formats, as types of their own. The compiler sees plain integers,
 * but sparse (scripts/checks/sparse) complains if one is used without these functions.
 */
#pragma once

#include <endian.h>
#include <linux/types.h>
#include <stdint.h>

#ifdef __CHECKER__
#define WIRE_CAST(type) __attribute__((force)) type
#else
#define WIRE_CAST(type) type
#endif

static inline uint16_t le16_to_host(__le16 v)
{
	return le16toh((WIRE_CAST(uint16_t))v);
}

static inline uint32_t le32_to_host(__le32 v)
{
	return le32toh((WIRE_CAST(uint32_t))v);
}

static inline uint64_t le64_to_host(__le64 v)
{
	return le64toh((WIRE_CAST(uint64_t))v);
}

static inline __le16 host_to_le16(uint16_t v)
{
	return (WIRE_CAST(__le16))htole16(v);
}

static inline __le32 host_to_le32(uint32_t v)
{
	return (WIRE_CAST(__le32))htole32(v);
}

static inline __le64 host_to_le64(uint64_t v)
{
	return (WIRE_CAST(__le64))htole64(v);
}
