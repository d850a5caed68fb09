/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/limit_gate.h"

#include <string.h>

void limit_gate_init(struct limit_gate *g, struct limit_table *home, const struct siphash_key *key,
		     unsigned core, unsigned cores)
{
	memset(g, 0, sizeof(*g));
	g->home = home;
	g->key = *key;
	g->core = core;
	g->cores = cores ? cores : 1;
}

static struct limit_away *ways_of(struct limit_gate *g, const struct limit_key *peer)
{
	uint64_t hash = siphash13(&g->key, peer, sizeof(*peer));

	/* other bits than limit_home() takes: one core's strangers spread over all slots */
	return &g->slot[(hash >> 40) % (LIMIT_GATE_SLOTS / LIMIT_GATE_WAYS) * LIMIT_GATE_WAYS];
}

static struct limit_away *away_find(struct limit_gate *g, const struct limit_key *peer)
{
	struct limit_away *way = ways_of(g, peer);

	for (unsigned i = 0; i < LIMIT_GATE_WAYS; i++)
		if (way[i].used_ns && memcmp(&way[i].peer, peer, sizeof(*peer)) == 0)
			return &way[i];
	return NULL;
}

/* who owes a report goes last, then who was used last */
static bool goes_before(const struct limit_away *a, const struct limit_away *b)
{
	bool owes_a = a->lease.good + a->lease.bad != 0, owes_b = b->lease.good + b->lease.bad != 0;

	if (!a->used_ns || !b->used_ns)
		return !a->used_ns && b->used_ns;
	return owes_a != owes_b ? owes_b : a->used_ns < b->used_ns;
}

static struct limit_away *away_make(struct limit_gate *g, const struct limit_key *peer, uint64_t now_ns)
{
	struct limit_away *a = away_find(g, peer), *way;

	if (!a) {
		way = ways_of(g, peer);
		a = way;
		for (unsigned i = 1; i < LIMIT_GATE_WAYS; i++)
			if (goes_before(&way[i], a))
				a = &way[i];
		g->unreported += a->lease.good + a->lease.bad;
		memset(a, 0, sizeof(*a));
		a->peer = *peer;
	}
	a->used_ns = now_ns ? now_ns : 1;
	return a;
}

enum limit_verdict limit_gate_take(struct limit_gate *g, struct limit_question *q,
				   const struct policy_limit_class *class, uint64_t now_ns, int64_t wall_s,
				   unsigned *to, struct limit_answer *a, struct limit_event *event)
{
	struct limit_away *away;

	event->kind = LIMIT_EVENT_NONE;
	*a = (struct limit_answer){.peer = q->peer, .uri = q->uri, .verdict = LIMIT_PASS};
	if (!class)
		return LIMIT_PASS;
	*to = limit_home(&g->key, &q->peer, g->cores);
	if (*to == g->core) {
		q->request = 1;
		q->want = q->good = q->bad = 0;
		limit_table_ask(g->home, q, class, now_ns, wall_s, a, event);
		return a->verdict;
	}
	away = away_make(g, &q->peer, now_ns);
	away->limit_class = q->limit_class;
	if (limit_lease_take(&away->lease, class, q->uri, now_ns) == LIMIT_PASS)
		return LIMIT_PASS;
	limit_lease_question(&away->lease, class, q->uri, now_ns, q);
	q->limit_class = away->limit_class;
	g->asked++;
	return LIMIT_ASK;
}

bool limit_gate_knows(struct limit_gate *g, const struct limit_key *peer, uint64_t uri, uint64_t now_ns)
{
	const struct limit_away *away;

	if (limit_home(&g->key, peer, g->cores) == g->core)
		return limit_table_knows_uri(g->home, peer, uri);
	away = away_find(g, peer);
	return away && limit_lease_knows(&away->lease, uri, now_ns);
}

void limit_gate_asked(struct limit_gate *g, const struct limit_question *q,
		      const struct policy_limit_class *class, uint64_t now_ns, int64_t wall_s,
		      struct limit_answer *a, struct limit_event *event)
{
	limit_table_ask(g->home, q, class, now_ns, wall_s, a, event);
}

void limit_gate_answer(struct limit_gate *g, const struct limit_answer *a, uint64_t now_ns)
{
	struct limit_away *away = away_find(g, &a->peer);

	/* lost its slot meanwhile: what was granted is lost with it */
	if (away)
		limit_lease_answer(&away->lease, a, now_ns);
}

void limit_gate_final(struct limit_gate *g, const struct limit_key *peer,
		      const struct policy_limit_class *class, uint8_t limit_class, unsigned status,
		      uint64_t now_ns, int64_t wall_s, struct limit_event *event)
{
	struct limit_away *away;

	event->kind = LIMIT_EVENT_NONE;
	if (!class)
		return;
	if (limit_home(&g->key, peer, g->cores) == g->core) {
		limit_table_final(g->home, peer, class, status, now_ns, wall_s, event);
		return;
	}
	away = away_make(g, peer, now_ns);
	away->limit_class = limit_class;
	limit_lease_final(&away->lease, status, now_ns);
}

bool limit_gate_report(struct limit_gate *g, uint32_t *at, uint64_t now_ns, struct limit_question *q,
		       unsigned *to)
{
	while (*at < LIMIT_GATE_SLOTS) {
		struct limit_away *a = &g->slot[(*at)++];

		if (!a->used_ns || !limit_lease_report(&a->lease, NULL, now_ns, q))
			continue;
		q->peer = a->peer;
		q->limit_class = a->limit_class;
		*to = limit_home(&g->key, &a->peer, g->cores);
		return true;
	}
	return false;
}
