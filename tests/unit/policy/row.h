/* SPDX-License-Identifier: BSD-3-Clause */
/* One row of a table: in this world (on top of world_base), this message gets this verdict. */
#ifndef TESTS_UNIT_POLICY_ROW_H
#define TESTS_UNIT_POLICY_ROW_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/policy/world.h"

struct row {
	const char *what;
	const char *world;
	const char *message;
	const char *verdict;
};

/* Judges every row, with and without a trace; says which rows are wrong; fails when one is. */
void rows_judge(const struct row *rows, size_t n);

#define ROWS(rows) rows_judge(rows, sizeof(rows) / sizeof((rows)[0]))

#endif
