/* SPDX-License-Identifier: BSD-3-Clause */
/* A peer's home: what is asked, what is answered, what is remembered. */
#include "dataplane/proxy/limit_peer.h"

#include <string.h>

#include "dataplane/base/sipmac.h"
#include "dataplane/proxy/limit_table.h"

#define SECOND_NS UINT64_C(1000000000)

enum {
	LEASE_SHARE = 20, /* one core holds at most this part of a second's messages: 5 % */
	LEASE_MS = 500,	  /* and no longer than this */
	OVER_TELL_S = 60,
};

unsigned limit_home(const struct siphash_key *key, const struct limit_key *peer, unsigned cores)
{
	/* other bits than the index of the table takes */
	return cores ? (unsigned)((siphash13(key, peer, sizeof(*peer)) & UINT32_MAX) % cores) : 0;
}

uint64_t limit_uri(struct policy_name user, struct policy_name domain)
{
	static const struct siphash_key key = {0x746f6e2065726120, 0x65726373206f6e20};
	struct sipmac s;
	uint64_t hash;

	sipmac_init(&s, &key);
	sipmac_field(&s, user.ptr, user.len);
	sipmac_field(&s, domain.ptr, domain.len);
	hash = sipmac_final64(&s);
	return hash ? hash : 1;
}

static void tell(const struct limit_table *t, const struct limit_peer *p, enum limit_event_kind kind,
		 struct limit_event *event)
{
	event->kind = (uint8_t)kind;
	limit_watch(t, p, &event->watch);
}

static void because(struct limit_peer *p, enum policy_watch_why why, int64_t wall_s)
{
	if (!(p->why & why))
		p->why_s = wall_s;
	p->why |= (uint8_t)why;
}

/* newest first; the oldest go when there is no room */
static void note_domain(struct limit_peer *p, const char *domain)
{
	size_t len = strnlen(domain, POLICY_NAME_MAX) + 1, at, one = 0;

	if (len == 1)
		return;
	for (at = 0; at < p->domains_len; at += one) {
		one = strlen(p->domains + at) + 1;
		if (one == len && memcmp(p->domains + at, domain, len) == 0)
			break;
	}
	if (at == 0 && p->domains_len)
		return;
	if (at < p->domains_len) {
		memmove(p->domains + len, p->domains, at);
	} else {
		while (p->domains_len + len > POLICY_WATCH_DOMAINS) {
			p->domains_len--;
			while (p->domains_len && p->domains[p->domains_len - 1] != '\0')
				p->domains_len--;
		}
		memmove(p->domains + len, p->domains, p->domains_len);
		p->domains_len = (uint16_t)(p->domains_len + len);
	}
	memcpy(p->domains, domain, len - 1);
	p->domains[len - 1] = '\0';
}

/* ---- URIs ---- */

static bool few_known(const struct limit_peer *p, uint64_t uri)
{
	for (unsigned i = 0; i < p->few_n; i++)
		if (p->few[i] == uri)
			return true;
	return false;
}

static bool uri_known(const struct limit_table *t, const struct limit_peer *p, uint64_t uri)
{
	const struct policy_uris *u;
	uint32_t at;

	if (!p->set)
		return few_known(p, uri);
	u = limit_set(t, p->set);
	for (at = (uint32_t)uri & (POLICY_URI_SLOTS - 1); u->slot[at]; at = (at + 1) & (POLICY_URI_SLOTS - 1))
		if (u->slot[at] == uri)
			return true;
	return false;
}

bool limit_table_knows_uri(const struct limit_table *t, const struct limit_key *peer, uint64_t uri)
{
	const struct limit_peer *p = limit_find(t, peer);

	return p && uri_known(t, p, uri);
}

static bool uri_put(struct limit_table *t, struct limit_peer *p, uint64_t uri)
{
	/* who may how many is decided here, by the sum with what was restored */
	const struct policy_limit_class all = {.uri_max = POLICY_URI_MAX};
	struct policy_uris *u;
	enum policy_uri done;

	if (!p->set && p->few_n < LIMIT_FEW_URIS) {
		p->few[p->few_n++] = uri;
		return true;
	}
	u = limit_grow(t, p);
	if (!u) {
		t->counts.no_set++;
		return false;
	}
	done = policy_uris_touch(u, &all, uri, 0);
	return done == POLICY_URI_NEW;
}

/* false: one too many */
static bool uri_touch(struct limit_table *t, struct limit_peer *p, const struct policy_limit_class *class,
		      uint64_t uri, int64_t wall_s, struct limit_event *event)
{
	uint32_t max = class->uri_max < POLICY_URI_MAX ? class->uri_max : POLICY_URI_MAX, n;

	if (!uri || !class->uri_max)
		return true;
	if (p->since_s && class->uri_reset_s && wall_s - p->since_s >= (int64_t) class->uri_reset_s)
		limit_forget_uris(t, p);
	if (uri_known(t, p, uri))
		return true;
	/* one of those that were counted before a reboot: from now on it is counted exactly */
	if (p->restored && limit_known_has(p->known, uri)) {
		if (uri_put(t, p, uri))
			p->restored--;
		return true;
	}
	if (limit_uris(t, p) >= max || !uri_put(t, p, uri)) {
		p->sample[p->uris_refused++ % 4] = uri;
		if (!(p->why & POLICY_WATCH_URIS)) {
			because(p, POLICY_WATCH_URIS, wall_s);
			tell(t, p, LIMIT_EVENT_WATCHED, event);
		}
		return false;
	}
	if (!p->since_s)
		p->since_s = wall_s ? wall_s : 1;
	n = limit_uris(t, p);
	/* at every multiple again: what a reboot forgets is less than one of them */
	if (class->uri_warn && n % class->uri_warn == 0) {
		because(p, POLICY_WATCH_MANY, wall_s);
		tell(t, p, LIMIT_EVENT_MANY, event);
	}
	return true;
}

/* ---- finals ---- */

void limit_ratio_changed(struct limit_table *t, struct limit_peer *p, int64_t wall_s,
			 struct limit_event *event)
{
	if (p->ratio.suspicious)
		because(p, POLICY_WATCH_SUSPICIOUS, wall_s);
	else
		p->why &= (uint8_t)~POLICY_WATCH_SUSPICIOUS;
	tell(t, p, p->ratio.suspicious ? LIMIT_EVENT_SUSPICIOUS : LIMIT_EVENT_CALM, event);
}

static void finals(struct limit_table *t, struct limit_peer *p, const struct policy_limit_class *class,
		   uint32_t good, uint32_t bad, uint64_t now_ns, int64_t wall_s, struct limit_event *event)
{
	if (bad && policy_ratio_add(&p->ratio, class, 404, bad, now_ns))
		limit_ratio_changed(t, p, wall_s, event);
	if (good && policy_ratio_add(&p->ratio, class, 200, good, now_ns))
		limit_ratio_changed(t, p, wall_s, event);
}

/* ---- the home's answer ---- */

static enum limit_verdict rate(struct limit_table *t, struct limit_peer *p,
			       const struct policy_limit_class *class, const struct limit_question *q,
			       uint64_t now_ns, int64_t wall_s, struct limit_answer *answer,
			       struct limit_event *event)
{
	switch (policy_bucket_take(&p->bucket, class, p->ratio.suspicious, q->held_since_ns, now_ns,
				   &answer->until_ns)) {
	case POLICY_TAKE_PASS:
		return LIMIT_PASS;
	case POLICY_TAKE_PAUSE:
		t->counts.paused++;
		return LIMIT_PAUSE;
	default:
		break;
	}
	p->over++;
	t->counts.rate++;
	because(p, POLICY_WATCH_RATE, wall_s);
	if (!p->over_told_ns || now_ns - p->over_told_ns >= OVER_TELL_S * SECOND_NS) {
		p->over_told_ns = now_ns;
		tell(t, p, LIMIT_EVENT_OVER, event);
	}
	answer->retry_after_s = class->retry_after_s;
	return LIMIT_RATE;
}

static void lease(struct limit_peer *p, const struct policy_limit_class *class, uint32_t want,
		  uint64_t now_ns, struct limit_answer *answer)
{
	uint32_t most = class->rate ? class->rate / LEASE_SHARE : want;

	/* a suspicious peer is looked at one by one */
	if (p->ratio.suspicious)
		most = 0;
	answer->tokens = policy_bucket_lease(&p->bucket, class, p->ratio.suspicious,
					     want < most ? want : most, now_ns);
	answer->expires_ns = now_ns + LEASE_MS * (SECOND_NS / 1000);
}

void limit_table_ask(struct limit_table *t, const struct limit_question *q,
		     const struct policy_limit_class *class, uint64_t now_ns, int64_t wall_s,
		     struct limit_answer *answer, struct limit_event *event)
{
	struct limit_answer unused;
	struct limit_peer *p;

	event->kind = LIMIT_EVENT_NONE;
	if (!answer)
		answer = &unused;
	*answer = (struct limit_answer){.peer = q->peer, .uri = q->uri, .verdict = LIMIT_PASS};
	if (!class)
		return;
	p = limit_make(t, &q->peer, event);
	p->limit_class = q->limit_class;
	p->seen_ns = now_ns;
	/* a torn time ahead of ours would stop the bucket, or the window, for good */
	if (p->bucket.at_ns > now_ns)
		memset(&p->bucket, 0, sizeof(p->bucket));
	if (p->ratio.slot_start_ns > now_ns)
		memset(&p->ratio, 0, sizeof(p->ratio));
	note_domain(p, q->domain);
	finals(t, p, class, q->good, q->bad, now_ns, wall_s, event);
	if (!q->request)
		return;
	answer->verdict = (uint8_t)rate(t, p, class, q, now_ns, wall_s, answer, event);
	if (answer->verdict != LIMIT_PASS)
		return;
	if (!uri_touch(t, p, class, q->uri, wall_s, event)) {
		t->counts.enumerated++;
		answer->verdict = LIMIT_ENUMERATE;
		return;
	}
	t->counts.passed++;
	answer->uri_known = q->uri != 0;
	lease(p, class, q->want, now_ns, answer);
}

void limit_table_final(struct limit_table *t, const struct limit_key *peer,
		       const struct policy_limit_class *class, unsigned status, uint64_t now_ns,
		       int64_t wall_s, struct limit_event *event)
{
	struct limit_peer *p = limit_find(t, peer);
	bool bad = policy_ratio_failure(status);

	event->kind = LIMIT_EVENT_NONE;
	if (p && class && status >= 200)
		finals(t, p, class, !bad, bad, now_ns, wall_s, event);
}
