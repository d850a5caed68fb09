#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release asan timeout=120
# The box answers ping and ping6 on both faces, with 1, 2 and 4 workers, without a loss, from the smallest frame to the largest;
# what is larger is dropped by name; and it never routes between its faces.
. "$(dirname "$0")/lib.sh"

lab_up
fast=${LONG:+5000}
fast=${fast:-1500}

asks_again() { lab_in "$1" sysctl -qw "net.ipv4.neigh.eth0.retrans_time_ms=$2" "net.ipv6.neigh.eth0.retrans_time_ms=$2"; } # WHO MS
for workers in 1 2 4; do
	step "$workers workers"
	lab_start "$workers"
	# who asks for our station before an address is in use asks again a second later; here it would be half a minute
	for target in "partner $LAB_BOX_EXT4" "partner $LAB_BOX_EXT6" "inside $LAB_BOX_INT4" "inside $LAB_BOX_INT6"; do
		# shellcheck disable=SC2086
		set -- $target
		asks_again "$1" 30000
		lab_in "$1" ip neigh flush all
		expect "ready is ready: the first question is answered" lab_in "$1" ping -n -c 1 -W "$(on_time 10)" "$2"
		asks_again "$1" 1000
	done
	# each with its own flow and identifier, all at a time
	pids=()
	for target in "partner $LAB_BOX_EXT4" "partner $LAB_BOX_EXT6" "inside $LAB_BOX_INT4" "inside $LAB_BOX_INT6"; do
		# shellcheck disable=SC2086
		set -- $target
		all_answered "$1" "$fast" "$2" -i 0.001 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || fail "see above"; done
	if [ "$workers" = 1 ]; then
		step "from 64 bytes on the wire to the full MTU"
		# 18 + 8 + 20 + 14 and the checksum make 64; 0 is padded by whoever sends
		for size in 0 1 17 18 19 55 56 57 255 256 511 512 1023 1024 1280 1400 1471 1472; do
			all_answered partner 3 "$LAB_BOX_EXT4" -i 0.002 -M "do" -s "$size"
			if [ "$size" -le 1452 ]; then all_answered inside 3 "$LAB_BOX_INT6" -i 0.002 -M "do" -s "$size"; fi
		done
		all_answered inside 3 "$LAB_BOX_INT6" -i 0.002 -M "do" -s 1452
	fi
	expect "frames astray" eventually 2 box_balanced
	[ "$workers" = 4 ] || lab_stop
done

step "ping that floods"
all_answered partner "$fast" "$LAB_BOX_EXT4" -f -s 56
all_answered inside "$fast" "$LAB_BOX_INT6" -f -s 1200

step "beyond the MTU"
refuse "1473 bytes do not fit" lab_in partner ping -q -c 1 -W 0.3 -M "do" -s 1473 "$LAB_BOX_EXT4"
before=$(($(box_counter drop.ip4_fragment) + $(box_counter drop.ip4_total_len)))
refuse "fragments are not answered" lab_in partner ping -q -c 1 -W 0.5 -s 3000 "$LAB_BOX_EXT4"
# an af_packet port asks the kernel to share frames out, which puts IPv4 fragments together first: one frame, too long for its buffer
fragments_counted() { [ $(($(box_counter drop.ip4_fragment) + $(box_counter drop.ip4_total_len))) -gt "$before" ]; }
expect "fragments are counted" eventually 2 fragments_counted
before=$(box_counter drop.ip6_fragment)
refuse "IPv6 fragments are not answered" lab_in partner ping -q -c 1 -W 0.5 -s 3000 "$LAB_BOX_EXT6"
expect "IPv6 fragments are counted" eventually 2 counted drop.ip6_fragment $((before + 3))

step "from behind the gateways"
all_answered inet 20 "$LAB_BOX_EXT4" -i 0.01 -I 198.18.3.10
all_answered inet 20 "$LAB_BOX_EXT6" -i 0.01 -I 2001:db8:3::10
all_answered inside 20 "$LAB_BOX_INT4" -i 0.01 -I "$LAB_INSIDE_FAR4"

step "it never routes, and a face has its own addresses only"
before=$(box_counter drop.ip4_not_ours)
refuse "inside reaches partner through the box" lab_in inside ping -q -c 2 -i 0.1 -W 0.5 "$LAB_PARTNER4"
refuse "the same over IPv6" lab_in inside ping -q -c 2 -i 0.1 -W 0.5 "$LAB_PARTNER6"
lab_in partner ip route add 198.18.2.0/24 via "$LAB_BOX_EXT4"
lab_in partner ip route add 2001:db8:2::/64 via "$LAB_BOX_EXT6"
refuse "partner reaches inside through the box" lab_in partner ping -q -c 2 -i 0.1 -W 0.5 "$LAB_INSIDE4"
refuse "the internal address answers outside" lab_in partner ping -q -c 2 -i 0.1 -W 0.5 "$LAB_BOX_INT4"
refuse "the internal IPv6 address answers outside" lab_in partner ping -q -c 2 -i 0.1 -W 0.5 "$LAB_BOX_INT6"
expect "what is not routed is counted" eventually 5 counted drop.ip4_not_ours $((before + 6))

step "every frame has one end"
expect "frames astray" eventually 2 box_balanced
