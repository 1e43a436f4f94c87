# SPDX-License-Identifier: Apache-2.0
"""VMs that are restored from a snapshot, beside VMs that are started. Read measure."""

import os
import re
import socket
import subprocess
import time

from common import BUILD, FIRST_GUEST, GUEST, MVMM, SCRATCH, Section, Table, image, interleave, progress, run, stopwatch

BARE_RESTORE = BUILD + "/bench/bare-restore"
ROUNDS = 41
CASES = ["128M", "1G"]
VMS = 1000
TESTS = "store,cpus,echo,halt"


def wait_for(path):
    """Until somebody listens there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(path)
                return
            except OSError:
                time.sleep(0.01)
    raise SystemExit(f"bench: nobody listens to {path}")


def save(name, *options, said=None):
    """Saves a VM that waits before its first instruction, or that has said something; the snapshot's path."""
    where = f"{SCRATCH}/{name}.sock"
    command = [MVMM, *options, "--snapshots", SCRATCH, "--qmp", "unix:" + where, *([] if said else ["--paused"])]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = b""
    while said and said not in output:
        piece = os.read(process.stdout.fileno(), 4096)
        if not piece:
            raise SystemExit(f"bench: {' '.join(command)} ended: {output}")
        output += piece
    wait_for(where)
    run([MVMM, "ctl", where, "vm-save", "path=" + name])
    process.kill()
    process.communicate()
    return f"{SCRATCH}/{name}"


def measure_first(section, quick):
    names = ("mvmm --restore", "bare program", "mvmm, started")
    wall = section.add(Table("Time to the first guest instruction", "ms", names, "RAM", digits=2))
    cpu = section.add(Table("CPU time by then", "ms", names, "RAM", digits=2))
    for ram in CASES:
        disk = image("restore.img", 64 << 20)
        start = ["--kernel", FIRST_GUEST, "--memory", ram, "--pmem", disk]
        snapshot = save("first" + ram, *start)
        commands = {"mvmm --restore": [MVMM, "--restore", snapshot, "--pmem", "id=pmem0,file=" + disk],
                    "bare program": [BARE_RESTORE, snapshot, disk],
                    "mvmm, started": [MVMM, *start]}
        what = ram.replace("M", " MiB").replace("G", " GiB")
        runs = interleave(5 if quick else ROUNDS, f"restore {what}", {
            name: (lambda command=command: stopwatch(command)[0]) for name, command in commands.items()})
        wall.add(what, {name: [w for w, _ in samples] for name, samples in runs.items()})
        cpu.add(what, {name: [c for _, c in samples] for name, samples in runs.items()})


def dirty_kib(pid):
    """(private dirty memory in KiB, how much of it is guest RAM or disk)"""
    private = guest = 0
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            header = re.match(r"([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)", line)
            if header:
                # RAM of a started VM is the one large mapping without a file.
                mine = header[3].endswith(("/memory", ".img")) or (not header[3] and int(header[2], 16) - int(header[1], 16) >= 128 << 20)
            elif line.startswith("Private_Dirty:"):
                private += int(line.split()[1])
                guest += int(line.split()[1]) if mine else 0
    return private, guest


def crowd(command, count, what):
    """(ms per VM until all have answered, KiB of private dirty memory, of that the guest's, KiB of PSS, each per VM)"""
    processes = []
    line = f"{SCRATCH}/line"
    with open(line, "w") as f:
        f.write("hello\n")
    begin = time.monotonic()
    try:
        for i in range(count):
            with open(line, "rb") as f:
                processes.append(subprocess.Popen(command, stdin=f, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
            if i % 20 == 0:
                progress(f"restore: {what}, {i + 1} of {count}")
        for process in processes:
            said = b""
            while b"echo hello" not in said:
                piece = os.read(process.stdout.fileno(), 4096)
                if not piece:
                    raise SystemExit(f"bench: one of {count} VMs, {what}, ended: {said}")
                said += piece
        elapsed = time.monotonic() - begin
        dirty = [dirty_kib(process.pid) for process in processes]
        pss = 0
        for process in processes:
            with open(f"/proc/{process.pid}/smaps_rollup") as f:
                pss += int(re.search(r"^Pss: +(\d+)", f.read(), re.MULTILINE)[1])
        return elapsed * 1000 / count, sum(d for d, _ in dirty) / count, sum(g for _, g in dirty) / count, pss / count
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def measure_crowd(section, quick):
    count = 100 if quick else VMS
    options = ["--kernel", GUEST, "--memory", "128M", "--platform", "acpi", "--pmem", f"file={image('crowd.img', 4 << 20)},share=off", "--append", "test=" + TESTS]
    snapshot = save("crowd", *options, said=b"echo waits\n")
    memory = os.stat(f"{snapshot}/memory").st_blocks / 2
    names = ("restored", "started")
    table = section.add(Table(f"Each of {count} restored and of {count // 10} started VMs", "ms or KiB", names, digits=1, log=True))
    figures = {"restored": crowd([MVMM, "--restore", snapshot], count, "restored"),
               "started": crowd([MVMM, *options], count // 10, "started")}
    for i, row in enumerate(("until it answers, ms", "private dirty memory, KiB", "of that pages of the guest, KiB", "memory (PSS), KiB")):
        table.add(row, {name: [figures[name][i]] for name in names})
    section.remark(f"The snapshot's memory file has {memory:.0f} KiB, which all {count} restored VMs share; "
                   f"together they have {figures['restored'][3] * count / 1024:.0f} MiB.")


def measure(quick):
    section = Section("restore", "Restore", f"""
The time from `exec` to the first guest instruction, which writes a byte to the serial port, as under Start. The VM was saved right before that
instruction. The bare program (`tests/bench/bare_restore.c`) makes the same VM from the same files by the same ioctls, and has no devices. Then many VMs of
one snapshot: the test guest has stored a word to each page of a disk of 4 MiB of its own (`share=off`), and waits for a line, which it is given. Beside them,
VMs that are started do all of that themselves.""")
    measure_first(section, quick)
    measure_crowd(section, quick)
    return section
