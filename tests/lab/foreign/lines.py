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


def hopeless(spec, n=36):
    """what crosses is luck; nobody may be left waiting, and nothing may stay behind"""
    results = []

    def ask(i):
        call, at = name("h"), time.monotonic()
        try:
            time.sleep(i * 0.5)
            l, at = link("inside", "inside", seconds=30), time.monotonic()
            l.send(request("INVITE" if i % 3 == 0 else "MESSAGE", frm="bob@contoso.test", to="alice@fabrikam.test", call=call, body=b"z" * 600))
            m = l.final(40, call)
            results.append((m.status if m else 0, round(time.monotonic() - at, 1)))
        except OSError as e:
            results.append((repr(e), round(time.monotonic() - at, 1)))

    impair(spec)
    threads = [threading.Thread(target=ask, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    impair("off")
    at = time.monotonic()
    l, status = link("inside", "inside"), 0
    while status != 200 and time.monotonic() - at < 10 * busy():
        call = name("g")
        l.send(request(frm="bob@contoso.test", to="alice@fabrikam.test", call=call))
        m = l.final(8, call)
        status = m.status if m else 0
        time.sleep(0.1)
    must(f"{spec}: a good line is found at once", status == 200 and time.monotonic() - at < 3 * busy(), time.monotonic() - at)
    print(f"{spec}: {sum(s == 200 for s, _ in results)} of {n} end well; {sorted(results, key=str)}")
    must(spec, all(s in (200, 408, 504, 503) and t < 33 * busy() for s, t in results) and len(results) == n, sorted(results, key=str))


long = bool(ENV.get("SALLYPORT_TEST_LONG"))
load("a good line", 4, 4)
for spec in ("loss=5%,burst=2,dup=3%,reorder=10%,delay=5ms,corrupt=1%,seed=3", "dir=out,mtu=1000,seed=1", "dir=out,mtu=800,icmp4=198.18.1.1,seed=1",
             *(("loss=20%,seed=5", "loss=30%,seed=6") if long else ())):
    impair(spec)
    load(spec, 4, 10 if long else 4)
    impair("off")
if long:
    hopeless("loss=50%,seed=7")
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
if long:
    left = []
    for _ in range(80):
        left = [lab.sum("proxy", g) for g in ("servers", "clients", "parked_now")]
        if left == [0, 0, 0]:
            break
        time.sleep(0.5)
    must("nothing is left waiting", left == [0, 0, 0], left)
print(f"{wrong} wrong")
sys.exit(wrong != 0)
