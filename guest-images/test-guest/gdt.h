/* SPDX-License-Identifier: Apache-2.0 */
/* The selectors of the segments in gdt.S, for assembly. */
#pragma once

#define CODE32 0x08
#define CODE64 0x10
#define DATA 0x18
