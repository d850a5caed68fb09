#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release alone timeout=180
# 1,000 half handshakes a second from two networks: who is connected goes on as if nothing were (a ping over TLS answered within
# 250 ms), who comes newly gets in, nothing of the flood stays behind.
. "$(dirname "$0")/../lab/lib.sh"

need python3 openssl
WRITER=$SALLYPORT_BUILD/tests/lab/edgepolicy/edgepolicy
[ -x "$WRITER" ] || skip "edgepolicy is not built"
seconds=${LONG:+60}
seconds=${seconds:-12}
LAB_CAPTURE=off lab_up
C=$LAB_DIR/ca
lab_start 1
printf '%s\n' "trust lab $C/ca.crt $C/ca.crl" "profile modern lab modern" "certificate ec $C/edge-server.crt $C/edge-server.key" \
	"certificate in $C/edge-internal.crt $C/edge-internal.key" "identity main sip.contoso.test modern ec in" "sides modern modern" \
	"listen main external $LAB_BOX_EXT4 5061" "listen main internal $LAB_BOX_INT4 5061" commit taken | "$WRITER" "$LAB_RUN" >/dev/null ||
	fail "the policy is not taken"

# half handshakes at a rate, each held until the box ends it
cat >"$LAB_DIR/half.py" <<'PY'
import asyncio, ssl, sys, time
to, source, rate, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
ctx = ssl.create_default_context()
i, o = ssl.MemoryBIO(), ssl.MemoryBIO()
try:
    ctx.wrap_bio(i, o, server_hostname="sip.contoso.test").do_handshake()
except ssl.SSLWantReadError:
    pass
hello = o.read()
made = refused = 0
async def half():
    global made, refused
    try:
        r, w = await asyncio.wait_for(asyncio.open_connection(to, 5061, local_addr=(source, 0)), 5)
        w.write(hello)
        made += 1
        while await r.read(65536):
            pass
        w.close()
    except (OSError, asyncio.TimeoutError):
        refused += 1
async def main():
    begin, n, tasks = time.monotonic(), 0, set()
    while (now := time.monotonic() - begin) < seconds:
        while n < now * rate:
            n += 1
            t = asyncio.create_task(half())
            tasks.add(t)
            t.add_done_callback(tasks.discard)
        await asyncio.sleep(0.005)
    for t in tasks:
        t.cancel()
    print(n, made, refused)
asyncio.run(main())
PY
# one session of TLS; the worst time that a ping (RFC 5626 4.4.1) took, in ms, without those in which the machine stood still
cat >"$LAB_DIR/canary.py" <<'PY'
import socket, ssl, sys, threading, time
late = 0.0
def stalls():
    global late
    before = time.monotonic()
    while True:
        time.sleep(0.01)
        now = time.monotonic()
        late += max(0.0, now - before - 0.015)
        before = now
threading.Thread(target=stalls, daemon=True).start()
to, ca, cert, key, seconds = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], float(sys.argv[5])
ctx = ssl.create_default_context(cafile=ca)
ctx.load_cert_chain(cert, key)
s = ctx.wrap_socket(socket.create_connection((to, 5061), 5), server_hostname="sip.contoso.test")
s.settimeout(5)
worst, n, begin = 0.0, 0, time.monotonic()
while time.monotonic() - begin < seconds:
    t, stood = time.monotonic(), late
    s.sendall(b"\r\n\r\n")
    got = b""
    while len(got) < 2:
        d = s.recv(100)
        if not d:
            sys.exit("the box closed the session")
        got += d
    took = time.monotonic() - t
    if took > 0.1:
        time.sleep(0.02)  # what began meanwhile is noted when it ends
    worst = max(worst, took - (late - stood))
    n += 1
    time.sleep(0.02)
print(n, int(worst * 1000))
PY
canary() { lab_in partner python3 "$LAB_DIR/canary.py" "$LAB_BOX_EXT4" "$C/ca.crt" "$C/partner.crt" "$C/partner.key" "$1"; }
tls() { box_json | python3 -c '
import json, sys
print(*(next(iter(json.load(open("/dev/stdin"))["tables"]["tls"]["instances"].values()))[r] for r in sys.argv[1:2]))' "$1"; }

step "at rest"
read -r pings worst < <(canary 2)
echo "   $pings pings, the worst took $worst ms"
step "under $((seconds * 1000)) half handshakes in $seconds s"
lab_in inet python3 "$LAB_DIR/half.py" "$LAB_BOX_EXT4" "$LAB_INET_FAR4" 500 "$seconds" >"$LAB_DIR/flood1" 2>"$LAB_LOG/flood1" &
one=$!
lab_in partner python3 "$LAB_DIR/half.py" "$LAB_BOX_EXT4" "$LAB_PARTNER4" 500 "$seconds" >"$LAB_DIR/flood2" 2>"$LAB_LOG/flood2" &
two=$!
read -r pings worst < <(canary $((seconds - 2))) || fail "the canary's session ended"
most=$(tls handshakes)
wait $one $two || fail "the flood failed: $(cat "$LAB_LOG"/flood?)"
read -r n1 made1 refused1 <"$LAB_DIR/flood1"
read -r n2 made2 refused2 <"$LAB_DIR/flood2"
echo "   $((n1 + n2)) begun, $((made1 + made2)) said hello, $((refused1 + refused2)) refused; $most open at one time; $pings pings, the worst took $worst ms"
[ "$(on_time $((n1 + n2)))" -ge $((seconds * 900)) ] || fail "that was no flood"
[ "$worst" -le "$(on_time 250)" ] || fail "an established session waited $worst ms"
[ "$(on_time "$pings")" -ge $((seconds * 10)) ] || fail "only $pings pings in $((seconds - 2)) s"
step "afterwards"
none() { [ "$(tls handshakes)" = 0 ] && [ "$(tls sessions)" = 0 ]; }
expect "nothing stays behind" eventually 20 none
read -r pings worst < <(canary 1) || fail "nobody gets in any more"
