#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=240
# Two organisations talk through the box with software of others at both ends: Kamailio as the partner's edge and as our pool,
# SIPp as their users; each scenario in both directions.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need kamailio sipp unbound
export LAB_POLICY_EXTRA='set partner fabrikam.test allow
set federation partner-discovery yes
set partner blocked.test block'
lab_up
foreign_dns
foreign_kamailio partner
foreign_kamailio inside
lab_box_start "${FED_WORKERS:-1}"

both() { # SCENARIO
	step "$1: in"
	foreign_users inside "$1-server"
	expect "$1 from the partner to us" foreign_call partner "$1-client" alice bob@contoso.test
	foreign_users_stop
	step "$1: out"
	foreign_users partner "$1-server"
	expect "$1 from us to the partner" foreign_call inside "$1-client" bob alice@fabrikam.test
	foreign_users_stop
}
for scenario in ${FED_SCENARIOS:-message call reinvite cancel subscribe refer prack}; do both "$scenario"; done

step "what our pool refuses comes back as it is"
expect "404" foreign_call partner refused-404 alice nobody@contoso.test
expect "486" foreign_call partner refused-486 alice busy@contoso.test
expect "a 503 goes upstream as 500 (RFC 3261 16.7)" foreign_call partner refused-500 alice broken@contoso.test

step "who is blocked stays outside, both ways"
foreign_kamailio blocked
expect "403 to the blocked" foreign_call blocked refused-403 eve bob@contoso.test
expect "403 to ours" foreign_call inside refused-403 bob eve@blocked.test

step "who can be discovered is found"
foreign_kamailio discovered
foreign_users discovered message-server
expect "to litware.test, found by DNS" foreign_call inside message-client bob carol@litware.test
foreign_users_stop
foreign_users inside message-server
expect "from litware.test" foreign_call discovered message-client carol bob@contoso.test
foreign_users_stop

step "a certificate for somebody else"
foreign_kamailio wrong
expect "504 with the wrong name" foreign_call wrong refused-504 alice bob@contoso.test
