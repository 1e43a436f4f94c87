# SPDX-License-Identifier: Apache-2.0
"""Shared by the end-to-end tests in Python; imported, never run: running things on pipes and terminals, a VM with a QMP
client, and main(), which runs the tests of a file and prints "ok NAME", "FAIL NAME: why" or "skip NAME: why" for each."""

import fcntl
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MVMM = os.path.abspath(os.environ.get("MVMM", TOP + "/build/mvmm"))
GUEST = os.environ.get("GUEST", TOP + "/build/test-guest") + ".elf"
LIMIT = 30  # seconds that anything may take

scratch = tempfile.TemporaryDirectory(prefix="mvmm-test.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def expect(what, actual, wanted):
    if actual != wanted:
        raise Failed(f"{what} is {actual!r} instead of {wanted!r}")


def refused(result, *words, status=35):
    """It ended with the status, and its messages have all of these words."""
    expect("status", result.returncode, status)
    for word in words:
        if word not in result.stderr.decode():
            raise Failed(f"no '{word}' in {result.stderr!r}")


def need_root():
    if os.geteuid() != 0:
        raise Skipped("needs root")


def with_host(change, args, wrap=()):
    """The command line that runs args in a mount namespace of its own, after the shell command that changes the host there."""
    root = [] if os.geteuid() == 0 else ["-r"]
    return ["unshare", "-m", *root, "/bin/sh", "-c", f'{change} && exec "$@"', "sh", *wrap, *args]


def without_kvm(args):
    return with_host("mount --bind /dev/null /dev/kvm", args)


def path(name):
    return f"{scratch.name}/{name}"


def image(name, size):
    with open(path(name), "wb") as f:
        f.truncate(size)
    return path(name)


def read_until(fd, wanted, collected=b""):
    """Reads until the text is there; returns all that was read."""
    deadline = time.monotonic() + LIMIT
    while wanted not in collected:
        ready, _, _ = select.select([fd], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise Failed(f"no {wanted!r} within {LIMIT} s, only {collected[-300:]!r}")
        try:
            chunk = os.read(fd, 65536)
        except OSError:  # the other side of a terminal is gone
            chunk = b""
        if not chunk:
            raise Failed(f"no {wanted!r} before the end, only {collected[-300:]!r}")
        collected += chunk
    return collected


def run(args, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(args, stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, timeout=LIMIT, **options)


def modes(fd):
    return termios.tcgetattr(fd)


def with_terminal(args, act):
    """Starts args on a terminal, lets act do its part, checks that the modes are restored, and returns the status."""
    master, slave = pty.openpty()
    before = modes(slave)
    process = subprocess.Popen(args, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    try:
        act(master, slave, process, before)
        status = process.wait(LIMIT)
    finally:
        process.kill()
    expect("the terminal's mode afterwards", modes(slave), before)
    os.close(master)
    os.close(slave)
    return status


def types(waits_for, keys, answer=b""):
    """What with_terminal has done: types keys once the first text is there, and waits for the answer."""
    def act(master, *_):
        read_until(master, waits_for)
        os.write(master, keys)
        read_until(master, answer)

    return act


def press_enter(process):
    process.stdin.write(b"\n")
    process.stdin.flush()


def connect(client, where):
    """Connects to a socket that is there; for a moment nobody listens to it yet."""
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            return client.connect(where)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.001)


class Qmp:
    """A client that follows QEMU's QMP specification."""

    def __init__(self, where):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        connect(self.socket, where)
        self.file = self.socket.makefile("rb")
        self.events = []
        self.greeting = json.loads(self.line())

    def line(self):
        line = self.file.readline()
        if not line:
            raise Failed("the connection ended")
        if not line.endswith(b"\r\n"):
            raise Failed(f"{line!r} does not end in CRLF")
        return line[:-2].decode()

    def raw(self, text):
        """The first answer that is no event, as it came."""
        self.socket.sendall(text.encode() + b"\r\n")
        while True:
            line = self.line()
            if "event" not in json.loads(line):
                return line
            self.events.append(json.loads(line))

    def run(self, command, **arguments):
        answer = json.loads(self.raw(json.dumps({"execute": command, "arguments": {k.replace("_", "-"): v for k, v in arguments.items()}})))
        if "error" in answer:
            raise Failed(f"{command}: {answer['error']}")
        return answer["return"]

    def hmp(self, line):
        return self.run("human-monitor-command", command_line=line)


class Vm:
    count = 0

    def __init__(self, tests, *options, stdin=subprocess.DEVNULL, **how):
        Vm.count += 1
        self.where = path(f"qmp{Vm.count}.sock")
        self.process = subprocess.Popen([MVMM, "-k", GUEST, "--platform", "acpi", "--qmp", "unix:" + self.where, *options,
                                         "--append", "test=" + tests],
                                        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
        deadline = time.monotonic() + LIMIT
        while not os.path.exists(self.where):
            if self.process.poll() is not None:
                raise Failed(f"ended at the start: {self.process.stderr.read().decode()}")
            if time.monotonic() > deadline:
                raise Failed("no socket appears")
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def client(self):
        qmp = Qmp(self.where)
        qmp.run("qmp_capabilities")
        return qmp

    def status(self):
        return self.process.wait(LIMIT)


def end_children():
    """What a failed test leaves running would hold files of the tests after it."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as f:
            children = [int(pid) for pid in f.read().split()]
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        return
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def main(tests):
    """Runs every test_ of a file's globals."""
    failures = 0
    for name, test in list(tests.items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            print("ok " + name[5:], flush=True)
        except Skipped as reason:
            print(f"skip {name[5:]}: {reason}", flush=True)
        except (Failed, OSError, subprocess.TimeoutExpired) as problem:
            failures += 1
            print(f"FAIL {name[5:]}: {problem}", flush=True)
            end_children()
    sys.exit(failures > 0)
