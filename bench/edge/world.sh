#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# world.sh DIR LAB BUILD ours|kamailio: a lab with our box, or with Kamailio at the box's addresses, and the settings of DIR. Says
# "ready CPU-FILE" and ends with its standard input. All that the server does is charged to a cgroup of its own.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
DIR=$1 LAB=$2 BUILD=$3 WHAT=$4
LABDIR=/run/sallyport-lab/$LAB
export SALLYPORT_BUILD=$BUILD LAB LAB_OWNER=$$

group=
for at in /sys/fs/cgroup/unified /sys/fs/cgroup; do
	[ -e "$at/cgroup.procs" ] && mkdir "$at/$LAB" 2>/dev/null && [ -e "$at/$LAB/cpu.stat" ] && {
		group=$at/$LAB
		cpu=$group/cpu.stat
		break
	}
done
[ -n "$group" ] || { mkdir /sys/fs/cgroup/cpuacct/"$LAB" && group=/sys/fs/cgroup/cpuacct/$LAB && cpu=$group/cpuacct.usage; }
pids=()
finish() {
	set +e
	local pid
	for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null; done
	[ "$WHAT" != ours ] || "$ROOT/scripts/lab" stop "$LAB" >&2
	"$ROOT/scripts/lab" down "$LAB" >&2
	for _ in $(seq 50); do
		rmdir "$group" 2>/dev/null && break
		sleep 0.05
	done
}
trap finish EXIT
trap 'exit 1' TERM INT HUP
"$ROOT/scripts/lab" up "$LAB" >&2
box() { ip netns exec "$LAB-box" "$@"; }
# before the namespace is entered, which has another /sys
charged() {
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec "$@"
	)
}

if [ "$WHAT" = ours ]; then
	charged "$ROOT/scripts/lab" start >&2
	box "$BUILD/controlplane/daemon/sallyport-control" --store "$LABDIR/store" --run "$LABDIR/run" >"$LABDIR/log/control.log" 2>&1 </dev/null &
	pids+=($!)
	cat "$LABDIR/box.conf" "$DIR/policy.conf" >"$LABDIR/all.conf"
	box "$ROOT/bench/edge/apply.sh" "$BUILD/controlplane/shell/sallyport" "$LABDIR/run" "$LABDIR/all.conf" >&2
	sleep 1
else
	box ip addr add 198.18.1.2/24 dev ext0
	box ip addr add 198.18.2.2/24 dev int0
	mkdir -p "$LABDIR/k"
	sed "s|@DIR@|$DIR|g" "$ROOT/bench/edge/kamailio.cfg" >"$LABDIR/k/kamailio.cfg"
	for role in server client; do
		pair=box
		[ $role = server ] || pair=inner
		printf '[%s:default]\nmethod = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\nca_list = %s/ca.pem\ncertificate = %s/%s.pem\nprivate_key = %s/%s.key\n' \
			$role "$DIR" "$DIR" $pair "$DIR" $pair
	done >"$DIR/tls.cfg"
	echo "server_name = pool.inside.contoso.test" >>"$DIR/tls.cfg"
	charged ip netns exec "$LAB-box" kamailio -DD -E -f "$LABDIR/k/kamailio.cfg" -w "$LABDIR/k" -Y "$LABDIR/k" -m 512 -M 128 >"$LABDIR/log/kamailio.log" 2>&1 </dev/null &
	pids+=($!)
	for _ in $(seq 400); do
		! box ss -lnt | grep -q '198.18.1.2:5061 ' || break
		kill -0 "${pids[0]}" 2>/dev/null || {
			tail -n 5 "$LABDIR/log/kamailio.log" >&2
			exit 1
		}
		sleep 0.1
	done
	sleep 1
fi
echo "ready $cpu"
cat >/dev/null
