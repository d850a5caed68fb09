# SPDX-License-Identifier: BSD-3-Clause
"""The matrix of fed-pinned.sh."""
import sys

from sippeer import ENV, Call, Lab, Server, link, request, wait_until

lab = Lab()
wrong = 0
PIN = "identity-check pinned spki sha256:"


def check(what, good, got):
    global wrong
    if not good:
        wrong += 1
        print(f"WRONG {what}: {got!r}")


def asked(certificate, frm="alice@fabrikam.test", **more):
    """the status that a request gets; "tls": it is not let in"""
    try:
        l = link("partner", certificate)
        l.send(request(frm=frm, **more))
        m = l.final(8)
        l.close()
        return m.status if m else "tls"
    except OSError:
        return "tls"


def expect(what, certificate, status, frm="alice@fabrikam.test"):
    got = asked(certificate, frm)
    check(what, got == status, got)


pool = Server("inside", ENV["LAB_INSIDE4"], 5061, "inside")
first = f"set partner fabrikam.test allow {PIN}{ENV['PIN_SELF']}"

if sys.argv[1:]:  # control began again on what it found: the pins are those of before, and change one by one
    expect("known from before", "self-signed", 200)
    lab.apply([first, "set partner other.test allow"])
    expect("another partner came", "self-signed", 200)
    lab.apply(["set partner other.test allow"])
    expect("and this one went", "self-signed", "tls")
    print(f"{wrong} wrong")
    sys.exit(wrong != 0)

lab.apply(["set partner fabrikam.test allow"])
expect("nothing pinned", "self-signed", "tls")
wait_until(lambda: asked("partner") == 200, 20, 0.3)  # the pool is asked again after a while
expect("the partner by name", "partner", 200)

lab.apply([first, "set partner litware.test allow"])
for _ in range(6):  # each worker, and by ticket
    expect("pinned, self-signed", "self-signed", 200)
said = lab.shell("explain", "from", "alice@fabrikam.test", "to", "bob@contoso.test")
check("explain", "judged as pinned only" in said and "accept" in said, said)
expect("another domain's, though the certificate is that", "self-signed", 504, "alice@litware.test")
expect("a certificate that verifies, but another key", "partner", 504)
expect("another stranger", "wrong-ca", "tls")
expect("nobody's", "weak", "tls")

lab.apply([f"{first} spki sha256:{ENV['PIN_CA']} spki sha256:{ENV['PIN_WEAK']}", "set federation partner-discovery yes"])
expect("one of several keys", "self-signed", 200)
expect("the other one, of another CA", "wrong-ca", 200)
expect("a key that is too weak", "weak", "tls")
expect("no way in by discovery", "self-signed", 504, "alice@adventure.test")

lab.apply([first])
expect("a key is taken out", "wrong-ca", "tls")
expect("the other one stays", "self-signed", 200)

# a dialog goes on while the pin stands, and not one message longer
call = Call(l=link("partner", "self-signed"))
check("a call", call.up, call.answer)
got = call.send()
check("in the call", got == 200, got)
lab.apply([f"set partner fabrikam.test allow {PIN}{ENV['PIN_CA']}"])
got = call.send()
# refused at once; the link goes a little later, and on a slow machine before this was sent
check("the pin is another: the call is cut", got in (403, 504) or (got is None and call.link.closed(2)), got)
check("and the connection", call.link.closed(2), "it stays")
got = asked("self-signed")
check("and he gets in no more", got == "tls", got)

# and we find him: the next hop is known by its key, whoever it says it is
lab.apply([first])
theirs = Server("partner", ENV["LAB_PARTNER4"], 5061, "self-signed")


def outward():
    l = link("inside", "inside")
    l.send(request(frm="bob@contoso.test", to="alice@fabrikam.test"))
    m = l.final(8)
    l.close()
    return m.status if m else None


got = wait_until(lambda: outward() == 200, 10, 0.3)
check("outward", got, outward())
check("he got it", len(theirs.got) >= 1, theirs.got)
theirs.stop()
theirs = Server("partner", ENV["LAB_PARTNER4"], 5061, "partner")
lab.apply([f"set partner fabrikam.test allow {PIN}{ENV['PIN_SELF']} comment moved"])
check("outward, another key although its name is right", outward() == 504, outward())
theirs.stop()

print(f"{wrong} wrong")
sys.exit(wrong != 0)
