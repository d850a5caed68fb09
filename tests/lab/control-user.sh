#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The dataplane is another user, and was so before control heard of it: the first commit names who may read what is published.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
! is_rootless || skip "needs a second user id"
export LAB_BOX_EXTRA_BOOT='set dataplane user nobody'
# nobody answers questions in this lab, and explain would wait for that
export LAB_POLICY_EXTRA='set dns local-data "_sipfederationtls._tcp.p2.test SRV 0 0 5061 sip.p2.test"
set dns local-data "sip.p2.test A 198.18.1.10"'
lab_up
lab_box_start 1
step "what is new later is read too"
for i in 1 2 3; do
	lab_shell "set partner p$i.test allow" || fail "set"
	expect "commit" lab_shell commit
done
expect "a block" lab_shell block p1.test
expect "explain" lab_shell explain from a@p2.test to b@contoso.test
[ "$(stat -c %G "$LAB_RUN/secrets")" = "$(id -gn nobody)" ] || fail "secrets are $(stat -c %G "$LAB_RUN/secrets")'s"
step "and after a restart of either"
lab_control_stop
lab_control_start
lab_stop
lab_start
eventually 10 box_listens || fail "the box does not listen after a restart"
