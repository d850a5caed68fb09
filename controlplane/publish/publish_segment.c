/* SPDX-License-Identifier: BSD-3-Clause */
/* The policy segment as what is published to. A change is a staged transaction, so that a block finds its way
 * between any two slices. */
#include "config/policy/fact.h"
#include "config/policy/small.h"
#include "config/policy/watch.h"
#include "controlplane/publish/publish_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned noun_of(const char *name)
{
	return schema_noun_index(schema_noun_named(name));
}

int publish_refuse(char *why, int r)
{
	snprintf(why, SCHEMA_WHY_MAX, "%s",
		 r == -ENOSPC  ? "no memory left for the segment (is its tmpfs full?)"
		 : r == -EBUSY ? "a worker of the dataplane does not move; its memory cannot be reused"
		 : r == -ELOOP ? "the segment has to be made anew"
			       : strerror(-r));
	return r;
}

static void finish(struct publish *p)
{
	if (p->cursor)
		p->store->ops->close_cursor(p->cursor);
	p->cursor = NULL;
	p->txn = NULL;
	p->target = NULL;
	shelf_drop(p->next);
	p->next = NULL;
	p->work = IDLE;
	schema_map_fini(&p->sites);
	schema_map_fini(&p->users);
	schema_map_fini(&p->pins_next);
	p->users_known = p->smalls = p->pins_due = false;
	p->n = p->at = p->user_at = 0;
}

void publish_close(struct publish *p)
{
	if (!p)
		return;
	publish_abort(p);
	if (p->w)
		policy_writer_close(p->w);
	shelf_drop(p->shelf);
	records_ids_fini(&p->ids);
	schema_map_fini(&p->pins);
	schema_object_fini(&p->o);
	schema_text_fini(&p->body);
	schema_text_fini(&p->partner);
	candidate_fini(&p->live);
	p->store->ops->close(p->store);
	free(p);
}

bool publish_stale(struct publish *p)
{
	return p->stale;
}

bool publish_intact(struct publish *p)
{
	if (p->stale || !p->w || segment_intact(policy_writer_segment(p->w)))
		return true;
	p->stale = true;
	return false;
}

/* ---- one object ---- */

static int put_partner(struct publish *p, const char *key, const char *body, size_t len)
{
	const struct policy_partner *record;
	struct policy_domain d;
	const char *comment;
	bool subtree;
	struct policy_name name = records_name(key, &subtree);
	int r;

	if (!body) {
		r = publish_pins_note(p, key, NULL);
		return r ? r : policy_txn_del_domain(p->txn, name, subtree ? 1 : 0);
	}
	r = schema_object_load(&p->o, schema_noun_named("partner"), key, body, len);
	r = r ? r : records_domain(&p->o, &p->ids, &d, &p->partner, &comment);
	record = p->partner.n ? (const struct policy_partner *)(const void *)p->partner.p : NULL;
	r = r ? r : publish_pins_note(p, key, record);
	if (r)
		return r;
	return policy_txn_put_domain(p->txn, name, &d, record,
				     comment ? policy_name_of(comment) : (struct policy_name){"", 0});
}

static int put_smalls(struct publish *p, uint64_t revision, const char *fingerprint)
{
	struct records_secrets secrets = publish_secrets(p);
	struct records_table table[POLICY_SMALLS] = {0};
	int r = p->smalls ? records_small(&p->source, &secrets, &p->ids, table) : 0;

	if (!r && fingerprint)
		r = records_revision_add(&table[POLICY_SMALL_REVISION], revision, fingerprint);
	if (!r && p->pins_due)
		r = publish_pins_records(p, &table[POLICY_SMALL_PINS]);
	for (unsigned i = 0; i < POLICY_SMALLS && !r; i++)
		if ((p->smalls && i < POLICY_SMALL_REVISION) || table[i].n ||
		    (p->pins_due && i == POLICY_SMALL_PINS))
			r = policy_txn_small(p->txn, (enum policy_small)i,
					     (const void *const *)table[i].record, table[i].n);
	for (unsigned i = 0; i < POLICY_SMALLS; i++)
		records_table_fini(&table[i]);
	return r;
}

/* ---- a change ---- */

struct records_secrets publish_secrets(const struct publish *p)
{
	return (struct records_secrets){.shelf = p->next ? p->next : p->shelf,
					.keys = p->keys_known ? &p->keys : NULL};
}

int publish_begin(struct publish *p, const struct schema_source *source,
		  const struct schema_entry *const *changed, size_t n, struct shelf *shelf, char *why)
{
	if (p->work != IDLE || !p->w || p->stale) {
		snprintf(why, SCHEMA_WHY_MAX, "the segment is being made anew; try again in a moment");
		return -EBUSY;
	}
	p->txn = policy_txn_begin(p->w, true);
	if (!p->txn)
		return publish_refuse(why, -ENOMEM);
	p->target = p->w;
	p->source = *source;
	p->next = shelf_use(shelf);
	p->changed = changed;
	p->n = n;
	p->at = 0;
	for (size_t i = 0; i < n; i++) {
		p->smalls |= strcmp(schema_nouns[changed[i]->noun].name, "partner") != 0;
		publish_touch_users(p, &p->users, changed[i]->noun, changed[i]->key, changed[i]->body,
				    changed[i]->body_len);
	}
	p->work = CHANGES;
	return 0;
}

int publish_rebuild(struct publish *p, char *why)
{
	struct policy_writer_config c;
	enum segment_refusal refusal = 0;
	struct store_revision head;
	int r;

	if (p->work != IDLE)
		return -EBUSY;
	p->store->ops->head(p->store, &head);
	publish_layout(p, &c);
	c.domains = head.objects + 1024;
	/* the old one is closed first: its lock is the name's. What it shows goes on being read. */
	if (p->w)
		policy_writer_close(p->w);
	p->w = NULL;
	r = policy_writer_create(&p->fresh, &c, &refusal);
	if (r) {
		snprintf(why, SCHEMA_WHY_MAX, "the segment cannot be made: %s (%s)", strerror(-r),
			 segment_refusal_text(refusal));
		return r;
	}
	records_ids_fini(&p->ids);
	memset(&p->ids, 0, sizeof(p->ids));
	p->source = candidate_source(&p->live);
	p->target = p->fresh;
	p->txn = policy_txn_begin(p->fresh, true);
	r = p->txn ? p->store->ops->open_cursor(p->store, -1, NULL, &p->cursor) : -ENOMEM;
	if (r) {
		publish_abort(p);
		return publish_refuse(why, r);
	}
	p->smalls = true;
	p->stale = true;
	p->work = WHOLE;
	return 0;
}

/* one step; 1 done with this kind of work, 0 more, -errno */
static int step(struct publish *p)
{
	const char *key, *body;
	unsigned noun;
	size_t len;
	int r;

	switch (p->work) {
	case CHANGES:
		if (p->at == p->n)
			return 1;
		if (strcmp(schema_nouns[p->changed[p->at]->noun].name, "partner") == 0) {
			r = put_partner(p, p->changed[p->at]->key, p->changed[p->at]->body,
					p->changed[p->at]->body_len);
			if (r)
				return r;
		}
		p->at++;
		return 0;
	case WHOLE:
		r = p->store->ops->next(p->cursor, &noun, &key, &body, &len);
		if (r <= 0)
			return r ? r : 1;
		if (noun != noun_of("partner")) {
			publish_touch_users(p, &p->users, noun, key, body, len);
			return 0;
		}
		/* nobody reads the new segment, so that waiting for memory is waiting for growth alone */
		r = put_partner(p, key, body, len);
		while (r == -EAGAIN) {
			if (policy_writer_step(p->target, UNITS) < 0)
				return -ENOSPC;
			r = put_partner(p, key, body, len);
		}
		return r;
	case SMALLS:
		while (p->user_at < p->users.n) {
			const struct schema_entry *e = &p->users.entry[p->user_at];

			r = publish_put_user(p, e->key);
			if (r)
				return r;
			p->user_at++;
			return 0;
		}
		r = put_smalls(p, 0, NULL);
		return r ? r : 1;
	default:
		return 1;
	}
}

int publish_slice(struct publish *p, char *why)
{
	uint64_t end = now_ns() + SLICE_NS;

	for (unsigned i = 0; p->work != READY; i++) {
		int r = step(p);

		if (r == -EAGAIN) {
			policy_writer_step(p->target, UNITS);
			return 1;
		}
		if (r < 0)
			return publish_refuse(why, r);
		if (r)
			p->work = p->work == SMALLS ? READY : SMALLS;
		if (i % 16 == 15 && now_ns() > end)
			return p->work == READY ? 0 : 1;
	}
	return 0;
}

void publish_flip(struct publish *p, uint64_t revision)
{
	struct store_revision head;
	bool whole = p->fresh != NULL;
	int r = -EAGAIN;

	p->store->ops->head(p->store, &head);
	p->smalls = p->pins_due = false;
	for (unsigned i = 0; i < FLIP_TRIES && r == -EAGAIN; i++) {
		r = put_smalls(p, revision, head.id == revision ? head.fingerprint : "");
		if (r == -EAGAIN)
			policy_writer_step(p->target, UNITS);
	}
	for (unsigned i = 0; i < FLIP_TRIES && (r == 0 || r == -EAGAIN); i++) {
		r = policy_txn_commit(p->txn);
		if (r == 0)
			break;
		policy_writer_step(p->target, UNITS);
	}
	if (!r && p->fresh) {
		r = policy_writer_publish(p->fresh);
		if (!r) {
			p->w = p->fresh;
			p->fresh = NULL;
		}
	}
	if (r) {
		/* stored but not shown: the whole is made anew from the store, soon */
		p->stale = true;
		publish_abort(p);
		return;
	}
	p->revision = revision;
	p->stale = false;
	publish_pins_flip(p, whole);
	if (p->next)
		publish_shelf(p, p->next);
	finish(p);
}

void publish_abort(struct publish *p)
{
	if (p->work == IDLE && !p->fresh)
		return;
	if (p->txn)
		policy_txn_abort(p->txn);
	if (p->fresh) {
		policy_writer_close(p->fresh);
		p->fresh = NULL;
	}
	finish(p);
}

/* ---- what changes without a commit: renewed certificates, rotated keys ---- */

void publish_shelf(struct publish *p, struct shelf *shelf)
{
	struct shelf *was = p->shelf;

	p->shelf = shelf_use(shelf);
	shelf_drop(was);
}

const struct shelf *publish_shelf_now(const struct publish *p)
{
	return p->shelf;
}

void publish_keys(struct publish *p, const struct records_keys *keys)
{
	p->keys = *keys;
	p->keys_known = true;
}

/* does the segment show these records already? */
static bool shown(struct publish *p, const struct policy_root *root, enum policy_small which,
		  const struct records_table *t)
{
	struct segment *seg = policy_writer_segment(p->w);
	const struct policy_small_ref *ref = &root->small[which];
	const void *have = ref->off ? segment_at(seg, ref->off, ref->len) : NULL;
	void *want = NULL;
	int64_t len = policy_small_build(which, (const void *const *)t->record, t->n, &want);
	bool same = len > 0 && have && (uint64_t)len == ref->len && memcmp(have, want, ref->len) == 0;

	free(want);
	return same || (len > 0 && !have && !t->n);
}

static int refresh(struct publish *p, struct policy_txn *txn, const struct records_table table[POLICY_SMALLS])
{
	uint64_t word = __atomic_load_n(&policy_writer_segment(p->w)->super->live, __ATOMIC_ACQUIRE);
	struct policy_root root;
	int r = policy_root_read(policy_writer_segment(p->w), policy_live_root(word), &root), changes = 0;

	for (unsigned i = 0; i < POLICY_SMALL_REVISION && !r; i++) {
		if (shown(p, &root, (enum policy_small)i, &table[i]))
			continue;
		changes++;
		r = -EAGAIN;
		for (unsigned k = 0; k < FLIP_TRIES && r == -EAGAIN; k++) {
			r = policy_txn_small(txn, (enum policy_small)i, (const void *const *)table[i].record,
					     table[i].n);
			if (r == -EAGAIN)
				policy_writer_step(p->w, UNITS);
		}
	}
	return r ? r : changes;
}

int publish_refresh(struct publish *p, char *why)
{
	struct records_secrets secrets = publish_secrets(p);
	struct schema_source source = candidate_source(&p->live);
	struct records_table table[POLICY_SMALLS] = {0};
	struct policy_txn *txn = NULL;
	int r = p->work != IDLE || !p->w || p->stale ? -EBUSY : 0;

	if (!r)
		r = records_small(&source, &secrets, &p->ids, table);
	if (!r) {
		txn = policy_txn_begin(p->w, false);
		r = txn ? refresh(p, txn, table) : -ENOMEM;
	}
	if (txn && r <= 0) {
		policy_txn_abort(txn);
	} else if (txn) {
		r = -EAGAIN;
		for (unsigned k = 0; k < FLIP_TRIES && r == -EAGAIN; k++) {
			r = policy_txn_commit(txn);
			if (r == -EAGAIN || r == -ENOSPC)
				policy_writer_step(p->w, UNITS);
		}
		if (r)
			policy_txn_abort(txn);
		else
			r = 1;
	}
	for (unsigned i = 0; i < POLICY_SMALLS; i++)
		records_table_fini(&table[i]);
	return r < 0 ? publish_refuse(why, r) : r;
}

/* ---- blocks ---- */

static int block_one(struct policy_writer *w, const char *domain, bool on)
{
	struct policy_name name = policy_name_of(domain);
	int r = -EAGAIN;

	for (unsigned i = 0; i < FLIP_TRIES && r == -EAGAIN; i++) {
		r = on ? policy_writer_block(w, name, true) : policy_writer_unblock(w, name, true);
		if (r == -EAGAIN)
			policy_writer_step(w, UNITS);
	}
	return r;
}

int publish_block(struct publish *p, const char *domain, bool on, char *why)
{
	int r = p->w ? block_one(p->w, domain, on) : 0;

	if (!r && p->fresh)
		r = block_one(p->fresh, domain, on);
	if (!r && !p->w && !p->fresh)
		r = -EAGAIN; /* nothing to show it in yet; the one that is made has every stored block */
	return r == -EAGAIN ? publish_refuse(why, -EBUSY) : r ? publish_refuse(why, r) : 0;
}

/* ---- the rest ---- */

int publish_step(struct publish *p)
{
	struct policy_writer *w = p->w ? p->w : p->fresh;

	if (!w)
		return 0;
	/* who reads it sees that somebody looks after it */
	__atomic_store_n(&policy_writer_segment(w)->super->heartbeat_ns, now_ns(), __ATOMIC_RELAXED);
	return policy_writer_step(w, UNITS);
}

int publish_dns(struct publish *p, const char *name, const struct policy_dns *answer, uint64_t asker)
{
	int r = p->w ? -EAGAIN : -ENOENT;

	for (unsigned i = 0; i < FLIP_TRIES && r == -EAGAIN; i++) {
		r = policy_fact_put_dns(p->w, policy_name_of(name), answer, asker);
		if (r == -EAGAIN)
			policy_writer_step(p->w, UNITS);
	}
	return r;
}

int publish_watch(struct publish *p, const struct policy_watch *watch, uint64_t life)
{
	int r = p->w ? -EAGAIN : -ENOENT;

	for (unsigned i = 0; i < FLIP_TRIES && r == -EAGAIN; i++) {
		r = policy_fact_put(p->w, POLICY_FACT_WATCH, watch->key, sizeof(watch->key), watch,
				    sizeof(*watch), now_ns() + life * 1000000000u, 0);
		if (r == -EAGAIN)
			policy_writer_step(p->w, UNITS);
	}
	return r;
}

int publish_unwatch(struct publish *p, const uint8_t *key)
{
	return p->w ? policy_fact_del(p->w, POLICY_FACT_WATCH, key, POLICY_WATCH_KEY_LEN) : -ENOENT;
}

bool publish_takes_facts(const struct publish *p)
{
	return p->w != NULL;
}

const char *publish_dir(const struct publish *p)
{
	return p->dir;
}

void publish_state(struct publish *p, struct publish_state *out)
{
	memset(out, 0, sizeof(*out));
	out->revision = p->revision;
	out->rebuilding = p->stale;
	if (p->w) {
		struct policy_writer_stats s;

		policy_writer_stats(p->w, &s);
		out->generation = s.generation;
		out->domains = s.domains;
		for (unsigned i = 0; i < SEGMENT_AREAS; i++)
			out->readers += segment_area_alive(policy_writer_segment(p->w), i);
		out->dataplane_alive = out->readers > 0;
		if (s.blocking)
			snprintf(out->text, sizeof(out->text), "; a worker holds %llu items up",
				 (unsigned long long)s.limbo_items);
	}
	if (p->stale)
		snprintf(out->text, sizeof(out->text), "; the segment is being made anew");
}
