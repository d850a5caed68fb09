# SPDX-License-Identifier: BSD-3-Clause
"""The driver of spoof.sh: a third station on the outer segment, between the partner and the box."""
import os
import socket
import struct
import subprocess
import sys
import threading
import time

from sippeer import ENV, HOME, Lab, Load, Server, busy, enter, wait_until

lab = Lab()
wrong = 0
ALL = b"\xff" * 6
EVIL = bytes.fromhex("02eeeeeeee01")
BOX4, BOX6 = ENV["LAB_BOX_EXT4"], ENV["LAB_BOX_EXT6"]
GATEWAY, PARTNER, POOL = ENV["LAB_INET4"], ENV["LAB_PARTNER4"], ENV["LAB_INSIDE4"]


def must(what, good, seen=""):
    global wrong
    print(f"{'ok   ' if good else 'WRONG'} {what} {seen}", flush=True)
    wrong += not good


def station(who):
    """a packet socket on the outer segment, in promiscuous mode"""
    fd = os.open(f"/run/netns/{ENV['LAB']}-{who}", os.O_RDONLY)
    try:
        enter(fd)
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind(("eth0", 0))
        s.setsockopt(263, 1, struct.pack("iHH8s", socket.if_nametoindex("eth0"), 1, 0, b""))  # SOL_PACKET, PACKET_ADD_MEMBERSHIP, promiscuous
        return s
    finally:
        enter(HOME)
        os.close(fd)


def arp(op, mac, ip, to_mac=ALL, to_ip=None):
    return (to_mac + mac + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, op) + mac + socket.inet_aton(ip)
            + (to_mac if op == 2 else b"\0" * 6) + socket.inet_aton(to_ip or ip))


def advertisement(mac, ip, flags=0x20000000, to_mac=b"\x33\x33\0\0\0\1", to="ff02::1"):
    source, target = socket.inet_pton(socket.AF_INET6, ip), socket.inet_pton(socket.AF_INET6, to)
    na = struct.pack("!BBHI", 136, 0, 0, flags) + source + b"\2\1" + mac
    total = sum(struct.unpack(f"!{(40 + len(na)) // 2}H", source + target + struct.pack("!II", len(na), 58) + na))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    na = na[:2] + struct.pack("!H", ~total & 0xFFFF) + na[4:]
    return to_mac + mac + b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, len(na), 58, 255) + source + target + na


class Thief(threading.Thread):
    """answers each question of the box's for another one's address, and counts what comes to it"""

    def __init__(self, sock, box):
        super().__init__(daemon=True)
        self.sock, self.box, self.caught, self.answered, self.ends = sock, box, [], 0, False

    def run(self):
        self.sock.settimeout(0.2)
        while not self.ends:
            try:
                f = self.sock.recv(2048)
            except TimeoutError:
                continue
            if f[6:12] != self.box:
                continue
            if f[:6] == EVIL and f[12:14] in (b"\x08\0", b"\x86\xdd") and not (f[12:14] == b"\x86\xdd" and f[20] == 58):
                self.caught.append(f)
            elif f[12:14] == b"\x08\x06" and f[20:22] == b"\0\1" and f[28:32] != f[38:42]:  # a question, no announcement
                self.answered += 1
                self.sock.send(arp(2, EVIL, socket.inet_ntoa(f[38:42]), self.box, BOX4))
            elif f[12:14] == b"\x86\xdd" and f[20] == 58 and f[54] == 135:
                self.answered += 1
                self.sock.send(advertisement(EVIL, socket.inet_ntop(socket.AF_INET6, f[62:78]), 0x60000000, self.box, BOX6))


def memory():
    with open(f"/proc/{lab.pid()}/status", encoding="ascii") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS")) // 1024


def pings(who, to, n=20):
    p = subprocess.run(["ip", "netns", "exec", f"{ENV['LAB']}-{who}", "ping", "-q", "-n", "-c", str(n), "-i", "0.01", "-W", "2", to],
                       capture_output=True, text=True, check=False)
    return f" {n} received" in p.stdout


Server("inside", POOL, 5061, "inside"), Server("partner", PARTNER, 5061, "partner")
loads = [Load("partner"), Load("inside")]
for x in loads:
    x.start()
sock = station("inet")
box = bytes.fromhex(subprocess.run(["ip", "netns", "exec", f"{ENV['LAB']}-inet", "sh", "-c",
                                    f"ping -c 1 -W 2 {BOX4} >/dev/null; ip neigh show {BOX4}"], capture_output=True, text=True,
                                   check=True).stdout.split("lladdr ")[1].split()[0].replace(":", ""))
time.sleep(1)
must("load before it", wait_until(lambda: all(len(x.good) > 20 for x in loads)) and not any(x.bad for x in loads))
# of two that answer for somebody who is not known yet, nobody can tell which one it is
# nor is an address ours before it was probed (RFC 5227): who speaks against it then has it
time.sleep(8)
must("all are known", all(pings(w, a, 3) for w in ("partner", "inet") for a in (BOX4, BOX6)))
thief = Thief(sock, box)
thief.start()

# unasked, once and again: the way out, the partner, the pool's address, and the box's own
before = lab.sum("net", "neigh_moved")
for _ in range(3):
    for ip in (GATEWAY, PARTNER, POOL):
        for op in (1, 2):
            sock.send(arp(op, EVIL, ip))
        sock.send(arp(2, EVIL, ip, box, BOX4))
    for ip in (ENV["LAB_PARTNER6"], ENV["LAB_INET6"], ENV["LAB_INSIDE6"]):
        sock.send(advertisement(EVIL, ip))
        sock.send(advertisement(EVIL, ip, 0x60000000, box, BOX6))
    # not to everybody: others would believe it of the box
    for op in (1, 2):
        sock.send(arp(op, EVIL, BOX4, box))
    sock.send(advertisement(EVIL, BOX6, 0x20000000, box))
    time.sleep(1)
must("unasked: nobody is believed to have moved", lab.sum("net", "neigh_moved") == before, lab.sum("net", "neigh_moved"))
must("and nothing goes there", not thief.caught, len(thief.caught))
must("the box keeps its address", pings("partner", BOX4) and pings("partner", BOX6))
must("the pool is inside", pings("inside", ENV["LAB_BOX_INT4"]))

# a flood: 60,000 claims, each from another station, for what we know and for what we do not
at, rss, bad = time.monotonic(), memory(), [len(x.bad) for x in loads]
for i in range(60000):
    mac = b"\x02\xee" + struct.pack("!I", i)
    ip = (GATEWAY, PARTNER, POOL)[i % 3] if i % 2 else f"198.18.1.{i % 250 + 1}"
    sock.send(arp(1 + i % 2, mac, ip, box if i % 5 else ALL, BOX4))
    if i % 10 == 0:
        sock.send(advertisement(mac, (ENV["LAB_PARTNER6"], f"2001:db8:1::{i:x}")[i % 20 == 0], 0x60000000, box, BOX6))
    if i % 500 == 0:
        time.sleep(0.01)
must("a flood of 60,000 stations", True, f"{time.monotonic() - at:.1f} s")
must("nobody has moved", lab.sum("net", "neigh_moved") == before)
must("nobody known is forgotten", lab.sum("net", "neigh_evicted") == 0, lab.sum("net", "neigh_evicted"))
must("memory as before", memory() - rss < 16, f"{rss} MiB, {memory()} MiB")
must("and nothing went to them", not thief.caught, len(thief.caught))

# for longer than anything is remembered unverified: whoever is asked for is answered for by the thief as well
end = time.monotonic() + 45
while time.monotonic() < end:
    for ip in (GATEWAY, PARTNER, POOL):
        sock.send(arp(2, EVIL, ip, box, BOX4))
    time.sleep(0.05)
must("who is verified in time stays where he is, whoever else answers", lab.sum("net", "neigh_moved") == before and not thief.caught,
     f"{thief.answered} questions answered by the thief, {len(thief.caught)} frames caught")
for x in loads:
    x.stop()
    pause = max((b - a for a, b in zip(x.good, x.good[1:])), default=99)
    must(f"{x.who}: no message is lost", not x.bad, f"{len(x.good)} answered, {x.bad[:2]}, longest pause {pause:.2f} s")
thief.ends = True
sys.exit(wrong != 0)
