# SPDX-License-Identifier: BSD-3-Clause
"""GnuTLS at both ends of the shipped box, for box-gnutls.sh: client certificates, records of one byte and of 16 KiB, key updates, half-closes,
resumption; with `compat`, its peers know no elliptic curves."""
import ctypes
import os
import select
import sys
import time

from crossing import check, crosses, dialled, finish, gone, inside, other, pool, tls
from sippeer import ENV, Link, Server, wait_until

G = ctypes.CDLL("libgnutls.so.30")
P, I, Z, B = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_char_p
AGAIN, INTERRUPTED, CLIENT, SERVER, CERTIFICATE, REQUIRE, PEM, WRITES = -28, -52, 2, 1, 1, 2, 1, 1
for f, args in {"gnutls_init": [P, I], "gnutls_priority_set_direct": [P, B, P], "gnutls_credentials_set": [P, I, P], "gnutls_handshake": [P],
                "gnutls_transport_set_int2": [P, I, I], "gnutls_server_name_set": [P, I, B, Z], "gnutls_record_send": [P, B, Z],
                "gnutls_record_recv": [P, P, Z], "gnutls_bye": [P, I], "gnutls_deinit": [P], "gnutls_session_key_update": [P, I],
                "gnutls_session_get_data2": [P, P], "gnutls_session_set_data": [P, P, Z], "gnutls_session_is_resumed": [P],
                "gnutls_certificate_server_set_request": [P, I], "gnutls_session_ticket_enable_server": [P, P],
                "gnutls_session_set_verify_cert": [P, B, I], "gnutls_certificate_set_x509_key_file": [P, B, B, I],
                "gnutls_certificate_set_x509_trust_file": [P, B, I]}.items():
    getattr(G, f).argtypes = args
G.gnutls_record_send.restype = G.gnutls_record_recv.restype = ctypes.c_ssize_t
G.gnutls_deinit.restype = G.gnutls_certificate_server_set_request.restype = None
ONLY = {"1.3": b"NORMAL:-VERS-ALL:+VERS-TLS1.3", "1.2": b"NORMAL:-VERS-ALL:+VERS-TLS1.2",
        "old": b"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:+DHE-RSA"}


class Datum(ctypes.Structure):
    _fields_ = [("data", P), ("size", ctypes.c_uint)]


def credentials(certificate):
    c = P()
    G.gnutls_certificate_allocate_credentials(ctypes.byref(c))
    G.gnutls_certificate_set_x509_trust_file(c, ENV["LAB_CA"].encode(), PEM)
    word = certificate and certificate.upper().replace("-", "_")
    if word and G.gnutls_certificate_set_x509_key_file(c, ENV["LAB_CHAIN_" + word].encode(), ENV["LAB_KEY_" + word].encode(), PEM) < 0:
        raise SystemExit("FAILED: no certificate")
    return c


class Gnutls:
    """a socket to sippeer.Link; `record` bytes of payload in one record"""

    def __init__(self, sock, version, cred, server, keep=None):
        self.sock, self.record, self.notified, self.s = sock, 0, False, P()
        G.gnutls_init(ctypes.byref(self.s), SERVER if server else CLIENT)
        if G.gnutls_priority_set_direct(self.s, ONLY[version], None) < 0:
            raise SystemExit("FAILED: priority")
        G.gnutls_credentials_set(self.s, CERTIFICATE, cred)
        if server:
            G.gnutls_certificate_server_set_request(self.s, REQUIRE)
            G.gnutls_session_ticket_enable_server(self.s, ctypes.byref(keep))
        else:
            fqdn = ENV["LAB_FQDN"].encode()
            G.gnutls_server_name_set(self.s, 1, fqdn, len(fqdn))
            G.gnutls_session_set_verify_cert(self.s, fqdn, 0)
            if keep:
                G.gnutls_session_set_data(self.s, keep, len(keep))
        G.gnutls_transport_set_int2(self.s, sock.fileno(), sock.fileno())
        if self.call(G.gnutls_handshake, False) < 0:
            raise OSError("handshake")
        self.resumed = G.gnutls_session_is_resumed(self.s) != 0

    def call(self, f, writes, *args):
        """again until it is done: the socket does not wait"""
        while (n := f(self.s, *args)) in (AGAIN, INTERRUPTED):
            wants = ([], [self.sock], []) if writes else ([self.sock], [], [])
            if not any(select.select(*wants, self.sock.gettimeout())):
                raise TimeoutError
        return n

    def sendall(self, data):
        size = self.record or 16384
        for i in range(0, len(data), size):
            part = data[i : i + size]
            if self.call(G.gnutls_record_send, True, part, len(part)) != len(part):
                raise OSError("send")

    def recv(self, size):
        buf = ctypes.create_string_buffer(size)
        n = self.call(G.gnutls_record_recv, False, buf, size)
        self.notified = self.notified or n == 0
        return buf.raw[:n] if n > 0 else b""

    def update(self, both):
        if self.call(G.gnutls_session_key_update, True, int(both)) < 0:
            raise OSError("key update")

    def notify(self):
        G.gnutls_bye(self.s, WRITES)

    def ticket(self):
        d = Datum()
        return ctypes.string_at(d.data, d.size) if G.gnutls_session_get_data2(self.s, ctypes.byref(d)) == 0 else b""

    def settimeout(self, seconds):
        self.sock.settimeout(seconds)

    def unwrap(self):
        self.notify()
        return self.sock

    def shutdown(self, how):
        self.sock.shutdown(how)

    def close(self):
        self.sock.close()


class Wrap:
    """what sippeer.Server asks for a session"""

    def __init__(self, version, cred):
        self.version, self.cred, self.key = version, cred, Datum()
        G.gnutls_session_ticket_key_generate(ctypes.byref(self.key))

    def wrap_socket(self, s, server_side):
        return Gnutls(s, self.version, self.cred, server_side, self.key)


def client(version, cred, keep=None):
    return Link(Gnutls(dialled(), version, cred, False, keep))


def sized(s, record):
    s.record = record


SHAPES = {"records of one byte": (1, os.urandom(500)), "maximal records": (0, os.urandom(200000))}


def inward(version, cred):
    l = client(version, cred)
    for what, (record, body) in SHAPES.items():
        sized(l.sock, record)
        crosses(f"{version}, {what}", l, inside, body=body, back=body[::-1])
    sized(l.sock, 0)
    if version == "1.3":
        for both in (False, True):
            ins, outs = tls("key_updates_in"), tls("key_updates_out")
            crosses(f"key update, both: {both}", l, inside, before=lambda s, data, b=both: (s.update(b), s.sendall(data)))
            check("key update in", wait_until(lambda n=ins: tls("key_updates_in") == n + 1, 2), tls("key_updates_in") - ins)
            check("key update out", wait_until(lambda n=outs, b=both: tls("key_updates_out") == n + b, 2), tls("key_updates_out") - outs)
    keep = l.sock.ticket()
    crosses(f"{version}, half-close", l, inside, back=os.urandom(50000), act=lambda there: time.sleep(0.3),
            before=lambda s, data: (s.sendall(data), s.notify()))
    check(f"{version}, close_notify comes", l.closed(3) and l.sock.notified)
    l.sock.close()
    l = client(version, cred, keep)
    check(f"{version}, resumed", l.sock.resumed)
    crosses(f"{version}, resumed, and", l, inside, body=os.urandom(30000))
    l.close()
    # TLS 1.3: who has none hears of it after his own part is done
    try:
        l = client(version, credentials(None))
        check(f"{version}, without a certificate", l.closed(3))
    except OSError:
        check(f"{version}, without a certificate", True)


def outward(version, server, domain):
    to = {"frm": "bob@contoso.test", "to": f"alice@{domain}"}
    crosses(f"{version}, outward", pool, server, **to)
    for what, (record, body) in SHAPES.items():
        crosses(f"{version}, outward, {what}", pool, server, body=body[::-1], back=body, act=lambda there, r=record: sized(there.sock, r), **to)
    if version == "1.3":
        for both in (False, True):
            outs = tls("key_updates_out")
            crosses(f"a server's key update, both: {both}", pool, server, back=os.urandom(3000), act=lambda there, b=both: there.sock.update(b), **to)
            check("answered", wait_until(lambda n=outs, b=both: tls("key_updates_out") == n + b, 2), tls("key_updates_out") - outs)
            crosses("and then", pool, server, **to)
    for l in list(server.links):
        sized(l.sock, 0)
    gone(server)
    # a worker shows its counters some milliseconds later
    before = tls("handshakes_resumed")
    crosses(f"{version}, outward, another link", pool, server, **to)
    check(f"{version}, outward, resumed", wait_until(lambda: tls("handshakes_resumed") == before + 1, 2) and all(l.sock.resumed for l in server.links), tls("handshakes_resumed"))
    crosses(f"{version}, the answer and close_notify", pool, server, back=os.urandom(30000), act=lambda there: leaves(there.sock), **to)
    check(f"{version}: the link ends", wait_until(lambda: not server.links))


def leaves(s):
    whole = s.sendall
    s.sendall = lambda data: (whole(data), s.notify())


if sys.argv[1:] == ["compat"]:
    inward("old", credentials("partner-rsa"))
    there = Server("partner", ENV["LAB_PARTNER4"], 7413, "partner", other)
    there.context = Wrap("old", credentials("partner-rsa"))
    outward("old", there, "p7413.test")
    least = 19
else:
    for v, port in (("1.3", 7411), ("1.2", 7412)):
        inward(v, credentials("partner"))
        there = Server("partner", ENV["LAB_PARTNER4"], port, "partner", other)
        there.context = Wrap(v, credentials("partner"))
        outward(v, there, f"p{port}.test")
    try:
        client("old", credentials("partner-rsa"))
        check("modern has nothing for peers without elliptic curves", False)
    except OSError:
        check("modern has nothing for peers without elliptic curves", True)
    least = 50
finish(least)
