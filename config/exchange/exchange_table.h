/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables file: what the dataplane has now (peers, transactions, who is limited, who is watched), for
 * operators' eyes. A few named tables of fixed-size rows, which describe their own columns, so that a printer
 * knows nothing of what they hold.
 *
 * A row is written by one thread, whole, between two bumps of its sequence number; the writer never waits and
 * never learns whether anybody looks. A reader copies with pread(2), so that a file that is cut meanwhile
 * raises nothing, believes no offset, and takes a row only if its number stood still and was even.
 *
 * What a table cannot hold is not in it: the writer counts that elsewhere. */
#ifndef CONFIG_EXCHANGE_EXCHANGE_TABLE_H
#define CONFIG_EXCHANGE_EXCHANGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXCHANGE_TABLES_MAGIC	UINT64_C(0x31736c6261546353) /* "ScTabls1" */
#define EXCHANGE_TABLES_VERSION 1u
#define EXCHANGE_TABLES		"tables" /* the file in the run directory */

enum {
	EXCHANGE_TABLES_MAX = 16,
	EXCHANGE_COLUMNS_MAX = 32,
	EXCHANGE_ROW_MAX = 1024, /* bytes of a row's data */
	EXCHANGE_TABLE_NAME = 24,
	EXCHANGE_COLUMN_HELP = 96,
	EXCHANGE_TABLES_FILE_MAX = 1 << 30,
};

enum exchange_column_kind {
	EXCHANGE_NUMBER,  /* unsigned, 1, 2, 4 or 8 bytes */
	EXCHANGE_TEXT,	  /* printed up to its first NUL, or its end */
	EXCHANGE_ADDRESS, /* 16 bytes; IPv4 as ::ffff:a.b.c.d */
	EXCHANGE_HEX,	  /* bytes as they are: hashes */
	EXCHANGE_SINCE,	  /* 8 bytes, CLOCK_MONOTONIC nanoseconds, 0 = never: shown as an age */
	EXCHANGE_WALL,	  /* 8 bytes, CLOCK_REALTIME nanoseconds, 0 = never */
	EXCHANGE_STATE,	  /* a number whose names the help text lists: "idle|open|closing" */
	EXCHANGE_FLAGS,	  /* bits whose names the help text lists, bit 0 first */
	EXCHANGE_COLUMN_KINDS,
};

struct exchange_column {
	char name[EXCHANGE_TABLE_NAME];
	char help[EXCHANGE_COLUMN_HELP];
	uint16_t kind; /* enum exchange_column_kind */
	uint16_t at;   /* in the data of a row */
	uint16_t size;
	uint16_t reserved;
};

struct exchange_table {
	char name[EXCHANGE_TABLE_NAME];
	char help[EXCHANGE_COLUMN_HELP];
	uint32_t columns, rows;
	uint32_t row_bytes; /* of the data */
	uint32_t stride;    /* from row to row */
	uint64_t columns_at, rows_at;
};

struct exchange_tables_super {
	uint64_t magic;
	uint32_t version, tables;
	uint64_t bytes; /* of the file */
	uint64_t pid, pid_started;
	uint64_t reserved[3];
	struct exchange_table table[EXCHANGE_TABLES_MAX];
};

struct exchange_row {
	uint64_t seq;  /* odd: being written */
	uint64_t used; /* 0: an empty one */
	uint8_t data[];
};

_Static_assert(sizeof(struct exchange_column) == 128, "layout of the file: raise EXCHANGE_TABLES_VERSION");
_Static_assert(sizeof(struct exchange_table) == 152, "layout of the file: raise EXCHANGE_TABLES_VERSION");
_Static_assert(sizeof(struct exchange_tables_super) == 64 + EXCHANGE_TABLES_MAX * 152,
	       "layout of the file: raise EXCHANGE_TABLES_VERSION");
_Static_assert(sizeof(struct exchange_row) == 16, "layout of the file: raise EXCHANGE_TABLES_VERSION");

/* ---- writer ---- */

struct exchange_table_spec {
	const char *name, *help;
	const struct exchange_column *columns;
	unsigned n_columns;
	unsigned rows;
	unsigned row_bytes; /* a multiple of 8, at most EXCHANGE_ROW_MAX */
};

/* one column of a struct: EXCHANGE_COLUMN(struct peer_row, port, EXCHANGE_NUMBER, "its port") */
#define EXCHANGE_COLUMN(type, member, what, text)                                            \
	{                                                                                    \
		.name = #member, .help = text, .kind = (what), .at = offsetof(type, member), \
		.size = sizeof(((type *)0)->member)                                          \
	}

struct exchange_tables {
	struct exchange_tables_super *super;
	size_t bytes;
};

/* Makes DIR/tables (0640) with all rows empty and all of its memory taken; it gets its name when it is
 * complete, in the place of an older one. 0 or -errno (-EINVAL: a column that does not lie in its row). Cold.
 */
int exchange_tables_create(struct exchange_tables *t, int dir, const struct exchange_table_spec *specs,
			   unsigned n);
/* NULL: there is no such row. The caller keeps the pointer; one thread writes a row. */
struct exchange_row *exchange_tables_row(const struct exchange_tables *t, const char *table, unsigned row);
void exchange_tables_close(struct exchange_tables *t);

/* Hot path. Writes the whole row: `data` of `bytes` (the table's row_bytes). */
static inline void exchange_row_put(struct exchange_row *row, const void *data, size_t bytes)
{
	uint64_t seq = row->seq;

	__atomic_store_n(&row->seq, seq + 1, __ATOMIC_RELAXED);
	/* release: who sees any of what follows also sees the odd number */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	row->used = 1;
	memcpy(row->data, data, bytes);
	/* release: the data is complete before the number is even */
	__atomic_store_n(&row->seq, seq + 2, __ATOMIC_RELEASE);
}

static inline void exchange_row_clear(struct exchange_row *row)
{
	uint64_t seq = row->seq;

	__atomic_store_n(&row->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	row->used = 0;
	__atomic_store_n(&row->seq, seq + 2, __ATOMIC_RELEASE);
}

/* ---- reader ---- */

struct exchange_tables_view {
	struct exchange_tables_super super; /* as it was checked */
	struct exchange_column *columns[EXCHANGE_TABLES_MAX];
	uint64_t skipped; /* rows that were being written at every look */
	int fd;
	bool alive; /* the writer runs */
};

/* Opens DIR/tables and checks what it says of itself. 0, -errno of open, -EPROTO (`why` says what). */
int exchange_tables_open(struct exchange_tables_view *v, const char *dir, const char **why);
void exchange_tables_view_free(struct exchange_tables_view *v);
/* the number of a table, -1: there is none of that name */
int exchange_tables_find(const struct exchange_tables_view *v, const char *name);

/* `data` is a consistent copy of one row, good during the call. Non-zero ends the walk. */
typedef int (*exchange_row_fn)(void *ctx, const uint8_t *data);

/* Every used row of a table. What the callback ended with, 0, or -errno (-EIO: the file was cut). */
int exchange_tables_each(struct exchange_tables_view *v, unsigned table, exchange_row_fn fn, void *ctx);
/* a value of a NUMBER, STATE, FLAGS, SINCE or WALL column */
uint64_t exchange_column_number(const struct exchange_column *c, const uint8_t *data);

#endif
