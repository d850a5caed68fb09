/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/exchange/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/exchange/exchange_file.h"
#include "config/exchange/process.h"

enum { LINE = 128 }; /* two cache lines: the adjacent-line prefetcher must not join two writers */

static uint64_t round_up(uint64_t n)
{
	return (n + LINE - 1) / LINE * LINE;
}

static uint64_t lay_out(struct counters_super *s, const struct counters_spec *specs, unsigned n_specs)
{
	uint64_t at = round_up(sizeof(*s));

	for (unsigned i = 0; i < n_specs; i++) {
		struct counters_table *t = &s->tables[i];

		exchange_file_text(t->name, sizeof(t->name), specs[i].name);
		t->n_rows = specs[i].n_rows;
		t->n_instances = specs[i].n_instances;
		t->rows_at = at;
		at = round_up(at + (uint64_t)t->n_rows * sizeof(struct counters_row));
		t->names_at = at;
		at = round_up(at + (uint64_t)t->n_instances * COUNTERS_INSTANCE_MAX);
		t->values_at = at;
		t->stride = round_up((uint64_t)t->n_rows * sizeof(uint64_t));
		at += t->stride * t->n_instances;
	}
	return at;
}

static void describe(struct counters_super *s, const struct counters_spec *specs, unsigned n_specs)
{
	for (unsigned i = 0; i < n_specs; i++) {
		const struct counters_table *t = &s->tables[i];
		struct counters_row *rows = (struct counters_row *)((char *)s + t->rows_at);

		for (unsigned r = 0; r < t->n_rows; r++) {
			exchange_file_text(rows[r].name, sizeof(rows[r].name), specs[i].rows[r].name);
			exchange_file_text(rows[r].help, sizeof(rows[r].help), specs[i].rows[r].help);
			rows[r].kind = specs[i].rows[r].kind;
		}
		for (unsigned n = 0; n < t->n_instances; n++)
			exchange_file_text((char *)s + t->names_at + (size_t)n * COUNTERS_INSTANCE_MAX,
					   COUNTERS_INSTANCE_MAX, specs[i].instances[n]);
	}
}

int counters_create(struct counters *c, int dir, const struct counters_spec *specs, unsigned n_specs,
		    uint64_t now_ns)
{
	struct counters_super head = {.magic = COUNTERS_MAGIC,
				      .version = COUNTERS_VERSION,
				      .n_tables = n_specs,
				      .pid = (uint64_t)getpid(),
				      .started_ns = now_ns};
	struct exchange_file file;
	int rc;

	if (n_specs > COUNTERS_TABLES_MAX)
		return -EINVAL;
	head.pid_started = exchange_process_started(head.pid);
	head.bytes = lay_out(&head, specs, n_specs);
	if (head.bytes > COUNTERS_FILE_MAX)
		return -E2BIG;
	rc = exchange_file_begin(&file, dir, COUNTERS_NAME, head.bytes);
	if (rc)
		return rc;
	memcpy(file.map, &head, sizeof(head));
	describe(file.map, specs, n_specs);
	rc = exchange_file_publish(&file);
	if (!rc)
		*c = (struct counters){.super = file.map, .bytes = head.bytes};
	return rc;
}

uint64_t *counters_values(const struct counters *c, const char *table, unsigned instance)
{
	for (unsigned i = 0; i < c->super->n_tables; i++) {
		const struct counters_table *t = &c->super->tables[i];

		if (strcmp(t->name, table) == 0 && instance < t->n_instances)
			return (uint64_t *)((char *)c->super + t->values_at + instance * t->stride);
	}
	return NULL;
}

void counters_close(struct counters *c, uint64_t now_ns)
{
	if (!c->super)
		return;
	c->super->stopped_ns = now_ns;
	munmap(c->super, c->bytes);
	c->super = NULL;
}

static bool span_fits(uint64_t at, uint64_t n, uint64_t size, uint64_t bytes, uint64_t align)
{
	return at % align == 0 && at >= sizeof(struct counters_super) && at <= bytes &&
	       n <= (bytes - at) / size;
}

static bool strings_end(const char *at, uint64_t n, size_t size, size_t step)
{
	for (uint64_t i = 0; i < n; i++)
		if (!memchr(at + i * step, '\0', size))
			return false;
	return true;
}

static const char *table_check(const struct counters_super *s, const struct counters_table *t)
{
	const char *file = (const char *)s;

	if (!memchr(t->name, '\0', sizeof(t->name)))
		return "a table has no name";
	if (!span_fits(t->rows_at, t->n_rows, sizeof(struct counters_row), s->bytes, 8) ||
	    !span_fits(t->names_at, t->n_instances, COUNTERS_INSTANCE_MAX, s->bytes, 8) ||
	    t->stride % 8 != 0 || t->stride / 8 < t->n_rows ||
	    !span_fits(t->values_at, t->n_instances, t->stride ? t->stride : 8, s->bytes, 8))
		return "a table reaches past the end";
	if (!strings_end(file + t->rows_at + offsetof(struct counters_row, name), t->n_rows,
			 COUNTERS_NAME_MAX, sizeof(struct counters_row)) ||
	    !strings_end(file + t->rows_at + offsetof(struct counters_row, help), t->n_rows,
			 COUNTERS_HELP_MAX, sizeof(struct counters_row)) ||
	    !strings_end(file + t->names_at, t->n_instances, COUNTERS_INSTANCE_MAX, COUNTERS_INSTANCE_MAX))
		return "a name does not end";
	return NULL;
}

static const char *file_check(const struct counters_super *s, size_t bytes)
{
	const char *why = NULL;

	if (bytes < sizeof(*s) || s->magic != COUNTERS_MAGIC)
		return "it is no counters file";
	if (s->version != COUNTERS_VERSION)
		return "it is of another version";
	if (s->bytes != bytes)
		return "it was cut";
	if (s->n_tables > COUNTERS_TABLES_MAX)
		return "it has too many tables";
	for (unsigned i = 0; i < s->n_tables && !why; i++)
		why = table_check(s, &s->tables[i]);
	return why;
}

int counters_read(struct counters_view *v, const char *dir, const char **why)
{
	char path[4096], *copy = NULL;
	size_t bytes = 0;
	struct stat st;
	int fd, rc;

	*v = (struct counters_view){.super = NULL};
	*why = "it cannot be read";
	if ((size_t)snprintf(path, sizeof(path), "%s/" COUNTERS_NAME, dir) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		rc = -errno;
		goto out;
	}
	rc = -EPROTO;
	*why = "it is no counters file";
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct counters_super) ||
	    st.st_size > COUNTERS_FILE_MAX)
		goto out;
	/* read, not mapped: a file that shrinks under us must not raise SIGBUS */
	copy = malloc((size_t)st.st_size);
	if (!copy) {
		rc = -ENOMEM;
		goto out;
	}
	while (bytes < (size_t)st.st_size) {
		ssize_t n = read(fd, copy + bytes, (size_t)st.st_size - bytes);

		if (n <= 0)
			break;
		bytes += (size_t)n;
	}
	*why = file_check((const struct counters_super *)copy, bytes);
	if (*why)
		goto out;
	v->super = (struct counters_super *)copy;
	copy = NULL;
	v->alive = v->super->pid_started != 0 &&
		   exchange_process_started(v->super->pid) == v->super->pid_started;
	rc = 0;
out:
	free(copy);
	close(fd);
	return rc;
}

void counters_view_free(struct counters_view *v)
{
	free(v->super);
	v->super = NULL;
}
