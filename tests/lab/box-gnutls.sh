#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=120
# GnuTLS on both sides of the box as it is shipped, as client and as server, in both versions; and where the profile is compat, GnuTLS
# without elliptic curves.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound
for program in "$CONTROL" "$SHELL_BIN"; do [ -x "$program" ] || skip "$program is not built"; done
ldconfig -p | grep 'libgnutls\.so\.30' >/dev/null || skip "there is no libgnutls"
export LAB_CAPTURE=off
lab_up
LAB_POLICY_EXTRA=$(
	echo "set tls-profile compat trust lab"
	echo "set partner fabrikam.test allow"
	for port in 7411 7412 7413; do
		echo "set partner p$port.test allow"
		echo "set route p$port.test to sip.fabrikam.test:$port"
	done
	echo "set dns local-data \"sip.fabrikam.test A $LAB_PARTNER4\""
)
foreign_dns
lab_box_start "${FED_WORKERS:-1}"
export CONTROL SHELL_BIN
step "modern"
PYTHONPATH=$FOREIGN python3 "$FOREIGN/gnutls_ends.py"
step "compat"
sed -i 's/^\([[:space:]]*set federation tls-profile\) outside$/\1 compat/' "$LAB_CONFIG"
grep -q 'tls-profile compat$' "$LAB_CONFIG" || fail "the profile is what it was"
expect "compat is taken" lab_apply
PYTHONPATH=$FOREIGN python3 "$FOREIGN/gnutls_ends.py" compat
