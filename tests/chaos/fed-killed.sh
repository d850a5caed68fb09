#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=120
# The dataplane is killed under load while nobody is in control: it serves again within two seconds by the same policy, and dialogs and
# subscriptions of before go on. Control is killed: traffic does not notice. An emergency block cuts what lives within a second.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$ROOT/tests/lab/foreign/foreign.sh"
need python3 unbound
export LAB_CAPTURE=off
export LAB_POLICY_EXTRA='set partner fabrikam.test allow
set partner blocked.test block'
lab_up
foreign_dns
lab_box_start "${FED_WORKERS:-1}"
export CONTROL SHELL_BIN
mkfifo "$LAB_DIR/ask" "$LAB_DIR/told"
PYTHONPATH=$FOREIGN python3 "$FOREIGN/killed.py" "$LAB_DIR/ask" "$LAB_DIR/told" &
driver=$!
driver_end() { kill "$driver" 2>/dev/null || true; }
AT_END+=(driver_end)
exec 8<"$LAB_DIR/ask" 7>"$LAB_DIR/told"
# what the driver asks for; it waits for the word
while read -r word <&8; do
	case $word in
	control-stop) lab_control_stop ;;
	control-start) lab_control_start ;;
	control-kill) lab_control_kill ;;
	box-kill)
		kill -KILL "$(box_pid)"
		until [ -e "$LAB_DIR/exit" ]; do sleep 0.01; done
		rm -f "$LAB_DIR/exit" "$LAB_DIR/dataplane.pid"
		lab_start "${FED_WORKERS:-1}"
		;;
	esac
	echo "$word" >&7
done
wait $driver
