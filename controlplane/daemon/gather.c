/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/gather.h"
#include "controlplane/daemon/crl_fetch.h"
#include "controlplane/daemon/crl_learn.h"
#include "config/exchange/exchange_table.h"
#include "controlplane/daemon/events.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/daemon/pulse.h"
#include "controlplane/daemon/text.h"
#include "controlplane/daemon/uplink.h"
#include "controlplane/publish/publish.h"
#include "controlplane/resolve/cache.h"
#include "controlplane/resolve/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool count_block(void *ctx, const struct store_block *b)
{
	++*(uint64_t *)ctx;
	return true;
}

static void of_store(struct control *c, struct observe_facts *f)
{
	struct store_revision head = {0}, pending;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	f->version = SALLYPORT_VERSION;
	f->uptime_s = (uint64_t)now.tv_sec - c->started;
	c->store->ops->head(c->store, &head);
	f->revision = head.id;
	f->objects = head.objects;
	if (head.id)
		text_time(head.at, f->revision_at);
	snprintf(f->revision_by, sizeof(f->revision_by), "%.60s", head.id ? head.user : "nobody");
	f->pending = c->store->ops->pending(c->store, &pending) == 1;
	f->candidate = schema_map_count(&c->candidate.map);
	f->unstored = c->unstored != NULL;
	f->read_only = c->store->read_only;
	c->store->ops->blocks(c->store, count_block, &f->blocks);
}

static void of_segment(struct control *c, struct observe_facts *f)
{
	struct publish_state p = {0};

	f->segment = c->publish != NULL;
	if (!c->publish)
		return;
	publish_state(c->publish, &p);
	f->generation = p.generation;
	f->shown_revision = p.revision;
	f->domains = p.domains;
	f->dataplane = p.dataplane_alive;
	pulse_take(c, &f->heartbeat_age_ms);
}

static void of_rings(struct control *c, struct observe_facts *f)
{
	const struct cache *names = resolve_cache(c->resolve);
	struct uplink_state u;

	uplink_state(c, &u);
	f->questions = u.questions;
	f->answered = u.answered;
	f->late = u.late;
	f->refused = u.refused;
	f->events = u.events;
	f->malformed = u.malformed;
	f->lost = u.lost;
	f->names = names->n;
	f->asked = names->asked;
	f->stale = names->served_stale;
}

static void of_lists(const struct control *c, struct observe_facts *f)
{
	struct crl_learn_totals l;
	struct crl_fetch_totals t;

	crl_fetch_totals(c, &t);
	f->crl_came = t.came;
	f->crl_same = t.same;
	f->crl_failed = t.failed;
	f->crl_urls = t.urls;
	f->crl_outdated = t.outdated;
	f->crl_learned = t.learned;
	crl_learn_totals(c, &l);
	f->crl_chains = l.chains - l.refused;
	f->crl_chains_lost = l.refused + l.skipped + l.torn;
}

static void of_certificates(struct control *c, struct gather *g)
{
	const struct shelf *s = keeper_shelf(c);

	g->facts.certificate = g->certificate;
	for (unsigned i = 0; s && i < s->n; i++) {
		const struct shelf_item *it = &s->item[i];
		struct observe_certificate *to = &g->certificate[g->facts.certificates];

		if (it->sort != SHELF_CERTIFICATE ||
		    g->facts.certificates == sizeof(g->certificate) / sizeof(g->certificate[0]))
			continue;
		snprintf(to->name, sizeof(to->name), "%s", it->name);
		to->good = it->good && !it->problem[0];
		to->not_after = it->info.not_after;
		g->facts.certificates++;
	}
}

static void of_events(struct control *c, struct gather *g)
{
	const struct events *all = c->events;
	uint64_t n = all ? all->n : 0, kept = n < EVENTS_KEPT ? n : EVENTS_KEPT;

	g->facts.event = g->event;
	for (uint64_t i = n; i > n - kept && g->facts.events_n < sizeof(g->event) / sizeof(g->event[0]);
	     i--) {
		const struct exchange_event *e = &all->kept[(i - 1) % EVENTS_KEPT];
		struct observe_event *to = &g->event[g->facts.events_n++];
		char when[32];

		snprintf(to->when, sizeof(to->when), "%s.%03u", text_time(e->wall_ns / 1000000000u, when),
			 (unsigned)(e->wall_ns / 1000000u % 1000u));
		events_text(e, to->text, sizeof(to->text));
	}
}

/* ---- partners ---- */

struct walk {
	struct control *c;
	struct gather *g;
	const struct exchange_column *domain, *in, *out, *refused;
	unsigned own; /* rows with a name */
	struct schema_text body;
};

/* only names that an operator wrote: a stranger chooses no label */
static bool configured(struct walk *w, const char *domain)
{
	unsigned noun = schema_noun_index(schema_noun_named("partner"));
	struct store *s = w->c->store;
	char tree[SCHEMA_DOMAIN_MAX + 3];
	int has;

	schema_text_reset(&w->body);
	has = s->ops->get(s, noun, domain, &w->body);
	if (has == 0) {
		snprintf(tree, sizeof(tree), "*.%s", domain);
		has = s->ops->get(s, noun, tree, &w->body);
	}
	return has == 1;
}

/* the last place is that of all the others */
static struct observe_partner *place_of(struct walk *w, const char *domain)
{
	struct observe_partner *all = w->g->partner;

	/* several workers may have met it */
	for (unsigned i = 0; i < w->own; i++)
		if (strcmp(all[i].domain, domain) == 0)
			return &all[i];
	if (w->own == w->g->cap || !configured(w, domain))
		return &all[w->g->cap];
	snprintf(all[w->own].domain, sizeof(all[0].domain), "%s", domain);
	return &all[w->own++];
}

static int take_partner(void *ctx, const uint8_t *data)
{
	struct walk *w = ctx;
	struct observe_partner *p;
	char domain[SCHEMA_DOMAIN_MAX + 1];

	snprintf(domain, sizeof(domain), "%.*s",
		 (int)strnlen((const char *)data + w->domain->at, w->domain->size),
		 (const char *)data + w->domain->at);
	p = place_of(w, domain);
	p->in += exchange_column_number(w->in, data);
	p->out += exchange_column_number(w->out, data);
	p->refused += exchange_column_number(w->refused, data);
	return 0;
}

static const struct exchange_column *column_of(const struct exchange_tables_view *v, unsigned table,
					       const char *name, enum exchange_column_kind kind)
{
	for (unsigned i = 0; i < v->super.table[table].columns; i++)
		if (strcmp(v->columns[table][i].name, name) == 0 && v->columns[table][i].kind == kind)
			return &v->columns[table][i];
	return NULL;
}

static void of_partners(struct control *c, struct gather *g)
{
	struct walk w = {.c = c, .g = g};
	struct exchange_tables_view v;
	const char *why;
	int at;

	if (exchange_tables_open(&v, c->run_dir, &why))
		return;
	at = exchange_tables_find(&v, "partners");
	if (at >= 0) {
		w.domain = column_of(&v, (unsigned)at, "domain", EXCHANGE_TEXT);
		w.in = column_of(&v, (unsigned)at, "in", EXCHANGE_NUMBER);
		w.out = column_of(&v, (unsigned)at, "out", EXCHANGE_NUMBER);
		w.refused = column_of(&v, (unsigned)at, "refused", EXCHANGE_NUMBER);
	}
	/* a dataplane of another version may have other columns */
	if (w.domain && w.in && w.out && w.refused &&
	    exchange_tables_each(&v, (unsigned)at, take_partner, &w) == 0) {
		struct observe_partner *others = &g->partner[g->cap];

		g->partner[w.own] = *others;
		snprintf(g->partner[w.own].domain, sizeof(others->domain), "other");
		g->facts.partner = g->partner;
		g->facts.partners = w.own + 1;
	}
	schema_text_fini(&w.body);
	exchange_tables_view_free(&v);
}

struct gather *gather_make(struct control *c, unsigned partners)
{
	struct gather *g = calloc(1, sizeof(*g));
	const char *why = "";

	if (!g)
		return NULL;
	g->cap = partners;
	g->partner = calloc((size_t)partners + 1, sizeof(*g->partner));
	if (!g->partner) {
		free(g);
		return NULL;
	}
	of_store(c, &g->facts);
	of_segment(c, &g->facts);
	of_rings(c, &g->facts);
	of_certificates(c, g);
	of_lists(c, &g->facts);
	of_events(c, g);
	of_partners(c, g);
	if (counters_read(&g->view, c->run_dir, &why) == 0)
		g->facts.counters = &g->view;
	return g;
}

void gather_free(struct gather *g)
{
	if (!g)
		return;
	if (g->facts.counters)
		counters_view_free(&g->view);
	free(g->partner);
	free(g);
}
