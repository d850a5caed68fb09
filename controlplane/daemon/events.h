/* SPDX-License-Identifier: BSD-3-Clause */
/* The last events of the dataplane, for `show events` and the journal. Loop thread. */
#ifndef CONTROLPLANE_DAEMON_EVENTS_H
#define CONTROLPLANE_DAEMON_EVENTS_H

#include "config/exchange/event.h"
#include "controlplane/daemon/control.h"

enum {
	EVENTS_KEPT = 4096,
	EVENTS_LINES = 50, /* of one kind in one second that go to the journal */
};

struct events {
	uint64_t n; /* ever */
	struct exchange_event kept[EVENTS_KEPT];
	struct {
		uint64_t second;
		unsigned lines, held_back;
	} flood[EXCHANGE_EVENT_KINDS_N];
};

/* Copies it, keeps it, writes it down. What it says is the dataplane's word: strings are made printable. */
void events_add(struct control *c, const struct exchange_event *event);
/* one line for people, cut at cap */
void events_text(const struct exchange_event *e, char *out, size_t cap);
const char *events_kind(unsigned kind);
void events_free(struct control *c);

#endif
