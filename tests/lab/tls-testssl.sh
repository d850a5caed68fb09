#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release alone timeout=400
# What testssl.sh finds, with --long: nothing worse than OK with the modern profile; with compat what it is known to offer, and no more.
. "$(dirname "$0")/lib.sh"

[ -n "$LONG" ] || skip "some minutes: only with --long"
need testssl python3
WRITER=$SALLYPORT_BUILD/tests/lab/edgepolicy/edgepolicy
[ -x "$WRITER" ] || skip "edgepolicy is not built"
LAB_CAPTURE=off lab_up
C=$LAB_DIR/ca
lab_start 1
printf '%s\n' "trust lab $C/ca.crt $C/ca.crl" "profile modern lab modern" "profile compat lab compat" \
	"certificate ec $C/edge-server.crt $C/edge-server.key" "certificate rsa $C/edge-rsa.crt $C/edge-rsa.key" \
	"identity main sip.contoso.test modern ec,rsa" "identity old sip.contoso.test compat rsa" "sides modern modern" \
	"listen main external $LAB_BOX_EXT4 5061" "listen old external $LAB_BOX_EXT4 5062" commit taken | "$WRITER" "$LAB_RUN" >/dev/null ||
	fail "the policy is not taken"
echo "nameserver 127.0.0.1" >"$LAB_DIR/resolv.conf" # it asks for names that nobody has, and would wait for each

scan() { # PORT: its findings worse than OK, "SEVERITY ID FINDING" each
	lab_in partner unshare -m bash -c '
		mount --bind "$1/resolv.conf" /etc/resolv.conf
		shift
		exec testssl --quiet --color 0 --warnings off --nodns none --openssl /usr/bin/openssl -p -s -f -P -S -U "$@"' scan "$LAB_DIR" \
		--ip "$LAB_BOX_EXT4" --add-ca "$C/ca.crt" --jsonfile "$LAB_LOG/testssl-$1.json" "sip.contoso.test:$1" >"$LAB_LOG/testssl-$1" 2>&1 || true
	# the lab's authority publishes no lists, lives for sixty days, and lets nobody encipher keys: not the box's doing
	python3 - "$LAB_LOG/testssl-$1.json" <<-'PY'
		import json, sys
		found = json.load(open(sys.argv[1]))
		assert len(found) > 60, "the scan was cut short"
		for f in found:
		    if f["severity"] in ("OK", "INFO", "DEBUG") or f["id"].split()[0] in (
		        "cert_expirationStatus", "cert_notAfter", "cert_revocation", "cert_keyUsage"):
		        continue
		    # renegotiation: session_test, and BREACH is of HTTP
		    if f["id"] in ("secure_client_renego", "BREACH") and "prevents this from being tested" in f["finding"]:
		        continue
		    print(f["severity"], f["id"], f["finding"])
	PY
}
step "modern"
worse=$(scan 5061) || fail "no scan: $(tail -n 5 "$LAB_LOG/testssl-5061")"
[ -z "$worse" ] || fail "modern: $worse"
step "compat"
worse=$(scan 5062) || fail "no scan: $(tail -n 5 "$LAB_LOG/testssl-5062")"
printf '%s\n' "$worse" | sed 's/^/   /'
! grep -E '^(HIGH|CRITICAL)' <<<"$worse" || fail "compat is worse than it has to be"
