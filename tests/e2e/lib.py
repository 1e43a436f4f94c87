# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share; imported, never run. command() makes mvmm's command line, boot() runs a guest to its end,
start(), with_terminal() and Vm have one go on. main() is what each suite ends with: it runs the suite's tests and prints
"ok NAME", "FAIL NAME: why" or "skip NAME: why" for each. Start reading there."""

import contextlib
import fcntl
import fnmatch
import functools
import itertools
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import traceback

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


def find(pattern, text):
    """The first place in the text that matches; ^ and $ are where lines begin and end."""
    match = re.search(pattern, text, re.MULTILINE)
    if not match:
        raise Failed(f"there is no line like '{pattern}' in\n{text[-3000:]}")
    return match


def expect_end(result, status, output="", messages=""):
    """A guest of boot() ended mvmm with the status, and lines like these are in what the guest and mvmm have printed."""
    if result.returncode != status:
        raise Failed(f"status {result.returncode} instead of {status}\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    find(output, result.stdout)
    find(messages, result.stderr)


def all_passed(result):
    """Each test that a guest of boot() was to run was run, and has passed."""
    names = result.args[-1].removeprefix("test=").split(" ")[0].split(",")
    expect_end(result, 0, f"^test-guest: done {'[1-9][0-9]*' if 'hostile' in names else len(names)} ok 0 failed$")


def refused(result, *words, status=35):
    """It ended with the status, and its messages have all of these words."""
    expect("status", result.returncode, status)
    for word in words:
        if word not in result.stderr.decode():
            raise Failed(f"no '{word}' in {result.stderr!r}")


def need_root():
    if os.geteuid() != 0:
        raise Skipped("needs root")


def unshared(*kinds):
    """Has the suite go on in namespaces of its own of these kinds ("--net"); true where it is root in all of the system, and not
    just there."""
    if "MVMM_TEST_UNSHARED" not in os.environ:
        scratch.cleanup()
        os.environ["MVMM_TEST_UNSHARED"] = "root" if os.geteuid() == 0 else "user"
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        os.execvp("unshare", ["unshare", *kinds, *user, sys.executable, *sys.argv])
    return os.environ["MVMM_TEST_UNSHARED"] == "root"


def with_host(change, args, wrap=()):
    """The command line that runs args in a mount namespace of its own, after the shell command that changes the host there."""
    root = [] if os.geteuid() == 0 else ["-r"]
    return ["unshare", "-m", *root, "/bin/sh", "-c", f'{change} && exec "$@"', "sh", *wrap, *args]


def as_pid_1(args):
    """The command line that runs args as the first process of a namespace, as a container does."""
    root = [] if os.geteuid() == 0 else ["-r"]
    return ["unshare", "-pf", "--kill-child", *root, *args]


def child_of(process):
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as f:
        return int(f.read())


def without_kvm(args):
    return with_host("mount --bind /dev/null /dev/kvm", args)


def path(name):
    return f"{scratch.name}/{name}"


def image(name, size):
    with open(path(name), "wb") as f:
        f.truncate(size)
    return path(name)


DISK = image("disk.img", 4 << 20)


@functools.cache
def on_disk():
    """A directory in the file system of the checkout, which is more likely than the scratch directory's to have a disk below it."""
    os.makedirs(TOP + "/build/check", exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="mvmm-test.", dir=TOP + "/build/check")


def command(tests, *options, kernel=GUEST):
    """The command line that has a test guest run these tests, on a disk of 4 MiB unless the options say which."""
    disk = [] if {"-p", "--pmem", "--object"} & set(options) else ["-p", DISK]
    return [MVMM, "-k", kernel, *disk, *options, "--append", "test=" + tests]


def wait_until(condition, what):
    """Returns what the condition returns, once that is true."""
    deadline = time.monotonic() + LIMIT
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {LIMIT} s")
        time.sleep(0.01)
    return found


def run_time(pid, thread):
    """Nanoseconds for which a thread has had a processor: these stand still while it waits."""
    with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
        return int(f.read().split()[0])


def waits(process):
    """It has not run for a fifth of a second."""
    before = run_time(process.pid, process.pid)
    for _ in range(20):
        time.sleep(0.01)
        if run_time(process.pid, process.pid) != before:
            return False
    return True


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


def run(args, **how):
    return subprocess.run(args, **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": LIMIT, **how})


def boot(tests, *options, kernel=GUEST, **how):
    """Runs a test guest to its end; what it and mvmm have printed is text."""
    return run(command(tests, *options, kernel=kernel), **{"timeout": 60, "encoding": "utf-8", "errors": "backslashreplace", **how})


def start(args, **how):
    return subprocess.Popen(args, **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how})


@contextlib.contextmanager
def running(args, said=b"hello ok", **how):
    """A process that has said this and goes on, and is killed in the end."""
    process = start(args, **how)
    try:
        read_until(process.stdout.fileno(), said)
        yield process
    finally:
        process.kill()
        process.wait()


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


def impatient_mvmm():
    """An mvmm that does what it is told, but whose ctl gets no answer in time."""
    with open(path("impatient"), "w") as f:
        f.write(f'''#!/bin/sh
[ "$1" = ctl ] || exec '{MVMM}' "$@"
{{ sleep 0.5; exec '{MVMM}' "$@"; }} >/dev/null 2>&1 &
echo 'mvmm: ctl: qmp: no answer in 30 seconds' >&2
exit 1
''')
        os.fchmod(f.fileno(), 0o755)
    return path("impatient")


def types(waits_for, keys, answer=b""):
    """What with_terminal has done: types keys once the first text is there, and waits for the answer."""
    def act(master, *_):
        read_until(master, waits_for)
        os.write(master, keys)
        read_until(master, answer)

    return act


def vcpu_times(process, qmp):
    """run_time of each vCPU's thread."""
    return [run_time(process.pid, cpu["thread-id"]) for cpu in qmp.run("query-cpus-fast")]


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

    def answer(self, command, **arguments):
        """What is returned, or the error; the names of arguments have - for _."""
        return json.loads(self.raw(json.dumps({"execute": command, "arguments": {k.replace("_", "-"): v for k, v in arguments.items()}})))

    def run(self, command, **arguments):
        answer = self.answer(command, **arguments)
        if "error" in answer:
            raise Failed(f"{command}: {answer['error']}")
        return answer["return"]

    def hmp(self, line):
        return self.run("human-monitor-command", command_line=line)


class Vm:
    count = 0

    def __init__(self, tests, *options, **how):
        Vm.count += 1
        self.where = path(f"qmp{Vm.count}.sock")
        platform = [] if "--platform" in options else ["--platform", "acpi"]
        self.process = start(command(tests, *platform, "--qmp", "unix:" + self.where, *options), **how)
        wait_until(self.is_there, "the socket appears")

    def is_there(self):
        if self.process.poll() is not None:
            raise Failed(f"ended at the start: {self.process.stderr.read().decode()}")
        return os.path.exists(self.where)

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


registered = []


def test(name, /, **choices):
    """Makes a test of a function. With choices, one for each combination of values: they fill the {fields} of the name and are
    the function's arguments."""
    def register(function):
        for values in itertools.product(*choices.values()):
            chosen = dict(zip(choices, values))
            registered.append((name.format(**chosen), functools.partial(function, **chosen)))
        return function

    return register


USAGE = """usage: {suite} [NAME...]
Runs the tests with these names, or all; in a name, * stands for anything.
  --list   prints the names"""


def choose(words, tests):
    """The tests that the words name."""
    suite, names = os.path.basename(sys.argv[0]), [name for name, _ in tests]
    if "--help" in words:
        print(USAGE.format(suite=suite))
        sys.exit(0)
    if "--list" in words:
        print("\n".join(names))
        sys.exit(0)
    wanted = set()
    for word in words:
        found = fnmatch.filter(names, word) or fnmatch.filter(names, word.removeprefix("test_"))
        if not found:
            print(f"{suite}: there is no test '{word}'; there are\n  " + "\n  ".join(names), file=sys.stderr)
            sys.exit(2)
        wanted.update(found)
    return [(name, test) for name, test in tests if not words or name in wanted]


def main(tests=None):
    """Runs the tests that the command line names: each test_ of a file's globals, and what was made a test by @test."""
    failures = 0
    named = [(name[5:], test) for name, test in (tests or {}).items() if name.startswith("test_")]
    for name, test in choose(sys.argv[1:], registered + named):
        try:
            test()
            print("ok " + name, flush=True)
        except Skipped as reason:
            print(f"skip {name}: {reason}", flush=True)
        except Exception as problem:
            failures += 1
            why = str(problem) if isinstance(problem, (Failed, OSError, subprocess.TimeoutExpired)) else traceback.format_exc()
            print(f"FAIL {name}: " + why.rstrip().replace("\n", "\n# "), flush=True)
            end_children()
    sys.exit(failures > 0)
