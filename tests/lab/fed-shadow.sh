#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=60
# A candidate beside live traffic: a message that it would refuse passes as before and show shadow tells of it; what it would let in
# stays outside; discard ends it.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound
export LAB_CAPTURE=off
export LAB_POLICY_EXTRA='set partner fabrikam.test allow
set partner blocked.test block'
lab_up
foreign_dns
lab_box_start "${FED_WORKERS:-1}"
export CONTROL SHELL_BIN
PYTHONPATH=$FOREIGN timeout 40 python3 "$FOREIGN/shadow.py"
