#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: timeout=180
# The guards of this tree bark: a layer violation, a bad format and a leak, each planted into a copy, fail what should find them.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

fail() {
	echo "FAILED: $*"
	exit 1
}
# the tree as git would commit it
(
	cd "$ROOT"
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files -co --exclude-standard -z
	else
		find . -name 'build*' -prune -o -name .cache -prune -o -name .git -prune -o -type f -print0
	fi | tar --null --ignore-failed-read -cf - -T - 2>/dev/null
) | tar -xf - -C "$copy"
# the checkers ask git for their files: this copy is a tree of its own
git -C "$copy" init -q 2>/dev/null
cd "$copy"

# plant FILE TEXT; TOOL must fail and name WORD; then the file goes
planted() { # FILE TEXT WORD CMD…
	local file=$1 text=$2 word=$3 out
	shift 3
	[ ! -e "$file" ] || fail "$file is there already"
	mkdir -p "$(dirname "$file")"
	printf '%b' "$text" >"$file"
	if out=$("$@" 2>&1); then fail "$* does not see: $text"; fi
	grep -q -- "$word" <<<"$out" || fail "$* fails, but does not say $word: $out"
	grep -q -- "${file##*/}" <<<"$out" || fail "$* fails, but not for $file: $out"
	rm "$file"
}
head='/* SPDX-License-Identifier: BSD-3-Clause */\n'

echo "-- layers"
planted config/policy/zz.c "$head#include \"dataplane/base/rng.h\"\n" 'config/policy/zz.c:2: config/ must not include' scripts/check-layers
planted config/policy/zz.c "$head#include \"dataplane/base/rng.h\"\n" '^FAIL lint/layers' scripts/test lint lint/layers
planted dataplane/sip/zz.c "$head#include <rte_mbuf.h>\n" 'must not know <rte_mbuf.h>' scripts/check-layers
planted dataplane/tcp/zz.c "$head#include <rte_ethdev.h>\n" 'must not know <rte_ethdev.h>' scripts/check-layers
planted dataplane/proxy/zz.c "$head#include <openssl/ssl.h>\n" 'must not know <openssl/ssl.h>' scripts/check-layers
planted dataplane/wire/zz.c "$head#include \"rng.h\"\n" 'not a path from the root' scripts/check-layers
planted controlplane/zz.c "$head#include \"dataplane/base/rng.h\"\n" 'controlplane/ must not include' scripts/check-layers
planted dataplane/tcp/zz.c "${head}int f(void *p);\nint f(void *p)\n{\n\treturn rte_eth_rx_burst(0, 0, p, 1);\n}\n" burst scripts/check-layers
planted dataplane/net/zz.c "${head}void *f(void)\n{\n\treturn malloc(1);\n}\n" 'malloc() is banned' scripts/check-layers
planted dataplane/base/siphash_test.c "$head" basename scripts/check-layers
planted dataplane/base/zz.c "int zz;\n" SPDX scripts/check-layers
planted dataplane/worker/zz.c "${head}static const char *f = \"net_tap0\";\n" 'only drivers/ names a PMD' scripts/check-layers

echo "-- headers that do not compile alone"
pkg-config --exists libdpdk && planted config/policy/zz.h "${head}uint32_t zz(void);\n" zz.h scripts/lint headers

echo "-- format"
code=0
word=$(scripts/lint format 2>&1) || code=$?
if [ $code = 77 ]; then
	echo "   $word"
else
	planted config/policy/zz.c "${head}int zz( void );\n" zz.c scripts/lint format
	planted config/policy/zz.c "${head}int zz( void );\n" '^FAIL lint/format' scripts/test lint lint/format
fi

echo "-- a leak in a unit test, in the ASan build"
mkdir -p tests/unit/zz
cat >tests/unit/zz/zz_test.c <<'C'
/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

int main(void)
{
	char *volatile lost = malloc(100);

	lost = NULL;
	return lost != NULL;
}
C
# only this one: the rest of the tree has been built elsewhere
cat >tests/unit/zz/meson.build <<'M'
# SPDX-License-Identifier: BSD-3-Clause
project('zz', 'c')
test('zz-leak', executable('zz_test', 'zz_test.c'), suite: 'unit')
M
mkdir leak && cp tests/unit/zz/* leak/
cp -r scripts leak/
mkdir -p leak/tests/lint
out=$(cd leak && env -u SALLYPORT_TEST_DIR scripts/test unit 'unit/zz-leak' 2>&1) && fail "scripts/test does not see a leak: $out"
grep -q 'ok   unit/zz-leak@release' <<<"$out" || fail "the planted test does not run: $out"
grep -q 'FAIL unit/zz-leak@asan' <<<"$out" || fail "not the leak, but: $out"
grep -q 'LeakSanitizer' <<<"$out" || fail "no report of the leak: $out"
grep -qx '[0-9]* passed, 1 failed, 0 skipped' <<<"$(tail -n 1 <<<"$out")" || fail "the last line is wrong: $out"
