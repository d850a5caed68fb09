# SPDX-License-Identifier: BSD-3-Clause
"""Torture, stolen routes, forged answers, for fed-hostile.sh."""
import re
import sys

from sippeer import ENV, Call, Lab, Server, Time, link, name, ok, reply, request, wait_until

lab = Lab()
wrong = 0
acts = {}


def must(what, good, seen=""):
    global wrong
    if not good:
        wrong += 1
        print(f"WRONG {what}: {str(seen)[:600]}")


def pool(m, l):
    return acts.get(m.get("Call-ID"), lambda m, l: ok(m))(m, l)


inside = Server("inside", ENV["LAB_INSIDE4"], 5061, "inside", pool)
outside = Server("partner", ENV["LAB_PARTNER4"], 5061, "partner")
END = {"partner": ("alice@fabrikam.test", "bob@contoso.test", inside), "inside": ("bob@contoso.test", "alice@fabrikam.test", outside)}


# ---- torture: behind each message stands an ordinary one; what comes before its answer is the answer to the first ----
def after(l, who):
    """answers that came before that of an ordinary request; None behind them: the connection ended instead"""
    call, seen = name("marker"), []
    try:
        l.send(request(frm=END[who][0], to=END[who][1], call=call))
        patience = Time(5)
        while True:
            m = l.recv(patience.left())
            if m and m.get("Call-ID") == call:
                return seen
            if m:
                seen.append(m)
            elif l.end or not patience.left():
                break
    except OSError:
        pass
    return seen + [None]


with open(ENV["LAB_DIR"] + "/torture", encoding="ascii") as f:
    torture = [line.split() for line in f]
for who in END:
    l, server, n = None, END[who][2], 0
    for what, reason, status, action, text in torture:
        data, status = bytes.fromhex(text), int(status)
        if who == "inside":
            data = data.replace(b"contoso.test", b"(there)").replace(b"fabrikam.test", b"contoso.test").replace(b"(there)", b"fabrikam.test")
        # one that repeats another's branch would be taken for a retransmission of it
        data = data.replace(b"z9hG4bKtort1", name("z9hG4bK").encode())
        before = len(server.got)
        l = l if l and not l.end else link(who, who)
        try:
            l.send(data)
        except OSError:
            pass
        seen = after(l, who)
        ended = None in seen
        finals = [m.status for m in seen if m and m.status >= 200]
        arrived = [m for m in server.got[before:] if not m.get("Call-ID").startswith("marker")]
        n += 1
        where = f"{who}, {what} ({reason})"
        if reason == "OK":
            must(where + " passes or is refused, and the connection stays", not ended and len(arrived) <= 1, (seen, arrived))
            continue
        must(where + " stays outside", not arrived, arrived)
        must(where + (" ends" if "CLOSE" in action else " does not end") + " the connection", ended == ("CLOSE" in action), seen)
        mute = data.startswith((b"SIP/2.0 ", b"ACK ")) or reason == "MISSING_VIA" or not status
        must(f"{where} is answered with {status}", finals == ([] if mute else [status]), seen)
        if ended:
            l.close(hard=True)
            l = None
    print(f"torture from {who}: {n} messages, {wrong} wrong so far")
    must("the box remembers why", "refused" in lab.shell("show", "events", "with", "refused"))
lab.shell("-j", "show", "events", "200")
lab.shell("show", "peers")

# ---- signed routes ----
call = Call("partner")
must("a call", call.up, call.answer)
own = re.findall(r"Route: (.*)\r\n", call.same["extra"])
cseq = 100


def tries(what, want, routes, certificate="partner", method="INFO", l=None, **more):
    """what becomes of a request with these routes in the dialog of `call`"""
    global cseq
    cseq += 1
    before = len(inside.got)
    mine = l or link("partner", certificate)
    head = "".join(f"Route: {r}\r\n" for r in routes)
    mine.send(request(method, **{**call.same, "cseq": cseq, "extra": head, **more}))
    m = mine.final(5)
    got = inside.got[before:]
    must(what, m and m.status == want and bool(got) == (want == 200), (m, got))
    if not l:
        mine.close()
    return got[0] if got else None


def user_part(change):
    return [re.sub(r"sip:([^@;>]*)@", lambda m: f"sip:{change(m[1])}@", r) for r in own]


tries("its own dialog", 200, own)
for what, want, routes in (
    ("cut", 481, user_part(lambda u: u[:20])), ("one more", 481, user_part(lambda u: u + "A")), ("empty", 481, user_part(lambda u: "sp1.")),
    ("the last letter", 481, user_part(lambda u: u[:-2] + ("A" if u[-2] != "A" else "B") + u[-1])), ("upper case", 481, user_part(str.upper)),
    ("of the inner side", 504, own[1:]), ("the wrong way round", 504, own[::-1]), ("none", 481, []), ("our bare name", 481, [f"<sip:{ENV['LAB_FQDN']};lr>"]),
    ("a foreign one first", 504, ["<sip:198.18.2.99;lr>", *own]), ("escaped", 200, user_part(lambda u: "%73" + u[1:])), ("twice", 481, own + own),
):
    tries("route " + what, want, routes)
tries("the route in another dialog", 481, own, call="another")
tries("the route of another tag", 481, own, ftag="another")
tries("stolen by another organisation", 504, own, certificate="discovered")
tries("stolen, and From its own", 504, own, certificate="discovered", frm="x@litware.test")
tries("From another domain", 403, own, frm="alice@litware.test")
tries("who may not be reached, by the front door", 403, [], method="MESSAGE", to="ceo@contoso.test", uri="sip:ceo@contoso.test", ttag=None, call="front")
tries("who may not be reached, in a dialog with somebody else", 403, own, method="MESSAGE", uri="sip:ceo@contoso.test")
tries("and written otherwise", 403, own, method="MESSAGE", uri="sip:%43EO;x=y@CONTOSO.test.;z")
got = tries("who may be", 200, own, method="MESSAGE", uri="sip:carol@contoso.test")
must("of our routes none is left", got and not got.all("Route"), got)
for what, uri in (("a host that nobody named", "sip:there@198.18.2.77:22;transport=tcp"), ("another port of his", "sip:there@127.0.0.1:22;transport=tls"),
                  ("another one by maddr", "sip:there@127.0.0.1:9;transport=tls;maddr=198.18.2.77"), ("a gateway", "sip:+1900555@gw.inside.contoso.test"),
                  ("a number", "tel:+1900555"), ("outside again", "sip:x@evil.test")):
    for method in ("INFO", "BYE", "INVITE"):
        tries(f"{what}, {method}", 403, own, method=method, uri=uri)
tries("where he is, otherwise written", 200, own, uri="sip:127.0.0.1:9")
call.send("BYE")


# ---- forged answers: `make` of the request is sent by `sender`, then the pool answers honestly ----
def forged(what, passes, make, sender="pool"):
    held, mine = [], name("forged")
    acts[mine] = lambda m, l: held.append((m, l))
    l = link("partner", "partner")
    l.send(request(call=mine))
    wait_until(lambda: held, 5)
    m, true = held[0]
    who = {"pool": lambda: true, "inside": lambda: link("inside", "inside"), "partner": lambda: link("partner", "partner"), "self": lambda: l}[sender]()
    who.send(make(m))
    if passes:
        x = l.final(3)  # a connection that is given up takes 5 s to end
    else:
        must(what + ": nothing comes of it", not [y for y in after(who, "partner" if sender in ("partner", "self") else "inside") if y] if sender != "pool" else True)
        true.send(reply(m, 200, "Honest"))
        x = l.final(5)
        must(what + ": the honest answer comes", x and "Honest" in x.start, x)
    l.close()
    return x


def branch_of(m):
    return re.search(r"branch=(z9hG4bK[^;,\s]*)", m.all("Via")[0])[1]


def flipped(m, at):
    b = branch_of(m)
    return reply(m, 200, "Forged").replace(b.encode(), (b[:at] + ("0" if b[at] != "0" else "1") + b[at + 1 :]).encode())


for sender in ("inside", "partner", "self"):
    forged(f"by {sender}, with the right branch", False, lambda m: reply(m, 200, "Forged"), sender)
for at in (8, 10, 16, 24, 32, 48, 63):
    forged(f"digit {at} of the branch", False, lambda m, at=at: flipped(m, at))
forged("a short branch", False, lambda m: reply(m, 200, "Forged").replace(branch_of(m).encode(), branch_of(m)[:30].encode()))
forged("of another method", False, lambda m: reply(m, 200, "Forged").replace(b" MESSAGE\r\n", b" INVITE\r\n"))
forged("status 99", False, lambda m: reply(m, 99, "Forged"))
forged("status 700", False, lambda m: reply(m, 700, "Forged"))
forged("without CSeq", False, lambda m: reply(m, 200, "Forged").replace(b"CSeq", b"X-CSeq"))
x = forged("an answer in the body of an answer", True, lambda m: reply(m, 200, "OK", body=reply(m, 603, "Forged")))
must("its body is a body", x and x.status == 200 and b"603 Forged" in x.body, x)
x = forged("a field behind the reason", True, lambda m: reply(m, 200, "O" * 3000))
must("a long reason", x and x.status == 200, x)
for what, make in (("two lengths", lambda m: reply(m, 200, "OK", "Content-Length: 0\r\n", body=reply(m, 603, "Forged"))),
                   ("bare LF", lambda m: reply(m, 200, "OK", "X: y\nContent-Length: 9\r\n"))):
    x = forged(what, True, make)
    must(what + ": the conn to the pool ends, the answer is ours", x and x.status == 504, x)
print(f"routes and answers: {wrong} wrong in all")
l = link("partner", "partner")
l.send(request())
m = l.final(5)
must("afterwards the box serves", m and m.status == 200, m)
sys.exit(wrong != 0)
