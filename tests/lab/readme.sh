#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: alone
# The README's first federation, exactly as it is printed there.
# What is echoed is run later.
# shellcheck disable=SC2016
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
need openssl
export LAB=readme$$
dir=$(mktemp -d /tmp/sallyport-readme-XXXXXX)
finish() {
	"$ROOT/scripts/lab" down "$LAB" >/dev/null 2>&1 || true
	rm -rf "$dir"
}
trap finish EXIT
# the fenced blocks of one section; /tmp is everybody's
block() { # NUMBER
	awk -v want="$1" '/^## / {on = /first federation, by hand/}
		on && /^```/ {inside = !inside; n += inside; next}
		on && inside && n == want' "$ROOT/README.md" | sed "s,/tmp/,$dir/,g"
}
for i in 1 2 3 4; do [ -n "$(block $i)" ] || fail "the README has no block $i there"; done
{
	echo 'set -m'
	block 1
	echo 'for _ in $(seq 100); do sallyport show status >/dev/null 2>&1 && break; sleep 0.1; done'
	block 2 | sed -E 's/^sallyport apply .*/&\n[ $? = 2 ] || echo "apply does not say 2"/'
	# the listeners are there with the next tick of each worker; whoever is to say something is there before he is asked, and
	# whoever asks stays until it is said
	cat <<-'SAID'
		listens() {
			build/dataplane/sallyport-dataplane counters $LAB_RUN --json | python3 -c 'import json, sys
		of = json.load(sys.stdin)["tables"]["edge"]["instances"].values()
		sys.exit(min(v["listeners"] for v in of) < 2)'
		}
		for _ in $(seq 200); do listens && break; sleep 0.1; done
		pool_listens() { scripts/lab exec inside ss -ltn | grep 198.18.2.10:5061 >/dev/null; }
		said() {
			local what='MESSAGE sip:bob@contoso.test SIP/2.0'
			[ "$1" != nobody.test ] || what='SIP/2.0 403'
			for _ in $(seq 100); do grep -qF "$what" "$OUT" && break; sleep 0.1; done
		}
	SAID
	block 3 | sed -E 's/^(say fab)/for _ in $(seq 200); do pool_listens \&\& break; sleep 0.1; done\n\1/; s/sleep 60/sleep 40/; s/sleep 3\)/sleep 1; said "$1")/'
	block 4
} >"$dir/steps"
(cd "$ROOT" && OUT=$dir/out timeout "$(on_time 60)" bash "$dir/steps") >"$dir/out" 2>&1 </dev/null || {
	cat "$dir/out"
	fail "the README's steps end with an error"
}
for text in 'fit: ' 'verdict: accept' 'MESSAGE sip:bob@contoso.test SIP/2.0' 'SIP/2.0 403' 'nobody.test' 'verdict: refuse' \
	'sip.fabrikam.test' 'rx_frames' 'blocked: fabrikam.test'; do
	grep -qF -- "$text" "$dir/out" || {
		cat "$dir/out"
		fail "'$text' is nowhere in what the README's steps print"
	}
done
for text in 'command not found' 'No such file' 'apply does not say' 'error:'; do
	! grep -F -- "$text" "$dir/out" || fail "the README's steps say '$text'"
done
[ ! -e "/run/sallyport-lab/$LAB" ] || fail "the lab is still there"
