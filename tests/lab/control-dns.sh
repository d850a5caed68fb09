#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Discovery against a real name server: what is there, what is not, what lies, what is slow, what is gone.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
need unbound jq python3 ldns-keygen ldns-signzone
CONTROL=$SALLYPORT_BUILD/controlplane/daemon/sallyport-control
SHELL_BIN=$SALLYPORT_BUILD/controlplane/shell/sallyport
if [ -z "${CONTROL_DNS_INSIDE:-}" ]; then
	# a network of its own: loopback only, so the ports are free and nothing leaves
	CONTROL_DNS_INSIDE=1 exec unshare -n "$0" "$@"
fi
ip link set lo up
dir=$(mktemp -d /tmp/sallyport-dns-XXXXXX)
export SALLYPORT_SOCKET=$dir/run/control.sock
mkdir -p "$SALLYPORT_TEST_DIR"
cleanup() {
	local pid
	for pid in ${control:-} ${server:-} ${stub:-}; do kill "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	cp "$dir/log" "$SALLYPORT_TEST_DIR/control.log" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT

# a signed zone, some of whose records were changed afterwards
(
	cd "$dir"
	cat >zone <<END
\$ORIGIN signed.lab.
\$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 300
@ IN NS ns
ns IN A 127.0.0.1
_sipfederationtls._tcp.good IN SRV 0 0 5061 sip.good
sip.good IN A 198.18.7.10
_sipfederationtls._tcp.forged IN SRV 0 0 5061 sip.forged
sip.forged IN A 198.18.7.11
_sipfederationtls._tcp.moved IN SRV 0 0 5061 sip.moved
sip.moved IN A 198.18.7.12
END
	key=$(ldns-keygen -a ECDSAP256SHA256 -k signed.lab)
	ldns-signzone -o signed.lab -f signed zone "$key"
	sed -i -e '/IN[[:space:]]SRV[[:space:]].*forged/s/sip\.forged/sip.evil/' \
		-e 's/198\.18\.7\.12/198.18.7.66/' signed
	cp "$key.key" anchor
) || fail "the zone cannot be signed"

# the server: its zones are its own data
{
	cat <<END
server:
	interface: 127.0.0.1@5301
	port: 5301
	do-daemonize: no
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	verbosity: 0
	do-not-query-localhost: no
	module-config: "iterator"
	local-zone: "test." static
	local-data: "_sipfederationtls._tcp.good.test. 2 IN SRV 10 5 5061 sip.good.test."
	local-data: "sip.good.test. 2 IN A 198.18.7.1"
	local-data: "sip.good.test. 2 IN AAAA 2001:db8:7::1"
	local-data: "_sipfederationtls._tcp.two.test. 300 IN SRV 20 1 5061 b.two.test."
	local-data: "_sipfederationtls._tcp.two.test. 300 IN SRV 10 1 5061 a.two.test."
	local-data: "a.two.test. 300 IN A 198.18.7.2"
	local-data: "b.two.test. 300 IN A 198.18.7.3"
	local-data: "_sipfederationtls._tcp.foreign.test. 300 IN SRV 0 0 5061 sip.hoster.test."
	local-data: "sip.hoster.test. 300 IN A 198.18.7.4"
	local-data: "_sipfederationtls._tcp.inner.test. 300 IN SRV 0 0 5061 sip.inner.test."
	local-data: "sip.inner.test. 300 IN A 127.0.0.1"
	local-data: "sip.inner.test. 300 IN A 192.168.1.1"
	local-data: "_sipfederationtls._tcp.noservice.test. 300 IN SRV 0 0 0 ."
	local-data: "_sipfederationtls._tcp.noaddress.test. 300 IN SRV 0 0 5061 gone.noaddress.test."
END
	for i in 1:70 2:20 3:10; do
		echo "	local-data: \"_sipfederationtls._tcp.weights.test. 300 IN SRV 10 ${i#*:} 5061 w${i%:*}.weights.test.\""
		echo "	local-data: \"w${i%:*}.weights.test. 300 IN A 198.18.7.2${i%:*}\""
	done
	echo '	local-data: "_sipfederationtls._tcp.weights.test. 300 IN SRV 20 1000 5061 backup.weights.test."'
	echo '	local-data: "backup.weights.test. 300 IN A 198.18.7.30"'
	# far more than a UDP answer holds: truncated, then asked by TCP
	for i in $(seq 100); do
		echo "	local-data: \"_sipfederationtls._tcp.hundred.test. 300 IN SRV $i 1 5061 target-with-a-long-name-$i.hundred.test.\""
		echo "	local-data: \"target-with-a-long-name-$i.hundred.test. 300 IN A 198.18.8.$i\""
	done
	# a server that answers nothing, and one that says SERVFAIL, play their own zones
	printf 'auth-zone:\n\tname: "signed.lab."\n\tzonefile: "%s/signed"\n\tfor-downstream: yes\n' "$dir"
	printf 'forward-zone:\n\tname: "slow.example."\n\tforward-addr: 127.0.0.1@5302\n'
} >"$dir/unbound.conf"
unbound -c "$dir/unbound.conf" -d 2>"$dir/unbound.log" &
server=$!

# answers what no good server does: by the name that it is asked for
cat >"$dir/stub.py" <<'END'
import socket, struct, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 5303))
def name(p, at):
    out = []
    while p[at]:
        out.append(p[at + 1:at + 1 + p[at]]); at += 1 + p[at]
    return b".".join(out).lower().decode(), at + 1
def wire(n):
    return b"".join(bytes([len(l)]) + l.encode() for l in n.split(".")) + b"\0"
late = []
while True:
    s.settimeout(0.2)
    now = time.time()
    for t, data, to in list(late):
        if now >= t:
            s.sendto(data, to); late.remove((t, data, to))
    try:
        q, to = s.recvfrom(4096)
    except socket.timeout:
        continue
    n, end = name(q, 12)
    question = q[12:end + 4]
    kind = struct.unpack(">H", q[end:end + 2])[0]
    rr = b""
    count = 0
    rcode = 0
    if "servfail" in n: rcode = 2
    elif "chain" in n and kind == 33 and n.startswith("_sip"):
        rr = b"\xc0\x0c" + struct.pack(">HHIH", 33, 1, 60, 6 + len(wire("sip.chain.stub"))) + struct.pack(">HHH", 1, 1, 5061) + wire("sip.chain.stub"); count = 1
    elif n == "sip.chain.stub":
        rr = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, len(wire("c1.chain.stub"))) + wire("c1.chain.stub"); count = 1
    elif n == "c1.chain.stub":
        rr = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, len(wire("c2.chain.stub"))) + wire("c2.chain.stub"); count = 1
    elif n == "c2.chain.stub" and kind == 1:
        rr = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([198, 18, 9, 1]); count = 1
    elif "loop" in n:
        rr = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, len(wire(n))) + wire(n); count = 1
    elif "nx" in n: rcode = 3
    h = q[:2] + struct.pack(">HHHHH", 0x8580 | rcode, 1, count, 0, 0)
    answer = h + question + rr
    if "wrongid" in n: answer = bytes([answer[0] ^ 255]) + answer[1:]
    if "late" in n: late.append((time.time() + 10, answer, to))
    elif "silent" not in n: s.sendto(answer, to)
END
python3 "$dir/stub.py" &
stub=$!

"$CONTROL" --store "$dir/store" --run "$dir/run" 2>"$dir/log" &
control=$!
eventually 10 "$SHELL_BIN" show status || fail "the daemon does not come up: $(cat "$dir/log")"
printf 'set dns server 127.0.0.1:5301\nset dns timeout 3s\nset dns min-ttl 1s\nset dns trust-anchor %s\n' "$dir/anchor" >"$dir/a.conf"
printf 'set dns server 127.0.0.1:5303\nset dns timeout 3s\nset dns min-ttl 1s\n' >"$dir/b.conf"
use() { "$SHELL_BIN" apply "$1" >"$dir/applied" 2>&1 || [ $? = 2 ] || fail "apply $1: $(cat "$dir/applied")"; }
partner() { "$SHELL_BIN" -j test partner "$1" >"$dir/out" || true; }
says() { jq -e "$1" "$dir/out" >/dev/null || { cat "$dir/out"; fail "$2"; }; }
row='.rows[] | select(.dns)'

use "$dir/a.conf"
found() { partner good.test && jq -e "$row | .state == \"ok\"" "$dir/out"; }
eventually 10 found || fail "the name server does not answer: $(cat "$dir/out")"
step "what is there"
partner good.test
says "$row | .state == \"ok\" and .targets[0].name == \"sip.good.test\" and .targets[0].port == 5061 and (.targets[0].addresses | sort == [\"198.18.7.1\", \"2001:db8:7::1\"])" "good.test is not found as it is"
partner two.test
says "$row | [.targets[].name] == [\"a.two.test\", \"b.two.test\"]" "priorities are not in order"
partner foreign.test
says "$row | .targets[0].name == \"sip.hoster.test\"" "a foreign target does not come through as it is"
says '[.rows[].message] | any(. != null and contains("only a provider"))' "the same-domain rule is not mentioned"
step "what is not there, or not meant for us"
partner nothing.test
says "$row | .state == \"nothing\"" "NXDOMAIN"
partner noservice.test
says "$row | .state == \"nothing\"" "a target of '.' says that there is no service"
partner noaddress.test
says "$row | .targets[0].addresses == []" "a target without address"
partner inner.test
says "$row | .targets[0].addresses == []" "loopback and private addresses are taken from a partner"
step "a hundred targets, by TCP"
partner hundred.test
says "$row | .state == \"ok\" and (.cut | not) and (.targets | length) == 100 and .targets[0].priority == 1 and .targets[99].priority == 100" "100 targets"
step "ten thousand picks among weights"
partner weights.test
"$SALLYPORT_BUILD/tests/lab/picks/picks" "$dir/run" weights.test 10000 >"$dir/picks" || fail "no picks"
cat "$dir/picks"
# four standard deviations of a binomial
for want in w1.weights.test:7000:183 w2.weights.test:2000:160 w3.weights.test:1000:120; do
	IFS=: read -r name mean away <<<"$want"
	got=$(awk -v n="$name" '$1 == n {print $2}' "$dir/picks")
	[ "${got:-0}" -ge $((mean - away)) ] && [ "${got:-0}" -le $((mean + away)) ] || fail "$name came first $got times of 10000"
done
! grep -q backup "$dir/picks" || fail "a worse priority was chosen first"
step "DNSSEC: what is signed, and what was changed after it was signed"
partner good.signed.lab
says "$row | .state == \"ok\" and .secure and .targets[0].addresses == [\"198.18.7.10\"]" "a signed answer"
partner good.test
says "$row | .state == \"ok\" and (.secure | not)" "an unsigned answer is not called validated"
partner forged.signed.lab
says "$row | .state == \"bogus\" and (.targets | length) == 0" "a forged SRV record"
says '[.rows[].message] | any(. != null and contains("forged"))' "a forgery is not called one"
partner moved.signed.lab
says "$row | .state == \"bogus\" or .targets[0].addresses == []" "a forged address"
partner missing.signed.lab
says "$row | .state == \"nothing\"" "a denial that is signed"
step "the TTL ends, and what is used is asked for again"
partner good.test
sleep 3
anew() {
	"$SHELL_BIN" explain from a@good.test to b@other.test inbound >/dev/null
	"$SHELL_BIN" -j show dns good.test >"$dir/out"
	jq -e "$row | .ttl >= 0 and .state == \"ok\"" "$dir/out"
}
eventually 10 anew || says false "good.test is stale"
step "the server goes, answers stay; it comes back"
kill "$server"
wait "$server" 2>/dev/null || true
server=
"$SHELL_BIN" -j show dns two.test >"$dir/out"
says "$row | .state == \"ok\" and .targets[0].name == \"a.two.test\"" "an answer went with the server"
begin=$SECONDS
partner unseen.test
[ $((SECONDS - begin)) -le "$(on_time 6)" ] || fail "a question without a server took $((SECONDS - begin)) s"
step "servers that lie, delay and loop"
use "$dir/b.conf"
partner chain.stub
says "$row | .state == \"ok\" and .targets[0].addresses == [\"198.18.9.1\"]" "a chain of CNAMEs"
for bad in servfail.stub loop.stub wrongid.stub silent.stub late.stub nx.stub; do
	begin=$SECONDS
	partner $bad
	[ $((SECONDS - begin)) -le "$(on_time 6)" ] || fail "$bad took $((SECONDS - begin)) s"
	says '[.rows[], .errors[]] | all(.state? != "ok")' "$bad gave an answer"
done
partner chain.stub
says "$row | .state == \"ok\"" "a good name beside bad ones"
kill -0 "$control" || fail "the daemon is gone"
