#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release asan
# Somebody who never saw this product: wrong words, wrong files, halves, lost disks. Every answer is one clear error with the
# status that the README names; with -j every answer is one JSON object; nothing hangs; nothing is half done.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
need python3
dir=$(mktemp -d /tmp/sallyport-stranger-XXXXXX)
chmod 755 "$dir"
export SALLYPORT_SOCKET=$dir/run/control.sock
pid=
cleanup() {
	for of in $pid ${mute:-}; do kill -9 "$of" 2>/dev/null || true; done
	wait 2>/dev/null || true
	cp "$dir/log" "$SALLYPORT_TEST_DIR/control.log" 2>/dev/null || true
	umount "$dir/small" "$dir/frozen" 2>/dev/null || true
	rm -rf "$dir"
}
mkdir -p "$SALLYPORT_TEST_DIR"
trap cleanup EXIT
begin() {
	"$CONTROL" --store "$dir/store" --run "$dir/run" 2>>"$dir/log" 8>&- &
	pid=$!
	eventually 10 "$SHELL_BIN" show status || fail "the daemon does not come up: $(tail -n 3 "$dir/log")"
}
finish() {
	kill "$pid"
	wait "$pid" || fail "the daemon ended with status $?"
	pid=
}
says() { # STATUS TEXT WORDS…: what the shell answers, in text and in JSON
	local want=$1 text=$2 out status=0
	shift 2
	out=$(timeout 20 "$SHELL_BIN" "$@" 2>&1 </dev/null) || status=$?
	[ $status = "$want" ] || fail "'$*' ends with $status, not $want: $out"
	grep -qF -- "$text" <<<"$out" || fail "'$*' does not say '$text': $out"
}
json() { # STATUS WORDS…
	local want=$1 out status=0
	shift
	out=$(timeout 20 "$SHELL_BIN" -j "$@" 2>&1 </dev/null) || status=$?
	[ $status = "$want" ] || fail "-j '$*' ends with $status, not $want: $out"
	python3 -c '
import json, sys
o = json.load(sys.stdin)
assert o["status"] == int(sys.argv[1]) and set(o) == {"rows", "errors", "status"}
assert bool(o["errors"]) or o["status"] in (0, 2) or sys.argv[2] == "test", o' "$want" "$1" <<<"$out" ||
		fail "-j '$*' is not one JSON object: $out"
}
revision() { "$SHELL_BIN" -j show revisions 1 | python3 -c 'import json, sys; r = json.load(sys.stdin)["rows"]; print(r[0]["revision"] if r else 0)'; }

step "words that are none"
begin
says 64 "'bogus' is no command" bogus
says 64 "show what? 'help show' lists it" show
says 64 "'bogus' is nothing to show" show bogus
says 64 "import what?" import
says 64 "show partner, show partners" sh part
says 64 "nothing is known of 'bogus'" help bogus
says 64 "include, exclude, begin, count" show configuration '|' bogus
says 64 "needs a value" explain from a@b.test to
says 64 "minutes: 1..10080" commit confirmed 0
says 64 "longer than" show partner "$(head -c 100000 /dev/zero | tr '\0' x)"
says 64 "has an empty label" set partner foo..test allow
says 64 "is both 'allow' and 'block'" set partner x.test allow comment a b
says 64 "a line break" set partner x.test allow comment $'a\nb'
says 1 "there is no partner" delete partner never.test
says 0 "has no effect in this version" set federation archiving-disclaimer yes
says 0 "archiving-disclaimer is kept" check
says 0 "enabled is kept, and has no effect" set xmpp enabled yes
json 0 set federation archiving-disclaimer yes
says 64 "observe hep: no copies of messages are made" set observe hep udp:198.18.0.9:9060
json 64 set observe hep udp:198.18.0.9:9060
"$SHELL_BIN" discard >/dev/null
says 3 "cannot be reached" -s "$dir/none" show status
says 64 "No such file" -f "$dir/none"
says 1 "$dir/none/x: No such file" export configuration "$dir/none/x"
for words in "" bogus show help "help show" "show status" "show configuration" "show events" "show version" compare check discard \
	"show revisions" "show audit" "show dns" "show acl" "show firewall" "show dns-records" "show certificates" "show shadow" \
	"show blocks" "export configuration -" "export configuration $dir/out" configure; do
	[ -n "$words" ] || continue
	case $words in bogus | show) want=64 ;; *) want=0 ;; esac
	# shellcheck disable=SC2086
	json $want $words
done
json 1 apply "$dir/none"
json 1 export configuration "$dir/none/x"
json 3 -s "$dir/none" show status
json 64 -f "$dir/none"
json 64 show configuration '|' count
json 0 set partner x.test allow comment $'\xff\xfe'
json 0 show configuration candidate
json 0 compare
"$SHELL_BIN" discard >/dev/null

step "files that cannot be meant"
printf 'set partner a.test allow\nset partner b.test allow\n' >"$dir/two.conf"
says 2 "revision 1" apply "$dir/two.conf"
says 0 "unchanged" apply "$dir/two.conf"
: >"$dir/empty.conf"
says 1 "would remove everything" apply "$dir/empty.conf"
json 1 apply "$dir/empty.conf"
says 1 "would remove every partner" load domains "$dir/empty.conf" replace
head -c 5000 /dev/urandom >"$dir/noise"
says 1 "nothing was changed" apply "$dir/noise"
says 1 "nothing was changed" load domains "$dir/noise"
says 1 "nothing was imported" import lync "$dir/noise"
says 1 "nothing was imported" import cisco "$dir/noise"
json 1 load domains "$dir/noise"
json 1 import cisco "$dir/noise"
printf 'Name,ProxyFqdn\n"half' >"$dir/half.csv"
status=0
timeout 20 "$SHELL_BIN" import lync "$dir/half.csv" >/dev/null 2>&1 || status=$?
[ $status -lt 3 ] || fail "half a CSV: $status"
says 1 "Is a directory" apply /
says 1 "No such file" check "$dir/none"
json 1 check "$dir/noise"
json 1 check "$dir/half.csv"
[ "$(revision)" = 1 ] || fail "something was changed: revision $(revision)"

step "what a file names is looked at without a daemon as with one"
cat >"$dir/named.conf" <<'END'
set certificate edge chain /none/edge.pem key /none/edge.key
set identity main public-fqdn sip.contoso.test external-listen 198.18.1.2 server-certificate edge
END
says 1 "$dir/named.conf:1:1: certificate edge: /none/edge.pem: No such file" check "$dir/named.conf"
says 0 "fit: 2 objects" check "$dir/named.conf" no-files
json 1 check "$dir/named.conf"
json 0 check "$dir/named.conf" no-files
says 1 "/none/edge.pem: No such file" apply "$dir/named.conf"
printf 'x' | openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other.test -days 5 -keyout "$dir/edge.key" -out "$dir/edge.pem" 2>/dev/null
chmod 600 "$dir/edge.key"
sed -i "s,/none,$dir,g" "$dir/named.conf"
says 0 "does not name sip.contoso.test" check "$dir/named.conf"
openssl ecparam -name prime256v1 -genkey -noout -out "$dir/edge.key"
says 1 "$dir/named.conf:1:1: certificate edge: $dir/edge.pem and $dir/edge.key" check "$dir/named.conf"
[ "$(revision)" = 1 ] || fail "something was changed: revision $(revision)"

step "what is logged, and a signal that is no end"
lines() { wc -l <"$dir/log"; }
expect "log-level error" "$SHELL_BIN" set observe log-level error
expect "commit" "$SHELL_BIN" commit
before=$(lines)
expect "a block" "$SHELL_BIN" block quiet.test
expect "its end" "$SHELL_BIN" unblock quiet.test
[ "$(lines)" = "$before" ] || fail "log-level error says more than errors: $(tail -n 3 "$dir/log")"
says 0 "block quiet.test" show audit 4
expect "log-level debug" "$SHELL_BIN" set observe log-level debug
expect "commit" "$SHELL_BIN" commit
expect "show" "$SHELL_BIN" show blocks
grep -q "debug: request: .*show blocks" "$dir/log" || fail "log-level debug does not name requests"
kill -HUP "$pid"
says 2 "revision" apply "$dir/two.conf"

step "what stands in the way of a partner"
cat >"$dir/way.conf" <<'END'
set dns local-data "_sipfederationtls._tcp.good.test 60 SRV 0 0 5061 sip.good.test"
set dns local-data "sip.good.test 60 A 198.51.100.7"
set dns local-data "edge.px.test 60 A 198.51.100.8"
set dns local-data "px.test 60 TXT none"
set dns local-data "edge.dark.test 60 TXT none"
set dns local-data "dark.test 60 TXT none"
set dns local-data "bad.test 60 TXT none"
set dns local-data "gw.plain.test 60 A 198.51.100.9"
set federation allow-federated-users yes partner-discovery yes
set access global federation yes
set identity main public-fqdn sip.contoso.test external-listen 198.18.1.2
set sip-domain contoso.test identity main next-hop 198.18.2.10
set sip-domain plain.contoso.test identity main next-hop 198.18.2.11:5060 insecure tcp
set partner plain.test allow
set route plain.test to gw.plain.test:5060 insecure tcp
set partner px.test allow proxy-fqdn edge.px.test tls-profile compat
set partner dark.test allow proxy-fqdn edge.dark.test
set partner bad.test block
END
"$SHELL_BIN" apply "$dir/way.conf" >/dev/null || [ $? = 2 ] || fail "apply"
says 0 "sip.good.test:5061 priority 0 weight 0: 198.51.100.7" test partner good.test
says 0 "next hop: DNS SRV of the domain good.test" test partner good.test
says 0 "we offer: profile modern" test partner good.test
says 0 "next hop: its own server edge.px.test:5061" test partner px.test
says 0 "edge.px.test: 198.51.100.8" test partner px.test
says 0 ":AES256-SHA" test partner px.test
says 1 "refused, 504" test partner dark.test
says 1 "the domain is blocked" test partner bad.test
says 1 "goes to our own domain" test partner contoso.test
says 0 "static route plain.test; INSECURE: TCP without TLS" test partner plain.test
says 0 "inside plain.contoso.test; INSECURE: TCP without TLS" explain from a@px.test to b@plain.contoso.test inbound
says 0 "inside contoso.test; certificate: has to name the next hop" explain from a@px.test to b@contoso.test inbound
says 0 "sip-domain plain.contoso.test: INSECURE" check "$dir/way.conf"
json 0 explain from a@px.test to b@plain.contoso.test inbound
json 0 test partner px.test
json 1 test partner bad.test
out=$("$SHELL_BIN" explain from a@contoso.test to b@px.test outbound) || fail "explain: $out"
! grep -q "federation contoso.test:" <<<"$out" || fail "explain tells what the DNS says of our own domain: $out"
says 0 "OURS" block contoso.test
says 0 "unblocked" unblock contoso.test
says 2 "revision" apply "$dir/two.conf"

step "name servers that say nothing"
python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.9", 0))
print(s.getsockname()[1], flush=True)
time.sleep(600)' >"$dir/mute" &
mute=$!
eventually 5 test -s "$dir/mute" || fail "no silent name server"
port=$(cat "$dir/mute")
cat >"$dir/silent.conf" <<END
set dns server 127.0.0.9:$port timeout 20s
set federation allow-federated-users yes partner-discovery yes
set access global federation yes
set identity main public-fqdn sip.contoso.test external-listen 198.18.1.2
set sip-domain contoso.test identity main next-hop 198.18.2.10
END
"$SHELL_BIN" apply "$dir/silent.conf" >/dev/null || [ $? = 2 ] || fail "apply"
began=$SECONDS
says 1 "found.test: the DNS did not answer within 3 s; asked were 127.0.0.9:$port" explain from a@found.test to b@contoso.test
[ $((SECONDS - began)) -le "$(on_time 6)" ] || fail "explain took $((SECONDS - began)) s"
says 1 "verdict: ask the DNS" explain from a@other.test to b@contoso.test
kill $mute
wait $mute 2>/dev/null || true
mute=
says 2 "revision" apply "$dir/two.conf"

step "an input that does not end delays nobody"
mkfifo "$dir/fifo"
for verb in "load configuration" apply "import lync"; do
	# shellcheck disable=SC2086
	timeout "$(on_time 5)" "$SHELL_BIN" $verb - <"$dir/fifo" >/dev/null 2>&1 &
	waiter=$!
	exec 7>"$dir/fifo"
	expect "others are served while '$verb -' waits" timeout "$(on_time 3)" "$SHELL_BIN" show status
	expect "and may commit" timeout "$(on_time 3)" "$SHELL_BIN" commit
	exec 7>&-
	wait $waiter || true
done
printf 'set partner a.test allow\nset partner b.test allow\n' | "$SHELL_BIN" apply - >/dev/null || fail "a pipe is a file too"

step "hostile clients of the socket"
python3 - "$SALLYPORT_SOCKET" <<'PY' || fail "the socket"
import json, os, resource, socket, struct, sys, time
path = sys.argv[1]
def conn():
    for _ in range(3000):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(5)
        try:
            s.connect(path)
            return s
        except BlockingIOError:
            s.close()
            time.sleep(0.01)
    raise OSError("the daemon accepts nobody")
def frame(o):
    b = o if isinstance(o, bytes) else json.dumps(o).encode()
    return struct.pack(">I", len(b)) + b
def answers(s):
    f, out = s.makefile("rb"), []
    while len(h := f.read(4)) == 4:
        out.append(json.loads(f.read(struct.unpack(">I", h)[0])))
        if out[-1].get("end"):
            return out
    return out
def ask(o):
    s = conn()
    s.sendall(frame(o))
    r = answers(s)
    s.close()
    return r
def served():
    r = ask({"id": 1, "line": "show status"})
    assert r[-1]["status"] == 0, r
for bad in (b"\0\0\0\0", b"\xff\xff\xff\xff", frame(b"xxxxx"), frame(b"[]"), frame(b"[" * 200000), frame(b'{"id":1,"id":2}')):
    s = conn()
    s.sendall(bad)
    r = answers(s)
    assert r and r[-1]["status"] == 64 and "message" in r[0]["error"], (bad[:20], r)
    assert s.recv(1) == b""
    s.close()
for o in ({}, {"id": "x", "line": 5}, {"line": "x" * 900000}, {"complete": 1}, {"line": "apply x"}, {"line": "load configuration x", "fd": True},
          {"line": "import lync a b"}, {"line": "exit"}, {"line": "show status | count"}):
    r = ask(o)
    assert r[-1]["status"] == 64 and any("error" in a for a in r), (str(o)[:50], r)
half = conn()
half.sendall(b"\0\0\1")
served()
# who floods and does not read
s = conn()
s.settimeout(1)
try:
    for _ in range(20000):
        s.sendall(frame({"id": 1, "line": "show configuration"}))
except OSError:
    pass
served()
s.close()
# who asks a thousand things at once has them answered, and the next one waits for one of them, not for all
# (who is slow to look, because others want to run as well, finds all of it answered: he asks again)
for turn in range(20):
    s = conn()
    s.sendall(frame({"id": 1, "line": "show certificates"}) * 1000)
    time.sleep(0.02)
    served()
    s.setblocking(False)
    early = b""
    try:
        while piece := s.recv(1 << 20):
            early += piece
    except BlockingIOError:
        pass
    before_the_rest = early.count(b'"end":true') < 1000
    s.settimeout(60)
    while early.count(b'"end":true') < 1000:
        piece = s.recv(1 << 20)
        assert piece, "the rest of a batch is not answered"
        early += piece
    s.close()
    if before_the_rest:
        break
assert before_the_rest, "all of a batch came before anybody else"
# a thousand connections of one ordinary user: refused with a reason, and root gets in all the while
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
os.chmod(path, 0o666)
os.chmod(os.path.dirname(path), 0o755)
kid = None
if os.geteuid() == 0 and "0 4294967295" in " ".join(open("/proc/self/uid_map").read().split()[1:]):
    r, w = os.pipe()
    kid = os.fork()
    if not kid:
        os.setuid(65534)
        held, refused = [], 0
        turn, late = -1, time.monotonic() + 30
        while turn < 1000 or (len(held) > 32 and time.monotonic() < late):
            # the last looks: whoever is turned away late, on a busy machine, is turned away
            turn = min(turn + 1, 1000)
            wait = 0.02 if turn < 1000 else 1
            for s in [conn()] if turn < 1000 else list(held):
                s.settimeout(wait)
                try:
                    got = s.recv(4)
                except TimeoutError:
                    held += [s] if turn < 1000 else []
                    wait = 0.001 if turn == 1000 else wait
                    continue
                held = [h for h in held if h is not s]
                refused += len(got) == 4
                s.close()
        os.write(w, b"%d %d" % (len(held), refused))
        time.sleep(60)
        os._exit(0)
    held, refused = map(int, os.read(r, 100).split())
    assert held == 32 and refused == 968, (held, refused)
    served()
    os.kill(kid, 9)
    os.waitpid(kid, 0)
mine = [conn() for _ in range(400)]
time.sleep(0.3)
for s in mine:
    s.close()
time.sleep(0.3)
served()
PY

step "the shell outlives a restart of the daemon"
mkfifo "$dir/typing"
"$SHELL_BIN" <"$dir/typing" >"$dir/typed" 2>&1 &
typist=$!
exec 8>"$dir/typing"
echo "show status" >&8
eventually 10 grep -q control "$dir/typed" || fail "no answer: $(cat "$dir/typed")"
finish
begin
echo "show blocks" >&8
exec 8>&-
wait $typist || fail "the shell after a restart: $(cat "$dir/typed")"
grep -q "no emergency blocks" "$dir/typed" || fail "the shell after a restart: $(cat "$dir/typed")"

step "a commit that nobody confirms"
# its minute is over when the daemon starts anew; what stands in the way of going back is only for a while
shim=$SALLYPORT_BUILD/tests/chaos/clockshim/libclockshim.so
if [ -e "$shim" ] && [ "${SALLYPORT_BUILD_KIND:-release}" = release ]; then
	expect "set" "$SHELL_BIN" set partner unconfirmed.test allow
	says 0 "unless you say confirm" commit confirmed 1
	finish
	python3 -c 'import struct, sys; sys.stdout.buffer.write(struct.pack("q", 3600).ljust(4096, b"\0"))' >"$dir/clock"
	python3 - "$dir/store/config.db" "$dir/held" <<'PY' &
import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
open(sys.argv[2], "w").close()
while os.path.exists(sys.argv[2]):
    time.sleep(0.05)
PY
	holder=$!
	eventually 5 test -e "$dir/held" || fail "the store's lock is not had"
	CLOCK_SHIM=$dir/clock LD_PRELOAD=$shim begin
	eventually 10 grep -q "revert refused" "$dir/log" || fail "no revert was tried"
	says 0 "set partner unconfirmed.test allow" show configuration
	rm "$dir/held"
	wait $holder
	eventually 15 grep -q "(revert) by sallyport" "$dir/log" || fail "it stays: $(tail -n 5 "$dir/log")"
	says 0 "was not confirmed" show revisions 1
	! grep -q unconfirmed <<<"$("$SHELL_BIN" show configuration)" || fail "what nobody confirmed is in force"
	finish
	begin
fi

step "two daemons"
out=$("$CONTROL" --store "$dir/store" --run "$dir/run2" 2>&1) && fail "a second daemon on the same store runs"
grep -q "another daemon has this store" <<<"$out" || fail "$out"
out=$("$CONTROL" --store "$dir/store2" --run "$dir/run" 2>&1) && fail "a second daemon on the same socket runs"
grep -q "another daemon answers there" <<<"$out" || fail "$out"

step "a store that is lost takes nothing down"
finish
mv "$dir/store" "$dir/kept"
out=$("$CONTROL" --store "$dir/store" --run "$dir/run" 2>&1) && fail "an empty store replaced what is in force"
grep -q "the store is empty" <<<"$out" || fail "$out"
rm -rf "$dir/store"
mv "$dir/kept" "$dir/store"

step "a store that is damaged says so"
for db in config.db journal.db; do
	cp "$dir/store/$db" "$dir/good"
	dd if=/dev/urandom of="$dir/store/$db" bs=1k count=4 conv=notrunc 2>/dev/null
	out=$("$CONTROL" --store "$dir/store" --run "$dir/run" 2>&1) && fail "a damaged $db is taken"
	grep -q "is damaged" <<<"$out" || fail "$out"
	cp "$dir/good" "$dir/store/$db"
done
begin
says 0 "set partner b.test allow" show configuration

step "a full disk"
finish
if mkdir "$dir/small" && mount -t tmpfs -o size=600k tmpfs "$dir/small" 2>/dev/null; then
	cp -r "$dir/store"/* "$dir/small/"
	mv "$dir/store" "$dir/large"
	ln -s "$dir/small" "$dir/store"
	begin
	for i in $(seq 6000); do echo "d$i.test allow comment \"words that fill a small disk, line $i\""; done >"$dir/many"
	says 1 "is full; make room there" load domains "$dir/many"
	says 0 "set partner b.test allow" show configuration
	says 0 "blocked: evil.test" block evil.test
	finish
	umount "$dir/small"
fi

step "a store that can only be read"
if mkdir "$dir/frozen" && mount -t tmpfs -o size=20m tmpfs "$dir/frozen" 2>/dev/null; then
	rm "$dir/store"
	ln -s "$dir/frozen" "$dir/store"
	cp -r "$dir/large"/* "$dir/frozen/"
	for end in orderly killed; do # killed: what was committed last is in the -wal alone
		begin
		"$SHELL_BIN" set partner "$end.test" allow >/dev/null && "$SHELL_BIN" commit >/dev/null || fail "commit"
		if [ $end = killed ]; then
			kill -9 "$pid"
			wait "$pid" 2>/dev/null || true
			[ -s "$dir/frozen/config.db-wal" ] || fail "nothing is in the -wal"
		else
			finish
		fi
		mount -o remount,ro "$dir/frozen"
		before=$(sha256sum "$dir/frozen"/*.db)
		begin
		says 0 "the store can only be read" show status
		says 0 "set partner $end.test allow" show configuration
		eventually 10 "$SHELL_BIN" explain from a@contoso.test to "b@$end.test" >/dev/null || fail "explain"
		says 0 "" set partner late.test allow
		says 1 "cannot be written (read-only" commit
		says 1 "cannot be written (read-only" apply "$dir/two.conf"
		says 0 "" discard
		says 1 "IS IN FORCE BUT NOT STORED" block evil.test
		grep -q '"store_read_only":true' <<<"$("$SHELL_BIN" -j show status)" || fail "show status -j"
		finish
		[ "$(sha256sum "$dir/frozen"/*.db)" = "$before" ] || fail "the store was changed"
		mount -o remount,rw "$dir/frozen"
	done
	begin
	says 2 "revision" apply "$dir/two.conf"
	finish
	umount "$dir/frozen"
fi
