#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release asan timeout=300
# What the box need not touch crosses it byte for byte; what must not enter never does, in no spelling; and whatever is done to the
# framing, the pool sees one message where one was judged, or nothing and the connection ends.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound
export LAB_CAPTURE=off
export LAB_POLICY_EXTRA='set partner fabrikam.test allow'
lab_up
foreign_dns
lab_box_start "${FED_WORKERS:-1}"
export CONTROL SHELL_BIN
PYTHONPATH=$FOREIGN python3 "$FOREIGN/fidelity.py"
