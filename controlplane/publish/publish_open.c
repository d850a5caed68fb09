/* SPDX-License-Identifier: BSD-3-Clause */
/* The segment at start: opened and repaired when it is sound and ours, else made anew beside what serves. */
#include "config/policy/small.h"
#include "controlplane/publish/publish_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void publish_layout(const struct publish *p, struct policy_writer_config *c)
{
	memset(c, 0, sizeof(*c));
	c->segment.dir = p->dir;
	c->segment.name = POLICY_SEGMENT_NAME;
	c->segment.group = p->group;
	c->domains = 1024;
	c->users = 256;
	if (getrandom(&c->segment.id, sizeof(c->segment.id), 0) < 0 ||
	    getrandom(&c->key, sizeof(c->key), 0) < 0)
		abort(); /* the kernel's generator never fails once it is seeded */
	c->segment.id |= 1;
}

static struct policy_small_view view_of(struct segment *seg, const struct policy_root *root,
					enum policy_small which)
{
	struct policy_small_ref ref = root->small[which];

	return (struct policy_small_view){ref.off ? segment_at(seg, ref.off, ref.len) : NULL, ref.len};
}

static struct policy_name text_of(const uint8_t *record, size_t at)
{
	struct policy_str s;
	uint32_t size;

	memcpy(&size, record, 4);
	memcpy(&s, record + at, sizeof(s));
	return policy_str_get(record, size, s);
}

/* what numbers go by, for a record of a kind that has more than its name */
static struct policy_name known_as(enum policy_small which, const uint8_t *r, struct policy_name name,
				   char key[SCHEMA_KEY_MAX])
{
	if (which == POLICY_SMALL_LISTENERS) {
		records_listener_name((const struct policy_listener *)(const void *)r, key, SCHEMA_KEY_MAX);
		return policy_name_of(key);
	}
	if (which == POLICY_SMALL_ROUTES && !name.len) {
		/* a pattern's number goes by the pattern as the configuration writes it */
		const struct policy_route_set *set = (const struct policy_route_set *)(const void *)r;
		struct policy_name pattern = policy_str_get(r, set->size, set->pattern);

		snprintf(key, SCHEMA_KEY_MAX, "%s%.*s",
			 set->flags & POLICY_ROUTE_ANY	     ? "*"
			 : set->flags & POLICY_ROUTE_SUBTREE ? "*."
							     : "",
			 (int)pattern.len, pattern.ptr);
		return policy_name_of(key);
	}
	return name;
}

/* numbers that the living segment uses */
static int learn_ids(struct publish *p, struct segment *seg, const struct policy_root *root)
{
	static const struct {
		enum policy_small table;
		enum records_kind kind;
		size_t name; /* 0: it has none */
	} tables[] = {
		{POLICY_SMALL_SITES, RECORDS_SITE, offsetof(struct policy_site, name)},
		{POLICY_SMALL_IDENTITIES, RECORDS_IDENTITY, offsetof(struct policy_identity, name)},
		{POLICY_SMALL_PROVIDERS, RECORDS_PROVIDER, offsetof(struct policy_provider, name)},
		{POLICY_SMALL_LIMITS, RECORDS_LIMIT, offsetof(struct policy_limit_class, name)},
		{POLICY_SMALL_TLS, RECORDS_TLS, offsetof(struct policy_tls_profile, name)},
		{POLICY_SMALL_ROUTES, RECORDS_ROUTE, offsetof(struct policy_route_set, name)},
		{POLICY_SMALL_CERTIFICATES, RECORDS_CERTIFICATE, offsetof(struct policy_certificate, name)},
		{POLICY_SMALL_TRUSTS, RECORDS_TRUST, offsetof(struct policy_trust, name)},
		{POLICY_SMALL_INNER, RECORDS_INNER, offsetof(struct policy_inner, name)},
		{POLICY_SMALL_LISTENERS, RECORDS_LISTENER, 0},
	};

	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct policy_small_view v = view_of(seg, root, tables[i].table);

		for (unsigned k = 0; v.base && k < policy_small_count(v); k++) {
			const uint8_t *r = policy_small_at(v, tables[i].table, k);
			struct policy_name name = {"", 0};
			char key[SCHEMA_KEY_MAX];
			uint32_t id;

			if (!r)
				return -EBADMSG;
			memcpy(&id, r + 4, 4);
			if (tables[i].name)
				name = text_of(r, tables[i].name);
			name = known_as(tables[i].table, r, name, key);
			records_id_known(&p->ids, tables[i].kind, name.ptr, name.len, id);
		}
	}
	return 0;
}

static void copy_text(char *out, size_t cap, struct policy_name name)
{
	snprintf(out, cap, "%.*s", (int)name.len, name.ptr);
}

/* which secrets the living segment names: they stay while their files cannot be had */
static int learn_shelf(struct publish *p, struct segment *seg, const struct policy_root *root)
{
	static const struct {
		enum policy_small table;
		enum shelf_sort sort;
		size_t name, hash[3];
	} tables[] = {
		{POLICY_SMALL_CERTIFICATES,
		 SHELF_CERTIFICATE,
		 offsetof(struct policy_certificate, name),
		 {offsetof(struct policy_certificate, chain), offsetof(struct policy_certificate, key),
		  offsetof(struct policy_certificate, ocsp)}},
		{POLICY_SMALL_TRUSTS,
		 SHELF_TRUST,
		 offsetof(struct policy_trust, name),
		 {offsetof(struct policy_trust, ca), offsetof(struct policy_trust, crl), 0}},
	};

	p->shelf = shelf_new();
	if (!p->shelf)
		return -ENOMEM;
	for (unsigned i = 0; i < 2; i++) {
		struct policy_small_view v = view_of(seg, root, tables[i].table);

		for (unsigned k = 0; v.base && k < policy_small_count(v); k++) {
			const uint8_t *r = policy_small_at(v, tables[i].table, k);
			char name[64], hash[3][VAULT_HASH] = {"", "", ""};

			if (!r)
				return -EBADMSG;
			copy_text(name, sizeof(name), text_of(r, tables[i].name));
			for (unsigned h = 0; h < 3; h++)
				if (tables[i].hash[h])
					copy_text(hash[h], sizeof(hash[h]), text_of(r, tables[i].hash[h]));
			if (shelf_remember(p->shelf, tables[i].sort, name, hash[0], hash[1], hash[2]))
				return -ENOMEM;
		}
	}
	return 0;
}

/* what a living segment knows, and the revision that it shows */
static int learn(struct publish *p)
{
	struct segment *seg = policy_writer_segment(p->w);
	uint64_t word = __atomic_load_n(&seg->super->live, __ATOMIC_ACQUIRE);
	const struct records_revision *r;
	struct store_revision have;
	struct policy_root root;
	int err;

	if (!policy_live_root(word) || policy_root_read(seg, policy_live_root(word), &root))
		return -EBADMSG;
	err = learn_ids(p, seg, &root);
	err = err ? err : learn_shelf(p, seg, &root);
	if (err)
		return err;
	r = policy_small_at(view_of(seg, &root, POLICY_SMALL_REVISION), POLICY_SMALL_REVISION, 0);
	if (!r || r->size < sizeof(*r))
		return -EBADMSG;
	p->revision = r->revision;
	/* a segment of another store, or of a store that was set back, shows something else under this number
	 */
	if (p->revision && (p->store->ops->revision(p->store, p->revision, &have) ||
			    memcmp(have.fingerprint, r->fingerprint, sizeof(r->fingerprint))))
		return -ESTALE;
	return 0;
}

void publish_regroup(struct publish *p, gid_t group)
{
	p->group = group;
	p->stale = true;
}

int publish_open(struct publish **out, const char *dir, struct store *store, gid_t group, char *why)
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
	p->group = group;
	publish_layout(p, &c);
	r = policy_writer_open(&p->w, &c, &refusal);
	if (r == -EBUSY) {
		snprintf(why, SCHEMA_WHY_MAX, "%.200s: another daemon writes the segment", dir);
		p->store->ops->close(p->store);
		free(p);
		return r;
	}
	p->store->ops->head(p->store, &head);
	if (!r)
		r = learn(p);
	/* a store that was lost must not take down what the dataplane still has */
	if (r == -ESTALE && !head.id) {
		snprintf(why, SCHEMA_WHY_MAX,
			 "%.200s shows revision %llu, but the store is empty: it was lost, or --store names "
			 "another "
			 "one. Bring it back; or remove that directory's policy files to begin with nothing",
			 dir, (unsigned long long)p->revision);
		publish_close(p);
		return r;
	}
	if (r) {
		/* none, of another version, damaged, or of another store: it is made anew beside the old one,
		 * which goes on serving until then */
		records_ids_fini(&p->ids);
		memset(&p->ids, 0, sizeof(p->ids));
		shelf_drop(p->shelf);
		p->shelf = NULL;
		if (p->w)
			policy_writer_close(p->w);
		p->w = NULL;
		p->revision = 0;
		p->stale = true;
	}
	p->stale |= p->revision != head.id;
	*out = p;
	return 0;
}
