/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/exchange/exchange_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/exchange/exchange_file.h"
#include "config/exchange/process.h"

enum {
	LINE = 64,
	BATCH = 64, /* rows that a reader looks at together */
	TRIES = 8,  /* looks at a row that is being written */
};

static uint64_t round_up(uint64_t n)
{
	return (n + LINE - 1) / LINE * LINE;
}

static bool column_ok(const struct exchange_column *c, uint32_t row_bytes)
{
	if (c->kind >= EXCHANGE_COLUMN_KINDS || !c->size || c->at > row_bytes ||
	    c->size > row_bytes - c->at || !memchr(c->name, '\0', sizeof(c->name)) ||
	    !memchr(c->help, '\0', sizeof(c->help)))
		return false;
	switch (c->kind) {
	case EXCHANGE_NUMBER:
	case EXCHANGE_STATE:
	case EXCHANGE_FLAGS:
		return c->size == 1 || c->size == 2 || c->size == 4 || c->size == 8;
	case EXCHANGE_SINCE:
	case EXCHANGE_WALL:
		return c->size == 8;
	case EXCHANGE_ADDRESS:
		return c->size == 16;
	default:
		return true;
	}
}

/* ---- writer ---- */

static int lay_out(struct exchange_tables_super *s, const struct exchange_table_spec *specs, unsigned n)
{
	uint64_t at = round_up(sizeof(*s));

	for (unsigned i = 0; i < n; i++) {
		struct exchange_table *t = &s->table[i];

		if (specs[i].n_columns > EXCHANGE_COLUMNS_MAX || specs[i].row_bytes > EXCHANGE_ROW_MAX ||
		    specs[i].row_bytes % 8 || !specs[i].row_bytes)
			return -EINVAL;
		exchange_file_text(t->name, sizeof(t->name), specs[i].name);
		exchange_file_text(t->help, sizeof(t->help), specs[i].help);
		t->columns = specs[i].n_columns;
		t->rows = specs[i].rows;
		t->row_bytes = specs[i].row_bytes;
		t->stride = (uint32_t)round_up(sizeof(struct exchange_row) + t->row_bytes);
		t->columns_at = at;
		at = round_up(at + t->columns * sizeof(struct exchange_column));
		t->rows_at = at;
		at += (uint64_t)t->rows * t->stride;
		for (unsigned c = 0; c < t->columns; c++)
			if (!column_ok(&specs[i].columns[c], t->row_bytes))
				return -EINVAL;
	}
	if (at > EXCHANGE_TABLES_FILE_MAX)
		return -E2BIG;
	s->bytes = at;
	return 0;
}

int exchange_tables_create(struct exchange_tables *t, int dir, const struct exchange_table_spec *specs,
			   unsigned n)
{
	struct exchange_tables_super s = {.magic = EXCHANGE_TABLES_MAGIC,
					  .version = EXCHANGE_TABLES_VERSION,
					  .tables = n,
					  .pid = (uint64_t)getpid()};
	struct exchange_file file;
	int rc;

	memset(t, 0, sizeof(*t));
	if (n > EXCHANGE_TABLES_MAX)
		return -EINVAL;
	rc = lay_out(&s, specs, n);
	if (rc)
		return rc;
	s.pid_started = exchange_process_started(s.pid);
	rc = exchange_file_begin(&file, dir, EXCHANGE_TABLES, s.bytes);
	if (rc)
		return rc;
	memcpy(file.map, &s, sizeof(s));
	for (unsigned i = 0; i < n; i++)
		memcpy((uint8_t *)file.map + s.table[i].columns_at, specs[i].columns,
		       s.table[i].columns * sizeof(struct exchange_column));
	rc = exchange_file_publish(&file);
	if (!rc)
		*t = (struct exchange_tables){.super = file.map, .bytes = s.bytes};
	return rc;
}

struct exchange_row *exchange_tables_row(const struct exchange_tables *t, const char *table, unsigned row)
{
	for (unsigned i = 0; t->super && i < t->super->tables; i++) {
		const struct exchange_table *d = &t->super->table[i];

		if (strcmp(d->name, table) == 0)
			return row < d->rows ? (struct exchange_row *)((uint8_t *)t->super + d->rows_at +
								       (uint64_t)row * d->stride)
					     : NULL;
	}
	return NULL;
}

void exchange_tables_close(struct exchange_tables *t)
{
	if (t->super)
		munmap(t->super, t->bytes);
	memset(t, 0, sizeof(*t));
}

/* ---- reader ---- */

static bool read_at(int fd, void *to, size_t n, uint64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = pread(fd, (char *)to + done, n - done, (off_t)(at + done));

		if (r <= 0)
			return false;
		done += (size_t)r;
	}
	return true;
}

static bool table_ok(const struct exchange_tables_super *s, const struct exchange_table *t)
{
	return memchr(t->name, '\0', sizeof(t->name)) && memchr(t->help, '\0', sizeof(t->help)) &&
	       t->columns <= EXCHANGE_COLUMNS_MAX && t->row_bytes <= EXCHANGE_ROW_MAX && t->stride % 8 == 0 &&
	       t->stride >= sizeof(struct exchange_row) + t->row_bytes &&
	       t->stride <= 2 * (EXCHANGE_ROW_MAX + sizeof(struct exchange_row)) &&
	       t->columns_at <= s->bytes &&
	       t->columns <= (s->bytes - t->columns_at) / sizeof(struct exchange_column) &&
	       t->rows_at <= s->bytes && t->rows <= (s->bytes - t->rows_at) / t->stride;
}

static const char *load_columns(struct exchange_tables_view *v, unsigned i)
{
	const struct exchange_table *t = &v->super.table[i];
	size_t bytes = t->columns * sizeof(struct exchange_column);

	v->columns[i] = malloc(bytes ? bytes : 1);
	if (!v->columns[i] || !read_at(v->fd, v->columns[i], bytes, t->columns_at))
		return "its columns cannot be read";
	for (unsigned c = 0; c < t->columns; c++)
		if (!column_ok(&v->columns[i][c], t->row_bytes))
			return "a column does not lie in its row";
	return NULL;
}

int exchange_tables_open(struct exchange_tables_view *v, const char *dir, const char **why)
{
	struct exchange_tables_super *s = &v->super;
	char path[4096];
	struct stat st;
	int rc;

	memset(v, 0, sizeof(*v));
	v->fd = -1;
	*why = "it cannot be read";
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, EXCHANGE_TABLES) >= sizeof(path))
		return -ENAMETOOLONG;
	v->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (v->fd < 0)
		return -errno;
	if (fstat(v->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(*s) ||
	    st.st_size > EXCHANGE_TABLES_FILE_MAX || !read_at(v->fd, s, sizeof(*s), 0) ||
	    s->magic != EXCHANGE_TABLES_MAGIC) {
		*why = "it is no tables file";
		rc = -EPROTO;
		goto fail;
	}
	*why = s->version != EXCHANGE_TABLES_VERSION ? "it is of another version"
	       : s->bytes != (uint64_t)st.st_size    ? "it was cut"
	       : s->tables > EXCHANGE_TABLES_MAX     ? "it has too many tables"
						     : NULL;
	for (unsigned i = 0; !*why && i < s->tables; i++)
		*why = table_ok(s, &s->table[i]) ? load_columns(v, i) : "a table reaches past the end";
	rc = -EPROTO;
	if (*why)
		goto fail;
	v->alive = s->pid_started && exchange_process_started(s->pid) == s->pid_started;
	return 0;
fail:
	exchange_tables_view_free(v);
	return rc;
}

void exchange_tables_view_free(struct exchange_tables_view *v)
{
	for (unsigned i = 0; i < EXCHANGE_TABLES_MAX; i++)
		free(v->columns[i]);
	memset(v->columns, 0, sizeof(v->columns));
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
}

int exchange_tables_find(const struct exchange_tables_view *v, const char *name)
{
	for (unsigned i = 0; i < v->super.tables; i++)
		if (strcmp(v->super.table[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* Three copies one after the other: numbers, rows, numbers. What has the same even number in the first and
 * the last stood still while the one between was made. */
struct look {
	uint8_t *before, *rows, *after;
	size_t bytes;
};

static bool look_at(struct exchange_tables_view *v, struct look *l, uint64_t at, size_t bytes)
{
	bool ok = read_at(v->fd, l->before, bytes, at);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	ok = ok && read_at(v->fd, l->rows, bytes, at);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ok && read_at(v->fd, l->after, bytes, at);
}

static const struct exchange_row *row_of(const uint8_t *rows, unsigned i, uint32_t stride)
{
	return (const struct exchange_row *)(rows + (size_t)i * stride);
}

static bool stood_still(const struct look *l, unsigned i, uint32_t stride)
{
	uint64_t seq = row_of(l->before, i, stride)->seq;

	return !(seq & 1) && row_of(l->after, i, stride)->seq == seq;
}

int exchange_tables_each(struct exchange_tables_view *v, unsigned table, exchange_row_fn fn, void *ctx)
{
	const struct exchange_table *t = &v->super.table[table];
	size_t batch = (size_t)BATCH * t->stride;
	uint8_t *memory = malloc(6 * batch);
	struct look all, one;
	int rc = 0;

	if (!memory)
		return -ENOMEM;
	all = (struct look){memory, memory + batch, memory + 2 * batch, batch};
	one = (struct look){memory + 3 * batch, memory + 4 * batch, memory + 5 * batch, batch};
	for (uint32_t from = 0; !rc && from < t->rows; from += BATCH) {
		unsigned n = t->rows - from < BATCH ? t->rows - from : BATCH;
		uint64_t at = t->rows_at + (uint64_t)from * t->stride;

		if (!look_at(v, &all, at, (size_t)n * t->stride)) {
			rc = -EIO;
			break;
		}
		for (unsigned i = 0; !rc && i < n; i++) {
			const struct exchange_row *row = row_of(all.rows, i, t->stride);
			bool still = stood_still(&all, i, t->stride);

			for (unsigned k = 0; !still && k < TRIES; k++) {
				if (!look_at(v, &one, at + (uint64_t)i * t->stride, t->stride))
					break;
				still = stood_still(&one, 0, t->stride);
				row = row_of(one.rows, 0, t->stride);
			}
			if (!still)
				v->skipped++;
			else if (row->used)
				rc = fn(ctx, row->data);
		}
	}
	free(memory);
	return rc;
}

uint64_t exchange_column_number(const struct exchange_column *c, const uint8_t *data)
{
	uint64_t n = 0;

	memcpy(&n, data + c->at, c->size < sizeof(n) ? c->size : sizeof(n));
	return n;
}
