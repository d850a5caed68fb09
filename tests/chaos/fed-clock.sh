#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# The time of day jumps under both daemons, by an hour, by weeks, by decades, forwards and back. Links, dialogs, messages and timers do not
# notice; only what certificates say of their dates does, and it is right again when the clock is.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$ROOT/tests/lab/foreign/foreign.sh"
need python3 unbound
SHIM=$SALLYPORT_BUILD/tests/chaos/clockshim/libclockshim.so
[ -e "$SHIM" ] || skip "clockshim is not built"
export LAB_CAPTURE=off
export LAB_POLICY_EXTRA='set partner fabrikam.test allow'
lab_up
foreign_dns
export CLOCK_SHIM=$LAB_DIR/clock
head -c 4096 /dev/zero >"$CLOCK_SHIM"
chmod 644 "$CLOCK_SHIM"
LD_PRELOAD=$SHIM lab_box_start "${FED_WORKERS:-1}"
for pid in "$(box_pid)" "$(control_pid)"; do
	grep -q libclockshim "/proc/$pid/maps" || fail "process $pid has the true clock"
done
export CONTROL SHELL_BIN
PYTHONPATH=$FOREIGN python3 "$ROOT/tests/chaos/clocks.py"
