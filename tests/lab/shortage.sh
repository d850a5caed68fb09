#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=60
# Who starts without files, memory or disk enough is told what is short, where, and what to do.
. "$(dirname "$0")/lib.sh"

[ -x "$CONTROL" ] || skip "control is not built"
export LAB_CAPTURE=off
lab_up
says() { # STATUS PATTERN CMD…
	local want=$1 pattern=$2 status=0 out
	shift 2
	out=$(lab_in box timeout 30 "$@" 2>&1) || status=$?
	if [ "$status" != "$want" ] || ! grep -q -- "$pattern" <<<"$out"; then
		printf '%s\n' "$out"
		fail "status $status, not $want with '$pattern': $*"
	fi
}
with_files() { bash -c 'ulimit -n "$1" && shift && exec "$@"' with_files "$@"; }
export -f with_files

step "files"
says 1 "it may open 40 files and needs 136: raise 'ulimit -Hn', or LimitNOFILE=" bash -c 'with_files "$@"' - 40 "$BOX" --config "$LAB_DIR/box.conf"
says 1 "it may open 40 files and needs 128: raise 'ulimit -Hn', or LimitNOFILE=" bash -c 'with_files "$@"' - 40 "$CONTROL" --store "$LAB_DIR/store" --run "$LAB_RUN"

step "memory"
sed 's/^set dataplane workers .*/set dataplane workers 64/' "$LAB_DIR/box.conf" >"$LAB_DIR/many.conf"
says 1 "256 MiB are too few for 64 workers (.* could be set up): raise 'set dataplane memory'" "$BOX" --config "$LAB_DIR/many.conf"

step "disk"
small=$LAB_DIR/small
if mkdir "$small" && mount -t tmpfs -o size=64k tmpfs "$small" 2>/dev/null; then
	# a new store that does not fit, then what is left of it on a disk that has no room for the index of its log
	says 1 "the disk of $small/store is full; make room there" "$CONTROL" --store "$small/store" --run "$LAB_RUN"
	rm -f "$small"/store/*-wal "$small"/store/*-shm
	dd if=/dev/zero of="$small/fill" bs=1k count=64 2>/dev/null || true
	says 1 "the disk of $small/store is full; make room there" "$CONTROL" --store "$small/store" --run "$LAB_RUN"
	umount "$small"
else
	echo "no file system can be mounted here: not tried"
fi
