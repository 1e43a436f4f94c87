# SPDX-License-Identifier: Apache-2.0
"""Linux guests in the emulated host, which counts instructions: what they need there, the commands to boot them, the run.
Start reading at run."""

import os
import re
import shlex
import shutil
import subprocess

from common import BUILD, MVMM, SCRATCH, TOP, progress, run

IMAGES = TOP + "/guest-images"
TIMELINE = BUILD + "/bench/timeline"
MEMORY = "256M"
BIG_KIB = 96 << 10  # /data/big on the root disk: more than what a boot leaves free but touched in the guest
DISK_BYTES = 128 << 20
# What QEMU reads for these machines, beside its libraries.
FIRMWARE = ["/usr/share/qemu/qboot.rom", "/usr/share/qemu/bios-microvm.bin", "/usr/share/qemu/linuxboot_dma.bin", "/usr/share/qemu/kvmvapic.bin", "/usr/share/seabios/bios-256k.bin"]


def stage():
    """A directory with the kernel, the initramfs, the root disk and mvmm; made once."""
    directory = SCRATCH + "/linux"
    if os.path.isdir(directory):
        return directory
    progress("kernel and images")
    os.makedirs(directory)
    shutil.copy(run([IMAGES + "/stock-kernel/build"]).strip() + "/vmlinuz", directory + "/vmlinuz")
    # One initramfs for all: mvmm has virtio-mmio, QEMU's q35 virtio-pci, its microvm virtio-blk.
    initramfs = run([IMAGES + "/initramfs/build", "--module", "virtio_pci", "--module", "virtio_blk"]).strip()
    shutil.copy(initramfs, directory + "/initramfs")
    disk, big = directory + "/root", SCRATCH + "/big"
    run([IMAGES + "/root-disk/build", "--size", str(DISK_BYTES), disk])
    with open(big, "wb") as f:
        f.write(os.urandom(BIG_KIB << 10))
    run(["/sbin/debugfs", "-w", "-R", f"write {big} /data/big", disk])
    os.unlink(big)
    for program in (MVMM, TIMELINE):
        shutil.copy(program, directory)
    return directory


def mvmm(disk, append, *options):
    return ["./mvmm", "-k", "vmlinuz", "--initrd", "initramfs", "-m", MEMORY, "-p", disk, *options, "--append=quiet " + append]


def qemu(machine, root, append, *options):
    """QEMU from the emulated host's PATH, with the same words for the guest that mvmm finds by itself."""
    return ["qemu-system-x86_64", "-cpu", "host", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
            "-M", machine + ",accel=kvm", *options, "-kernel", "vmlinuz", "-initrd", "initramfs", "-append",
            f"console=ttyS0 reboot=t panic=-1 rootfstype=ext4 {root} quiet {append}"]


def microvm(disk, append, mode="rw", rtc="on"):
    """Without an RTC, its default, Debian's kernel asks the missing one 20,000 times."""
    drive = f"file={disk},format=raw,if=none,id=disk" + (",readonly=on" if mode == "ro" else "")
    return qemu(f"microvm,x-option-roms=off,pit=off,pic=off,rtc={rtc}", f"root=/dev/vda {mode}", append, "-m", MEMORY,
                "-drive", drive, "-device", "virtio-blk-device,drive=disk")


def q35(disk, append):
    return qemu("q35", "root=/dev/pmem0 rw rootflags=dax=always", append, "-m", MEMORY + ",slots=2,maxmem=4G",
                "-object", f"memory-backend-file,id=mem1,share=on,mem-path={disk},size={DISK_BYTES}", "-device", "virtio-pmem-pci,memdev=mem1")


def _libarchive():
    """mvmm opens it by itself to look inside kernels; as a program, so that its own libraries are taken along."""
    path = re.search(r"libarchive\.so\.13 .* => (\S+)", run(["/sbin/ldconfig", "-p"])).group(1)
    shutil.copy(path, SCRATCH + "/libarchive.so.13")
    os.chmod(SCRATCH + "/libarchive.so.13", 0o755)
    return SCRATCH + "/libarchive.so.13:" + path


def inside(script, contenders, what):
    """Runs tests/bench/SCRIPT in the emulated host, counting instructions, with each of {name: command} as a file; its output's lines."""
    directory = stage()
    shutil.rmtree(directory + "/contenders", ignore_errors=True)
    os.makedirs(directory + "/contenders")
    for name, command in contenders.items():
        with open(f"{directory}/contenders/{name}", "w") as f:
            f.write("exec " + shlex.join(command) + "\n")
    shutil.copy(f"{TOP}/tests/bench/{script}", directory)
    add = [directory + ":/stage", _libarchive(), "/usr/bin/qemu-system-x86_64:/usr/bin/qemu-system-x86_64", *(f"{file}:{file}" for file in FIRMWARE)]
    progress(what)
    options = [word for pair in add for word in ("--add", pair)]
    return run([TOP + "/scripts/host/emulated-host", "--icount", "--timeout", "600", *options, "--", "sh", "/stage/" + script, "/stage"],
               timeout=700).splitlines()
