#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Certificates on a running daemon: taken at commit, refused when they cannot be used, renewed without a commit, kept over
# a restart; keys rotate. What the dataplane finds is checked by hash.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
need openssl jq
CONTROL=$SALLYPORT_BUILD/controlplane/daemon/sallyport-control
SHELL_BIN=$SALLYPORT_BUILD/controlplane/shell/sallyport
dir=$(mktemp -d /tmp/sallyport-secrets-XXXXXX)
export SALLYPORT_SOCKET=$dir/run/control.sock
mkdir -p "$SALLYPORT_TEST_DIR"

cleanup() {
	[ -z "${pid:-}" ] || kill "$pid" 2>/dev/null || true
	wait 2>/dev/null || true
	cp "$dir/log" "$SALLYPORT_TEST_DIR/control.log" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT

start() {
	"$CONTROL" --store "$dir/store" --run "$dir/run" 2>>"$dir/log" &
	pid=$!
	eventually 10 "$SHELL_BIN" show status || fail "the daemon does not come up: $(cat "$dir/log")"
	eventually 10 generation_known || fail "no segment: $(cat "$dir/log")"
}
sp() { "$SHELL_BIN" "$@"; }
one() { # NAME DAYS KIND…
	openssl req -x509 -newkey "${@:3}" -nodes -days "$2" -keyout "$dir/$1.key" -out "$dir/$1.pem" -subj "/CN=$1" \
		-addext subjectAltName=DNS:sip.ours.test,DNS:ours.test -addext extendedKeyUsage=serverAuth,clientAuth 2>/dev/null
}
hash_of() { sha256sum "$1" | cut -d' ' -f1; }
status() { sp -j show status | jq -r ".rows[0].segment.$1"; }
generation_known() { [ "$(status generation)" -gt 0 ]; }
installed() { # FILE: its content is where the dataplane looks
	local file
	file=$dir/run/secrets/$(hash_of "$1")
	cmp -s "$1" "$file" && [ "$(stat -c %a "$file")" = 440 ]
}
told() { grep -qF -- "certificate ec can be used: its files are $1" <<<"$(sp show events)"; }
says() { grep -qF -- "$1" <<<"$(sp show certificates)"; }
event() { grep -q -- "$1" <<<"$(sp show events)"; }
put() { # FROM TO: all of it at once, as whoever renews does it
	cp "$1" "$2.new"
	mv "$2.new" "$2"
}

one ec 40 ec -pkeyopt ec_paramgen_curve:P-256
one rsa 40 rsa:2048
one new 80 ec -pkeyopt ec_paramgen_curve:P-256
cp "$dir/ec.pem" "$dir/live.pem"
cp "$dir/ec.key" "$dir/live.key"
cat >"$dir/conf" <<EOF
set control route-rotation 1h
set certificate ec chain $dir/live.pem key $dir/live.key
set certificate rsa chain $dir/rsa.pem key $dir/rsa.key
set trust lab ca $dir/ec.pem
set tls-profile inside trust lab revocation off
set federation allow-federated-users yes tls-profile compat internal-tls-profile inside
set identity edge public-fqdn sip.ours.test external-listen 198.18.0.1 server-certificate ec server-certificate rsa
set sip-domain ours.test identity edge next-hop pool.ours.test
EOF

step "taken at commit"
start
sp apply "$dir/conf" >"$dir/out" 2>&1 && fail "apply does not say that it changed something"
grep -q 'revision 1' "$dir/out" || fail "$(cat "$dir/out")"
for f in live.pem live.key rsa.pem rsa.key; do
	installed "$dir/$f" || fail "$f is not installed"
done
[ "$(stat -c %a "$dir/run/secrets")" = 750 ] || fail "the secrets directory is open"
says 'edge server certificate ec: EC prime256v1' || fail "$(sp show certificates)"
[ "$(sp -j show certificates | jq -r '.rows[] | select(.certificate=="rsa") | .days')" -ge 38 ] || fail "days left"

step "what cannot be used refuses the change, and nothing else changes"
before=$(status generation)
head -c 400 "$dir/new.pem" >"$dir/cut.pem"
one old 1 ec -pkeyopt ec_paramgen_curve:P-256
refused() { # WHY CHAIN KEY
	sp -e <<EOF >"$dir/out" 2>&1 || true
configure
set certificate two chain $2 key $3
commit
EOF
	sp discard >/dev/null
	grep -qF -- "$1" "$dir/out" || fail "not refused for '$1': $(cat "$dir/out")"
	grep -q 'nothing was changed' "$dir/out" || fail "$(cat "$dir/out")"
}
refused 'does not belong to the certificate' "$dir/new.pem" "$dir/ec.key"
refused 'is cut' "$dir/cut.pem" "$dir/new.key"
refused 'No such file' "$dir/none.pem" "$dir/new.key"
[ "$(status revision)" = 1 ] && [ "$(status generation)" = "$before" ] || fail "something was changed"

step "renewed without a commit; half of a renewal leaves what was there"
put "$dir/new.pem" "$dir/live.pem"
eventually 10 says 'does not belong to the certificate' || fail "$(sp show certificates)"
[ "$(status generation)" = "$before" ] || fail "half a pair was shown"
eventually 10 event ' certificate: certificate ec stays as it was: .*does not belong' || fail "no event: $(sp show events)"
[ "$(sp -j show status | jq '.rows[0].certificates_refused')" = 1 ] || fail "not counted: $(sp -j show status)"
put "$dir/new.key" "$dir/live.key"
eventually 10 says '79 days left' || fail "$(sp show certificates)"
[ "$(status generation)" != "$before" ] || fail "the renewed pair is not shown"
eventually 10 told 'well again' || fail "no event: $(sp show events)"
[ "$(status revision)" = 1 ] || fail "a renewal is no revision"
installed "$dir/new.pem" || fail "the renewed certificate is not installed"
before=$(status generation)

step "renewed by a link, as certbot does"
mkdir "$dir/archive" "$dir/live"
cp "$dir/ec.pem" "$dir/ec.key" "$dir/new.pem" "$dir/new.key" "$dir/archive"
ln -s ../archive/ec.pem "$dir/live/chain.pem"
ln -s ../archive/ec.key "$dir/live/key.pem"
sp <<EOF >/dev/null
configure
set certificate ec chain $dir/live/chain.pem key $dir/live/key.pem
commit
EOF
says '39 days left' || fail "$(sp show certificates)"
ln -sf ../archive/new.key "$dir/live/key.pem"
ln -sf ../archive/new.pem "$dir/live/chain.pem"
eventually 10 says '79 days left' || fail "$(sp show certificates)"

step "a restart finds everything; a file that went meanwhile leaves what was shown"
before=$(status generation)
keys=$(hash_of "$dir/store/rotation")
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
rm "$dir/live/chain.pem"
start
eventually 10 says 'as it was before the daemon started' || fail "$(sp show certificates)"
says 'No such file' || fail "$(sp show certificates)"
installed "$dir/new.pem" || fail "what is still shown is gone"
[ "$(status generation)" = "$before" ] || fail "a restart that found nothing new published something"
[ "$(hash_of "$dir/store/rotation")" = "$keys" ] || fail "the rotating keys are others"
[ "$(stat -c %a "$dir/store/rotation")" = 600 ] || fail "the rotating keys are open"

step "a rollback does not stumble over a file that is gone"
expect "rollback" "$SHELL_BIN" rollback 1

step "after a reboot keys are the same, and certificates are read anew"
ln -s ../archive/new.pem "$dir/live/chain.pem"
kill "$pid"
wait "$pid" 2>/dev/null || true
rm -rf "$dir/run"
start
installed "$dir/rsa.pem" || fail "the certificates are not installed again"
[ "$(hash_of "$dir/store/rotation")" = "$keys" ] || fail "the rotating keys are others"
! grep -q 'PRIVATE KEY' "$dir/log" || fail "a key is in the log"
