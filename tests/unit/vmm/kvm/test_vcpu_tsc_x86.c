// SPDX-License-Identifier: Apache-2.0
/*
 * Time-stamp counters of real vCPUs, and of a model of what KVMs do with them: the ioctls of
 * made-up descriptors end in a signal, whose handler answers them.
 */
#include "vmm/kvm/vcpu_tsc_x86.h"

#include "tests/support/refuse_call.h"
#include "tests/support/small_guest.h"

#include <signal.h>
#include <ucontext.h>

TestSuite(vcpu_tsc_x86, .timeout = 15);

#define MODEL_FD 1000 /* vCPU 0's; vCPU 1's is the next */
#define MODEL_DEV_FD 1010
#define MODEL_KHZ 2000000
/* Of the counter. The tests take less. */
#define SECOND (MODEL_KHZ * 1000ULL)

enum kind { CURRENT, BEFORE_6_8, BEFORE_5_16, LEAVES_IT_ALONE };

/* A VM: counters are the host's plus their offsets. */
static struct {
	enum kind kind;
	bool scales, written;
	uint64_t offsets[2], last_offset;
	uint32_t khz;
} model;

static uint64_t host_counter(void)
{
	return __builtin_ia32_rdtsc();
}

/* As kvm_synchronize_tsc() of Linux does it. */
static void model_write(unsigned vcpu, uint64_t value)
{
	uint64_t expected = host_counter() + model.last_offset;
	bool near = value - expected + SECOND < 2 * SECOND;

	if (model.kind == LEAVES_IT_ALONE)
		return;
	if (!near || (model.kind == CURRENT && !model.written))
		model.last_offset = value - host_counter();
	model.offsets[vcpu] = model.last_offset;
	model.written = true;
}

static long model_msrs(unsigned vcpu, bool write, struct kvm_msrs *msrs)
{
	if (msrs->nmsrs != 1 || msrs->entries[0].index != 0x10)
		return 0;
	if (write)
		model_write(vcpu, msrs->entries[0].data);
	else
		msrs->entries[0].data = host_counter() + model.offsets[vcpu];
	return 1;
}

static long model_attribute(unsigned vcpu, bool write, const struct kvm_device_attr *attribute)
{
	uint64_t *offset = (uint64_t *)attribute->addr;

	if (model.kind == BEFORE_5_16)
		return -ENOTTY;
	if (!write)
		*offset = model.offsets[vcpu];
	else if (model.kind != LEAVES_IT_ALONE)
		model.last_offset = model.offsets[vcpu] = *offset;
	return 0;
}

static long model_ioctl(unsigned vcpu, unsigned long request, void *arg)
{
	switch (request) {
	case KVM_GET_MSRS:
	case KVM_SET_MSRS:
		return model_msrs(vcpu, request == KVM_SET_MSRS, arg);
	case KVM_GET_DEVICE_ATTR:
	case KVM_SET_DEVICE_ATTR:
		return model_attribute(vcpu, request == KVM_SET_DEVICE_ATTR, arg);
	case KVM_GET_TSC_KHZ:
		return model.khz;
	case KVM_SET_TSC_KHZ:
		model.khz = (uint32_t)(uintptr_t)arg;
		return 0;
	case KVM_CHECK_EXTENSION:
		return (uintptr_t)arg == KVM_CAP_TSC_CONTROL && model.scales;
	}
	return -EINVAL;
}

static void trapped(int signo, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	regs[REG_RAX] = model_ioctl((unsigned)regs[REG_RDI] - MODEL_FD,
				    (unsigned long)regs[REG_RSI], (void *)regs[REG_RDX]);
}

static struct kvm kvm = { .dev_fd = MODEL_DEV_FD };
static struct vcpu vcpus[2] = { { .id = 0, .fd = MODEL_FD }, { .id = 1, .fd = MODEL_FD + 1 } };
static struct vcpu_tsc tsc[2];
static struct error err;

static void start_model(enum kind kind)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, MODEL_FD, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sigaction action = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO };

	model.kind = kind;
	model.khz = MODEL_KHZ;
	model.last_offset = 12345 - host_counter(); /* a new VM's counters begin near 0 */
	if (kind == LEAVES_IT_ALONE)
		model.last_offset = 0;
	model.offsets[0] = model.offsets[1] = model.last_offset;
	sigaction(SIGSYS, &action, NULL);
	refuse_by_filter(filter, ARRAY_SIZE(filter));
}

static struct vcpu_tsc read_tsc(unsigned vcpu)
{
	struct vcpu_tsc got;

	check_eq(vcpu_tsc_x86_save(&vcpus[vcpu], &got, &err), 0, "%s", err.text);
	return got;
}

static int restore_first(void)
{
	return vcpu_tsc_x86_restore(&vcpus[0], &tsc[0], &kvm, &err);
}

static void restore(void)
{
	check_eq(restore_first(), 0, "%s", err.text);
	check_eq(vcpu_tsc_x86_follow(&vcpus[1], &tsc[1], &vcpus[0], &tsc[0], &kvm, &err), 0, "%s",
		 err.text);
}

/* That both count from @value on, since a moment ago, and together. */
static void expect(uint64_t value)
{
	cr_assert(read_tsc(0).value - value < SECOND / 4, "%llx after %llx",
		  (unsigned long long)read_tsc(0).value, (unsigned long long)value);
	check_eq(model.offsets[0], model.offsets[1]);
}

static void restore_everywhere(enum kind kind)
{
	start_model(kind);
	/* A guest of a second's half, so that KVM could synchronize it with the new one's. */
	tsc[0] = (struct vcpu_tsc){ .value = SECOND / 2, .khz = MODEL_KHZ };
	tsc[1] = (struct vcpu_tsc){ .value = SECOND / 2 + 999, .khz = MODEL_KHZ };
	restore();
	expect(SECOND / 2);
	/* One that is far away, and the same VM again, a bit back. */
	tsc[0].value = tsc[1].value = 1000 * SECOND;
	restore();
	expect(1000 * SECOND);
	tsc[0].value = tsc[1].value = 1000 * SECOND - SECOND / 2;
	restore();
	expect(1000 * SECOND - SECOND / 2);
}

Test(vcpu_tsc_x86, goes_on_from_its_value)
{
	restore_everywhere(CURRENT);
}

Test(vcpu_tsc_x86, goes_on_where_kvm_synchronizes_early)
{
	restore_everywhere(BEFORE_6_8);
}

Test(vcpu_tsc_x86, goes_on_where_kvm_tells_no_offsets)
{
	restore_everywhere(BEFORE_5_16);
	check_eq(read_tsc(0).has_offset, 0);
}

/* As a guest has set them by TSC_ADJUST. */
Test(vcpu_tsc_x86, counters_stay_apart)
{
	start_model(CURRENT);
	tsc[0] = read_tsc(0);
	tsc[1] = read_tsc(1);
	check_eq(tsc[0].has_offset, 1);
	tsc[1].offset -= 12345;
	restore();
	check_eq(read_tsc(0).offset - read_tsc(1).offset, 12345);
	tsc[0].has_offset = 0; /* saved by an older KVM */
	restore();
	check_eq(read_tsc(0).offset, read_tsc(1).offset);
	tsc[0].has_offset = 1;
	tsc[1].has_offset = 0;
	restore();
	check_eq(read_tsc(0).offset, read_tsc(1).offset);
}

/*
 * bad input: Snapshots: KVM does not let the TSC go back to its saved value -> the TSC goes on from
 * the host's value; if that is lower than the saved one, the restore is refused
 */
Test(vcpu_tsc_x86, host_s_counter)
{
	start_model(LEAVES_IT_ALONE);
	tsc[0] = read_tsc(0);
	tsc[1] = read_tsc(1);
	restore();
	tsc[0].value += 1000 * SECOND;
	check_eq(restore_first(), -ENOTSUP);
	check_contains(err.text, "vCPU 0: its TSC had counted to ");
	check_contains(err.text, "KVM here leaves it at ");
}

static int restore_khz(uint32_t khz)
{
	tsc[0].khz = khz;
	return restore_first();
}

/*
 * bad input: Snapshots: a snapshot with a TSC of a frequency that this host does not have, also 0
 * and 2^32 - 1 -> refused; the error names both frequencies
 */
Test(vcpu_tsc_x86, other_frequency)
{
	start_model(CURRENT);
	tsc[0] = read_tsc(0);
	check_eq(restore_khz(MODEL_KHZ + 500), 0, "250 ppm");
	check_eq(restore_khz(MODEL_KHZ - 500), 0);
	check_eq(restore_khz(MODEL_KHZ + 501), -ENOTSUP);
	check_str(err.text,
		  "snapshot: vCPU 0: its TSC ran at 2000501 kHz, and at 2000000 kHz here, where "
		  "the processor cannot scale it; restore it on a host with the frequency of the "
		  "save");
	check_eq(restore_khz(MODEL_KHZ - 501), -ENOTSUP);
	check_eq(restore_khz(0), -ENOTSUP);
	check_eq(restore_khz(UINT32_MAX), -ENOTSUP);
	tsc[1] = (struct vcpu_tsc){ .khz = 1000 };
	check_eq(vcpu_tsc_x86_follow(&vcpus[1], &tsc[1], &vcpus[0], &tsc[0], &kvm, &err), -ENOTSUP);
	check_eq(model.khz, MODEL_KHZ);
}

Test(vcpu_tsc_x86, other_frequency_where_it_is_scaled)
{
	start_model(CURRENT);
	model.scales = true;
	tsc[0] = read_tsc(0);
	check_eq(restore_khz(MODEL_KHZ + 500), 0);
	check_eq(model.khz, MODEL_KHZ, "near enough");
	check_eq(restore_khz(MODEL_KHZ / 2), 0);
	check_eq(model.khz, MODEL_KHZ / 2);
}

static struct small_guest guest;

static void setup(void)
{
	static const uint8_t code[] = { 0xf4 };

	small_guest_init(&guest, code, sizeof(code));
	check_eq(vcpu_tsc_x86_save(&guest.vcpu, &tsc[0], &err), 0, "%s", err.text);
}

static void teardown(void)
{
	small_guest_fini(&guest);
}

Test(vcpu_tsc_x86, real_vcpu, .init = setup, .fini = teardown)
{
	struct vcpu_tsc later;

	cr_assert(tsc[0].khz > 100000);
	check_eq(vcpu_tsc_x86_restore(&guest.vcpu, &tsc[0], &guest.kvm, &err), 0, "%s", err.text);
	check_eq(vcpu_tsc_x86_save(&guest.vcpu, &later, &err), 0, "%s", err.text);
	cr_assert(later.value > tsc[0].value);
	check_eq(later.khz, tsc[0].khz);
}

Test(vcpu_tsc_x86, ioctls_are_refused, .init = setup, .fini = teardown)
{
	refuse_command(SYS_ioctl, KVM_SET_DEVICE_ATTR, EINVAL);
	check_eq(vcpu_tsc_x86_follow(&guest.vcpu, &tsc[0], &guest.vcpu, &tsc[0], &guest.kvm, &err),
		 -EINVAL);
	check_str(err.text, "KVM: vCPU 0: KVM_SET_DEVICE_ATTR: TSC offset: Invalid argument");
	refuse_command(SYS_ioctl, KVM_GET_TSC_KHZ, EIO);
	check_eq(vcpu_tsc_x86_save(&guest.vcpu, &tsc[0], &err), -EIO);
	check_str(err.text, "KVM: vCPU 0: KVM_GET_TSC_KHZ: Input/output error");
}
