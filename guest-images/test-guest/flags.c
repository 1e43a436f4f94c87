// SPDX-License-Identifier: Apache-2.0
/*
 * The test "flags": tight loops over instructions that read or change the flags or the privilege,
 * which check them by themselves, for ms= milliseconds each. No register changes from one turn to
 * the next, so that each vCPU looks as if it stood still. Start reading at flags.
 */
#include "checks.h"

#include "args.h"
#include "clock.h"
#include "cpu.h"
#include "fail.h"
#include "interrupts.h"
#include "machine.h"
#include "ring3.h"
#include "smp.h"

#include <stddef.h>

#define LAPIC_ID 0x20
#define MSR_EFER 0xc0000080
#define EFER_SCE 1
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084
#define STAR_CODE64 (0x10ULL << 32)
#define VECTOR 62 /* no other file has it */
#define UD 6

/* What the loops look at between two turns, and where they count what is wrong. */
static volatile uint8_t ending;
static volatile uint64_t wrong, turns;

/* clang-format off */
/* A turn: @body jumps to 8f if something is wrong. @enter comes before the first, @leave after the
 * last. */
#define LOOP_IN(enter, leave, body, ...)                                                           \
	__asm__ volatile(enter "1:\n" body                                                         \
			 "incq %[turns]\n"                                                         \
			 "cmpb $0, %[ending]\n"                                                    \
			 "je 1b\n"                                                                 \
			 "jmp 9f\n"                                                                \
			 "8: incq %[wrong]\n"                                                      \
			 "9:\n" leave                                                              \
			 : [turns] "+m"(turns), [wrong] "+m"(wrong)                                \
			 : [ending] "m"(ending), ##__VA_ARGS__                                     \
			 : "rax", "rcx", "rdi", "rsi", "r11", "memory", "cc")
#define LOOP(...) LOOP_IN("", "", __VA_ARGS__)

/* IF is bit 9 and TF bit 8: bits 1 and 0 of the second byte. */
#define EXPECT_IF(on) "pushfq\n testb $2, 1(%%rsp)\n lea 8(%%rsp), %%rsp\n" on " 8f\n"
#define IS_ON EXPECT_IF("jz")
#define IS_OFF EXPECT_IF("jnz")
/* clang-format on */

static void loop_jmp(void)
{
	LOOP("");
}

static void loop_pushf(void)
{
	LOOP(IS_ON);
}

static void loop_popf(void)
{
	LOOP("pushfq\n popfq\n" IS_ON);
}

static void loop_cli_sti(void)
{
	LOOP("cli\n" IS_OFF "sti\n" IS_ON);
}

static void loop_mov_ss(void)
{
	LOOP("mov %%ss, %%eax\n mov %%eax, %%ss\n" IS_ON);
}

static void loop_rep(void)
{
	static uint8_t from[4096], to[4096];

	LOOP("lea %[from], %%rsi\n lea %[to], %%rdi\n mov $4096, %%ecx\n rep movsb\n" IS_ON,
	     [from] "m"(from), [to] "m"(to));
}

static void loop_port(void)
{
	LOOP("in $0x64, %%al\n xor %%eax, %%eax\n" IS_ON);
}

static void loop_mmio(void)
{
	LOOP("mov (%[lapic]), %%eax\n xor %%eax, %%eax\n" IS_ON, [lapic] "r"(machine.lapic +
									     LAPIC_ID));
}

/* Where KVM keeps page tables of its own, each turn takes a page fault, as if one did not come. */
static void loop_invlpg(void)
{
	static uint64_t word;

	LOOP("invlpg %[word]\n mov %[word], %%rax\n" IS_ON, [word] "m"(word));
}

/* Between STI and HLT no interrupt comes; the timer wakes it. */
static void loop_hlt(void)
{
	LOOP("cli\n" IS_OFF "sti\n hlt\n" IS_ON);
}

/* The handlers: off inside, on in what they return to, and never stepping. */
extern const uint8_t flags_interrupt[], flags_undefined[], flags_syscall[];
extern const uint8_t flags_sysret[], flags_sysret_port[];
extern volatile uint64_t flags_wrong_inside;

__asm__(".text\n"
	"flags_interrupt:\n"
	"	pushfq\n"
	"	testb $3, 1(%rsp)\n" /* IF or TF inside */
	"	lea 8(%rsp), %rsp\n"
	"	jnz 1f\n"
	"	testb $2, 17(%rsp)\n" /* IF outside */
	"	jz 1f\n"
	"	testb $1, 17(%rsp)\n"
	"	jz 2f\n"
	"1:	incq flags_wrong_inside(%rip)\n"
	"2:	iretq\n"
	"flags_undefined:\n"
	"	addq $2, (%rsp)\n" /* behind UD2 */
	"	jmp flags_interrupt\n"
	"flags_syscall:\n"
	"	pushfq\n"
	"	testb $3, 1(%rsp)\n"
	"	jnz 1f\n"
	"	out %al, $0x80\n" /* an exit, after which KVM enters anew */
	"	popfq\n"
	"	pushfq\n"
	"	testb $3, 1(%rsp)\n"
	"	jnz 1f\n"
	"	push %r11\n"
	"	testb $2, 1(%rsp)\n"
	"	jz 3f\n"
	"	testb $1, 1(%rsp)\n"
	"	jz 2f\n"
	"3:	incq flags_wrong_inside(%rip)\n"
	"2:	popfq\n"
	"	lea 8(%rsp), %rsp\n"
	"	jmp *%rcx\n"
	"1:	push %r11\n"
	"	jmp 3b\n"
	"flags_sysret_port:\n"
	"	pushfq\n"
	"	testb $3, 1(%rsp)\n"
	"	lea 8(%rsp), %rsp\n"
	"	jnz 1f\n"
	"	out %al, $0x80\n"
	"flags_sysret:\n"
	"	pushfq\n"
	"	testb $3, 1(%rsp)\n"
	"	lea 8(%rsp), %rsp\n"
	"	jnz 1f\n"
	"	test $0x200, %r11d\n"
	"	jz 1f\n"
	"	test $0x100, %r11d\n"
	"	jz 2f\n"
	"1:	incq flags_wrong_inside(%rip)\n"
	"2:	test %eax, %eax\n"
	"	jnz 3f\n"
	"	sysretq\n"
	"3:	push %r11\n" /* RING3_LEAVE */
	"	popfq\n"
	"	jmp *%rcx\n"
	"	.bss\n"
	"	.balign 8\n"
	"flags_wrong_inside: .skip 8\n"
	"	.text\n");

static void loop_int(void)
{
	LOOP("int $62\n" IS_ON);
}

static void loop_ud(void)
{
	LOOP("ud2\n" IS_ON);
}

static void loop_iret(void)
{
	LOOP("mov %%rsp, %%rax\n mov %%ss, %%ecx\n push %%rcx\n push %%rax\n pushfq\n mov %%cs, %%ecx\n"
	     "push %%rcx\n lea 2f(%%rip), %%rcx\n push %%rcx\n iretq\n 2:\n" IS_ON);
}

static void loop_syscall(void)
{
	LOOP("xor %%eax, %%eax\n syscall\n" IS_ON);
}

/*
 * Ring 3 and back: SYSCALL enters ring 0 at the label @handler, and SYSRET returns. The loop
 * checks the flags in ring 3, the handler those of ring 0 and those that SYSRET restores.
 */
#define LOOP_RING3(handler, body)                                                                  \
	do {                                                                                       \
		wrmsr(MSR_LSTAR, (uint64_t)(handler));                                             \
		LOOP_IN(RING3_ENTER, RING3_LEAVE, body "syscall\n" IS_ON);                         \
	} while (0)

static void loop_sysret(void)
{
	LOOP_RING3(flags_sysret, "");
}

/* As user space waits for another program; the handler exits to mvmm before it looks. */
static void loop_pause_syscall(void)
{
	LOOP_RING3(flags_sysret_port, "pause\n");
}

/*
 * What comes last is what a KVM that interprets guests may not know (loops=13): it may leave CPL at
 * 3 at a SYSCALL, and know INT in real mode only.
 */
static const struct {
	const char *name;
	void (*run)(void);
} loops[] = {
	{ "jmp", loop_jmp },	   { "pushf", loop_pushf },	{ "popf", loop_popf },
	{ "cli", loop_cli_sti },   { "iret", loop_iret },	{ "ud", loop_ud },
	{ "mov-ss", loop_mov_ss }, { "syscall", loop_syscall }, { "rep", loop_rep },
	{ "port", loop_port },	   { "mmio", loop_mmio },	{ "hlt", loop_hlt },
	{ "invlpg", loop_invlpg }, { "sysret", loop_sysret },	{ "pause", loop_pause_syscall },
	{ "int", loop_int },
};
#define N_LOOPS (sizeof(loops) / sizeof(loops[0]))
static unsigned first, n_loops;

/* Each CPU has a loop of its own. */
static void run_loop(unsigned cpu)
{
	ring3_init(cpu);
	wrmsr(MSR_STAR, STAR_CODE64 | RING3_STAR);
	wrmsr(MSR_LSTAR, (uint64_t)flags_syscall);
	wrmsr(MSR_FMASK, 0x300);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	loops[(first + cpu - 1) % n_loops].run();
}

static const char *run_some(uint64_t ms)
{
	ending = 0;
	wrong = turns = flags_wrong_inside = 0;
	for (unsigned cpu = 1; cpu < machine.n_cpus; cpu++)
		smp_run(cpu, run_loop);
	interrupts_idle(ms * 1000000);
	ending = 1;
	for (unsigned cpu = 1; cpu < machine.n_cpus; cpu++)
		if (!smp_wait(cpu))
			return fail("%s on CPU %u does not end",
				    loops[(first + cpu - 1) % n_loops].name, cpu);
	if (wrong || flags_wrong_inside)
		return fail(
			"%s and what ran beside it: flags were wrong %lu times outside of handlers, %lu inside",
			loops[first].name, wrong, flags_wrong_inside);
	return turns ? NULL : fail("%s: no turn in %lu ms", loops[first].name, ms);
}

static const char *prepare(void)
{
	first = (unsigned)args_number("loop", 0);
	n_loops = (unsigned)args_number("loops", N_LOOPS);
	interrupts_set_gate(VECTOR, flags_interrupt);
	interrupts_set_gate(UD, flags_undefined);
	return machine.n_cpus == 1 ? "it needs a second CPU" : smp_start();
}

static const char *flags(void)
{
	uint64_t ms = args_number("ms", 1000);
	const char *error = prepare();

	while (first < n_loops && !error) {
		error = run_some(ms);
		first += machine.n_cpus - 1;
	}
	return error;
}

/* The same loops without an end, for what is tested beside them. */
static const char *flags_stay(void)
{
	const char *error = prepare();

	for (unsigned cpu = 1; cpu < machine.n_cpus && !error; cpu++)
		smp_run(cpu, run_loop);
	return error;
}

const struct check flags_checks[] = {
	{ "flags", .once = flags },
	{ "flags-stay", .once = flags_stay },
	{ 0 },
};
