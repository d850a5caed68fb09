#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test: release asan timeout=240
# The writer of the policy segment is killed 1,000 times (10,000 with --long) while readers compare every answer.
exec "${SALLYPORT_BUILD:?}/tests/chaos/policy_crash"
