# SPDX-License-Identifier: BSD-3-Clause
"""Peers that stand still, for fed-stuck.sh: who takes no byte, who loses its power, who stops within a record."""
import socket
import ssl
import subprocess
import sys
import threading
import time

from sippeer import ENV, Lab, Load, Server, busy, context, link, name, ok, request, socket_in, wait_until

lab = Lab()
wrong = 0
lock = threading.Lock()
P = ENV["LAB_PARTNER4"]
DEAF, DEAD = "198.18.1.12", "198.18.1.11"


def must(what, good, seen=""):
    global wrong
    with lock:
        print(f"{'ok   ' if good else 'WRONG'} {what} {seen}", flush=True)
        wrong += not good


def ip(*words):
    subprocess.run(["ip", "netns", "exec", f"{ENV['LAB']}-partner", "ip", *words], check=True)


def memory():
    with open(f"/proc/{lab.pid()}/status", encoding="ascii") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS")) // 1024


def until(test, seconds):
    """no longer on a busy machine: what is waited for has its time in the test that follows"""
    end = time.monotonic() + seconds
    while not test() and time.monotonic() < end:
        time.sleep(0.1)


class Deaf:
    """accepts, shakes hands, and reads nothing"""

    def __init__(self, address, port):
        self.sock = socket_in("partner")
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.bind((address, port))
        self.sock.listen(64)
        self.links = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            s, _ = self.sock.accept()
            try:
                self.links.append(context("partner", True).wrap_socket(s, server_side=True))
            except OSError:
                pass


class Asker(threading.Thread):
    """requests over one link, one after the other without waiting; when each was asked and what came"""

    def __init__(self, to, every, n, body=20, method="MESSAGE"):
        super().__init__(daemon=True)
        self.to, self.every, self.n, self.body, self.method = to, every, n, body, method
        self.asked, self.told = {}, {}

    def run(self):
        l = link("inside", "inside")
        threading.Thread(target=self.hear, args=(l,), daemon=True).start()
        for _ in range(self.n):
            call = name("q")
            self.asked[call] = time.monotonic()
            l.send(request(self.method, frm="bob@contoso.test", to=self.to, call=call, body=b"z" * self.body))
            time.sleep(self.every)

    def hear(self, l):
        while not l.end:
            m = l.recv(60)
            if m and m.response and m.status >= 200:
                self.told[m.get("Call-ID")] = (m.status, time.monotonic(), m.get("ms-diagnostics"))

    def took(self, since=0.0):
        """(asked, status, seconds, ms-diagnostics) in the order of asking"""
        return [(at, self.told[c][0] if c in self.told else None, self.told[c][1] - at if c in self.told else None,
                 self.told[c][2] if c in self.told else "") for c, at in self.asked.items() if at >= since]

    def complete(self):
        return len(self.asked) == self.n and len(self.told) == self.n


def event(cause):
    return [x for x in lab.shell("show", "events", "200", check=False).splitlines() if cause in x]


def deaf():
    """zero window for good, while messages for it arrive"""
    Deaf(DEAF, 5061)
    asks = [Asker("x@deaf.test", 0.005, 200, 20000) for _ in range(2)]
    for a in asks:
        a.start()
    at = time.monotonic()
    until(lambda: all(a.complete() for a in asks), 60)
    took = [t for a in asks for t in a.took()]
    must("who takes no byte: everybody who asks for it is told, in less than 32 s",
         all(s in (503, 504) and t < 32 for _, s, t, _ in took) and len(took) == 400,
         f"{time.monotonic() - at:.1f} s; {sum(s is None for _, s, _, _ in took)} not at all; slowest {max((t or 99) for _, _, t, _ in took):.1f} s; "
         f"{sorted({(s, d[:5]) for _, s, _, d in took}, key=str)}")
    must("its connection is given up, with a reason", wait_until(lambda: event("takes nothing of what it is sent"), 20))


def dead(servers):
    """power lost at who is asked all the time; there is a second target"""
    a = Asker("x@dead.test", 0.1, 250)
    lone = Asker("x@lone.test", 0.1, 250)
    a.start(), lone.start()
    time.sleep(3)
    must("before it", all(s == 200 for _, s, _, _ in a.took()[:20] + lone.took()[:20]) and len(servers[0].got) > 10 and len(servers[1].got) > 10)
    ip("addr", "del", DEAD + "/32", "dev", "eth0")
    off = time.monotonic()
    a.join(), lone.join()
    until(lambda: a.complete() and lone.complete(), 40)
    took, alone = a.took(off), lone.took(off)
    slow = [round(t or 99, 1) for _, s, t, _ in took if s != 200 or t > 1]
    settled = max([at + (t or 99) for at, s, t, _ in took if s != 200 or t > 1] or [off]) - off
    must("power lost, another target: no request is lost", all(s == 200 for _, s, _, _ in took), f"{slow}")
    must("and the other one has them within seconds", settled < 6 * busy(), f"after {settled:.1f} s")
    must("power lost, nobody else: each is told, with a reason", all(s == 504 and t < 32 and d for _, s, t, d in alone),
         f"{sum(s is None for _, s, _, _ in alone)} not at all; {sorted({(s, d[:5]) for _, s, _, d in alone}, key=str)}; "
         f"slowest {max(t or 99 for _, _, t, _ in alone):.1f} s")
    for s in servers:  # it boots
        s.stop()
        for l in list(s.links):
            l.close(hard=True)
    time.sleep(0.3)
    ip("addr", "add", DEAD + "/32", "dev", "eth0")
    Server("partner", DEAD, 5071, "partner")

    def again():
        b = Asker("x@lone.test", 0, 1)
        b.start()
        wait_until(b.complete, 10)
        return b.took() and b.took()[0][1] == 200

    must("power is back: it is used again", wait_until(again, 70, 0.5))


def raw():
    """a client's session whose records are in our hand"""
    s = socket_in("partner")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(5 * busy())
    s.connect((ENV["LAB_BOX_EXT4"], 5061))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    o = context("partner").wrap_bio(incoming, outgoing, server_hostname=ENV["LAB_FQDN"])
    while True:
        try:
            o.do_handshake()
            s.sendall(outgoing.read())
            return s, o, outgoing, incoming
        except ssl.SSLWantReadError:
            s.sendall(outgoing.read())
            incoming.write(s.recv(16384))


def gone(s):
    s.settimeout(0)
    try:
        while True:
            if not s.recv(65536):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def half_record():
    """a record is begun and never ended"""
    s, o, outgoing, _ = raw()
    o.write(request())
    s.sendall(outgoing.read()[:100])
    at = time.monotonic()
    must("half a record and then nothing: closed", wait_until(lambda: gone(s), 45, 0.5), f"{time.monotonic() - at:.0f} s")


def half_read():
    """it asks and stops reading within an answer's record"""
    s, o, outgoing, _ = raw()
    s.settimeout(0.2)
    at, sent = time.monotonic(), 0
    try:
        for _ in range(20000):
            o.write(request("OPTIONS", uri="sip:" + ENV["LAB_FQDN"], extra="Subject: " + "x" * 1000 + "\r\n", body=b""))
            s.sendall(outgoing.read())
            sent += 1
            if sent == 1:
                s.recv(20)
    except OSError as e:
        why = type(e).__name__
    must("who asks and reads no answer: is read no more", sent < 20000, f"{sent} requests")
    closed = wait_until(lambda: subprocess.run(["ip", "netns", "exec", f"{ENV['LAB']}-partner", "ss", "-Htn", "state", "established",
                                                f"sport = :{s.getsockname()[1]}"], capture_output=True, check=True).stdout == b"", 50, 0.5)
    must("and cut off", closed, f"{time.monotonic() - at:.0f} s")


for address in (DEAF, DEAD):
    ip("addr", "add", address + "/32", "dev", "eth0")
Server("inside", ENV["LAB_INSIDE4"], 5061, "inside")
Server("partner", P, 5061, "partner"), Server("partner", P, 5064, "partner")
dying = [Server("partner", DEAD, 5061, "partner"), Server("partner", DEAD, 5071, "partner")]
loads = [Load("partner"), Load("inside")]
for x in loads:
    x.start()
time.sleep(2)
before = memory()
most, over = before, threading.Event()


def watch():
    global most
    while not over.wait(0.5):
        most = max(most, memory())


todo = [threading.Thread(target=f, args=a, daemon=True) for f, a in ((watch, ()), (deaf, ()), (dead, (dying,)), (half_record, ()), (half_read, ()))]
for t in todo:
    t.start()
for t in todo[1:]:
    t.join()
over.set()
for x in loads:
    x.stop()
    pause = max((b - a for a, b in zip(x.good, x.good[1:])), default=99)
    must(f"meanwhile the others ({x.who}) notice nothing", not x.bad and pause < busy(), f"{len(x.good)} answered, {len(x.bad)} not, longest pause {pause:.2f} s")
must("memory stays bounded", most - before < 128, f"{before} MiB, {most} MiB at most")


def left():
    return [lab.sum("proxy", g) for g in ("servers", "clients", "parked_now")]


must("nothing is left waiting", wait_until(lambda: left() == [0, 0, 0], 40, 0.5), left())
sys.exit(wrong != 0)
