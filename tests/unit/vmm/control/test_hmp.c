// SPDX-License-Identifier: Apache-2.0
/* HMP's commands and sessions, to the byte. */
#include "vmm/control/hmp.h"

#include "tests/support/check.h"
#include "tests/support/fake_vm.h"
#include "vmm/control/hmp_session.h"

#include <poll.h>

TestSuite(hmp, .timeout = 10);

#define GREETING MONITOR_PACKAGE " monitor - type 'help' for more information\r\n"
#define PROMPT "(mvmm) "

static struct driver_host host;
static struct fake_vm vm;
static struct control_clients clients;

static void setup(void)
{
	driver_host_init(&host);
	fake_vm_init(&vm);
}

static const char *run(const char *line)
{
	static struct buffer out;

	buffer_fini(&out);
	check_eq(hmp_run(&vm.monitor, line, &out), 0, "%s", line);
	return buffer_text(&out);
}

/* The seed's example. */
Test(hmp, memory_devices, .init = setup)
{
	vm.devices[0].size = 4294967296;
	check_str(run("info memory-devices"), "Memory device [virtio-pmem]: \"nv1\"\n"
					      "  memaddr: 0x240000000\n"
					      "  size: 4294967296\n"
					      "  memdev: /objects/mem1\n");
	vm.devices[1] = (struct monitor_memory_device){ .type = "virtio-pmem",
							.id = "",
							.memaddr = 0x340000000,
							.size = 1,
							.memdev = "/objects/mem2" };
	vm.n_devices = 2;
	check_contains(run("info memory-devices"), "mem1\nMemory device [virtio-pmem]: \"\"\n"
						   "  memaddr: 0x340000000\n  size: 1\n");
	vm.n_devices = 0;
	check_str(run("info memory-devices"), "");
}

/* The reference's numbers: 8192 MB of RAM and 164 MB of pmem in one node. */
Test(hmp, numa, .init = setup)
{
	vm.devices[0].size = 164 << 20;
	check_str(run("info numa"), "1 nodes\nnode 0 cpus: 0 1\nnode 0 size: 8356 MB\n"
				    "node 0 plugged: 164 MB\n");
	vm.nodes[0] = 4ULL << 30;
	vm.nodes[1] = 2ULL << 30;
	vm.n_nodes = 2;
	vm.cpu_nodes[1] = 1;
	vm.devices[0].node = 1;
	check_str(run("info numa"), "2 nodes\nnode 0 cpus: 0\nnode 0 size: 4096 MB\n"
				    "node 0 plugged: 0 MB\nnode 1 cpus: 1\nnode 1 size: 2212 MB\n"
				    "node 1 plugged: 164 MB\n");
	vm.n_nodes = 0;
	check_str(run("info numa"), "0 nodes\n");
}

Test(hmp, infos, .init = setup)
{
	check_str(run("info memory_size_summary"),
		  "base memory: 8589934592\nplugged memory: 67108864\n");
	check_str(run("info version"), "7.2.0 (" MONITOR_PACKAGE ")\n");
	check_str(run("info kvm"), "kvm support: enabled\n");
	check_str(run("info cpus"), "* CPU #0: thread_id=1000\n  CPU #1: thread_id=1001\n");
	check_str(run("info name"), "");
	check_str(run("info uuid"), "00000000-0000-0000-0000-000000000000\n");
	vm.identity.name = "guest";
	vm.identity.uuid = "12345678-1234-1234-1234-123456789abc";
	check_str(run("info name"), "guest\n");
	check_str(run("info uuid"), "12345678-1234-1234-1234-123456789abc\n");
	check_str(run("info pmem"), "nv1:\n"
				    "  flushes: 7 done, 1 failed\n"
				    "  fdatasyncs: 6, shared by 2 flushes\n"
				    "  stores dropped: 3\n"
				    "  fdatasyncs by duration:\n"
				    "    0 to 2 us: 1\n"
				    "    4 to 8 us: 4\n"
				    "    from 8388608 us: 1\n");
	check_str(run("info counters"), "rng:\n"
					"  bytes: 1099511627776\n"
					"net0:\n"
					"  received: 5\n"
					"  sent: 6\n");
}

Test(hmp, status, .init = setup)
{
	static const char *const texts[] = {
		[MONITOR_PRELAUNCH] = "VM status: paused (prelaunch)\n",
		[MONITOR_RUNNING] = "VM status: running\n",
		[MONITOR_PAUSED] = "VM status: paused\n",
		[MONITOR_IO_ERROR] = "VM status: paused (io-error)\n",
		[MONITOR_SHUTDOWN] = "VM status: paused (shutdown)\n",
		[MONITOR_GUEST_PANICKED] = "VM status: paused (guest-panicked)\n",
		[MONITOR_INTERNAL_ERROR] = "VM status: paused (internal-error)\n",
	};

	for (unsigned state = 0; state < ARRAY_SIZE(texts); state++) {
		vm.state = state;
		check_str(run("info status"), texts[state]);
	}
}

Test(hmp, qtree, .init = setup)
{
	check_str(run("info qtree"), "bus: main-system-bus\n"
				     "  type System\n"
				     "  dev: serial, id \"\"\n"
				     "    irq 4\n"
				     "    ports 00000000000003f8/0000000000000008\n"
				     "  dev: virtio-mmio, id \"\"\n"
				     "    irq 5\n"
				     "    mmio 00000000d0000000/0000000000001000\n"
				     "    bus: virtio-mmio-bus.0\n"
				     "      type virtio-mmio-bus\n"
				     "      dev: virtio-pmem, id \"nv1\"\n"
				     "        memaddr = 9663676416 (0x240000000)\n"
				     "        size = 67108864 (0x4000000)\n"
				     "        memdev = \"/objects/mem1\"\n"
				     "        node = 0 (0x0)\n"
				     "        hotplugged = false\n"
				     "  dev: virtio-mmio, id \"\"\n"
				     "    irq 23\n"
				     "    mmio 00000000d0012000/0000000000001000\n"
				     "    bus: virtio-mmio-bus.1\n"
				     "      type virtio-mmio-bus\n"
				     "      dev: virtio-rng, id \"\"\n");
}

Test(hmp, actions, .init = setup)
{
	check_str(run("stop"), "");
	check_eq(vm.state, MONITOR_PAUSED);
	check_str(run("cont"), "");
	check_eq(vm.state, MONITOR_RUNNING);
	check_str(run("  s  "), "");
	check_eq(vm.state, MONITOR_PAUSED);
	check_str(run("c\n"), "");
	check_eq(vm.state, MONITOR_RUNNING);
	check_str(run("system_powerdown"), "");
	check_str(run("system_reset"), "");
	check_str(run("quit"), "");
	check_str(run("q"), "");
	check_eq(vm.powerdowns, 1);
	check_eq(vm.resets, 1);
	check_eq(vm.quits, 2);
}

Test(hmp, refused_actions, .init = setup)
{
	fake_vm_refuse(&vm, EBUSY, "not now");
	check_str(run("stop"), "Error: not now\n");
	check_str(run("system_powerdown"), "Error: not now\n");
	check_str(run("system_reset"), "Error: not now\n");
	vm.state = MONITOR_PAUSED;
	check_str(run("cont"), "Error: not now\n");
}

Test(hmp, errors, .init = setup)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "", "" },
		{ "   ", "" },
		{ "foo", "unknown command: 'foo'\n" },
		{ "sto", "unknown command: 'sto'\n" },
		{ "stop|s", "unknown command: 'stop|s'\n" },
		{ "info foo", "unknown command: 'info foo'\n" },
		{ "stop x", "stop|s: extraneous characters at the end of line\n"
			    "Try \"help stop\" for more information\n" },
		{ "stop\nfoo", "stop|s: extraneous characters at the end of line\n"
			       "Try \"help stop\" for more information\n" },
		{ "info status x", "status: extraneous characters at the end of line\n"
				   "Try \"help info status\" for more information\n" },
		{ "device_del", "device_del: string expected\n"
				"Try \"help device_del\" for more information\n" },
		{ "device_del \"nv1", "device_del: string expected\n"
				      "Try \"help device_del\" for more information\n" },
		{ "device_del nv1 x", "device_del: extraneous characters at the end of line\n"
				      "Try \"help device_del\" for more information\n" },
		{ "device_del nv1", "Error: virtio based memory devices cannot be unplugged.\n" },
		{ "device_del \"nv1\"",
		  "Error: virtio based memory devices cannot be unplugged.\n" },
		{ "device_del nope", "Error: Device 'nope' not found\n" },
		{ "device_add", "Error: Parameter 'driver' is missing\n" },
		{ "device_add virtio-pmem,memdev=nope", "Error: Device 'nope' not found\n" },
		{ "device_add virtio-pmem,memdev", "Error: Device 'on' not found\n" },
		{ "device_add virtio-pmem,memdev=m,node=x",
		  "Error: Parameter 'node' expects integer\n" },
		{ "object_add foo", "Error: Parameter 'qom-type' does not accept value 'foo'\n" },
		{ "object_add memory-backend-file,id=m,mem-path=f,size=zz,share=on",
		  "Error: Parameter 'size' expects size\n" },
		{ "object_add memory-backend-file,id=m,mem-path=f,size=2M,share=maybe",
		  "Error: Parameter 'share' expects 'on' or 'off'\n" },
		{ "object_add memory-backend-file,id=m,mem-path=f,size=2M,foo=maybe",
		  "Error: Parameter 'foo' is unexpected\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_str(run(cases[i].line), cases[i].text);
}

/* The seed's spelling. */
Test(hmp, hotplug, .init = setup)
{
	check_str(
		run("object_add memory-backend-file,id=mem2,share,mem-path=test.img,size=4G,share"),
		"");
	check_eq(vm.backend.size, 4ULL << 30);
	check_eq(vm.backend.share, true);
	check_str(run("device_add virtio-pmem,memdev=mem2,id=nv2,memaddr=0x340000000"), "");
	check_str(vm.devices[1].id, "nv2");
	check_eq(vm.devices[1].memaddr, 0x340000000);
	check_str(vm.devices[1].memdev, "/objects/mem2");
}

Test(hmp, help, .init = setup)
{
	check_str(run("help quit"), "quit|q  -- quit the emulator\n");
	check_str(run("help c"), "cont|c  -- resume emulation\n");
	check_str(run("? help"), "help|? [cmd] -- show the help\n");
	check_str(run("help device_add"), "device_add driver[,prop=value][,...] -- add device, "
					  "like -device on the command line\n");
	check_str(run("help object_add"), "object_add [qom-type=]type,id=str[,prop=value][,...] "
					  "-- create QOM object\n");
	check_str(run("help foo"), "unknown command: 'foo'\n");
	check_str(run("help info status"),
		  "info status  -- show the current VM status (running|paused)\n");
	check_str(run("help info foo"), "unknown command: 'info foo'\n");
	check_contains(run("help info"), "info memory-devices  -- show memory devices\n");
	check_contains(run("info"), "info numa  -- show NUMA information\n");
	check_contains(run("help"), "\nstop|s  -- stop emulation\nsystem_powerdown  -- send "
				    "system power down event\nsystem_reset  -- reset the system\n");
	check_contains(run("?"), "info [subcommand] -- show various information about the system");
}

static int connect_client(bool terminal)
{
	int ends[2];

	fake_vm_sockets(ends);
	check_eq(hmp_serve(&vm.monitor, &clients, &host.loop, ends[1], ends[1], true, terminal,
			   NULL),
		 0);
	check_str(fake_vm_hear(&host, ends[0]), GREETING PROMPT);
	return ends[0];
}

Test(hmp, session, .init = setup)
{
	int fd = connect_client(false);

	check_str(fake_vm_ask(&host, fd, "info status\n"), "VM status: running\r\n" PROMPT);
	check_str(fake_vm_ask(&host, fd, "info sta"), "");
	check_str(fake_vm_ask(&host, fd, "tus\r\n"), "VM status: running\r\n" PROMPT);
	check_str(fake_vm_ask(&host, fd, "\nfoo\ninfo kvm\n"),
		  PROMPT "unknown command: 'foo'\r\n" PROMPT "kvm support: enabled\r\n" PROMPT);
	/* No events: a person did not ask for them. */
	monitor_guest_panicked(&vm.monitor, "pause");
	check_str(fake_vm_hear(&host, fd), "");
	fake_vm_say(fd, "info kvm\nqui");
	shutdown(fd, SHUT_WR);
	check_str(fake_vm_hear(&host, fd), "kvm support: enabled\r\n" PROMPT "<end>");
	check_eq(vm.quits, 0, "half a line is none");
	check_eq(clients.count, 0);
	check_eq(vm.monitor.listeners, NULL);
}

Test(hmp, session_waits_for_stop, .init = setup)
{
	int fd = connect_client(false);

	vm.slow_stop = true;
	check_str(fake_vm_ask(&host, fd, "stop\ninfo status\n"), "");
	fake_vm_stopped(&vm);
	check_str(fake_vm_hear(&host, fd), PROMPT "VM status: paused\r\n" PROMPT);
}

Test(hmp, session_waits_for_save, .init = setup)
{
	int fd = connect_client(false);

	vm.slow_save = true;
	check_str(fake_vm_ask(&host, fd, "save warm\ninfo status\n"), "");
	monitor_stopped(&vm.monitor);
	check_str(fake_vm_hear(&host, fd), "");
	fake_vm_saved(&vm, "warm: no space");
	check_str(fake_vm_hear(&host, fd),
		  "Error: warm: no space\r\n" PROMPT "VM status: running\r\n" PROMPT);
}

/*
 * bad input: Control socket: a line of 100,000 bytes on the human monitor -> refused once, and the
 * next line works
 */
Test(hmp, endless_line, .init = setup)
{
	static char text[100000];
	int fd = connect_client(false);

	memset(text, 'a', sizeof(text) - 1);
	for (size_t sent = 0; sent < sizeof(text) - 1;) {
		ssize_t n = write(fd, text + sent, sizeof(text) - 1 - sent);

		if (n > 0)
			sent += (size_t)n;
		driver_settle(&host);
	}
	fake_vm_say(fd, "\ninfo kvm\n");
	driver_await(&host, fd, POLLIN);
	check_str(fake_vm_hear(&host, fd), "Error: a line has at most 1023 bytes\r\n" PROMPT
					   "kvm support: enabled\r\n" PROMPT);
}

Test(hmp, terminal_session, .init = setup)
{
	int fd = connect_client(true);

	check_str(fake_vm_ask(&host, fd, "q"), "\r" PROMPT "q\033[K");
	check_str(fake_vm_ask(&host, fd, "\b"), "\r" PROMPT "\033[K");
	check_contains(fake_vm_ask(&host, fd, "info kvm\r"),
		       "\r" PROMPT "info kvm\033[K\r\nkvm support: enabled\r\n" PROMPT);
	check_contains(fake_vm_ask(&host, fd, "\033[A\r"), "\r\nkvm support: enabled\r\n" PROMPT);
}
