#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# `test partner` shakes hands with the partner's next hop and says what both sides have in common: with openssl, GnuTLS and Kamailio,
# and with those who are silent, away, somebody else, or do not want us.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound openssl gnutls-serv kamailio jq
for program in "$CONTROL" "$SHELL_BIN"; do [ -x "$program" ] || skip "$program is not built"; done
export LAB_CAPTURE=off
lab_up
LAB_POLICY_EXTRA=$(
	echo "set tls-profile compat trust lab"
	echo "set partner fabrikam.test allow"
	for port in 7501 7502 7503 7504 7505 7506 7507 7508 7509 7510; do
		echo "set partner p$port.test allow"
		echo "set route p$port.test to sip.fabrikam.test:$port"
	done
	echo "set partner mute.test allow peer-name sip.fabrikam.test"
	echo "set route mute.test to $LAB_PARTNER4:7501"
	echo "set partner old.test allow tls-profile compat"
	echo "set route old.test to sip.fabrikam.test:7502"
	echo "set partner pinned.test allow identity-check pinned spki sha256:$(openssl x509 -in "$LAB_CERT_SELF_SIGNED" -noout -pubkey |
		openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)"
	echo "set route pinned.test to sip.fabrikam.test:7510"
)
export LAB_POLICY_EXTRA
foreign_dns
lab_box_start "${FED_WORKERS:-2}"

server() { # PORT CMD…: in the background, until the lab ends
	local port=$1
	shift
	lab_in partner "$@" </dev/null >"$LAB_LOG/server-$port" 2>&1 &
	AT_END+=("kill_child TERM $!")
	eventually 10 lab_in partner sh -c "ss -ltn | grep -q ':$port '" || fail "the server on $port did not start"
}
openssl_on() { # PORT WHO [options]
	local port=$1 crt=LAB_CHAIN_$2 key=LAB_KEY_$2
	shift 2
	server "$port" openssl s_server -accept "$port" -cert "${!crt}" -key "${!key}" -CAfile "$LAB_CA" -Verify 2 -verify_return_error -quiet "$@"
}
openssl_on 7501 PARTNER -dcert "$LAB_CHAIN_PARTNER_RSA" -dkey "$LAB_KEY_PARTNER_RSA"
openssl_on 7502 PARTNER_RSA -tls1_2 -cipher kRSA
openssl_on 7503 PARTNER -tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384
server 7504 gnutls-serv --echo -p 7504 --x509cafile "$LAB_CA" --x509certfile "$LAB_CHAIN_PARTNER" --x509keyfile "$LAB_KEY_PARTNER" --require-client-cert \
	--priority NORMAL:-CHACHA20-POLY1305
openssl_on 7505 WRONG_CA
server 7506 python3 -c 'import socket, time
s = socket.create_server(("", 7506)); held = []
while True: held.append(s.accept())'
openssl_on 7508 PARTNER -CAfile "$LAB_DIR/ca/other-ca.crt"
openssl_on 7509 WRONG_NAME
openssl_on 7510 SELF_SIGNED

tried() { # STATUS DOMAIN: its answer, in $said; whom a busy machine kept from answering in time is asked again
	local status i
	for i in 1 2 3 4 5; do
		status=0
		said=$(lab_shell test partner "$2" 2>&1) || status=$?
		if [ "$1" != 0 ] || [ "$status" = 0 ]; then break; fi
		grep -q 'did not end in time\|not all could be tried\|no connection' <<<"$said" || break
		sleep 1
	done
	[ "$status" = "$1" ] || {
		printf '%s\n' "$said"
		fail "test partner $2 ended with $status (try $i)"
	}
}
has() { grep -qF -- "$1" <<<"$said" || fail "not said: $1
$said"; }
common() { # LINE…: these, and no more, between "suites in common" and what is said of them
	[ "$(sed -n '/^suites in common:/,$p' <<<"$said" | grep '^  ')" = "$(printf '  %s\n' "$@")" ] || fail "in common should be: $*
$said"
}

step "openssl with everything"
tried 0 p7501.test
has "handshake with sip.fabrikam.test:7501 at $LAB_PARTNER4: TLS 1.3, TLS_AES_128_GCM_SHA256, group X25519, signature ECDSA+SHA256"
has "its certificate: good; names sip.fabrikam.test"
common "TLS 1.3  TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256" \
	"TLS 1.2  ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
has "note: all of these need elliptic curves"

step "no elliptic curves: nothing in common, until the profile is compat"
tried 1 p7502.test
has "the handshake failed"
has "suites in common: none"
has "set partner p7502.test"
tried 0 old.test
has "TLS 1.2, AES128-GCM-SHA256"
common "TLS 1.2  AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA"

step "one suite of 1.3"
tried 0 p7503.test
common "TLS 1.3  TLS_AES_256_GCM_SHA384"

step "GnuTLS"
tried 0 p7504.test
has "TLS 1.3, TLS_AES_"
common "TLS 1.3  TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384" "TLS 1.2  ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"

step "Kamailio, found by its SRV record"
foreign_kamailio partner
tried 0 fabrikam.test
has "handshake with sip.fabrikam.test:5061 at $LAB_PARTNER4: TLS 1."
has "its certificate: good"
has "suites in common:"

step "somebody else"
tried 1 p7505.test
has "its certificate is refused: the chain does not end in a configured trust anchor"
has "its certificate: untrusted; names"
has "  TLS 1.3  TLS_AES_128_GCM_SHA256"
tried 0 pinned.test
has "its certificate: pinned"
tried 1 p7510.test
has "its key is pinned by another partner"
tried 1 p7509.test
has "its certificate: good"
has "not that of the next hop"

step "silent, away, unwilling"
tried 1 p7506.test
has "connected, but the handshake did not end in time"
tried 1 p7507.test
has "no connection"
tried 1 p7508.test
has "it refuses our certificate"

step "who needs no DNS is tried when that is silent"
sed "s/^set dns server .*/set dns server 198.18.9.77/" "$LAB_CONFIG" >"$LAB_DIR/deaf.conf"
lab_shell apply "$LAB_DIR/deaf.conf" >/dev/null || true
tried 0 mute.test
has "its certificate: good"
lab_apply
# what asks DNS is answered again once the dataplane asks the server that lives
heard() { lab_shell test partner p7503.test >/dev/null 2>&1; }
eventually 20 heard || fail "the name server is not asked again: $(lab_shell test partner p7503.test 2>&1)"

step "JSON"
said=$(lab_shell -j test partner p7503.test)
[ "$(jq -r '.rows[] | select(.probe == "handshake") | "\(.state) \(.tls) \(.suite) \(.verdict) \(.names_next_hop) \(.usage_fits)"' <<<"$said")" = \
	"ok 1.3 TLS_AES_256_GCM_SHA384 good true true" ] || fail "$said"
[ "$(jq -c '.rows[] | select(.probe == "suites") | [.complete, .tls13, .tls12]' <<<"$said")" = '[true,["TLS_AES_256_GCM_SHA384"],[]]' ] || fail "$said"

step "one at a time, and an asker who goes away is no harm"
begun() { [ -n "$(lab_in partner ss -Htn state established 'sport = :7506')" ]; }
none() { ! begun; }
for _ in 1 2 3; do # on a slow machine the first may be over before the second one asks
	eventually 10 none || fail "the silent server's connection stays"
	SALLYPORT_SOCKET=$LAB_CONTROL_SOCKET ip netns exec "$LAB-box" "$SHELL_BIN" test partner p7506.test >/dev/null 2>&1 &
	first=$!
	eventually 5 begun || fail "the test does not begin"
	status=0
	said=$(lab_shell test partner p7501.test 2>&1) || status=$?
	if [ "$status" = 1 ]; then break; fi
	wait "$first" || true
done
[ "$status" = 1 ] || fail "two at a time: $said"
has "another test is at it"
kill_child TERM "$first"
wait "$first" 2>/dev/null || true
again() { lab_shell test partner p7501.test >/dev/null 2>&1; }
expect "after it has ended" eventually 15 again

step "without a dataplane"
lab_stop
lab_shell test partner p7501.test >/dev/null || true
gone_now() { grep -q 'the dataplane is not there' <<<"$(lab_shell test partner p7501.test 2>&1)"; }
expect "that is said" eventually 30 gone_now
