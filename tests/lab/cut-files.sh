#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=200
# Files of the run directory are cut or removed, processes are stopped: who lives says what is wrong, whose word was lost says why it ends,
# and whoever starts again serves.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
need openssl
export LAB_CAPTURE=off
lab_up
lab_box_start
status_says() { grep -qE -- "$1" <<<"$(lab_shell show status)"; }
ended() { [ -e "$LAB_DIR/exit" ]; }
tls() { # PID: the dataplane of that pid takes a handshake
	grep -q 'Verify return code: 0' <<<"$(lab_in partner timeout "$(on_time 5)" openssl s_client -connect "$LAB_BOX_EXT4:5061" -servername "$LAB_FQDN" \
		-cert "$LAB_CERT_PARTNER" -key "$LAB_KEY_PARTNER" -CAfile "$LAB_CA" </dev/null 2>&1)"
}
expect "it serves" eventually 10 tls

step "a dataplane that is stopped is not called alive and well"
kill -STOP "$(box_pid)"
expect "its silence is shown" eventually 10 status_says 'silent for [0-9]+ s'
expect "in JSON as well" grep -qE '"heartbeat_age_ms":[0-9]{4,}' <<<"$(lab_shell -j show status)"
kill -CONT "$(box_pid)"
expect "and its return" eventually 10 status_says '^dataplane +alive$'

step "a control that is stopped keeps nobody in the dark"
control=$(control_pid)
kill -STOP "$control"
lab_shell show status >"$LAB_DIR/waiting" 2>&1 &
eventually 8 grep -q 'has not answered' "$LAB_DIR/waiting" || fail "the shell waits without a word: $(cat "$LAB_DIR/waiting")"
tls || fail "the dataplane does not serve meanwhile"
kill -CONT "$control"

# whoever was there has gone, and that is told: what a dataplane says into rings that are cut is its last word
events() { grep -c " $1 " <<<"$(lab_shell show events)" || true; }
all_gone() { [ "$(events peer-up)" -ge 2 ] && [ "$(events peer-down)" = "$(events peer-up)" ]; }
expect "nobody is connected" eventually 15 all_gone

step "the rings of the dataplane are cut"
truncate -s 100 "$LAB_RUN/dataplane.rings"
expect "that is said" eventually 10 status_says 'rings cannot be read'
kill -0 "$control" || fail "control died of it"
lab_stop
lab_start
expect "a new dataplane is heard" eventually 10 status_says '^dataplane +alive$'

step "the policy is removed"
rm "$LAB_RUN"/policy.*
made_anew() { [ -e "$LAB_RUN/policy.super" ]; }
expect "it is made anew" eventually 10 made_anew
lab_stop
lab_start
expect "and serves whoever starts" eventually 10 tls

step "the policy is cut"
truncate -s 0 "$LAB_RUN"/policy.*.000
lab_in partner timeout 20 openssl s_client -connect "$LAB_BOX_EXT4:5061" </dev/null >/dev/null 2>&1 || true
if eventually 3 ended; then
	grep -q 'critical: box: a file in its run directory was cut' "$LAB_LOG/dataplane.log" || fail "the dataplane ended without a word"
	rm "$LAB_DIR/dataplane.pid"
	lab_start
fi
control_ended && lab_control_start
expect "all of it serves again" eventually 10 tls
expect "and shows it" eventually 10 status_says '^dataplane +alive$'
