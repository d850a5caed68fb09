#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# Messages both ways over bad lines: loss in bursts, reordering, duplicates, corruption; a hole in the path MTU of what we send, with and
# without ICMP. Each transaction ends with its own answer. A next hop behind a dead line is a 504 that says so.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound
export LAB_CAPTURE=off
export LAB_POLICY_EXTRA='set partner fabrikam.test allow'
lab_up
FOREIGN_DNS_EXTRA='local-data: "gone.fabrikam.test. 300 IN A 198.18.1.77"' foreign_dns
lab_box_start "${FED_WORKERS:-1}"
export CONTROL SHELL_BIN
PYTHONPATH=$FOREIGN python3 "$FOREIGN/lines.py"
