#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release asan timeout=240
# Control and dataplane together, on one file: what the operator says about certificates is what peers see; either of the two may
# be killed and come back, and the other one goes on.
. "$(dirname "$0")/lib.sh"

need openssl jq
for program in "$CONTROL" "$SHELL_BIN"; do [ -x "$program" ] || skip "$program is not built"; done
lab_up
C=$LAB_DIR/mine
mkdir "$C"
cp "$LAB_CHAIN_EDGE_SERVER" "$C/server.pem"
cp "$LAB_KEY_EDGE_SERVER" "$C/server.key"
export LAB_POLICY_EXTRA="set certificate edge-server chain $C/server.pem key $C/server.key"

shows() { # WHO CERT ADDRESS [options]: WHO meets a box that proves to have CERT
	local who=$1 cert=$2 to=$3 mine=PARTNER out want have
	shift 3
	[ "$who" = partner ] || mine=INSIDE
	local crt=LAB_CERT_$mine key=LAB_KEY_$mine
	out=$(talk 'Verify return code: ' lab_in "$who" timeout 10 openssl s_client -connect "$to:5061" -CAfile "$LAB_CA" -verify_return_error \
		-cert "${!crt}" -key "${!key}" "$@" </dev/null)
	want=$(openssl x509 -noout -fingerprint <"$cert")
	have=$(openssl x509 -noout -fingerprint <<<"$out" 2>/dev/null)
	[ "$want" = "$have" ] && grep -q 'Verify return code: 0' <<<"$out"
}
serves() {
	shows partner "$1" "$LAB_BOX_EXT4" -servername "$LAB_FQDN" -sigalgs ECDSA+SHA256 &&
		shows inside "$LAB_CERT_EDGE_INTERNAL" "$LAB_BOX_INT4"
}

lab_box_start 2
step "what the file says is what peers see"
expect "outside and inside" serves "$LAB_CERT_EDGE_SERVER"
expect "outside, IPv6" shows partner "$LAB_CERT_EDGE_SERVER" "[$LAB_BOX_EXT6]" -sigalgs ECDSA+SHA256
expect "RSA for who knows no ECDSA" shows partner "$LAB_CERT_EDGE_RSA" "$LAB_BOX_EXT4" -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256

step "the control daemon is killed: nothing changes for peers"
lab_control_kill
expect "without control" serves "$LAB_CERT_EDGE_SERVER"

step "the dataplane is killed too, and serves again alone"
talk "file:$LAB_DIR/ticket" lab_in partner timeout 10 openssl s_client -connect "$LAB_BOX_EXT4:5061" -CAfile "$LAB_CA" \
	-cert "$LAB_CERT_PARTNER" -key "$LAB_KEY_PARTNER" -sess_out "$LAB_DIR/ticket" </dev/null >/dev/null
kill -KILL "$(box_pid)"
eventually 5 test -e "$LAB_DIR/exit"
rm -f "$LAB_DIR/exit" "$LAB_DIR/dataplane.pid"
lab_start 2
eventually 10 box_listens || fail "the box does not listen"
expect "alone" serves "$LAB_CERT_EDGE_SERVER"
# the ticket of before says itself what was verified
resumes() {
	grep -q '^Reused' <<<"$(talk 'Verify return code: ' lab_in partner timeout 10 openssl s_client -connect "$LAB_BOX_EXT4:5061" -CAfile "$LAB_CA" \
		-cert "$LAB_CERT_PARTNER" -key "$LAB_KEY_PARTNER" -sess_in "$LAB_DIR/ticket" </dev/null)"
}
expect "a ticket of before resumes" resumes

step "control comes back, and is obeyed"
lab_control_start
expect "the same configuration" lab_apply
expect "still" serves "$LAB_CERT_EDGE_SERVER"
sed -i "s/external-listen $LAB_BOX_EXT4 //" "$LAB_CONFIG"
expect "a listener is taken away" lab_apply
refuses4() { ! lab_in partner timeout 2 bash -c "exec 3<>/dev/tcp/$LAB_BOX_EXT4/5061" 2>/dev/null; }
expect "IPv4 is not listened to any more" eventually 5 refuses4
expect "IPv6 still is" shows partner "$LAB_CERT_EDGE_SERVER" "[$LAB_BOX_EXT6]" -sigalgs ECDSA+SHA256
sed -i "s/external-listen /external-listen $LAB_BOX_EXT4 external-listen /" "$LAB_CONFIG"
expect "and given back" lab_apply
expect "IPv4 is back" eventually 5 serves "$LAB_CERT_EDGE_SERVER"

step "certificates are replaced in their files: a bad pair changes nothing, a good one is what peers see"
seen_bad() { [ "$(lab_shell -j show status | jq '.rows[0].certificates_refused')" -ge 1 ]; }
cp "$LAB_CHAIN_EDGE_CLIENT" "$C/server.pem" # without its key
eventually 20 seen_bad || fail "nobody sees that the key is another one"
lab_in_force
expect "the old pair" serves "$LAB_CERT_EDGE_SERVER"
cp "$LAB_KEY_EDGE_CLIENT" "$C/server.key"
expect "the new pair" eventually 20 serves "$LAB_CERT_EDGE_CLIENT"
head -c 300 "$LAB_CHAIN_EDGE_SERVER" >"$C/server.pem" # half-written
eventually 20 seen_bad || fail "nobody sees that it is half a file"
lab_in_force
expect "half a file" serves "$LAB_CERT_EDGE_CLIENT"
