#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release asan alone timeout=300
# A million malformed frames of every kind below TCP (seeded): the box lives, each frame is counted under one name, and it still
# answers. The same against the sanitizers: a fifth of it, and the whole million with --long. (IPv4 fragments are not among them: an af_packet port asks the kernel to share
# frames out, and then the kernel puts fragments together before the box sees them. Unit tests of net/ have them.)
. "$(dirname "$0")/lib.sh"

# a sanitized box takes several times longer for a frame
count=1000000
[ -z "$LONG" ] || count=5000000
[ "${SALLYPORT_BUILD_KIND:-release}" = release ] || count=${LONG:+1000000}
count=${count:-200000}

export LAB_CAPTURE=off
lab_up
lab_start 2
answers() { lab_in partner ping -q -n -c 20 -i 0.01 -W 1 "$LAB_BOX_EXT4"; }
expect "it answers before" eventually 5 answers
pid=$(box_pid)
flood=$ROOT/build/tests/lab/flood/flood
[ -x "$flood" ] || flood=$SALLYPORT_BUILD/tests/lab/flood/flood

step "$count frames"
# straight into the wire of the port, and nobody else is on it: the numbers must agree to the frame
lab_in mid-ext ip link set box nomaster
lab_in mid-int ip link set box nomaster
mac=$(lab_in box cat /sys/class/net/ext0/address)
# while an address is probed a conflict takes it away, as RFC 5227 and RFC 4862 want it; that is over after six seconds at most
sleep 7
lab_in mid-ext "$flood" --count "$count" --seed 7 --mac "$mac" --run "$LAB_RUN" --to4 "$LAB_BOX_EXT4" --to6 "$LAB_BOX_EXT6" box \
	>"$LAB_LOG/flood.json" || fail "the flood was not taken: $(cat "$LAB_LOG/flood.json")"
python3 - "$LAB_LOG/flood.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
print(f'   {r["sent"]} sent, {r["seen"]} seen, {r["drops"]} dropped by name')
PY

step "it lives and answers"
box_alive || fail "the dataplane ended with $(box_status)"
[ "$(box_pid)" = "$pid" ] || fail "it is another process"
lab_in mid-ext ip link set box master br0
lab_in mid-int ip link set box master br0
expect "it answers after" eventually 10 answers
expect "frames astray" eventually 2 box_balanced

step "most kinds met their own name"
# names that this flood must have hit; a name that stays at zero is a check that is never reached
box_json | python3 -c '
import json, sys
n = json.load(sys.stdin)["tables"]["net"]["sum"]
want = """eth_not_ours eth_group eth_source eth_vlan eth_type arp_short arp_bad arp_unsolicited arp_conflict ip4_short ip4_version
ip4_header_len ip4_total_len ip4_checksum ip4_options ip4_ttl ip4_source ip4_broadcast ip4_not_ours ip4_protocol ip6_short
ip6_version ip6_payload_len ip6_source ip6_not_ours ip6_hop_limit ip6_extension ip6_routing ip6_fragment ip6_no_next icmp_short
icmp_checksum icmp_type nd_bad nd_router l4_short l4_checksum udp_no_port""".split()
missed = [w for w in want if not n.get("drop." + w)]
print("   never met:", " ".join(missed) or "none")
sys.exit(bool(missed))' || fail "kinds of frames that met no check"
# and these kinds have one name alone: other kinds may add to it, none of theirs may be missing (of pings that were bent anywhere, most)
box_json | python3 -c '
import json, sys
n, k = json.load(sys.stdin)["tables"]["net"]["sum"], json.load(open(sys.argv[1]))["kinds"]
alone = {"eth_not_ours": ["eth_not_ours"], "ip4_checksum": ["ip4_checksum"], "ip4_version": ["ip4_version"], "ip6_version": ["ip6_version"],
         "ip4_not_ours": ["ip4_not_ours"], "ip6_not_ours": ["ip6_not_ours"], "l4_checksum": ["tcp_checksum"]}
want = {d: sum(k[w] for w in kinds) for d, kinds in alone.items()}
want["icmp_checksum"] = sum(k[f"icmp{v}_checksum"] + 0.7 * k[f"icmp{v}_ping_bent"] for v in (4, 6))
less = ["%s %d of %d" % (d, n["drop." + d], w) for d, w in want.items() if n["drop." + d] < w]
print("   less than were sent:", ", ".join(less) or "none")
sys.exit(bool(less))' "$LAB_LOG/flood.json" || fail "frames that met another check than theirs"
