# SPDX-License-Identifier: BSD-3-Clause
"""Floods beside a canary, for fed-flood.sh."""
import resource
import sys
import threading
import time

from sippeer import ENV, Lab, Server, Time, busy, link, ok, reply, request, wait_until

resource.setrlimit(resource.RLIMIT_NOFILE, (16000, 16000))
lab = Lab()
LONG = bool(ENV.get("SALLYPORT_TEST_LONG"))
wrong = 0
ringing, deaf = {}, threading.Event()


def must(what, good, seen=""):
    global wrong
    print(f"{'   ' if good else 'WRONG '}{what}")
    if not good:
        wrong += 1
        print(f"      {str(seen)[:1000]}")


def pool(m, l):
    """rings until it is cancelled; with `deaf` it stops reading"""
    while deaf.is_set():
        time.sleep(0.05)
    branch = m.all("Via")[0].split("branch=")[1].split(";")[0]
    if m.method == "INVITE":
        ringing[branch] = m
        return reply(m, 180, "Ringing")
    if m.method == "CANCEL":
        invite = ringing.pop(branch, None)
        return ok(m) + (reply(invite, 487, "Terminated") if invite else b"")
    return ok(m)


inside = Server("inside", ENV["LAB_INSIDE4"], 5061, "inside", pool)


def rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS"))


def counters():
    return lab.counters()["proxy"]["sum"]


class Canary(threading.Thread):
    """another partner, one message after the other"""

    def __init__(self):
        super().__init__(daemon=True)
        self.l, self.took, self.bad, self.ends = link("partner", "discovered"), [], [], False
        self.start()

    def run(self):
        while not self.ends:
            begin = time.monotonic()
            try:
                self.l.send(request(frm="carol@litware.test"))
                m = self.l.final(15)
            except OSError as e:
                self.bad.append(repr(e))
                return
            self.took.append(time.monotonic() - begin)
            if not m or m.status != 200:
                self.bad.append(m and m.start)
                if not m:
                    return
            time.sleep(0.02)

    def sings(self, what, longest):
        self.ends = True
        self.join(16)
        self.l.close()
        took = sorted(self.took)
        usual, worst = took[len(took) // 2] * 1000, took[-1] * 1000
        must(f"{what}: the canary: {len(took)} messages, median {usual:.1f} ms, worst {worst:.0f} ms", not self.bad and worst < longest * 1000 * busy(), self.bad[:5])


canary = Canary()
time.sleep(1)
canary.sings("at rest", 1.0)
box, control = lab.pid(), lab.pid("control")
control_at_rest = rss(control)


def cut(n):
    """calls over connections that are cut (AST-2018-005, CVE-2020-28327)"""
    canary = Canary()
    for _ in range(n):
        l = link("partner", "partner")
        l.send(b"".join(request("INVITE", to="someone@contoso.test") for _ in range(10)))
        l.close(hard=True)
    canary.sings(f"{n} clients with ten INVITEs each, cut", 1.0)
    must("what rang is cancelled", wait_until(lambda: not ringing, 20), len(ringing))


cut(1000 if LONG else 150)

# ---- more INVITEs than the pool reads, over ten connections ----
before, canary = counters(), Canary()
time.sleep(0.2)
deaf.set()
links, answers = [link("partner", "partner") for _ in range(10)], {}


def greedy(l):
    try:
        for _ in range(50):
            l.send(b"".join(request("INVITE", to="someone@contoso.test", body="x" * 2000) for _ in range(20)))
            while m := l.recv(0.001):
                answers[m.status] = answers.get(m.status, 0) + 1
    except OSError:
        pass


threads = [threading.Thread(target=greedy, args=(l,)) for l in links]
for t in threads:
    t.start()
time.sleep(4)
wait_until(lambda: answers.get(503, 0) > 1000, 6)
deaf.clear()
for t in threads:
    t.join()
canary.sings("ten connections of INVITEs while the pool does not read", 14)
now = counters()
must("no connection to the pool was cut for it", now["links_closed_slow"] == before["links_closed_slow"] and now["lost_downstream"] == before["lost_downstream"],
     {k: v - before[k] for k, v in now.items() if v != before[k]})
must("the greedy one was told to come later", answers.get(503, 0) > 1000, answers)
for l in links:
    l.close(hard=True)
must("what rang is cancelled", wait_until(lambda: not ringing, 30, 0.5), len(ringing))
at_rest = rss(box)  # pools keep what they once touched, and need no more for the rest

# ---- bodies that are announced (sipgo GHSA-pg59) ----
canary, links = Canary(), []
before = rss(box)
n = 10000 if LONG else 400
for _ in range(n):
    l = link("partner", "partner")
    l.send(request(length=False, body="", extra="Content-Length: 1048576\r\n") + b"x" * 100)
    links.append(l)
must(f"{n} bodies of 1 MiB announced: {rss(box) - before} kB more", rss(box) - before < n * 8 + 4096)
huge = 0
for _ in range(50):
    l = link("partner", "partner")
    l.send(request(length=False, body="", extra="Content-Length: 4294967295\r\n"))
    m = l.final(3)
    huge += bool(m) and m.status == 413 and l.closed(3)
    l.close()
must("4 GiB announced: 413 and the end", huge == 50, huge)
canary.sings("bodies announced", 1.0)
for l in links:
    l.close(hard=True)

# ---- unknown domains, and nobody at the name server ----
lab.apply(["set federation partner-discovery yes", "-set dns server", "set dns server 198.18.9.77"])
canary, statuses, l = Canary(), {}, link("partner", "wrong-name")
for i in range(200):
    l.send(b"".join(request(frm=f"eve@d{i}-{k}.test") for k in range(25)))
    while m := l.recv(0.002):
        statuses[m.status] = statuses.get(m.status, 0) + 1
patience = Time(15)
while sum(statuses.values()) < 5000 and not l.end and patience.left():
    if m := l.recv(1):
        statuses[m.status] = statuses.get(m.status, 0) + 1
must("each of 5,000 senders is answered", sum(statuses.values()) == 5000 and set(statuses) <= {503, 504}, statuses)
canary.sings("5,000 unknown domains without DNS", 1.0)
l.close()
lab.apply([])

# ---- and then ----
cut(150)
must("no half message is kept", wait_until(lambda: not [x for x in lab.shell("show", "peers").splitlines()[1:] if "fabrikam" in x], 10), lab.shell("show", "peers"))
grown, control_grown = rss(box) - at_rest, rss(control) - control_at_rest
must(f"memory: {grown} kB more, control {control_grown} kB", grown < 12 << 10 and control_grown < 32 << 10)
sys.exit(wrong != 0)
