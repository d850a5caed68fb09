/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/proxy_limit.h"

#include <errno.h>
#include <sys/mman.h>

#include "config/exchange/event.h"
#include "dataplane/proxy/limit_gate.h"
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_event.h"
#include "dataplane/proxy/proxy_mail.h"
#include "dataplane/proxy/server_half.h"

enum {
	PARKED_OF_CONN = 64, /* requests of one conn that a limit may hold */
	PAUSE_MS = 5000,     /* the longest step of a pause */
	ASK_MS = 1000,	     /* a home that answers later than this is as good as none */
	FULL_MS = 10,	     /* until a ring that was full is tried again */
	TICK_PEERS = 64,
};

int proxy_limit_open(struct proxy *p)
{
	struct limit_size size = {p->config.limit_peers, p->config.limit_sets};
	size_t gate = (limit_table_bytes(size) + 63) & ~(size_t)63;
	bool kept;
	void *m;

	p->limit_bytes = gate + sizeof(*p->gate);
	/* zeroed, and touched as it is used */
	m = mmap(NULL, p->limit_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (m == MAP_FAILED)
		return -errno;
	p->limit_mem = m;
	p->limits_of = limit_table_open(m, size, &p->table_key, &kept);
	if (!p->limits_of)
		return -EINVAL;
	p->gate = (struct limit_gate *)(void *)((uint8_t *)m + gate);
	/* alone, until there is mail */
	limit_gate_init(p->gate, p->limits_of, &p->table_key, 0, 1);
	return 0;
}

void proxy_limit_cores(struct proxy *p)
{
	limit_gate_init(p->gate, p->limits_of, &p->table_key, p->core, p->cores);
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

bool proxy_limit_room(const struct proxy_conn *c)
{
	return c->limited_n < PARKED_OF_CONN;
}

/* it waits, at most so long, as a copy */
static bool park(struct proxy *p, struct proxy_passing *r, uint32_t ms)
{
	if ((!r->s && !proxy_limit_room(r->c)) || !proxy_take(p, r))
		return false;
	if (!r->s->limited) {
		r->s->limited = true;
		r->c->limited_n++;
	}
	return server_half_wait(p, r->s, SERVER_WAIT_LIMIT, ms);
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
	if (a->verdict == LIMIT_PAUSE && park(p, r, (uint32_t)(wait_ms < PAUSE_MS ? wait_ms : PAUSE_MS))) {
		if (!r->s->held_ns)
			r->s->held_ns = p->now_ns;
		return false;
	}
	proxy_refuse_limit(p, r, class->retry_after_s);
	return false;
}

/* a peer that its home does not know: what control kept of it from before a restart */
static void recall(struct proxy *p, const struct limit_key *peer)
{
	const struct policy_watch *watch;
	uint8_t key[POLICY_WATCH_KEY_LEN];

	if (!p->ops || !p->ops->watched || limit_table_knows(p->limits_of, peer))
		return;
	memcpy(key, peer, sizeof(key));
	watch = p->ops->watched(p->ctx, key);
	if (watch && memcmp(watch->key, key, sizeof(key)) == 0)
		limit_table_restore(p->limits_of, watch, p->now_ns, p->wall_s);
}

/* Its home is another core and must be asked: the request waits for the answer. */
static void wait_for_home(struct proxy *p, struct proxy_passing *r, struct limit_question *q, unsigned home,
			  const struct policy_limit_class *class)
{
	bool waits = park(p, r, ASK_MS);

	/* what it carries of finals is not lost with the request */
	q->request = waits;
	if (waits) {
		r->s->limit_asked = true;
		r->s->limit_verdict = LIMIT_ASK;
		PROXY_COUNT(p, limit_asked);
	}
	proxy_mail_limit_ask(p, home, q,
			     waits ? server_half_name(p, r->s) : (struct proxy_half){PROXY_NONE, 0});
	if (!waits)
		proxy_refuse_limit(p, r, class->retry_after_s);
}

/* no room for a question: a moment later, as long as the class lets anybody wait */
static void no_ring(const struct proxy *p, const struct proxy_passing *r,
		    const struct policy_limit_class *class, struct limit_answer *a)
{
	bool late = r->s && r->s->held_ns && p->now_ns - r->s->held_ns >= class->pause_ms * UINT64_C(1000000);

	*a = (struct limit_answer){.verdict = late ? LIMIT_RATE : LIMIT_PAUSE,
				   .until_ns = p->now_ns + FULL_MS * UINT64_C(1000000)};
}

/* what the home said; silence is no leave to pass */
static void take_answer(struct proxy *p, struct server_half *s, struct limit_answer *a)
{
	*a = (struct limit_answer){.verdict = s->limit_verdict, .until_ns = s->limit_until_ns};
	if (a->verdict == LIMIT_ASK) {
		a->verdict = LIMIT_RATE;
		PROXY_COUNT(p, limit_late);
	}
	s->limit_asked = false;
}

/* What a dialog brings goes on whatever the limits say, but the dialog does not say who is addressed: an
 * address of ours that was never counted for this peer is a new one, To tag or not. In a dialog that began
 * inside, whom To names is who began it. */
static bool addresses_anew(struct proxy *p, const struct proxy_passing *r)
{
	const struct policy_facts *f = &r->facts.facts;

	if (f->method == POLICY_METHOD_ACK || f->method == POLICY_METHOD_BYE || !f->ruri_user.len ||
	    !p->view->ops->own_domain(p->view, f->ruri_domain))
		return false;
	if (!(r->route.entry.flags & ROUTE_ENTRY_FROM_OUT) && policy_name_equal(f->ruri_user, f->to_user) &&
	    policy_name_equal(f->ruri_domain, f->to_domain))
		return false;
	return (r->s && (r->s->limited || r->s->limit_asked)) ||
	       !limit_gate_knows(p->gate, &r->c->who, limit_uri(f->ruri_user, f->ruri_domain), p->now_ns);
}

/* the class whose limits hold for r; NULL: none do */
static const struct policy_limit_class *limited_by(struct proxy *p, const struct proxy_passing *r)
{
	const struct policy_facts *f = &r->facts.facts;
	const struct policy_limit_class *class =
		f->direction == POLICY_INBOUND ? class_of(p, r->verdict.limit_class) : NULL;

	if (!class || f->message == POLICY_REQUEST)
		return class;
	return f->message == POLICY_IN_DIALOG && addresses_anew(p, r) ? class : NULL;
}

bool proxy_limit_pass(struct proxy *p, struct proxy_passing *r)
{
	const struct policy_facts *f = &r->facts.facts;
	const struct policy_limit_class *class = limited_by(p, r);
	struct limit_question q = {.request = 1, .limit_class = r->verdict.limit_class};
	struct limit_event event = {.kind = LIMIT_EVENT_NONE};
	struct limit_answer a;
	unsigned home;

	r->limited = class != NULL;
	if (!class && f->direction == POLICY_INBOUND && f->message == POLICY_REQUEST)
		r->c->limit_class = 0;
	/* what crossed was judged where it came */
	if (!class || r->c->shadow || (r->s && r->s->counted))
		return true;
	r->c->limit_class = r->verdict.limit_class;
	home = limit_home(&p->gate->key, &r->c->who, p->gate->cores);
	if (r->s && r->s->limit_asked) {
		take_answer(p, r->s, &a);
	} else if (home != p->gate->core && !proxy_mail_limit_room(p, home)) {
		no_ring(p, r, class, &a);
	} else {
		if (home == p->gate->core)
			recall(p, &r->c->who);
		q.peer = r->c->who;
		q.uri = limit_uri(f->ruri_user, f->ruri_domain);
		q.held_since_ns = r->s ? r->s->held_ns : 0;
		memcpy(q.domain, f->from_domain.ptr, f->from_domain.len);
		if (limit_gate_take(p->gate, &q, class, p->now_ns, p->wall_s, &home, &a, &event) ==
		    LIMIT_ASK) {
			wait_for_home(p, r, &q, home, class);
			return false;
		}
		proxy_event_limit(p, r->c, &event);
	}
	return a.verdict == LIMIT_PASS || hold(p, r, &a, class);
}

bool proxy_limit_count(struct proxy *p, struct proxy_passing *r)
{
	if (!r->limited || (r->s && r->s->counted))
		return true;
	if (!proxy_take(p, r)) {
		proxy_refuse_reason(p, r, POLICY_REASON_OVERLOAD);
		return false;
	}
	r->s->counted = r->verdict.limit_class;
	proxy_limit_release(p, r->s);
	return true;
}

void proxy_limit_asked(struct proxy *p, unsigned core, const struct limit_question *q, struct proxy_half who)
{
	struct limit_event event;
	struct limit_answer a;

	recall(p, &q->peer);
	limit_gate_asked(p->gate, q, class_of(p, q->limit_class), p->now_ns, p->wall_s, &a, &event);
	proxy_event_limit(p, NULL, &event);
	/* who gets no answer is refused; waiting for room here could wait for somebody who waits for us */
	if (q->request && !proxy_mail_limit_answer(p, core, &a, who))
		PROXY_DROPPED(p, mail_full);
}

void proxy_limit_answered(struct proxy *p, const struct limit_answer *a, struct proxy_half who)
{
	struct server_half *s = server_half_of(p, who);

	limit_gate_answer(p->gate, a, p->now_ns);
	if (!s || s->state != SERVER_WAIT || !s->limit_asked)
		return;
	s->limit_verdict = a->verdict;
	s->limit_until_ns = a->until_ns;
	server_half_wake(p, s);
}

void proxy_limit_final(struct proxy *p, const struct server_half *s, unsigned status)
{
	const struct proxy_conn *c = proxy_conn_up(p, s->conn, s->conn_gen);
	const struct policy_limit_class *class = class_of(p, s->counted);
	struct limit_event event = {.kind = LIMIT_EVENT_NONE};

	if (!c || !class)
		return;
	limit_gate_final(p->gate, &c->who, class, s->counted, status, p->now_ns, p->wall_s, &event);
	proxy_event_limit(p, c, &event);
}

void proxy_limit_refused(struct proxy *p, const struct proxy_passing *r, unsigned status)
{
	const struct policy_facts *f = &r->facts.facts;
	uint8_t id = r->verdict.limit_class ? r->verdict.limit_class : r->c->limit_class;
	const struct policy_limit_class *class = class_of(p, id);
	struct limit_event event = {.kind = LIMIT_EVENT_NONE};

	/* one that was counted when it passed is counted with its answer; and a refusal that is no sign of
	 * guessing must not make the ratio better */
	if (!class || r->c->side != LINK_EXTERNAL || r->c->shadow || f->message != POLICY_REQUEST ||
	    (r->s && r->s->counted) || !policy_ratio_failure(status))
		return;
	limit_gate_final(p->gate, &r->c->who, class, id, status, p->now_ns, p->wall_s, &event);
	proxy_event_limit(p, r->c, &event);
}

/* what other cores are the home of */
static void report(struct proxy *p)
{
	struct limit_question q = {.request = 0};
	uint32_t at = 0;
	unsigned home;

	while (p->gate->cores > 1 && limit_gate_report(p->gate, &at, p->now_ns, &q, &home))
		if (!proxy_mail_limit_ask(p, home, &q, (struct proxy_half){PROXY_NONE, 0}))
			PROXY_DROPPED(p, mail_full);
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
	report(p);
}

static void forgiven(void *ctx, const struct policy_watch *watch)
{
	struct proxy *p = ctx;

	if (p->ops && p->ops->watch)
		p->ops->watch(p->ctx, watch);
}

bool proxy_watch_reset(struct proxy *p, const uint8_t key[POLICY_WATCH_KEY_LEN])
{
	static const uint8_t all[POLICY_WATCH_KEY_LEN];
	struct policy_watch none = {.why = 0};
	struct limit_key peer;

	if (memcmp(key, all, sizeof(all)) == 0) {
		limit_table_reset_all(p->limits_of, forgiven, p);
		return true;
	}
	memcpy(&peer, key, sizeof(peer));
	if (!limit_table_reset(p->limits_of, &peer))
		return false;
	/* behind whatever was told of it before */
	memcpy(none.key, key, sizeof(none.key));
	forgiven(p, &none);
	return true;
}
