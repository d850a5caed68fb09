#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=420 alone
# How long a transfer takes over a lossy line, against what Linux on both ends needs on the same line, seed by seed in turn: the
# kernel has an address of its own on the box's port for that. Medians; at most 1.2 times with --long (15 seeds), 3 times without
# (few seeds on a busy machine say little). Linux is told to use CUBIC, as the box does: what is compared is loss recovery, not
# congestion controls.
. "$(dirname "$0")/lib.sh"

PEER=$SALLYPORT_BUILD/tests/lab/tcpbox/tcppeer
export LAB_BOX_PROGRAM=$SALLYPORT_BUILD/tests/lab/tcpbox/tcpbox LAB_CAPTURE=off
[ -x "$LAB_BOX_PROGRAM" ] || skip "tcpbox is not built"
lab_up
lab_start 1
KERNEL=198.18.1.77
export TCPPEER_CC=${SALLYPORT_PACE_CC:-cubic}
lab_in box ip addr add $KERNEL/24 dev "$LAB_BOX_EXT_IF"
ip netns exec "$LAB-box" "$PEER" serve 7001 &
eventually 10 lab_in box sh -c "ss -ltn | grep -q ':7001 '" || fail "the kernel's end does not listen"
SEEDS=${SALLYPORT_PACE_SEEDS:-${LONG:+15}}
SEEDS=${SEEDS:-3}
BYTES=${SALLYPORT_PACE_BYTES:-${LONG:+3000000}}
BYTES=${BYTES:-500000}

run() { # sink|source HOST: milliseconds
	local port=7001 out
	[ "$1" = sink ] || port=7002
	out=$(lab_in partner "$PEER" "$1" "$2" $port "$BYTES" "$seed") || fail "$1 with $2: $out"
	echo "$out"
}

for loss in ${LONG:+0 1} 5; do
	for what in sink source; do
		: >"$LAB_DIR/pace"
		for seed in $(seq 1 "$SEEDS"); do
			"$ROOT/scripts/lab" impair ext "loss=$loss%,delay=5ms,seed=$((seed * 2))" >/dev/null
			a=$(run $what $KERNEL) || fail "the kernel's: $a"
			"$ROOT/scripts/lab" impair ext "loss=$loss%,delay=5ms,seed=$((seed * 2))" >/dev/null
			b=$(run $what "$LAB_BOX_EXT4") || fail "the box's: $b"
			echo "$a $b" >>"$LAB_DIR/pace"
		done
		python3 - "$LAB_DIR/pace" "$loss % loss, $what" "${SALLYPORT_PACE_LIMIT:-${LONG:+1.2}}" <<'PY' || fail "slower than Linux"
import statistics, sys
rows = [tuple(map(float, line.split())) for line in open(sys.argv[1])]
linux, ours = (statistics.median(column) for column in zip(*rows))
print(f"   {sys.argv[2]}: Linux {linux:.0f} ms, box {ours:.0f} ms, ratio {ours / linux:.2f} ({len(rows)} seeds)")
sys.exit(ours / linux > float(sys.argv[3] or 3))
PY
	done
done
