# SPDX-License-Identifier: BSD-3-Clause
"""The driver of fed-failover.sh."""
import sys
import threading
import time

from sippeer import ENV, Lab, Server, Time, busy, link, ok, reply, request, wait_until

lab = Lab()
wrong = 0
P, I = ENV["LAB_PARTNER4"], ENV["LAB_INSIDE4"]
OUT = {"frm": "bob@contoso.test", "to": "alice@fabrikam.test"}


def must(what, good, seen=""):
    global wrong
    print(f"{'ok   ' if good else 'WRONG'} {what} {seen}", flush=True)
    wrong += not good


def ask(who, seconds=8.0, l=None, **more):
    """status and how long it took"""
    l = l or link(who, who)
    at = time.monotonic()
    l.send(request(**more))
    m = l.final(seconds)
    return (m.status if m else None), time.monotonic() - at


def cut(m, l):  # takes the request, then is gone
    l.close(hard=True)
    l.end = True


second, first_pool = Server("partner", P, 5064, "partner"), Server("inside", I, 5061, "inside")
status, took = ask("inside", **OUT)
must("the first of two SRV targets refuses: the next within a second", status == 200 and took < 1 * busy(), f"{status} {took:.3f} s")
status, took = ask("inside", **OUT)
must("and at once from then on", status == 200 and took < 0.3 * busy(), f"{status} {took:.3f} s")
status, took = ask("inside", 12, frm="bob@contoso.test", to="x@hole.test")
must("the first target never answers: the next within a second", status == 200 and took < 1.2 * busy(), f"{status} {took:.3f} s")
status, took = ask("inside", frm="bob@contoso.test", to="x@hole.test")
must("and at once from then on", status == 200 and took < 0.3 * busy(), f"{status} {took:.3f} s")

first = Server("partner", P, 5061, "partner", lambda m, l: reply(m, 503, "No", "Retry-After: 5\r\n"))
patience = Time(20)
status = None
while not first.got and patience.left():  # until its pause is over
    status, took = ask("inside", **OUT)
    time.sleep(0 if first.got else 0.3)
must("a 503 of the first: the next one is asked", first.got and status == 200 and took < 1 * busy(), f"{len(first.got)} {status} {took:.3f} s")
status, took = ask("inside", **OUT)
must("and the first not again for a while", len(first.got) == 1 and status == 200, f"{len(first.got)} {status}")
second.answer = lambda m, l: reply(m, 503, "No")
status, took = ask("inside", **OUT)
must("a 503 of both: 500", status == 500 and took < 1 * busy(), f"{status} {took:.3f} s")
second.answer = ok
first.answer = cut
time.sleep(5)
seen, before = [], len(first.got)
patience = Time(15)
while len(first.got) == before and patience.left():
    seen.append(ask("inside", 40, **OUT))
must("cut in the middle of a transaction: answered", len(first.got) > before and seen[-1][0] in (200, 504) and seen[-1][1] < 2 * busy(), f"{seen[-1:]}")
second.stop()
first.answer = lambda m, l: None
time.sleep(0.5)
l = link("inside", "inside")
got = {}


def wait_for_it():
    got["answer"] = ask("inside", 40, l=l, **OUT)


patience = Time(15)
while patience.left():
    before = len(first.got)
    t = threading.Thread(target=wait_for_it)
    t.start()
    wait_until(lambda: len(first.got) > before or not t.is_alive(), 10)
    if len(first.got) > before:
        break
    t.join(1)
at = time.monotonic()
first.stop()
t.join(10)
must("the partner goes while we wait for it: 504 at once", got.get("answer", (0,))[0] == 504 and time.monotonic() - at < 1.5 * busy(), f"{got} {time.monotonic() - at:.2f} s")

status, took = ask("partner")
must("the pool's first member serves", status == 200 and took < 1 * busy(), f"{status} {took:.3f} s")
other = Server("inside", I, 5071, "inside")
first_pool.stop()
results = [ask("partner") for _ in range(10)]
must("it dies: the other one within a second, nothing is lost", all(s == 200 and t < busy() for s, t in results) and len(other.got) >= 10, f"{results[:3]} {len(other.got)}")
first_pool = Server("inside", I, 5061, "inside")
patience = Time(15)
while not first_pool.got and patience.left():
    ask("partner")
    time.sleep(0.3)
must("it comes back: it is used again", bool(first_pool.got))
other.stop()
first_pool.stop()
time.sleep(0.2)
status, took = ask("partner", 40)
must("nobody is left: 504, soon", status == 504 and took < 5 * busy(), f"{status} {took:.3f} s")
wait_until(lambda: not lab.sum("proxy", "servers", "clients", "parked_now"))
left = [lab.sum("proxy", g) for g in ("servers", "clients", "parked_now")]
must("nothing is left waiting", left == [0, 0, 0], left)
sys.exit(wrong != 0)
