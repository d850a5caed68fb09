#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# apply.sh SHELL RUN CONF: waits for the control daemon of RUN and gives it CONF.
set -euo pipefail
export SALLYPORT_SOCKET=$2/control.sock
for _ in $(seq 300); do
	if "$1" show status 2>/dev/null | grep -q "shows revision"; then
		status=0
		"$1" apply "$3" >&2 || status=$?
		[ $status = 2 ] || exit $status # 2: something has changed
		exit 0
	fi
	sleep 0.1
done
exit 1
