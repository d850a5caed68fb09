#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release asan timeout=240
# The box as a TLS client: what our pool sends to partners goes to foreign servers of many kinds, in both versions, with our client
# certificate; strangers are refused; a next hop that is met again is met by ticket.
. "$(dirname "$0")/lib.sh"

need openssl gnutls-serv
for program in "$CONTROL" "$SHELL_BIN"; do [ -x "$program" ] || skip "$program is not built"; done
lab_up
NOEC=NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:+DHE-RSA

server() { # PORT CMD…: until the lab ends
	local port=$1
	shift
	lab_in partner "$@" <&7 >"$LAB_DIR/log/server-$port.log" 2>&1 &
	eventually 10 lab_in partner sh -c "ss -ltn | grep -q ':$port '" || fail "the server on $port did not start"
}
openssl_server() { # PORT CERT [options]
	local port=$1 cert=$2
	shift 2
	server "$port" openssl s_server -accept "$port" -cert "$LAB_DIR/ca/$cert.crt" -key "$LAB_DIR/ca/$cert.key" -CAfile "$LAB_CA" \
		-Verify 3 -verify_return_error "$@"
}
# openssl's server ends with its standard input: this one never ends
mkfifo "$LAB_DIR/silence"
exec 7<>"$LAB_DIR/silence"
step "foreign servers"
openssl_server 7301 partner -tls1_3
openssl_server 7302 partner -tls1_2
openssl_server 7303 partner-rsa -tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384
openssl_server 7304 partner -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256 -num_tickets 2
server 7305 gnutls-serv --echo -p 7305 --x509cafile "$LAB_CA" --x509certfile "$LAB_CERT_PARTNER" --x509keyfile "$LAB_KEY_PARTNER" --require-client-cert
server 7306 gnutls-serv --echo -p 7306 --x509cafile "$LAB_CA" --x509certfile "$LAB_CERT_PARTNER_RSA" --x509keyfile "$LAB_KEY_PARTNER_RSA" \
	--require-client-cert --priority "$NOEC"
ports=(7301 7302 7303 7304 7305 7306)
if command -v stunnel >/dev/null; then
	cat >"$LAB_DIR/stunnel.conf" <<-CONF
		foreground = yes
		pid =
		[sip]
		accept = 7307
		connect = 127.0.0.1:9
		cert = $LAB_CHAIN_PARTNER
		key = $LAB_KEY_PARTNER
		CAfile = $LAB_CA
		verifyChain = yes
		requireCert = yes
	CONF
	server 7307 stunnel "$LAB_DIR/stunnel.conf"
	ports+=(7307)
fi
openssl_server 7321 wrong-ca -tls1_3
openssl_server 7322 expired -tls1_2
openssl_server 7323 self-signed -tls1_3
openssl_server 7324 revoked -tls1_2
openssl_server 7325 client-only -tls1_3
openssl_server 7331 wrong-name -tls1_3

LAB_POLICY_EXTRA=$(
	suites=AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:AES128-SHA:DHE-RSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256
	echo "set tls-profile old trust lab ciphers $suites groups X25519:P-256:ffdhe2048"
	for port in "${ports[@]}" 7321 7322 7323 7324 7325 7331; do
		profile=
		[ $port != 7306 ] || profile="tls-profile old"
		echo "set partner p$port.test allow $profile"
		echo "set route p$port.test to sip.fabrikam.test:$port"
	done
	echo "set dns local-data \"sip.fabrikam.test A $LAB_PARTNER4\""
)
export LAB_POLICY_EXTRA
lab_box_start 1

tls() { box_json | python3 -c '
import json, sys
t = json.load(sys.stdin)["tables"]
print(*(sum(i[r.split("/")[1]] for i in t[r.split("/")[0]]["instances"].values()) for r in sys.argv[1:]))' "$@"; }
ask() { # PORT CMD…: a request of our pool to this partner; the pool stays until CMD succeeds, 10 s at most
	local port=$1
	shift
	{
		printf '%s\r\n' "OPTIONS sip:bob@p$port.test SIP/2.0" \
			"Via: SIP/2.0/TLS pool.inside.contoso.test;branch=z9hG4bK$port$RANDOM$RANDOM" "Max-Forwards: 70" \
			"From: <sip:alice@contoso.test>;tag=$RANDOM" "To: <sip:bob@p$port.test>" "Call-ID: $port$RANDOM@contoso.test" \
			"CSeq: 1 OPTIONS" "Content-Length: 0" ""
		eventually 10 "$@" || true
	} | lab_in inside timeout 20 openssl s_client -quiet -no_ign_eof -connect "$LAB_BOX_INT4:5061" -CAfile "$LAB_CA" -cert "$LAB_CERT_INSIDE" \
		-key "$LAB_KEY_INSIDE" >>"$LAB_DIR/log/pool.log" 2>&1 || true
}
risen() { [ "$(tls "$1")" -gt "$2" ]; } # ROW BEFORE
reached() { [ "$(tls edge/opened_external)" -gt "$1" ]; }

step "they are reached, and show who they are"
for port in "${ports[@]}"; do
	before=$(tls edge/opened_external)
	ask "$port" reached "$before"
	reached "$before" || {
		cat "$LAB_DIR/log/server-$port.log"
		fail "the server on $port is not reached"
	}
done
for port in 7301 7302 7303 7304; do
	eventually 5 grep -q 'OPTIONS sip:bob@p' "$LAB_DIR/log/server-$port.log" || fail "the request did not come to the server on $port"
	grep -q 'subject=.*sip.contoso.test' "$LAB_DIR/log/server-$port.log" || fail "the server on $port saw no certificate of ours"
done

step "and those who are not good enough are not"
while read -r port row; do
	read -r before opened < <(tls "tls/$row" edge/opened_external)
	ask "$port" risen "tls/$row" "$before"
	risen "tls/$row" "$before" || fail "$port: not $row"
	[ "$(tls edge/opened_external)" = "$opened" ] || fail "$port: was taken"
done <<-BAD
	7321 verdict.untrusted
	7322 verdict.expired
	7323 verdict.self_signed
	7324 verdict.revoked
BAD
# whose certificate is good and names somebody else gets no message
before=$(tls proxy/links_mismatch)
ask 7331 risen proxy/links_mismatch "$before"
risen proxy/links_mismatch "$before" || fail "another name is taken for the partner's"
! grep -q OPTIONS "$LAB_DIR/log/server-7331.log" || fail "a message went to somebody else"

step "met again: by ticket"
# openssl's server ends a session when its input says Q; the box opens another one
read -r before < <(tls tls/handshakes_resumed)
lab_in partner ss -K "sport = :7301" >/dev/null 2>&1 || skip "sockets cannot be cut here"
# a request that comes before the box has seen the end of the link ends with it
for _ in 1 2 3; do
	ask 7301 risen tls/handshakes_resumed "$before"
	if risen tls/handshakes_resumed "$before"; then break; fi
done
risen tls/handshakes_resumed "$before" || fail "the next hop is not met by ticket"
