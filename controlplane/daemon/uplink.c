/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/uplink.h"
#include "config/exchange/area.h"
#include "config/exchange/command.h"
#include "config/exchange/event.h"
#include "config/exchange/probe.h"
#include "config/exchange/question.h"
#include "config/policy/name.h"
#include "controlplane/daemon/ask_probe.h"
#include "controlplane/daemon/crl_learn.h"
#include "controlplane/daemon/events.h"
#include "controlplane/daemon/watchlist.h"
#include "controlplane/publish/publish.h"
#include "controlplane/resolve/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	BUSY_US = 1000,	       /* between two looks while messages come */
	IDLE_US = 20000,       /* and while none does */
	BUSY_LOOKS = 100,      /* so many empty looks make it idle */
	LOOK_MESSAGES = 512,   /* taken at one look: the loop has other things to do */
	ATTACH_NS = 200000000, /* between two looks for another file */
	COMMAND_SLOTS = 256,
	COMMAND_BYTES = 512,
	MESSAGE_MAX = 2048,
	FAILED_NS = 1000000000, /* how long "not in time" holds */
};

struct uplink {
	struct control *c;
	struct exchange_area own, other;
	struct ring_consumer ring[EXCHANGE_RINGS];
	struct ring_producer commands;
	unsigned rings, first; /* first: whose turn it is */
	unsigned idle;
	uint64_t looked_ns; /* for another file */
	struct event *poll;
	bool attached;
	bool cut, said_cut; /* the other side's file is shorter than it was */
	struct uplink_state n;
	uint64_t damaged_before;
};

/* ---- questions ---- */

/* one question that waits */
struct asked {
	struct uplink *u; /* NULL: the daemon ends */
	uint64_t asker;
	uint8_t kind;
	char name[POLICY_NAME_MAX + 1];
};

/* The answer itself was published by the resolver. What did not come in time is said too, so that nobody
 * waits for longer than it takes: charged to who asked, and short. */
static void on_answer(void *ctx, const struct policy_dns *answer)
{
	struct asked *a = ctx;
	struct uplink *u = a->u;

	if (answer) {
		u->n.answered++;
	} else {
		struct policy_dns late = {
			.kind = a->kind, .state = POLICY_DNS_FAILED, .expires_ns = resolve_now() + FAILED_NS};

		u->n.late++;
		if (u->c->publish)
			publish_dns(u->c->publish, a->name, &late, a->asker);
	}
	free(a);
}

static bool question_ok(const struct exchange_question *q, int len)
{
	struct policy_name name = {q->name, q->len};

	if (len != (int)sizeof(*q) || q->len > POLICY_NAME_MAX)
		return false;
	/* parts come with their answer; nobody asks for them */
	if (q->dns_kind != POLICY_DNS_FEDERATION && q->dns_kind != POLICY_DNS_HOST &&
	    q->dns_kind != POLICY_DNS_XMPP)
		return false;
	return policy_name_check(name) == POLICY_NAME_OK;
}

static void take_question(struct uplink *u, const struct exchange_question *q, int len)
{
	struct asked *a;

	if (!question_ok(q, len)) {
		u->n.malformed++;
		return;
	}
	u->n.questions++;
	a = calloc(1, sizeof(*a));
	if (!a)
		return;
	a->u = u;
	a->asker = q->asker;
	a->kind = q->dns_kind;
	memcpy(a->name, q->name, q->len);
	if (resolve_question(u->c->resolve, a->name, (enum policy_dns_kind)a->kind, a->asker, on_answer, a)) {
		/* No fact says so: it would be everybody's. Who asked runs into his deadline. */
		u->n.refused++;
		free(a);
	}
}

/* ---- messages ---- */

static void take(struct uplink *u, unsigned ring, uint32_t kind, const void *buf, int len)
{
	if (kind == EXCHANGE_QUESTION) {
		take_question(u, buf, len);
	} else if (kind == EXCHANGE_EVENT && len == (int)sizeof(struct exchange_event)) {
		u->n.events++;
		events_add(u->c, buf);
	} else if (kind == EXCHANGE_WATCH && len == (int)sizeof(struct policy_watch)) {
		u->n.events++;
		watch_take(u->c, buf);
	} else if (kind == EXCHANGE_PROBED && len == (int)sizeof(struct exchange_probed)) {
		ask_probe_take(u->c, buf);
	} else if (kind == EXCHANGE_CHAIN && len == (int)sizeof(struct exchange_chain)) {
		crl_learn_take(u->c, ring, buf);
	} else {
		u->n.malformed++;
	}
}

/* what came since: the copy is emptied before more is asked for */
static void pull(struct uplink *u)
{
	for (unsigned i = 0; i < u->rings && !u->cut; i++)
		if (!ring_waiting(&u->ring[i]) && exchange_pull(&u->other, i))
			u->cut = true;
	if (!u->cut || u->said_cut)
		return;
	u->said_cut = true;
	control_log("error", "exchange",
		    "%s/%s was cut short: until the dataplane is restarted it asks and tells nothing",
		    u->c->run_dir, EXCHANGE_DATAPLANE);
}

/* how many were taken */
static unsigned drain(struct uplink *u)
{
	_Alignas(8) uint8_t buf[MESSAGE_MAX];
	unsigned n = 0;

	pull(u);
	/* in turns, so that a worker who floods delays the others and loses only his own */
	for (unsigned quiet = 0; quiet < u->rings && n < LOOK_MESSAGES;
	     u->first = (u->first + 1) % u->rings) {
		uint32_t kind;
		int len = ring_consume(&u->ring[u->first], &kind, buf, sizeof(buf));

		if (!len) {
			quiet++;
			continue;
		}
		quiet = 0;
		n++;
		if (len < 0)
			u->n.malformed++;
		else
			take(u, u->first, kind, buf, len);
	}
	return n;
}

/* ---- the other side comes, goes, starts anew ---- */

static void detach(struct uplink *u)
{
	for (unsigned i = 0; i < u->rings; i++)
		u->damaged_before += u->ring[i].damaged;
	u->rings = u->first = 0;
	u->attached = u->cut = u->said_cut = false;
	exchange_producer(&u->commands, &u->own, 0, NULL, 0);
	exchange_close(&u->other);
}

static void attach(struct uplink *u)
{
	int r = exchange_attach_copy(&u->other, u->c->run_dir, EXCHANGE_DATAPLANE);

	if (r) {
		if (r != -ENOENT && r != u->c->uplink_error)
			control_log("error", "exchange", "%s/%s: %s", u->c->run_dir, EXCHANGE_DATAPLANE,
				    r == -EPROTO ? "is of another version: restart the dataplane"
						 : strerror(-r));
		u->c->uplink_error = r;
		return;
	}
	u->c->uplink_error = 0;
	u->attached = true;
	for (; u->rings < u->other.shape.produced && u->rings < EXCHANGE_RINGS; u->rings++)
		if (exchange_consumer(&u->ring[u->rings], &u->own, u->rings, &u->other, u->rings))
			break;
	/* a dataplane that takes no commands has no tail for them */
	if (exchange_producer(&u->commands, &u->own, 0, &u->other, 0))
		exchange_producer(&u->commands, &u->own, 0, NULL, 0);
	control_log("info", "exchange", "%u rings of the dataplane are read", u->rings);
}

static void look_for_other(struct uplink *u, uint64_t now)
{
	if (now - u->looked_ns < ATTACH_NS)
		return;
	u->looked_ns = now;
	if (u->attached && exchange_replaced(&u->other, u->c->run_dir, EXCHANGE_DATAPLANE)) {
		/* what the dead one said last is heard before it is forgotten */
		while (u->rings && drain(u))
			;
		detach(u);
	}
	if (!u->attached)
		attach(u);
}

static void on_poll(int fd, short what, void *arg)
{
	struct uplink *u = arg;
	struct timeval in = {0, IDLE_US};
	unsigned n = 0;

	look_for_other(u, resolve_now());
	/* answers are facts: until there is a segment to put them into, questions wait where they are */
	if (u->rings && u->c->publish && publish_takes_facts(u->c->publish))
		n = drain(u);
	u->idle = n ? 0 : u->idle < BUSY_LOOKS ? u->idle + 1 : BUSY_LOOKS;
	if (u->idle < BUSY_LOOKS)
		in.tv_usec = n >= LOOK_MESSAGES ? 0 : BUSY_US;
	event_add(u->poll, &in);
}

/* ---- life ---- */

int uplink_open(struct control *c, char *why)
{
	static const struct exchange_spec commands = {COMMAND_SLOTS, COMMAND_BYTES};
	static const struct timeval first = {0, IDLE_US};
	struct uplink *u = calloc(1, sizeof(*u));
	uint64_t session = 0;
	int r;

	if (!u)
		return -ENOMEM;
	u->c = c;
	c->uplink = u;
	u->idle = BUSY_LOOKS;
	if (getrandom(&session, sizeof(session), 0) != (ssize_t)sizeof(session))
		abort(); /* the kernel's generator never fails once it is seeded */
	r = exchange_create(&u->own, c->run_dir, EXCHANGE_CONTROL, session | 1, c->group_of_dataplane,
			    &commands, 1, EXCHANGE_RINGS);
	if (r) {
		snprintf(why, SCHEMA_WHY_MAX, "%.200s/%s: %s", c->run_dir, EXCHANGE_CONTROL, strerror(-r));
		return r;
	}
	u->poll = event_new(c->base, -1, 0, on_poll, u);
	event_add(u->poll, &first);
	return 0;
}

static int down(struct control *c, uint32_t kind, const void *message, uint32_t len)
{
	struct uplink *u = c->uplink;

	if (!u || !u->attached || !u->commands.tail || u->cut)
		return -ENOTCONN;
	/* how far it has read */
	if (exchange_pull_tails(&u->other))
		return -ENOTCONN;
	return ring_produce(&u->commands, kind, message, len) == RING_OK ? 0 : -ENOBUFS;
}

int uplink_command(struct control *c, const struct exchange_command *command)
{
	return down(c, EXCHANGE_COMMAND, command, sizeof(*command));
}

int uplink_keylog(struct control *c, const struct exchange_keylog *keylog)
{
	return down(c, EXCHANGE_KEYLOG, keylog, sizeof(*keylog));
}

int uplink_probe(struct control *c, const struct exchange_probe *probe)
{
	return down(c, EXCHANGE_PROBE, probe, sizeof(*probe));
}

void uplink_state(const struct control *c, struct uplink_state *out)
{
	const struct uplink *u = c->uplink;

	memset(out, 0, sizeof(*out));
	if (!u)
		return;
	*out = u->n;
	out->attached = u->attached;
	out->cut = u->cut || u->c->uplink_error;
	out->rings = u->rings;
	out->session = u->attached ? u->other.shape.session : 0;
	out->malformed += u->damaged_before;
	for (unsigned i = 0; i < u->rings; i++) {
		out->malformed += u->ring[i].damaged;
		out->lost += __atomic_load_n(&u->ring[i].head->drops, __ATOMIC_RELAXED);
	}
}

void uplink_close(struct control *c)
{
	struct uplink *u = c->uplink;

	if (!u)
		return;
	if (u->poll)
		event_free(u->poll);
	exchange_close(&u->other);
	exchange_close(&u->own);
	free(u);
	c->uplink = NULL;
}
