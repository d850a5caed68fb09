#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# TLS through our own TCP against openssl and GnuTLS: both roles, 1.2 and 1.3, with and without client certificate,
# resumption, KeyUpdate, large and one-byte records, the compat profile against a peer without elliptic curves, both record paths.
. "$(dirname "$0")/lib.sh"

export LAB_BOX_PROGRAM=$SALLYPORT_BUILD/tests/lab/tlsbox/tlsbox
[ -x "$LAB_BOX_PROGRAM" ] || skip "tlsbox is not built"
need openssl gnutls-cli gnutls-serv
CA=$(mktemp -d)
export TLSBOX_CA=$CA
AT_END+=("rm -rf $CA")

certificate() { # NAME ISSUER KIND SAN
	local new=(-newkey ec -pkeyopt ec_paramgen_curve:P-256) by=(-CA "$CA/$2.crt" -CAkey "$CA/$2.key")
	[ "$3" = ec ] || new=(-newkey rsa:2048)
	[ "$2" != "$1" ] || by=()
	openssl req -x509 -nodes "${new[@]}" "${by[@]}" -keyout "$CA/$1.key" -out "$CA/$1.crt" -days 30 -subj "/CN=$1" \
		-addext "subjectAltName=DNS:$4" ${5:+-addext "$5"} 2>/dev/null
	cp "$CA/$1.crt" "$CA/$1.pem"
}
step "certificates"
certificate ca ca ec ca.test
certificate other other ec other.test
for who in us partner; do
	name=sip.contoso.test
	[ $who = us ] || name=sip.fabrikam.test
	certificate $who ca ec $name basicConstraints=critical,CA:FALSE
	certificate $who-rsa ca rsa $name basicConstraints=critical,CA:FALSE
done
certificate stranger other ec sip.fabrikam.test basicConstraints=critical,CA:FALSE
chmod 644 "$CA"/*
chmod 755 "$CA"
lab_up

# (of a ticket openssl prints the last line without its end when data comes meanwhile: what is echoed may stand in the middle of a line)
client() { # PORT [openssl options]: sends a line, prints what came back
	local port=$1
	shift
	talk 'hello edge' lab_in partner timeout 20 openssl s_client -connect "$LAB_BOX_EXT4:$port" -CAfile "$CA/ca.crt" \
		-verify_return_error -servername sip.contoso.test "$@" <<<"hello edge"
}
with=(-cert "$CA/partner.pem" -key "$CA/partner.key")
echoed() {
	local out
	out=$(client "$@")
	grep -q "hello edge" <<<"$out" || {
		printf "%s\n" "$out"
		return 1
	}
}
gnutls() { # PORT PRIORITY CERT
	local out
	out=$(talk 'hello edge' lab_in partner timeout 20 gnutls-cli --x509cafile "$CA/ca.crt" --sni-hostname sip.contoso.test \
		--verify-hostname sip.contoso.test --x509certfile "$CA/$3.pem" --x509keyfile "$CA/$3.key" --priority "$2" -p "$1" \
		"$LAB_BOX_EXT4" <<<"hello edge")
	grep -q 'hello edge' <<<"$out"
}
# (openssl takes lines that begin with C, K, Q or R for commands to itself)
says() { # PATTERN LINE: the box, asked
	local out
	out=$(talk "$1" lab_in partner timeout 20 openssl s_client -quiet -no_ign_eof -connect "$LAB_BOX_EXT4:5061" "${with[@]}" \
		-CAfile "$CA/ca.crt" <<<"$2")
	grep -q "$1" <<<"$out" || {
		printf '%s: %s\n' "$2" "$out"
		return 1
	}
}
NOEC=NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:+DHE-RSA

server() { # PORT CMD…: in the background, until the lab ends
	local port=$1
	shift
	lab_in partner "$@" </dev/null >"$LAB_DIR/log/server-$port.log" 2>&1 &
	eventually 10 lab_in partner sh -c "ss -ltn | grep -q ':$port '" || fail "the server on $port did not start"
}
step "foreign servers"
tls_server() { server "$1" openssl s_server -accept "$1" -cert "$CA/partner.pem" -key "$CA/partner.key" -CAfile "$CA/ca.crt" -Verify 2 -rev "${@:2}"; }
tls_server 7301 -tls1_3
tls_server 7302 -tls1_2
server 7303 openssl s_server -accept 7303 -cert "$CA/stranger.pem" -key "$CA/stranger.key" -rev
server 7304 gnutls-serv --echo -p 7304 --x509cafile "$CA/ca.crt" --x509certfile "$CA/partner.pem" --x509keyfile "$CA/partner.key" --require-client-cert
server 7305 gnutls-serv --echo -p 7305 --x509cafile "$CA/ca.crt" --x509certfile "$CA/partner-rsa.pem" --x509keyfile "$CA/partner-rsa.key" \
	--require-client-cert --priority "$NOEC"

key_update() {
	local out=$CA/update
	: >"$out"
	{
		echo before-update
		eventually 10 grep -q before-update "$out" || true
		echo K
		eventually 10 grep -q KEYUPDATE "$out" || true
		echo after-update
		eventually 10 grep -q after-update "$out" || true
	} | lab_in partner timeout "$(on_time 40)" openssl s_client -connect "$LAB_BOX_EXT4:5061" "${with[@]}" -CAfile "$CA/ca.crt" -tls1_3 >"$out" 2>&1 || true
	grep -q KEYUPDATE "$out" && grep -q after-update "$out" || {
		cat "$out"
		return 1
	}
}

for own in 1 0; do
	export TLSBOX_OWN=$own
	step "own records: $own"
	lab_start 1
	for version in -tls1_3 -tls1_2; do
		expect "openssl $version" echoed 5061 "${with[@]}" $version
		refuse "openssl $version without certificate" echoed 5061 $version
		refuse "openssl $version, a stranger" echoed 5061 $version -cert "$CA/stranger.pem" -key "$CA/stranger.key"
		expect "openssl $version, anonymous where that is allowed" echoed 5063 $version
		client 5061 "${with[@]}" $version -sess_out "$CA/session" >/dev/null || fail "first visit"
		out=$(client 5061 "${with[@]}" $version -sess_in "$CA/session")
		grep -q '^Reused' <<<"$out" || fail "$version: not resumed"
	done
	refuse "TLS 1.1" echoed 5061 "${with[@]}" -tls1_1 -cipher ALL:@SECLEVEL=0
	expect "RSA where the client offers no ECDSA" echoed 5061 "${with[@]}" -tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384
	expect "ChaCha20" echoed 5061 "${with[@]}" -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256
	expect "records of 512 bytes at most" echoed 5061 "${with[@]}" -maxfraglen 512
	expect "GnuTLS 1.3" gnutls 5061 NORMAL partner
	expect "GnuTLS 1.2" gnutls 5061 NORMAL:-VERS-ALL:+VERS-TLS1.2 partner
	expect "compat: GnuTLS without elliptic curves" gnutls 5062 "$NOEC" partner-rsa
	refuse "modern has nothing for it" gnutls 5061 "$NOEC" partner-rsa
	# K asks for a key update of both sides: a command to openssl where it is the first that a read brings
	key_update || fail "KeyUpdate"
	got=$(lab_in partner timeout 30 openssl s_client -quiet -connect "$LAB_BOX_EXT4:5064" -CAfile "$CA/ca.crt" </dev/null 2>/dev/null | wc -c) || true
	[ "$got" = 1000000 ] || fail "$got of 1000000 bytes came"

	for port in 7301 7302; do
		says '^answer gnip' "DIAL $LAB_PARTNER4 $port" || fail "the box as client of openssl on $port"
	done
	says 'resumed 1' "DIAL $LAB_PARTNER4 7302" || fail "the box does not resume"
	says 'failed verify verdict untrusted' "DIAL $LAB_PARTNER4 7303" || fail "the box believes a stranger"
	says '^answer ping' "DIAL $LAB_PARTNER4 7304" || fail "the box as client of GnuTLS"
	says '^answer ping' "DIAL $LAB_PARTNER4 7305 compat" || fail "the box as client of GnuTLS without elliptic curves"

	step "100,000 bytes through the echo" # more, and openssl, which writes before it reads, blocks itself
	# hexadecimal: what openssl reads at a line's begin as Q, R, K or k is a command to it
	od -An -v -tx1 -w35 -N 50000 /dev/urandom | tr -d ' ' >"$CA/data"
	: >"$CA/back"
	came_back() { [ "$(wc -c <"$CA/back")" -ge "$(wc -c <"$CA/data")" ]; }
	{
		cat "$CA/data"
		eventually 50 came_back || true
	} | lab_in partner timeout 60 openssl s_client -quiet -no_ign_eof -connect "$LAB_BOX_EXT4:5061" "${with[@]}" -CAfile "$CA/ca.crt" 2>/dev/null >"$CA/back" || true
	cmp "$CA/data" "$CA/back" || fail "the echo differs"
	lab_stop
done
