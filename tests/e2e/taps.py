# SPDX-License-Identifier: Apache-2.0
"""Taps, and what plays the host's end of one. Needs a network namespace of the suite's own. Start reading at tap and peer."""

import contextlib
import socket
import subprocess
import threading

TYPE = 0x88b5  # of the guest's frames: for experiments in one's own network
PACKET_OUTGOING = 4


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@contextlib.contextmanager
def tap(name="tap0", *more):
    """An interface as the manual has it made."""
    ip("tuntap", "add", "dev", name, "mode", "tap", *more)
    ip("link", "set", name, "up")
    try:
        yield name
    finally:
        subprocess.run(["ip", "link", "del", name], stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def peer(name, act):
    """Does act(socket) on the interface again and again, in a thread."""
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(TYPE))
    link.bind((name, TYPE))
    link.settimeout(0.1)
    over = threading.Event()

    def work():
        while not over.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                act(link)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield link
    finally:
        over.set()
        thread.join()
        link.close()


def answer(link):
    frame, where = link.recvfrom(65536)
    if where[2] != PACKET_OUTGOING:
        link.send(frame[6:12] + frame[:6] + frame[12:])
