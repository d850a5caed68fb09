/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/proxy_limit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "config/exchange/event.h"
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_event.h"
#include "dataplane/proxy/server_half.h"

enum {
	PARKED_OF_CONN = 64, /* requests of one conn that a limit may hold */
	TICK_PEERS = 64,
};

int proxy_limit_open(struct proxy *p)
{
	struct limit_size size = {p->config.limit_peers, p->config.limit_sets};
	bool kept;
	void *m;

	p->limit_bytes = limit_table_bytes(size);
	/* zeroed, and touched as it is used */
	m = mmap(NULL, p->limit_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (m == MAP_FAILED)
		return -errno;
	p->limit_mem = m;
	p->limits_of = limit_table_open(m, size, &p->table_key, &kept);
	return p->limits_of ? 0 : -EINVAL;
}

void proxy_limit_close(struct proxy *p)
{
	if (p->limit_mem)
		munmap(p->limit_mem, p->limit_bytes);
}

static const struct policy_limit_class *class_of(void *ctx, uint8_t limit_class)
{
	const struct proxy *p = ctx;

	return p->view && limit_class ? p->view->ops->limit_class(p->view, limit_class) : NULL;
}

void proxy_limit_release(struct proxy *p, struct server_half *s)
{
	if (s->limited && s->conn != PROXY_NONE)
		proxy_conn_at(p, s->conn)->limited_n--;
	s->limited = false;
}

/* too fast, or too many: parked for a while, or refused */
static bool hold(struct proxy *p, struct proxy_passing *r, const struct limit_answer *a,
		 const struct policy_limit_class *class)
{
	uint64_t wait_ms = a->until_ns > p->now_ns ? (a->until_ns - p->now_ns) / 1000000 + 1 : 1;

	PROXY_COUNT(p, limited);
	if (a->verdict == LIMIT_ENUMERATE) {
		proxy_refuse_reason(p, r, POLICY_REASON_ENUMERATION);
		return false;
	}
	if (a->verdict == LIMIT_PAUSE && (r->s || r->c->limited_n < PARKED_OF_CONN) && proxy_take(p, r)) {
		if (!r->s->held_ns) {
			r->s->held_ns = p->now_ns;
			r->s->limited = true;
			r->c->limited_n++;
		}
		if (server_half_wait(p, r->s, SERVER_WAIT_LIMIT, (uint32_t)(wait_ms < 5000 ? wait_ms : 5000)))
			return false;
	}
	proxy_refuse_limit(p, r, class->retry_after_s);
	return false;
}

/* once for each conn: what was known of this peer before a restart */
static void remember(struct proxy *p, struct proxy_conn *c)
{
	const struct policy_watch *watch = NULL;
	uint8_t key[POLICY_WATCH_KEY_LEN];

	if (c->remembered)
		return;
	c->remembered = true;
	memcpy(key, &c->who, sizeof(key));
	if (p->ops && p->ops->watched)
		watch = p->ops->watched(p->ctx, key);
	if (watch && memcmp(watch->key, key, sizeof(key)) == 0)
		limit_table_restore(p->limits_of, watch, p->now_ns, p->wall_s);
}

bool proxy_limit_pass(struct proxy *p, struct proxy_passing *r)
{
	const struct policy_facts *f = &r->facts.facts;
	const struct policy_limit_class *class = class_of(p, r->verdict.limit_class);
	struct limit_question q = {.request = 1, .limit_class = r->verdict.limit_class};
	struct limit_answer a;
	struct limit_event event = {.kind = LIMIT_EVENT_NONE};

	if (!class || f->direction != POLICY_INBOUND || f->message != POLICY_REQUEST ||
	    (r->s && r->s->counted))
		return true;
	remember(p, r->c);
	q.peer = r->c->who;
	q.uri = limit_uri(f->ruri_user, f->ruri_domain);
	q.held_since_ns = r->s ? r->s->held_ns : 0;
	memcpy(q.domain, f->from_domain.ptr, f->from_domain.len);
	limit_table_ask(p->limits_of, &q, class, p->now_ns, p->wall_s, &a, &event);
	proxy_event_limit(p, r->c, &event);
	if (a.verdict != LIMIT_PASS)
		return hold(p, r, &a, class);
	if (!proxy_take(p, r)) {
		proxy_refuse_reason(p, r, POLICY_REASON_OVERLOAD);
		return false;
	}
	r->s->counted = r->verdict.limit_class;
	proxy_limit_release(p, r->s);
	return true;
}

void proxy_limit_final(struct proxy *p, const struct server_half *s, unsigned status)
{
	const struct proxy_conn *c = proxy_conn_up(p, s->conn, s->conn_gen);
	const struct policy_limit_class *class = class_of(p, s->counted);
	struct limit_event event = {.kind = LIMIT_EVENT_NONE};

	if (!c || !class)
		return;
	limit_table_final(p->limits_of, &c->who, class, status, p->now_ns, p->wall_s, &event);
	proxy_event_limit(p, c, &event);
}

void proxy_limit_tick(struct proxy *p)
{
	struct limit_event event;

	for (unsigned i = 0; i < TICK_PEERS; i++) {
		event.kind = LIMIT_EVENT_NONE;
		if (!limit_table_tick(p->limits_of, &p->limit_at, class_of, p, p->now_ns, p->wall_s,
				      &event)) {
			p->limit_at = 0;
			break;
		}
		proxy_event_limit(p, NULL, &event);
	}
}

void proxy_watch_restore(struct proxy *p, const struct policy_watch *watch)
{
	limit_table_restore(p->limits_of, watch, p->now_ns, p->wall_s);
}

bool proxy_watch_reset(struct proxy *p, const uint8_t key[POLICY_WATCH_KEY_LEN])
{
	struct limit_key peer;

	memcpy(&peer, key, sizeof(peer));
	return limit_table_reset(p->limits_of, &peer);
}
