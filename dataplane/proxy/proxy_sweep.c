/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/proxy_sweep.h"

#include "config/exchange/event.h"
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_event.h"
#include "dataplane/proxy/proxy_self.h"

enum { SLICE = 256, GRACE_MS = 600, LATEST_MS = 900 };

/* The names lie one behind the other, each behind its length; a list that is full says so and saves its conn.
 */
struct domain_list {
	uint16_t used;
	uint16_t full;
	uint8_t text[];
};

static struct domain_list *list_of(const struct proxy *p, const struct proxy_conn *c)
{
	return (struct domain_list *)(void *)proxy_buf_at(&p->bufs, c->domains_buf);
}

static bool listed(const struct domain_list *l, struct policy_name domain)
{
	for (uint32_t at = 0; at < l->used; at += 1u + l->text[at])
		if (l->text[at] == domain.len && memcmp(l->text + at + 1, domain.ptr, domain.len) == 0)
			return true;
	return false;
}

void proxy_sweep_domain(struct proxy *p, struct proxy_conn *c, struct policy_name domain)
{
	struct domain_list *l;
	uint64_t hash;

	if (c->side != LINK_EXTERNAL || !domain.len || domain.len > POLICY_NAME_MAX)
		return;
	/* the same as the last time, as a rule */
	hash = siphash13(&p->table_key, domain.ptr, domain.len);
	if (hash == c->domain_hash)
		return;
	if (c->domains_buf == PROXY_BUF_NONE) {
		c->domains_buf = proxy_buf_get(&p->bufs, 2048);
		if (c->domains_buf == PROXY_BUF_NONE)
			return;
		l = list_of(p, c);
		l->used = l->full = 0;
	}
	c->domain_hash = hash;
	l = list_of(p, c);
	if (listed(l, domain))
		return;
	if (sizeof(*l) + l->used + 1 + domain.len > 2048) {
		l->full = 1;
		return;
	}
	l->text[l->used] = (uint8_t)domain.len;
	memcpy(l->text + l->used + 1, domain.ptr, domain.len);
	l->used = (uint16_t)(l->used + 1 + domain.len);
}

static bool blocked(const struct proxy *p, struct policy_name name)
{
	struct policy_hit hit;
	struct policy_match match;

	memset(&hit, 0, sizeof(hit));
	p->view->ops->domains(p->view, &name, 1, &hit);
	switch (policy_hit_resolve(&hit, &match)) {
	case POLICY_BLOCKED:
	case POLICY_HARD_BLOCKED:
		return true;
	default:
		return false;
	}
}

/* nothing that it ever carried may pass any more */
static bool all_cut(const struct proxy *p, const struct proxy_conn *c)
{
	const struct domain_list *l;

	if (c->domains_buf == PROXY_BUF_NONE)
		return false;
	if (!(p->view->box->flags & POLICY_BOX_FEDERATION))
		return true;
	l = list_of(p, c);
	if (l->full)
		return false;
	for (uint32_t at = 0; at < l->used; at += 1u + l->text[at])
		if (!blocked(p, (struct policy_name){(const char *)l->text + at + 1, l->text[at]}))
			return false;
	return true;
}

/* Known by his key alone, and nobody pins it any more: whom he calls himself is worth nothing. */
static bool unpinned(const struct proxy *p, const struct proxy_conn *c)
{
	return c->peer.pinned_only &&
	       !policy_small_named(p->view, POLICY_SMALL_PINS,
				   (struct policy_name){(const char *)c->peer.spki, POLICY_SPKI_LEN});
}

static void cut(struct proxy *p, struct proxy_conn *c, const char *why)
{
	PROXY_COUNT(p, links_closed_blocked);
	proxy_event_conn(p, c, EXCHANGE_EVENT_CUT, why);
	proxy_conn_close(p, c, why);
}

void proxy_sweep_turn(struct proxy *p)
{
	if (!p->view)
		return;
	/* A new generation: all conns are looked at again, from the first; not at once, so that a BYE still
	 * passes where its dialog began, but well within the second that section 1.2 gives. */
	if (p->sweep_epoch != p->trust_epoch && (p->sweep_waits || p->sweep_at >= p->conn_pool.touched)) {
		uint32_t due_ms = p->now_ms + GRACE_MS;

		/* generations may follow each other faster than that */
		if (!p->sweep_waits)
			p->sweep_last_ms = p->now_ms + LATEST_MS;
		p->sweep_due_ms = (int32_t)(due_ms - p->sweep_last_ms) < 0 ? due_ms : p->sweep_last_ms;
		p->sweep_waits = true;
		p->sweep_epoch = p->trust_epoch;
		p->sweep_at = 0;
	}
	if ((int32_t)(p->now_ms - p->sweep_due_ms) < 0)
		return;
	p->sweep_waits = false;
	for (unsigned n = 0; n < SLICE && p->sweep_at < p->conn_pool.touched; n++) {
		struct proxy_conn *c = proxy_conn_at(p, p->sweep_at++);

		if (c->state != PROXY_CONN_UP)
			continue;
		if (c->side == LINK_EXTERNAL && unpinned(p, c))
			cut(p, c, "nobody pins its key any more");
		else if (c->side == LINK_EXTERNAL && all_cut(p, c))
			cut(p, c, "every domain that it carried is cut");
		else if (c->plain_in && !c->shadow && !proxy_self_trusts(p, c))
			cut(p, c, "its address may not connect without TLS any more");
	}
}

/* the alarm of section 1.1: so many requests of unknown domains a second */
void proxy_sweep_second(struct proxy *p)
{
	uint32_t n = p->unknown_domains;
	struct exchange_event e;

	p->unknown_domains = 0;
	p->told_refused = 0;
	p->told_shadow = 0;
	if (!p->view || !n || !p->ops || !p->ops->event || !p->view->box->refused_warn ||
	    n < p->view->box->refused_warn)
		return;
	e = (struct exchange_event){.kind = EXCHANGE_EVENT_UNKNOWN_DOMAIN,
				    .wall_ns = p->wall_ns,
				    .worker = (uint16_t)p->core,
				    .level = 4,
				    .count = n};
	if (p->view->box->refused_error && n >= p->view->box->refused_error)
		e.level = 3;
	p->ops->event(p->ctx, &e);
}
