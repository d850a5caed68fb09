#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=150
# A discovered peer that tries too many of our addresses, over any of its connections: it is refused by every worker, is on the watch list
# with the reason, stays there when dataplane and control are killed, and begins anew when an operator forgives it.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
need openssl python3
for program in "$CONTROL" "$SHELL_BIN"; do [ -x "$program" ] || skip "$program is not built"; done
export LAB_CAPTURE=off
lab_up
export LAB_POLICY_EXTRA="set federation partner-discovery yes
set limit-class few contacts 6 rate 1000
set federation discovered-limits few
set dns local-data \"_sipfederationtls._tcp.fabrikam.test 600 SRV 0 0 5061 sip.fabrikam.test\"
set dns local-data \"sip.fabrikam.test 600 A $LAB_PARTNER4\""
lab_box_start 2

cat >"$LAB_DIR/message.py" <<'PY'
import random, socket, ssl, sys
address, ca, cert, key, user = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.check_hostname = False
context.load_cert_chain(cert, key)
n = random.getrandbits(60)
with context.wrap_socket(socket.create_connection((address, 5061), 20)) as s:
    s.settimeout(20)
    s.sendall((f"MESSAGE sip:{user}@contoso.test SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK{n}\r\nMax-Forwards: 70\r\n"
               f"From: <sip:a@fabrikam.test>;tag=1\r\nTo: <sip:{user}@contoso.test>\r\nCall-ID: {n}\r\nCSeq: 1 MESSAGE\r\n"
               "Content-Length: 0\r\n\r\n").encode())
    print(s.recv(65536).decode().split()[1])
PY
status() { # USER: what a MESSAGE to him is answered, over a connection of its own
	lab_in partner python3 "$LAB_DIR/message.py" "$LAB_BOX_EXT4" "$LAB_CA" "$LAB_CERT_PARTNER" "$LAB_KEY_PARTNER" "$1" 2>/dev/null || echo none
}
refused() { [ "$(status "$1")" = 403 ]; }
# there is no pool: it is past the limits when it fails for that
passed() {
	case $(status "$1") in 403 | none) return 1 ;; esac
}
all_refused() { # several connections: every worker has some
	local i
	for i in 1 2 3 4; do refused "$1$i" || return 1; done
}
watched() { grep -q 'uris.* 6 .*fabrikam.test' <<<"$(lab_shell show watchlist)"; }

step "six of our addresses, and no more, whatever the worker"
for user in a b c d e f; do expect "to $user" passed "$user"; done
expect "to four others" all_refused g
expect "to one that it knew" passed c
expect "the watch list says why" eventually 5 watched
eventually 10 grep -qaF fabrikam.test "$LAB_DIR/store/watch" || fail "the watch list is not written"

step "dataplane and control are killed"
lab_control_kill
kill -KILL "$(box_pid)"
eventually 5 test -e "$LAB_DIR/exit"
rm -f "$LAB_DIR/exit" "$LAB_DIR/dataplane.pid"
lab_control_start
expect "the watch list is there without a dataplane" eventually 5 watched
lab_start 2
eventually 10 box_listens || fail "the box does not listen"
expect "it is remembered" all_refused h

step "an operator forgives"
expect "reset" lab_shell reset watchlist fabrikam.test
refuse "nobody is watched" watched
expect "to somebody new" eventually 5 passed i1
expect "to somebody else" passed i2
refuse "nor does anything bring it back" watched
