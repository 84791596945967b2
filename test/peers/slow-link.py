#!/usr/bin/env python3
"""Two network namespaces and one long way between them, for kernels without netem.

    slow-link.py MILLISECONDS     every packet is late by this much, in each direction: a round trip takes twice that
    slow-link.py check            ends with status 0 where this can be done

Prints one path per namespace (for `nsenter --net=PATH`), each of which has a point-to-point device `wan0` that is still down.
A line `cut` on standard input drops whatever is under way and whatever comes, `heal` ends that; each is repeated on standard
output once it holds. The end of standard input ends the program, and namespaces and devices are gone with it.

The devices are TUN devices: the kernel hands over whole packets with their checksums, and there is no neighbour to look up.
"""
import collections
import ctypes
import fcntl
import os
import select
import struct
import sys
import time

DEVICE = b"wan0"
NEW_NETWORK = 0x40000000  # CLONE_NEWNET, sched.h
SET_INTERFACE = 0x400454CA  # TUNSETIFF, linux/if_tun.h
PACKETS_ONLY = 0x0001 | 0x1000  # IFF_TUN | IFF_NO_PI
PACKET_BYTES = 65_535
UNDER_WAY = 20_000  # packets; more than that are lost, as at any full router

libc = ctypes.CDLL(None, use_errno=True)


def new_network():
    """Enters a namespace of its own; its descriptor, and that of the device in it."""
    if libc.unshare(NEW_NETWORK) != 0:
        sys.exit(f"slow-link: no network namespace: {os.strerror(ctypes.get_errno())}")
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, SET_INTERFACE, struct.pack("16sH22x", DEVICE, PACKETS_ONLY))
    return namespace, device


class Link:
    def __init__(self, left, right, delay_seconds):
        self.other = {left: right, right: left}
        self.delay_seconds = delay_seconds
        self.under_way = collections.deque()
        self.cut = False

    def take(self, device):
        """Reads what is there; the delay counts from here, so that it is never shorter than promised."""
        while True:
            try:
                packet = os.read(device, PACKET_BYTES)
            except OSError:  # nothing more, or the device is down
                return
            if not self.cut and len(self.under_way) < UNDER_WAY:
                self.under_way.append((time.monotonic() + self.delay_seconds, self.other[device], packet))

    def deliver(self):
        """Hands over what is due; seconds until the next packet is, None without one."""
        while self.under_way:
            due, device, packet = self.under_way[0]
            wait = due - time.monotonic()
            if wait > 0:
                return wait
            self.under_way.popleft()
            try:
                os.write(device, packet)
            except OSError:
                pass  # lost: a device that is down takes nothing
        return None

    def obey(self, word):
        self.cut = word == "cut"
        if self.cut:
            self.under_way.clear()
        print(word, flush=True)


def run(delay_seconds):
    (left, left_device), (right, right_device) = new_network(), new_network()
    link = Link(left_device, right_device, delay_seconds)
    for namespace in (left, right):
        print(f"/proc/{os.getpid()}/fd/{namespace}", flush=True)
    words = b""
    while True:
        readable, _, _ = select.select([0, left_device, right_device], [], [], link.deliver())
        for device in readable:
            if device != 0:
                link.take(device)
                continue
            heard = os.read(0, 4_096)
            if heard == b"":
                return
            *lines, words = (words + heard).split(b"\n")
            for line in lines:
                link.obey(line.decode())


if sys.argv[1] == "check":
    try:
        new_network(), new_network()
    except OSError as error:
        sys.exit(f"slow-link: no TUN device: {error}")
else:
    run(float(sys.argv[1]) / 1_000)
