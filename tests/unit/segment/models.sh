#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Checks the models of publication, pinning, sleep and reclamation, and of an index that grows; and that each fails in
# every variant that lacks a fence, a grace period or a step. usage: models.sh FOLDER
set -eu
folder=$(realpath "$1")
command -v spin >/dev/null || { echo "spin is not installed"; exit 77; }
cc=$(command -v gcc || command -v cc) || { echo "no C compiler for spin's verifier"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
cd "$dir"

# verify MODEL NAME OPTIMISE FLAGS…: how many errors the verifier found in its search
verify() {
	model=$1 name=$2 optimise=$3
	shift 3
	spin "$@" -a "$folder/$model.pml" >spin.out 2>&1 || { cat spin.out; exit 1; }
	"$cc" "$optimise" -w -DSAFETY -DCOLLAPSE -DMEMLIM=4096 -o pan pan.c
	./pan -m200000 >"$name.out" 2>&1 || true
	# a search that was cut short proves nothing
	! grep -qiE 'out of memory|max search depth too small|search not completed' "$name.out" ||
		[ "$name" != whole ] || { cat "$name.out"; exit 1; }
	sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$name.out"
}

# model MODEL FLAGS VARIANT…
model() {
	name=$1 flags=$2
	shift 2
	# shellcheck disable=SC2086 # flags are words
	errors=$(verify "$name" whole -O1 $flags)
	states=$(sed -n 's/ *\([0-9]*\) states, stored.*/\1/p' whole.out)
	[ "$errors" = 0 ] || { cat whole.out; echo "$name: the model fails"; exit 1; }
	[ "${states:-0}" -gt 100000 ] || { cat whole.out; echo "$name: the search was too small to mean anything"; exit 1; }
	echo "$name: holds in $states states"
	for variant; do
		# what fails does so early: the compiler would take longer than the search
		# shellcheck disable=SC2086 # flags are words
		errors=$(verify "$name" "$variant" -O0 $flags "-D$variant")
		[ "$errors" = 1 ] || { cat "$variant.out"; echo "$name: nothing fails with $variant"; exit 1; }
		grep -q 'assertion violated' "$variant.out" ||
			{ cat "$variant.out"; echo "$name: $variant fails for another reason"; exit 1; }
		echo "$name: fails with $variant, as it must"
	done
}

grace=-DGENS=3 growth=
[ "${SALLYPORT_TEST_LONG:-}" = 1 ] && grace="-DGENS=4 -DALL_SLEEP" growth="-DCOMMITS=3"
model grace "$grace" NO_SECOND_GRACE NO_FIRST_GRACE NO_FENCE NO_WRITER_FENCE EARLY_LIVE
model growth "$growth" ONE_INDEX UNLINK_ONE EARLY_SWAP NO_GRACE_INDEX TWO_LOADS
