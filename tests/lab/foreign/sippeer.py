#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A raw SIP/TLS peer for the tests of the lab: it sends the bytes that it is told to send, and shows those that come.

As a program:  sippeer.py connect WHO ADDRESS:PORT CERTIFICATE [FILE…]   sends the files, prints what comes until it is closed
               sippeer.py listen  WHO ADDRESS:PORT CERTIFICATE           prints what comes, answers requests with 200
As a module:   link(who, port or address, certificate), Server(…), Lab() for the box's configuration, events and counters.

WHO is a namespace of the lab (partner, inside, inet); one process may have sockets in all of them. CERTIFICATE is a name of
tests/lab/ca/make.sh, "none" for none. The environment is that of `scripts/lab env`.
"""
import collections
import ctypes
import json
import os
import random
import re
import socket
import ssl
import subprocess
import sys
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
HOME = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
ENV = os.environ
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))


class Stalls(threading.Thread):
    """when the machine stood still: how much later than asked for a sleep of 10 ms ended"""

    def __init__(self):
        super().__init__(daemon=True)
        self.late = collections.deque(maxlen=1500)  # (when it ended, how much too late)
        self.start()

    def run(self):
        before = time.monotonic()
        while True:
            time.sleep(0.01)
            now = time.monotonic()
            self.late.append((now, max(0.0, now - before - 0.015)))
            before = now

    def factor(self):
        """of the last second, or a few: as much longer everything took"""
        now, late = time.monotonic(), list(self.late)
        out = 1.0
        for span in (1.0, 3.0, 10.0):
            lost = min(0.9 * span, sum(x for when, x in late if when > now - span))
            out = max(out, span / (span - lost))
        return out


STALLS = Stalls()


def busy():
    """How many times more want to run than two on each processor, or how many times longer things take because the machine stands still
    in between, at least 1: whatever is to happen within a second on a machine that has time for it may take as many seconds on this one."""
    with open("/proc/loadavg", encoding="ascii") as f:
        words = f.read().split()
    return max(STALLS.factor(), max(float(words[0]), int(words[3].split("/")[0])) / (2 * len(os.sched_getaffinity(0))))


class Time:
    """so many seconds, and more on a machine that has no time: that is asked when they are over"""

    def __init__(self, seconds):
        self.begin, self.seconds = time.monotonic(), seconds

    def left(self):
        """0 when it is over"""
        took = time.monotonic() - self.begin
        return max(0.0, self.seconds - took) or max(0.0, self.seconds * busy() - took)


def enter(fd):
    if LIBC.setns(fd, 0x40000000) != 0:  # CLONE_NEWNET, of this thread
        raise OSError(ctypes.get_errno(), "setns")


def socket_in(who, family=socket.AF_INET):
    fd = os.open(f"/run/netns/{ENV['LAB']}-{who}", os.O_RDONLY)
    try:
        enter(fd)
        return socket.socket(family, socket.SOCK_STREAM)
    finally:
        enter(HOME)
        os.close(fd)


def context(certificate, server=False):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_OPTIONAL if server else ssl.CERT_NONE
    c.set_ciphers("DEFAULT@SECLEVEL=0")
    c.load_verify_locations(ENV["LAB_CA"])
    if certificate != "none":
        name = certificate.upper().replace("-", "_")
        c.load_cert_chain(ENV.get("LAB_CHAIN_" + name) or ENV["LAB_CERT_" + name], ENV["LAB_KEY_" + name])
    return c


def head_of(buf):
    """(length of head, length of body) of the first message in buf, None if its head is not whole"""
    end = buf.find(b"\r\n\r\n")
    if end < 0:
        return None
    m = re.search(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d+)", buf[:end], re.I | re.M)
    return end + 4, int(m.group(1)) if m else 0


COMPACT = {"Via": "v", "From": "f", "To": "t", "Call-ID": "i", "Content-Length": "l"}


class Message:
    def __init__(self, raw, body_at):
        self.raw, self.head, self.body = raw, raw[:body_at], raw[body_at:]
        self.start = self.head.split(b"\r\n", 1)[0].decode(errors="replace")
        self.response = self.start.startswith("SIP/2.0 ")
        self.status = int(self.start.split()[1]) if self.response else 0
        self.method = "" if self.response else self.start.split()[0]

    def all(self, name):
        """values of a header field, unfolded"""
        text = re.sub(rb"\r\n[ \t]+", b" ", self.head).decode("latin-1")
        names = re.escape(name) + (f"|{COMPACT[name]}" if name in COMPACT else "")
        return [m.strip() for m in re.findall(rf"(?im)^(?:{names})[ \t]*:(.*)\r$", text)]

    def get(self, name, default=""):
        return (self.all(name) or [default])[0]

    def __repr__(self):
        return self.raw.decode("latin-1")


class Link:
    """one TLS connection; bytes out as they are, messages in"""

    def __init__(self, sock, server=None):
        self.sock, self.buf, self.end, self.server = sock, b"", False, server
        self.sock.settimeout(5 * busy())

    def send(self, data, piece=0):
        data = data if isinstance(data, bytes) else data.encode("latin-1")
        if not piece:
            self.sock.settimeout(10 * busy())
            return self.sock.sendall(data)
        for i in range(0, len(data), piece):
            self.sock.sendall(data[i : i + piece])

    def more(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0 or self.end:
            return False
        self.sock.settimeout(left)
        try:
            got = self.sock.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            got = b""
        self.end = not got
        self.buf += got
        return True

    def recv(self, seconds=5.0):
        """the next message; None if none came"""
        deadline = time.monotonic() + seconds
        while True:
            while self.buf.startswith(b"\r\n"):
                self.buf = self.buf[2:]
            size = head_of(self.buf)
            if size and len(self.buf) >= sum(size):
                raw, self.buf = self.buf[: sum(size)], self.buf[sum(size) :]
                return Message(raw, size[0])
            if not self.more(deadline):
                return None

    def final(self, seconds=5.0, call=None):
        """the next response that is not provisional (and of this Call-ID)"""
        patience = Time(seconds)
        while True:
            m = self.recv(patience.left())
            if m and m.response and m.status >= 200 and (not call or m.get("Call-ID") == call):
                return m
            if not m and (self.end or not patience.left()):
                return None

    def closed(self, seconds=3.0):
        patience = Time(seconds)
        while not self.end and (left := patience.left()):
            self.more(time.monotonic() + left)
        return self.end

    def close(self, hard=False):
        try:
            if hard:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            else:
                self.sock.settimeout(0.2)
                self.sock = self.sock.unwrap()
        except (OSError, ValueError):
            pass
        self.sock.close()


def link(who, certificate, to=None, sni=None, seconds=5.0):
    """a connection to the box; OSError (ssl.SSLError) if there is none"""
    if to is None:
        to = (ENV["LAB_BOX_INT4" if who == "inside" else "LAB_BOX_EXT4"], 5061)
    s = socket_in(who)
    s.settimeout(seconds * busy())
    s.connect(to)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name = sni or ("edge.inside.contoso.test" if who == "inside" else ENV["LAB_FQDN"])
    return Link(context(certificate).wrap_socket(s, server_hostname=name))


class Server:
    """Accepts; every message goes to self.got, every request to `answer(message, link)`, whose bytes are sent."""

    def __init__(self, who, address, port, certificate, answer=None):
        self.context = context(certificate, True)
        self.sock = socket_in(who)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((address, port))
        self.sock.listen(64)
        self.answer = answer or ok
        self.got, self.links, self.news = [], [], threading.Condition()
        self.stopped = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.stopped:
            try:
                s, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            s.settimeout(5 * busy())
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            l = Link(self.context.wrap_socket(s, server_side=True), self)
        except OSError:
            return
        self.links.append(l)
        while not l.end and not self.stopped:
            m = l.recv(0.5 if l.buf else 3600)
            if m is None:
                continue
            ping = not m.response and m.method == "OPTIONS" and "sip:ping@" not in m.start and not re.search("sip:[^ ]*@", m.start)
            with self.news:
                if not ping:
                    self.got.append(m)
                self.news.notify_all()
            out = ok(m, l) if ping else self.answer(m, l) if not m.response else None
            try:
                if out:
                    l.send(out)
            except OSError:
                break
        if l in self.links:
            self.links.remove(l)

    def wait(self, test, seconds=5.0):
        """the first message for which test(message) holds"""
        patience = Time(seconds)
        with self.news:
            while True:
                for m in self.got:
                    if test(m):
                        return m
                left = patience.left()
                if not left:
                    return None
                self.news.wait(left)

    def stop(self):
        self.stopped = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
        for l in list(self.links):
            try:
                l.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def reply(m, status, reason="Whatever", extra="", tag="peer", body=b""):
    """an answer to the request m"""
    lines = [f"SIP/2.0 {status} {reason}"]
    lines += [f"Via: {v}" for v in m.all("Via")] + [f"Record-Route: {v}" for v in m.all("Record-Route")]
    to = m.get("To")
    lines += [f"From: {m.get('From')}", f"To: {to}" if ";tag=" in to else f"To: {to};tag={tag}"]
    lines += [f"Call-ID: {m.get('Call-ID')}", f"CSeq: {m.get('CSeq')}"]
    head = "\r\n".join(lines) + "\r\n" + extra + f"Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


def ok(m, _link=None):
    if m.method in ("ACK", "BENOTIFY"):
        return None
    return reply(m, 200, "OK", "Contact: <sip:there@127.0.0.1:9;transport=tls>\r\n" if m.method in ("INVITE", "SUBSCRIBE") else "")


def name(prefix=""):
    return f"{prefix}{random.getrandbits(64):016x}"


def request(method="MESSAGE", frm="alice@fabrikam.test", to="bob@contoso.test", uri=None, body=b"hello", extra="", call=None,
            cseq=1, ftag=None, ttag=None, branch=None, via="198.18.1.10:5061", length=True, ctype="text/plain", forwards=70):
    body = body if isinstance(body, bytes) else body.encode("latin-1")
    h = [
        f"{method} {uri or 'sip:' + to} SIP/2.0",
        f"Via: SIP/2.0/TLS {via};branch={branch or name('z9hG4bK')}",
        f"Max-Forwards: {forwards}",
        f"From: <sip:{frm}>;tag={ftag or name('f')}",
        f"To: <sip:{to}>" + (f";tag={ttag}" if ttag else ""),
        f"Call-ID: {call or name('c')}",
        f"CSeq: {cseq} {method}",
    ]
    if method in ("INVITE", "SUBSCRIBE", "REFER"):
        h.append(f"Contact: <sip:{frm.split('@')[0]}@{via};transport=tls>")
    if body and ctype:
        h.append(f"Content-Type: {ctype}")
    head = "\r\n".join(h) + "\r\n" + extra + (f"Content-Length: {len(body)}\r\n" if length else "") + "\r\n"
    return head.encode("latin-1") + body


class Call:
    """a dialog that `who` begins; it lives on when its link is gone"""

    def __init__(self, who="partner", l=None):
        self.who, self.cseq = who, 1
        frm, to = "alice@fabrikam.test", "bob@contoso.test"
        if who == "inside":
            frm, to = to, frm
        self.same = {"frm": frm, "to": to, "call": name("d"), "ftag": name("t"), "body": b""}
        self.link = l or link(who, who)
        self.link.send(request("INVITE", **self.same))
        self.answer = self.link.final(8, self.same["call"])
        self.up = bool(self.answer) and self.answer.status == 200
        if self.up:
            contact = re.search("<([^>]*)>", self.answer.get("Contact"))[1]
            routes = "".join(f"Route: {r}\r\n" for r in reversed(self.answer.all("Record-Route")))
            tag = re.search(";tag=([^;]*)", self.answer.get("To"))[1]
            self.same.update(uri=contact, extra=routes, ttag=tag)
            self.link.send(request("ACK", **self.same))

    def send(self, method="INFO", l=None):
        """the status of a request inside of it; None: no answer"""
        self.cseq += 1
        l = l or self.link
        try:
            l.send(request(method, **{**self.same, "cseq": self.cseq}))
            m = l.final(6, self.same["call"])
        except OSError:
            return None
        return m.status if m else None


class Load(threading.Thread):
    """MESSAGE after MESSAGE, over links that come again; what came of each, and when"""

    def __init__(self, who="partner", pause=0.005):
        super().__init__(daemon=True)
        self.who, self.pause, self.ends = who, pause, False
        self.good, self.bad, self.links = [], [], 0

    def run(self):
        l = None
        frm, to = ("bob@contoso.test", "alice@fabrikam.test") if self.who == "inside" else ("alice@fabrikam.test", "bob@contoso.test")
        while not self.ends:
            try:
                if not l:
                    l = link(self.who, self.who, seconds=0.5)
                    self.links += 1
                l.send(request(frm=frm, to=to))
                m = l.final(4)
            except OSError as e:
                m, why = None, repr(e)
            if m and m.status == 200:
                self.good.append(time.monotonic())
            else:
                self.bad.append((time.monotonic(), m.start if m else why if not l else "no answer"))
                if l and (not m or l.end):
                    l.close(hard=True)
                    l = None
            time.sleep(self.pause if m else 0.02)

    def stop(self):
        self.ends = True
        self.join(10)


class Lab:
    """the box's configuration, events, counters, life"""

    def __init__(self):
        self.dir, self.run = ENV["LAB_DIR"], ENV["LAB_RUN"]
        with open(ENV["LAB_CONFIG"], encoding="utf-8") as f:
            self.base = f.read()
        self.last = None

    def shell(self, *words, check=True):
        p = subprocess.run(["ip", "netns", "exec", f"{ENV['LAB']}-box", ENV["SHELL_BIN"], *words], text=True, check=False,
                           capture_output=True, env={**ENV, "SALLYPORT_SOCKET": ENV["LAB_CONTROL_SOCKET"]})
        if check and p.returncode not in (0, 2):
            raise SystemExit(f"FAILED: sallyport {' '.join(words)}: {p.stdout}{p.stderr}")
        return p.stdout

    def in_force(self):
        """what control has published is what every worker judges by, and its certificates and listeners are served"""
        status = self.shell("-j", "show", "status", check=False)
        shown = json.loads(status)["rows"][0]["segment"].get("generation", 0) if status.startswith("{") else 0
        return shown and all(min(v["generation"], v["served"]) >= shown for v in self.counters()["edge"]["instances"].values())

    def apply(self, lines):
        """the lab's file, without the lines that begin with `-`, and the others added; in force when it returns"""
        lines = [x.strip() for x in lines if x.strip()]
        if lines == self.last:
            return
        without = [x[1:] for x in lines if x.startswith("-")]
        text = "".join(x + "\n" for x in self.base.splitlines() if not any(x.startswith(w) for w in without))
        path = os.path.join(self.dir, "case.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text + "".join(x + "\n" for x in lines if not x.startswith("-")))
        self.shell("apply", path)
        self.last = lines
        wait_until(self.in_force, 5, 0.01)

    def events(self, kind=""):
        """the last events as text, the newest last"""
        return [x for x in self.shell("show", "events", "40", check=False).splitlines() if f" {kind}" in x]

    def counters(self):
        p = subprocess.run([ENV["SALLYPORT_BUILD"] + "/dataplane/sallyport-dataplane", "counters", self.run, "--json"], text=True,
                           capture_output=True, check=True)
        return json.loads(p.stdout)["tables"]

    def sum(self, table, *names):
        t = self.counters()[table]
        return sum(v[n] for v in t["instances"].values() for n in names)

    def pid(self, who="dataplane"):
        with open(f"{self.dir}/{who}.pid", encoding="utf-8") as f:
            return int(f.read())


def wait_until(test, seconds=5.0, step=0.05):
    patience = Time(seconds)
    while not (v := test()) and patience.left():
        time.sleep(step)
    return v


def main():
    what, who, to, certificate = sys.argv[1:5]
    address, port = to.rsplit(":", 1)
    if what == "listen":
        Server(who, address, int(port), certificate, lambda m, l: print(m, flush=True) or ok(m))
        threading.Event().wait()
    l = link(who, certificate, (address, int(port)))
    for file in sys.argv[5:]:
        with open(file, "rb") as f:
            l.send(f.read())
    while m := l.recv(10):
        print(m, flush=True)
    print("-- closed" if l.end else "-- nothing more came")


if __name__ == "__main__":
    main()
