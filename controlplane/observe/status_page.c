/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/observe/status_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DAY_S = 86400, NEAR_DAYS = 30, DROPS = 40 };

static void escaped(struct schema_text *t, const char *s)
{
	for (; *s; s++) {
		const char *as = *s == '<'    ? "&lt;"
				 : *s == '>'  ? "&gt;"
				 : *s == '&'  ? "&amp;"
				 : *s == '"'  ? "&quot;"
				 : *s == '\'' ? "&#39;"
					      : NULL;

		if (as)
			schema_text_puts(t, as);
		else
			schema_text_add(t, s, 1);
	}
}

static void row(struct schema_text *t, const char *what, const char *value, bool bad)
{
	schema_text_printf(t, "<tr%s><th>", bad ? " class=\"bad\"" : "");
	escaped(t, what);
	schema_text_puts(t, "</th><td>");
	escaped(t, value);
	schema_text_puts(t, "</td></tr>\n");
}

static void number_cell(struct schema_text *t, uint64_t n)
{
	schema_text_printf(t, "<td class=\"n\">%" PRIu64 "</td>", n);
}

static void overview(const struct observe_facts *f, struct schema_text *t)
{
	char text[512];

	schema_text_puts(t, "<table>\n");
	snprintf(text, sizeof(text), "%s", f->dataplane ? "alive" : "NOT RUNNING");
	row(t, "dataplane", text, !f->dataplane);
	snprintf(text, sizeof(text), "%s, up %" PRIu64 " s", f->version, f->uptime_s);
	row(t, "control", text, false);
	snprintf(text, sizeof(text), "%" PRIu64 " of %s by %s, %" PRIu64 " objects", f->revision,
		 f->revision_at, f->revision_by, f->objects);
	row(t, "revision", text, false);
	if (f->segment)
		snprintf(text, sizeof(text),
			 "generation %" PRIu64 " shows revision %" PRIu64 ", %" PRIu64 " domains",
			 f->generation, f->shown_revision, f->domains);
	else
		snprintf(text, sizeof(text), "NONE: nothing is published");
	row(t, "segment", text, !f->segment);
	if (f->pending)
		row(t, "commit", "waits for its confirmation, or is taken back", true);
	if (f->unstored)
		row(t, "block", "IS IN FORCE AND NOT STORED; it is tried again", true);
	if (f->read_only)
		row(t, "store", "CAN ONLY BE READ: nothing can be committed", true);
	snprintf(text, sizeof(text), "%" PRIu64, f->blocks);
	row(t, "emergency blocks", text, false);
	schema_text_puts(t, "</table>\n");
}

static void certificates(const struct observe_facts *f, int64_t now, struct schema_text *t)
{
	if (f->certificates)
		schema_text_puts(t, "<h2>Certificates</h2>\n<table>\n");
	for (unsigned i = 0; i < f->certificates; i++) {
		const struct observe_certificate *c = &f->certificate[i];
		int64_t days = (c->not_after - now) / DAY_S;
		char text[64];

		if (!c->good)
			snprintf(text, sizeof(text), "CANNOT BE USED: show certificates says why");
		else if (!c->not_after)
			snprintf(text, sizeof(text), "as it was before the daemon started");
		else
			snprintf(text, sizeof(text), "%" PRId64 " days left", days);
		row(t, c->name, text, !c->good || (c->not_after && days < NEAR_DAYS));
	}
	if (f->certificates)
		schema_text_puts(t, "</table>\n");
}

static void partners(const struct observe_facts *f, struct schema_text *t)
{
	if (f->partners)
		schema_text_puts(t,
				 "<h2>Partners that were met</h2>\n<table>\n<tr><th>partner</th><th>in</th>"
				 "<th>out</th><th>refused</th></tr>\n");
	for (unsigned i = 0; i < f->partners; i++) {
		schema_text_puts(t, "<tr><td>");
		escaped(t, f->partner[i].domain);
		schema_text_puts(t, "</td>");
		number_cell(t, f->partner[i].in);
		number_cell(t, f->partner[i].out);
		number_cell(t, f->partner[i].refused);
		schema_text_puts(t, "</tr>\n");
	}
	if (f->partners)
		schema_text_puts(t, "</table>\n");
}

/* reasons that happened; which of them matter only the operator knows */
static void drops(const struct counters_view *v, struct schema_text *t)
{
	unsigned left = DROPS;

	schema_text_puts(t, "<h2>Discarded</h2>\n<table>\n");
	for (unsigned i = 0; i < v->super->n_tables; i++)
		for (unsigned k = 0; k < v->super->tables[i].n_rows; k++) {
			const struct counters_table *table = &v->super->tables[i];
			const struct counters_row *r = counters_view_row(v, table, k);
			uint64_t sum = 0;

			if (r->kind != COUNTERS_SUM || strncmp(r->name, "drop.", 5))
				continue;
			for (unsigned n = 0; n < table->n_instances; n++)
				sum += counters_view_value(v, table, n, k);
			if (!sum || !left)
				continue;
			left--;
			schema_text_puts(t, "<tr><th>");
			escaped(t, table->name);
			schema_text_puts(t, " ");
			escaped(t, r->name + 5);
			schema_text_puts(t, "</th>");
			number_cell(t, sum);
			schema_text_puts(t, "<td>");
			escaped(t, r->help);
			schema_text_puts(t, "</td></tr>\n");
		}
	schema_text_puts(t, "</table>\n");
}

int status_page_print(const struct observe_facts *f, int64_t now, struct schema_text *out)
{
	schema_text_puts(
		out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		     "<meta http-equiv=\"refresh\" content=\"5\"><title>Sallyport</title>\n<style>"
		     "body{font:14px/1.4 sans-serif;margin:2em;color:#222;background:#fff}"
		     "table{border-collapse:collapse;margin-bottom:1em}"
		     "th,td{text-align:left;padding:.15em .8em .15em 0;vertical-align:top;font-weight:normal}"
		     "th{color:#666}.n{text-align:right;font-variant-numeric:tabular-nums}"
		     ".bad td{color:#b00;font-weight:bold}h1{font-size:1.4em}h2{font-size:1.1em}"
		     "</style></head><body>\n<h1>Sallyport</h1>\n");
	overview(f, out);
	certificates(f, now, out);
	partners(f, out);
	if (f->counters)
		drops(f->counters, out);
	if (f->events_n)
		schema_text_puts(out, "<h2>Last events</h2>\n<table>\n");
	for (unsigned i = 0; i < f->events_n; i++)
		row(out, f->event[i].when, f->event[i].text, false);
	if (f->events_n)
		schema_text_puts(out, "</table>\n");
	return schema_text_puts(out, "<p><a href=\"/metrics\">metrics</a></p>\n</body></html>\n");
}
