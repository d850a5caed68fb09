#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Labs side by side do not see each other, and leave nothing behind: not even one whose owner was killed with -9.
. "$(dirname "$0")/lib.sh"

left() { ip netns list | grep -c "^$1-" || true; }

# a place of its own, for any other lab's up or down would tidy up after the orphans that are made here
export SALLYPORT_LAB_BASE=/run/sallyport-lab.$$
AT_END+=("rm -rf $SALLYPORT_LAB_BASE")
LAB_CAPTURE=off lab_up
other=${LAB}b
third=${LAB}c
AT_END=("$ROOT/scripts/lab down $other" "$ROOT/scripts/lab down $third" "${AT_END[@]}")

step "two labs with the same addresses"
expect "a second lab" env LAB_OWNER=$$ "$ROOT/scripts/lab" up "$other"
expect "ping in the first" lab_in partner ping -q -c 2 -i 0.1 -W 2 "$LAB_INET4"
expect "ping6 in the second" ip netns exec "$other-partner" ping -q -c 2 -i 0.1 -W 2 "$LAB_INET6"
lab_in inet ip link set eth0 down
refuse "the first has lost its Internet" lab_in partner ping -q -c 1 -W 0.3 "$LAB_INET4"
expect "the second has not" ip netns exec "$other-partner" ping -q -c 1 -W 2 "$LAB_INET4"
lab_in inet ip link set eth0 up

step "names are taken once, and only good ones"
refuse "a lab made twice" "$ROOT/scripts/lab" up "$other"
refuse "a bad name" "$ROOT/scripts/lab" up ../x

step "env names what is there"
# shellcheck disable=SC1090
(
	. <("$ROOT/scripts/lab" env "$other")
	[ "$LAB" = "$other" ] && [ -e "/run/netns/$LAB_NS_MID_EXT" ]
	for var in $(compgen -v LAB_CERT_) $(compgen -v LAB_KEY_) LAB_CA LAB_CRL; do
		[ -s "${!var}" ] || exit 1
	done
	openssl verify -CAfile "$LAB_CA" "$LAB_CERT_PARTNER" >/dev/null
	openssl verify -CAfile "$LAB_CA" -untrusted "$LAB_CHAIN_CHAIN4" "$LAB_CERT_CHAIN4" >/dev/null
	for bad in EXPIRED NOT_YET WRONG_CA SELF_SIGNED; do
		var=LAB_CERT_$bad
		! openssl verify -CAfile "$LAB_CA" "${!var}" >/dev/null 2>&1 || exit 1
	done
	! openssl verify -crl_check -CRLfile "$LAB_CRL" -CAfile "$LAB_CA" "$LAB_CERT_REVOKED" >/dev/null 2>&1
) || fail "env of $other"

orphan() { # a third lab, whose owner is killed; $1: and its attendant first
	env LAB="$third" bash -c '
		LAB_OWNER=$$ "$1/scripts/lab" up "$LAB" || exit 1
		ip netns exec "$LAB-partner" sleep 600 &
		echo $! >"$2/sleeper"
		[ -z "$4" ] || kill -9 "$(cat "$3/attendant")"
		kill -9 $$' owner "$ROOT" "$LAB_DIR" "$(dirname "$LAB_DIR")/$third" "${1:-}" 2>/dev/null || true
}
no_third() { [ "$(left "$third")" = 0 ] && [ ! -d "$(dirname "$LAB_DIR")/$third" ]; }

step "kill -9 of an owner: its lab goes by itself"
{ orphan; } 2>/dev/null
[ -s "$LAB_DIR/sleeper" ] || fail "the third lab was not made"
eventually 10 no_third || fail "namespaces or the folder of an orphan remain"
eventually 2 gone "$(cat "$LAB_DIR/sleeper")" || fail "a process of an orphan remains"

step "kill -9 of owner and attendant: the next up or down removes it"
{ orphan both; } 2>/dev/null
[ "$(left "$third")" = 6 ] || fail "the third lab was not made"
grep -q "lab $third .*which is gone" <<<"$("$ROOT/scripts/lab" status)" || fail "status does not know an orphan"
"$ROOT/scripts/lab" down "$other" 2>/dev/null
no_third || fail "namespaces or the folder of an orphan remain"
eventually 2 gone "$(cat "$LAB_DIR/sleeper")" || fail "a process of an orphan remains"
[ "$(left "$other")" = 0 ] || fail "down left namespaces"

step "kill -9 in the middle of up: the same"
for delay in 0.05 0.12 0.2; do
	LAB_OWNER=$$ "$ROOT/scripts/lab" up "$third" >/dev/null 2>&1 &
	making=$!
	sleep "$delay"
	kill -9 "$making" 2>/dev/null || true
	wait "$making" 2>/dev/null || true
	"$ROOT/scripts/lab" down "$third" 2>/dev/null
	[ "$(left "$third")" = 0 ] || fail "a half-made lab remains (after $delay s)"
done
[ "$(left "$LAB")" = 6 ] || fail "a lab that lives was removed"
