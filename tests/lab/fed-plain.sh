#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# A pool without TLS, Kamailio and then SIPp alone: it is called over TCP, and comes over TCP to a listener that lets in its address
# and nobody else. Calls both ways, ended by either side over a connection of its own.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need kamailio sipp unbound
lab_up
export LAB_POLICY_EXTRA="set partner fabrikam.test allow
delete sip-domain $LAB_DOMAIN
set sip-domain $LAB_DOMAIN identity main next-hop $LAB_INSIDE4:5060 insecure tcp
set identity main insecure-listen $LAB_BOX_INT4"
foreign_dns
foreign_kamailio partner
foreign_kamailio inside-plain
lab_box_start 2
eventually 10 box_listens 5 || fail "the box does not listen without TLS"

accepted() { box_counter accepted_internal edge; }
opened() { box_counter opened_internal edge; }
refused() { box_counter links_refused_source proxy; }
says() { grep -q -- "$1" <<<"$(lab_shell "${@:2}" 2>&1)" || fail "'${*:2}' does not say: $1"; }

step "what operators are told"
says "INSECURE: insecure-listen takes SIP without TLS" check "$LAB_CONFIG"
says "WITHOUT TLS from our own servers (INSECURE)" show firewall
grep -q "INSECURE: ::ffff:$LAB_BOX_INT4 port 5060 inside takes SIP without TLS" <<<"$(box_log)" || fail "the dataplane's log does not say it"

for scenario in message call bye; do
	step "$scenario: in"
	foreign_users inside-plain "$scenario-server"
	expect "$scenario from the partner to a pool without TLS" foreign_call partner "$scenario-client" alice bob@contoso.test
	foreign_users_stop
	step "$scenario: out"
	foreign_users partner "$scenario-server"
	expect "$scenario from a pool without TLS to the partner" foreign_call inside-plain "$scenario-client" bob alice@fabrikam.test
	foreign_users_stop
done
came() { [ "$(accepted)" -ge 1 ]; }
went() { [ "$(opened)" -ge 1 ]; }
eventually 5 came || fail "the pool never came to us over a connection of its own"
eventually 5 went || fail "we never called the pool"
[ "$(box_counter refused proxy)" = 0 ] || fail "something was refused"

step "SIPp alone is a pool too"
foreign_end
foreign_dns
foreign_kamailio partner
direct() { # SCENARIO FROM TO
	lab_in inside timeout 60 sipp "$LAB_BOX_INT4:5060" -t t1 -sf "$FOREIGN/sipp/$1.xml" -i "$LAB_INSIDE4" -p 6060 -nostdin -key from "$2" -key to "$3" \
		-m 1 -timeout 30 -recv_timeout 20000 -trace_err -error_file "$LAB_LOG/direct-$1.err"
}
# as a client it does not listen: what begins there ends there
for scenario in message call; do
	foreign_users partner "$scenario-server"
	expect "$scenario out" direct "$scenario-client" bob@contoso.test alice@fabrikam.test
	foreign_users_stop
done
for scenario in message call bye; do
	ip netns exec "$LAB-inside" sipp -t t1 -sf "$FOREIGN/sipp/$scenario-server.xml" -i "$LAB_INSIDE4" -p 5060 -nostdin -trace_err -error_file \
		"$LAB_LOG/direct-$scenario.err" >"$LAB_LOG/direct-$scenario.out" 2>&1 &
	FOREIGN_USER=$!
	FOREIGN_PIDS+=($!)
	eventually 5 lab_in inside bash -c "ss -lnt | grep -q '$LAB_INSIDE4:5060 '" || fail "SIPp does not listen"
	expect "$scenario in" foreign_call partner "$scenario-client" alice bob@contoso.test
	foreign_users_stop
done

step "nobody else"
ask() { # WHO SOURCE ADDRESS:PORT: prints what came back
	lab_in "$1" timeout "$(on_time 25)" python3 - "$2" "$3" <<-'PY'
		import socket, sys
		host, port = sys.argv[2].rsplit(":", 1)
		try:
		    s = socket.create_connection((host, int(port)), 10, (sys.argv[1], 0))
		    s.sendall(b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKx\r\nMax-Forwards: 1\r\nFrom: <sip:a@contoso.test>;tag=1\r\n"
		              b"To: <sip:x>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
		    s.settimeout(10)
		    print(s.recv(2000).decode().split("\r\n")[0] or "closed")
		except OSError as e:
		    print(type(e).__name__)
	PY
}
other=${LAB_INSIDE4%.*}.77
lab_in inside ip addr add "$other/24" dev "$(lab_in inside ip -o -4 addr show | awk -v a="$LAB_INSIDE4" '$4 ~ "^"a"/" {print $2; exit}')"
before=$(refused)
[ "$(ask inside "$other" "$LAB_BOX_INT4:5060")" = ConnectionResetError ] || fail "an address that nobody named is let in"
counted_once() { [ "$(refused)" = $((before + 1)) ]; }
eventually 5 counted_once || fail "the refusal is not counted"
told() { grep -q "address that nobody named" <<<"$(lab_shell show events)"; }
eventually 5 told || fail "no event says that an address was refused"
[[ $(ask inside "$LAB_INSIDE4" "$LAB_BOX_INT4:5060") = "SIP/2.0 "* ]] || fail "the pool's address is not let in"
[ "$(ask partner "$LAB_PARTNER4" "$LAB_BOX_EXT4:5060")" = ConnectionRefusedError ] || fail "there is something without TLS outside"

step "named by a prefix, and no longer"
expect "a prefix" lab_shell set identity main insecure-allow-from "$other/32"
expect "commit" lab_shell commit
let_in() { [[ $(ask inside "$other" "$LAB_BOX_INT4:5060") = "SIP/2.0 "* ]]; }
shut_out() { [ "$(ask inside "$other" "$LAB_BOX_INT4:5060")" = ConnectionResetError ]; }
eventually 5 let_in || fail "the address that was named is not let in"
expect "and away" lab_shell delete identity main insecure-allow-from "$other/32"
expect "commit" lab_shell commit
eventually 5 shut_out || fail "the address that is named no longer is let in"
refuse "a listener without TLS outside" lab_shell set identity main insecure-listen "$LAB_BOX_EXT4:5060" commit
expect "the listener goes" lab_shell delete identity main insecure-listen
expect "commit" lab_shell commit
nobody() { [ "$(ask inside "$LAB_INSIDE4" "$LAB_BOX_INT4:5060")" = ConnectionRefusedError ]; }
eventually 5 nobody || fail "the listener is still there"
