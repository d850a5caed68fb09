# SPDX-License-Identifier: BSD-3-Clause
"""Transactions over bad lines, for fed-line.sh."""
import subprocess
import sys
import threading
import time

from sippeer import ENV, ROOT, Lab, Server, busy, link, name, request, wait_until

lab = Lab()
inside = Server("inside", ENV["LAB_INSIDE4"], 5061, "inside")
outside = Server("partner", ENV["LAB_PARTNER4"], 5061, "partner")
wrong = 0


def must(what, good, seen=""):
    global wrong
    if not good:
        wrong += 1
        print(f"WRONG {what}: {seen!r}")


def impair(spec):
    subprocess.run([ROOT + "/scripts/lab", "impair", "ext", spec], check=True, capture_output=True)


def user(who, messages, body, results):
    frm, to = ("alice@fabrikam.test", "bob@contoso.test") if who == "partner" else ("bob@contoso.test", "alice@fabrikam.test")
    l = None
    for i in range(messages):
        call = name("l")
        try:
            l = l or link(who, who, seconds=30)
            l.send(request(frm=frm, to=to, call=call, body=b"z" * (body if i % 2 else 10)))
            m = l.final(31)
            results.append(m and (m.status, m.get("Call-ID") == call))
        except OSError as e:
            results.append(repr(e))
            l = None


def load(what, users, messages, body=12000):
    results, begin = [], time.monotonic()
    threads = [threading.Thread(target=user, args=(("partner", "inside")[i % 2], messages, body, results)) for i in range(users)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    must(what, results == [(200, True)] * (users * messages), results)
    print(f"{what}: {len(results)} in {time.monotonic() - begin:.1f} s")


long = bool(ENV.get("SALLYPORT_TEST_LONG"))
load("a good line", 4, 4)
for spec in ("loss=5%,burst=2,dup=3%,reorder=10%,delay=5ms,corrupt=1%,seed=3", "dir=out,mtu=1000,seed=1", "dir=out,mtu=800,icmp4=198.18.1.1,seed=1",
             *(("loss=20%,seed=5", "loss=30%,seed=6") if long else ())):
    impair(spec)
    load(spec, 4, 10 if long else 4)
    impair("off")
load("a good line again", 4, 4)
must("the hole was found", wait_until(lambda: lab.sum("tcp", "blackholes") >= 1))

# nobody answers: the answer says so, at once while that is fresh
lab.apply(["-set sip-domain", "set sip-domain contoso.test identity main next-hop 198.18.2.77", "-set partner",
           "set partner fabrikam.test allow proxy-fqdn gone.fabrikam.test"])
cases = (("a pool that is not there", "partner", "alice@fabrikam.test", "bob@contoso.test", ""),
         ("a partner that is not there", "inside", "bob@contoso.test", "alice@fabrikam.test", "1046;"))
links = [link(c[1], c[1]) for c in cases]
for limit in (8.0, 0.8):
    begin = time.monotonic()
    for l, (what, who, frm, to, code) in zip(links, cases):
        l.send(request(frm=frm, to=to))
    for l, (what, who, frm, to, code) in zip(links, cases):
        m = l.final(10)
        took = time.monotonic() - begin
        must(f"{what}, {took:.1f} s", m and m.status == 504 and took < limit * busy() and code in m.get("ms-diagnostics"), m)
for l in links:
    l.close()
lab.apply([])
load("afterwards", 2, 2)
print(f"{wrong} wrong")
sys.exit(wrong != 0)
