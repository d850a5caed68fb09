/* SPDX-License-Identifier: BSD-3-Clause */
/* The counters file: what a dataplane counts, in shared memory that describes itself, so that a reader of
 * another version, or one that comes after the writer died, can print it.
 *
 * A file holds a few tables; a table has rows (name, help, kind) and instances (one a worker, one a port).
 * The values of an instance are an array of 64-bit words, each written by one thread with plain stores.
 * Nothing in the file is a pointer. A reader copies the file and checks every offset before it uses it; the
 * values of one copy may be some microseconds apart. */
#ifndef CONFIG_EXCHANGE_COUNTERS_H
#define CONFIG_EXCHANGE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNTERS_MAGIC	 UINT64_C(0x31307372746e6353) /* "Scntrs01" */
#define COUNTERS_VERSION 1u
#define COUNTERS_NAME	 "counters" /* the file in the run directory */

enum {
	COUNTERS_TABLES_MAX = 16,
	COUNTERS_NAME_MAX = 56,
	COUNTERS_HELP_MAX = 128,
	COUNTERS_INSTANCE_MAX = 32,
	COUNTERS_FILE_MAX = 64 << 20,
};

enum counters_kind {
	COUNTERS_SUM,	/* only grows; instances may be added up */
	COUNTERS_GAUGE, /* now; instances may not be added up */
	COUNTERS_STATE, /* help lists the names: "down|up|lost" */
	COUNTERS_TIME,	/* CLOCK_MONOTONIC nanoseconds, 0: never */
};

struct counters_row {
	char name[COUNTERS_NAME_MAX];
	char help[COUNTERS_HELP_MAX];
	uint32_t kind;
	uint32_t reserved;
};

struct counters_table {
	char name[COUNTERS_NAME_MAX];
	uint32_t n_rows, n_instances;
	uint64_t rows_at, names_at, values_at; /* from the start of the file */
	uint64_t stride;		       /* bytes between the values of two instances */
};

struct counters_super {
	uint64_t magic;
	uint32_t version, n_tables;
	uint64_t bytes;	      /* of the file */
	uint64_t pid;	      /* of the writer, with the time that it started in clock ticks since boot: */
	uint64_t pid_started; /* a number alone is used again */
	uint64_t started_ns;  /* CLOCK_MONOTONIC */
	uint64_t stopped_ns;  /* 0 until a clean end */
	struct counters_table tables[COUNTERS_TABLES_MAX];
};

_Static_assert(sizeof(struct counters_row) == 192, "layout of the file: raise COUNTERS_VERSION");
_Static_assert(sizeof(struct counters_table) == 96, "layout of the file: raise COUNTERS_VERSION");
_Static_assert(sizeof(struct counters_super) == 56 + 16 * 96, "layout of the file: raise COUNTERS_VERSION");

/* ---- writer ---- */

struct counters_metric {
	const char *name, *help;
	enum counters_kind kind;
};

struct counters_spec {
	const char *name;
	const struct counters_metric *rows;
	unsigned n_rows, n_instances;
	const char *const *instances; /* their names */
};

struct counters {
	struct counters_super *super;
	size_t bytes;
};

/* Makes DIR/counters (mode 0640) with all values zero; it takes the name only when it is complete, replacing
 * an older one. All of its memory is taken now. Returns 0 or -errno. Cold. */
int counters_create(struct counters *c, int dir, const struct counters_spec *specs, unsigned n_specs,
		    uint64_t now_ns);
/* Values of one instance: n_rows words on cache lines of their own. NULL: no such table or instance. */
uint64_t *counters_values(const struct counters *c, const char *table, unsigned instance);
/* Notes a clean end and unmaps; the file stays for whoever asks later. */
void counters_close(struct counters *c, uint64_t now_ns);

/* ---- reader ---- */

struct counters_view {
	struct counters_super *super; /* a private copy of the file */
	bool alive;		      /* the writer runs */
};

/* Copies DIR/counters and checks it. Returns 0, -errno of open and read, -EPROTO: foreign, cut or damaged
 * (`why` says what). */
int counters_read(struct counters_view *v, const char *dir, const char **why);
void counters_view_free(struct counters_view *v);

static inline const struct counters_row *counters_view_row(const struct counters_view *v,
							   const struct counters_table *t, unsigned row)
{
	return (const struct counters_row *)((const char *)v->super + t->rows_at) + row;
}

static inline const char *counters_view_instance(const struct counters_view *v,
						 const struct counters_table *t, unsigned instance)
{
	return (const char *)v->super + t->names_at + (size_t)instance * COUNTERS_INSTANCE_MAX;
}

static inline uint64_t counters_view_value(const struct counters_view *v, const struct counters_table *t,
					   unsigned instance, unsigned row)
{
	return ((const uint64_t *)((const char *)v->super + t->values_at + instance * t->stride))[row];
}

#endif
