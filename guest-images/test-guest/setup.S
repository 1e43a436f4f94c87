/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two setup sectors of the bzImage: nothing but the setup header, protocol 2.15
 * (Documentation/arch/x86/boot.rst). There is no real-mode code; the 64-bit entry is the only one.
 */
#define LOADED_HIGH 0x01
#define XLF_KERNEL_64 0x0001

	.section .setup, "a"
setup_start:
	.org	0x1f1
	.byte	1			/* setup_sects: one behind the boot sector */
	.word	0			/* root_flags */
	.long	image_paragraphs	/* syssize */
	.word	0			/* ram_size */
	.word	0xffff			/* vid_mode: normal */
	.word	0			/* root_dev */
	.word	0xaa55			/* boot_flag */
	.byte	0xeb, header_end - header_magic
header_magic:
	.ascii	"HdrS"
	.word	0x020f			/* version */
	.long	0			/* realmode_swtch */
	.word	0			/* start_sys_seg */
	.word	kernel_version - setup_start - 0x200
	.byte	0			/* type_of_loader */
	.byte	LOADED_HIGH
	.word	0			/* setup_move_size */
	.long	IMAGE_BASE		/* code32_start */
	.long	0			/* ramdisk_image */
	.long	0			/* ramdisk_size */
	.long	0			/* bootsect_kludge */
	.word	0			/* heap_end_ptr */
	.byte	0, 0			/* ext_loader_ver, ext_loader_type */
	.long	0			/* cmd_line_ptr */
	.long	0x7fffffff		/* initrd_addr_max */
	.long	0x200000		/* kernel_alignment */
	.byte	0			/* relocatable_kernel: linked for pref_address */
	.byte	0			/* min_alignment */
	.word	XLF_KERNEL_64
	.long	2047			/* cmdline_size */
	.long	0			/* hardware_subarch */
	.quad	0			/* hardware_subarch_data */
	.long	0x200			/* payload_offset: the code itself, not compressed */
	.long	image_payload_size
	.quad	0			/* setup_data */
	.quad	IMAGE_BASE		/* pref_address */
	.long	image_init_size		/* init_size */
	.long	0			/* handover_offset */
	.long	0			/* kernel_info_offset */
header_end:

kernel_version:
	.asciz	"mvmm test guest"
	.org	0x400

	.section .note.GNU-stack, "", @progbits
