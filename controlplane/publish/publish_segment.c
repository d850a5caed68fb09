/* SPDX-License-Identifier: BSD-3-Clause */
/* The policy segment as what is published to. A change is a staged transaction, so that a block finds its way
 * between any two slices. */
#include "config/policy/fact.h"
#include "config/policy/overlay.h"
#include "config/policy/small.h"
#include "config/policy/writer.h"
#include "controlplane/publish/publish.h"
#include "controlplane/publish/records.h"
#include "controlplane/store/candidate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { UNITS = POLICY_WRITER_UNITS, SLICE_NS = 200000, FLIP_TRIES = 2000 };

enum work { IDLE, CHANGES, WHOLE, SMALLS, READY };

struct publish {
	struct policy_writer *w, *fresh; /* fresh: being filled, takes the place of w at flip */
	struct store *store;
	struct candidate live; /* nothing on top: what is in force */
	char dir[256];
	struct records_ids ids;
	uint64_t revision;
	bool stale;
	/* the change under way */
	enum work work;
	struct policy_txn *txn;
	struct policy_writer *target;
	struct schema_source source;
	const struct schema_entry *const *changed;
	size_t n, at;
	struct store_cursor *cursor;
	bool smalls, users_known;
	struct schema_map sites; /* user → site's number */
	struct schema_map users; /* who has to be written */
	size_t user_at;
	struct schema_object o;
	struct schema_text body, partner;
};

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

static int refuse(char *why, int r)
{
	snprintf(why, SCHEMA_WHY_MAX, "%s",
		 r == -ENOSPC  ? "no memory left for the segment (is its tmpfs full?)"
		 : r == -EBUSY ? "a worker of the dataplane does not move; its memory cannot be reused"
		 : r == -ELOOP ? "the segment has to be made anew"
			       : strerror(-r));
	return r;
}

/* ---- opening ---- */

static void config(const struct publish *p, struct policy_writer_config *c)
{
	memset(c, 0, sizeof(*c));
	c->segment.dir = p->dir;
	c->segment.name = POLICY_SEGMENT_NAME;
	c->segment.group = (gid_t)-1;
	c->domains = 1024;
	c->users = 256;
	if (getrandom(&c->segment.id, sizeof(c->segment.id), 0) < 0 ||
	    getrandom(&c->key, sizeof(c->key), 0) < 0)
		abort(); /* the kernel's generator never fails once it is seeded */
	c->segment.id |= 1;
}

/* numbers that the living segment uses, and the revision that it shows */
static int learn(struct publish *p)
{
	static const struct {
		enum policy_small table;
		enum records_kind kind;
		size_t name;
	} tables[] = {
		{POLICY_SMALL_SITES, RECORDS_SITE, offsetof(struct policy_site, name)},
		{POLICY_SMALL_IDENTITIES, RECORDS_IDENTITY, offsetof(struct policy_identity, name)},
		{POLICY_SMALL_PROVIDERS, RECORDS_PROVIDER, offsetof(struct policy_provider, name)},
		{POLICY_SMALL_LIMITS, RECORDS_LIMIT, offsetof(struct policy_limit_class, name)},
		{POLICY_SMALL_TLS, RECORDS_TLS, offsetof(struct policy_tls_profile, name)},
		{POLICY_SMALL_ROUTES, RECORDS_ROUTE, offsetof(struct policy_route_set, name)},
	};
	struct segment *seg = policy_writer_segment(p->w);
	uint64_t word = __atomic_load_n(&seg->super->live, __ATOMIC_ACQUIRE);
	struct policy_root root;

	if (!policy_live_root(word) || policy_root_read(seg, policy_live_root(word), &root))
		return -EBADMSG;
	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct policy_small_ref ref = root.small[tables[i].table];
		struct policy_small_view v = {ref.off ? segment_at(seg, ref.off, ref.len) : NULL, ref.len};

		for (unsigned k = 0; v.base && k < policy_small_count(v); k++) {
			const uint8_t *r = policy_small_at(v, tables[i].table, k);
			struct policy_str s;
			struct policy_name name;
			uint32_t size, id;
			char key[SCHEMA_KEY_MAX];

			if (!r)
				return -EBADMSG;
			memcpy(&size, r, 4);
			memcpy(&id, r + 4, 4);
			memcpy(&s, r + tables[i].name, sizeof(s));
			name = policy_str_get(r, size, s);
			if (tables[i].table == POLICY_SMALL_ROUTES && !name.len) {
				/* a pattern's number goes by the pattern as the configuration writes it */
				const struct policy_route_set *set = (const struct policy_route_set *)r;
				struct policy_name pattern = policy_str_get(r, size, set->pattern);

				snprintf(key, sizeof(key), "%s%.*s",
					 set->flags & POLICY_ROUTE_ANY	     ? "*"
					 : set->flags & POLICY_ROUTE_SUBTREE ? "*."
									     : "",
					 (int)pattern.len, pattern.ptr);
				name = policy_name_of(key);
			}
			records_id_known(&p->ids, tables[i].kind, name.ptr, name.len, id);
		}
	}
	{
		struct policy_small_ref ref = root.small[POLICY_SMALL_REVISION];
		struct policy_small_view v = {ref.off ? segment_at(seg, ref.off, ref.len) : NULL, ref.len};
		const struct records_revision *r =
			v.base ? policy_small_at(v, POLICY_SMALL_REVISION, 0) : NULL;
		struct store_revision have;

		if (!r || r->size < sizeof(*r))
			return -EBADMSG;
		p->revision = r->revision;
		/* a segment of another store, or of a store that was set back, shows something else under
		 * this number */
		if (p->revision && (p->store->ops->revision(p->store, p->revision, &have) ||
				    memcmp(have.fingerprint, r->fingerprint, sizeof(r->fingerprint))))
			return -ESTALE;
	}
	return 0;
}

int publish_open(struct publish **out, const char *dir, struct store *store, char *why)
{
	struct publish *p = calloc(1, sizeof(*p));
	struct policy_writer_config c;
	enum segment_refusal refusal = 0;
	struct store_revision head;
	int r;

	if (!p)
		return -ENOMEM;
	/* a handle of its own: this may be another thread than the one that owns `store` */
	r = store->ops->reader(store, &p->store);
	if (r) {
		snprintf(why, SCHEMA_WHY_MAX, "the store cannot be read: %s", strerror(-r));
		free(p);
		return r;
	}
	candidate_init(&p->live, p->store, NULL);
	snprintf(p->dir, sizeof(p->dir), "%s", dir);
	config(p, &c);
	r = policy_writer_open(&p->w, &c, &refusal);
	if (r == -EBUSY) {
		snprintf(why, SCHEMA_WHY_MAX, "%.200s: another daemon writes the segment", dir);
		p->store->ops->close(p->store);
		free(p);
		return r;
	}
	if (!r)
		r = learn(p);
	if (r) {
		/* none, of another version, damaged, or of another store: it is made anew beside the old one,
		 * which goes on serving until then */
		records_ids_fini(&p->ids);
		memset(&p->ids, 0, sizeof(p->ids));
		if (p->w)
			policy_writer_close(p->w);
		p->w = NULL;
		p->revision = 0;
		p->stale = true;
		r = 0;
	}
	p->store->ops->head(p->store, &head);
	p->stale |= p->revision != head.id;
	*out = p;
	return 0;
}

static void finish(struct publish *p)
{
	if (p->cursor)
		p->store->ops->close_cursor(p->cursor);
	p->cursor = NULL;
	p->txn = NULL;
	p->target = NULL;
	p->work = IDLE;
	schema_map_fini(&p->sites);
	schema_map_fini(&p->users);
	p->users_known = p->smalls = false;
	p->n = p->at = p->user_at = 0;
}

void publish_close(struct publish *p)
{
	if (!p)
		return;
	publish_abort(p);
	if (p->w)
		policy_writer_close(p->w);
	records_ids_fini(&p->ids);
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

/* ---- users: a number for the site of each, and whose record changes ---- */

static bool site_members(void *arg, const char *key, const char *body, size_t len)
{
	struct publish *p = arg;
	struct schema_object o = {0};
	char id[16];

	if (schema_object_load(&o, schema_noun_named("site"), key, body, len) == 0) {
		snprintf(id, sizeof(id), "%u", records_id(&p->ids, RECORDS_SITE, key));
		for (unsigned i = 0; i < o.n; i++)
			if (o.item[i].field == 0)
				schema_map_put(&p->sites, 0, schema_object_value(&o, &o.item[i]), id,
					       strlen(id), 0);
	}
	schema_object_fini(&o);
	return true;
}

static void touch_members(struct publish *p, const char *key, const char *body, size_t len)
{
	if (schema_object_load(&p->o, schema_noun_named("site"), key, body, len))
		return;
	for (unsigned i = 0; i < p->o.n; i++)
		if (p->o.item[i].field == 0)
			schema_map_put(&p->users, 0, schema_object_value(&p->o, &p->o.item[i]), "", 0, 0);
}

static void touch_users(struct publish *p, unsigned noun, const char *key, const char *body, size_t len)
{
	if (noun == noun_of("access")) {
		if (strncmp(key, "user/", 5) == 0)
			schema_map_put(&p->users, 0, key + 5, "", 0, 0);
		return;
	}
	if (noun != noun_of("site"))
		return;
	schema_text_reset(&p->body);
	if (p->live.store->ops->get(p->live.store, noun, key, &p->body) == 1)
		touch_members(p, key, p->body.p, p->body.n);
	if (body)
		touch_members(p, key, body, len);
}

static int put_user(struct publish *p, const char *address)
{
	const struct schema_noun *access = schema_noun_named("access");
	const struct schema_entry *site;
	const char *at = strrchr(address, '@');
	struct policy_address a = {{address, (uint32_t)(at - address)}, policy_name_of(at + 1)};
	struct policy_user u = {0};
	char scope[SCHEMA_KEY_MAX + 8];
	int has;

	if (!p->users_known) {
		int r = p->source.each(p->source.ctx, noun_of("site"), site_members, p);

		if (r)
			return r;
		p->users_known = true;
	}
	site = schema_map_get(&p->sites, 0, address);
	snprintf(scope, sizeof(scope), "user/%.600s", address);
	schema_text_reset(&p->body);
	has = p->source.get(p->source.ctx, schema_noun_index(access), scope, &p->body);
	if (has < 0)
		return has;
	if (!has && !site)
		return policy_txn_del_user(p->txn, a);
	if (has && schema_object_load(&p->o, access, scope, p->body.p ? p->body.p : "", p->body.n) == 0)
		u.rights = records_rights(&p->o);
	if (site)
		u.site = (uint16_t)strtoul(site->body, NULL, 10);
	return policy_txn_put_user(p->txn, a, &u, (struct policy_name){"", 0});
}

/* ---- one object ---- */

static int put_partner(struct publish *p, const char *key, const char *body, size_t len)
{
	struct policy_domain d;
	const char *comment;
	bool subtree;
	struct policy_name name = records_name(key, &subtree);
	int r;

	if (!body)
		return policy_txn_del_domain(p->txn, name, subtree ? 1 : 0);
	r = schema_object_load(&p->o, schema_noun_named("partner"), key, body, len);
	r = r ? r : records_domain(&p->o, &p->ids, &d, &p->partner, &comment);
	if (r)
		return r;
	return policy_txn_put_domain(p->txn, name, &d,
				     p->partner.n ? (const struct policy_partner *)(const void *)p->partner.p
						  : NULL,
				     comment ? policy_name_of(comment) : (struct policy_name){"", 0});
}

static int put_smalls(struct publish *p, uint64_t revision, const char *fingerprint)
{
	struct records_table table[POLICY_SMALLS] = {0};
	int r = p->smalls ? records_small(&p->source, &p->ids, table) : 0;

	if (!r && fingerprint)
		r = records_revision_add(&table[POLICY_SMALL_REVISION], revision, fingerprint);
	for (unsigned i = 0; i < POLICY_SMALLS && !r; i++)
		if ((p->smalls && i < POLICY_SMALL_REVISION) || table[i].n)
			r = policy_txn_small(p->txn, (enum policy_small)i,
					     (const void *const *)table[i].record, table[i].n);
	for (unsigned i = 0; i < POLICY_SMALLS; i++)
		records_table_fini(&table[i]);
	return r;
}

/* ---- a change ---- */

int publish_begin(struct publish *p, const struct schema_source *source,
		  const struct schema_entry *const *changed, size_t n, char *why)
{
	if (p->work != IDLE || !p->w || p->stale) {
		snprintf(why, SCHEMA_WHY_MAX, "the segment is being made anew; try again in a moment");
		return -EBUSY;
	}
	p->txn = policy_txn_begin(p->w, true);
	if (!p->txn)
		return refuse(why, -ENOMEM);
	p->target = p->w;
	p->source = *source;
	p->changed = changed;
	p->n = n;
	p->at = 0;
	for (size_t i = 0; i < n; i++) {
		p->smalls |= strcmp(schema_nouns[changed[i]->noun].name, "partner") != 0;
		touch_users(p, changed[i]->noun, changed[i]->key, changed[i]->body, changed[i]->body_len);
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
	config(p, &c);
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
		return refuse(why, r);
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
			touch_users(p, noun, key, body, len);
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

			r = put_user(p, e->key);
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
			return refuse(why, r);
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
	int r = -EAGAIN;

	p->store->ops->head(p->store, &head);
	p->smalls = false;
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
	return r == -EAGAIN ? refuse(why, -EBUSY) : r ? refuse(why, r) : 0;
}

/* ---- shadow ---- */

static int shadow_domain(struct publish *p, struct policy_overlay *o, const struct schema_entry *e)
{
	struct policy_domain d;
	const char *comment;
	bool subtree;
	struct policy_name name = records_name(e->key, &subtree);
	int r;

	if (!e->body)
		return policy_overlay_domain(o, name, subtree ? 1 : 0, NULL, NULL);
	r = schema_object_load(&p->o, schema_noun_named("partner"), e->key, e->body, e->body_len);
	r = r ? r : records_domain(&p->o, &p->ids, &d, &p->partner, &comment);
	return r ? r
		 : policy_overlay_domain(
			   o, name, subtree ? 1 : 0, &d,
			   p->partner.n ? (const struct policy_partner *)(const void *)p->partner.p : NULL);
}

int publish_shadow(struct publish *p, const struct schema_source *source,
		   const struct schema_entry *const *changed, size_t n, char *why)
{
	struct records_table table[POLICY_SMALLS] = {0};
	struct policy_overlay *o = NULL;
	bool smalls = false;
	int r = -EAGAIN;

	if (!p->w)
		return refuse(why, -EBUSY);
	for (unsigned i = 0; i < FLIP_TRIES && !o && r == -EAGAIN; i++) {
		o = policy_overlay_begin(p->w, n + 1, 1, &r);
		if (!o)
			policy_writer_step(p->w, UNITS);
	}
	if (!o)
		return refuse(why, r);
	r = 0;
	for (size_t i = 0; i < n && !r; i++) {
		if (strcmp(schema_nouns[changed[i]->noun].name, "partner")) {
			smalls = true;
			continue;
		}
		r = shadow_domain(p, o, changed[i]);
		for (unsigned k = 0; k < FLIP_TRIES && r == -EAGAIN; k++) {
			policy_writer_step(p->w, UNITS);
			r = shadow_domain(p, o, changed[i]);
		}
	}
	if (!r && smalls)
		r = records_small(source, &p->ids, table);
	for (unsigned i = 0; i < POLICY_SMALL_REVISION && !r && smalls; i++)
		r = policy_overlay_small(o, (enum policy_small)i, (const void *const *)table[i].record,
					 table[i].n);
	for (unsigned i = 0; i < POLICY_SMALLS; i++)
		records_table_fini(&table[i]);
	if (!r)
		r = policy_overlay_publish(o);
	for (unsigned k = 0; k < FLIP_TRIES && r == -EAGAIN; k++) {
		policy_writer_step(p->w, UNITS);
		r = policy_overlay_publish(o);
	}
	if (r) {
		policy_overlay_abort(o);
		return refuse(why, r);
	}
	return 0;
}

void publish_unshadow(struct publish *p)
{
	if (p->w)
		policy_overlay_withdraw(p->w);
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
			out->dataplane_alive |= segment_area_alive(policy_writer_segment(p->w), i);
		if (s.blocking)
			snprintf(out->text, sizeof(out->text), "; a worker holds %llu items up",
				 (unsigned long long)s.limbo_items);
	}
	if (p->stale)
		snprintf(out->text, sizeof(out->text), "; the segment is being made anew");
}
