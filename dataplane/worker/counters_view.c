/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/counters_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/exchange/counters.h"
#include "dataplane/base/clock.h"

static const char *state_word(const struct counters_view *v)
{
	if (v->super->stopped_ns)
		return "ended";
	return v->alive ? "running" : "dead";
}

static void text_quote(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			printf("\\u%04x", (unsigned char)*s);
		else
			putchar(*s);
	}
	putchar('"');
}

/* the n-th name of "up|down|lost"; NULL: there is none */
static const char *state_name(const char *names, uint64_t n, size_t *len)
{
	for (; n; n--) {
		names = strchr(names, '|');
		if (!names)
			return NULL;
		names++;
	}
	*len = strcspn(names, "|");
	return names;
}

static uint64_t table_sum(const struct counters_view *v, const struct counters_table *t, unsigned row)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < t->n_instances; i++)
		sum += counters_view_value(v, t, i, row);
	return sum;
}

static void json_value(const struct counters_row *row, uint64_t value)
{
	size_t len;
	const char *name = row->kind == COUNTERS_STATE ? state_name(row->help, value, &len) : NULL;

	if (name)
		printf("\"%.*s\"", (int)len, name);
	else
		printf("%" PRIu64, value);
}

static void json_table(const struct counters_view *v, const struct counters_table *t)
{
	const char *comma = "";

	text_quote(t->name);
	printf(":{\"instances\":{");
	for (unsigned i = 0; i < t->n_instances; i++) {
		printf("%s", i ? "," : "");
		text_quote(counters_view_instance(v, t, i));
		printf(":{");
		for (unsigned r = 0; r < t->n_rows; r++) {
			printf("%s", r ? "," : "");
			text_quote(counters_view_row(v, t, r)->name);
			putchar(':');
			json_value(counters_view_row(v, t, r), counters_view_value(v, t, i, r));
		}
		putchar('}');
	}
	printf("},\"sum\":{");
	for (unsigned r = 0; r < t->n_rows; r++) {
		if (counters_view_row(v, t, r)->kind != COUNTERS_SUM)
			continue;
		printf("%s", comma);
		comma = ",";
		text_quote(counters_view_row(v, t, r)->name);
		printf(":%" PRIu64, table_sum(v, t, r));
	}
	printf("}}");
}

static void json_print(const struct counters_view *v)
{
	printf("{\"pid\":%" PRIu64 ",\"state\":\"%s\",\"started_ns\":%" PRIu64 ",\"now_ns\":%" PRIu64
	       ",\"tables\":{",
	       v->super->pid, state_word(v), v->super->started_ns, base_clock_kernel());
	for (unsigned i = 0; i < v->super->n_tables; i++) {
		printf("%s", i ? "," : "");
		json_table(v, &v->super->tables[i]);
	}
	printf("}}\n");
}

static void text_value(const struct counters_row *row, uint64_t value, uint64_t now_ns, bool alive)
{
	size_t len;
	const char *name = row->kind == COUNTERS_STATE ? state_name(row->help, value, &len) : NULL;

	if (name)
		printf(" %14.*s", (int)len, name);
	else if (row->kind == COUNTERS_TIME && value && alive)
		printf(" %11.1f s ago", (double)(int64_t)(now_ns - value) / 1e9);
	else
		printf(" %14" PRIu64, value);
}

static void text_table(const struct counters_view *v, const struct counters_table *t, bool all)
{
	uint64_t now_ns = base_clock_kernel();

	printf("\n%-28s", t->name);
	for (unsigned i = 0; i < t->n_instances; i++)
		printf(" %14s", counters_view_instance(v, t, i));
	if (t->n_instances > 1)
		printf(" %14s", "sum");
	putchar('\n');
	for (unsigned r = 0; r < t->n_rows; r++) {
		const struct counters_row *row = counters_view_row(v, t, r);

		if (row->kind == COUNTERS_SUM && !all && table_sum(v, t, r) == 0)
			continue;
		printf("  %-26s", row->name);
		for (unsigned i = 0; i < t->n_instances; i++)
			text_value(row, counters_view_value(v, t, i, r), now_ns, v->alive);
		if (t->n_instances > 1 && row->kind == COUNTERS_SUM)
			printf(" %14" PRIu64, table_sum(v, t, r));
		else if (t->n_instances > 1)
			printf(" %14s", "");
		printf("  %s\n", row->kind == COUNTERS_STATE ? "" : row->help);
	}
}

static void text_print(const struct counters_view *v, bool all)
{
	printf("dataplane %" PRIu64 " is %s", v->super->pid, state_word(v));
	if (v->alive)
		printf(" for %.1f s", (double)(base_clock_kernel() - v->super->started_ns) / 1e9);
	putchar('\n');
	for (unsigned i = 0; i < v->super->n_tables; i++)
		text_table(v, &v->super->tables[i], all);
}

int counters_view_run(const struct counters_view_options *o)
{
	for (;;) {
		struct counters_view v;
		const char *why;
		int rc = counters_read(&v, o->dir, &why);
		bool over;

		if (rc) {
			fprintf(stderr, "%s/counters: %s%s%s%s\n", o->dir, why, rc == -EPROTO ? "" : " (",
				rc == -EPROTO ? "" : strerror(-rc),
				rc == -EPROTO ? "" : "), name the run-dir of a dataplane");
			return 1;
		}
		if (o->watch && !o->json)
			printf("\033[H\033[2J");
		if (o->json)
			json_print(&v);
		else
			text_print(&v, o->all);
		fflush(stdout);
		over = o->watch == 0 || !v.alive || ferror(stdout);
		counters_view_free(&v);
		if (over)
			return ferror(stdout) ? 1 : 0;
		sleep(o->watch);
	}
}
