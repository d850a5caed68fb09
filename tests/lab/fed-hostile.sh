#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release asan timeout=240
# The torture set (RFC 4475, RFC 5118 and our own) through the box both ways, each message with its verdict; signed routes stolen, cut,
# replayed, extended, and used to reach who may not be reached; answers forged by everybody who could try; answers that are broken.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound
TORTURE=$SALLYPORT_BUILD/tests/lab/torture/torture
[ -x "$TORTURE" ] || skip "torture is not built"
export LAB_CAPTURE=off
export LAB_POLICY_EXTRA='set partner fabrikam.test allow
set access user/ceo@contoso.test federation no'
lab_up
foreign_dns
"$TORTURE" >"$LAB_DIR/torture"
lab_box_start "${FED_WORKERS:-1}"
export CONTROL SHELL_BIN
PYTHONPATH=$FOREIGN python3 "$FOREIGN/hostile.py"
