/* SPDX-License-Identifier: BSD-3-Clause */
/* The dataplane's file of rings, the cold thread's own ring in it, and control's file, which comes and goes.
 */
#ifndef DATAPLANE_WORKER_RING_COLD_H
#define DATAPLANE_WORKER_RING_COLD_H

#include <sys/types.h>

#include "config/exchange/command.h"
#include "config/exchange/event.h"
#include "dataplane/worker/edge_mail.h"

struct ring_cold {
	const char *dir;
	unsigned n_workers;
	struct exchange_area own;
	struct edge_exchange *now, *old;
	struct ring_producer events;
	struct ring_consumer commands; /* head NULL: control has none */
	uint64_t unknown;	       /* commands that made no sense */
	struct exchange_keylog keylog; /* the last one that was asked for, until it is taken */
	bool has_keylog;
	struct exchange_probe probe; /* and of these */
	bool has_probe;
	uint64_t look_ns;
};

/* Makes RUN/dataplane.rings anew. 0 or -errno. */
int ring_cold_open(struct ring_cold *r, const char *dir, unsigned n_workers, gid_t group);
/* each beat: follows control's file, whoever starts it again */
void ring_cold_tick(struct ring_cold *r, struct edge_mail *mails, uint64_t now_ns);
/* Ring of worker `core`: for questions (events: false) or events; the worker's own, bound to control's places
 * in `other` (NULL: nobody reads). */
void ring_cold_producer(const struct ring_cold *r, struct ring_producer *p, unsigned core, bool events,
			const struct edge_exchange *other);
/* Tells control something: `text` for people. Lost when there is no room. */
void ring_cold_event(struct ring_cold *r, enum exchange_event_kind kind, uint8_t level, const char *text);
/* The next word of control: 1, or 0. */
int ring_cold_command(struct ring_cold *r, struct exchange_command *out);
/* A key log that was among them: true, once. */
bool ring_cold_keylog(struct ring_cold *r, struct exchange_keylog *out);
/* A probe that was among them: true, once. */
bool ring_cold_probe(struct ring_cold *r, struct exchange_probe *out);
/* it will not be made: another one is */
void ring_cold_probe_busy(struct ring_cold *r, uint64_t id);
void ring_cold_close(struct ring_cold *r);

#endif
