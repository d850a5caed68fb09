#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An interface that is taken away and made anew: the port is lost, said and shown; when it was the last one of its side the
# process ends with 75, so that whoever supervises it starts it again.
. "$(dirname "$0")/lib.sh"

lab_up
lab_start 2
expect "it answers at first" eventually 5 lab_in partner ping -q -n -c 1 -W 0.3 "$LAB_BOX_EXT4"

step "ext0 is made anew: the last port of the external side"
ip -n "$LAB-box" link del ext0
ended() { [ -e "$LAB_DIR/exit" ]; }
expect "the process ends" eventually 10 ended
[ "$(box_status)" = 75 ] || fail "it ended with $(box_status), not 75"
[ ! -e "$LAB_RUN/ready" ] || fail "it still says that it is ready"
grep -qi 'ext0' <<<"$(box_log)" || fail "the log does not name the port"
grep -qi 'lost' <<<"$(box_log)" || fail "the log does not say that the port is lost"
[ "$(box_port ext0 link)" = lost ] || fail "the counters do not show it"
ip -n "$LAB-box" link add name ext0 type veth peer name box netns "$LAB-mid-ext"
lab_in box sysctl -qw net.ipv6.conf.ext0.disable_ipv6=1
lab_in mid-ext sysctl -qw net.ipv6.conf.box.disable_ipv6=1
lab_in box ethtool -K ext0 tx off rx off sg off tso off gso off gro off >/dev/null
lab_in mid-ext ethtool -K box tx off rx off sg off tso off gso off gro off >/dev/null
lab_in mid-ext ip link set box master br0 up
lab_in box ip link set ext0 up
rm -f "$LAB_DIR/exit" "$LAB_DIR/dataplane.pid"

step "started again, as its unit does"
lab_start 2
# with another MAC address: RFC 5227 lets it announce that after its probes, some seven seconds
expect "it answers" eventually 15 lab_in partner ping -q -n -c 1 -W 0.3 "$LAB_BOX_EXT4"
lab_stop

step "one of two ports of a side: the other one goes on"
ip -n "$LAB-box" link add name ext1 type veth peer name ext1peer
lab_in box ip link set ext1 up
lab_in box ip link set ext1peer up
export LAB_BOX_EXTRA="${LAB_BOX_EXTRA:-}
set port ext1 side external
set port ext1 device af_packet:iface=ext1
set port ext1 address 198.18.5.2/24"
lab_start 2
ip -n "$LAB-box" link del ext1
lost() { [ "$(box_port ext1 link)" = lost ]; }
expect "the port is shown as lost" eventually 10 lost
all_answered partner 20 "$LAB_BOX_EXT4" -i 0.02
box_alive || fail "the dataplane ended with $(box_status)"
