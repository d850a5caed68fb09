#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=120
# The key log of one peer: off until an operator asks for it, of that peer alone, good for Wireshark, over by itself, and known to
# whoever looks at the box.
. "$(dirname "$0")/lib.sh"

need openssl tcpdump tshark jq
for program in "$CONTROL" "$SHELL_BIN"; do [ -x "$program" ] || skip "$program is not built"; done
export LAB_CAPTURE=off
lab_up
lab_box_start 2

lab_in partner tcpdump -i any -n -U -s 0 -w "$LAB_DIR/all.pcap" "tcp port 5061" >/dev/null 2>&1 &
dump=$!
eventually 10 test -s "$LAB_DIR/all.pcap" || fail "no capture"

options() { # WHO VERSION MARK [options]: one request over TLS, answered
	local who=$1 version=$2 mark=$3 out crt key
	shift 3
	echo "$mark" >>"$LAB_DIR/asked"
	crt=LAB_CHAIN_$who key=LAB_KEY_$who
	out=$({
		printf 'OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/TLS x.test;branch=z9hG4bK%s\r\nFrom: <sip:%s@fabrikam.test>;tag=1\r\n' "$LAB_DOMAIN" "$mark" "$mark"
		printf 'To: <sip:a@%s>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n' "$LAB_DOMAIN" "$mark"
	} | talk '^SIP/2.0 [2-6]' lab_in partner timeout 20 openssl s_client -quiet -no_ign_eof -connect "$LAB_BOX_EXT4:5061" -CAfile "$LAB_CA" -servername "$LAB_FQDN" \
		-cert "${!crt}" -key "${!key}" "$version" "$@") || true
	grep -q '^SIP/2.0 [2-6]' <<<"$out"
}
files() { find "$LAB_RUN" -maxdepth 1 -name 'keylog-*'; }
file_there() { [ -n "$(files)" ]; }
second_file() { [ "$(files | wc -l)" = 2 ]; }
on() { [ "$(lab_shell -j show status | jq -r '.rows[0].keylog.peer')" = "${1:-null}" ]; }
event() { grep -q " keylog: $1" <<<"$(lab_shell show events)"; }

step "off by default"
expect "the other one" options DISCOVERED -tls1_3 before-other
expect "the peer" options PARTNER -tls1_3 before-peer
refuse "a file" file_there
expect "status" on

step "on, for one peer and a while"
refuse "without a time" lab_shell debug tls keylog peer sip.fabrikam.test
refuse "for ever" lab_shell debug tls keylog peer sip.fabrikam.test for 2h
refuse "for everybody" lab_shell debug tls keylog for 10m
refuse "a file, still" file_there
expect "asked for" lab_shell debug tls keylog peer sip.fabrikam.test for 10m
eventually 10 file_there || fail "no file"
log=$(files)
[ "$(stat -c %a "$log")" = 600 ] || fail "others may read it: $(stat -c %a "$log")"
expect "status says so" on sip.fabrikam.test
grep -q 'WARNING.*sip.fabrikam.test are written down until' <<<"$(lab_shell show status)" || fail "no warning: $(lab_shell show status)"
expect "an event" eventually 10 event "for 600 s the secrets"
grep -q 'debug tls keylog peer sip.fabrikam.test for 10m' <<<"$(lab_shell show audit)" || fail "not audited: $(lab_shell show audit)"

step "the peer's sessions in both versions, resumed ones too, and nobody else's"
expect "the peer" options PARTNER -tls1_3 peer-13 -sess_out "$LAB_DIR/ticket"
expect "the peer, resumed" options PARTNER -tls1_3 peer-resumed -sess_in "$LAB_DIR/ticket"
expect "the peer, 1.2" options PARTNER -tls1_2 peer-12
expect "the other one" options DISCOVERED -tls1_3 other-13
expect "the other one, 1.2" options DISCOVERED -tls1_2 other-12
lines() { [ "$(grep -c '^CLIENT_TRAFFIC_SECRET_0 ' "$log")" = "$1" ] && [ "$(grep -c '^CLIENT_RANDOM ' "$log")" = "$2" ]; }
expect "two of 1.3 and one of 1.2" eventually 10 lines 2 1

step "it ends when told to, and by itself"
expect "off" lab_shell debug tls keylog off
expect "status" on
expect "an event" eventually 10 event "ended: 3 sessions"
expect "the peer, afterwards" options PARTNER -tls1_3 after-off
expect "asked for" lab_shell debug tls keylog peer sip.fabrikam.test for 1s
eventually 10 second_file || fail "no second file"
expect "an event" eventually 10 event "for 1 s the secrets"
expect "an event" eventually 10 event "ended: 0 sessions"
expect "the peer, afterwards" options PARTNER -tls1_3 after-time
expect "status" on
lines 2 1 || fail "the first file grew after its end"

step "another folder, which has to be the dataplane's own"
lab_stop
lab_control_stop
mkdir -m 755 "$LAB_DIR/keys"
export LAB_BOX_EXTRA_BOOT="set dataplane keylog-folder $LAB_DIR/keys"
lab_box_start 1
ask() { lab_shell debug tls keylog peer sip.fabrikam.test for 10m; }
kept() { [ -n "$(find "$LAB_DIR/keys" -name 'keylog-*' -perm 600)" ]; }
chmod 777 "$LAB_DIR/keys"
grep -q 'chmod o-w' <<<"$(ask 2>&1)" || fail "everybody may write, and it is not said: $(ask 2>&1)"
chmod 755 "$LAB_DIR/keys"
chown 65534 "$LAB_DIR/keys"
expect "asked for" ask
expect "an event says what to do" eventually 10 event "no key log: $LAB_DIR/keys belongs to uid 65534 and not to the dataplane's: chown"
refuse "a file" kept
chown "$(stat -c %u "$LAB_RUN")" "$LAB_DIR/keys"
expect "asked for" ask
expect "a file" eventually 10 kept
expect "one session more" options PARTNER -tls1_3 elsewhere
grown() { grep -q '^CLIENT_TRAFFIC_SECRET_0 ' "$LAB_DIR"/keys/keylog-*; }
expect "it is in there" eventually 10 grown

step "Wireshark reads the peer, before and after nothing"
hellos() { tshark -r "$LAB_DIR/all.pcap" -d tcp.port==5061,tls -Y 'tls.handshake.type == 1' -T fields -e tcp.stream 2>/dev/null | sort -u | wc -l; }
all_dumped() { [ "$(hellos)" -ge "$(wc -l <"$LAB_DIR/asked")" ]; }
eventually 15 all_dumped || fail "$(hellos) sessions are in the dump of $(wc -l <"$LAB_DIR/asked")"
kill "$dump"
wait "$dump" 2>/dev/null || true
ids=$(tshark -r "$LAB_DIR/all.pcap" -o "tls.keylog_file:$log" -d tcp.port==5061,tls -Y 'sip.Method == "OPTIONS"' -T fields -e sip.Call-ID 2>/dev/null |
	sort -u | tr '\n' ' ')
[ "$ids" = "peer-12 peer-13 peer-resumed " ] || fail "decrypted: $ids"
answers=$(tshark -r "$LAB_DIR/all.pcap" -o "tls.keylog_file:$log" -d tcp.port==5061,tls -Y 'sip.Status-Code' -T fields -e sip.Call-ID 2>/dev/null |
	sort -u | tr '\n' ' ')
[ "$answers" = "peer-12 peer-13 peer-resumed " ] || fail "answers decrypted: $answers"
