/* SPDX-License-Identifier: BSD-3-Clause */
/* A peer away from home: what this core may spend, and what it owes a report of. */
#include <string.h>

#include "dataplane/proxy/limit_peer.h"

#define SECOND_NS UINT64_C(1000000000)

enum { KNOWN_S = 60, WANT = 64, REPORT_FINALS = 64 };

static uint64_t *known_at(struct limit_lease *l, uint64_t uri)
{
	return &l->uri[(uri >> 32) % LIMIT_LEASE_URIS];
}

enum limit_verdict limit_lease_take(struct limit_lease *l, const struct policy_limit_class *class,
				    uint64_t uri, uint64_t now_ns)
{
	if (!class)
		return LIMIT_PASS;
	if (now_ns >= l->expires_ns)
		l->tokens = 0;
	if (now_ns - l->known_ns >= KNOWN_S * SECOND_NS)
		memset(l->uri, 0, sizeof(l->uri));
	if (!l->tokens || (uri && class->uri_max && *known_at(l, uri) != uri))
		return LIMIT_ASK;
	l->tokens--;
	return LIMIT_PASS;
}

bool limit_lease_knows(const struct limit_lease *l, uint64_t uri, uint64_t now_ns)
{
	return now_ns - l->known_ns < KNOWN_S * SECOND_NS && l->uri[(uri >> 32) % LIMIT_LEASE_URIS] == uri;
}

static void take_finals(struct limit_lease *l, struct limit_question *q)
{
	q->good = l->good;
	q->bad = l->bad;
	l->good = l->bad = 0;
	l->reported_ns = 0;
}

void limit_lease_question(struct limit_lease *l, const struct policy_limit_class *class, uint64_t uri,
			  uint64_t now_ns, struct limit_question *q)
{
	q->uri = uri;
	q->request = 1;
	q->limit_class = class ? (uint8_t) class->id : 0;
	/* what was granted and is not spent yet counts */
	q->want = now_ns < l->expires_ns && l->tokens < WANT ? WANT - l->tokens : WANT;
	take_finals(l, q);
}

void limit_lease_answer(struct limit_lease *l, const struct limit_answer *a, uint64_t now_ns)
{
	if (a->tokens) {
		/* the old ones do not outlive the new: they are the younger's to expire with */
		l->tokens = now_ns < l->expires_ns ? l->tokens + a->tokens : a->tokens;
		l->expires_ns = a->expires_ns;
	}
	if (!a->uri_known || !a->uri)
		return;
	if (now_ns - l->known_ns >= KNOWN_S * SECOND_NS) {
		memset(l->uri, 0, sizeof(l->uri));
		l->known_ns = now_ns;
	}
	*known_at(l, a->uri) = a->uri;
}

void limit_lease_final(struct limit_lease *l, unsigned status, uint64_t now_ns)
{
	if (status < 200)
		return;
	if (policy_ratio_failure(status))
		l->bad++;
	else
		l->good++;
	if (!l->reported_ns)
		l->reported_ns = now_ns;
}

bool limit_lease_report(struct limit_lease *l, const struct policy_limit_class *class, uint64_t now_ns,
			struct limit_question *q)
{
	if (!l->reported_ns || (l->good + l->bad < REPORT_FINALS && now_ns - l->reported_ns < SECOND_NS))
		return false;
	q->uri = 0;
	q->want = 0;
	q->request = 0;
	q->held_since_ns = 0;
	q->limit_class = class ? (uint8_t) class->id : 0;
	q->domain[0] = '\0';
	take_finals(l, q);
	return true;
}
