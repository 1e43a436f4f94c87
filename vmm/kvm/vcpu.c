// SPDX-License-Identifier: Apache-2.0
/* The KVM_RUN loop. Start reading at run_guest. */
#include "vmm/kvm/vcpu.h"

#include "vmm/base/array.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"
#include "vmm/kvm/vcpu_x86.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Some distributions that mvmm is built on have older headers. */
#ifndef KVM_EXIT_MEMORY_FAULT
#define KVM_EXIT_MEMORY_FAULT 39
#endif
struct memory_fault {
	uint64_t flags, gpa, size;
};

/* Takes a vCPU out of KVM_RUN; its handler does nothing. */
#define KICK_SIGNAL SIGUSR1

/* What another process sends is the event loop's, whose thread is the process's first. */
static void handle_kick(int signo, siginfo_t *info, void *context)
{
	bool own = info->si_code == SI_TIMER ||
		   (info->si_code == SI_TKILL && info->si_pid == getpid());
	int error = errno;

	if (!own)
		tgkill(getpid(), getpid(), signo);
	errno = error;
}

int vcpu_init(struct vcpu *vcpu, unsigned id, unsigned apic_id, const struct kvm *kvm,
	      const struct bus *ports, const struct bus *mmio, const struct vcpu_ops *ops,
	      struct error *err)
{
	*vcpu = (struct vcpu){
		.id = id,
		.apic_id = apic_id,
		.run_size = kvm->run_size,
		.ops = ops,
		.ports = ports,
		.mmio = mmio,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.resumed = PTHREAD_COND_INITIALIZER,
	};
	vcpu->fd = ioctl(kvm->vm_fd, KVM_CREATE_VCPU, (unsigned long)apic_id);
	if (vcpu->fd < 0) {
		vcpu->fd = 0;
		return error_system(err, errno, "KVM: cannot create vCPU %u", id);
	}
	vcpu->run =
		mmap(NULL, (size_t)vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		vcpu->run = NULL;
		return error_system(err, errno, "KVM: cannot map vCPU %u", id);
	}
	return 0;
}

void vcpu_fini(struct vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, (size_t)vcpu->run_size);
	if (vcpu->fd > 0)
		close(vcpu->fd);
	vcpu_retry_fini(&vcpu->retry);
	vcpu->run = NULL;
	vcpu->fd = 0;
}

/* Pauses the vCPU, and reports that the host lacks the memory at @gpa (or NULL). */
static void report_fault(struct vcpu *vcpu, const uint64_t *gpa)
{
	pthread_mutex_lock(&vcpu->lock);
	__atomic_store_n(&vcpu->pause, true, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&vcpu->lock);
	vcpu->ops->fault(vcpu, gpa);
}

/* If the access fails, it stays in the exit's data and is tried again later. */
static void handle_mmio(struct vcpu *vcpu)
{
	__typeof__(vcpu->run->mmio) *mmio = &vcpu->run->mmio;
	uint64_t gpa = mmio->phys_addr;

	vcpu->unfinished = bus_access(vcpu->mmio, gpa, mmio->data, mmio->len, mmio->is_write) < 0;
	if (vcpu->unfinished)
		report_fault(vcpu, &gpa);
}

/* A string instruction can make several accesses to a port in one exit; none can fail. */
static void handle_io(struct vcpu *vcpu)
{
	const __typeof__(vcpu->run->io) *io = &vcpu->run->io;
	uint8_t *data = (uint8_t *)vcpu->run + io->data_offset;

	for (uint32_t i = 0; i < io->count; i++, data += io->size)
		bus_access(vcpu->ports, io->port, data, io->size, io->direction == KVM_EXIT_IO_OUT);
}

static void end_vm(struct vcpu *vcpu, enum outcome outcome, const char *detail)
{
	__atomic_store_n(&vcpu->stop, true, __ATOMIC_RELAXED);
	vcpu->ops->ended(vcpu, outcome, detail);
}

static void end_host_error(struct vcpu *vcpu, const char *what, uint64_t value)
{
	char detail[128];

	snprintf(detail, sizeof(detail), "vCPU %u: %s 0x%llx", vcpu->id, what,
		 (unsigned long long)value);
	end_vm(vcpu, OUTCOME_HOST_ERROR, detail);
}

/*
 * An instruction that KVM cannot emulate, or an exception whose delivery it would have to or within
 * which another one comes, is the guest's doing: it jumped to where there is no memory, for
 * example.
 */
static void end_internal_error(struct vcpu *vcpu)
{
	uint32_t suberror = vcpu->run->internal.suberror;
	struct kvm_regs regs = { 0 };
	char detail[128];

	if (suberror != KVM_INTERNAL_ERROR_EMULATION && suberror != KVM_INTERNAL_ERROR_SIMUL_EX &&
	    suberror != KVM_INTERNAL_ERROR_DELIVERY_EV) {
		end_host_error(vcpu, "KVM internal error, suberror", suberror);
		return;
	}
	ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	snprintf(detail, sizeof(detail),
		 "vCPU %u: KVM cannot emulate what the guest does at 0x%llx", vcpu->id,
		 (unsigned long long)regs.rip);
	end_vm(vcpu, OUTCOME_EMULATION, detail);
}

/*
 * A reset or a crash of Windows, told by a register of Hyper-V. Before Linux 5.12 any guest can
 * write to that.
 */
static void end_system_event(struct vcpu *vcpu)
{
	char detail[128];

	snprintf(detail, sizeof(detail),
		 "vCPU %u: the guest used a register of Hyper-V, which mvmm does not offer (KVM "
		 "system event %u)",
		 vcpu->id, vcpu->run->system_event.type);
	end_vm(vcpu, OUTCOME_EMULATION, detail);
}

static void handle_exit(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	vcpu->exits[run->exit_reason < VCPU_EXIT_REASONS ? run->exit_reason
							 : VCPU_EXIT_REASONS - 1]++;
	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		handle_mmio(vcpu);
		break;
	case KVM_EXIT_IO:
		handle_io(vcpu);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break;
	case KVM_EXIT_SHUTDOWN:
		end_vm(vcpu, OUTCOME_TRIPLE_FAULT, "the guest's CPU shut down (triple fault)");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		end_host_error(vcpu, "KVM cannot enter the guest, hardware reason",
			       run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		end_internal_error(vcpu);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		end_system_event(vcpu);
		break;
	default:
		end_host_error(vcpu, "unexpected exit from KVM, reason", run->exit_reason);
	}
}

/* KVM could not get a page that the guest touched. From Linux 6.8 on it says which one. */
static void handle_missing_page(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	bool names_address = run->exit_reason == KVM_EXIT_MEMORY_FAULT;
	struct memory_fault exit;

	memcpy(&exit, run->padding, sizeof(exit));
	run->exit_reason = KVM_EXIT_UNKNOWN; /* an older KVM does not set it on failure */
	report_fault(vcpu, names_address ? &exit.gpa : NULL);
}

static void handle_failure(struct vcpu *vcpu, int error)
{
	char detail[160];

	if (error == EFAULT || error == EHWPOISON) {
		handle_missing_page(vcpu);
		return;
	}
	snprintf(detail, sizeof(detail), "vCPU %u: KVM_RUN: %s", vcpu->id, strerror(error));
	end_vm(vcpu, OUTCOME_HOST_ERROR, detail);
}

static void set_parked(struct vcpu *vcpu, bool parked)
{
	__atomic_store_n(&vcpu->parked, parked, __ATOMIC_RELEASE);
	if (parked)
		vcpu->ops->parked(vcpu);
}

/* Waits outside of the guest while it is paused. */
static void park(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->lock);
	set_parked(vcpu, true);
	while (vcpu->pause && !vcpu->stop)
		pthread_cond_wait(&vcpu->resumed, &vcpu->lock);
	set_parked(vcpu, false);
	pthread_mutex_unlock(&vcpu->lock);
	/* So that the guest does not take the pause for a lock-up, if it uses the clock. */
	ioctl(vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
}

static bool flag(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_RELAXED);
}

/*
 * Whether the vCPU waits now. After an exit for an access, the instruction is half done: only the
 * next KVM_RUN writes what was loaded to the guest's register, or passes on to the next
 * instruction. So a vCPU that is to wait calls KVM_RUN again. As immediate_exit is set, that ends
 * with EINTR when the instruction is done, or with the next of several accesses.
 */
static bool may_park(const struct vcpu *vcpu)
{
	return flag(&vcpu->pause) && (vcpu->unfinished || !vcpu->in_instruction);
}

static void confine_thread(struct vcpu *vcpu)
{
	int ret = vcpu->ops->begins ? vcpu->ops->begins(vcpu) : 0;

	if (ret < 0)
		end_host_error(vcpu, "cannot install the sandbox's system call filter, error",
			       (uint64_t)-ret);
}

static bool is_access(uint32_t exit_reason)
{
	return exit_reason == KVM_EXIT_MMIO || exit_reason == KVM_EXIT_IO;
}

/* Handles the result of KVM_RUN. A signal is neither an exit nor a failure. */
static void handle_run(struct vcpu *vcpu, int ret)
{
	vcpu->in_instruction = ret == 0 && is_access(vcpu->run->exit_reason);
	if (ret == 0)
		handle_exit(vcpu);
	else if (ret < 0 && errno != EINTR && errno != EAGAIN)
		handle_failure(vcpu, errno);
}

/*
 * KVM may try for ever to get a page that the host cannot supply (vcpu_retry_x86.h), and report
 * nothing. But that uses CPU time of the thread, so the vCPU checks for it whenever it has used a
 * certain amount. An idle guest's vCPU never does. False: there is no timer.
 */
static bool start_timer(const struct vcpu *vcpu, timer_t *ret_timer)
{
	static const struct itimerspec often = { { 0, 250000000 }, { 0, 250000000 } };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = KICK_SIGNAL };

	event._sigev_un._tid = vcpu->thread_id;
	if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, ret_timer) < 0) {
		log_warning(
			"cannot make the timer that finds a vCPU that waits for a missing page: "
			"%s; without it such a guest may spin",
			strerror(errno));
		return false;
	}
	timer_settime(*ret_timer, 0, &often, NULL);
	return true;
}

static void run_once(struct vcpu *vcpu)
{
	int ret = ioctl(vcpu->fd, KVM_RUN, 0);
	bool kicked = ret < 0 && errno == EINTR;

	handle_run(vcpu, ret);
	if (kicked && !flag(&vcpu->pause) && !flag(&vcpu->stop) &&
	    vcpu_retry_is_likely(&vcpu->retry, vcpu->fd) && vcpu->ops->lacks_page(vcpu))
		report_fault(vcpu, NULL);
}

static void *run_guest(void *arg)
{
	struct vcpu *vcpu = arg;
	timer_t timer;
	bool timed;

	__atomic_store_n(&vcpu->thread_id, gettid(), __ATOMIC_RELAXED);
	timed = start_timer(vcpu, &timer);
	confine_thread(vcpu);
	while (!flag(&vcpu->stop)) {
		if (may_park(vcpu))
			park(vcpu);
		else if (vcpu->unfinished)
			handle_mmio(vcpu);
		else
			run_once(vcpu);
	}
	if (timed)
		timer_delete(timer);
	pthread_mutex_lock(&vcpu->lock);
	set_parked(vcpu, true);
	pthread_mutex_unlock(&vcpu->lock);
	return NULL;
}

int vcpu_start(struct vcpu *vcpu)
{
	struct sigaction action = { .sa_sigaction = handle_kick, .sa_flags = SA_SIGINFO };
	/* A vCPU receives only its kick and signals that a bug raises. */
	static const int unblocked[] = { KICK_SIGNAL, SIGSEGV, SIGBUS, SIGILL,
					 SIGFPE,      SIGABRT, SIGSYS };
	int ret;

	sigaction(KICK_SIGNAL, &action, NULL);
	ret = thread_start(&vcpu->thread, run_guest, vcpu, unblocked, ARRAY_SIZE(unblocked));
	vcpu->started = ret == 0;
	return ret;
}

/* Sets @flag and takes the thread out of KVM_RUN, or out of its wait. Call it under the lock. */
static void leave_guest(struct vcpu *vcpu, bool *flag)
{
	__atomic_store_n(flag, true, __ATOMIC_RELAXED);
	/* Before the signal, so that a vCPU that is about to call KVM_RUN sees it. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (vcpu->started)
		pthread_kill(vcpu->thread, KICK_SIGNAL);
	pthread_cond_signal(&vcpu->resumed);
}

void vcpu_pause(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->lock);
	leave_guest(vcpu, &vcpu->pause);
	pthread_mutex_unlock(&vcpu->lock);
}

void vcpu_resume(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->lock);
	__atomic_store_n(&vcpu->pause, false, __ATOMIC_RELAXED);
	/* Here and not in park, because the thread may not have got there. */
	if (!flag(&vcpu->stop))
		__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_RELAXED);
	pthread_cond_signal(&vcpu->resumed);
	pthread_mutex_unlock(&vcpu->lock);
}

bool vcpu_is_parked(const struct vcpu *vcpu)
{
	return !vcpu->started || __atomic_load_n(&vcpu->parked, __ATOMIC_ACQUIRE);
}

void vcpu_stop(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	pthread_mutex_lock(&vcpu->lock);
	leave_guest(vcpu, &vcpu->stop);
	pthread_mutex_unlock(&vcpu->lock);
	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}

void vcpu_count_exits(const struct vcpu *vcpu, struct vcpu_exits *all)
{
	for (unsigned reason = 0; reason < VCPU_EXIT_REASONS; reason++)
		all->total += vcpu->exits[reason];
	all->mmio += vcpu->exits[KVM_EXIT_MMIO];
	all->io += vcpu->exits[KVM_EXIT_IO];
	all->interrupted += vcpu->exits[KVM_EXIT_INTR];
	all->shutdown += vcpu->exits[KVM_EXIT_SHUTDOWN];
}
