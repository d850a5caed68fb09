/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/ring_cold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "config/exchange/chain.h"
#include "config/exchange/event.h"
#include "config/exchange/question.h"
#include "config/policy/watch.h"
#include "dataplane/base/log.h"

enum {
	LOOK_NS = 500000000,
	SLOTS = 1024,
	COMMANDS = 1,
	COLD = 0xffff,
	COMMAND_MAX = 1024,
	EVENT_BYTES = sizeof(struct policy_watch), /* the largest of what goes over a ring of events */
};

_Static_assert((size_t)EVENT_BYTES >= sizeof(struct exchange_event), "it is the largest");
_Static_assert((size_t)EVENT_BYTES >= sizeof(struct exchange_probed), "it is the largest");
_Static_assert((size_t)EVENT_BYTES >= sizeof(struct exchange_chain), "it is the largest");

int ring_cold_open(struct ring_cold *r, const char *dir, unsigned n_workers, gid_t group)
{
	struct exchange_spec spec[EXCHANGE_RINGS];
	uint64_t session;
	unsigned n = 2 * n_workers + 1;
	int err;

	*r = (struct ring_cold){.dir = dir, .n_workers = n_workers};
	if (n > EXCHANGE_RINGS || getrandom(&session, sizeof(session), 0) != (ssize_t)sizeof(session))
		return -EIO;
	for (unsigned i = 0; i < n; i++)
		spec[i] = (struct exchange_spec){SLOTS, i < n_workers ? 8 + sizeof(struct exchange_question)
								      : 8 + EVENT_BYTES};
	err = exchange_create(&r->own, dir, EXCHANGE_DATAPLANE, session | 1, group, spec, n, COMMANDS);
	if (err) {
		base_log(BASE_LOG_ERROR, "box", "the rings to control cannot be made in %s (%s)", dir,
			 strerror(-err));
		return err;
	}
	exchange_producer(&r->events, &r->own, n - 1, NULL, 0);
	return 0;
}

static void exchange_free(struct edge_exchange *e)
{
	if (!e)
		return;
	exchange_close(&e->control);
	free(e);
}

/* does everybody use the new one? (Not using the old one is not enough: somebody may be about to.) */
static bool left(const struct ring_cold *r, struct edge_mail *mails)
{
	for (unsigned i = 0; i < r->n_workers; i++)
		/* acquire: the worker's last look into it came before */
		if (atomic_load_explicit(&mails[i].exchange_used, memory_order_acquire) != r->now)
			return false;
	return true;
}

void ring_cold_tick(struct ring_cold *r, struct edge_mail *mails, uint64_t now_ns)
{
	struct edge_exchange *next;

	if (r->old && left(r, mails)) {
		exchange_free(r->old);
		r->old = NULL;
	}
	if (now_ns < r->look_ns || r->old)
		return;
	r->look_ns = now_ns + LOOK_NS;
	if (r->now && !exchange_replaced(&r->now->control, r->dir, EXCHANGE_CONTROL))
		return;
	next = calloc(1, sizeof(*next));
	if (!next || exchange_attach(&next->control, r->dir, EXCHANGE_CONTROL)) {
		free(next);
		return;
	}
	r->old = r->now;
	r->now = next;
	ring_cold_producer(r, &r->events, r->n_workers, true, next);
	if (exchange_consumer(&r->commands, &r->own, 0, &next->control, 0))
		memset(&r->commands, 0, sizeof(r->commands));
	for (unsigned i = 0; i < r->n_workers; i++)
		/* release: it is attached and checked */
		atomic_store_explicit(&mails[i].exchange, next, memory_order_release);
}

void ring_cold_producer(const struct ring_cold *r, struct ring_producer *p, unsigned core, bool events,
			const struct edge_exchange *other)
{
	unsigned ring = events ? r->n_workers + core : core;
	const struct exchange_area *control = other ? &other->control : NULL;

	/* a control that has no tail for this ring does not read it */
	if (exchange_producer(p, &r->own, ring, control, ring))
		exchange_producer(p, &r->own, ring, NULL, 0);
}

void ring_cold_event(struct ring_cold *r, enum exchange_event_kind kind, uint8_t level, const char *text)
{
	struct exchange_event e = {.kind = (uint8_t)kind, .level = level, .worker = COLD};
	struct timespec wall;

	if (!r->events.head)
		return;
	clock_gettime(CLOCK_REALTIME, &wall);
	e.wall_ns = (uint64_t)wall.tv_sec * 1000000000u + (uint64_t)wall.tv_nsec;
	e.text_len = exchange_event_put(e.text, sizeof(e.text), text, (uint32_t)strlen(text));
	ring_produce(&r->events, EXCHANGE_EVENT, &e, sizeof(e));
}

int ring_cold_command(struct ring_cold *r, struct exchange_command *out)
{
	_Alignas(8) uint8_t buf[COMMAND_MAX];
	uint32_t kind;
	int len;

	while (r->commands.head && (len = ring_consume(&r->commands, &kind, buf, sizeof(buf)))) {
		if (len == (int)sizeof(*out) && kind == EXCHANGE_COMMAND) {
			memcpy(out, buf, sizeof(*out));
			return 1;
		}
		if (len == (int)sizeof(r->keylog) && kind == EXCHANGE_KEYLOG) {
			memcpy(&r->keylog, buf, sizeof(r->keylog));
			r->has_keylog = true;
			continue;
		}
		if (len == (int)sizeof(r->probe) && kind == EXCHANGE_PROBE) {
			if (r->has_probe)
				ring_cold_probe_busy(r, r->probe.id);
			memcpy(&r->probe, buf, sizeof(r->probe));
			r->has_probe = true;
			continue;
		}
		r->unknown++;
	}
	return 0;
}

bool ring_cold_keylog(struct ring_cold *r, struct exchange_keylog *out)
{
	bool any = r->has_keylog;

	if (any)
		*out = r->keylog;
	r->has_keylog = false;
	return any;
}

bool ring_cold_probe(struct ring_cold *r, struct exchange_probe *out)
{
	bool any = r->has_probe;

	if (any)
		*out = r->probe;
	r->has_probe = false;
	return any && out->id;
}

void ring_cold_probe_busy(struct ring_cold *r, uint64_t id)
{
	struct exchange_probed m = {.id = id, .what = EXCHANGE_PROBED_END, .state = EXCHANGE_PROBED_BUSY};

	if (r->events.head)
		ring_produce(&r->events, EXCHANGE_PROBED, &m, sizeof(m));
}

void ring_cold_close(struct ring_cold *r)
{
	exchange_free(r->old);
	exchange_free(r->now);
	if (r->own.super)
		exchange_close(&r->own);
	memset(r, 0, sizeof(*r));
}
