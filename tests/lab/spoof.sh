#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=240
# Somebody on the outer segment answers for others: for the way out, for the pool, for a partner, for the box itself; asked and unasked, once
# and in floods with ever other stations. Nothing that we send goes to him, nothing of ours stops, and what is remembered of him is bounded.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound
export LAB_CAPTURE=off
export LAB_POLICY_EXTRA='set partner fabrikam.test allow'
lab_up
foreign_dns
lab_box_start "${FED_WORKERS:-2}"
export CONTROL SHELL_BIN
PYTHONPATH=$FOREIGN timeout "$(on_time 80)" python3 "$FOREIGN/spoof.py"
expect "frames astray" eventually 2 box_balanced
