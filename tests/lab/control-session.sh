#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# An operator's evening: a terminal session with completion, help, commit confirmed, rollback, a bulk load with its
# progress bar. What the screen shows is what is checked.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
need tmux
CONTROL=$SALLYPORT_BUILD/controlplane/daemon/sallyport-control
SHELL_BIN=$SALLYPORT_BUILD/controlplane/shell/sallyport
dir=$(mktemp -d /tmp/sallyport-session-XXXXXX)
export SALLYPORT_SOCKET=$dir/run/control.sock
mkdir -p "$SALLYPORT_TEST_DIR"

cleanup() {
	tmux -L "session$$" kill-server 2>/dev/null || true
	[ -z "${pid:-}" ] || kill "$pid" 2>/dev/null || true
	wait 2>/dev/null || true
	cp "$dir/log" "$SALLYPORT_TEST_DIR/control.log" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT

screen() { tmux -L "session$$" capture-pane -p -t s; }
type_in() { tmux -L "session$$" send-keys -t s "$@"; }
shows() {
	local end=$((SECONDS + 60))
	until grep -qF -- "$1" <<<"$(screen)"; do
		if [ $SECONDS -ge $end ]; then
			screen
			fail "the screen never shows: $1"
		fi
		sleep 0.1
	done
}
fresh() {
	type_in C-l
	tmux -L "session$$" clear-history -t s
}

"$CONTROL" --store "$dir/store" --run "$dir/run" 2>"$dir/log" &
pid=$!
eventually 10 "$SHELL_BIN" show status || fail "the daemon does not come up: $(cat "$dir/log")"

step "a session begins"
tmux -L "session$$" -f /dev/null new-session -d -s s -x 120 -y 40 \
	"env HOME=$dir SALLYPORT_SOCKET=$SALLYPORT_SOCKET TERM=screen '$SHELL_BIN'; echo left with \$?; sleep 60"
# what the screen shows for a moment only is in here
tmux -L "session$$" pipe-pane -t s "cat >'$dir/shown'"
showed() { grep -qaF -- "$1" "$dir/shown"; }
shows 'sallyport#'
type_in 'configu' Tab
shows 'sallyport# configure'
type_in Enter
shows 'sallyport(c)#'

step "completion and help"
type_in 'set par' Tab 'contoso.test al' Tab 'veri' Tab '?'
shows 'set partner contoso.test allow verification'
shows 'never'
shows 'how far its users'
type_in 'always' Enter
type_in 'set partner contoso.test allow verification sometimes' Enter
shows "'sometimes' is not known here; write one of always|never|source"
fresh
type_in 'compare' Enter
shows '+ set partner contoso.test allow verification always'

step "commit confirmed, not confirmed: it reverts by itself"
type_in 'commit confirmed 1 comment "CHG 1"' Enter
shows 'reverts to revision 0 in 1 minutes unless you say confirm'
fresh
type_in 'show revisions | include CHG' Enter
shows 'waits for confirm'
type_in 'set partner later.test allow' Enter
fresh
type_in 'commit' Enter
shows 'waits for its confirmation'
type_in 'discard' Enter
if [ -n "$LONG" ]; then
	sleep 65
	fresh
	type_in 'show revisions' Enter
	shows 'was not confirmed'
	type_in 'set partner contoso.test allow verification always' Enter
	type_in 'commit' Enter
else
	type_in 'confirm' Enter
	shows 'stays'
fi

step "the same key completes what exists"
fresh
type_in 'delete partner cont' Tab
shows 'delete partner contoso.test'
type_in C-u

step "rollback"
type_in 'set partner second.test allow' Enter
type_in 'commit comment second' Enter
shows 'objects changed'
fresh
type_in 'show revisions 1' Enter
shows 'second'
type_in 'compare 1' Enter
shows '+ set partner second.test allow'
fresh
type_in 'rollback 1 comment back' Enter
shows 'objects changed'
type_in 'show configuration partner | count' Enter
shows '1'

step "an emergency block does not disturb the candidate, and survives rollback"
fresh
type_in 'set partner open.test allow' Enter
type_in 'block evil.test comment now' Enter
shows 'blocked: evil.test with everything below it'
type_in 'rollback 1' Enter
fresh
type_in 'show blocks' Enter
shows 'evil.test'
type_in 'compare' Enter
shows '+ set partner open.test allow'
type_in 'unblock evil.test' Enter
shows 'unblocked: evil.test'
type_in 'discard' Enter

step "a bulk load with progress"
fresh
seq -f 'd%.0f.bulk.test' 400000 >"$dir/domains"
type_in "load domains $dir/domains comment bulk" Enter
eventually 60 showed '[###' || fail "no progress is shown: $(screen)"
shows 'objects changed'
fresh
type_in 'show status' Enter
shows '400001 objects'

step "the pager waits, and lets go"
fresh
type_in 'show configuration' Enter
shows '-- more --'
type_in 'q'
type_in 'exit' Enter
shows 'sallyport#'
type_in 'quit' Enter
shows 'left with 0'
