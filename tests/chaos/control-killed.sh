#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# The daemon is killed at random while it commits: after each restart the store is the old or the new revision, whole,
# and the segment shows it.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
need jq
CONTROL=$SALLYPORT_BUILD/controlplane/daemon/sallyport-control
SHELL_BIN=$SALLYPORT_BUILD/controlplane/shell/sallyport
dir=$(mktemp -d /tmp/sallyport-killed-XXXXXX)
export SALLYPORT_SOCKET=$dir/run/control.sock
rounds=${LONG:+500}
rounds=${rounds:-40}
mkdir -p "$SALLYPORT_TEST_DIR"

cleanup() {
	# a writer that is killed before it is more than a copy of this shell ends as this shell would
	[ "$BASHPID" = $$ ] || return 0
	kill -9 "${pid:-0}" "${writer:-0}" 2>/dev/null || true
	wait 2>/dev/null || true
	tail -n 200 "$dir/log" >"$SALLYPORT_TEST_DIR/control.log" 2>/dev/null || true
	rm -rf "$dir"
}
start() {
	"$CONTROL" --store "$dir/store" --run "$dir/run" 2>>"$dir/log" &
	pid=$!
	eventually 20 "$SHELL_BIN" show status || fail "the daemon does not answer again: $(tail -n 3 "$dir/log")"
}
settled() { "$SHELL_BIN" -j show status | jq -e '.rows[0] | .segment.revision == .revision and (.segment.revision > 0)'; }
trap cleanup EXIT

# every file has the same number in all of its objects: a mixture shows
for n in 1 2 3 4; do
	for i in $(seq 200); do echo "set partner p$i.test allow comment $n"; done >"$dir/$n.conf"
done
start
expect "the first revision" bash -c "'$SHELL_BIN' apply '$dir/1.conf'; [ \$? = 2 ]"
moved=0
longer=1 # as often as a commit takes longer than usual here: rounds that change nothing test nothing
last=
for round in $(seq "$rounds"); do
	(while :; do for n in 2 3 4 1; do "$SHELL_BIN" apply "$dir/$n.conf" >/dev/null 2>&1 || true; done; done) &
	writer=$!
	sleep "$(awk -v r=$((RANDOM % 300)) -v n=$longer 'BEGIN {print r * n / 1000}')"
	kill -9 "$pid"
	kill "$writer"
	wait "$pid" "$writer" 2>/dev/null || true
	start
	seen=$("$SHELL_BIN" -j show configuration partner | jq -r '[.rows[].comment] | unique | join(",")')
	count=$("$SHELL_BIN" show configuration partner \| count)
	case $seen in
	1 | 2 | 3 | 4) ;;
	*) fail "round $round: objects of several revisions: $seen" ;;
	esac
	[ "$count" = 200 ] || fail "round $round: $count objects instead of 200"
	eventually 10 settled || fail "round $round: the segment does not show the store's revision: $("$SHELL_BIN" show status)"
	if [ "$seen" = "$last" ]; then
		longer=$((longer < 10 ? longer + 1 : 10))
	else
		moved=$((moved + 1))
		longer=$((longer > 1 ? longer - 1 : 1))
	fi
	last=$seen
done
[ "$moved" -gt $((rounds / 5)) ] || fail "only $moved of $rounds rounds changed anything: nothing was tested"
printf '%s rounds, %s of them between two revisions\n' "$rounds" "$moved"
