#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release alone timeout=180
# One partner floods; another one, the canary, goes on: calls begun over connections that are cut; ten connections full of INVITEs while our pool
# does not read; bodies announced and not sent; senders of thousands of unknown domains while DNS is dead. Then nothing of it is left.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$ROOT/tests/lab/foreign/foreign.sh"
need python3 unbound
export LAB_CAPTURE=off
export LAB_POLICY_EXTRA='set partner fabrikam.test allow
set partner litware.test allow'
lab_up
foreign_dns
lab_box_start "${FED_WORKERS:-1}"
export CONTROL SHELL_BIN
PYTHONPATH=$FOREIGN python3 "$ROOT/tests/chaos/floods.py"
