# SPDX-License-Identifier: Apache-2.0
"""Forks of a running VM, and resets of a restored one. Read measure."""

import itertools
import json
import os
import socket
import subprocess
import time

from common import GUEST, MVMM, SCRATCH, Section, Table, end, image, progress

ROUNDS = 21
numbers = itertools.count()
SIZES = ["128M", "1G", "8G"]


class Client:
    """A client of QMP that knows events."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.005)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.run("qmp_capabilities")

    def run(self, command, fd=None, **arguments):
        """The events before the answer, by name."""
        request = json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
        if fd is None:
            self.socket.sendall(request)
        else:
            socket.send_fds(self.socket, [request], [fd])
        events = {}
        while True:
            answer = json.loads(self.file.readline())
            if "return" in answer:
                return events
            if "error" in answer:
                raise SystemExit(f"bench: {command}: {answer['error']}")
            events[answer["event"]] = answer.get("data", {})


def read_until(process, text):
    output = b""
    while text not in output:
        piece = os.read(process.stdout.fileno(), 4096)
        if not piece:
            raise SystemExit(f"bench: mvmm ended: {output}")
        output += piece


def vm(options, waits):
    """(process, client) of a VM with QMP whose guest has printed that."""
    where = f"{SCRATCH}/fork{next(numbers)}.sock"
    process = subprocess.Popen([MVMM, *options, "--qmp", "unix:" + where], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if waits:
        read_until(process, waits)
    return process, Client(where)


def say(process, line):
    process.stdin.write(line)
    process.stdin.flush()


def fork(client):
    """(milliseconds that the parent was stopped, milliseconds until a child that waits answers to a line it has been given)"""
    ours, mine = socket.socketpair()
    child = subprocess.Popen([MVMM, "--restore", f"fd:{mine.fileno()}"], pass_fds=[mine.fileno()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
    say(child, b"hello\n")
    mine.close()
    client.run("getfd", fd=ours.fileno(), fdname="child")
    ours.close()
    begin = time.monotonic()
    pause = client.run("vm-fork", fdnames=["child"])["VM_FORKED"]["pause"] / 1000
    read_until(child, b"echo hello")
    elapsed = (time.monotonic() - begin) * 1000
    end(child)
    return pause, elapsed


def forks(ram, rounds):
    """{case: [(pause, child)]} of first forks, each of a new parent, and of those after it, when the guest has stored to 64 pages of its disk."""
    disk = image("fork.img", 4 << 20)
    options = ["--kernel", GUEST, "--memory", ram + ",fork=on", "--pmem", f"file={disk},share=off", "--append", "test=store,echo bytes=256K"]
    first, later = [], []
    for i in range(rounds):
        progress(f"fork: {ram}, {i + 1} of {rounds}")
        parent, client = vm(options, b"echo waits")
        first.append(fork(client))
        later.append(fork(client))
        end(parent)
    return first, later


def measure_forks(section, rounds):
    pauses = section.add(Table("Fork: how long the parent is stopped", "ms", ("first fork", "second fork"), "RAM", digits=2))
    children = section.add(Table("Fork: until a child that waits has answered", "ms", ("first fork", "second fork"), "RAM", digits=2))
    for ram in SIZES:
        first, later = forks(ram, rounds)
        what = ram.replace("M", " MiB").replace("G", " GiB")
        pauses.add(what, {"first fork": [p for p, _ in first], "second fork": [p for p, _ in later]})
        children.add(what, {"first fork": [c for _, c in first], "second fork": [c for _, c in later]})


def resets(ram, dirty, rounds):
    """Microseconds for which the VM was stopped, when the guest has stored to so many pages of its disk, and to a few of its RAM."""
    disk = image("reset.img", 4 << 20)
    process, client = vm(["--kernel", GUEST, "--memory", ram, "--pmem", f"file={disk},share=off", "--snapshots", SCRATCH,
                          "--append", f"test=echo,store,echo bytes={dirty * 4}K"], b"echo waits")
    client.run("vm-save", path="reset")
    end(process)
    process, client = vm(["--restore", SCRATCH + "/reset"], None)
    samples = []
    for i in range(rounds):
        progress(f"reset: {ram}, {dirty} pages, {i + 1} of {rounds}")
        say(process, b"hello\n")
        read_until(process, b"echo waits")
        samples.append(client.run("vm-reset")["VM_RESET"]["pause"])
    end(process)
    return samples


def measure_resets(section, rounds):
    table = section.add(Table("Reset: how long the VM is stopped", "us", ("64 pages", "1000 pages"), "RAM", digits=0))
    for ram in SIZES:
        table.add(ram.replace("M", " MiB").replace("G", " GiB"),
                  {f"{dirty} pages": resets(ram, dirty, rounds) for dirty in (64, 1000)})


def measure(quick):
    section = Section("fork", "Fork and reset", """
A fork (`vm-fork`) of a VM whose guest waits for a line: first of a VM that was just started, then once more of the same VM, whose disk's stored pages the
children get as well. The children wait already (`--restore fd:N`), and have been given their line. A reset (`vm-reset`) of a restored VM whose guest has
stored to so many pages of its disk since. The pauses are those that mvmm itself reports.""")
    measure_forks(section, 5 if quick else ROUNDS)
    measure_resets(section, 11 if quick else 101)
    return section
