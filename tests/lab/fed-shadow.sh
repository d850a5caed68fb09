#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=120
# A candidate beside live traffic: a message that it would refuse passes as before and show shadow tells of it; what it would let in
# stays outside; discard ends it. What monitoring reads meanwhile is what the box did.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound
export LAB_CAPTURE=off
export LAB_POLICY_EXTRA='set partner fabrikam.test allow
set partner blocked.test block'
lab_up
foreign_dns
lab_box_start "${FED_WORKERS:-1}"
export CONTROL SHELL_BIN
PYTHONPATH=$FOREIGN timeout "$(on_time 80)" python3 "$FOREIGN/shadow.py"

step "metrics and the status page"
lab_shell set observe metrics-listen 127.0.0.1:9105 metrics-listen '[::1]:9105' || fail "set"
expect "commit" lab_shell commit
lab_in box python3 - <<'PY' || fail "what monitoring reads"
import re, socket, time, urllib.error, urllib.request
def get(path, host="127.0.0.1", method="GET"):
    return urllib.request.urlopen(urllib.request.Request(f"http://{host}:9105{path}", method=method), timeout=5)
MET = 'sallyport_partner_in_total{partner="fabrikam.test"}'
for _ in range(300):  # the dataplane writes the rows of its tables within a second or so
    try:
        text = get("/metrics").read().decode()
        value = dict(re.findall(r"^(sallyport_\S+) (\S+)$", text, re.M))
        if int(value.get(MET, 0)) >= 3:
            break
    except OSError:
        pass
    time.sleep(0.1)
assert value["sallyport_dataplane_up"] == "1", text[:3000]
assert int(value.get(MET, 0)) >= 3, [v for v in value.items() if "partner" in v[0]]
assert int(value["sallyport_proxy_shadow_judged_total"]) >= 2
assert not re.search(r'partner="(?!fabrikam\.test|blocked\.test|other)', text)
assert int(value["sallyport_ring_events_total"]) > 0
families = re.findall(r"^# TYPE (\S+)", text, re.M)
assert len(families) > 100 and len(set(families)) == len(families), sorted(f for f in families if families.count(f) > 1)
page = get("/", host="[::1]")
assert page.headers["Content-Security-Policy"] and page.headers["Cache-Control"] == "no-store"
assert "fabrikam.test" in page.read().decode()
for path, status, length in (("/metrics", b" 200 ", 2000), ("/", b" 200 ", 1000), ("/nothing", b" 404 ", 0)):
    with socket.create_connection(("127.0.0.1", 9105), 5) as s:  # a client that counts what comes
        s.sendall(b"HEAD " + path.encode() + b" HTTP/1.1\r\nHost: box\r\n\r\n")
        head, _, rest = b"".join(iter(lambda: s.recv(65536), b"")).partition(b"\r\n\r\n")
    named = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    assert status in head.split(b"\r\n")[0] and not rest and named and int(named[1]) >= length, (path, head, rest[:80])
for path, method, status in (("/nothing", "GET", 404), ("/", "POST", 405), ("/metrics", "DELETE", 405)):
    try:
        get(path, method=method)
        raise SystemExit(f"{method} {path} was answered")
    except urllib.error.HTTPError as e:
        assert e.code == status, (path, method, e.code)
PY
lab_shell delete observe metrics-listen || fail "delete"
expect "commit" lab_shell commit
nobody() { ! lab_in box python3 -c 'import socket; socket.create_connection(("127.0.0.1", 9105), 2)'; }
eventually 5 nobody || fail "it listens on"
