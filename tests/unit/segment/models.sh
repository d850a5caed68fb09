#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Checks the model of publication, pinning, sleep and reclamation; and that it fails in each variant that lacks a fence
# or a grace period. usage: models.sh MODEL.pml
set -eu
model=$(realpath "$1")
command -v spin >/dev/null || { echo "spin is not installed"; exit 77; }
cc=$(command -v gcc || command -v cc) || { echo "no C compiler for spin's verifier"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
cd "$dir"
gens="3"
[ "${SALLYPORT_TEST_LONG:-}" = 1 ] && gens="4 -DALL_SLEEP"

# verify NAME FLAGS: what the verifier says of its search
verify() {
	# shellcheck disable=SC2086 # flags are words
	spin -DGENS=$gens $2 -a "$model" >spin.out 2>&1 || { cat spin.out; exit 1; }
	"$cc" -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=4096 -o pan pan.c
	./pan -m200000 >"$1.out" 2>&1 || true
	# a search that was cut short proves nothing
	! grep -qiE 'out of memory|max search depth too small|search not completed' "$1.out" ||
		[ "$1" != whole ] || { cat "$1.out"; exit 1; }
	sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$1.out"
}

errors=$(verify whole "")
states=$(sed -n 's/ *\([0-9]*\) states, stored.*/\1/p' whole.out)
[ "$errors" = 0 ] || { cat whole.out; echo "the model fails"; exit 1; }
[ "${states:-0}" -gt 100000 ] || { cat whole.out; echo "the search was too small to mean anything"; exit 1; }
echo "holds in $states states"
for variant in NO_SECOND_GRACE NO_FIRST_GRACE NO_FENCE NO_WRITER_FENCE EARLY_LIVE; do
	errors=$(verify "$variant" "-D$variant")
	[ "$errors" = 1 ] || { cat "$variant.out"; echo "$variant: nothing fails without it"; exit 1; }
	grep -q 'assertion violated' "$variant.out" || { cat "$variant.out"; echo "$variant: fails for another reason"; exit 1; }
	echo "fails with $variant, as it must"
done
