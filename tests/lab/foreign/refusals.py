# SPDX-License-Identifier: BSD-3-Clause
"""The rows of fed-refusals.sh (standard input), tried one after the other with and without ms-diagnostics toward partners."""
import re
import socket
import ssl
import struct
import sys
import threading

from sippeer import ENV, Lab, Link, Server, link, name, ok, reply, request, socket_in, wait_until

lab = Lab()
SHARED = (f"set provider hosted hosting proxy-fqdn edge.provider.test enabled yes shared-address-space yes verification always"
          f"|set sip-domain contoso.test shared-address-space hosted")
wrong = 0


def split(line):
    """columns are cut at " ; ", which no message has"""
    cells = [c.strip() for c in re.split(r" ; ?|; (?=in  ;)", line + " ")]
    return cells + [""] * (9 - len(cells))


def read(line):
    return split(line.rstrip("\n").replace("@DIR@", ENV["LAB_DIR"]).replace("@SHARED@", SHARED))


rows = [read(line) for line in sys.stdin if line.strip()]


def partner(m, l):
    if "sip:refuse@" in m.start:
        return reply(m, 488, "Not here")
    if "sip:hangup@" in m.start:
        l.close(hard=True)
        l.end = True
        return None
    return ok(m)


brought_back = []


def provider(m, l):
    """one that sends to us what it has just got of us, to somebody else"""
    back = m.raw.replace(b"sip:ann@contoso.test SIP", b"sip:eve@contoso.test SIP", 1)
    back = re.sub(rb"(?im)^Route:.*\r\n", b"", back)
    back = back.replace(b"\r\nVia:", b"\r\nVia: SIP/2.0/TLS edge.provider.test;branch=" + name("z9hG4bK").encode() + b"\r\nVia:", 1)
    up = link("partner", "provider")
    up.send(back)
    brought_back.append(up.final(8))
    up.close()
    return reply(m, 200, "OK")


def no_tls(port, answer):  # an answer that is not TLS; none: a reset in the middle of the handshake
    s = socket_in("partner")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((ENV["LAB_PARTNER4"], port))
    s.listen(8)
    while True:
        c, _ = s.accept()
        c.recv(4096)
        if answer:
            c.sendall(answer)
        else:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()


Server("partner", ENV["LAB_PARTNER4"], 5061, "partner", partner)
Server("partner", ENV["LAB_PARTNER4"], 5561, "wrong-name")
Server("inet", ENV["LAB_INET4"], 5061, "provider", provider)
def without_tls():  # and knows SIP
    s = socket_in("partner")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((ENV["LAB_PARTNER4"], 5664))
    s.listen(8)
    while True:
        l = Link(s.accept()[0])
        while m := l.recv(30):
            l.send(ok(m))


def plain_pool():  # our own, without TLS; what it writes to a partner itself goes over what the box opened
    s = socket_in("inside")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((ENV["LAB_INSIDE4"], 5665))
    s.listen(8)
    while True:
        l = Link(s.accept()[0])
        while m := l.recv(30):
            if m.response or m.method == "OPTIONS":
                l.send(b"" if m.response else ok(m))
                continue
            l.send(request(frm="bob@contoso.test", to="alice@fabrikam.test", via=f"{ENV['LAB_INSIDE4']}:5665"))
            back = l.final(8)
            l.send(ok(m) if back and back.status == 200 else reply(m, 488, "No way out"))


threading.Thread(target=no_tls, args=(5662, b"SIP/2.0 200 OK\r\n\r\n"), daemon=True).start()
threading.Thread(target=no_tls, args=(5663, b""), daemon=True).start()
threading.Thread(target=without_tls, daemon=True).start()
threading.Thread(target=plain_pool, daemon=True).start()


def complain(what, why):
    global wrong
    wrong += 1
    print(f"WRONG {what}: {why}")


def handshake(what, certificate, verdict):
    """it ends before SIP begins"""
    before = lab.counters()["tls"]["sum"]
    told = lab.events("tls-failed external")[-1:]
    try:
        l = link("partner", certificate)
        l.send(request())
        if l.recv(5) or not l.closed():
            complain(what, "is let in")
    except OSError:
        pass
    # the stream is still there: what failed is told when it fails
    if not wait_until(lambda: lab.counters()["tls"]["sum"]["verdict." + verdict] > before["verdict." + verdict], 2):
        complain(what, f"not counted as {verdict}")
    if not wait_until(lambda: lab.events("tls-failed external at " + ENV["LAB_PARTNER4"])[-1:] not in ([], told), 2):
        complain(what, f"no event: {lab.events()[-1:]}")


begun = {}


def begin():
    """a call from the partner that our pool took"""
    lab.apply(["set partner fabrikam.test allow"])
    pool = Server("inside", ENV["LAB_INSIDE4"], 5061, "inside")
    l = link("partner", "partner")

    def invite():  # the pool was away until now
        begun.update(call=name("d"), ftag=name("t"), extra="", uri=None, ttag=None)
        l.send(request("INVITE", body="", **begun))
        m = l.final(8)
        return m if m and m.status == 200 else None

    m = wait_until(invite, 20, 0.3)
    if not m:
        raise SystemExit("FAILED: no dialog")
    begun.update(ttag="peer", uri="sip:there@127.0.0.1:9;transport=tls", extra="".join(f"Route: {r}\r\n" for r in reversed(m.all("Record-Route"))))
    l.send(dialog("ACK"))
    return pool, l


def dialog(method, **more):
    return request(method, body="", **{"cseq": 1 if method == "ACK" else 2, **begun, **more})


def judge(row, outside):
    what, side, certificate, config, message, status, ms, reason, same = row
    if status == "tls":
        return handshake(what, certificate, reason)
    if side == "back":
        return back(row, outside)
    who = "inside" if side == "out" else "partner"
    try:
        l = link(who, certificate, (ENV["LAB_BOX_INT4"], 5061) if side == "out" else None)
        if side == "pin":  # the first message says what the connection is for
            l.send(request(frm="first@provider.test"))
            l.final(8)
        last = eval(message)
        if side == "many":  # all at once but the first, which has the peer looked up: no time passes in between
            l.send(eval(message))
            l.final(8)
            l.send(b"".join(eval(message) for _ in range(5)) + last)
        else:
            l.send(b"".join(eval(message) for _ in range(519 if side == "burst" else 0)) + last)
        m = l.final(8, re.search(rb"Call-ID: (\S+)", last)[1].decode() if side == "many" else None)
    except (OSError, ssl.SSLError) as e:
        m = e
    if not hasattr(m, "status"):
        return complain(what, f"{status} expected, got {m}")
    if m.status != int(status):
        complain(what, f"{status} expected, got {m!r}")
    diagnostics = m.get("ms-diagnostics")
    shown = side == "out" or outside
    if ms and shown and not diagnostics.startswith(ms + ";reason="):
        complain(what, f"ms-diagnostics {ms} expected, got {diagnostics!r}")
    if ms and shown and ms != "1034" and f'source="{ENV["LAB_FQDN"]}"' not in diagnostics:
        complain(what, f"no source in {diagnostics!r}")
    if not shown and (diagnostics or m.get("Reason")):
        complain(what, f"told to a partner: {diagnostics!r} {m.get('Reason')!r}")
    if side != "out" and m.get("ms-edge-proxy-message-trust"):
        complain(what, "the trust header goes out")
    if side == "out" and reason != "none" and "EdgeProxyGenerated" not in m.get("ms-edge-proxy-message-trust"):
        complain(what, "our own answer is not marked as ours")
    if side == "dlg" and reason == "none":
        shown = False
    if reason not in ("-", "none") and shown and not re.search(rf"sallyport=({reason})$", m.get("Reason")):
        complain(what, f"Reason: {m.get('Reason')!r}, {reason} expected")
    if reason == "none":
        l.close()
        return
    wanted = rf"status {status}\b" + ("" if reason == "-" else rf".* reason ({reason}) ")
    if not wait_until(lambda: re.search(wanted, last_refusal()), 2):
        complain(what, f"the event says {last_refusal()!r}")
    while side == "burst" and l.final(6):  # those that waited
        pass
    l.close()
    if same and not outside:
        explain(what, side, certificate, eval(message), status, reason)


def back(row, outside):
    what, _, _, _, message, status, ms, reason, _ = row
    brought_back.clear()
    l = link("inside", "inside")
    l.send(eval(message))
    first = l.final(10)
    l.close()
    m = brought_back[0] if brought_back else None
    if not first or first.status != 200 or not m:
        return complain(what, f"it does not reach the provider: {first!r}")
    if m.status != int(status) or m.get("ms-diagnostics").startswith(ms + ";") != outside:
        complain(what, f"{status} expected, got {m!r}")
    if not wait_until(lambda: re.search(rf"status {status}.* reason {reason} ", last_refusal()), 2):
        complain(what, f"the event says {last_refusal()!r}")


def last_refusal():
    return (lab.events("refused ") or [""])[-1]


def explain(what, side, certificate, message, status, reason):
    text = message.decode("latin-1")
    method = text.split()[0]
    frm, to = re.search(r"From: <sip:([^>]*)>", text)[1], re.search(r"To: <sip:([^>]*)>", text)[1]
    words = ["explain", "from", frm, "to", to, "method", method]
    for name in ssl_names(certificate):
        words += ["peer", name]
    said = lab.shell(*words, "outbound" if side == "out" else "inbound").strip().splitlines()[-1]
    if not re.search(rf": {status} .*diagnostic ({reason}),", said):
        complain(what, f"explain says {said!r}")


def ssl_names(certificate):
    cert = ENV["LAB_CERT_" + certificate.upper().replace("-", "_")]
    san = ssl._ssl._test_decode_cert(cert).get("subjectAltName", ())
    return [v for k, v in san if k == "DNS"]


for switch in ("no", "yes"):
    lines = f"set federation diagnostics-to-partners {switch}"
    for row in rows:
        if switch == "yes" and (row[1] == "out" or not row[6]):
            continue  # the inside always has it; what has no id shows none
        config = row[3].split("|")
        others = begin() if row[1] == "dlg" else None
        lab.apply([lines, *(x for x in config if x[0] != "!")])
        for command in (x[1:].split() for x in config if x[0] == "!"):
            lab.shell(*command)
        judge(row, switch == "yes")
        for command in (x[1:].split() for x in config if x[0] == "!"):
            lab.shell("un" + command[0], *command[1:])
        if others:
            others[1].close()
            others[0].stop()
print(f"{len(rows)} refusals, {wrong} wrong")
sys.exit(wrong != 0)
