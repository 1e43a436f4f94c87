// SPDX-License-Identifier: Apache-2.0
/* Finds out that KVM tries for ever to get a page. Start reading at vcpu_retry_is_likely. */
#include "vmm/kvm/vcpu_retry_x86.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RFLAGS_TF 0x100ULL
#define RFLAGS_IF 0x200ULL
/* A vCPU whose page is missing takes thousands of faults in the time between two calls. */
#define MIN_FAULTS 8
#define LIKELY_TIMES 3
/* There are about fifty counters. */
#define MAX_COUNTERS 1000
#define MAX_NAME 256

/* The offset of a counter in @fd, the statistics of a vCPU; 0 if there is none of that @name. */
static uint64_t find_counter(int fd, const char *name)
{
	struct kvm_stats_header header;
	union {
		struct kvm_stats_desc desc;
		uint8_t room[sizeof(struct kvm_stats_desc) + MAX_NAME];
	} entry;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    header.name_size > MAX_NAME || header.num_desc > MAX_COUNTERS)
		return 0;
	for (uint32_t i = 0; i < header.num_desc; i++) {
		size_t size = sizeof(entry.desc) + header.name_size;

		if (pread(fd, &entry, size, (off_t)(header.desc_offset + i * size)) !=
		    (ssize_t)size)
			return 0;
		if (strncmp(entry.desc.name, name, header.name_size) == 0)
			return header.data_offset + entry.desc.offset;
	}
	return 0;
}

/* From Linux 5.14 on, with this counter from 5.19 on. */
static void open_stats(struct vcpu_retry *retry, int vcpu_fd)
{
	int fd = ioctl(vcpu_fd, KVM_GET_STATS_FD, NULL);

	retry->offset = fd < 0 ? 0 : find_counter(fd, "pf_taken");
	if (fd >= 0 && !retry->offset)
		close(fd);
	retry->stats_fd = retry->offset ? fd : -1;
}

/* Whether the vCPU took page faults since the last call; true if KVM does not say. */
static bool has_faulted(struct vcpu_retry *retry, int vcpu_fd)
{
	uint64_t before = retry->faults;

	if (!retry->stats_fd)
		open_stats(retry, vcpu_fd);
	if (retry->stats_fd < 0 || pread(retry->stats_fd, &retry->faults, sizeof(retry->faults),
					 (off_t)retry->offset) != sizeof(retry->faults))
		return true;
	return retry->faults - before >= MIN_FAULTS;
}

static bool has_moved(struct vcpu_retry *retry, int vcpu_fd)
{
	struct kvm_regs regs;
	bool same;

	if (ioctl(vcpu_fd, KVM_GET_REGS, &regs) < 0)
		return true;
	same = memcmp(&regs, &retry->regs, sizeof(regs)) == 0;
	retry->regs = regs;
	return !same;
}

/*
 * A vCPU that has halted can use CPU time too, because KVM polls before it sleeps. It waits for no
 * page, and if its interrupts were held back, none could wake it any more.
 */
static bool has_halted(int vcpu_fd)
{
	struct kvm_mp_state state;

	return ioctl(vcpu_fd, KVM_GET_MP_STATE, &state) < 0 ||
	       state.mp_state != KVM_MP_STATE_RUNNABLE;
}

/*
 * Not with an event on its way into the guest: the processor refuses to enter it so. Nor over a
 * shadow of the guest's own, such as that of MOV SS.
 */
static void hold_interrupts(int vcpu_fd)
{
	struct kvm_vcpu_events events;

	if (ioctl(vcpu_fd, KVM_GET_VCPU_EVENTS, &events) < 0 || events.exception.injected ||
	    events.interrupt.injected || events.interrupt.shadow || events.nmi.injected)
		return;
	/* No other flag is set, so that KVM keeps the NMI or SIPI that another vCPU may send now.
	 */
	events.flags = KVM_VCPUEVENT_VALID_SHADOW;
	events.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	ioctl(vcpu_fd, KVM_SET_VCPU_EVENTS, &events);
}

bool vcpu_retry_is_likely(struct vcpu_retry *retry, int vcpu_fd)
{
	/* With interrupts off KVM_RUN fails by itself. */
	if (has_moved(retry, vcpu_fd) ||
	    (retry->regs.rflags & (RFLAGS_IF | RFLAGS_TF)) != RFLAGS_IF ||
	    !has_faulted(retry, vcpu_fd) || has_halted(vcpu_fd)) {
		retry->times = 0;
		return false;
	}
	hold_interrupts(vcpu_fd);
	retry->times++;
	return retry->stats_fd > 0 && retry->times >= LIKELY_TIMES;
}

void vcpu_retry_fini(struct vcpu_retry *retry)
{
	if (retry->stats_fd > 0)
		close(retry->stats_fd);
	*retry = (struct vcpu_retry){ 0 };
}
