#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release asan alone timeout=300
# Certificates are replaced again and again (10,000 times with --long) while clients shake hands without a pause: no handshake fails,
# memory stays flat, and every replaced set of contexts is given back.
. "$(dirname "$0")/../lab/lib.sh"

need openssl
WRITER=$SALLYPORT_BUILD/tests/lab/edgepolicy/edgepolicy
[ -x "$WRITER" ] || skip "edgepolicy is not built"
rounds=${LONG:+10000}
rounds=${rounds:-400}
LAB_CAPTURE=off lab_up
C=$LAB_DIR/ca
block() { # CERTIFICATE
	printf '%s\n' "trust lab $C/ca.crt $C/ca.crl" "profile modern lab modern" "profile compat lab compat" \
		"certificate ec $C/$1.crt $C/$1.key" "certificate rsa $C/edge-rsa.crt $C/edge-rsa.key" \
		"certificate in $C/edge-internal.crt $C/edge-internal.key" "identity main sip.contoso.test modern ec,rsa in" \
		"sides modern modern" "listen main external $LAB_BOX_EXT4 5061" "listen main internal $LAB_BOX_INT4 5061" commit taken
}
one=$(block edge-server)
two=$(block edge-client)
reload() { # TIMES
	for ((i = 0; i < $1; i++)); do
		if ((i % 2)); then printf '%s\n' "$one"; else printf '%s\n' "$two"; fi
	done | "$WRITER" "$LAB_RUN" >"$LAB_DIR/log/reload" 2>&1
}
rss() { awk '/^VmRSS/ {print $2}' "/proc/$(box_pid)/status"; }
edge() { box_json | python3 -c '
import json, sys
print(min(i[sys.argv[1]] for i in json.load(sys.stdin)["tables"]["edge"]["instances"].values()))' "$1"; }

lab_start 2
printf '%s\n' "$one" | "$WRITER" "$LAB_RUN" >/dev/null || fail "the first policy is not taken"
step "clients that never stop"
clients=()
shaking() { # NAME ADDRESS OPTIONS…: handshakes until told otherwise; the first that fails ends it
	local name=$1 to=$2 who=${3}
	shift 3
	lab_in partner bash -c '
		to=$1 dir=$2
		shift 2
		while [ ! -e "$dir/enough" ]; do
			openssl s_time -new -time 2 -connect "$to" "$@" >"$dir/s_time.$$" 2>&1 || { cat "$dir/s_time.$$"; exit 1; }
			grep -q ERROR "$dir/s_time.$$" && { cat "$dir/s_time.$$"; exit 1; }
			sed -n "s/ connections in .*real seconds.*//p" "$dir/s_time.$$"
		done' clients "$to" "$LAB_DIR" -CAfile "$C/ca.crt" -cert "$C/$who.crt" -key "$C/$who.key" "$@" >"$LAB_DIR/log/clients-$name" 2>&1 &
	clients+=($!)
}
shaking 13 "$LAB_BOX_EXT4:5061" partner -tls1_3
shaking 12 "$LAB_BOX_EXT4:5061" partner-rsa -tls1_2
step "memory settles"
expect "reloads" reload 60
sleep 0.5
before=$(rss)
step "$rounds reloads"
# the first, those that let memory settle, and these; shown a moment after they were taken
all_taken() { [ "$(edge configs)" = $((1 + 60 + rounds)) ]; }
expect "reloads" reload "$rounds"
eventually 5 all_taken || fail "$(edge configs) of $((1 + 60 + rounds)) were taken"
touch "$LAB_DIR/enough"
for pid in "${clients[@]}"; do
	wait "$pid" || {
		cat "$LAB_DIR"/log/clients-*
		fail "a handshake failed"
	}
done
sleep 0.5
after=$(rss)
count=$(cat "$LAB_DIR"/log/clients-* | awk '{n += $1} END {print n + 0}')
echo "   $count handshakes; resident memory $before kB, then $after kB"
[ "$count" -gt 50 ] || fail "only $count handshakes: nothing was tested"
grew=$((after - before))
[ -n "${SALLYPORT_SANITIZED:-}" ] || [[ $SALLYPORT_BUILD = *asan* ]] || [ $grew -lt 6000 ] || fail "memory grew by $grew kB"
