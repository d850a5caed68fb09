/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/events.h"
#include "config/policy/verdict.h"
#include "controlplane/daemon/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
	const char *word;
	uint8_t level;
} kinds[EXCHANGE_EVENT_KINDS_N] = {
#define X(name, word, level) {word, level},
	EXCHANGE_EVENT_KINDS(X)
#undef X
};

const char *events_kind(unsigned kind)
{
	return kinds[kind < EXCHANGE_EVENT_KINDS_N ? kind : 0].word;
}

static void printable(char *s, uint8_t *len, size_t cap)
{
	if (*len > cap)
		*len = (uint8_t)cap;
	for (unsigned i = 0; i < *len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			s[i] = '?';
}

/* appends; cuts silently, which is what a line of a log may do */
static void say(char *out, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(char *out, size_t cap, const char *format, ...)
{
	size_t at = strlen(out);
	va_list ap;

	va_start(ap, format);
	if (at + 1 < cap)
		vsnprintf(out + at, cap - at, format, ap);
	va_end(ap);
}

void events_text(const struct exchange_event *e, char *out, size_t cap)
{
	static const char *const sides[] = {"", " external", " internal"};
	static const uint8_t none[16];
	char address[64];

	out[0] = '\0';
	say(out, cap, "%s%s", events_kind(e->kind), sides[e->side < 3 ? e->side : 0]);
	if (e->domain_len)
		say(out, cap, " domain %.*s", e->domain_len, e->domain);
	if (e->peer_len)
		say(out, cap, " peer %.*s", e->peer_len, e->peer_name);
	if (memcmp(e->address, none, sizeof(none))) {
		text_address(e->address, address);
		say(out, cap, " at %s", address);
		if (e->port)
			say(out, cap, " port %u", e->port);
	}
	if (e->status)
		say(out, cap, " status %u", e->status);
	if (e->ms_id)
		say(out, cap, " ms-diagnostics %u", e->ms_id);
	if (e->reason)
		say(out, cap, " reason %u (%s)", policy_reason_info(e->reason)->id,
		    policy_reason_info(e->reason)->text);
	if (e->rule)
		say(out, cap, " rule %s", policy_rule_info(e->rule)->section);
	if (e->count > 1)
		say(out, cap, " times %u", e->count);
	if (e->text_len)
		say(out, cap, ": %.*s", e->text_len, e->text);
}

/* a flood of one kind must neither fill the disk nor hide the other kinds */
static void write_down(struct control *c, const struct exchange_event *e)
{
	static const char *const levels[] = {"error",	"error",  "error", "error",
					     "warning", "notice", "info",  "info"};
	struct events *all = c->events;
	uint64_t second = (uint64_t)time(NULL);
	char line[1024];

	if (all->flood[e->kind].second != second) {
		if (all->flood[e->kind].held_back)
			control_log("notice", "event",
				    "%s: %u more were not written down; show events has them",
				    events_kind(e->kind), all->flood[e->kind].held_back);
		all->flood[e->kind].second = second;
		all->flood[e->kind].lines = all->flood[e->kind].held_back = 0;
	}
	if (all->flood[e->kind].lines++ >= EVENTS_LINES) {
		all->flood[e->kind].held_back++;
		return;
	}
	events_text(e, line, sizeof(line));
	control_log(levels[e->level & 7], "event", "%s", line);
}

void events_add(struct control *c, const struct exchange_event *event)
{
	struct exchange_event *e;

	if (!c->events)
		c->events = calloc(1, sizeof(*c->events));
	if (!c->events)
		return;
	e = &c->events->kept[c->events->n++ % EVENTS_KEPT];
	*e = *event;
	if (e->kind >= EXCHANGE_EVENT_KINDS_N)
		e->kind = EXCHANGE_EVENT_NONE;
	if (!e->level || e->level > 7)
		e->level = kinds[e->kind].level;
	printable(e->domain, &e->domain_len, sizeof(e->domain));
	printable(e->peer_name, &e->peer_len, sizeof(e->peer_name));
	printable(e->text, &e->text_len, sizeof(e->text));
	/* the clock of the other plane is not ours to trust, but an event without any is worthless */
	if (!e->wall_ns) {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		e->wall_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	}
	if (e->kind != EXCHANGE_EVENT_TRANSACTION || c->cdr)
		write_down(c, e);
}

void events_free(struct control *c)
{
	free(c->events);
	c->events = NULL;
}
