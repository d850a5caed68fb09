#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# A partner known by his key (identity-check pinned): whoever vouches for his certificate, or nobody; let in by that and to that
# partner alone, both ways, on every worker, until the pin goes.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"

need python3 unbound openssl
export LAB_CAPTURE=off
lab_up
foreign_dns
lab_box_start "${FED_WORKERS:-2}"
export CONTROL SHELL_BIN
spki() { openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1; }
PIN_SELF=$(spki "$LAB_CERT_SELF_SIGNED") PIN_CA=$(spki "$LAB_CERT_WRONG_CA") PIN_WEAK=$(spki "$LAB_CERT_WEAK") PIN_PARTNER=$(spki "$LAB_CERT_PARTNER")
export PIN_SELF PIN_CA PIN_WEAK PIN_PARTNER
step "the matrix"
python3 "$ROOT/tests/lab/foreign/pinned.py"
step "control is killed and begins again"
lab_control_kill
lab_control_start
python3 "$ROOT/tests/lab/foreign/pinned.py" again
