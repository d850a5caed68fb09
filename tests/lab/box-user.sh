#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=120
# The dataplane as a user of its own: once both were started anew it reads what control wrote for its group, and nothing else.
. "$(dirname "$0")/lib.sh"

need openssl
for program in "$CONTROL" "$SHELL_BIN"; do [ -x "$program" ] || skip "$program is not built"; done
is_rootless && skip "one user alone cannot become another one"
lab_up
export LAB_BOX_EXTRA_BOOT="set dataplane user nobody"
lab_config
lab_start 1
lab_control_start
expect "the configuration is taken" lab_apply
# the group is known from here on
lab_control_stop
lab_control_start
serves() {
	grep -q 'Verify return code: 0' <<<"$(talk 'Verify return code: ' lab_in partner timeout "$(on_time 5)" openssl s_client \
		-connect "$LAB_BOX_EXT4:5061" -CAfile "$LAB_CA" -cert "$LAB_CERT_PARTNER" -key "$LAB_KEY_PARTNER" -servername "$LAB_FQDN" </dev/null)"
}
expect "it serves" eventually 10 serves
[ "$(ps -o user= -p "$(box_pid)")" = nobody ] || fail "the dataplane is not nobody"
step "killed, it reads its files with the rights of nobody"
kill -KILL "$(box_pid)"
eventually 5 test -e "$LAB_DIR/exit"
rm -f "$LAB_DIR/exit" "$LAB_DIR/dataplane.pid"
lab_control_kill
lab_start 1
expect "it serves alone" eventually 5 serves
