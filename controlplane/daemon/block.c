/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/block.h"
#include "controlplane/publish/publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int keep(struct control *c, const struct store_block *b, bool remove)
{
	return remove ? c->store->ops->unblock(c->store, b) : c->store->ops->block(c->store, b);
}

/* the dataplane had no room, or its worker stood still: it is shown as soon as that ends */
static void retry_showing(struct control *c)
{
	struct control_unshown **p = &c->unshown;
	char why[SCHEMA_WHY_MAX] = "";

	while (*p) {
		struct control_unshown *u = *p;

		if (!c->publish || publish_block(c->publish, u->domain, true, why)) {
			control_log("error", "block",
				    "block %s is stored, but not shown to the dataplane: %s", u->domain, why);
			p = &u->next;
			continue;
		}
		control_log("notice", "block", "block %s is in force now", u->domain);
		*p = u->next;
		free(u);
	}
}

static void arm_retry(struct control *c);

static void on_retry(int fd, short what, void *arg)
{
	static const struct timeval again = {1, 0};
	struct control *c = arg;

	retry_showing(c);
	if (c->unshown)
		arm_retry(c);
	while (c->unstored) {
		struct control_unstored *u = c->unstored;
		int r = keep(c, &u->block, u->remove);

		if (r && r != -ENOENT) {
			control_log("error", "block", "%s %s is in force but still not stored: %s",
				    u->remove ? "unblock" : "block", u->block.domain,
				    c->store->ops->error(c->store));
			event_add(c->retry, &again);
			return;
		}
		control_log("notice", "block", "%s %s is stored now", u->remove ? "unblock" : "block",
			    u->block.domain);
		c->unstored = u->next;
		free(u);
	}
}

static void arm_retry(struct control *c)
{
	static const struct timeval soon = {1, 0};

	if (!c->retry)
		c->retry = event_new(c->base, -1, 0, on_retry, c);
	event_add(c->retry, &soon);
}

static void remember(struct control *c, const struct store_block *b, bool remove)
{
	struct control_unstored *u = calloc(1, sizeof(*u)), **tail = &c->unstored;

	if (!u)
		return;
	u->block = *b;
	u->remove = remove;
	while (*tail)
		tail = &(*tail)->next;
	*tail = u;
	arm_retry(c);
}

static void remember_unshown(struct control *c, const char *domain)
{
	struct control_unshown *u = calloc(1, sizeof(*u));

	if (!u)
		return;
	snprintf(u->domain, sizeof(u->domain), "%s", domain);
	u->next = c->unshown;
	c->unshown = u;
	arm_retry(c);
}

static void forget_unshown(struct control *c, const char *domain)
{
	for (struct control_unshown **p = &c->unshown; *p;) {
		struct control_unshown *u = *p;

		if (strcmp(u->domain, domain)) {
			p = &u->next;
			continue;
		}
		*p = u->next;
		free(u);
	}
}

struct search {
	const char *domain;
	bool found;
};

static bool is_it(void *ctx, const struct store_block *b)
{
	struct search *s = ctx;

	s->found = strcmp(b->domain, s->domain) == 0;
	return !s->found;
}

static bool in_force(struct control *c, const char *domain)
{
	struct search s = {.domain = domain};
	bool found;

	c->store->ops->blocks(c->store, is_it, &s);
	found = s.found;
	for (struct control_unstored *u = c->unstored; u; u = u->next)
		if (strcmp(u->block.domain, domain) == 0)
			found = !u->remove;
	return found;
}

/* a block of what is ours is obeyed, for somebody may mean it, and is not passed over in silence */
static void warn_own(struct request *r, const char *domain)
{
	const unsigned noun = schema_noun_index(schema_noun_named("sip-domain"));
	struct store *s = r->control->store;
	size_t d = strlen(domain);
	struct store_cursor *cursor;
	const char *key, *body;
	size_t len;
	unsigned n;

	if (s->ops->open_cursor(s, (int)noun, NULL, &cursor))
		return;
	while (s->ops->next(cursor, &n, &key, &body, &len) == 1) {
		size_t k = strlen(key);

		if (k >= d && strcmp(key + k - d, domain) == 0 && (k == d || key[k - d - 1] == '.'))
			reply_say(r,
				  "warning: %s is a SIP domain of OURS: its users are cut off from every "
				  "partner; "
				  "'unblock %s' ends it",
				  key, domain);
	}
	s->ops->close_cursor(cursor);
}

void block_run(struct request *r, bool on)
{
	struct control *c = r->control;
	const char *comment = schema_call_get(&r->call, "comment"), *verb = on ? "block" : "unblock";
	struct store_block b = {.at = (uint64_t)time(NULL), .uid = r->uid};
	char why[SCHEMA_WHY_MAX] = "";
	int rc = 0;

	snprintf(b.domain, sizeof(b.domain), "%s", schema_call_get(&r->call, "domain"));
	snprintf(b.user, sizeof(b.user), "%s", r->user);
	snprintf(b.comment, sizeof(b.comment), "%s", comment ? comment : "");
	if (on == in_force(c, b.domain)) {
		if (on)
			reply_say(r, "unchanged: %s is blocked already", b.domain);
		else
			reply_error(r, "none", 0, 0, "%s has no emergency block; 'show blocks' lists them",
				    b.domain);
		return reply_end(r, on ? 0 : 1);
	}
	if (c->publish) {
		rc = publish_block(c->publish, b.domain, on, why);
		if (rc) {
			reply_error(r, "publish", 0, 0, "%s %s could not be shown to the dataplane: %s%s",
				    verb, b.domain, why, on ? "; it is tried again every second" : "");
			if (on)
				remember_unshown(c, b.domain);
			/* an end that is not in force is not stored; a block is, so that the next start has
			 * it */
			if (!on)
				return reply_end(r, 1);
		}
	}
	if (!on)
		forget_unshown(c, b.domain);
	if (on)
		warn_own(r, b.domain);
	b.revision = c->store->ops->reserve(c->store);
	if (keep(c, &b, !on)) {
		reply_error(r, "store", 0, 0,
			    "%s %s IS IN FORCE BUT NOT STORED (%s); it is tried again every second", verb,
			    b.domain, c->store->ops->error(c->store));
		control_log("error", "block", "%s %s is in force but not stored: %s", verb, b.domain,
			    c->store->ops->error(c->store));
		remember(c, &b, !on);
		return reply_end(r, 1);
	}
	control_log("notice", "block", "%s %s by %s%s%s", verb, b.domain, b.user, comment ? ": " : "",
		    b.comment);
	if (!rc)
		reply_say(r, "%s: %s with everything below it%s (revision %llu)",
			  on ? "blocked" : "unblocked", b.domain,
			  c->publish ? "" : "; stored, no dataplane segment", (unsigned long long)b.revision);
	reply_end(r, rc ? 1 : 0);
}

struct show_all {
	struct control *c;
	char *why;
	int r;
};

static bool show_one(void *ctx, const struct store_block *b)
{
	struct show_all *s = ctx;

	s->r = publish_block(s->c->publish, b->domain, true, s->why);
	return s->r == 0;
}

int block_show_all(struct control *c, char *why)
{
	struct show_all s = {c, why, 0};
	int r = c->publish ? c->store->ops->blocks(c->store, show_one, &s) : 0;

	return r ? r : s.r;
}

void block_fini(struct control *c)
{
	while (c->unstored) {
		struct control_unstored *u = c->unstored;

		c->unstored = u->next;
		free(u);
	}
	while (c->unshown) {
		struct control_unshown *u = c->unshown;

		c->unshown = u->next;
		free(u);
	}
	if (c->retry)
		event_free(c->retry);
}
