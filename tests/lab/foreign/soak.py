# SPDX-License-Identifier: BSD-3-Clause
"""The driver of fed-soak.sh."""
import os
import random
import subprocess
import sys
import threading
import time

from sippeer import ENV, Call, Lab, Server, link, name, ok, reply, request, wait_until

SECONDS = float(ENV.get("FED_SECONDS") or 30)
seed = int(ENV.get("FED_SEED") or int(time.time()))
print(f"seed {seed}, {SECONDS:.0f} s", flush=True)
lab = Lab()
wrong, over = 0, threading.Event()
counts, lock = {}, threading.Lock()


def must(what, good, seen=""):
    global wrong
    print(f"{'ok   ' if good else 'WRONG'} {what} {seen}", flush=True)
    wrong += not good


def count(what):
    with lock:
        counts[what] = counts.get(what, 0) + 1


chance = random.Random(seed)


def moody(m, l):
    """a server with moods: it answers, late, badly, or goes"""
    with l.server.news:
        l.server.got.clear()  # an hour of them would be gigabytes
    x = chance.random()
    if m.method in ("ACK", "BENOTIFY"):
        return None
    if "carol@litware.test" in m.get("From"):  # SIPp counts
        return (reply(m, 180, "Ringing") if m.method == "INVITE" else b"") + ok(m)
    if x < 0.01 and m.method not in ("BYE",):
        l.close(hard=True)
        l.end = True
        return None
    if x < 0.02:
        return reply(m, chance.choice((404, 486, 500, 503, 603)))
    if x < 0.10:
        time.sleep(chance.random() * 0.05)
    if x < 0.20 and m.method == "INVITE":
        return reply(m, 180, "Ringing") + ok(m)
    return ok(m)


def memory():
    """kB that the dataplane has, without what it shares"""
    with open(f"/proc/{lab.pid()}/smaps_rollup", encoding="ascii") as f:
        return {w[0]: int(w[1]) for w in (x.split() for x in f) if len(w) == 3 and w[1].isdigit()}["Rss:"]


GAUGES = ("proxy.servers", "proxy.clients", "proxy.parked_now", "proxy.conns", "proxy.buffers", "tls.sessions", "tls.handshakes",
          "tcp.connections", "tcp.held_bytes")


def standing():
    t = lab.counters()

    def all_of(table, row):
        return sum(v.get(row, 0) for v in t[table]["instances"].values())

    out = {g: all_of(*g.split(".")) for g in GAUGES}
    out["tcp.connections"] -= all_of("tcp", "time_wait_now")
    out["mbufs"] = sum(all_of(x, "mbufs") - all_of(x, "mbufs_free") for x in t)
    return out


def user(who, n):
    r = random.Random(seed + n)
    frm, to = ("bob@contoso.test", "alice@fabrikam.test") if who == "inside" else ("alice@fabrikam.test", "bob@contoso.test")
    l = None
    while not over.is_set():
        try:
            if not l or l.end:
                l = link(who, who, seconds=3)
                count("links")
            x = r.random()
            if x < 0.45:
                l.send(request(frm=frm, to=to, body=os.urandom(r.randrange(1 << r.randrange(1, 17))), ctype="a/b"), r.choice((0, 0, 0, 700)))
                m = l.final(5)
                count(f"message {m.status if m else None}")
            elif x < 0.70:
                call = Call(who, l)
                count(f"call {call.answer.status if call.answer else None}")
                for _ in range(r.randrange(3)):
                    count(f"info {call.send('INFO')}")
                if call.up:
                    count(f"bye {call.send('BYE')}")
            elif x < 0.75:  # INVITE, and CANCEL behind it
                same = {"frm": frm, "to": to, "call": name("k"), "ftag": name("t"), "branch": name("z9hG4bK"), "body": b""}
                l.send(request("INVITE", **same) + request("CANCEL", **same))
                l.final(2), l.final(2)
                count("cancel")
            elif x < 0.80:  # nothing that is a message
                l.send(r.choice((os.urandom(300), b"\r\n\r\n" * 20, b"MESSAGE sip:x SIP/2.0\r\nX\r\n\r\n", request()[:-900], request(to="x@nowhere.test"))))
                l.recv(0.05)
                if r.random() < 0.5:
                    l.close(hard=r.random() < 0.5)
                    l = None
                count("nonsense")
            elif x < 0.90:  # in the middle of a transaction, or of a message
                l.send(request(frm=frm, to=to, body=b"x" * 5000)[: r.randrange(20, 6000)])
                l.close(hard=r.random() < 0.5)
                l = None
                count("cut")
            elif x < 0.95:
                l.close()
                l = None
                count("closed")
            else:
                time.sleep(r.random() * 0.2)
        except OSError:
            count("no link")
            l = None
            time.sleep(0.05)
    if l:
        l.close()


def operator():
    r = random.Random(seed + 1000)
    n = 0
    while not over.wait(r.random() * 2 + 0.5):
        x = r.random()
        n += 1
        if x < 0.3:
            lab.shell("block", "fabrikam.test")
            over.wait(r.random())
            lab.shell("unblock", "fabrikam.test")
            count("block")
        elif x < 0.6:
            lab.apply([f"set partner p{n % 50}.test allow", f"set federation diagnostics-to-partners {r.choice(('yes', 'no'))}"])
            count("reload")
        elif x < 0.7:
            lab.apply(["-set partner fabrikam.test allow", "set partner fabrikam.test block"])
            over.wait(0.3)
            lab.apply([])
            count("partner removed")
        else:
            lab.shell("show", r.choice(("peers", "partners", "transactions", "limits", "events", "drops", "watchlist")))
            count("show")
    lab.apply([])
    lab.shell("unblock", "fabrikam.test", check=False)


def sipp():
    """calls of SIPp through the Kamailio of litware.test to our pool"""
    while not over.is_set():
        p = subprocess.run(["ip", "netns", "exec", f"{ENV['LAB']}-partner", "timeout", "30", "sipp", "127.0.0.1:5160", "-sf",
                            f"{ENV['ROOT']}/tests/lab/foreign/sipp/call-client.xml", "-i", "127.0.0.1", "-p", "5175", "-nostdin", "-key", "from",
                            "carol@litware.test", "-key", "to", "bob@contoso.test", "-m", "20", "-r", "10", "-timeout", "20", "-recv_timeout", "8000", "-trace_err", "-error_file", f"{lab.dir}/log/sipp-soak.err"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, cwd=lab.dir)
        count(f"sipp {p.returncode}")
        over.wait(0.5)


Server("inside", ENV["LAB_INSIDE4"], 5061, "inside", moody)
Server("partner", ENV["LAB_PARTNER4"], 5061, "partner", moody)


def run(seconds):
    over.clear()
    all_ = [threading.Thread(target=user, args=(who, n)) for n, who in enumerate(["partner", "inside"] * 4)]
    all_ += [threading.Thread(target=operator), threading.Thread(target=sipp)]
    for t in all_:
        t.start()
    sizes = []
    for _ in range(8):
        time.sleep(seconds / 8)
        sizes.append(memory())
    over.set()
    print(f"  memory over {seconds:.0f} s, kB:", *sizes, flush=True)
    for t in all_:
        t.join(60)
    if any(t.is_alive() for t in all_):
        raise SystemExit("FAILED: somebody waits for ever")


fresh = standing()
run(min(6, SECONDS / 4))  # pools and tables have their first size
rss = memory()
counts.clear()
run(SECONDS)
print(" ", dict(sorted(counts.items())), flush=True)
good = sum(v for k, v in counts.items() if k.endswith(" 200"))
must("most of it worked", good > 5 * SECONDS, good)
must("and calls of SIPp", counts.get("sipp 0", 0) > 0)


def stuck():
    """transactions and what they hold; an accepted INVITE lives for 32 s (RFC 6026)"""
    now = standing()
    return {k: now[k] for k in GAUGES[:3] + ("tls.handshakes", "tcp.held_bytes") if now[k] > fresh[k]}


must("zero stuck transactions", wait_until(lambda: not stuck(), 45, 0.5), f"{stuck()} {lab.shell('show', 'transactions')[:1500] if stuck() else ''}")
# what we opened stays open for a while: four links a next hop at most, and those of Kamailio
LINKS = ("proxy.conns", "tls.sessions", "tcp.connections")
wait_until(lambda: (now := standing()) and all(now[k] <= 20 for k in LINKS) and now["mbufs"] <= fresh["mbufs"] + 64, 10, 0.2)
now = standing()
must("links are few", all(now[k] <= 20 for k in LINKS), now)
must("and hold no more than their peers' names", now["proxy.buffers"] <= 3 * now["proxy.conns"])
must("packet buffers are back", now["mbufs"] <= fresh["mbufs"] + 64, f"{fresh['mbufs']} {now['mbufs']}")
grown = memory() - rss
# the rings between cores, 4 MiB each, are touched as their writer first goes round: that takes longer than the warming up
workers = int(ENV.get("FED_WORKERS") or 2)
must("memory is what it was", grown < 4096 + rss * 0.02 + workers * (workers - 1) * 4096, f"{rss} kB and {grown:+d}")
l = link("partner", "partner")
tries = [(l.send(request()), l.final(5))[1] for _ in range(20)]
must("and it serves", sum(bool(m) and m.status == 200 for m in tries) > 10)
sys.exit(wrong != 0)
