/* SPDX-License-Identifier: BSD-3-Clause */
/* What time, the operator and a restart do to what is remembered of peers. */
#include <string.h>

#include "dataplane/proxy/limit_table.h"

#define SECOND_NS UINT64_C(1000000000)

enum {
	IDLE_S = 3600, /* a peer with nothing to remember is kept this long */
};

static void tick_one(struct limit_table *t, struct limit_peer *p, const struct policy_limit_class *class,
		     uint64_t now_ns, int64_t wall_s, struct limit_event *event)
{
	if (!class) {
		/* allow-listed, or its class is gone: nothing to limit it by */
		limit_drop(t, p);
		return;
	}
	if (policy_ratio_tick(&p->ratio, class, now_ns))
		limit_ratio_changed(t, p, wall_s, event);
	if (p->since_s && class->uri_reset_s && wall_s - p->since_s >= (int64_t) class->uri_reset_s)
		limit_forget_uris(t, p);
	/* the rate is a matter of the hour, the other reasons stay until reset or time */
	if (now_ns - p->over_told_ns >= IDLE_S * SECOND_NS)
		p->why &= (uint8_t)~POLICY_WATCH_RATE;
	if (!p->why && !p->ratio.suspicious && !limit_uris(t, p) && now_ns - p->seen_ns >= IDLE_S * SECOND_NS)
		limit_drop(t, p);
}

bool limit_table_tick(struct limit_table *t, uint32_t *at, limit_class_fn class_of, void *ctx,
		      uint64_t now_ns, int64_t wall_s, struct limit_event *event)
{
	enum { SOME = 16 };

	event->kind = LIMIT_EVENT_NONE;
	for (unsigned i = 0; i < SOME && *at < t->fresh_peer; i++) {
		struct limit_peer *p = &limit_peers(t)[(*at)++];

		if (p->used)
			tick_one(t, p, class_of(ctx, p->limit_class), now_ns, wall_s, event);
		/* one event at a time */
		if (event->kind != LIMIT_EVENT_NONE)
			return true;
	}
	return *at < t->fresh_peer;
}

void limit_table_restore(struct limit_table *t, const struct policy_watch *watch, uint64_t now_ns,
			 int64_t wall_s)
{
	struct limit_key key;
	struct limit_peer *p;
	uint32_t known;

	memcpy(&key, watch->key, sizeof(key));
	p = limit_make(t, &key, NULL);
	known = limit_uris(t, p);
	if (watch->uris > known) {
		p->restored += watch->uris - known;
		for (unsigned i = 0; i < POLICY_WATCH_KNOWN; i++)
			p->known[i] |= watch->known[i];
	}
	if (watch->uris_refused > p->uris_refused)
		p->uris_refused = watch->uris_refused;
	if (watch->over > p->over)
		p->over = watch->over;
	if (!p->since_s || (watch->since_s && watch->since_s < p->since_s))
		p->since_s = watch->since_s;
	if (!p->seen_ns)
		p->seen_ns = now_ns;
	if (!p->limit_class)
		p->limit_class = watch->limit_class;
	if (watch->why & ~p->why)
		p->why_s = watch->why_s;
	/* suspicion must be earned again: the window of samples is gone; the old one is still shown */
	if ((watch->why & POLICY_WATCH_SUSPICIOUS) && !p->ratio.suspicious) {
		p->ratio.suspicious = true;
		p->ratio.since_ns = now_ns;
		p->ratio.entered_good = watch->good;
		p->ratio.entered_bad = watch->bad;
	}
	p->why |= watch->why & (POLICY_WATCH_URIS | POLICY_WATCH_MANY | POLICY_WATCH_SUSPICIOUS);
	if (!p->domains_len && watch->domains_len <= POLICY_WATCH_DOMAINS) {
		memcpy(p->domains, watch->domains, sizeof(p->domains));
		p->domains[POLICY_WATCH_DOMAINS - 1] = '\0';
		p->domains_len = watch->domains_len;
		if (p->domains_len)
			p->domains[p->domains_len - 1] = '\0';
	}
	(void)wall_s;
}

bool limit_table_reset(struct limit_table *t, const struct limit_key *peer)
{
	struct limit_peer *p = limit_find(t, peer);

	if (!p)
		return false;
	limit_drop(t, p);
	return true;
}

void limit_table_reset_all(struct limit_table *t, limit_forgiven_fn forgiven, void *ctx)
{
	struct policy_watch none = {.why = 0};

	for (uint32_t i = 0; i < t->fresh_peer; i++) {
		struct limit_peer *p = &limit_peers(t)[i];
		bool told = p->used && (p->why || limit_uris(t, p));

		if (!p->used)
			continue;
		memcpy(none.key, &p->key, sizeof(none.key));
		limit_drop(t, p);
		if (told)
			forgiven(ctx, &none);
	}
}

bool limit_table_knows(const struct limit_table *t, const struct limit_key *peer)
{
	return limit_find(t, peer) != NULL;
}

bool limit_table_next(const struct limit_table *t, uint32_t *at, bool watched_only, struct policy_watch *out)
{
	while (*at < t->fresh_peer) {
		const struct limit_peer *p = &limit_peers(t)[(*at)++];

		if (!p->used || (watched_only && !p->why))
			continue;
		limit_watch(t, p, out);
		return true;
	}
	return false;
}
