# SPDX-License-Identifier: Apache-2.0
"""How long a client of QMP waits for its answer while others, or a file, do their worst: the longest wait of the event loop, which
serves devices as well. Read measure."""

import json
import os
import socket
import subprocess
import threading
import time

from common import GUEST, MVMM, QEMU, SCRATCH, Section, Table, end, image, interleave

CLIENTS = 200


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


def vm_of_mvmm(paths, disk):
    return [MVMM, "-k", GUEST, "-p", disk, *[word for path in paths for word in ("--qmp", "unix:" + path)], "--append", "test=hello,spin"]


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


ATTACKS = {
    "nothing": lambda path: time.sleep(0.5),
    "a request of 1 MB, one string": one_request(b'{"execute":"' + b"x" * 1000000 + b'"}'),
    "a request of 9,000 tokens": one_request(b'{"execute":"query-status","arguments":{"a":[' + b"{}," * 2990 + b"{}]}}"),
    "a request of 110,000 keys": one_request(b'{"execute":"query-status","arguments":{' + b",".join(b'"%d":1' % i for i in range(110000)) + b"}}"),
    f"{CLIENTS} clients with stop and cont": crowd,
    "20,000 commands without a reader": flood,
}


def longest(vm, disk, attack):
    """The longest of the times, in ms, that query-status takes while the attack is made."""
    paths = [SCRATCH + "/waits.sock", SCRATCH + "/attack.sock"]
    for path in paths:
        if os.path.exists(path):
            os.unlink(path)
    process = subprocess.Popen(vm(paths, disk), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = Client(paths[0])
        attacker = threading.Thread(target=attack, args=(paths[1],))
        attacker.start()
        times = []
        while attacker.is_alive() or len(times) < 20:
            begin = time.monotonic()
            client.run("query-status")
            times.append((time.monotonic() - begin) * 1000)
            time.sleep(0.001)
        attacker.join()
        return max(times)
    finally:
        end(process)


def measure(quick):
    section = Section("waits", "The longest wait", f"""
A client asks `query-status` again and again, while another one, or {CLIENTS} of them, do what the table says. The figure is the longest time that one answer took.
The event loop that answers serves the devices as well, so a flush, a frame or a key would have waited as long.""")
    disk = image("waits.img", 64 << 20)
    table = section.add(Table("Longest wait for an answer", "ms", ("mvmm", "QEMU"), "meanwhile", digits=1, log=True))
    for what, attack in ATTACKS.items():
        table.add(what, interleave(3 if quick else 5, "waits, " + what, {
            "mvmm": lambda attack=attack: longest(vm_of_mvmm, disk, attack),
            "QEMU": lambda attack=attack: longest(vm_of_qemu, disk, attack),
        }))
    return section
