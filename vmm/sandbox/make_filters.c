// SPDX-License-Identifier: Apache-2.0
// Tested by tests/e2e/sandbox.
/*
 * A build tool: makes seccomp filters of vmm/sandbox/sandbox_calls.h and writes them as C arrays,
 * so that mvmm does not need libseccomp, or its time at the start. With --list it writes the table
 * for tests/e2e/sandbox-calls: a line for each entry and kind of thread. Start reading at main.
 */
#include "vmm/sandbox/sandbox_calls.h"

#include "vmm/base/array.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Indexed by enum sandbox_thread. */
static const struct {
	const char *name;
	unsigned who;
} kinds[] = {
	{ "vcpu", VCPU },
	{ "loop", LOOP },
	{ "control", LOOP | CONTROL },
	{ "plug", LOOP | CONTROL | PLUG },
	{ "vsock", LOOP | CONTROL | VSOCK },
	{ "search", SEARCH },
	{ "vsock_plug", LOOP | CONTROL | VSOCK | PLUG },
	{ "job", JOB },
	{ "save", JOB | SAVE },
	{ "reset", JOB | RESET },
	{ "fork", JOB | FORK },
	{ "save_reset", JOB | SAVE | RESET },
	{ "save_fork", JOB | SAVE | FORK },
	{ "reset_fork", JOB | RESET | FORK },
	{ "save_reset_fork", JOB | SAVE | RESET | FORK },
};

#define KINDS ARRAY_SIZE(kinds)

static void die(const char *what)
{
	fprintf(stderr, "sandbox-filters: %s\n", what);
	exit(1);
}

static unsigned count_args(const struct sandbox_call *call)
{
	unsigned n = 0;

	while (n < SANDBOX_MAX_ARGS && call->args[n].op)
		n++;
	return n;
}

static int number(const struct sandbox_call *call)
{
	int nr = seccomp_syscall_resolve_name(call->name);

	if (nr == __NR_SCMP_ERROR)
		die(call->name);
	return nr;
}

#define MAX_LENGTH 1024

/* Lengths of filters that were written, of one action. */
static bool taken[MAX_LENGTH];

/*
 * Writes a filter's instructions, and behind them some that are never reached, until no other
 * filter has that length: strace shows nothing else of a filter, and tests/e2e/sandbox-calls has to
 * tell them apart.
 */
static void export(scmp_filter_ctx filter)
{
	struct sock_filter instruction;
	unsigned length = 0;
	FILE *file = tmpfile();

	if (!file || seccomp_export_bpf(filter, fileno(file)) < 0)
		die("cannot export a filter");
	rewind(file);
	for (; fread(&instruction, sizeof(instruction), 1, file) == 1; length++)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", instruction.code, instruction.jt,
		       instruction.jf, instruction.k);
	fclose(file);
	for (; length < MAX_LENGTH && taken[length]; length++)
		printf("\t{ 0x%02x, 0, 0, 0 },\n", BPF_RET | BPF_K);
	if (length == MAX_LENGTH)
		die("a filter is too long");
	taken[length] = true;
}

/* @refuse is the action for calls that are not in the table. */
static void write_filter(unsigned kind, const char *prefix, uint32_t refuse)
{
	scmp_filter_ctx filter = seccomp_init(refuse);

	if (!filter || seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, refuse) < 0 ||
	    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)
		die("cannot make a filter");
	for (unsigned i = 0; i < SANDBOX_CALLS; i++) {
		const struct sandbox_call *call = &sandbox_calls[i];

		if (call->who & kinds[kind].who &&
		    seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number(call), count_args(call),
					   call->args) < 0)
			die(call->name);
	}
	printf("static const struct sock_filter %s_%s[] = {\n", prefix, kinds[kind].name);
	export(filter);
	printf("};\n");
	seccomp_release(filter);
}

static void write_filters(const char *prefix, uint32_t refuse)
{
	memset(taken, 0, sizeof(taken));
	for (unsigned kind = 0; kind < KINDS; kind++)
		write_filter(kind, prefix, refuse);
	printf("static const struct sock_fprog %s_filters[] = {\n", prefix);
	for (unsigned kind = 0; kind < KINDS; kind++)
		printf("\t{ sizeof(%s_%s) / sizeof(%s_%s[0]), (struct sock_filter *)(uintptr_t)%s_%s },\n",
		       prefix, kinds[kind].name, prefix, kinds[kind].name, prefix,
		       kinds[kind].name);
	printf("};\n");
}

/* For messages about calls that are not in the table. */
static void write_names(void)
{
	printf("static const char *const call_names[] = {\n");
	for (int nr = 0; nr < 1024; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);

		if (name)
			printf("\t[%d] = \"%s\",\n", nr, name);
		free(name);
	}
	printf("};\n");
}

static void list_call(const struct sandbox_call *call, const char *who)
{
	printf("%s %s", who, call->name);
	for (unsigned n = 0; n < count_args(call); n++)
		printf(" %u&%llx=%llx", call->args[n].arg,
		       (unsigned long long)call->args[n].datum_a,
		       (unsigned long long)call->args[n].datum_b);
	printf("\n");
}

static void list(void)
{
	for (unsigned i = 0; i < SANDBOX_CALLS; i++)
		for (unsigned kind = 0; kind < KINDS; kind++)
			if (sandbox_calls[i].who & 1u << kind)
				list_call(&sandbox_calls[i], kinds[kind].name);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--list") == 0) {
		list();
	} else {
		printf("/* Made by vmm/sandbox/make_filters.c from vmm/sandbox/sandbox_calls.h. */\n");
		printf("#define SANDBOX_PID 0x%xu\n", SANDBOX_PID);
		printf("#define SANDBOX_VM 0x%xu\n", SANDBOX_VM);
		printf("#define SANDBOX_VCPU_FD 0x%xu\n", SANDBOX_VCPU_FD);
		write_filters("strict", SCMP_ACT_TRAP);
		write_filters("logging", SCMP_ACT_LOG);
		write_names();
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
