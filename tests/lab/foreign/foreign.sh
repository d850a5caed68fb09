# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Words of the templates look unused here.
# shellcheck disable=SC2034
# Software of others at both ends of the box, for tests that source lib.sh first:
#
#   foreign_dns                       a name server at $LAB_DNS4: every organisation of the lab
#   foreign_kamailio ORG              starts that organisation's Kamailio (partner, inside, inside-plain, discovered, blocked …)
#   foreign_users WHO SCENARIO PORT   SIPp as the users behind a Kamailio of namespace WHO
#   foreign_call WHO SCENARIO FROM TO [sipp options]   one SIPp client run through the Kamailio of WHO; its status
#   foreign_stunnel WHO CERT LISTEN CONNECT            stunnel as client: SIPp without TLS straight at the box
#
# Everything runs in the lab's namespaces and ends with the lab.
FOREIGN=$ROOT/tests/lab/foreign

# ORG: namespace, domain, address, port, certificate's variable, next hop, name expected there
foreign_org() {
	case $1 in
	partner) echo "partner fabrikam.test $LAB_PARTNER4 5061 PARTNER $LAB_BOX_EXT4:5061 $LAB_FQDN 5060 5070" ;;
	# without TLS; it looks at no name, and goes where Record-Route says
	inside-plain) echo "inside contoso.test $LAB_INSIDE4 5060 INSIDE $LAB_BOX_INT4:5060 nobody.invalid 5062 5070" ;;
	inside) echo "inside contoso.test $LAB_INSIDE4 5061 INSIDE $LAB_BOX_INT4:5061 edge.inside.contoso.test 5060 5070" ;;
	discovered) echo "partner litware.test $LAB_PARTNER4 5161 DISCOVERED $LAB_BOX_EXT4:5061 $LAB_FQDN 5160 5170" ;;
	blocked) echo "partner blocked.test $LAB_PARTNER4 5261 BLOCKED $LAB_BOX_EXT4:5061 $LAB_FQDN 5260 5270" ;;
	wrong) echo "partner fabrikam.test $LAB_PARTNER4 5361 WRONG_NAME $LAB_BOX_EXT4:5061 $LAB_FQDN 5360 5370" ;;
	server-only) echo "partner fabrikam.test $LAB_PARTNER4 5461 SERVER_ONLY $LAB_BOX_EXT4:5061 $LAB_FQDN 5460 5470" ;;
	*) fail "no organisation $1" ;;
	esac
}

foreign_dns() {
	need unbound
	local conf=$LAB_DIR/unbound.conf
	cat >"$conf" <<-CONF
		server:
			interface: $LAB_DNS4
			access-control: 0.0.0.0/0 allow
			do-daemonize: no
			chroot: ""
			username: ""
			pidfile: ""
			use-syslog: no
			logfile: "$LAB_LOG/unbound.log"
			module-config: "iterator"
			local-zone: "test." static
			local-data: "_sipfederationtls._tcp.fabrikam.test. 300 IN SRV 0 0 5061 sip.fabrikam.test."
			local-data: "sip.fabrikam.test. 300 IN A $LAB_PARTNER4"
			local-data: "_sipfederationtls._tcp.litware.test. 300 IN SRV 0 0 5161 sip.litware.test."
			local-data: "sip.litware.test. 300 IN A $LAB_PARTNER4"
			local-data: "_sipfederationtls._tcp.blocked.test. 300 IN SRV 0 0 5261 sip.blocked.test."
			local-data: "sip.blocked.test. 300 IN A $LAB_PARTNER4"
			local-data: "_sipfederationtls._tcp.contoso.test. 300 IN SRV 0 0 5061 $LAB_FQDN."
			local-data: "$LAB_FQDN. 300 IN A $LAB_BOX_EXT4"
			local-data: "pool.inside.contoso.test. 300 IN A $LAB_INSIDE4"
			local-data: "edge.inside.contoso.test. 300 IN A $LAB_BOX_INT4"
			${FOREIGN_DNS_EXTRA:-}
	CONF
	ip netns exec "$LAB-inet" unbound -d -c "$conf" >>"$LAB_LOG/unbound.out" 2>&1 &
	FOREIGN_PIDS+=($!)
	eventually 10 lab_in inet bash -c "ss -lnu | grep -q '$LAB_DNS4:53 '" || fail "the name server does not start"
}

FOREIGN_PIDS=()
foreign_end() {
	local pid
	kill_child TERM "${FOREIGN_PIDS[@]}"
	for pid in "${FOREIGN_PIDS[@]}"; do wait "$pid" 2>/dev/null || true; done
	FOREIGN_PIDS=()
}
AT_END+=(foreign_end)

foreign_fill() { # FILE: @WORD@ from the environment
	sed -E "$(while read -r name; do printf 's|@%s@|%s|g;' "$name" "${!name:-}"; done < <(grep -oE '@[A-Z0-9]+@' "$1" | tr -d @ | sort -u))" "$1"
}

foreign_shakes() { # WHO ADDRESS:PORT
	grep -q 'BEGIN CERTIFICATE' <<<"$(talk 'BEGIN CERTIFICATE' lab_in "$1" timeout 10 openssl s_client -connect "$2" </dev/null)"
}

foreign_kamailio() { # ORG [NEXT]
	need kamailio
	local WHO DOMAIN ADDRESS PORT CERTVAR NEXT SNI LOCAL USER USER2 CERT KEY CA TLS METHOD=TLSv1.2+ PROTO=tls DEBUG=${FOREIGN_DEBUG:-1}
	read -r WHO DOMAIN ADDRESS PORT CERTVAR NEXT SNI LOCAL USER < <(foreign_org "$1")
	NEXT=${2:-$NEXT} USER2=$((USER + 1))
	[ "${1%-plain}" = "$1" ] || PROTO=tcp
	local dir=$LAB_DIR/foreign/$1 cert=LAB_CHAIN_$CERTVAR key=LAB_KEY_$CERTVAR
	[ -n "${!cert:-}" ] || cert=LAB_CERT_$CERTVAR
	CERT=${!cert} KEY=${!key} CA=$LAB_CA TLS=$dir/tls.cfg
	mkdir -p "$dir"
	foreign_fill "$FOREIGN/kamailio-tls.cfg" >"$dir/tls.cfg"
	foreign_fill "$FOREIGN/kamailio.cfg" >"$dir/kamailio.cfg"
	ip netns exec "$LAB-$WHO" kamailio -DD -E -f "$dir/kamailio.cfg" -w "$dir" -Y "$dir" -m 32 -M 4 \
		>>"$LAB_LOG/kamailio-$1.log" 2>&1 &
	FOREIGN_PIDS+=($!)
	eventually 10 lab_in "$WHO" bash -c "ss -lnt | grep -q '$ADDRESS:$PORT '" || {
		tail -n 5 "$LAB_LOG/kamailio-$1.log"
		fail "Kamailio of $1 does not start"
	}
	# it listens long before those who serve are there
	[ $PROTO = tcp ] || eventually 10 foreign_shakes "$WHO" "$ADDRESS:$PORT" || fail "Kamailio of $1 does not shake hands"
}

foreign_users() { # ORG SCENARIO [OFFSET]: waits until it listens
	need sipp
	local who domain address port cert next sni proxy user
	read -r who domain address port cert next sni proxy user < <(foreign_org "$1")
	user=$((user + ${3:-0}))
	ip netns exec "$LAB-$who" sipp -sf "$FOREIGN/sipp/$2.xml" -i 127.0.0.1 -p "$user" -nostdin -trace_err -error_file "$LAB_LOG/$1-$2.err" \
		>"$LAB_LOG/$1-$2.out" 2>&1 &
	FOREIGN_USER=$!
	FOREIGN_PIDS+=($!)
	eventually 5 lab_in "$who" bash -c "ss -lnu | grep -q '127.0.0.1:$user '" || fail "SIPp $2 does not start"
}

foreign_users_stop() {
	kill_child KILL "$FOREIGN_USER"
	wait "$FOREIGN_USER" 2>/dev/null || true
}

# the client's status, and what it counted in FOREIGN_LAST
foreign_call() { # ORG SCENARIO FROM-USER TO-ADDRESS [sipp options]
	need sipp
	local org=$1 scenario=$2 from=$3 to=$4 who domain address port cert next sni proxy user status=0
	shift 4
	read -r who domain address port cert next sni proxy user < <(foreign_org "$org")
	FOREIGN_LAST=$LAB_LOG/$org-$scenario-$RANDOM
	lab_in "$who" timeout 60 sipp "127.0.0.1:$proxy" -sf "$FOREIGN/sipp/$scenario.xml" -i 127.0.0.1 -p $((user + 5)) -nostdin \
		-key from "$from@$domain" -key to "$to" -m 1 -r 10 -timeout 40 -recv_timeout 20000 -trace_msg -message_file "$FOREIGN_LAST.msg" \
		-trace_err -error_file "$FOREIGN_LAST.err" "$@" >"$FOREIGN_LAST.out" 2>&1 || status=$?
	return $status
}
