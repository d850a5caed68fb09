#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=300
# For a minute (--long: an hour) everything at once and at random: messages and calls both ways, calls of SIPp through Kamailio, links
# that come and go or are cut in the middle of a message, blocks, reloads. Then all stops, and pools, tables,
# memory and counters are where they were: not one transaction, link or buffer is left. FED_SEED and FED_SECONDS choose.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$ROOT/tests/lab/foreign/foreign.sh"
need python3 unbound kamailio sipp
export LAB_CAPTURE=off
export LAB_POLICY_EXTRA='set partner fabrikam.test allow
set federation partner-discovery yes
set partner blocked.test block'
lab_up
foreign_dns
lab_box_start "${FED_WORKERS:-2}"
export CONTROL SHELL_BIN FED_SECONDS=${FED_SECONDS:-${LONG:+3600}}
# others' software beside the raw peers: its users are litware.test, found by DNS, and it answers for itself
foreign_kamailio discovered
foreign_users discovered call-server
PYTHONPATH=$FOREIGN python3 "$FOREIGN/soak.py"
