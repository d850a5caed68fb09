#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# A revocation list of a million entries, as public CAs have them: obeyed, replaced without anybody noticing, and no reason to go on
# when the box is told to end.
. "$(dirname "$0")/lib.sh"
need openssl python3
for program in "$CONTROL" "$SHELL_BIN"; do [ -x "$program" ] || skip "$program is not built"; done
export LAB_CAPTURE=off
lab_up
C=$LAB_DIR/mine CA=$(dirname "$LAB_CA")
mkdir "$C"
serial() { openssl x509 -noout -serial <"$1" | cut -d= -f2; }
long() { # OUT NUMBER SERIAL…
	local out=$1
	shift
	python3 "$ROOT/tests/lab/foreign/longlist.py" "$CA/ca.crt" "$CA/ca.key" 1000000 "$out" "$@" || fail "no list"
}
long "$C/list" 5 "$(serial "$LAB_CERT_REVOKED")"
long "$C/next" 6 "$(serial "$LAB_CERT_PARTNER")"
eval "$(declare -f lab_policy | sed '1s/lab_policy/lab_policy_all/')"
lab_policy() { lab_policy_all | sed "s| crl $LAB_CRL| crl $C/list|"; }
handshakes() { # CERT: 1.2, where the client hears of it before it has finished
	local crt=LAB_CERT_$1 key=LAB_KEY_$1
	talk 'Verify return code: |alert' lab_in partner timeout 10 openssl s_client -connect "$LAB_BOX_EXT4:5061" -CAfile "$LAB_CA" -tls1_2 \
		-cert "${!crt}" -key "${!key}" -no_ticket </dev/null >"$C/talk"
	! grep -q 'alert' "$C/talk" && grep -q 'Verify return code: 0' "$C/talk"
}
revoked() { ! handshakes "$1" && grep -q 'alert certificate revoked' "$C/talk"; }
memory() { awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$(box_pid)/status"; }
threads() { find "/proc/$(control_pid)/task" -mindepth 1 -maxdepth 1 | wc -l; }
reads() { [ "$(threads)" -gt "$quiet" ]; }

lab_box_start 1
step "the list is obeyed"
eventually 20 revoked REVOKED || fail "a revoked partner comes in: $(cat "$C/talk")"
expect "another one comes in" handshakes PARTNER
before=$(memory)

step "the next one takes its place, and its memory"
mv "$C/next" "$C/list"
eventually 30 revoked PARTNER || fail "the next list is not obeyed: $(cat "$C/talk")"
expect "the other one comes in" handshakes REVOKED
after=$(memory)
[ "$after" -lt $((before + 150)) ] || fail "$before MB before it, $after MB with it"

step "told to end while it is read"
quiet=$(threads)
echo >>"$C/list"
eventually 10 reads || fail "nobody reads it"
begin=$(date +%s%N)
kill -TERM "$(control_pid)"
eventually 20 control_ended || fail "control does not end"
took=$((($(date +%s%N) - begin) / 1000000))
[ "$(cat "$LAB_DIR/control.exit")" = 0 ] || fail "it ended with status $(cat "$LAB_DIR/control.exit")"
[ $took -lt $((1000 * $(on_time 1))) ] || fail "it took $took ms to end"
rm -f "$LAB_DIR/control.pid"
expect "the box goes on" handshakes REVOKED
