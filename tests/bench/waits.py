# SPDX-License-Identifier: Apache-2.0
"""How long a client of QMP waits for its answer while others, or a file, do their worst: the longest wait of the event loop, which
serves devices as well. Read measure."""

import json
import os
import socket
import subprocess
import threading
import time

from common import GUEST, MVMM, QEMU, SCRATCH, Section, SlowMount, Table, end, image, interleave

CLIENTS = 200
READ_MS = 200
SECONDS = 3  # for what goes on


class Client:
    """A connection to a QMP socket."""

    def __init__(self, path, greeted=True):
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
                time.sleep(0.01)
        self.socket.settimeout(60)
        self.file = self.socket.makefile("rb")
        if greeted:
            self.file.readline()
            self.run("qmp_capabilities")

    def run(self, command):
        """Sends a command and waits for its answer, past events."""
        self.socket.sendall(json.dumps({"execute": command}).encode() + b"\n")
        while True:
            line = self.file.readline()
            if not line or b'"return"' in line or b'"error"' in line:
                return line

    def send(self, data):
        """As much as the other end takes; what answers, if any, is not read."""
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def close(self):
        self.socket.close()


def vm_of_mvmm(paths, disk, *options, tests="hello,spin"):
    return [MVMM, "-k", GUEST, "-p", disk, *[word for path in paths for word in ("--qmp", "unix:" + path)], *options, "--append", "test=" + tests]


def vm_with_slow_pages(paths, disk):
    """A buffer of a request lies in a page that has to be read, and then the vCPU stores to all pages."""
    return vm_of_mvmm(paths, disk, tests="hostile-response-in-pmem,store touch=0 device=0 timeout=600000")


def vm_with_a_storm(paths, disk):
    """All devices, all of whose queues the guest keeps full while two vCPUs ring all doorbells."""
    vsock = SCRATCH + "/vsock"
    return vm_of_mvmm(paths, disk, "--cpus", "2", "--rng", "--vsock", vsock, "--console", "null", tests="storm ms=600000")


def vm_of_qemu(paths, disk):
    """Each of its sockets serves one client at a time."""
    return [*QEMU, "-M", "pc,accel=kvm", "-bios", "qboot.rom", "-m", "128M,slots=2,maxmem=4G", "-kernel", GUEST, "-append", "test=hello,spin",
            "-object", f"memory-backend-file,id=mem0,share=on,mem-path={disk},size={os.path.getsize(disk)}", "-device", "virtio-pmem-pci,memdev=mem0",
            *[word for path in paths for word in ("-qmp", f"unix:{path},server=on,wait=off")]]


def one_request(data):
    def act(path):
        client = Client(path)
        client.send(data + b"\n")
        time.sleep(0.5)
        client.close()

    return act


def crowd(path):
    """Each sends stop and cont and leaves; they come as fast as they can."""
    for _ in range(CLIENTS):
        client = Client(path, greeted=False)
        client.send(b'{"execute":"qmp_capabilities"}{"execute":"stop"}{"execute":"cont"}')
        client.close()


def flood(path):
    """Commands whose answers nobody reads."""
    client = Client(path)
    client.socket.settimeout(1)
    client.send(b'{"execute":"query-status"}' * 20000)
    client.close()


def go_on(path):
    time.sleep(SECONDS)


def stop_and_go(path):
    """The answer comes when the vCPU has its page, and so has left the guest."""
    client = Client(path)
    begin = time.monotonic()
    while time.monotonic() - begin < SECONDS:
        client.run("stop")
        client.run("cont")
    client.close()


ATTACKS = {
    "nothing": go_on,
    "a request of 1 MB, one string": one_request(b'{"execute":"' + b"x" * 1000000 + b'"}'),
    "a request of 9,000 tokens": one_request(b'{"execute":"query-status","arguments":{"a":[' + b"{}," * 2990 + b"{}]}}"),
    "a request of 110,000 keys": one_request(b'{"execute":"query-status","arguments":{' + b",".join(b'"%d":1' % i for i in range(110000)) + b"}}"),
    f"{CLIENTS} clients with stop and cont": crowd,
    "20,000 commands without a reader": flood,
}


def queued(pid, thread):
    """Milliseconds that a thread was ready to run and had no CPU."""
    with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
        return int(f.read().split()[1]) / 1e6


def longest(vm, disk, attack):
    """The longest of the times, in ms, that query-status takes while the attack is made; and the same without what the loop's thread and
    the client waited for a CPU."""
    paths = [SCRATCH + "/waits.sock", SCRATCH + "/attack.sock"]
    for path in paths:
        if os.path.exists(path):
            os.unlink(path)
    process = subprocess.Popen(vm(paths, disk), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = Client(paths[0])
        attacker = threading.Thread(target=attack, args=(paths[1],))
        attacker.start()
        times, own = [], []
        while attacker.is_alive() or len(times) < 20:
            waited = queued(process.pid, process.pid) + queued(os.getpid(), threading.get_native_id())
            begin = time.monotonic()
            client.run("query-status")
            times.append((time.monotonic() - begin) * 1000)
            waited = queued(process.pid, process.pid) + queued(os.getpid(), threading.get_native_id()) - waited
            own.append(max(times[-1] - waited, 0))
            time.sleep(0.001)
        attacker.join()
        return max(times), max(own)
    finally:
        end(process)


OWN = "without waits for a CPU"


def add_row(table, what, quick, vms):
    """@vms: {contender: function that measures it}."""
    results = interleave(3 if quick else 5, "waits, " + what, vms)
    cells = {name: [both[0] for both in samples] for name, samples in results.items()}
    cells[OWN] = [both[1] for both in results["mvmm"]]
    table.add(what, cells)


def measure(quick):
    section = Section("waits", "The longest wait", f"""
A client asks `query-status` again and again, while another one, or {CLIENTS} of them, the image's file system or the guest do what the table says. The
figure is the longest time that one answer took. The event loop that answers serves the devices as well, so a flush, a frame or a key would have waited
as long. If the file is slow, the guest waits for its pages, and a request of its for a buffer in one. In a storm it keeps all queues full, with chains of
as many descriptors as the queue has, and two vCPUs ring all doorbells. The second column leaves out how long mvmm's loop and the client were ready to
run while other threads had the CPUs (`/proc/PID/task/TID/schedstat`): on a busy machine, only it tells how long the loop itself takes.""")
    disk = image("waits.img", 64 << 20)
    table = section.add(Table("Longest wait for an answer", "ms", ("mvmm", OWN, "QEMU"), "meanwhile", digits=1, log=True))
    for what, attack in ATTACKS.items():
        add_row(table, what, quick, {
            "mvmm": lambda attack=attack: longest(vm_of_mvmm, disk, attack),
            "QEMU": lambda attack=attack: longest(vm_of_qemu, disk, attack),
        })
    with SlowMount(read_ms=READ_MS) as slow:
        for what, attack in {f"reads of the file that take {READ_MS} ms each": go_on, "these, with stop and cont": stop_and_go}.items():
            add_row(table, what, quick, {"mvmm": lambda attack=attack: longest(vm_with_slow_pages, slow, attack)})
    add_row(table, "a guest with storms on all devices", quick, {"mvmm": lambda: longest(vm_with_a_storm, disk, go_on)})
    section.remark(f"The load average was {os.getloadavg()[1]:.0f} meanwhile, on {os.cpu_count()} CPUs.")
    return section
