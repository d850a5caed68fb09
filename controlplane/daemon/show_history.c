/* SPDX-License-Identifier: BSD-3-Clause */
/* What was done, and how it stands: blocks, revisions, audit, differences, status. */
#include "controlplane/daemon/debug_keylog.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/daemon/pulse.h"
#include "controlplane/daemon/show.h"
#include "controlplane/daemon/text.h"
#include "controlplane/daemon/uplink.h"
#include "controlplane/publish/publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* what lies over the live configuration so that it is revision `id` */
int show_overlay(struct request *r, uint64_t id, struct schema_map *over)
{
	struct store_revision rev;
	struct candidate back;
	int rc = r->control->store->ops->revision(r->control->store, id, &rev);

	if (rc)
		return rc;
	candidate_init(&back, r->control->store, NULL);
	rc = candidate_return(&back, id);
	*over = back.map;
	memset(&back.map, 0, sizeof(back.map));
	candidate_fini(&back);
	return rc;
}

/* ---- lists ---- */

struct list {
	struct request *r;
	struct schema_text t;
	unsigned left, n;
};

static unsigned count_of(struct request *r)
{
	const char *v = schema_call_get(&r->call, "count");

	return v ? (unsigned)strtoul(v, NULL, 10) : 20;
}

static bool block_row(void *ctx, const struct store_block *b)
{
	struct list *l = ctx;
	char when[32];

	schema_text_reset(&l->t);
	if (l->r->json) {
		schema_text_puts(&l->t, "{\"domain\":");
		schema_json_string(&l->t, b->domain);
		schema_text_printf(&l->t, ",\"revision\":%llu,\"at\":%llu,\"user\":",
				   (unsigned long long)b->revision, (unsigned long long)b->at);
		schema_json_string(&l->t, b->user);
		schema_text_puts(&l->t, ",\"comment\":");
		schema_json_string(&l->t, b->comment);
		schema_text_puts(&l->t, "}");
		reply_row(l->r, l->t.p, l->t.n);
	} else {
		text_pad(&l->t, b->domain, 32);
		text_pad(&l->t, text_time(b->at, when), 20);
		text_pad(&l->t, b->user, 10);
		schema_text_printf(&l->t, "%s\n", b->comment);
		reply_raw(l->r, l->t.p, l->t.n);
	}
	l->n++;
	return true;
}

void show_blocks(struct request *r)
{
	struct list l = {.r = r};

	for (struct control_unstored *u = r->control->unstored; u; u = u->next)
		reply_say(r, "%s %s is in force but not stored yet; it is tried again",
			  u->remove ? "unblock" : "block", u->block.domain);
	for (struct control_unshown *u = r->control->unshown; u; u = u->next)
		reply_say(r, "block %s is stored but not in force yet; it is tried again", u->domain);
	r->control->store->ops->blocks(r->control->store, block_row, &l);
	if (!l.n && !r->json && !r->control->unstored && !r->control->unshown)
		reply_text(r, "no emergency blocks\n");
	schema_text_fini(&l.t);
	reply_end(r, 0);
}

static bool revision_row(void *ctx, const struct store_revision *v)
{
	struct list *l = ctx;
	char buf[64];

	schema_text_reset(&l->t);
	if (l->r->json) {
		text_revision_json(v, &l->t);
		reply_row(l->r, l->t.p, l->t.n);
	} else {
		snprintf(buf, sizeof(buf), "%llu", (unsigned long long)v->id);
		text_pad(&l->t, buf, 6);
		text_pad(&l->t, text_time(v->at, buf), 20);
		text_pad(&l->t, v->user, 12);
		text_pad(&l->t, v->kind, 9);
		snprintf(buf, sizeof(buf), "%llu", (unsigned long long)v->changes);
		text_pad(&l->t, buf, 8);
		snprintf(buf, sizeof(buf), "%.12s", v->fingerprint);
		text_pad(&l->t, buf, 13);
		schema_text_printf(&l->t, "%s%s\n", v->comment, v->revert_at ? "  (waits for confirm)" : "");
		reply_raw(l->r, l->t.p, l->t.n);
	}
	return --l->left > 0;
}

void show_revisions(struct request *r)
{
	struct list l = {.r = r, .left = count_of(r)};

	if (!r->json)
		reply_text(r, "%-6s %-20s %-12s %-9s %-8s %-13s %s\n", "number", "when (UTC)", "who", "what",
			   "objects", "hash", "why");
	if (l.left)
		r->control->store->ops->revisions(r->control->store, 0, revision_row, &l);
	schema_text_fini(&l.t);
	reply_end(r, 0);
}

static bool audit_row(void *ctx, const struct store_audit *a)
{
	struct list *l = ctx;
	char when[32];

	schema_text_reset(&l->t);
	if (l->r->json) {
		schema_text_printf(&l->t,
				   "{\"id\":%llu,\"at\":%llu,\"uid\":%u,\"user\":", (unsigned long long)a->id,
				   (unsigned long long)a->at, a->uid);
		schema_json_string(&l->t, a->user);
		schema_text_puts(&l->t, ",\"action\":");
		schema_json_string(&l->t, a->action);
		schema_text_puts(&l->t, ",\"result\":");
		schema_json_string(&l->t, a->result);
		schema_text_puts(&l->t, "}");
		reply_row(l->r, l->t.p, l->t.n);
	} else {
		text_pad(&l->t, text_time(a->at, when), 20);
		text_pad(&l->t, a->user, 12);
		text_pad(&l->t, a->result, 12);
		schema_text_printf(&l->t, "%s\n", a->action);
		reply_raw(l->r, l->t.p, l->t.n);
	}
	return true;
}

void show_audit(struct request *r)
{
	struct list l = {.r = r};

	r->control->store->ops->audits(r->control->store, count_of(r), audit_row, &l);
	schema_text_fini(&l.t);
	reply_end(r, 0);
}

/* ---- differences ---- */

static void diff_row(struct request *r, unsigned noun, const char *key, const char *before, size_t before_len,
		     const char *after, size_t after_len)
{
	struct schema_text t = {0};

	if (r->json) {
		candidate_diff_json(noun, key, before, before_len, after, after_len, &t);
		reply_row(r, t.p, t.n);
	} else {
		candidate_diff_text(noun, key, before, before_len, after, after_len, &t);
		if (t.n)
			reply_raw(r, t.p, t.n);
	}
	schema_text_fini(&t);
}

/* what `map` would make of what is in force; `turn`: seen the other way round */
static int diff_map(struct request *r, const struct schema_map *map, bool turn)
{
	struct store *s = r->control->store;
	const struct schema_entry **e;
	struct schema_text live = {0};
	size_t n;
	int rc = schema_map_sorted(map, &e, &n);

	for (size_t i = 0; !rc && i < n; i++) {
		int has;

		schema_text_reset(&live);
		has = s->ops->get(s, e[i]->noun, e[i]->key, &live);
		if (has < 0)
			rc = has;
		else if (turn)
			diff_row(r, e[i]->noun, e[i]->key, e[i]->body, e[i]->body_len, has ? live.p : NULL,
				 live.n);
		else
			diff_row(r, e[i]->noun, e[i]->key, has ? live.p : NULL, live.n, e[i]->body,
				 e[i]->body_len);
	}
	if (rc >= 0)
		free(e);
	schema_text_fini(&live);
	return rc;
}

void show_compare(struct request *r)
{
	const char *revision = schema_call_get(&r->call, "revision");
	struct schema_map own = {0};
	int rc;

	if (!revision) {
		rc = candidate_normalise(&r->control->candidate);
		rc = rc ? rc : diff_map(r, &r->control->candidate.map, false);
	} else {
		rc = show_overlay(r, strtoull(revision, NULL, 10), &own);
		rc = rc ? rc : diff_map(r, &own, true);
		schema_map_fini(&own);
	}
	if (rc)
		reply_error(r, "none", 0, 0,
			    rc == -ENOENT ? "there is no revision %s" : "the store cannot be read%s",
			    rc == -ENOENT ? revision : "");
	reply_end(r, rc ? 1 : 0);
}

void show_revision(struct request *r)
{
	uint64_t id = strtoull(schema_call_get(&r->call, "revision"), NULL, 10);
	struct store *s = r->control->store;
	struct list l = {.r = r, .left = 1};
	struct store_revision v;
	struct store_cursor *c;
	const char *key, *body;
	struct schema_text after = {0};
	unsigned noun;
	size_t len;
	int rc = s->ops->revision(s, id, &v);

	if (rc) {
		reply_error(r, "none", 0, 0, "there is no revision %llu", (unsigned long long)id);
		return reply_end(r, 1);
	}
	revision_row(&l, &v);
	schema_text_fini(&l.t);
	/* after this revision = before the next one that touched it, or now */
	rc = s->ops->open_changes(s, id, &c);
	if (rc)
		return reply_end(r, 1);
	{
		struct schema_map now = {0};

		rc = show_overlay(r, id, &now);
		while (!rc && s->ops->next(c, &noun, &key, &body, &len) == 1) {
			const struct schema_entry *e = schema_map_get(&now, noun, key);
			int has = e ? e->body != NULL : 0;

			schema_text_reset(&after);
			if (e && e->body)
				schema_text_add(&after, e->body, e->body_len);
			else if (!e)
				has = s->ops->get(s, noun, key, &after) == 1;
			diff_row(r, noun, key, body, len, has ? after.p : NULL, after.n);
		}
		schema_map_fini(&now);
	}
	s->ops->close_cursor(c);
	schema_text_fini(&after);
	reply_end(r, 0);
}

/* ---- status ---- */

/* what of it an operator can do something about */
static void dataplane_line(struct request *r, const struct publish_state *p, bool runs, uint64_t age_ms)
{
	struct uplink_state rings;

	uplink_state(r->control, &rings);
	reply_text(r, "dataplane   %s",
		   p->dataplane_alive ? "alive"
		   : runs	      ? "runs, but does not read the policy: its log says why"
				      : "not running");
	if (runs && age_ms > PULSE_SILENT_MS)
		reply_text(r, ", but silent for %llu s: it was stopped, or hangs",
			   (unsigned long long)age_ms / 1000);
	if (runs && rings.cut)
		reply_text(r, "; its rings cannot be read: restart it");
	reply_text(r, "%s\n", p->text);
}

void show_status(struct request *r)
{
	struct control *c = r->control;
	struct store_revision head, pending;
	const struct debug_keylog *keylog = debug_keylog_now(c);
	struct publish_state p = {0};
	struct timespec now;
	char when[32];
	uint64_t up, age;
	bool runs = pulse_take(c, &age);

	clock_gettime(CLOCK_MONOTONIC, &now);
	up = (uint64_t)now.tv_sec - c->started;
	c->store->ops->head(c->store, &head);
	if (c->publish)
		publish_state(c->publish, &p);
	if (r->json) {
		struct schema_text t = {0};

		schema_text_printf(&t,
				   "{\"uptime\":%llu,\"revision\":%llu,\"objects\":%llu,\"hash\":\"%s\","
				   "\"candidate\":%zu,"
				   "\"changing\":%s,\"unstored_blocks\":%s,\"store_read_only\":%s,"
				   "\"certificates_refused\":%llu,",
				   (unsigned long long)up, (unsigned long long)head.id,
				   (unsigned long long)head.objects, head.fingerprint,
				   schema_map_count(&c->candidate.map), c->change ? "true" : "false",
				   c->unstored ? "true" : "false", c->store->read_only ? "true" : "false",
				   (unsigned long long)keeper_refused(c));
		if (keylog) {
			schema_text_puts(&t, "\"keylog\":{\"peer\":");
			schema_json_string(&t, keylog->peer);
			schema_text_puts(&t, ",\"user\":");
			schema_json_string(&t, keylog->user);
			schema_text_printf(&t, ",\"until\":%lld},", (long long)keylog->wall);
		}
		schema_text_puts(&t, "\"segment\":");
		if (c->publish)
			schema_text_printf(
				&t,
				"{\"generation\":%llu,\"revision\":%llu,\"domains\":%llu,\"dataplane\":%s,"
				"\"heartbeat_age_ms\":%llu}}",
				(unsigned long long)p.generation, (unsigned long long)p.revision,
				(unsigned long long)p.domains, p.dataplane_alive ? "true" : "false",
				(unsigned long long)age);
		else
			schema_text_puts(&t, "null}");
		reply_row(r, t.p, t.n);
		schema_text_fini(&t);
		return reply_end(r, 0);
	}
	reply_text(r, "control     up %llu s, store %s\n", (unsigned long long)up, c->store_dir);
	reply_text(r, "revision    %llu of %s by %s: %llu objects, hash %.16s\n", (unsigned long long)head.id,
		   head.id ? text_time(head.at, when) : "never", head.id ? head.user : "nobody",
		   (unsigned long long)head.objects, head.fingerprint);
	if (c->store->ops->pending(c->store, &pending) == 1)
		reply_text(r, "waiting     revision %llu reverts to %llu at %s unless you say confirm\n",
			   (unsigned long long)pending.id, (unsigned long long)pending.revert_to,
			   text_time(pending.revert_at, when));
	reply_text(r, "candidate   %zu objects differ%s%s\n", schema_map_count(&c->candidate.map),
		   *c->edited_by ? ", edited by " : "", c->edited_by);
	if (c->store->read_only)
		reply_text(
			r,
			"WARNING     the store can only be read: no commit, no audit, blocks until the next "
			"start\n");
	if (c->unstored)
		reply_text(r, "WARNING     a block is in force but not stored; it is tried again\n");
	if (!c->publish)
		reply_text(r, "segment     none: nothing is published\n");
	else
		reply_text(r, "segment     generation %llu shows revision %llu, %llu domains\n",
			   (unsigned long long)p.generation, (unsigned long long)p.revision,
			   (unsigned long long)p.domains);
	if (c->publish)
		dataplane_line(r, &p, runs, age);
	if (keylog)
		reply_text(
			r,
			"WARNING     secrets of new TLS sessions with %s are written down until %s, for %s\n",
			keylog->peer, text_time((uint64_t)keylog->wall, when), keylog->user);
	if (keeper_refused(c))
		reply_text(r,
			   "refused     files of certificates could not be used %llu times since the start; "
			   "show certificates says what is wrong now\n",
			   (unsigned long long)keeper_refused(c));
	if (c->shadowing)
		reply_text(r, "shadow      %zu objects are tried\n", c->shadow_objects);
	reply_end(r, 0);
}
