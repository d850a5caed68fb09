#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: timeout=120
# scripts/test itself: it counts right, a skip needs 77 and shows its reason, a test that hangs ends, what is left of one is killed,
# filters filter, and no test at all is no success.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
unset SALLYPORT_TEST_DIR SALLYPORT_BUILD

fail() {
	printf 'FAILED: %s\n' "$*"
	exit 1
}
mkdir -p "$tree/tests/chaos" "$tree/tests/lint"
cp -r "$ROOT/scripts" "$tree/"
cat >"$tree/meson.build" <<'M'
# SPDX-License-Identifier: BSD-3-Clause
project('zz', 'c')
M
script() { # NAME HEAD < body
	{
		printf '#!/bin/bash\n# test: %s\n' "$2"
		cat
	} >"$tree/tests/chaos/$1.sh"
	chmod +x "$tree/tests/chaos/$1.sh"
}
script good '' <<<'echo fine'
script bad '' <<<'echo "what went wrong"; exit 3'
script unable '' <<<'echo noise; echo "skip: no elephant here"; exit 77'
script hangs 'timeout=1' <<<'sleep 300'
script leaves '' <<<'sleep 300 & echo $! >"$(dirname "$0")/left"; exit 0'
script alone 'alone' <<<'exit 0'

quiet() { "$tree/scripts/test" "$@" >/dev/null 2>&1; }
run() { "$tree/scripts/test" "$@" 2>/dev/null || true; }
out=$(run --strict chaos)
[ "$(tail -n 1 <<<"$out")" = "3 passed, 2 failed, 1 skipped" ] || fail "the last line: $out"
grep -q '^SKIP chaos/unable: no elephant here$' <<<"$out" || fail "no reason of the skip: $out"
grep -q '^FAIL chaos/bad (status 3)$' <<<"$out" || fail "no status: $out"
grep -q 'what went wrong' <<<"$out" || fail "no output of what failed: $out"
grep -q '^FAIL chaos/hangs (out of time' <<<"$out" || fail "no end of what hangs: $out"
grep -q '^chaos .* of 240 s' <<<"$out" || fail "no time: $out"
pid=$(cat "$tree/tests/chaos/left")
state=$(sed 's/^.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1) || true
case $state in '' | Z) ;; *) fail "a process of a test lives on" ;; esac
# who may take longest begins, then by name, whoever is alone at the end
order=$(grep -oE '^(ok  |FAIL|SKIP) chaos/[a-z]*' <<<"$out" | sed 's,.*/,,' | tr '\n' ' ')
[ "$order" = "bad good leaves unable hangs alone " ] || fail "the order depends on who is faster: $order"

# a second look: once, alone, at what failed beside others
script once '' <<<'[ -e "$0.seen" ] || { : >"$0.seen"; echo "had no time"; exit 1; }'
out=$(run chaos/once chaos/good)
[ "$(tail -n 1 <<<"$out")" = "2 passed, 0 failed, 0 skipped" ] || fail "no second look: $out"
grep -q '^not yet chaos/once (status 1)$' <<<"$out" || fail "the first failure is not said: $out"
grep -q 'had no time' <<<"$out" || fail "nor why: $out"
grep -q '^UNSTEADY chaos/once: ' <<<"$out" || fail "that it is unsteady is not said: $out"
grep -q 'had no time' "$(sed -n 's/^UNSTEADY .*: //p' <<<"$out")" || fail "its first log is lost: $out"
rm "$tree/tests/chaos/once.sh.seen"
[ "$(run --strict chaos/once chaos/good | tail -n 1)" = "1 passed, 1 failed, 0 skipped" ] || fail "--strict looks again"
rm "$tree/tests/chaos/once.sh.seen"
[ "$(run chaos/once | tail -n 1)" = "0 passed, 1 failed, 0 skipped" ] || fail "what was alone is looked at again"
out=$(run chaos)
[ "$(tail -n 1 <<<"$out")" = "4 passed, 2 failed, 1 skipped" ] || fail "what fails twice has not failed: $out"
[ "$(grep -c '^not yet' <<<"$out")" = 2 ] || fail "how many are looked at again: $out"
rm "$tree/tests/chaos/once.sh"*

! quiet chaos || fail "a failed run exits 0"
quiet chaos good alone || fail "a good run does not exit 0"
quiet chaos unable || fail "a skip is a failure"
! quiet nosuchtest || fail "no test at all is a success"
[ "$(run chaos/good | tail -n 1)" = "1 passed, 0 failed, 0 skipped" ] || fail "KIND/NAME does not filter"
[ "$(run 'chaos/*a*' | grep -c '^ok')" = 2 ] || fail "a pattern does not filter"

echo 'int main(void) { return syntax error; }' >"$tree/broken.c"
echo "executable('broken', 'broken.c')" >>"$tree/meson.build"
out=$(run chaos good)
grep -q '^FAIL build/release' <<<"$out" || fail "a build that fails is not said: $out"
grep -q ', 1 failed, ' <<<"$(tail -n 1 <<<"$out")" || fail "a build that fails is not counted: $out"
