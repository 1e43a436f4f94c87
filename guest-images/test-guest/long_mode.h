/* SPDX-License-Identifier: Apache-2.0 */
/* The bits that turn 64-bit mode on (Intel SDM volume 3, section 10.8.5), for assembly. */
#pragma once

#define CR0_PE 0x00000001
#define CR0_PG 0x80000000
#define CR4_PAE 0x00000020
#define MSR_EFER 0xc0000080
#define EFER_LME 0x00000100
