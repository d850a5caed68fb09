#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# Two telephones: baresip on either side registers at its organisation's Kamailio, one calls the other across the box, and hangs up.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need kamailio unbound baresip
export LAB_CAPTURE=off LAB_POLICY_EXTRA='set partner fabrikam.test allow'
lab_up
foreign_dns
foreign_kamailio partner
foreign_kamailio inside
lab_box_start "${FED_WORKERS:-1}"

phone() { # ORG USER PORT
	local who domain proxy dir=$LAB_DIR/foreign/$2
	read -r who domain _ _ _ _ _ proxy _ < <(foreign_org "$1")
	mkdir -p "$dir"
	printf '%s\n' "sip_listen 127.0.0.1:$3" "module_path /usr/lib/baresip/modules" "module g711.so" \
		"module aubridge.so" "module_tmp uuid.so" "module_tmp account.so" "module_app menu.so" "module ctrl_tcp.so" \
		"ctrl_tcp_listen 127.0.0.1:$(($3 + 5))" "audio_player aubridge,x" "audio_source aubridge,x" "audio_alert aubridge,x" >"$dir/config"
	echo "<sip:$2@$domain;transport=udp>;auth_pass=none;outbound=\"sip:127.0.0.1:$proxy;transport=udp\";regint=600;answermode=auto" >"$dir/accounts"
	: >"$dir/contacts"
	ip netns exec "$LAB-$who" baresip -f "$dir" >"$LAB_LOG/baresip-$2.log" 2>&1 </dev/null &
	FOREIGN_PIDS+=($!)
	eventually 10 grep -qa '200 OK' "$LAB_LOG/baresip-$2.log" || {
		tail -n 15 "$LAB_LOG/baresip-$2.log"
		fail "$2 does not register at the Kamailio of $1"
	}
}
tell() { # WHO PORT COMMAND [PARAMS]: netstring of JSON
	lab_in "$1" timeout "$(on_time 20)" python3 -c '
import json, socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
t = json.dumps({"command": sys.argv[2], "params": sys.argv[3] if len(sys.argv) > 3 else "", "token": "t"}).encode()
s.sendall(str(len(t)).encode() + b":" + t + b",")
print(s.recv(4096).decode(errors="replace"))' "$(($2 + 5))" "${@:3}" >>"$LAB_LOG/tell.log" 2>&1 || true
}
says() { grep -qai "$2" "$LAB_LOG/baresip-$1.log"; }
phone inside carol 5090
phone partner dave 5190
for way in "partner dave 5190 carol carol@contoso.test" "inside carol 5090 dave dave@fabrikam.test"; do
	read -r who caller port callee to <<<"$way"
	step "$caller calls $to"
	: >"$LAB_LOG/baresip-$caller.log"
	: >"$LAB_LOG/baresip-$callee.log"
	tell "$who" "$port" dial "sip:$to"
	eventually 10 says "$caller" 'call established' || {
		tail -n 20 "$LAB_LOG/baresip-$caller.log" "$LAB_LOG/baresip-$callee.log"
		fail "no call"
	}
	eventually 5 says "$callee" 'call established' || fail "$callee has no call"
	tell "$who" "$port" hangup
	eventually 5 says "$callee" 'terminated\|session closed' || {
		tail -n 20 "$LAB_LOG/baresip-$caller.log" "$LAB_LOG/baresip-$callee.log"
		fail "the other end does not hear of the end"
	}
	# before its log is looked at for the next one
	eventually 5 says "$caller" 'terminate' || fail "$caller does not say that it is over"
done
