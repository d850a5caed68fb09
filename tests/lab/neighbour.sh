#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A neighbour that comes back with another MAC address is found again within seconds; nobody else can talk us into one.
. "$(dirname "$0")/lib.sh"

lab_up
lab_start 2
answers() { lab_in partner ping -q -n -c 1 -W 0.3 "$1"; }
expect "IPv4 at first" eventually 5 answers "$LAB_BOX_EXT4"
expect "IPv6 at first" eventually 5 answers "$LAB_BOX_EXT6"

step "the partner gets another network card"
for mac in 02:aa:00:00:00:01 02:aa:00:00:00:02; do
	lab_in partner ip link set eth0 down
	lab_in partner ip link set eth0 address "$mac"
	lab_in partner ip link set eth0 up
	lab_in partner ip route replace default via "$LAB_INET4"
	lab_in partner ip -6 addr replace "$LAB_PARTNER6/64" dev eth0 nodad
	expect "IPv4 with $mac" eventually 6 answers "$LAB_BOX_EXT4"
	expect "IPv6 with $mac" eventually 6 answers "$LAB_BOX_EXT6"
	all_answered partner 50 "$LAB_BOX_EXT4" -i 0.01
done
expect "moved neighbours are counted" eventually 5 counted neigh_moved 2

step "a third party says that the partner is here: it is not believed"
# gratuitous ARP and unsolicited advertisements from inet, for the partner's addresses
lab_in inet python3 - "$LAB_PARTNER4" "$LAB_PARTNER6" <<'PY'
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('eth0', 0))
me = bytes.fromhex(open('/sys/class/net/eth0/address').read().strip().replace(':', ''))
ip4 = socket.inet_aton(sys.argv[1])
ip6 = socket.inet_pton(socket.AF_INET6, sys.argv[2])
everybody = b'\xff' * 6
def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
for op in (1, 2):
    s.send(everybody + me + b'\x08\x06' + struct.pack('!HHBBH', 1, 0x800, 6, 4, op) + me + ip4 + everybody + ip4)
all_nodes = socket.inet_pton(socket.AF_INET6, 'ff02::1')
na = struct.pack('!BBHI', 136, 0, 0, 0x20000000) + ip6 + b'\x02\x01' + me
pseudo = ip6 + all_nodes + struct.pack('!II', len(na), 58)
na = na[:2] + struct.pack('!H', checksum(pseudo + na)) + na[4:]
head = struct.pack('!IHBB', 0x60000000, len(na), 58, 255) + ip6 + all_nodes
s.send(b'\x33\x33\x00\x00\x00\x01' + me + b'\x86\xdd' + head + na)
PY
all_answered partner 100 "$LAB_BOX_EXT4" -i 0.01
all_answered partner 100 "$LAB_BOX_EXT6" -i 0.01
expect "frames astray" eventually 2 box_balanced
