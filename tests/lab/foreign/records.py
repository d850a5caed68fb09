# SPDX-License-Identifier: BSD-3-Clause
"""Records of every size and in every piece, key updates, half-closes, for box-records.sh: OpenSSL at both ends, driven call by call."""
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import termios
import time

from crossing import check, crosses, dialled, finish, gone, inside, lab, other, pool, tls
from sippeer import ENV, Link, Server, request, wait_until

C = ctypes.CDLL("libssl.so.3")
FORGET = ctypes.CDLL("libcrypto.so.3").ERR_clear_error  # a thread's last error is taken for its next one, by ssl of Python too
for f in ("SSL_CTX_new", "SSL_new", "TLS_method", "BIO_new", "BIO_s_mem", "SSL_get_version"):
    getattr(C, f).restype = ctypes.c_void_p
P, I, L = ctypes.c_void_p, ctypes.c_int, ctypes.c_long
C.SSL_CTX_new.argtypes = C.SSL_new.argtypes = C.BIO_new.argtypes = C.SSL_do_handshake.argtypes = C.SSL_shutdown.argtypes = [P]
C.SSL_CTX_ctrl.argtypes = C.SSL_ctrl.argtypes = [P, I, L, P]
C.SSL_CTX_use_certificate_chain_file.argtypes = [P, ctypes.c_char_p]
C.SSL_CTX_use_PrivateKey_file.argtypes = [P, ctypes.c_char_p, I]
C.SSL_CTX_load_verify_locations.argtypes = [P, ctypes.c_char_p, ctypes.c_char_p]
C.SSL_CTX_set_verify.argtypes = [P, I, P]
C.SSL_CTX_set_session_id_context.argtypes = [P, ctypes.c_char_p, I]
C.SSL_CTX_set_num_tickets.argtypes = [P, ctypes.c_size_t]
C.SSL_set_bio.argtypes = [P, P, P]
C.SSL_set_connect_state.argtypes = C.SSL_set_accept_state.argtypes = C.SSL_free.argtypes = [P]
C.SSL_read.argtypes = C.BIO_read.argtypes = [P, P, I]
C.SSL_write.argtypes = C.BIO_write.argtypes = [P, ctypes.c_char_p, I]
C.SSL_get_error.argtypes = C.SSL_key_update.argtypes = [P, I]
WANT_READ, ZERO_RETURN = 2, 6
OVERHEAD = {"1.3": 17, "1.2": 24}  # of AES-GCM
VERSION = {"1.3": 0x304, "1.2": 0x303}


def engine(version, certificate):
    c = C.SSL_CTX_new(C.TLS_method())
    word = certificate.upper()
    C.SSL_CTX_ctrl(c, 123, VERSION[version], None)  # the least, the highest
    C.SSL_CTX_ctrl(c, 124, VERSION[version], None)
    if C.SSL_CTX_use_certificate_chain_file(c, ENV["LAB_CHAIN_" + word].encode()) != 1:
        raise SystemExit("FAILED: no certificate")
    if C.SSL_CTX_use_PrivateKey_file(c, ENV["LAB_KEY_" + word].encode(), 1) != 1:
        raise SystemExit("FAILED: no key")
    C.SSL_CTX_load_verify_locations(c, ENV["LAB_CA"].encode(), None)
    C.SSL_CTX_set_verify(c, 1, None)
    C.SSL_CTX_set_num_tickets(c, 0)
    C.SSL_CTX_set_session_id_context(c, b"lab", 3)  # without it OpenSSL refuses to resume whom it verifies
    return c


class Records:
    """a socket to sippeer.Link, with a hand on each record: `record` bytes of payload in one, `piece` bytes of stream in one segment"""

    def __init__(self, sock, ctx, server, updates=0):
        self.sock, self.record, self.piece = sock, 0, 0
        self.notified, self.fin, self.sizes, self.segments = False, False, [], 0
        self.ssl = C.SSL_new(ctx)
        self.rin, self.out = C.BIO_new(C.BIO_s_mem()), C.BIO_new(C.BIO_s_mem())
        C.SSL_set_bio(self.ssl, self.rin, self.out)
        (C.SSL_set_accept_state if server else C.SSL_set_connect_state)(self.ssl)
        if not server:
            C.SSL_ctrl(self.ssl, 55, 0, ENV["LAB_FQDN"].encode())
        while (r := C.SSL_do_handshake(self.ssl)) != 1:
            why = C.SSL_get_error(self.ssl, r)
            FORGET()
            if why != WANT_READ:
                raise OSError("handshake")
            self.flush()
            self.feed()
            if self.fin:
                raise OSError("closed in the handshake")
        if updates:  # a client's wait for what is sent next: one flight with Finished
            self.update(updates)
        else:
            self.flush()

    def feed(self):
        got = self.sock.recv(65536)
        self.fin = not got
        if got:
            C.BIO_write(self.rin, got, len(got))

    def flush(self):
        buf, data = ctypes.create_string_buffer(1 << 16), b""
        while (n := C.BIO_read(self.out, buf, len(buf))) > 0:
            data += buf.raw[:n]
        if not data:
            return
        at, self.sizes = 0, []
        while at < len(data):
            n = struct.unpack(">H", data[at + 3 : at + 5])[0]
            self.sizes.append(n)
            at += 5 + n
        if not self.piece:
            self.sock.sendall(data)
        for i in range(0, len(data) if self.piece else 0, self.piece or 1):
            # what the kernel cannot send at once it would put together
            while struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4))[0] > 6 * self.piece:
                time.sleep(0)
            self.sock.sendall(data[i : i + self.piece])
            self.segments += 1

    def write(self, data):
        size = self.record or len(data)
        for i in range(0, len(data), size):
            part = data[i : i + size]
            if C.SSL_write(self.ssl, part, len(part)) != len(part):
                raise OSError("write")

    def sendall(self, data):
        self.write(data)
        self.flush()

    def recv(self, size):
        buf = ctypes.create_string_buffer(size)
        while (n := C.SSL_read(self.ssl, buf, size)) <= 0:
            why = C.SSL_get_error(self.ssl, n)
            FORGET()
            self.notified = self.notified or why == ZERO_RETURN
            if why != WANT_READ or self.fin:
                return b""
            self.flush()
            self.feed()
        return buf.raw[:n]

    def update(self, count, ask=True):
        """key updates, each under the key of the one before; they go with the next flush"""
        for _ in range(count):
            if C.SSL_key_update(self.ssl, 1 if ask else 0) != 1 or C.SSL_do_handshake(self.ssl) != 1:
                raise OSError("key update")

    def notify(self):
        C.SSL_shutdown(self.ssl)

    def settimeout(self, seconds):
        self.sock.settimeout(seconds)

    def unwrap(self):
        self.notify()
        self.flush()
        return self.sock

    def shutdown(self, how):
        self.sock.shutdown(how)

    def close(self):
        self.sock.close()


def counts(what, row, before, by):
    """the row has risen by just so much, now or when the workers have said so"""
    wait_until(lambda: tls(row) - before >= by, 2)
    check(f"{what}: {row}", tls(row) - before == by, f"{tls(row) - before}, not {by}")


def client(version, updates=0):
    return Link(Records(dialled(), engines[version], False, updates))


class Wrap:
    """what sippeer.Server asks for a session"""

    def __init__(self, ctx):
        self.ctx, self.updates = ctx, 0

    def wrap_socket(self, s, server_side):
        return Records(s, self.ctx, server_side, self.updates)


engines = {v: engine(v, "partner") for v in VERSION}
outside = {v: Server("partner", ENV["LAB_PARTNER4"], port, "partner", other) for v, port in (("1.3", 7401), ("1.2", 7402))}
for v, s in outside.items():
    s.context = Wrap(engines[v])


def outward(version):
    return {"frm": "bob@contoso.test", "to": f"alice@p{'7401' if version == '1.3' else '7402'}.test"}


SHAPES = {  # record, piece, body, answer's body
    "records of one byte": (1, 0, os.urandom(600)),
    "maximal records": (0, 0, os.urandom(200000)),
    "segments of one byte": (0, 1, os.urandom(600)),
    "records of one byte in segments of one byte": (1, 1, b"tiny"),
    "segments of 7 bytes, records of 100": (100, 7, os.urandom(2000)),
}


def shaped(s, record, piece):
    s.record, s.piece, s.segments = record, piece, 0


def records(version):
    for what, (record, piece, body) in SHAPES.items():
        what = f"{version}, {what}"
        full = min(len(body), record or 16384) + OVERHEAD[version]
        l, seen = client(version), []
        shaped(l.sock, record, piece)
        opened, frames = tls("records_in"), lab.sum("net", "frames_in")
        crosses(what, l, inside, body=body, back=body[::-1], before=lambda s, data: (s.sendall(data), seen.extend((s.sizes, s.segments))))
        sizes, segments = seen
        if record or len(body) > 16384:
            check(what + ": as said", max(sizes) == full, sizes)
        # what it was is what the box met
        check(what + ": our own record path", wait_until(lambda: tls("records_in") - opened >= len(sizes)), f"{len(sizes)} sent")
        check(what + ": segments", wait_until(lambda: lab.sum("net", "frames_in") - frames >= segments), f"{segments} sent")
        l.close()
        # and of a server: its answer
        crosses(what + ", outward", pool, outside[version], body=body[::-1], back=body,
                act=lambda there, r=record, p=piece: shaped(there.sock, r, p), **outward(version))
        for o in outside[version].links:
            if record or len(body) > 16384:
                check(what + ", outward: as said", max(o.sock.sizes) == full, o.sock.sizes)
            check(what + ", outward: segments", (o.sock.segments > len(body)) == (piece == 1), o.sock.segments)
            shaped(o.sock, 0, 0)


def updates():
    l = client("1.3")
    crosses("before a key update", l, inside)
    for count, ask in ((1, True), (1, False), (5, True)):
        ins, outs = tls("key_updates_in"), tls("key_updates_out")

        def send(s, data, count=count, ask=ask):
            s.update(count, ask)
            s.sendall(data)

        crosses(f"{count} key updates, asking: {ask}", l, inside, before=send)
        counts(f"{count} key updates, asking: {ask}", "key_updates_in", ins, count)
        counts(f"{count} key updates, asking: {ask}", "key_updates_out", outs, int(ask))
    crosses("after key updates", l, inside)
    floods = tls("end.key_update_flood")
    # 7 until now
    crosses("the eighth", l, inside, before=lambda s, data: (s.update(1), s.sendall(data)))
    check("eight are no flood", tls("end.key_update_flood") == floods and not l.closed(0.1))
    l.close()
    for _ in range(5):  # within ten seconds, that is
        l, begin = client("1.3"), time.monotonic()
        crosses("eight at once", l, inside, before=lambda s, data: (s.update(8), s.sendall(data)))
        l.sock.update(1)
        l.sock.flush()
        if l.closed(3) or time.monotonic() - begin < 10:
            break
    check("the ninth ends it", l.closed(0.1))
    l.sock.close()
    check("… as a flood", wait_until(lambda: tls("end.key_update_flood") == floods + 1), tls("end.key_update_flood"))
    for count in (1, 3):
        l = client("1.3", updates=count)
        crosses(f"{count} with Finished, first of all", l, inside)
        crosses(f"{count} with Finished, and then", l, inside, body=os.urandom(40000))
        l.close()
    l = client("1.3", updates=9)
    l.sock.flush()
    check("nine with Finished", l.closed(3))
    # towards servers
    out = outward("1.3")
    gone(outside["1.3"])
    taken = tls("taken_over")
    crosses("a new link", pool, outside["1.3"], **out)
    # no ticket comes: libssl keeps the session for two seconds
    check("our own record path as client", wait_until(lambda: tls("taken_over") > taken, 6))
    for count, ask in ((1, True), (1, False), (5, True)):
        outs = tls("key_updates_out")
        crosses(f"{count} key updates of a server, asking: {ask}", pool, outside["1.3"], back=os.urandom(3000),
                act=lambda there, c=count, a=ask: there.sock.update(c, a), **out)
        counts(f"{count} of a server, asking: {ask}", "key_updates_out", outs, int(ask))
        crosses(f"after {count} of a server", pool, outside["1.3"], **out)
    outside["1.3"].context.updates = 3
    gone(outside["1.3"])
    crosses("first after a server's Finished", pool, outside["1.3"], body=os.urandom(30000), back=os.urandom(30000), **out)


def gnutls():
    """another library's key update"""
    line = ["ip", "netns", "exec", f"{ENV['LAB']}-partner", "timeout", "10", "gnutls-cli", "--inline-commands", "--x509cafile", ENV["LAB_CA"],
            "--x509certfile", ENV["LAB_CERT_PARTNER"], "--x509keyfile", ENV["LAB_KEY_PARTNER"], "--sni-hostname", ENV["LAB_FQDN"],
            "--verify-hostname", ENV["LAB_FQDN"], "-p", "5061", ENV["LAB_BOX_EXT4"]]
    before = tls("key_updates_in", "key_updates_out")
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as p:
        def reads(want):
            got = b"-"
            while want not in got and (more := p.stdout.read1()):
                got += more
            return want in got

        def writes(data):
            p.stdin.write(data)
            p.stdin.flush()

        check("GnuTLS is up", reads(b"Simple Client Mode"))
        writes(b"^rekey^\n")
        both = wait_until(lambda: tls("key_updates_in", "key_updates_out") - before == 2)
        check("GnuTLS: new keys in both directions", both, tls("key_updates_in", "key_updates_out") - before)
        writes(request())
        check("GnuTLS is answered under them", reads(b"SIP/2.0 200"))
        p.stdin.close()


def half(version):
    for fin in (False, True):
        what = f"{version}, half-close{' and FIN' if fin else ''}"
        l = client(version)
        crosses(what + ": before", l, inside)

        def last(s, data, fin=fin):
            s.write(data)
            s.notify()
            s.flush()
            if fin:
                s.sock.shutdown(socket.SHUT_WR)

        crosses(what, l, inside, back=os.urandom(50000), act=lambda there: time.sleep(0.4), before=last)
        check(what + ": close_notify comes", l.closed(3) and l.sock.notified)
        l.sock.close()
    # a server's answer with its close_notify behind
    crosses(f"{version}, the answer and close_notify", pool, outside[version], back=os.urandom(30000), act=lambda there: leaves(there.sock), **outward(version))
    check(f"{version}: the link ends", wait_until(lambda: not outside[version].links))
    crosses(f"{version}, another link", pool, outside[version], **outward(version))


def leaves(s):
    s.sendall = lambda data: (s.write(data), s.notify(), s.flush())


for v in VERSION:
    records(v)
    half(v)
updates()
gnutls()
finish(160)
