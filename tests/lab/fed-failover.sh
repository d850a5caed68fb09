#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=150
# Servers that are dead: of a partner's SRV targets and of our own pool the next one is taken within a second; a connection that is cut
# in the middle of a transaction leaves nobody without an answer.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound
export LAB_CAPTURE=off
# fabrikam.test: 5061 first, 5064 if that is dead; hole.test: first an address where nobody is
export FOREIGN_DNS_EXTRA='local-data: "_sipfederationtls._tcp.fabrikam.test. 300 IN SRV 10 0 5064 sip.fabrikam.test."'
export LAB_POLICY_EXTRA='set partner fabrikam.test allow
set internal-server fe01.inside.contoso.test
set sip-domain contoso.test next-hop pool.inside.contoso.test:5071
set static-route hole.test to 198.18.1.99:5064 priority 1
set static-route hole.test to sip.fabrikam.test:5064 priority 2
set partner hole.test allow peer-name sip.fabrikam.test'
lab_up
foreign_dns
lab_box_start "${FED_WORKERS:-1}"
export CONTROL SHELL_BIN
PYTHONPATH=$FOREIGN timeout "$(on_time 120)" python3 "$FOREIGN/failover.py"
