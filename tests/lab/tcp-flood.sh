#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=240 alone
# What is thrown at a TCP that faces the Internet: SYN floods from forged addresses, ISN prediction, in-window RST and SYN, and
# ten thousand connections that never finish what they say. New connections go on; memory does not grow.
. "$(dirname "$0")/lib.sh"

PEER=$SALLYPORT_BUILD/tests/lab/tcpbox/tcppeer
export LAB_BOX_PROGRAM=$SALLYPORT_BUILD/tests/lab/tcpbox/tcpbox
export LAB_CAPTURE=off TCPBOX_HELD_MS=600000
[ -x "$LAB_BOX_PROGRAM" ] || skip "tcpbox is not built"
need hping3 nmap python3
lab_up
lab_start 1

tcp_now() { # NAME: a gauge, over all workers
	box_json | python3 -c '
import json, sys
print(sum(w[sys.argv[1]] for w in json.load(sys.stdin)["tables"]["tcp"]["instances"].values()))' "$1"
}
box_rss() { awk '/VmRSS/ {print $2}' "/proc/$(box_pid)/status"; }
connects() { # N: of N new connections, 99 % within 5 s
	local good
	good=$(lab_in inside "$PEER" connects "$LAB_BOX_INT4" 7004 "$1")
	[ $((good * 100)) -ge $(($1 * 99)) ] || fail "only $good of $1 new connections within 5 s"
	printf '   %s of %s new connections\n' "$good" "$1"
}

step "a SYN flood from forged addresses"
# forged sources are answered through the gateway, where nobody lives
ip netns exec "$LAB-inet" hping3 -q -i u20 -S -p 7004 --rand-source "$LAB_BOX_EXT4" >/dev/null 2>&1 &
flood=$!
# tables of fixed size fill first; from then on nothing grows
connects 10
sleep 2
before=$(box_rss)
connects "${LONG:+500}${LONG:-100}"
tcp_counted() { [ "$(box_counter "$1" tcp)" -ge "$2" ]; } # NAME AT-LEAST
eventually 20 tcp_counted cookies_sent 1001 || fail "no cookies under a flood"
kill $flood
wait $flood 2>/dev/null || true
grown=$(($(box_rss) - before))
printf '   %s cookies, memory %s kB\n' "$(box_counter cookies_sent tcp)" "$grown"
[ $grown -lt 2048 ] || fail "memory grew by $grown kB"

step "as fast as it can"
timeout 5 ip netns exec "$LAB-inet" hping3 -q --flood -S -p 7004 --rand-source "$LAB_BOX_EXT4" >/dev/null 2>&1 || true
expect "the box lives" box_alive
connects 50
half_open_ends() { [ "$(tcp_now half_open_now)" = 0 ]; }
expect "half-open connections end" eventually 60 half_open_ends

step "ISN prediction"
out=$(lab_in partner nmap -n -Pn -O -v --osscan-guess -p 7004,7999 "$LAB_BOX_EXT4" 2>&1 || true)
grep -q "Good luck" <<<"$out" || {
	printf '%s\n' "$out" | tail -n 20
	fail "nmap thinks that it can predict sequence numbers"
}

step "RST and SYN in the window of somebody who lives"
lab_in partner python3 - "$LAB_BOX_EXT4" 7004 <<'PY' || fail "a connection did not outlive what it did not ask for"
import socket, struct, sys
box, port = sys.argv[1], int(sys.argv[2])
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
wire.settimeout(3)
s = socket.create_connection((box, port), 5)
s.settimeout(5)


def echo(what):
    s.sendall(what)
    got = b""
    while len(got) < len(what):
        more = s.recv(4096)
        assert more, "closed"
        got += more
    assert got == what, got


def segment(flags, seq, ack):
    src, dst = socket.inet_aton(s.getsockname()[0]), socket.inet_aton(box)
    tcp = struct.pack("!HHIIBBHHH", s.getsockname()[1], port, seq & 0xffffffff, ack, 5 + len(options) // 4 << 4, flags, 1024, 0, 0) + options
    total = sum(struct.unpack(f"!{6 + len(tcp) // 2}H", src + dst + struct.pack("!HH", 6, len(tcp)) + tcp))
    total = ~((total & 0xffff) + (total >> 16)) & 0xffff
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + src + dst
    raw.sendto(ip + tcp[:16] + struct.pack("!H", total) + tcp[18:], (box, 0))


echo(b"before")
while True:  # our last ACK says where the box is, and where we are
    p = wire.recv(2048)
    at = (p[0] & 15) * 4
    if p[0] >> 4 == 4 and p[9] == 6 and p[12:16] == socket.inet_aton(s.getsockname()[0]) and p[at + 13] & 2 == 0:
        seq, ack = struct.unpack("!II", p[at + 4:at + 12])
        options = p[at + 20:at + (p[at + 12] >> 4) * 4]
        # the timestamp, without which a SYN is not even looked at; nor with one that is older than the last (RFC 7323 section 5.3)
        t = options.index(b"\x08\x0a") + 2
        options = options[:t] + struct.pack("!I", struct.unpack("!I", options[t:t + 4])[0] + 60000 & 0xffffffff) + options[t + 4:]
        break
seq += 6
for ahead in (1, 100, 5000):
    segment(4, seq + ahead, 0)  # RFC 5961 section 3.2
    segment(2, seq + ahead, 0)  # section 4.2
    segment(20, seq + ahead, ack)
    echo(b"still here")
    seq += 10
PY
eventually 5 tcp_counted drop.rst_challenged 6 || fail "RSTs in the window were not challenged: $(box_counter drop.rst_challenged tcp)"
eventually 5 tcp_counted drop.syn_challenged 3 || fail "SYNs in the window were not challenged: $(box_counter drop.syn_challenged tcp)"

step "ten thousand connections with an unfinished byte each"
N=10000
expect "addresses" lab_in inside bash -c 'for i in $(seq 1 10); do ip addr add 198.18.2.$((100 + i))/24 dev eth0 2>/dev/null || ip addr add 198.18.2.$((100 + i))/24 dev "$(ip -o -4 addr show to 198.18.2.10 | awk "{print \$2}")"; done'
mkfifo "$LAB_DIR/hold.fifo"
sources=()
for i in $(seq 1 10); do sources+=("198.18.2.$((100 + i))"); done
ip netns exec "$LAB-inside" "$PEER" hold "$LAB_BOX_INT4" 7005 "$N" "${sources[@]}" <"$LAB_DIR/hold.fifo" >"$LAB_DIR/hold.out" &
hold=$!
exec 9>"$LAB_DIR/hold.fifo"

expect "they are open" eventually 90 test -s "$LAB_DIR/hold.out"
free=$(box_json | python3 -c 'import json,sys; print(json.load(sys.stdin)["tables"]["process"]["instances"]["process"]["mbufs_free"])')
printf '   %s connections, %s bytes held, %s receive buffers free\n' "$(tcp_now connections)" "$(tcp_now held_bytes)" "$free"
[ "$free" -ge 4096 ] || fail "the receive pool fell below its reserve"
connects 50
exec 9>&-
wait $hold || fail "a connection failed"
gone_again() { [ "$(tcp_now connections)" -lt 1500 ] && [ "$(tcp_now held_bytes)" = 0 ]; }
expect "they are gone" eventually 40 gone_again
expect "frames astray" eventually 2 box_balanced
