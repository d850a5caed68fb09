#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A link that goes down and comes back is survived in place, whichever end went down; the state of ports is shown.
. "$(dirname "$0")/lib.sh"

lab_up
lab_start 2
pid=$(box_pid)
answers() { lab_in partner ping -q -n -c 1 -W 0.3 "$LAB_BOX_EXT4"; }
link_is() { [ "$(box_port "$1" link)" = "$2" ]; }
expect "it answers at first" eventually 5 answers

flap() { # WHO DEV
	step "$1 $2 down and up"
	local downs
	downs=$(box_port ext0 downs)
	lab_in "$1" ip link set "$2" down
	expect "the port is shown as down" eventually 5 link_is ext0 down
	refuse "no answer while it is down" answers
	all_answered inside 3 "$LAB_BOX_INT4" -i 0.05
	lab_in "$1" ip link set "$2" up
	expect "the port is shown as up" eventually 5 link_is ext0 up
	expect "it answers again" eventually 8 answers
	expect "and over IPv6" eventually 8 lab_in partner ping -q -n -c 1 -W 0.3 "$LAB_BOX_EXT6"
	[ "$(box_port ext0 downs)" -gt "$downs" ] || fail "the flap was not counted"
}
flap mid-ext box
flap box ext0

step "ten quick ones"
for _ in $(seq 10); do
	lab_in mid-ext ip link set box down
	lab_in mid-ext ip link set box up
done
expect "it answers after them" eventually 10 answers
all_answered partner 100 "$LAB_BOX_EXT4" -i 0.005

step "same process, nothing astray"
box_alive || fail "the dataplane ended"
[ "$(box_pid)" = "$pid" ] || fail "it is another process"
