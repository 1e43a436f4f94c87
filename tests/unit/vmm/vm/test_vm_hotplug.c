// SPDX-License-Identifier: Apache-2.0
/*
 * Plugging a device, with each of its steps made to fail: the VM is then as it was before, and the
 * same command works once nothing is in the way. Start reading at struct state and fails.
 */
#include "vmm/vm/vm_state.h"

#include "tests/support/driver.h"
#include "tests/support/open_descriptors.h"
#include "tests/support/vm_fixture.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/virtio_mmio.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

TestSuite(vm_hotplug, .timeout = 20);

/* Where the new device goes: slot 1, behind the cold one of 4 MiB, which is at 4 GiB. */
#define REGISTERS (LAYOUT_VIRTIO_BASE + LAYOUT_VIRTIO_SIZE)
#define PLACE (0x100000000ULL + (4 << 20))
#define ODD_SIZE 3000001ULL
#define ODD_WRITABLE (ODD_SIZE & ~4095ULL)

static struct vm_fixture f;
static struct vm *vm;
static struct error err;

static void add_backend(const char *id, const char *path, const char *size)
{
	struct memory_backend b;
	const struct keyval list[] = {
		{ .key = "qom-type", .value = "memory-backend-file" },
		{ .key = "id", .value = id },
		{ .key = "mem-path", .value = path },
		{ .key = "size", .value = size },
		{ .key = "share", .value = "on" },
	};

	check_eq(memory_backend_parse(&b, list, ARRAY_SIZE(list), &err), 0, "%s", err.text);
	check_eq(memory_backends_add(&f.machine.backends, &b, &err), 0, "%s", err.text);
}

static void setup(void)
{
	vm_fixture_init(&f, "-m 64M,maxmem=1G -p a --platform acpi --serial null");
	vm = f.vm;
	/* It ends within a page, so that it takes two regions and two memory slots. */
	add_backend("m1", "odd", "3000001");
}

static void teardown(void)
{
	vm_fixture_fini(&f);
}

static int plug(const char *memdev)
{
	struct memory_device device = { .id = "hot" };

	strcpy(device.memdev, memdev);
	err.text[0] = '\0';
	return vm_hotplug_pmem(vm, &device, &err);
}

/* Mappings of the file. */
static unsigned mappings(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned n = 0;

	while (fgets(line, sizeof(line), maps))
		n += strstr(line, name) != NULL;
	fclose(maps);
	return n;
}

/* All that plugging takes. */
struct state {
	unsigned devices, planned, described, places, regions, kvm_slots, bus_regions, descriptors,
		registered, mapped;
	uint32_t told;
	bool busy;
};

static struct state read_state(void)
{
	struct state s = {
		.devices = vm->n_pmem,
		.planned = f.machine.n_pmem,
		.described = f.machine.boot.n_devices,
		.places = f.machine.placement.n_devices,
		.regions = vm->memory.count,
		.kvm_slots = vm->kvm.n_slots,
		.bus_regions = vm->mmio.count,
		.descriptors = open_descriptors(),
		.mapped = mappings("/odd"),
		.busy = memory_backends_find(&f.machine.backends, "m1")->busy,
	};

	for (unsigned i = 0; i < EVENT_LOOP_FILES; i++)
		s.registered += vm->loop.registered[i];
	check_eq(guest_memory_read(&vm->memory, gpa(LAYOUT_ACPI_STATE + LAYOUT_ACPI_STATE_SLOTS),
				   &s.told, sizeof(s.told)),
		 0);
	return s;
}

static void expect_state(const struct state *before)
{
	struct state s = read_state();

	check_eq(s.devices, before->devices);
	check_eq(s.planned, before->planned);
	check_eq(s.described, before->described);
	check_eq(s.places, before->places);
	check_eq(s.regions, before->regions);
	check_eq(s.kvm_slots, before->kvm_slots);
	check_eq(s.bus_regions, before->bus_regions);
	check_eq(s.descriptors, before->descriptors);
	check_eq(s.registered, before->registered);
	check_eq(s.mapped, before->mapped);
	check_eq(s.told, before->told);
	check_eq(s.busy, before->busy);
	check_eq(f.machine.boot.pmem[1].size, 0);
	/* What the guest sees of the slot. */
	check_eq(*(uint32_t *)register_pages_get(&vm->registers, 1), 0);
}

/* As often as somebody may try. */
static void fails(int code, const char *text)
{
	struct state before = read_state();

	for (unsigned i = 0; i < 30; i++) {
		check_eq(plug("m1"), -code, "%s", err.text);
		check_contains(err.text, text);
		expect_state(&before);
	}
}

static void works(void)
{
	struct state before = read_state(), after;

	check_eq(plug("m1"), 0, "%s", err.text);
	after = read_state();
	check_eq(after.devices, before.devices + 1);
	check_eq(after.regions, before.regions + 2);
	check_eq(after.kvm_slots, before.kvm_slots + 2);
	check_eq(after.bus_regions, before.bus_regions + 2);
	check_eq(after.told, before.told | 2);
	check_eq(after.busy, true);
	check_eq(f.machine.pmem[1].start.value, PLACE);
	check_eq(*(uint32_t *)register_pages_get(&vm->registers, 1), 0x74726976);
	check_eq(vm->power.events.pending & LAYOUT_EVENT_SLOTS, LAYOUT_EVENT_SLOTS);
	/* And no second time. */
	cr_assert(plug("m1") < 0);
	check_str(err.text, "Duplicate device ID 'hot'");
}

Test(vm_hotplug, device_tree_cannot_grow, .init = setup, .fini = teardown)
{
	f.machine.boot.platform = BOOT_PLATFORM_DT;
	fails(ENOTSUP, "--platform acpi");
	f.machine.boot.platform = BOOT_PLATFORM_ACPI;
	works();
}

/*
 * bad input: Host resources: no descriptor is left at device_add (EMFILE), for each descriptor that
 * a device needs -> an error of QMP; the VM does not change, and the command works later
 */
Test(vm_hotplug, descriptors, .init = setup, .fini = teardown)
{
	struct rlimit limit, tight;
	int lowest = dup(0);

	close(lowest);
	getrlimit(RLIMIT_NOFILE, &limit);
	/* The file, the interrupt, the doorbell. */
	for (unsigned n = 0; n < 3; n++) {
		struct state before = read_state();

		tight = (struct rlimit){ (rlim_t)lowest + n, limit.rlim_max };
		setrlimit(RLIMIT_NOFILE, &tight);
		check_eq(plug("m1"), -EMFILE, "%u: %s", n, err.text);
		setrlimit(RLIMIT_NOFILE, &limit);
		expect_state(&before);
	}
	works();
}

Test(vm_hotplug, file, .init = setup, .fini = teardown)
{
	check_eq(rename("odd", "moved"), 0);
	check_eq(mkdir("odd", 0700), 0);
	fails(EISDIR, "odd");
	check_eq(rmdir("odd"), 0);
	check_eq(rename("moved", "odd"), 0);
	works();
}

/* Its place in guest memory is taken, of the first part or of the second. */
Test(vm_hotplug, guest_memory, .init = setup, .fini = teardown)
{
	static const uint64_t taken[] = { PLACE, PLACE + ODD_WRITABLE };
	static uint8_t page[4096];

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		struct state before = read_state();

		check_eq(guest_memory_add(&vm->memory, gpa(taken[i]), 4096, page, GUEST_PMEM), 0);
		check_eq(plug("m1"), -EEXIST);
		check_contains(err.text, "cannot be added to guest memory");
		guest_memory_remove(&vm->memory, gpa(taken[i]), 4096);
		expect_state(&before);
	}
	works();
}

/*
 * bad input: Host resources: no memory slot of KVM is left at device_add, for the first or the
 * second slot of a device -> an error of QMP with QEMU's text; the VM does not change
 */
Test(vm_hotplug, kvm_slots, .init = setup, .fini = teardown)
{
	unsigned max = vm->kvm.max_slots;

	for (unsigned n = 0; n < 2; n++) {
		vm->kvm.max_slots = vm->kvm.n_slots + n;
		fails(ENOSPC, "hypervisor has no free memory slots left");
	}
	vm->kvm.max_slots = max;
	works();
}

/* The guest's physical memory is free again, too. */
Test(vm_hotplug, kvm_slots_are_given_back, .init = setup, .fini = teardown)
{
	unsigned max = vm->kvm.max_slots, before = vm->kvm.n_slots;

	vm->kvm.max_slots = before + 1;
	fails(ENOSPC, "slots");
	vm->kvm.max_slots = max;
	check_eq(kvm_add_slot(&vm->kvm, PLACE, 4096, f.machine.pmem[0].backing.host, false, &err),
		 0, "%s", err.text);
	kvm_remove_slots(&vm->kvm, before);
	works();
}

Test(vm_hotplug, doorbell, .init = setup, .fini = teardown)
{
	uint64_t notify = REGISTERS + VIRTIO_MMIO_QUEUE_NOTIFY;
	int other = eventfd(0, EFD_CLOEXEC);

	check_eq(kvm_add_doorbell(&vm->kvm, notify, 0, other, &err), 0);
	fails(EEXIST, "ioeventfd");
	/* Another one's doorbell stays. */
	cr_assert(kvm_add_doorbell(&vm->kvm, notify, 0, other, &err) < 0);
	kvm_remove_doorbell(&vm->kvm, notify, 0, other);
	works();
	close(other);
}

/* The last step: no place on the bus, for the registers or for the stores that are refused. */
Test(vm_hotplug, bus, .init = setup, .fini = teardown)
{
	static struct bus_region in_the_way;
	static const uint64_t places[] = { REGISTERS + LAYOUT_VIRTIO_SIZE - 1,
					   PLACE + ODD_WRITABLE };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		in_the_way = (struct bus_region){ places[i], 1, NULL };
		check_eq(bus_add(&vm->mmio, &in_the_way), 0);
		fails(EEXIST, "virtio slot 1");
		vm->mmio.count--;
	}
	works();
}

/* Makes one kind of ioctl fail, for the rest of the test. */
static void deny_ioctl(unsigned long request)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)request, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(filter), filter };

	check_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	check_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

Test(vm_hotplug, first_memory_slot, .init = setup, .fini = teardown)
{
	deny_ioctl(KVM_SET_USER_MEMORY_REGION);
	fails(ENOMEM, "memory slot");
}

/* The device is there by then, so it stays, and the log says so. */
Test(vm_hotplug, guest_cannot_be_told, .init = setup, .fini = teardown)
{
	int fd = vm->power.interrupt.vm_fd;

	driver_log_capture();
	vm->power.interrupt.vm_fd = -1;
	works();
	check_contains(driver_log_text(), "hot: cannot notify the guest of the new disk: Bad file "
					  "descriptor");
	vm->power.interrupt.vm_fd = fd;
}

Test(vm_hotplug, no_such_backend, .init = setup, .fini = teardown)
{
	struct state before = read_state();

	check_eq(plug("none"), -ENODEV);
	check_str(err.text, "Device 'none' not found");
	expect_state(&before);
	works();
}
