/* SPDX-License-Identifier: BSD-3-Clause */
/* What the dataplane has and counts now: its tables, its counters, its events. Printed from what they say of
 * themselves; a table that a dataplane of another version has is shown as well. */
#include "config/exchange/counters.h"
#include "config/exchange/exchange_table.h"
#include "controlplane/daemon/events.h"
#include "controlplane/daemon/show.h"
#include "controlplane/daemon/text.h"
#include "controlplane/daemon/uplink.h"
#include "controlplane/resolve/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { ROWS = 1000, EVENTS = 50, VALUE_MAX = 600 };

static unsigned count_of(struct request *r, unsigned otherwise)
{
	const char *v = schema_call_get(&r->call, "count");

	return v ? (unsigned)strtoul(v, NULL, 10) : otherwise;
}

/* ---- tables ---- */

struct printing {
	struct request *r;
	const struct exchange_table *table;
	const struct exchange_column *columns;
	struct schema_text t;
	unsigned left, more, rows;
	uint64_t now;
	const char *only; /* rows that have this text somewhere; NULL: all */
};

/* the n-th of "idle|open|closing"; NULL: there is none */
static const char *nth_word(const char *words, uint64_t n, int *len)
{
	for (; n; n--) {
		words = strchr(words, '|');
		if (!words)
			return NULL;
		words++;
	}
	*len = (int)strcspn(words, "|");
	return words;
}

static void flags_text(const char *words, uint64_t bits, char *out, size_t cap)
{
	out[0] = '\0';
	for (unsigned i = 0; i < 64; i++) {
		size_t at = strlen(out);
		const char *w;
		int len;

		if (!(bits >> i & 1))
			continue;
		w = nth_word(words, i, &len);
		if (w)
			snprintf(out + at, cap - at, "%s%.*s", at ? "," : "", len, w);
		else
			snprintf(out + at, cap - at, "%s%u", at ? "," : "", i);
	}
}

static void wall_text(uint64_t ns, char *out, size_t cap)
{
	char when[32];

	snprintf(out, cap, "%s", ns ? text_time(ns / 1000000000u, when) : "");
}

/* as people read it */
static void value_text(const struct printing *p, const struct exchange_column *c, const uint8_t *data,
		       char *out, size_t cap)
{
	uint64_t n = exchange_column_number(c, data);
	const char *word;
	int len = 0;

	switch (c->kind) {
	case EXCHANGE_TEXT:
		snprintf(out, cap, "%.*s", (int)strnlen((const char *)data + c->at, c->size),
			 (const char *)data + c->at);
		for (char *s = out; *s; s++)
			if ((unsigned char)*s < ' ' || *s == 0x7f)
				*s = '?';
		break;
	case EXCHANGE_ADDRESS:
		text_address(data + c->at, out);
		break;
	case EXCHANGE_HEX:
		out[0] = '\0';
		for (unsigned i = 0; i < c->size && 2 * i + 3 < cap; i++)
			snprintf(out + (size_t)2 * i, 3, "%02x", data[c->at + i]);
		break;
	case EXCHANGE_SINCE:
		snprintf(out, cap, "%s", "");
		if (n)
			snprintf(out, cap, "%.1fs", p->now > n ? (double)(p->now - n) / 1e9 : 0.0);
		break;
	case EXCHANGE_WALL:
		wall_text(n, out, cap);
		break;
	case EXCHANGE_STATE:
		word = nth_word(c->help, n, &len);
		if (word)
			snprintf(out, cap, "%.*s", len, word);
		else
			snprintf(out, cap, "%llu", (unsigned long long)n);
		break;
	case EXCHANGE_FLAGS:
		flags_text(c->help, n, out, cap);
		break;
	default:
		snprintf(out, cap, "%llu", (unsigned long long)n);
	}
}

static unsigned width_of(const struct exchange_column *c)
{
	unsigned w = c->kind == EXCHANGE_TEXT	   ? (c->size < 40 ? c->size : 40)
		     : c->kind == EXCHANGE_ADDRESS ? 18
		     : c->kind == EXCHANGE_HEX	   ? c->size * 2u
		     : c->kind == EXCHANGE_WALL	   ? 20
						   : 10;

	return w > strlen(c->name) ? w : (unsigned)strlen(c->name);
}

static bool number_in_json(const struct exchange_column *c)
{
	return c->kind == EXCHANGE_NUMBER || c->kind == EXCHANGE_SINCE;
}

static int print_row(void *ctx, const uint8_t *data)
{
	struct printing *p = ctx;
	bool wanted = !p->only;

	p->rows++;
	schema_text_reset(&p->t);
	schema_text_puts(&p->t, p->r->json ? "{" : "");
	for (unsigned i = 0; i < p->table->columns; i++) {
		const struct exchange_column *c = &p->columns[i];
		char value[2 * EXCHANGE_ROW_MAX + 8];

		value_text(p, c, data, value, sizeof(value));
		wanted |= p->only && strcasestr(value, p->only);
		if (!p->r->json) {
			if (i + 1 < p->table->columns)
				text_pad(&p->t, value, width_of(c));
			else
				schema_text_puts(&p->t, value);
			continue;
		}
		schema_text_puts(&p->t, i ? "," : "");
		schema_json_string(&p->t, c->name);
		schema_text_puts(&p->t, ":");
		if (c->kind == EXCHANGE_SINCE)
			schema_text_printf(&p->t, "%.3f", atof(*value ? value : "0"));
		else if (number_in_json(c))
			schema_text_puts(&p->t, value);
		else
			schema_json_string(&p->t, value);
	}
	if (!wanted)
		return 0;
	if (!p->left) {
		p->more++;
		return 0;
	}
	p->left--;
	schema_text_puts(&p->t, p->r->json ? "}" : "\n");
	if (p->r->json)
		reply_row(p->r, p->t.p, p->t.n);
	else
		reply_raw(p->r, p->t.p, p->t.n);
	return 0;
}

static void print_head(struct printing *p)
{
	schema_text_reset(&p->t);
	for (unsigned i = 0; i < p->table->columns; i++)
		if (i + 1 < p->table->columns)
			text_pad(&p->t, p->columns[i].name, width_of(&p->columns[i]));
		else
			schema_text_printf(&p->t, "%s\n", p->columns[i].name);
	if (p->t.n)
		reply_raw(p->r, p->t.p, p->t.n);
}

static void no_file(struct request *r, const char *what, int rc, const char *why)
{
	reply_error(r, "dataplane", 0, 0, "%s/%s: %s%s%s", r->control->run_dir, what,
		    rc == -ENOENT ? "is not there: no dataplane has run here" : why,
		    rc == -ENOENT || rc == -EPROTO ? "" : ": ",
		    rc == -ENOENT || rc == -EPROTO ? "" : strerror(-rc));
	reply_end(r, 1);
}

static void show_table(struct request *r, const char *name)
{
	struct printing p = {.r = r,
			     .left = count_of(r, ROWS),
			     .now = resolve_now(),
			     .only = schema_call_get(&r->call, "with")};
	struct exchange_tables_view v;
	const char *why = "";
	int rc = exchange_tables_open(&v, r->control->run_dir, &why), i;

	if (rc)
		return no_file(r, EXCHANGE_TABLES, rc, why);
	i = exchange_tables_find(&v, name);
	if (i < 0) {
		reply_error(r, "none", 0, 0, "this dataplane keeps no table of %s", name);
		exchange_tables_view_free(&v);
		return reply_end(r, 1);
	}
	p.table = &v.super.table[i];
	p.columns = v.columns[i];
	if (!v.alive && !r->json)
		reply_text(r, "the dataplane does not run; this is what it had\n");
	if (!r->json)
		print_head(&p);
	rc = exchange_tables_each(&v, (unsigned)i, print_row, &p);
	if (rc)
		reply_error(r, "dataplane", 0, 0, "the table ended early: %s", strerror(-rc));
	if (!r->json && p.more)
		reply_text(r, "… and %u more; say how many\n", p.more);
	/* each worker has its share of the rows: one may be full long before all are */
	if (!r->json && p.rows >= p.table->rows / 2)
		reply_text(r,
			   "%u of the %u rows that the dataplane keeps, the same number for each worker: "
			   "there may be "
			   "more than it can show\n",
			   p.rows, p.table->rows);
	if (!r->json && v.skipped)
		reply_text(r, "%llu rows were changing all the time and are left out\n",
			   (unsigned long long)v.skipped);
	schema_text_fini(&p.t);
	exchange_tables_view_free(&v);
	reply_end(r, rc ? 1 : 0);
}

void show_peers(struct request *r)
{
	show_table(r, "peers");
}

void show_partners(struct request *r)
{
	show_table(r, "partners");
}

void show_transactions(struct request *r)
{
	show_table(r, "transactions");
}

void show_limits(struct request *r)
{
	show_table(r, "limits");
}

/* ---- counters ---- */

static void counter_row(struct request *r, struct schema_text *t, const struct counters_view *v,
			const struct counters_table *table, const char *instance,
			const struct counters_row *row, uint64_t value)
{
	const char *word = NULL;
	int len = 0;

	if (row->kind == COUNTERS_STATE)
		word = nth_word(row->help, value, &len);
	schema_text_reset(t);
	if (r->json) {
		schema_text_puts(t, "{\"table\":");
		schema_json_string(t, table->name);
		schema_text_puts(t, ",\"instance\":");
		schema_json_string(t, instance);
		schema_text_puts(t, ",\"name\":");
		schema_json_string(t, row->name);
		if (word)
			schema_text_printf(t, ",\"value\":\"%.*s\"}", len, word);
		else
			schema_text_printf(t, ",\"value\":%llu}", (unsigned long long)value);
		reply_row(r, t->p, t->n);
		return;
	}
	text_pad(t, table->name, 10);
	text_pad(t, instance, 8);
	text_pad(t, row->name, 32);
	if (word)
		schema_text_printf(t, "%14.*s\n", len, word);
	else
		schema_text_printf(t, "%14llu  %s\n", (unsigned long long)value,
				   row->kind == COUNTERS_STATE ? "" : row->help);
	reply_raw(r, t->p, t->n);
}

/* sums where they may be added up; what is 0 is left out unless `all` is said */
static void show_counted(struct request *r, const char *needle)
{
	bool all = schema_call_get(&r->call, "all") != NULL;
	const char *with = schema_call_get(&r->call, "with");
	struct schema_text t = {0};
	struct counters_view v;
	const char *why = "";
	int rc = counters_read(&v, r->control->run_dir, &why);

	if (rc)
		return no_file(r, "counters", rc, why);
	if (!v.alive && !r->json)
		reply_text(r, "the dataplane does not run; this is what it had counted\n");
	for (unsigned i = 0; i < v.super->n_tables; i++) {
		const struct counters_table *table = &v.super->tables[i];

		for (unsigned k = 0; k < table->n_rows; k++) {
			const struct counters_row *row = counters_view_row(&v, table, k);
			uint64_t sum = 0;

			if ((needle && !strstr(row->name, needle)) ||
			    (with && !strcasestr(row->name, with) && !strcasestr(table->name, with)))
				continue;
			for (unsigned n = 0; n < table->n_instances; n++)
				sum += counters_view_value(&v, table, n, k);
			if (row->kind == COUNTERS_SUM) {
				if (sum || all)
					counter_row(r, &t, &v, table, "all", row, sum);
				continue;
			}
			for (unsigned n = 0; n < table->n_instances; n++)
				counter_row(r, &t, &v, table, counters_view_instance(&v, table, n), row,
					    counters_view_value(&v, table, n, k));
		}
	}
	schema_text_fini(&t);
	counters_view_free(&v);
	reply_end(r, 0);
}

void show_drops(struct request *r)
{
	show_counted(r, "drop.");
}

void show_counters(struct request *r)
{
	show_counted(r, NULL);
}

/* ---- events ---- */

static void event_json(struct request *r, const struct exchange_event *e, struct schema_text *t)
{
	char address[64], text[1024];
	static const uint8_t none[16];

	schema_text_printf(t, "{\"at\":%llu.%09llu,\"kind\":\"%s\",\"level\":%u",
			   (unsigned long long)(e->wall_ns / 1000000000u),
			   (unsigned long long)(e->wall_ns % 1000000000u), events_kind(e->kind), e->level);
	if (e->side == 1 || e->side == 2)
		schema_text_printf(t, ",\"side\":\"%s\"", e->side == 1 ? "external" : "internal");
	if (e->domain_len) {
		snprintf(text, sizeof(text), "%.*s", e->domain_len, e->domain);
		schema_text_puts(t, ",\"domain\":");
		schema_json_string(t, text);
	}
	if (e->peer_len) {
		snprintf(text, sizeof(text), "%.*s", e->peer_len, e->peer_name);
		schema_text_puts(t, ",\"peer\":");
		schema_json_string(t, text);
	}
	if (memcmp(e->address, none, sizeof(none))) {
		text_address(e->address, address);
		schema_text_printf(t, ",\"address\":\"%s\",\"port\":%u", address, e->port);
	}
	if (e->status)
		schema_text_printf(t, ",\"status\":%u", e->status);
	if (e->reason)
		schema_text_printf(t, ",\"reason\":%u", e->reason);
	if (e->ms_id)
		schema_text_printf(t, ",\"ms_id\":%u", e->ms_id);
	if (e->rule)
		schema_text_printf(t, ",\"rule\":%u", e->rule);
	if (e->call_id)
		schema_text_printf(t, ",\"call_id\":\"%016llx\"", (unsigned long long)e->call_id);
	if (e->worker != 0xffff)
		schema_text_printf(t, ",\"worker\":%u", e->worker);
	schema_text_printf(t, ",\"count\":%u,\"text\":", e->count ? e->count : 1);
	events_text(e, text, sizeof(text));
	schema_json_string(t, text);
	schema_text_puts(t, "}");
	reply_row(r, t->p, t->n);
}

static bool event_wanted(const struct exchange_event *e, const char *with)
{
	char text[1024];

	if (!with)
		return true;
	events_text(e, text, sizeof(text));
	return strcasestr(text, with) != NULL;
}

/* the newest last, as a log is read */
void show_events(struct request *r)
{
	const struct events *all = r->control->events;
	const char *with = schema_call_get(&r->call, "with");
	uint64_t n = all ? all->n : 0, kept = n < EVENTS_KEPT ? n : EVENTS_KEPT, from = n;
	unsigned left = count_of(r, EVENTS);
	struct uplink_state state;
	struct schema_text t = {0};
	char text[1024], when[32];

	uplink_state(r->control, &state);
	if (!r->json && (state.lost || state.malformed))
		reply_text(r, "%llu messages found no room on their way, %llu made no sense\n",
			   (unsigned long long)state.lost, (unsigned long long)state.malformed);
	while (left && from > n - kept)
		left -= event_wanted(&all->kept[--from % EVENTS_KEPT], with);
	for (; from < n; from++) {
		const struct exchange_event *e = &all->kept[from % EVENTS_KEPT];

		if (!event_wanted(e, with))
			continue;
		schema_text_reset(&t);
		if (r->json) {
			event_json(r, e, &t);
			continue;
		}
		events_text(e, text, sizeof(text));
		reply_text(r, "%s.%03llu %s\n", text_time(e->wall_ns / 1000000000u, when),
			   (unsigned long long)(e->wall_ns / 1000000u % 1000u), text);
	}
	if (!n && !r->json)
		reply_text(r, "no events\n");
	schema_text_fini(&t);
	reply_end(r, 0);
}

/* What the candidate that is tried beside live traffic would have decided otherwise: what the dataplane
 * counts of it, and the last messages that would have fared differently. */
void show_shadow(struct request *r)
{
	struct control *c = r->control;
	const struct events *all = c->events;
	uint64_t n = all ? all->n : 0, kept = n < EVENTS_KEPT ? n : EVENTS_KEPT;
	struct schema_text t = {0};
	struct counters_view v;
	const char *why = "";
	char text[1024], when[32];
	unsigned differ = 0;

	if (!c->shadowing) {
		reply_say(r, "no candidate is being tried");
		return reply_end(r, 0);
	}
	reply_say(r, "%zu objects are tried beside what is in force", c->shadow_objects);
	if (counters_read(&v, c->run_dir, &why) == 0) {
		for (unsigned i = 0; i < v.super->n_tables; i++)
			for (unsigned k = 0; k < v.super->tables[i].n_rows; k++) {
				const struct counters_table *table = &v.super->tables[i];
				const struct counters_row *row = counters_view_row(&v, table, k);
				uint64_t sum = 0;

				if (row->kind != COUNTERS_SUM || !strstr(row->name, "shadow"))
					continue;
				for (unsigned w = 0; w < table->n_instances; w++)
					sum += counters_view_value(&v, table, w, k);
				counter_row(r, &t, &v, table, "all", row, sum);
			}
		counters_view_free(&v);
	}
	for (uint64_t i = n - kept; i < n; i++) {
		const struct exchange_event *e = &all->kept[i % EVENTS_KEPT];

		/* of a trial before it; workers look at the clock once a second and count on from there */
		if (e->kind != EXCHANGE_EVENT_SHADOW || e->wall_ns + 1000000 < c->shadow_since_ns)
			continue;
		differ++;
		schema_text_reset(&t);
		if (r->json) {
			event_json(r, e, &t);
			continue;
		}
		events_text(e, text, sizeof(text));
		reply_text(r, "%s.%03llu %s\n", text_time(e->wall_ns / 1000000000u, when),
			   (unsigned long long)(e->wall_ns / 1000000u % 1000u), text);
	}
	if (!differ && !r->json)
		reply_text(r,
			   "no message so far would have been decided otherwise; 'explain' asks for one that "
			   "has not come\n");
	schema_text_fini(&t);
	reply_end(r, 0);
}
