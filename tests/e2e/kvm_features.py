# SPDX-License-Identifier: Apache-2.0
"""What KVM shows a guest whatever it is told. KVM on hardware shows nothing of its own; one that interprets guests may show features
of the host's processor. Start reading at added_features."""

import ctypes
import fcntl
import mmap
import os
import struct

KVM_CREATE_VM, KVM_CREATE_VCPU, KVM_RUN = 0xAE01, 0xAE41, 0xAE80
KVM_SET_USER_MEMORY_REGION, KVM_SET_CPUID2, KVM_GET_SREGS, KVM_SET_SREGS = 0x4020AE46, 0x4008AE90, 0x8138AE83, 0x4138AE84
KVM_GET_REGS, KVM_SET_REGS = 0x8090AE81, 0x4090AE82
# In 16-bit mode: mov eax, 7; xor ecx, ecx; cpuid; hlt
CODE = bytes.fromhex("66b807000000" "6631c9" "0fa2" "f4")
REGS = struct.Struct("<18Q")  # struct kvm_regs
RBX, RFLAGS = 1, 17


def leaf_7_ebx(vcpu):
    """EBX of leaf 7 as a guest sees it whose CPUID has that leaf, empty."""
    leaf_0 = struct.pack("<10I", 0, 0, 0, 7, 0, 0, 0, 0, 0, 0)
    leaf_7 = struct.pack("<10I", 7, 0, 1, 0, 0, 0, 0, 0, 0, 0)
    fcntl.ioctl(vcpu, KVM_SET_CPUID2, struct.pack("<II", 2, 0) + leaf_0 + leaf_7)
    sregs = bytearray(0x138)
    fcntl.ioctl(vcpu, KVM_GET_SREGS, sregs)
    struct.pack_into("<QIH", sregs, 0, 0, 0xFFFF, 0)  # CS
    fcntl.ioctl(vcpu, KVM_SET_SREGS, bytes(sregs))
    fcntl.ioctl(vcpu, KVM_SET_REGS, REGS.pack(*[0] * RFLAGS, 2))
    fcntl.ioctl(vcpu, KVM_RUN, 0)
    regs = bytearray(REGS.size)
    fcntl.ioctl(vcpu, KVM_GET_REGS, regs)
    return REGS.unpack(regs)[RBX]


def added_features():
    """The bits of leaf 7's EBX that a guest of this KVM sees although it is given none."""
    kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    vm = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
    memory = mmap.mmap(-1, 4096)
    memory[:len(CODE)] = CODE
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(vm, KVM_SET_USER_MEMORY_REGION, struct.pack("<IIQQQ", 0, 0, 0, 4096, address))
    vcpu = fcntl.ioctl(vm, KVM_CREATE_VCPU, 0)
    ebx = leaf_7_ebx(vcpu)
    for fd in vcpu, vm, kvm:
        os.close(fd)
    return ebx
