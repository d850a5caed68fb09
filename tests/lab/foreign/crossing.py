# SPDX-License-Identifier: BSD-3-Clause
"""What drivers share whose ends are a TLS library driven call by call: requests across the shipped box that are compared byte for byte,
and checks that are counted."""
import socket
import sys
import time

from sippeer import ENV, Lab, Server, busy, link, name, ok, reply, request, socket_in, wait_until

lab = Lab()
begun = time.monotonic()
counted = {"checks": 0, "wrong": 0}
answer = {}  # by Call-ID: what the other end does with the request


def check(what, good, why=""):
    counted["checks"] += 1
    if not good:
        counted["wrong"] += 1
        print(f"{time.monotonic() - begun:.1f} s: WRONG {what}: {str(why)[:800]}")


def finish(least):
    """the end of a driver that has made so many checks at least"""
    if counted["wrong"]:
        print(lab.shell("show", "events", "80"))
    print(f"{counted['checks']} checks, {counted['wrong']} wrong")
    sys.exit(counted["wrong"] != 0 or counted["checks"] < least)


def tls(*names):
    return lab.sum("tls", *names)


def other(m, l):
    return answer.get(m.get("Call-ID"), lambda m, l: ok(m))(m, l)


def dialled():
    """a TCP connection of the partner's to the box"""
    s = socket_in("partner")
    s.settimeout(5 * busy())
    s.connect((ENV["LAB_BOX_EXT4"], 5061))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def gone(server):
    """its links are cut"""
    for l in list(server.links):
        try:
            l.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
    check("the link is gone", wait_until(lambda: not server.links))
    time.sleep(0.2)


def crosses(what, l, where, body=b"hello", back=b"", act=None, before=None, **more):
    """a request over l, and what came of it: body and answer's body as they were sent. `act` is done by who answers, `before` by who asks"""
    call = name("x")

    def answers(m, there):
        if act:
            act(there)
        return reply(m, 200, "OK", body=back)

    answer[call] = answers
    data = request(call=call, body=body, ctype="application/octet-stream", **more)
    try:
        if before:
            before(l.sock, data)
        else:
            l.send(data)
        m = l.final(5, call)
    except OSError as e:
        m = repr(e)
    got = where.wait(lambda g: g.get("Call-ID") == call, 0.1)
    check(what, hasattr(m, "status") and m.status == 200 and m.body == back, f"answer {m!r}"[:300])
    check(what + ", arrived", got and got.body == body, "not, or not as it was sent")


inside = Server("inside", ENV["LAB_INSIDE4"], 5061, "inside", other)
pool = link("inside", "inside")
