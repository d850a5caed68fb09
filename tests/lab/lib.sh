# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What every test in a lab shares. A test is an executable that sources this, and says what it expects:
#
#   lab_up                     a lab of its own, gone at the end whatever happens; its variables (scripts/lab env) are set
#   lab_start [WORKERS]        the box, seccomp in kill mode; LAB_BOX_EXTRA adds settings, LAB_DEVICE another port kind
#   lab_stop                   ends it; a status other than 0 fails the test
#   lab_policy                 prints what the lab's box is told about itself: certificates, trust, identity, pool
#   lab_box_start [WORKERS]    the box and its control daemon on one file: lab_policy, then $LAB_POLICY_EXTRA; it listens
#   lab_control_start          the daemon alone, with the last file;  lab_control_stop, lab_control_kill
#   lab_shell WORDS…           the shell of that daemon;  lab_apply: the file $LAB_CONFIG anew (lab_config writes it)
#   lab_in WHO CMD…            runs CMD as partner, inside, inet, box, mid-ext, mid-int
#   expect WHAT CMD…           CMD must succeed;  refuse WHAT CMD… must fail
#   all_answered WHO COUNT ADDRESS [ping options]   pings, and none is lost or doubled
#   eventually SECONDS CMD…    CMD succeeds before that;  on_time COUNT: COUNT, or more on a machine that has no time
#   lab_in_force               what was committed is what every worker judges by, and its certificates and listeners are served
#   box_counter NAME [TABLE]   its sum over the workers;  box_port PORT NAME;  box_balanced: no frame went astray
#   talk WANT CMD…             CMD gets our input, which stays open until WANT (a pattern) is in its output, or with
#                              file:PATH until that file has something in it; prints its output
#   skip WHY / fail WHY / step WHAT
#
# What fails leaves logs, counters and captures in $SALLYPORT_TEST_DIR.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SALLYPORT_BUILD=${SALLYPORT_BUILD:-$ROOT/build}
SALLYPORT_TEST_DIR=${SALLYPORT_TEST_DIR:-$ROOT/build/testlogs/$(basename "$0" .sh).d}
BOX=$SALLYPORT_BUILD/dataplane/sallyport-dataplane
LONG=${SALLYPORT_TEST_LONG:-}
export ROOT SALLYPORT_BUILD LONG

step() { printf -- '-- %s\n' "$*"; }
fail() {
	printf 'FAILED: %s\n' "$*"
	exit 1
}
skip() {
	printf 'skip: %s\n' "$*"
	exit 77
}
expect() {
	local what=$1 out
	shift
	out=$("$@" 2>&1) || {
		printf '%s\n' "$out"
		fail "$what ($*)"
	}
}
refuse() {
	local what=$1
	shift
	! "$@" >/dev/null 2>&1 || fail "$what ($*)"
}
# COUNT, times how many more want to run than two on each processor: what is to happen within so many seconds on a machine that has time
# for it may take as many more on this one
on_time() {
	awk -v n="$1" -v cpus="$(nproc)" '{
		split($4, now, "/")
		times = ($1 > now[1] ? $1 : now[1]) / (2 * cpus)
		printf "%d\n", n * (times > 1 ? times : 1)
	}' /proc/loadavg
}
# The time must be over, and so many looks must have been taken as a machine takes in it that does not stand still in between.
eventually() {
	local end=$((SECONDS + $(on_time "$1"))) looks=$((3 * $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || [ $looks -gt 0 ] || return 1
		looks=$((looks - 1))
		sleep 0.1
	done
}
# For what must not take longer than so many milliseconds: how long the machine stood still meanwhile is not counted.
#   stalls_start          from now on it is noted;  stalls: milliseconds until now
stalls_start() {
	LAB_STALLS=$(mktemp "${LAB_DIR:-/tmp}/stalls-XXXXXX")
	echo 0 >"$LAB_STALLS"
	python3 -c '
import os, sys, time
late, before, written, test = 0.0, time.monotonic(), 0.0, os.getppid()
with open(sys.argv[1], "r+b", buffering=0) as out:
    while os.getppid() == test:
        time.sleep(0.01)
        now = time.monotonic()
        late += max(0.0, now - before - 0.015)
        before = now
        if late != written:
            out.seek(0)
            out.write(b"%012d\n" % int(late * 1000))
            written = late' "$LAB_STALLS" &
	AT_END+=("kill_child TERM $!")
}
stalls() { echo $((10#$(cat "$LAB_STALLS"))); }

# Clients such as openssl s_client leave with the end of their input: how long that stays open is not a time that would be too short
# on a busy machine and too long on all others, but until WANT is in the output. Whoever ends before, or says nothing for 15 s, is done.
talk() { # WANT CMD…
	local want=$1 out
	shift
	out=$(mktemp "${LAB_DIR:-/tmp}/talk-XXXXXX")
	{
		cat
		for _ in $(seq 300); do
			! grep -qaE -- "$want|^talk: ended" "$out" || break
			[ "${want#file:}" = "$want" ] || [ ! -s "${want#file:}" ] || break
			sleep 0.05
		done
	} | {
		"$@" >"$out" 2>&1 || true
		printf '\ntalk: ended\n' >>"$out"
	} || true
	sed '/^talk: ended$/d' "$out"
	rm -f "$out"
}

# Ends a child of this shell, if it still is one: the number of one that ended long ago may be that of somebody else's process.
kill_child() { # SIGNAL PID…
	local signal=$1 pid
	shift
	for pid in "$@"; do
		[ "$(sed 's/^.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f2)" != $$ ] || kill "-$signal" "$pid" 2>/dev/null || true
	done
}

# a process that ended, reaped by its parent or not
gone() { [ ! -e "/proc/$1/stat" ] || [ "$(sed 's/^.*) //' "/proc/$1/stat" | cut -c1)" = Z ]; }

# without root: the same test again as root of a user namespace
if [ "$(id -u)" != 0 ]; then
	exec "$ROOT/scripts/lib/rootless" "$0" "$@"
fi
unshare -n true 2>/dev/null || skip "may not make network namespaces here"
is_rootless() { ! grep -q '^ *0 *0 ' /proc/self/uid_map; }

# ip, ss, nsenter… that a test needs beyond the list of packages
need() {
	local cmd
	for cmd in "$@"; do
		command -v "$cmd" >/dev/null || skip "$cmd is not installed"
	done
}

lab_in() {
	local who=$1
	shift
	ip netns exec "$LAB-$who" "$@"
}

# echo requests sent and answers received by the kernel of WHO, for the family of ADDRESS
echo_counts() { # WHO ADDRESS
	if [[ $2 = *:* ]]; then
		lab_in "$1" awk '$1 == "Icmp6OutEchos" {o = $2} $1 == "Icmp6InEchoReplies" {i = $2} END {print o + 0, i + 0}' \
			/proc/net/snmp6
	else
		lab_in "$1" awk '$1 == "Icmp:" && !n {n = split($0, name); next}
			$1 == "Icmp:" {for (k = 2; k <= n; k++) v[name[k]] = $k}
			END {print v["OutEchos"], v["InEchoReps"]}' /proc/net/snmp
	fi
}
# Judged by the kernel's counters, not by what ping prints: once it has an answer, ping waits for the last one no longer than
# twice its longest round trip, and on a busy machine that is too short. One of a family at a time in one namespace.
all_answered() {
	local who=$1 count=$2 to=$3 out sent received sent2 received2
	shift 3
	read -r sent received < <(echo_counts "$who" "$to")
	out=$(lab_in "$who" ping -q -n -c "$count" -W 2 "$@" "$to" 2>&1) || true
	for _ in $(seq 20); do
		read -r sent2 received2 < <(echo_counts "$who" "$to")
		[ $((received2 - received)) -lt "$count" ] || break
		sleep 0.1
	done
	if [ $((sent2 - sent)) != "$count" ] || [ $((received2 - received)) != "$count" ] || grep -qE 'DUP|wrong data' <<<"$out"; then
		printf '%s\n' "$out"
		fail "$who pings $to ($*): $((sent2 - sent)) sent of $count, $((received2 - received)) answered"
	fi
}

CAPTURES=()
AT_END=() # commands for the very end
capture() { # WHO DEV: the last 8 MB of it, to be kept if the test fails
	command -v tcpdump >/dev/null || return 0
	ip netns exec "$LAB-$1" tcpdump -i "$2" -n -U -s 512 -C 4 -W 2 -Z root -w "$LAB_DIR/log/$1-$2.pcap" >/dev/null 2>&1 &
	CAPTURES+=($!)
}

lab_up() {
	LAB=${LAB_NAME:-t$$}
	export LAB
	trap lab_end EXIT
	trap 'exit 143' TERM HUP
	trap 'exit 130' INT
	rm -rf "$SALLYPORT_TEST_DIR"
	LAB_OWNER=$$ "$ROOT/scripts/lab" up "$LAB"
	set -a
	# shellcheck disable=SC1090
	. <("$ROOT/scripts/lab" env "$LAB")
	set +a
	[ "${LAB_CAPTURE:-on}" = on ] || return 0
	if is_rootless; then
		# tcpdump insists on changing its groups, which one user alone cannot: the box looks for itself
		export LAB_BOX_EXTRA="set port ext0 capture $LAB_LOG/ext0.pcap
set port int0 capture $LAB_LOG/int0.pcap
${LAB_BOX_EXTRA:-}"
	else
		capture mid-ext box
		capture mid-int box
	fi
}

lab_start() {
	if [ "${1:-1}" -gt 1 ]; then
		"$ROOT/scripts/lab" start "$1"
	else
		"$ROOT/scripts/lab" start
	fi || fail "the dataplane did not start"
}

lab_stop() { "$ROOT/scripts/lab" stop || fail "the dataplane did not end well"; }

# ---- control ----

CONTROL=$SALLYPORT_BUILD/controlplane/daemon/sallyport-control
SHELL_BIN=$SALLYPORT_BUILD/controlplane/shell/sallyport

lab_policy() {
	cat <<-CONF
		set certificate edge-server chain $LAB_CHAIN_EDGE_SERVER key $LAB_KEY_EDGE_SERVER
		set certificate edge-rsa chain $LAB_CHAIN_EDGE_RSA key $LAB_KEY_EDGE_RSA
		set certificate edge-client chain $LAB_CHAIN_EDGE_CLIENT key $LAB_KEY_EDGE_CLIENT
		set certificate edge-internal chain $LAB_CHAIN_EDGE_INTERNAL key $LAB_KEY_EDGE_INTERNAL
		set trust lab ca $LAB_CA crl $LAB_CRL
		set tls-profile outside trust lab
		set tls-profile inside trust lab
		set federation tls-profile outside
		set federation internal-tls-profile inside
		set identity main public-fqdn $LAB_FQDN
		set identity main external-listen $LAB_BOX_EXT4 external-listen $LAB_BOX_EXT6
		set identity main internal-listen $LAB_BOX_INT4 internal-listen $LAB_BOX_INT6
		set identity main server-certificate edge-server server-certificate edge-rsa
		set identity main client-certificate edge-client client-certificate edge-rsa
		set identity main internal-certificate edge-internal
		set sip-domain $LAB_DOMAIN identity main next-hop $LAB_INSIDE4
		set internal-server pool.inside.contoso.test
		set federation allow-federated-users yes
		set access global federation yes
		set dns server $LAB_DNS4
	CONF
}
# one file for both: the dataplane reads its lines at start, control the others
lab_config() {
	LAB_BOX_EXTRA="$(lab_policy)
${LAB_POLICY_EXTRA:-}
${LAB_BOX_EXTRA_BOOT:-}"
	export LAB_BOX_EXTRA
}
lab_shell() { SALLYPORT_SOCKET=$LAB_CONTROL_SOCKET lab_in box "$SHELL_BIN" "$@"; }
lab_apply() { # 2: something has changed
	local status=0
	lab_shell apply "$LAB_CONFIG" || status=$?
	[ $status = 0 ] || [ $status = 2 ]
}
control_shows() { grep -q 'shows revision' <<<"$(lab_shell show status)"; } # and not "being made"
control_pid() { cat "$LAB_DIR/control.pid"; }
lab_control_start() {
	rm -f "$LAB_DIR/control.exit"
	ip netns exec "$LAB-box" setsid bash -c '
		"$1" --store "$2/store" --run "$2/run" >>"$2/log/control.log" 2>&1 </dev/null &
		echo $! >"$2/control.pid"
		wait $!
		echo $? >"$2/control.exit"' keeper "$CONTROL" "$LAB_DIR" >/dev/null 2>&1 &
	eventually 20 control_shows || {
		tail -n 5 "$LAB_DIR/log/control.log"
		fail "the control daemon does not answer"
	}
}
control_ended() { [ -s "$LAB_DIR/control.exit" ]; }
lab_control_stop() {
	control_ended || kill -TERM "$(control_pid)" 2>/dev/null || true
	eventually 20 control_ended || fail "the control daemon does not end"
	[ "$(cat "$LAB_DIR/control.exit")" = 0 ] || fail "the control daemon ended with status $(cat "$LAB_DIR/control.exit")"
	rm -f "$LAB_DIR/control.pid"
}
lab_control_kill() {
	kill -KILL "$(control_pid)"
	eventually 5 control_ended || fail "the control daemon survives its end"
	rm -f "$LAB_DIR/control.pid"
}
box_listens() { [ "$(box_json | python3 -c '
import json, sys
edge = json.load(sys.stdin)["tables"]["edge"]["instances"]
print(min(v["listeners"] for v in edge.values()))')" -ge "${1:-1}" ]; }
# A commit, an apply, a start: they return before the dataplane has made its certificates and listeners of it.
lab_is_in_force() {
	box_json | python3 -c '
import json, sys
shown = json.loads(sys.argv[1])["rows"][0]["segment"]["generation"]
edge = json.load(sys.stdin)["tables"]["edge"]["instances"]
sys.exit(not shown or any(min(v["generation"], v["served"]) < shown for v in edge.values()))' "$(lab_shell -j show status)"
}
lab_in_force() { eventually 10 lab_is_in_force || fail "what was committed does not come into force"; }
lab_box_start() {
	lab_config
	lab_start "${1:-1}"
	lab_control_start
	expect "the configuration is taken" lab_apply
	eventually 10 box_listens || fail "the box does not listen"
	lab_in_force
}

box_pid() { cat "$LAB_DIR/dataplane.pid"; }
box_alive() { [ ! -e "$LAB_DIR/exit" ] && kill -0 "$(box_pid)" 2>/dev/null; }
box_status() { cat "$LAB_DIR/exit" 2>/dev/null; }
box_log() { cat "$LAB_DIR/log/dataplane.log"; }
box_counter() { # NAME [TABLE]: the sum over all workers (or ports)
	box_json | python3 -c '
import json, sys
print(json.load(sys.stdin)["tables"][sys.argv[2]]["sum"][sys.argv[1]])' "$1" "${2:-net}"
}
counted() { [ "$(box_counter "$1")" -ge "$2" ]; } # NAME AT-LEAST
box_port() { # PORT NAME: of one port
	box_json | python3 -c '
import json, sys
print(json.load(sys.stdin)["tables"]["port"]["instances"][sys.argv[1]][sys.argv[2]])' "$@"
}
# every frame that came has one end: frames_in + steered_in = delivered + answered + consumed + steered_out + all drops
box_balanced() {
	box_json | python3 -c '
import json, sys
n = json.load(sys.stdin)["tables"]["net"]["sum"]
came = n["frames_in"] + n["steered_in"]
ended = sum(n[k] for k in ("delivered", "answered", "consumed", "steered_out"))
ended += sum(v for k, v in n.items() if k.startswith("drop."))
print(f"{came} frames came, {ended} ended")
sys.exit(came != ended)'
}
box_json() { "$BOX" counters "$LAB_RUN" --json; }

lab_end() {
	local status=$? cmd
	trap - EXIT TERM INT HUP
	set +e
	# a test that passed must have left a box that lives and ends well
	if [ $status = 0 ] && [ -s "$LAB_DIR/dataplane.pid" ]; then
		"$ROOT/scripts/lab" stop || {
			echo "FAILED: the dataplane did not end well"
			status=1
		}
	fi
	if [ $status = 0 ] && [ -s "$LAB_DIR/control.pid" ]; then
		(lab_control_stop) || status=1
	fi
	kill_child TERM "${CAPTURES[@]}"
	if [ $status != 0 ] && [ $status != 77 ]; then
		mkdir -p "$SALLYPORT_TEST_DIR"
		[ ! -e "$LAB_RUN/counters" ] || box_json >"$SALLYPORT_TEST_DIR/counters.json" 2>/dev/null
		sleep 0.2
		cp -r "$LAB_DIR/log/." "$LAB_DIR/box.conf" "$SALLYPORT_TEST_DIR/" 2>/dev/null
		if [ -s "$LAB_DIR/log/dataplane.log" ]; then
			echo "-- the last words of the dataplane:"
			tail -n 15 "$LAB_DIR/log/dataplane.log"
			[ ! -s "$LAB_DIR/log/control.log" ] || tail -n 5 "$LAB_DIR/log/control.log"
			# a call outside of its filter: the kernel says which one
			dmesg 2>/dev/null | grep 'type=1326' | grep "pid=$(cat "$LAB_DIR/dataplane.pid" 2>/dev/null || echo none) " | tail -n 1
		fi
		echo "-- logs and captures: $SALLYPORT_TEST_DIR"
	fi
	"$ROOT/scripts/lab" down "$LAB"
	for cmd in "${AT_END[@]}"; do $cmd; done
	exit $status
}
