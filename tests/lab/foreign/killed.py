# SPDX-License-Identifier: BSD-3-Clause
"""The driver of fed-killed.sh: peers on both sides and load; what is to be killed is asked of the script."""
import re
import sys
import time

from sippeer import ENV, Call, Lab, Load, Server, busy, link, name, request, wait_until

lab = Lab()
ask, told = open(sys.argv[1], "w", encoding="utf-8"), open(sys.argv[2], encoding="utf-8")
wrong = 0


def do(word):
    print(word, file=ask, flush=True)
    if told.readline().strip() != word:
        raise SystemExit("FAILED: the script is gone")


def must(what, good, seen=""):
    global wrong
    print(f"{'ok   ' if good else 'WRONG'} {what} {seen}", flush=True)
    wrong += not good


ALICE, BOB = "alice@fabrikam.test", "bob@contoso.test"
ENDS = {"partner": (ALICE, BOB), "inside": (BOB, ALICE)}
MOVED = "sip:bob@10.9.9.9:5070;transport=tls"
servers = {"inside": Server("inside", ENV["LAB_INSIDE4"], 5061, "inside"), "partner": Server("partner", ENV["LAB_PARTNER4"], 5061, "partner")}


def back(to, first, method, contact="", **more):
    """from who got `first`, the request that began a dialog, to who sent it: the status, True where none is due and it arrived; None"""
    who = "inside" if to == "partner" else "partner"
    l, at = link(who, who), time.monotonic()
    routes = "".join(f"Route: {r}\r\n" for r in first.all("Record-Route"))
    uri, tag = (re.search(pattern, first.get(field))[1] for field, pattern in (("Contact", "<([^>]*)>"), ("From", ";tag=([^;]*)")))
    contact = contact and f"Contact: <{contact}>\r\n"
    l.send(request(method, *ENDS[who], uri=uri, call=first.get("Call-ID"), ftag="peer", ttag=tag, cseq=int(at * 1000) % 2**31, body=b"",
                   extra=routes + contact + more.get("extra", "")))
    if method == "BENOTIFY":
        return bool(servers[to].wait(lambda m: m.method == method and m.get("Call-ID") == first.get("Call-ID"), 3)) or None
    m = l.final(5)
    return m.status if m else None


class Subscription:
    """a dialog that SUBSCRIBE begins"""

    def __init__(self, who):
        self.who, self.cseq = who, 1
        frm, to = ENDS[who]
        self.same = {"frm": frm, "to": to, "call": name("s"), "ftag": name("t"), "body": b""}
        l = link(who, who)
        l.send(request("SUBSCRIBE", **self.same, extra="Event: presence\r\nExpires: 3600\r\n"))
        m = l.final(5)
        self.up = bool(m) and m.status == 200
        there = servers["inside" if who == "partner" else "partner"]
        self.first = there.wait(lambda m: m.method == "SUBSCRIBE" and m.get("Call-ID") == self.same["call"])
        if self.up:
            self.same.update(uri=re.search("<([^>]*)>", m.get("Contact"))[1], ttag=re.search(";tag=([^;]*)", m.get("To"))[1])
            self.routes = "".join(f"Route: {r}\r\n" for r in reversed(m.all("Record-Route")))

    def notified(self, method="NOTIFY"):
        contact = "sip:bob@contoso.test;gr=1" if self.who == "partner" else "sip:alice@198.18.1.10:5061;transport=tls"
        return back(self.who, self.first, method, contact, extra="Event: presence\r\nSubscription-State: active;expires=3000\r\n")

    def refreshed(self, expires=3600):
        self.cseq += 1
        l = link(self.who, self.who)
        l.send(request("SUBSCRIBE", **self.same, cseq=self.cseq, extra=f"{self.routes}Event: presence\r\nExpires: {expires}\r\n"))
        m = l.final(5)
        return m.status if m else None


inward, outward = Call("partner"), Call("inside")
watching = [Subscription("partner"), Subscription("inside")]
must("subscriptions both ways", all(s.up and s.notified() == 200 for s in watching))
handed_on = Call("partner")
first = servers["inside"].wait(lambda m: m.get("Call-ID") == handed_on.same["call"])
handed_on.same["uri"] = MOVED
must("a Contact that has not moved", handed_on.send("INFO") == 403)
must("it moves", back("partner", first, "UPDATE", MOVED) == 200 and handed_on.send("INFO") == 200)
must("calls both ways", inward.up and outward.up, f"{inward.answer!r} {outward.answer!r}" if not (inward.up and outward.up) else "")
loads = [Load("partner"), Load("partner"), Load("inside")]
for x in loads:
    x.start()
time.sleep(1)
wait_until(lambda: all(len(x.good) > 20 for x in loads))
must("load", all(len(x.good) > 20 for x in loads) and not any(x.bad for x in loads), [(len(x.good), x.bad[:2]) for x in loads])

do("control-stop")
killed = time.monotonic()
do("box-kill")
again = [wait_until(lambda x=x: next((t for t in x.good if t > killed + 0.05), None), 6) for x in loads]
gap = max((t or killed + 99) - max(s for s in x.good if s < killed + 0.05) for t, x in zip(again, loads))
must("killed under load without control: serves again in less than 2 s", gap < 2 * busy(), f"{gap:.2f} s")
l = link("partner", "blocked")
l.send(request(frm="eve@blocked.test"))
m = l.final()
must("by the same policy", m and m.status == 403, m.start if m else "")
p, i = link("partner", "partner"), link("inside", "inside")
must("dialogs of before go on", inward.send("INFO", p) == 200 and outward.send("INFO", i) == 200)
must("the Contact that moved is followed still", handed_on.send("INFO", p) == 200 and handed_on.send("BYE", p) == 200)
handed_on.same["uri"] = "sip:bob@10.9.9.8:5070;transport=tls"
must("and no other", handed_on.send("BYE", p) == 403)
seen = [[s.notified(), s.notified("BENOTIFY"), s.refreshed(), s.refreshed(0), s.notified()] for s in watching]
must("subscriptions of before: NOTIFY, BENOTIFY, refresh, end", seen == [[200, True, 200, 200, 200]] * 2, seen)
must("and end: BYE passes", inward.send("BYE", p) == 200 and outward.send("BYE", i) == 200)

do("control-start")
time.sleep(0.5)
marks = [(len(x.good), len(x.bad)) for x in loads]
at = time.monotonic()
do("control-kill")
time.sleep(1.5)
lost = [len(x.bad) - b for x, (g, b) in zip(loads, marks)]
pause = max(max((b - a for a, b in zip(x.good, x.good[1:]) if b > at), default=9) for x in loads)
must("control killed: traffic does not notice", not any(lost) and pause < 0.5 * busy(), f"{lost} lost, longest pause {pause:.3f} s")
do("control-start")

for x in loads:
    x.stop()
call, out = Call("partner"), Call("inside")
must("calls before the block", call.up and out.up)
at = time.monotonic()
lab.shell("block", "fabrikam.test")
cut = wait_until(lambda: call.send("INFO") in (403, None), 3, 0.02)
took = time.monotonic() - at
must("an emergency block cuts a live dialog within a second", cut and took < busy(), f"{took:.2f} s")
must("the other way too", out.send("INFO") == 403)
must("the blocked connection is closed within a second", call.link.closed(max(0.1, 1.3 - (time.monotonic() - at))), f"{time.monotonic() - at:.2f} s")
p = link("partner", "partner")
must("BYE passes", call.send("BYE", p) == 200)
must("BYE passes, the other way", out.send("BYE") == 200)
lab.shell("unblock", "fabrikam.test")


def works():
    l = link("partner", "partner")
    l.send(request())
    m = l.final(3)
    l.close()
    return m and m.status == 200


must("unblock restores", wait_until(works, 3))
call = Call("partner")
must("and calls", call.up and call.send("INFO") == 200 and call.send("BYE") == 200)
ask.close()
sys.exit(wrong != 0)
