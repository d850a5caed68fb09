# SPDX-License-Identifier: BSD-3-Clause
"""Jumps of the time of day, for fed-clock.sh."""
import struct
import sys
import threading
import time

from sippeer import ENV, Call, Lab, Server, Time, busy, link, ok, request

lab = Lab()
wrong = 0
HOUR, DAY, YEAR = 3600, 86400, 86400 * 365


def must(what, good, seen=""):
    global wrong
    if not good:
        wrong += 1
        print(f"WRONG {what}: {seen!r}")


def jump(seconds):
    with open(ENV["CLOCK_SHIM"], "r+b") as f:
        f.write(struct.pack("q", seconds))
    time.sleep(0.7)


inside = Server("inside", ENV["LAB_INSIDE4"], 5061, "inside", lambda m, l: None if "silent" in m.start else ok(m))
outside = Server("partner", ENV["LAB_PARTNER4"], 5061, "partner")
partner, pool = link("partner", "partner"), link("inside", "inside")
inward, outward = Call("partner"), Call("inside")
must("calls", inward.up and outward.up)


def newcomer():
    try:
        l = link("partner", "partner")
        l.send(request())
        m = l.final(4)
        l.close()
        return m is not None and m.status == 200
    except OSError:
        return False


def all_is_well(what, new):
    partner.send(request())
    m = partner.final(5)
    must(f"{what}: a message in", m and m.status == 200, m)
    pool.send(request(frm="bob@contoso.test", to="alice@fabrikam.test"))
    m = pool.final(5)
    must(f"{what}: a message out", m and m.status == 200, m)
    must(f"{what}: in the partner's dialog", inward.send() == 200)
    must(f"{what}: in ours", outward.send() == 200)
    patience = Time(6)  # who reads the clock does so now and then
    while (got := newcomer()) != new and patience.left():
        time.sleep(0.3)
    must(f"{what}: a newcomer gets in: {new}", got == new)
    must(f"{what}: the shell answers", "alive" in lab.shell("show", "status"))


all_is_well("before", True)
waiting = link("partner", "partner")
waiting.send(request("INVITE", to="silent@contoso.test"))
begin = time.monotonic()
ended = []


def wait_for_it():
    """what came, and when: all of the jumps may take longer than the timer"""
    patience = Time(60)
    while not ended and (left := patience.left()):
        if (m := waiting.recv(left)) and m.status >= 200:
            ended.append((m, time.monotonic() - begin))


listener = threading.Thread(target=wait_for_it)
listener.start()
for what, seconds, new in (("an hour on", HOUR, True), ("an hour back", -HOUR, True), ("30 years on", 30 * YEAR, False), ("20 years back", -20 * YEAR, False), ("right again", 0, True)):
    jump(seconds)
    all_is_well(what, new)
# timer B ran through all of that: 32 s, not one more or less
listener.join()
m, took = (ended or [(None, 0)])[0]
must(f"timer B after {took:.1f} s", m and m.status == 408 and 31 < took < 32 + 4 * busy(), m)
all_is_well("at the end", True)
print(f"{wrong} wrong")
sys.exit(wrong != 0)
