/* SPDX-License-Identifier: BSD-3-Clause */
/* Static routes, and next hops inside: sets of hops by pattern or by name. */
#include "controlplane/publish/records_make.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hop_order(const void *a, const void *b)
{
	const struct policy_hop *x = a, *y = b;

	return x->priority < y->priority ? -1 : x->priority > y->priority;
}

int record_route_set(struct maker *m, const char *pattern, const char *name, struct hops *h)
{
	struct policy_route_set s = {.hops = (uint16_t)h->n};
	char id_name[SCHEMA_KEY_MAX + 8];

	snprintf(id_name, sizeof(id_name), "%s%.600s", pattern ? "" : "inside ", pattern ? pattern : name);
	s.id = records_id(m->ids, RECORDS_ROUTE, id_name);
	record_begin(&m->t, sizeof(s));
	s.hop_at = (uint16_t)m->t.n;
	schema_text_add(&m->t, (const char *)h->hop, h->n * sizeof(h->hop[0]));
	for (unsigned i = 0; i < h->n; i++)
		h->hop[i].host = record_string(&m->t, h->host[i]);
	if (!pattern) {
		s.flags = POLICY_ROUTE_NAMED;
		s.name = record_string(&m->t, id_name);
	} else if (strcmp(pattern, "*") == 0) {
		s.flags = POLICY_ROUTE_ANY;
	} else if (strncmp(pattern, "*.", 2) == 0) {
		s.flags = POLICY_ROUTE_SUBTREE;
		s.pattern = record_string(&m->t, pattern + 2);
	} else {
		s.pattern = record_string(&m->t, pattern);
	}
	if (m->t.n > UINT16_MAX)
		return -E2BIG;
	memcpy(m->t.p, &s, sizeof(s));
	/* hosts were placed in the order given; the best priority stands first */
	qsort(h->hop, h->n, sizeof(h->hop[0]), hop_order);
	memcpy(m->t.p + s.hop_at, h->hop, h->n * sizeof(h->hop[0]));
	return record_seal(&m->t, &m->table[POLICY_SMALL_ROUTES]);
}

bool record_collect_route(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;

	m->r = schema_map_put(&m->routes, 0, key, body, len, 0);
	return m->r == 0;
}

static void add_hop(struct maker *m, struct hops *h)
{
	struct policy_hop *p = &h->hop[h->n];

	memset(p, 0, sizeof(*p));
	p->priority = (uint16_t)schema_object_number(&m->o, "priority");
	p->weight = (uint16_t)schema_object_number(&m->o, "weight");
	p->flags = (uint16_t)((schema_object_yes(&m->o, "in-service") ? POLICY_HOP_IN_SERVICE : 0) |
			      (record_said(&m->o, "block") ? POLICY_HOP_BLOCK : 0) |
			      (schema_object_yes(&m->o, "less-specific") ? POLICY_HOP_LESS_SPECIFIC : 0) |
			      (record_said(&m->o, "insecure") ? POLICY_HOP_INSECURE : 0) |
			      (record_said(&m->o, "srv") ? POLICY_HOP_SRV : 0));
	record_hop_target(schema_object_key2(&m->o, NULL), p, h->host[h->n]);
	h->n++;
}

int record_routes(struct maker *m)
{
	const struct schema_entry **e;
	struct hops *h = calloc(1, sizeof(*h));
	char pattern[SCHEMA_KEY_MAX] = "", next[SCHEMA_KEY_MAX];
	size_t n;
	int r = h ? schema_map_sorted(&m->routes, &e, &n) : -ENOMEM;

	if (r) {
		free(h);
		return r;
	}
	for (size_t i = 0; i <= n && !r; i++) {
		snprintf(next, sizeof(next), "%.*s", i < n ? (int)strcspn(e[i]->key, " ") : 0,
			 i < n ? e[i]->key : "");
		if (h->n && strcmp(next, pattern)) {
			r = record_route_set(m, pattern, NULL, h);
			h->n = 0;
		}
		if (i == n)
			break;
		memcpy(pattern, next, strlen(next) + 1);
		if (!record_load(m, "route", e[i]->key, e[i]->body, e[i]->body_len))
			r = m->r;
		else if (h->n == POLICY_ROUTE_HOPS)
			r = -E2BIG;
		else
			add_hop(m, h);
	}
	free(e);
	free(h);
	return r;
}
