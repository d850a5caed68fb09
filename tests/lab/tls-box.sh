#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release asan timeout=240
# The dataplane as it is shipped, TLS as the policy says: foreign clients in both versions and on both sides, the certificate
# matrix, resumption, rotation, revocation, bad certificates that change nothing, listeners that come and go, and a box that
# was killed and serves again from what lies in its files while nobody is there to control it.
. "$(dirname "$0")/lib.sh"

need openssl gnutls-cli
WRITER=$SALLYPORT_BUILD/tests/lab/edgepolicy/edgepolicy
[ -x "$WRITER" ] || skip "edgepolicy is not built"
lab_up
C=$LAB_DIR/ca
listens="listen main external $LAB_BOX_EXT4 5061
listen main external $LAB_BOX_EXT6 5061
listen old external $LAB_BOX_EXT4 5062
listen main internal $LAB_BOX_INT4 5061"
# the whole policy, with what a step changes; committed, and taken by the workers
policy() { # [CERTIFICATE [CRL [MODE]]]: of the main identity, $listens
	printf '%s\n' "trust lab $C/ca.crt ${2:-$C/ca.crl}" "profile modern lab ${3:-modern}" "profile compat lab compat" \
		"certificate ec $C/${1:-edge-server}.crt $C/${1:-edge-server}.key" "certificate rsa $C/edge-rsa.crt $C/edge-rsa.key" \
		"certificate in $C/edge-internal.crt $C/edge-internal.key" \
		"identity main sip.contoso.test modern ec,rsa in" "identity old old.contoso.test compat rsa in" \
		"sides modern modern" "$listens"
}
publish() { # [nothing-taken] < policy
	{
		cat
		echo commit
		[ "${1:-}" = nothing-taken ] || echo taken
	} | "$WRITER" "$LAB_RUN" >/dev/null
}

tls() { box_json | python3 -c '
import json, sys
t = json.load(sys.stdin)["tables"]
v = 0
for name in sys.argv[1:]:
    table, row = name.split("/")
    v += sum(i[row] for i in t[table]["instances"].values())
print(v)' "$@"; }
up() { tls edge/accepted_external edge/accepted_internal; }
# a session comes up, is verified, and ends in order
talks() {
	local before out
	before=$(up)
	out=$("$@" 2>&1) || true
	eventually 10 came "$before" || {
		printf '%s\n' "$out"
		return 1
	}
}
came() { [ "$(up)" = $(($1 + 1)) ]; }
# and of whom that is not true a second after he has gone
stays_out() {
	local before
	before=$(up)
	"$@" >/dev/null 2>&1 || true
	sleep 1
	[ "$(up)" = "$before" ]
}
# the client goes when the handshake is done (WANT: when that is in its output)
openssl_to() { # ADDRESS:PORT [options]
	local to=$1
	shift
	set -- ip netns exec "$LAB-$FROM" timeout 20 openssl s_client -connect "$to" -CAfile "$C/ca.crt" -verify_return_error \
		-cert "$CERT.chain" -key "$CERT.key" "$@"
	talk "${WANT:-Verify return code: }" "$@" </dev/null
}
# a client that is up, and stays until it is told to go: let_go
hold() { # ADDRESS:PORT
	rm -f "$LAB_DIR/stays" "$LAB_DIR/stays.fifo"
	mkfifo "$LAB_DIR/stays.fifo"
	lab_in partner openssl s_client -connect "$1" -CAfile "$C/ca.crt" -verify_return_error -cert "$CERT.chain" -key "$CERT.key" \
		<"$LAB_DIR/stays.fifo" >"$LAB_DIR/stays" 2>&1 &
	stays=$!
	exec 7>"$LAB_DIR/stays.fifo"
	eventually 20 grep -q 'Verify return code: 0' "$LAB_DIR/stays" || fail "no session that stays: $(cat "$LAB_DIR/stays")"
}
let_go() {
	exec 7>&-
	wait $stays || true
}
# … and when it has got a ticket: with 1.3 that comes later
visit() { # VERSION FILE [options]: of a session that can be resumed
	local WANT='Verify return code: ' version=$1 file=$2
	[ "$1" = -tls1_2 ] || WANT=file:$file
	shift 2
	rm -f "$file"
	openssl_to "$OUT" "$version" -sess_out "$file" "$@"
}
gnutls_to() { # PORT PRIORITY CERT
	talk 'Handshake was completed' ip netns exec "$LAB-partner" timeout 20 gnutls-cli --x509cafile "$C/ca.crt" --sni-hostname sip.contoso.test \
		--verify-hostname sip.contoso.test --x509certfile "$C/$3.crt" --x509keyfile "$C/$3.key" --priority "$2" -p "$1" "$LAB_BOX_EXT4" </dev/null
}
counted_up() { [ "$(tls "$1")" = $(($2 + 1)) ]; } # ROW BEFORE
FROM=partner
CERT=$C/partner
OUT=$LAB_BOX_EXT4:5061
NOEC=NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:+DHE-RSA

step "nothing to serve yet: TCP is refused, ping is answered"
lab_start "${WORKERS:-2}"
refuse "a listener without policy" lab_in partner timeout 3 bash -c "exec 3<>/dev/tcp/$LAB_BOX_EXT4/5061"
expect "ping" lab_in partner ping -q -c 1 -W 2 "$LAB_BOX_EXT4"
policy | publish || fail "the policy is not taken"

step "foreign clients"
for version in -tls1_3 -tls1_2; do
	expect "openssl $version" talks openssl_to "$OUT" $version
	expect "openssl $version, IPv6" talks openssl_to "[$LAB_BOX_EXT6]:5061" $version
	CERT=$C/partner-rsa expect "openssl $version, RSA only" talks openssl_to "$OUT" $version -sigalgs RSA-PSS+SHA256:RSA+SHA256
	expect "openssl $version, small records" talks openssl_to "$OUT" $version -maxfraglen 512
	before=$(tls tls/verdict.absent)
	talk 'Verify return code: ' lab_in partner timeout 20 openssl s_client -connect "$OUT" $version </dev/null >/dev/null
	eventually 10 counted_up tls/verdict.absent "$before" || fail "$version without certificate"
done
expect "TLS 1.1" stays_out openssl_to "$OUT" -tls1_1 -cipher ALL:@SECLEVEL=0
for suite in TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do expect $suite talks openssl_to "$OUT" -ciphersuites $suite; done
expect "GnuTLS 1.3" talks gnutls_to 5061 NORMAL partner
expect "GnuTLS 1.2" talks gnutls_to 5061 NORMAL:-VERS-ALL:+VERS-TLS1.2 partner
expect "compat: GnuTLS without elliptic curves" talks gnutls_to 5062 "$NOEC" partner-rsa
expect "modern has nothing for it" stays_out gnutls_to 5061 "$NOEC" partner-rsa
if command -v stunnel >/dev/null; then
	cat >"$LAB_DIR/stunnel.conf" <<-CONF
		foreground = yes
		pid =
		[sip]
		client = yes
		accept = 127.0.0.1:7061
		connect = $OUT
		sni = sip.contoso.test
		cert = $C/partner.chain
		key = $C/partner.key
		CAfile = $C/ca.crt
		verifyChain = yes
		checkHost = sip.contoso.test
	CONF
	lab_in partner stunnel "$LAB_DIR/stunnel.conf" >"$LAB_DIR/log/stunnel.log" 2>&1 &
	eventually 20 lab_in partner bash -c 'ss -ltn | grep -q :7061' || fail "stunnel does not start"
	expect "stunnel" talks lab_in partner timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/7061; sleep 0.5'
fi
step "a handshake in segments of one byte"
cat >"$LAB_DIR/drip.py" <<'PY'
import select, socket, sys
s = socket.create_server(("127.0.0.1", 7062))
print("ready", flush=True)
while True:
    a, _ = s.accept()
    b = socket.create_connection((sys.argv[1], 5061))
    for x in a, b:
        x.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        r = select.select([a, b], [], [])[0]
        got = [(x, x.recv(4096)) for x in r]
        if any(not d for _, d in got):
            break
        for x, d in got:
            for i in range(len(d)):
                (b if x is a else a).send(d[i:i + 1])
    a.close()
    b.close()
PY
lab_in partner python3 "$LAB_DIR/drip.py" "$LAB_BOX_EXT4" >"$LAB_DIR/drip.out" &
eventually 20 test -s "$LAB_DIR/drip.out" || fail "the dripping relay does not start"
for version in -tls1_3 -tls1_2; do expect "$version byte by byte" talks openssl_to 127.0.0.1:7062 $version; done

step "the internal side has its own certificate"
FROM=inside CERT=$C/inside
expect "the pool" talks openssl_to "$LAB_BOX_INT4:5061" -verify_hostname edge.inside.contoso.test
expect "the pool, asking for the public name" talks openssl_to "$LAB_BOX_INT4:5061" -servername sip.contoso.test -verify_hostname edge.inside.contoso.test
CERT=$C/wrong-ca
expect "a stranger inside" stays_out openssl_to "$LAB_BOX_INT4:5061"
FROM=partner CERT=$C/partner

step "certificates of others, and what becomes of each"
while read -r who verdict more; do
	before=$(tls "tls/verdict.$verdict")
	CERT=$C/$who
	# what stands behind the certificate itself
	awk '/BEGIN/ {n++} n > 1' "$CERT.chain" >"$LAB_DIR/rest"
	[ ! -s "$LAB_DIR/rest" ] || more="-cert_chain $LAB_DIR/rest"
	# shellcheck disable=SC2086
	openssl_to "$OUT" -cipher DEFAULT@SECLEVEL=0 $more >/dev/null 2>&1 || true
	eventually 10 counted_up "tls/verdict.$verdict" "$before" || fail "$who: not $verdict"
done <<-MATRIX
	partner-rsa good
	p384 good
	san-uri good
	uri-only good
	cn-only good
	wildcard good
	many-names good
	server-only good
	client-only good
	no-eku good
	chain4 good
	wrong-name good
	expired expired
	not-yet not_yet_valid
	wrong-ca untrusted
	self-signed self_signed
	revoked revoked
	not-a-ca chain_form
	weak weak
MATRIX
CERT=$C/partner

step "tickets: of every worker, across rotation and generations"
resumes() { # FILE VERSION: did the ticket in FILE resume? it is replaced
	local out
	out=$(visit "$2" "$1.next" -sess_in "$1")
	mv "$1.next" "$1" 2>/dev/null || true
	grep -q '^Reused' <<<"$out"
}
for version in -tls1_3 -tls1_2; do
	visit $version "$LAB_DIR/s$version" >/dev/null
	for _ in 1 2 3 4; do resumes "$LAB_DIR/s$version" $version || fail "$version does not resume"; done
	cp "$LAB_DIR/s$version" "$LAB_DIR/old$version"
done
{
	echo rotate
	policy
} | publish || fail "rotated keys are not taken"
for version in -tls1_3 -tls1_2; do resumes "$LAB_DIR/s$version" $version || fail "$version: not under the previous key"; done
{
	echo rotate
	policy
} | publish
for version in -tls1_3 -tls1_2; do refuse "$version: under a retired key" resumes "$LAB_DIR/old$version" $version; done
# openssl's client does not store a ticket that TLS 1.2 renewed
resumes "$LAB_DIR/s-tls1_3" -tls1_3 || fail "not under the key of one rotation ago"

step "revoked, then resumed: refused"
mkdir "$LAB_DIR/ca2"
cp "$C"/*.crt "$C"/*.key "$C"/*.chain "$LAB_DIR/ca2/"
(
	cd "$LAB_DIR/ca2"
	mkdir work
	: >work/index.txt
	echo 01 >work/crlnumber
	printf '[ca]\ndefault_ca = l\n[l]\ndatabase = work/index.txt\ncrlnumber = work/crlnumber\ndefault_md = sha256\ndefault_crl_days = 9\n' >work/ca.cnf
	for who in revoked partner; do openssl ca -config work/ca.cnf -cert ca.crt -keyfile ca.key -revoke $who.crt; done
	openssl ca -config work/ca.cnf -cert ca.crt -keyfile ca.key -gencrl -out new.crl
) 2>/dev/null || fail "no new list"
hold "$OUT"
before=$(tls edge/revoked)
policy edge-server "$LAB_DIR/ca2/new.crl" | publish
known() { [ "$(tls edge/revoked)" -gt "$before" ]; } # there may be somebody who has not quite gone
expect "a session that is up is known as revoked" eventually 10 known
let_go
for version in -tls1_3 -tls1_2; do
	before=$(tls tls/verdict.revoked)
	expect "$version: resumed although revoked" stays_out openssl_to "$OUT" $version -sess_in "$LAB_DIR/s$version"
	eventually 10 counted_up tls/verdict.revoked "$before" || fail "$version: not because it is revoked"
done
policy | publish
expect "and back" talks openssl_to "$OUT"

step "bad certificates change nothing"
said_since() { grep -q "$2" <<<"$(tail -n "+$(($1 + 1))" "$LAB_LOG/dataplane.log")"; } # LINE PATTERN
refused_since() { [ "$(tls process/tls_refused)" -gt "$1" ]; }
for bad in half expired not-yet; do
	before=$(tls edge/configs) refused=$(tls process/tls_refused) lines=$(wc -l <"$LAB_LOG/dataplane.log")
	policy $bad | publish nothing-taken
	eventually 10 said_since "$lines" "error: tls: .*$bad\|error: tls: identity main" || fail "$bad: not said"
	# counters of the process are written now and then, not with each log line
	eventually 10 refused_since "$refused" || fail "$bad: not counted as refused"
	[ "$(tls edge/configs)" = "$before" ] || fail "$bad was taken"
	expect "after $bad" talks openssl_to "$OUT" -servername sip.contoso.test
done
grep -q 'has expired' "$LAB_LOG/dataplane.log" || fail "expired: not said"
grep -q 'not valid yet' "$LAB_LOG/dataplane.log" || fail "not yet valid: not said"
# a secret that is not what its name says
policy | publish nothing-taken # as it is in use
policy edge-client | "$WRITER" "$LAB_RUN" >/dev/null # makes the file without a commit
file=$(sha256sum <"$C/edge-client.crt" | cut -c1-64)
echo x >>"$LAB_RUN/secrets/$file"
policy edge-client | publish nothing-taken
eventually 5 grep -q 'is not what its name says' "$LAB_LOG/dataplane.log" || fail "a half-written secret: not said"
expect "after a half-written secret" talks openssl_to "$OUT"
rm "$LAB_RUN/secrets/$file"
policy edge-client | publish nothing-taken
other() { openssl_to "$OUT" -tls1_3 -sigalgs ECDSA+SHA256 | openssl x509 -noout -fingerprint; }
want=$(openssl x509 -noout -fingerprint <"$C/edge-client.crt")
other_wanted() { [ "$(other)" = "$want" ]; }
eventually 5 other_wanted || fail "the good one is not taken after the bad ones"

step "listeners come and go, sessions stay"
hold "$LAB_BOX_EXT4:5062"
saved=$listens
listens="listen main external $LAB_BOX_EXT4 5061
listen main external $LAB_BOX_EXT4 5099
listen main internal $LAB_BOX_INT4 5061"
policy | publish
expect "a new listener" talks openssl_to "$LAB_BOX_EXT4:5099"
refuse "the one that is gone" lab_in partner timeout 3 bash -c "exec 3<>/dev/tcp/$LAB_BOX_EXT4/5062"
[ "$(tls tls/sessions)" -ge 1 ] && ! gone $stays || fail "the session of the listener that is gone is gone too"
listens=$saved
policy | publish
expect "the old one is back" talks openssl_to "$LAB_BOX_EXT4:5062"
gone $stays && fail "the session of the listener that went and came is gone"
let_go

step "killed, with nobody in control: it serves again from its files, and knows its tickets"
for version in -tls1_3 -tls1_2; do visit $version "$LAB_DIR/s$version" >/dev/null; done
kill -KILL "$(box_pid)"
eventually 20 test -e "$LAB_DIR/exit" || fail "it survives its end"
rm -f "$LAB_DIR/exit" "$LAB_DIR/dataplane.pid"
lab_start "${WORKERS:-2}"
for version in -tls1_3 -tls1_2; do
	# before any full handshake: the ticket itself says what was verified
	resumes "$LAB_DIR/s$version" $version || fail "$version: no resumption after kill -9"
	expect "$version: a handshake after kill -9" talks openssl_to "$OUT" $version
done
# whether the full handshakes had to verify anything is chance: a worker that saw a ticket first knows the chain by it
recalled() { [ "$(tls tls/tickets_recalled)" -ge 1 ]; }
eventually 3 recalled || fail "nothing was recalled from a ticket"
