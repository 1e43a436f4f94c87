# SPDX-License-Identifier: Apache-2.0
"""The machine that the figures are from. Read describe."""

import os
import platform
import re
import subprocess


def _first(pattern, path):
    with open(path) as f:
        match = re.search(pattern, f.read())
    return match.group(1) if match else "unknown"


def _kvm():
    """What kind of KVM this is, in scripts/host/kvm-kind's words."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts/host/kvm-kind")
    return subprocess.run([script], capture_output=True, text=True).stdout.strip() or "unknown"


def _version(command):
    try:
        lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    except FileNotFoundError:
        return "not installed"
    return lines[0] if lines else "unknown"


def describe():
    return {
        "CPU": _first(r"model name\s*: (.*)", "/proc/cpuinfo"),
        "CPUs": str(os.cpu_count()),
        "memory": f"{int(_first(r'MemTotal: *([0-9]+)', '/proc/meminfo')) >> 20} GiB",
        "kernel": platform.release(),
        "KVM": _kvm(),
        "QEMU": _version(["qemu-system-x86_64", "--version"]),
        "mvmm": _version(["git", "describe", "--always", "--dirty"]),
    }
