# SPDX-License-Identifier: Apache-2.0
"""A file whose storage answers when a test says so: a FUSE mount on a file, served by a thread of the test. Needs a mount namespace
of its own. Start reading at SlowFile."""

import ctypes
import errno
import os
import struct
import subprocess
import threading

GETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT = 3, 14, 15, 16, 17, 18, 20, 25, 26
# Those that nobody waits for: FORGET, INTERRUPT, BATCH_FORGET.
UNANSWERED = {2, 36, 42}
HEADER = struct.Struct("<IIQQIIIHH")


class SlowFile:
    """A file of zeros at `where`. From hold() on its reads wait, until release()."""

    def __init__(self, where, size):
        self.where = where
        self.content = bytearray(size)
        self.lock = threading.Lock()
        self.holding = False
        self.held = []
        with open(where, "wb"):
            pass
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.fd},rootmode=100000,user_id={os.getuid()},group_id={os.getgid()}"
        if ctypes.CDLL(None, use_errno=True).mount(b"slow", where.encode(), b"fuse", 0, options.encode()) < 0:
            raise OSError(ctypes.get_errno(), "mount of FUSE")
        threading.Thread(target=self.serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()
        subprocess.run(["umount", "--lazy", self.where], check=True)

    def hold(self):
        with self.lock:
            self.holding = True

    def release(self):
        with self.lock:
            self.holding = False
            for unique, offset, size in self.held:
                self.answer(unique, self.content[offset:offset + size])
            self.held = []

    def waits(self):
        """Whether somebody waits for a page."""
        with self.lock:
            return bool(self.held)

    def answer(self, unique, data=b"", error=0):
        os.write(self.fd, struct.pack("<IiQ", 16 + len(data), -error, unique) + data)

    def serve(self):
        while True:
            try:
                request = os.read(self.fd, 1 << 20)
            except OSError as e:
                if e.errno == errno.ENODEV:  # unmounted
                    return
                continue
            _, operation, unique, *_ = HEADER.unpack_from(request)
            with self.lock:
                self.handle(operation, unique, request[HEADER.size:])

    def handle(self, operation, unique, body):
        if operation == INIT:
            major, minor, readahead, _ = struct.unpack_from("<IIII", body)
            self.answer(unique, struct.pack("<IIIIHHIIHHI28x", major, min(minor, 31), readahead, 0, 8, 8, 1 << 17, 1, 0, 0, 0))
        elif operation == GETATTR:
            self.answer(unique, struct.pack("<QII6Q10I", 3600, 0, 0, 1, len(self.content), len(self.content) // 512, 0, 0, 0,
                                            0, 0, 0, 0o100666, 1, os.getuid(), os.getgid(), 0, 4096, 0))
        elif operation == OPEN:
            self.answer(unique, struct.pack("<QII", 1, 0, 0))
        elif operation == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            if self.holding:
                self.held.append((unique, offset, size))
            else:
                self.answer(unique, self.content[offset:offset + size])
        elif operation == WRITE:
            _, offset, size = struct.unpack_from("<QQI", body)
            self.content[offset:offset + size] = body[40:40 + size]
            self.answer(unique, struct.pack("<II", size, 0))
        elif operation == STATFS:
            self.answer(unique, struct.pack("<5Q4I24x", 1 << 20, 1 << 20, 1 << 20, 0, 0, 4096, 255, 4096, 0))
        elif operation in (RELEASE, FSYNC, FLUSH):
            self.answer(unique)
        elif operation not in UNANSWERED:
            self.answer(unique, error=errno.ENOSYS)
