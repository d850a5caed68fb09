/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/observe/metrics.h"

#include <inttypes.h>
#include <string.h>

/* A backslash and a line break are escaped, and in label values a quote; in help it stands for itself. */
static void escaped_but(struct schema_text *t, const char *s, char itself)
{
	for (; *s; s++) {
		if (*s == '\\' || (*s == '"' && *s != itself))
			schema_text_add(t, "\\", 1);
		if (*s == '\n')
			schema_text_puts(t, "\\n");
		else
			schema_text_add(t, s, 1);
	}
}

static void escaped(struct schema_text *t, const char *s)
{
	escaped_but(t, s, '\0');
}

/* letters, digits and _ are what a name may have */
static void name_part(struct schema_text *t, const char *s)
{
	for (; *s; s++)
		schema_text_add(t,
				(*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') ||
						(*s >= 'A' && *s <= 'Z')
					? s
					: "_",
				1);
}

static void family(struct schema_text *t, const char *name, const char *type, const char *help)
{
	schema_text_printf(t, "# HELP sallyport_%s ", name);
	escaped_but(t, help, '"');
	schema_text_printf(t, "\n# TYPE sallyport_%s %s\n", name, type);
}

static void one(struct schema_text *t, const char *name, const char *type, const char *help, uint64_t value)
{
	family(t, name, type, help);
	schema_text_printf(t, "sallyport_%s %" PRIu64 "\n", name, value);
}

static void control(const struct observe_facts *f, struct schema_text *t)
{
	family(t, "build_info", "gauge", "version of the control daemon");
	schema_text_puts(t, "sallyport_build_info{version=\"");
	escaped(t, f->version);
	schema_text_puts(t, "\"} 1\n");
	one(t, "control_uptime_seconds", "gauge", "age of the control daemon", f->uptime_s);
	one(t, "revision", "gauge", "revision in the store", f->revision);
	one(t, "objects", "gauge", "objects in the configuration in force", f->objects);
	one(t, "candidate_objects", "gauge", "objects that the open candidate changes", f->candidate);
	one(t, "blocks", "gauge", "emergency blocks in force", f->blocks);
	one(t, "commit_pending", "gauge", "1: a commit waits for its confirmation", f->pending);
	one(t, "block_unstored", "gauge", "1: a block is in force and could not be stored", f->unstored);
	one(t, "store_read_only", "gauge", "1: the store can only be read: nothing can be committed",
	    f->read_only);
	one(t, "segment_up", "gauge", "1: there is a policy segment", f->segment);
	one(t, "segment_generation", "gauge", "generation that the dataplane judges by", f->generation);
	one(t, "segment_revision", "gauge", "revision that this generation shows", f->shown_revision);
	one(t, "segment_domains", "gauge", "domains in it", f->domains);
	one(t, "dataplane_up", "gauge", "1: a dataplane reads the segment", f->dataplane);
	family(t, "dataplane_heartbeat_age_seconds", "gauge", "since the dataplane showed life last");
	schema_text_printf(t, "sallyport_dataplane_heartbeat_age_seconds %" PRIu64 ".%03u\n",
			   f->heartbeat_age_ms / 1000, (unsigned)(f->heartbeat_age_ms % 1000));
	one(t, "ring_questions_total", "counter", "questions of the dataplane", f->questions);
	one(t, "ring_answered_total", "counter", "of these, answered in time", f->answered);
	one(t, "ring_late_total", "counter", "of these, not answered in time", f->late);
	one(t, "ring_refused_total", "counter", "of these, refused: their asker asked too much", f->refused);
	one(t, "ring_events_total", "counter", "events of the dataplane", f->events);
	one(t, "ring_malformed_total", "counter", "messages of the dataplane that made no sense",
	    f->malformed);
	one(t, "ring_lost_total", "counter", "messages that found no room", f->lost);
	one(t, "dns_names", "gauge", "names kept, positive and negative", f->names);
	one(t, "dns_asked_total", "counter", "questions to the DNS", f->asked);
	one(t, "dns_stale_total", "counter", "answers served past their TTL", f->stale);
	one(t, "crl_urls", "gauge", "URLs from which revocation lists are fetched", f->crl_urls);
	one(t, "crl_outdated", "gauge", "of these, with a list whose next update is past", f->crl_outdated);
	one(t, "crl_learned", "gauge", "of these, URLs that certificates of peers have named",
	    f->crl_learned);
	one(t, "crl_chains_total", "counter",
	    "chains of peers that were looked at for the lists that they name", f->crl_chains);
	one(t, "crl_chains_lost_total", "counter",
	    "chains that were not looked at: they did not come whole, were too many, or nobody vouches for "
	    "them here",
	    f->crl_chains_lost);
	one(t, "crl_changed_total", "counter", "revocation lists that came and were new", f->crl_came);
	one(t, "crl_unchanged_total", "counter", "tries that found the same list", f->crl_same);
	one(t, "crl_failed_total", "counter", "tries that brought no list that may count", f->crl_failed);
}

static void certificates(const struct observe_facts *f, struct schema_text *t)
{
	if (!f->certificates)
		return;
	family(t, "certificate_not_after_seconds", "gauge", "end of a certificate, seconds since the epoch");
	for (unsigned i = 0; i < f->certificates; i++) {
		if (!f->certificate[i].not_after) /* not known: 0 would be an end long ago */
			continue;
		schema_text_puts(t, "sallyport_certificate_not_after_seconds{certificate=\"");
		escaped(t, f->certificate[i].name);
		schema_text_printf(t, "\"} %" PRId64 "\n", f->certificate[i].not_after);
	}
	family(t, "certificate_good", "gauge", "1: it is in use; 0: it cannot be used");
	for (unsigned i = 0; i < f->certificates; i++) {
		schema_text_puts(t, "sallyport_certificate_good{certificate=\"");
		escaped(t, f->certificate[i].name);
		schema_text_printf(t, "\"} %d\n", f->certificate[i].good);
	}
}

static void partners(const struct observe_facts *f, struct schema_text *t)
{
	static const struct {
		const char *name, *help;
		size_t at;
	} columns[] = {
		{"partner_in_total", "requests from a partner that were accepted, since it was met",
		 offsetof(struct observe_partner, in)},
		{"partner_out_total", "requests to a partner that were accepted, since it was met",
		 offsetof(struct observe_partner, out)},
		{"partner_refused_total", "requests of both that were refused, since it was met",
		 offsetof(struct observe_partner, refused)},
	};

	for (unsigned k = 0; f->partners && k < sizeof(columns) / sizeof(columns[0]); k++) {
		family(t, columns[k].name, "counter", columns[k].help);
		for (unsigned i = 0; i < f->partners; i++) {
			uint64_t value;

			memcpy(&value, (const char *)&f->partner[i] + columns[k].at, sizeof(value));
			schema_text_printf(t, "sallyport_%s{partner=\"", columns[k].name);
			escaped(t, f->partner[i].domain);
			schema_text_printf(t, "\"} %" PRIu64 "\n", value);
		}
	}
}

/* ---- what the dataplane counts ---- */

static bool is_drop(const struct counters_row *row)
{
	return row->kind == COUNTERS_SUM && strncmp(row->name, "drop.", 5) == 0;
}

static uint64_t sum_of(const struct counters_view *v, const struct counters_table *table, unsigned row)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < table->n_instances; i++)
		sum += counters_view_value(v, table, i, row);
	return sum;
}

/* the n-th of "down|up|lost" */
static void state_word(struct schema_text *t, const char *words, uint64_t n)
{
	for (; n && words; n--) {
		words = strchr(words, '|');
		words = words ? words + 1 : NULL;
	}
	if (words)
		schema_text_add(t, words, strcspn(words, "|"));
	else
		schema_text_puts(t, "unknown");
}

static void counter(const struct counters_view *v, const struct counters_table *table, unsigned at,
		    struct schema_text *name, struct schema_text *t)
{
	const struct counters_row *row = counters_view_row(v, table, at);

	schema_text_reset(name);
	name_part(name, table->name);
	schema_text_puts(name, "_");
	name_part(name, row->name);
	if (row->kind == COUNTERS_SUM) {
		schema_text_puts(name, "_total");
		one(t, name->p, "counter", row->help, sum_of(v, table, at));
		return;
	}
	if (row->kind != COUNTERS_GAUGE && row->kind != COUNTERS_STATE)
		return;
	family(t, name->p, "gauge", row->help);
	for (unsigned i = 0; i < table->n_instances; i++) {
		uint64_t value = counters_view_value(v, table, i, at);

		schema_text_printf(t, "sallyport_%s{instance=\"", name->p);
		escaped(t, counters_view_instance(v, table, i));
		if (row->kind == COUNTERS_STATE) {
			schema_text_puts(t, "\",state=\"");
			state_word(t, row->help, value);
			schema_text_puts(t, "\"} 1\n");
		} else {
			schema_text_printf(t, "\"} %" PRIu64 "\n", value);
		}
	}
}

static void dataplane(const struct counters_view *v, struct schema_text *t)
{
	struct schema_text name = {0};

	family(t, "drops_total", "counter", "what was discarded, by who did it and why");
	for (unsigned i = 0; i < v->super->n_tables; i++)
		for (unsigned k = 0; k < v->super->tables[i].n_rows; k++) {
			const struct counters_table *table = &v->super->tables[i];
			const struct counters_row *row = counters_view_row(v, table, k);

			if (!is_drop(row))
				continue;
			schema_text_puts(t, "sallyport_drops_total{module=\"");
			escaped(t, table->name);
			schema_text_puts(t, "\",reason=\"");
			escaped(t, row->name + 5);
			schema_text_printf(t, "\"} %" PRIu64 "\n", sum_of(v, table, k));
		}
	for (unsigned i = 0; i < v->super->n_tables; i++)
		for (unsigned k = 0; k < v->super->tables[i].n_rows; k++)
			if (!is_drop(counters_view_row(v, &v->super->tables[i], k)))
				counter(v, &v->super->tables[i], k, &name, t);
	schema_text_fini(&name);
}

int metrics_print(const struct observe_facts *f, struct schema_text *out)
{
	control(f, out);
	certificates(f, out);
	partners(f, out);
	if (f->counters)
		dataplane(f->counters, out);
	return schema_text_puts(out, "");
}
