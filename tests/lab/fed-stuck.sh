#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# Peers that stand still: a next hop that takes no byte, one that loses its power under load (with another target, and alone), a client
# that stops in the middle of a record, one that reads no answer. Who asks for them is told in time, memory is bounded, nobody else
# notices, and the connection is given up with a reason.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound
export LAB_CAPTURE=off
export LAB_POLICY_EXTRA='set partner fabrikam.test allow
set partner deaf.test allow peer-name sip.fabrikam.test
set static-route deaf.test to 198.18.1.12:5061
set partner dead.test allow peer-name sip.fabrikam.test
set static-route dead.test to 198.18.1.11:5061 priority 1
set static-route dead.test to 198.18.1.10:5064 priority 2
set partner lone.test allow peer-name sip.fabrikam.test
set static-route lone.test to 198.18.1.11:5071'
lab_up
foreign_dns
lab_box_start "${FED_WORKERS:-1}"
export CONTROL SHELL_BIN
PYTHONPATH=$FOREIGN timeout "$(on_time 150)" python3 "$FOREIGN/stuck.py"
