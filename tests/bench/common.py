# SPDX-License-Identifier: Apache-2.0
"""What every section of the benchmark uses: programs to compare, runs, samples, tables. Start reading at Table."""

import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = TOP + "/build"
MVMM = BUILD + "/mvmm"
GUEST = BUILD + "/test-guest.elf"
FIRST_GUEST = BUILD + "/bench/first-guest.elf"
STOPWATCH = BUILD + "/bench/stopwatch"
SYNC_FLOOR = BUILD + "/bench/sync-floor"
SLOW_FS = BUILD + "/bench/slow-fs"
BARE_KVM = BUILD + "/bare-kvm"
# The CPU model matters little to guests of a few instructions; "host" fails where KVM lacks what it announces.
QEMU = ["qemu-system-x86_64", "-cpu", "qemu64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
MICROVM = QEMU + ["-M", "microvm,x-option-roms=off,pit=off,pic=off,rtc=off,accel=kvm"]

_scratch = tempfile.TemporaryDirectory(prefix="mvmm-bench.", dir="/dev/shm")
_disk_scratch = tempfile.TemporaryDirectory(prefix="mvmm-bench.", dir=BUILD if os.path.isdir(BUILD) else None)
SCRATCH = _scratch.name  # on tmpfs
DISK_SCRATCH = _disk_scratch.name  # on the file system of the checkout


def progress(text):
    """One line, rewritten, where somebody looks; nothing in a log."""
    if sys.stderr.isatty():
        print(f"\r\033[Kbench: {text}", end="", file=sys.stderr, flush=True)


def image(name, size, directory=SCRATCH):
    """A sparse file of @size bytes."""
    path = f"{directory}/{name}"
    with open(path, "wb") as f:
        f.truncate(size)
    return path


def run(command, ok=(0,), timeout=300):
    """Its standard output. Ends the benchmark where the command fails."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    if result.returncode not in ok:
        sys.exit(f"bench: {' '.join(command)}: status {result.returncode}\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return result.stdout


def guest_mvmm(tests, disks, *options):
    """A command that runs the test guest under mvmm."""
    pmem = [word for disk in disks for word in ("--pmem", disk)]
    return [MVMM, "--kernel", GUEST, "--memory", "128M", *pmem, *options, "--append", "test=" + tests]


def guest_qemu(tests, disks, *options):
    """The same guest under QEMU, with virtio-pmem on PCI, which is all that QEMU has. Ends with status 1."""
    pmem = []
    for i, disk in enumerate(disks):
        pmem += ["-object", f"memory-backend-file,id=mem{i},share=on,mem-path={disk},size={os.path.getsize(disk)}"]
        pmem += ["-device", f"virtio-pmem-pci,memdev=mem{i}"]
    return [*QEMU, "-M", "pc,accel=kvm", "-bios", "qboot.rom", "-m", "128M,slots=32,maxmem=64G", "-serial", "stdio",
            "-device", "isa-debug-exit,iobase=0xf4", "-kernel", GUEST, *pmem, *options, "-append", "test=" + tests]


def find(pattern, text):
    match = re.search(pattern, text)
    if not match:
        sys.exit(f"bench: no '{pattern}' in:\n{text[-2000:]}")
    return float(match.group(1))


def stopwatch(command, times=1):
    """[(ms until the first byte of output, CPU ms by then)] of so many starts."""
    lines = run([STOPWATCH, str(times), *command]).splitlines()
    return [tuple(int(ns) / 1e6 for ns in line.split()) for line in lines]


def interleave(rounds, what, contenders):
    """Runs each of {name: function} in turns; {name: [results]}. So a machine that drifts does so for all."""
    results = {name: [] for name in contenders}
    for i in range(rounds):
        for name, function in contenders.items():
            progress(f"{what}: {name}, {i + 1} of {rounds}")
            results[name].append(function())
    return results


def private_kib(pid, leave_out):
    """(private, proportional) memory in KiB of a process, without mappings of which leave_out(size, name) says so."""
    private = proportional = 0
    skip = False
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            header = re.match(r"([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)", line)
            if header:
                skip = leave_out(int(header[2], 16) - int(header[1], 16), header[3])
            elif skip:
                continue
            elif line.startswith(("Private_Clean", "Private_Dirty")):
                private += int(line.split()[1])
            elif line.startswith("Pss:"):
                proportional += int(line.split()[1])
    return private, proportional


class SlowMount:
    """A file system with one file, slow.img, of 64 MiB, of which a sync or a read takes so long."""

    def __init__(self, sync_ms=0, read_ms=0):
        self.times = [str(sync_ms), str(read_ms)]

    def __enter__(self):
        self.directory = SCRATCH + "/slow"
        os.makedirs(self.directory, exist_ok=True)
        self.process = subprocess.Popen([SLOW_FS, "64", *self.times, "-f", self.directory], stderr=subprocess.DEVNULL)
        self.path = self.directory + "/slow.img"
        for _ in range(100):
            if os.path.exists(self.path):
                return self.path
            time.sleep(0.05)
        sys.exit("bench: the slow file system does not come up; is /dev/fuse there?")

    def __exit__(self, *_):
        subprocess.run(["fusermount3", "-u", "-z", self.directory], check=False)
        self.process.wait()


def end(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


class Table:
    """Cases against contenders; a cell is a list of samples. The first contender is ours, to which the others' ratio is given."""

    def __init__(self, title, unit, contenders, case="case", digits=2, log=False):
        self.title, self.unit, self.contenders, self.case = title, unit, contenders, case
        self.digits, self.log = digits, log
        self.rows = []

    def add(self, case, cells):
        """@cells: {contender: [samples]}; one that is missing was not, or cannot be, measured."""
        self.rows.append((case, cells))

    def cell(self, samples):
        if not samples:
            return ""
        if len(samples) == 1:
            return f"{samples[0]:.{self.digits}f}"
        low, middle, high = statistics.quantiles(samples, n=4)
        return f"{middle:.{self.digits}f} ({low:.{self.digits}f} to {high:.{self.digits}f})"

    def markdown(self):
        ours, *others = self.contenders
        head = [self.case, f"{ours}, {self.unit}"]
        for other in others:
            head += [other, "ratio"]
        lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
        for case, cells in self.rows:
            row = [case, self.cell(cells.get(ours))]
            for other in others:
                both = cells.get(other) and cells.get(ours) and statistics.median(cells[ours])
                row += [self.cell(cells.get(other)), f"{statistics.median(cells[other]) / both:.2f}" if both else ""]
            lines.append("| " + " | ".join(row) + " |")
        return "\n".join(lines)

    def json(self):
        return {"title": self.title, "unit": self.unit, "rows": [{"case": case, "samples": cells} for case, cells in self.rows]}


class Curves:
    """Distributions: {name: [samples]}, to be drawn as the part of samples that took at most so long."""

    def __init__(self, title, unit, samples):
        self.title, self.unit, self.samples = title, unit, samples

    def markdown(self):
        lines = [f"| {self.unit} | least | median | 90 % | 99 % |", "| --- | --- | --- | --- | --- |"]
        for name, samples in self.samples.items():
            s = sorted(samples)
            cuts = [s[0], s[len(s) // 2], s[len(s) * 9 // 10], s[len(s) * 99 // 100]]
            lines.append(f"| {name} | " + " | ".join(f"{cut:.1f}" for cut in cuts) + " |")
        return "\n".join(lines)

    def json(self):
        return {"title": self.title, "unit": self.unit, "samples": self.samples}


class Section:
    """A chapter of the report: text, tables, curves, remarks. name is also that of its plot."""

    def __init__(self, name, title, text):
        self.name, self.title, self.text = name, title, text
        self.parts, self.remarks = [], []

    def add(self, part):
        self.parts.append(part)
        return part

    def remark(self, text):
        self.remarks.append(text)


def have(program):
    return shutil.which(program) is not None
