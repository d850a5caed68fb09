#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# kill -9 of the dataplane, at start and under traffic, again and again: the next one serves within two seconds and nothing of the
# dead ones stays behind.
. "$(dirname "$0")/../lab/lib.sh"

lab_up
rounds=${LONG:+100}
rounds=${rounds:-8}
residue() { find /dev/shm /dev/hugepages /var/run/dpdk -newer "$LAB_DIR/owner" \( -name '*rtemap*' -o -path '*dpdk*' \) 2>/dev/null || true; }
forget() { rm -f "$LAB_DIR/exit" "$LAB_DIR/dataplane.pid"; }
buried() { [ -e "$LAB_DIR/exit" ]; }

step "killed while it starts, later each time"
for delay in 0.02 0.05 0.1 0.15 0.2 0.3; do
	"$ROOT/scripts/lab" start 2 >/dev/null 2>&1 &
	starting=$!
	sleep "$delay"
	[ ! -s "$LAB_DIR/dataplane.pid" ] || kill -9 "$(box_pid)" 2>/dev/null || true
	wait "$starting" 2>/dev/null || true
	# it may have been too early to kill anything
	if box_alive; then kill -9 "$(box_pid)"; fi
	[ ! -s "$LAB_DIR/dataplane.pid" ] || expect "its end is seen" eventually 5 buried
	forget
done

step "killed under traffic, $rounds times"
lab_start 2
expect "it answers" eventually 5 lab_in partner ping -q -n -c 1 -W 0.3 "$LAB_BOX_EXT4"
lab_in partner ping -q -n -f "$LAB_BOX_EXT4" >/dev/null 2>&1 &
load=$!
stalls_start
slowest=0
for _ in $(seq "$rounds"); do
	signal=$([ $((RANDOM % 2)) = 0 ] && echo KILL || echo SEGV)
	kill -"$signal" "$(box_pid)"
	expect "its end is seen" eventually 5 buried
	forget
	begin=$(date +%s%N) stood=$(stalls)
	took() { echo $((($(date +%s%N) - begin) / 1000000 - $(stalls) + stood)); }
	lab_start 2
	until lab_in inside ping -q -n -c 1 -W 0.1 "$LAB_BOX_INT4" >/dev/null 2>&1; do
		[ "$(took)" -lt "$(on_time 2000)" ] || fail "it does not serve within two seconds after SIG$signal"
	done
	took=$(took)
	# the first answer may come after a start that took too long
	[ "$took" -lt "$(on_time 2000)" ] || fail "it serves $took ms after SIG$signal"
	[ "$took" -le "$slowest" ] || slowest=$took
done
kill_child TERM "$load"
echo "   serving again after at most $slowest ms"
expect "frames astray" eventually 2 box_balanced

step "what a killed one left behind is not believed"
kill -KILL "$(box_pid)"
expect "its end is seen" eventually 5 buried
[ -e "$LAB_RUN/ready" ] || fail "a killed process cannot have removed its ready file"
grep -q 'is dead' <<<"$("$BOX" counters "$LAB_RUN")" || fail "the counters do not say that it is dead"
forget
# one whose port does not open gets as far as the run-dir, and takes the ready file of the dead away
if LAB_DEVICE=ring,af_packet "$ROOT/scripts/lab" start >/dev/null 2>&1; then fail "it starts without its port"; fi
[ ! -e "$LAB_RUN/ready" ] || fail "it says that it is ready, and does not run"
forget
lab_start 2

step "nothing stays behind"
left=$(residue)
[ -z "$left" ] || fail "files of the dead: $left"
lab_stop
[ ! -e "$LAB_RUN/ready" ] || fail "it says that it is ready, and is gone"
"$BOX" counters "$LAB_RUN" >/dev/null || fail "the counters of a dataplane that ended cannot be read"
