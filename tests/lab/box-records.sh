#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release asan timeout=240
# What foreign TLS does after the handshake, in both versions and both directions: records of one byte and of 16 KiB, segments of one
# byte, key updates, half-closes; and the OCSP response that we staple. Control and dataplane as they are shipped.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound openssl gnutls-cli
for program in "$CONTROL" "$SHELL_BIN"; do [ -x "$program" ] || skip "$program is not built"; done
export LAB_CAPTURE=off
lab_up

day() { date -u -d "+$1 days" '+%b %e .* %Y'; }
staple() { # DAYS [DIGEST]: the authority's word on our server certificate, in the file
	local serial
	ENDS[$1]=$(day "$1")
	serial=$(openssl x509 -noout -serial <"$LAB_CERT_EDGE_SERVER" | cut -d= -f2)
	printf 'V\t%s\t\t%s\tunknown\t/CN=x\n' "$(date -u -d +9days +%y%m%d%H%M%SZ)" "$serial" >"$LAB_DIR/ocsp.index"
	openssl ocsp "${2:--sha1}" -index "$LAB_DIR/ocsp.index" -rsigner "$LAB_CA" -rkey "$LAB_DIR/ca/ca.key" -CA "$LAB_CA" -issuer "$LAB_CA" \
		-cert "$LAB_CERT_EDGE_SERVER" -respout "$LAB_DIR/ocsp.new" -ndays "$1" -noverify >/dev/null 2>&1 &&
		mv "$LAB_DIR/ocsp.new" "$LAB_DIR/ocsp.der" || return 1
	# it may have been made on the next day
	[ "$(day "$1")" = "${ENDS[$1]}" ] || ENDS[$1]="(${ENDS[$1]}|$(day "$1"))"
}
ENDS=()
staple 3 || fail "no OCSP response could be made"

LAB_POLICY_EXTRA=$(
	echo "set certificate edge-server ocsp $LAB_DIR/ocsp.der"
	echo "set partner fabrikam.test allow"
	for port in 7401 7402; do
		echo "set partner p$port.test allow"
		echo "set route p$port.test to sip.fabrikam.test:$port"
	done
	echo "set dns local-data \"sip.fabrikam.test A $LAB_PARTNER4\""
)
export LAB_POLICY_EXTRA
foreign_dns
lab_box_start "${FED_WORKERS:-1}"

meets() { # [options]: what openssl is told
	talk 'Verify return code: ' lab_in partner timeout 10 openssl s_client -connect "$LAB_BOX_EXT4:5061" -CAfile "$LAB_CA" -verify_return_error \
		-cert "$LAB_CERT_PARTNER" -key "$LAB_KEY_PARTNER" "$@" </dev/null
}
stapled() { # DAYS [options]
	local days=$1 out
	shift
	out=$(meets -status -sigalgs ECDSA+SHA256 "$@")
	grep -q 'Cert Status: good' <<<"$out" && grep -qE "Next Update: ${ENDS[$days]}" <<<"$out"
}
step "OCSP stapling"
for version in -tls1_3 -tls1_2; do
	expect "$version" stapled 3 $version
	refuse "$version: who does not ask" grep -q 'Cert Status' <<<"$(meets $version -sigalgs ECDSA+SHA256)"
	expect "$version: nothing for the certificate that has none" grep -q 'OCSP response: no response sent' \
		<<<"$(meets -status $version -sigalgs RSA-PSS+SHA256:RSA+SHA256)"
done
gnutls_stapled() {
	local out
	out=$(talk 'Handshake was completed' lab_in partner timeout 10 gnutls-cli --x509cafile "$LAB_CA" --sni-hostname "$LAB_FQDN" \
		--verify-hostname "$LAB_FQDN" --x509certfile "$LAB_CERT_PARTNER" --x509keyfile "$LAB_KEY_PARTNER" "$@" -p 5061 "$LAB_BOX_EXT4" </dev/null)
	grep -q 'Options:.* OCSP status request' <<<"$out" && grep -q 'The certificate is trusted' <<<"$out"
}
expect "GnuTLS takes it" gnutls_stapled
refuse "GnuTLS has none for the other certificate" gnutls_stapled --priority NORMAL:-SIGN-ECDSA-SHA256:-SIGN-ECDSA-SECP256R1-SHA256
staple 5 -sha256 || fail "no OCSP response could be made"
expect "a new response in the file" eventually 10 stapled 5 -tls1_3

step "records, key updates, half-closes"
export CONTROL SHELL_BIN
PYTHONPATH=$FOREIGN python3 "$FOREIGN/records.py"
