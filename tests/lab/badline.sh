#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The bad line of the lab is as bad as it was told, seen by Linux on both ends (no dataplane here: the kernel of the box answers).
. "$(dirname "$0")/lib.sh"

LAB_CAPTURE=off lab_up
lab_in box sysctl -qw net.ipv6.conf.ext0.disable_ipv6=0 net.ipv6.conf.ext0.accept_dad=0
lab_in box ip addr add "$LAB_BOX_EXT4/24" dev ext0
lab_in box ip addr add "$LAB_BOX_EXT6/64" dev ext0
impair() { "$ROOT/scripts/lab" impair ext "$1"; }
# how many of N answers came
answers() { # N [ping options]
	local n=$1
	shift
	{ lab_in partner ping -q -c "$n" -i 0.002 -W 0.5 "$@" || true; } | sed -n 's/.* \([0-9]*\) received.*/\1/p'
}
says_1400() { grep -qi 'mtu.*1400' <<<"$(lab_in partner ping -c 1 -W 1 -M "do" "$@" 2>&1 || true)"; }
# the shortest of a few round trips, in milliseconds: nobody is late for all of them
shortest() { lab_in partner ping -q -c 5 -i 0.1 "$LAB_BOX_EXT4" | sed -n 's,^rtt [^=]*= \([0-9]*\).*,\1,p'; }
stat() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]][sys.argv[3]])' "$LAB_LOG/impair-ext.json" "$@"; }

step "clean, and through a line that does nothing"
all_answered partner 50 "$LAB_BOX_EXT4" -i 0.002
impair seed=1
all_answered partner 200 "$LAB_BOX_EXT4" -i 0.002 -s 1472
all_answered partner 50 "$LAB_BOX_EXT6" -i 0.002
refuse "nonsense is a line" impair loss=200%

step "loss in one direction"
impair dir=in,loss=30%,seed=5
got=$(answers 500 "$LAB_BOX_EXT4")
if [ "$got" -lt 300 ] || [ "$got" -gt 400 ]; then fail "30 % loss, but $got of 500 answers"; fi

step "delay"
impair delay=40ms
no_longer() { rtt=$(shortest) && [ "$rtt" -le 120 ]; }
eventually 10 no_longer || fail "2 × 40 ms, but $rtt ms"
[ "$rtt" -ge 80 ] || fail "2 × 40 ms, but $rtt ms"

step "duplicates and corruption, and its statistics"
impair dup=100%
grep -q '+1[0-9] duplicates' <<<"$(lab_in partner ping -q -c 5 -i 0.05 "$LAB_BOX_EXT4")" || fail "no duplicates"
impair dir=in,corrupt=100%
got=$(answers 50 "$LAB_BOX_EXT4")
impair off
[ "$got" -lt 10 ] || fail "every frame has a wrong bit, and $got of 50 were answered"
shown() { [ "$(stat in corrupted)" -ge 40 ]; }
eventually 10 shown || fail "the statistics do not show it"

step "a hole in the MTU: silent, then with answers"
impair dir=in,mtu=1400
all_answered partner 2 "$LAB_BOX_EXT4" -M "do" -s 1372 # 1400 pass a hole of 1400
[ "$(answers 2 -M "do" -s 1373 "$LAB_BOX_EXT4")" = 0 ] || fail "1401 pass a hole of 1400"
impair "dir=in,mtu=1400,icmp4=$LAB_INET4,icmp6=$LAB_INET6"
eventually 5 says_1400 -s 1373 "$LAB_BOX_EXT4" || fail "the hole does not answer"
eventually 5 says_1400 -s 1400 "$LAB_BOX_EXT6" || fail "the hole does not answer IPv6"

step "flap"
impair up=300ms,down=300ms
# how often it changed between answers and none, and how many of 200 were answered, whatever the pace of who asks
flaps() {
	{ lab_in partner ping -n -c 200 -i 0.01 -W 0.5 "$LAB_BOX_EXT4" || true; } | python3 -c '
import re, sys
came = {int(n) for n in re.findall("icmp_seq=([0-9]+) ttl", sys.stdin.read())}
seen = [n in came for n in range(1, 201)]
print(sum(a != b for a, b in zip(seen, seen[1:])), sum(seen))'
}
read -r changes got < <(flaps)
if [ "$changes" -lt 3 ] || [ "$changes" -gt 40 ] || [ "$got" -lt 20 ] || [ "$got" -gt 180 ]; then
	fail "half of the time down, but $got of 200 answers, which came and went $changes times"
fi
impair off
all_answered partner 20 "$LAB_BOX_EXT4" -i 0.002
