/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/world_material.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/policy/room.h"
#include "dataplane/base/siphash.h"

struct world_secret {
	struct world_secret *next;
	uint8_t *bytes;
	size_t len;
	char hash[POLICY_HASH_LEN + 1];
};

struct world_text {
	struct world_text *next;
	char text[];
};

struct reading {
	struct world_material *m;
	const struct policy_view *view;
	const struct world_places *before;
	uint64_t now;
	int run_dir, secrets; /* the directory in it, once it is needed */
	int err;
};

_Static_assert(TLS_IDENTITIES_MAX == 2 * POLICY_IDENTITIES_MAX, "a place for each side");
_Static_assert(TLS_PROFILES_MAX == POLICY_TLS_PROFILES_MAX + 3, "two that are shipped, one inside as well");
_Static_assert(EDGE_LISTENERS == POLICY_LISTENERS_MAX, "what `check` says");

static const struct siphash_key hash_key = {0x776f726c64u,
					    0x6d6174657269616cu}; /* no secret: nobody chooses */

/* ---- is it the same as before? ---- */

static int hash_record(void *ctx, const void *record)
{
	uint64_t *sum = ctx;
	struct siphash_key key = {hash_key.k0 ^ *sum, hash_key.k1};
	uint32_t size;

	memcpy(&size, record, sizeof(size));
	*sum = siphash(&key, record, size, 1, 3);
	return 0;
}

uint64_t world_material_hash(const struct policy_view *view)
{
	static const enum policy_small tables[] = {
		POLICY_SMALL_BOX,	POLICY_SMALL_IDENTITIES,   POLICY_SMALL_OWN_DOMAINS,
		POLICY_SMALL_LISTENERS, POLICY_SMALL_CERTIFICATES, POLICY_SMALL_TRUSTS,
		POLICY_SMALL_TLS,	POLICY_SMALL_SECRETS,
	};
	uint64_t sum = 1;

	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		sum += tables[i];
		policy_small_each(view, tables[i], hash_record, &sum);
	}
	return sum | 1;
}

/* ---- copies ---- */

__attribute__((format(printf, 2, 3))) static int wrong(struct reading *r, const char *format, ...)
{
	char text[sizeof(r->m->why)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(r->m->why, text, sizeof(text));
	r->err = -EINVAL;
	return r->err;
}

static const char *keep(struct reading *r, struct policy_name text, const char *behind)
{
	size_t more = strlen(behind);
	struct world_text *t = malloc(sizeof(*t) + text.len + more + 1);

	if (!t) {
		wrong(r, "no memory");
		r->err = -ENOMEM;
		return NULL;
	}
	memcpy(t->text, text.ptr, text.len);
	memcpy(t->text + text.len, behind, more + 1);
	t->next = r->m->texts;
	r->m->texts = t;
	return t->text;
}

/* The content behind a hash; empty for none. `whose` for people. */
static struct tls_blob secret(struct reading *r, const void *record, uint32_t size, struct policy_str s,
			      const char *what, struct policy_name whose)
{
	struct policy_name hash = policy_str_get(record, size, s);
	struct world_secret *k;
	int err;

	if (!hash.len || r->err)
		return (struct tls_blob){NULL, 0};
	for (k = r->m->secrets; k; k = k->next)
		if (strlen(k->hash) == hash.len && memcmp(k->hash, hash.ptr, hash.len) == 0)
			return (struct tls_blob){k->bytes, k->len};
	if (r->secrets < 0)
		r->secrets = openat(r->run_dir, "secrets", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (r->secrets < 0) {
		wrong(r, "the secrets directory cannot be opened (%s)", strerror(errno));
		return (struct tls_blob){NULL, 0};
	}
	k = calloc(1, sizeof(*k));
	if (!k) {
		wrong(r, "no memory");
		return (struct tls_blob){NULL, 0};
	}
	snprintf(k->hash, sizeof(k->hash), "%.*s", (int)hash.len, hash.ptr);
	err = tls_secret_read(r->secrets, k->hash, &k->bytes, &k->len);
	if (err) {
		free(k);
		wrong(r, "%s %.*s: the secret file %.*s… cannot be used (%s)", what, (int)whose.len,
		      whose.ptr, hash.len < 16 ? (int)hash.len : 16, hash.ptr,
		      err == -EBADMSG ? "it is not what its name says" : strerror(-err));
		return (struct tls_blob){NULL, 0};
	}
	k->next = r->m->secrets;
	r->m->secrets = k;
	return (struct tls_blob){k->bytes, k->len};
}

/* ---- places ---- */

static int place_find(struct reading *r, struct world_place *places, unsigned n, struct policy_name name,
		      enum policy_side side, const char *what)
{
	unsigned free_place = n;

	if (!name.len || name.len >= WORLD_NAME)
		return wrong(r, "%s %.*s: its name cannot be used", what, (int)name.len, name.ptr);
	for (unsigned i = 0; i < n; i++) {
		struct world_place *p = &places[i];

		if (p->side == side && strlen(p->name) == name.len &&
		    memcmp(p->name, name.ptr, name.len) == 0) {
			p->left = r->now;
			return (int)i;
		}
		if (p->left != r->now && (free_place == n || p->left < places[free_place].left))
			free_place = i;
	}
	if (free_place == n)
		return wrong(r, "%s %.*s: more than %u cannot be", what, (int)name.len, name.ptr, n);
	places[free_place] = (struct world_place){.side = (uint8_t)side, .left = r->now};
	memcpy(places[free_place].name, name.ptr, name.len);
	return (int)free_place;
}

/* ---- profiles ---- */

static int take_subjects(struct reading *r, const struct policy_tls_profile *p, struct edge_place *place)
{
	place->subject = p->peer_subjects ? calloc(p->peer_subjects, sizeof(*place->subject)) : NULL;
	if (p->peer_subjects && !place->subject)
		return wrong(r, "no memory");
	for (unsigned i = 0; i < p->peer_subjects; i++) {
		struct policy_name name = policy_tls_peer_subject(p, i);
		const char *copy = keep(r, name, "");

		if (!copy)
			return r->err;
		place->subject[place->subjects++] = (struct policy_name){copy, name.len};
	}
	return 0;
}

/* Profiles of the same lists share them, and so do all workers. */
static struct tls_lists *lists_of(struct reading *r, const struct tls_profile_spec *s)
{
	struct tls_lists *lists;
	int bad;

	if (!s->crls.len || r->err)
		return NULL;
	for (unsigned i = 0; i < TLS_PROFILES_MAX; i++)
		/* a secret is read once */
		if (r->m->config.profiles[i].lists && r->m->profiles[i].crls.bytes == s->crls.bytes)
			return tls_lists_use(r->m->config.profiles[i].lists);
	bad = tls_lists_read(s->crls, &lists);
	if (bad > 0)
		wrong(r, "profile %s: revocation list %d cannot be read", s->name, bad);
	else if (bad)
		wrong(r, "no memory");
	return lists;
}

static unsigned digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

/* a name of a secret: it was read by it, so it is one */
static void from_hex(struct policy_name hash, uint8_t out[32])
{
	for (unsigned i = 0; hash.len == 64 && i < 32; i++)
		out[i] = (uint8_t)(digit(hash.ptr[2 * i]) << 4 | digit(hash.ptr[2 * i + 1]));
}

/* One place of the world: a profile has one for each side that uses it, so that nothing of one side (tickets,
 * what was verified) is good on the other. */
static int profile_place(struct reading *r, const struct policy_tls_profile *p, enum policy_side side)
{
	const struct policy_trust *t = policy_small_with_id(r->view, POLICY_SMALL_TRUSTS, p->trust);
	struct policy_name name = policy_str_get(p, p->size, p->name);
	const struct policy_box *box = r->view->box;
	int at = place_find(r, r->m->places.profiles, TLS_PROFILES_MAX, name, side, "TLS profile");
	struct tls_profile_spec *s;

	if (at < 0)
		return at;
	s = &r->m->profiles[at];
	*s = (struct tls_profile_spec){
		.name = keep(r, name, side == POLICY_SIDE_INTERNAL ? " inside" : ""),
		.version_min = p->version_min,
		.version_max = p->version_max,
		.suites_13 = keep(r, policy_str_get(p, p->size, p->suites13), ""),
		.suites_12 = keep(r, policy_str_get(p, p->size, p->suites12), ""),
		.groups = keep(r, policy_str_get(p, p->size, p->groups), ""),
		.eku = p->eku,
		.depth = p->depth,
	};
	/* Outside, a profile that says nothing leaves it to the partner's own setting, by which decide()
	 * judges; inside nobody else judges it. */
	if (!s->eku)
		s->eku = side == POLICY_SIDE_EXTERNAL ? POLICY_EKU_ANY
			 : box->eku		      ? box->eku
						      : POLICY_EKU_ACCEPT_SERVERAUTH;
	if (p->flags & POLICY_TLS_REVOCATION_HARD)
		s->revocation = TLS_REVOCATION_HARD;
	else if (p->flags & (POLICY_TLS_CRL | POLICY_TLS_OCSP))
		s->revocation = TLS_REVOCATION_SOFT;
	if (t) {
		struct policy_name whose = policy_str_get(t, t->size, t->name);

		s->trust = secret(r, t, t->size, t->ca, "trust", whose);
		from_hex(policy_str_get(t, t->size, t->ca), r->m->config.trust[at]);
		if (s->revocation != TLS_REVOCATION_OFF)
			s->crls = secret(r, t, t->size, t->crl, "trust", whose);
	}
	r->m->config.profiles[at] = (struct edge_place){.id = p->id, .side = (uint8_t)side};
	s->lists = r->m->config.profiles[at].lists = lists_of(r, s);
	if (r->err || take_subjects(r, p, &r->m->config.profiles[at]))
		return r->err;
	return at;
}

static int take_profile(void *ctx, const void *record)
{
	struct reading *r = ctx;
	const struct policy_tls_profile *p = record;

	if (profile_place(r, p, POLICY_SIDE_EXTERNAL) < 0)
		return r->err;
	if (p->id == r->view->box->internal_tls_profile)
		profile_place(r, p, POLICY_SIDE_INTERNAL);
	return r->err;
}

static int place_of(const struct edge_place *places, unsigned n, uint32_t id, enum policy_side side)
{
	for (unsigned i = 0; id && i < n; i++)
		if (places[i].id == id && places[i].side == side)
			return (int)i;
	return -1;
}

/* ---- identities ---- */

static void take_pairs(struct reading *r, const uint32_t *ids, struct tls_pair *pairs, uint64_t *sum)
{
	for (unsigned i = 0; i < POLICY_CERTIFICATES && i < TLS_SLOT_PAIRS; i++) {
		const struct policy_certificate *c =
			policy_small_with_id(r->view, POLICY_SMALL_CERTIFICATES, ids[i]);
		struct policy_name name;

		if (!c)
			continue;
		name = policy_str_get(c, c->size, c->name);
		pairs[i] = (struct tls_pair){.chain = secret(r, c, c->size, c->chain, "certificate", name),
					     .key = secret(r, c, c->size, c->key, "certificate", name),
					     .ocsp = secret(r, c, c->size, c->ocsp, "certificate", name)};
		hash_record(sum, c);
	}
}

struct names {
	struct reading *r;
	const struct policy_identity *identity;
	struct tls_identity_spec *spec;
	unsigned n;
};

static int take_domain(void *ctx, const void *record)
{
	struct names *n = ctx;
	const struct policy_own_domain *d = record;

	if (d->identity == n->identity->id && n->n < TLS_SNI_MAX)
		n->spec->sni[n->n++] = keep(n->r, policy_str_get(d, d->size, d->name), "");
	return n->r->err;
}

static int identity_place(struct reading *r, const struct policy_identity *i, enum policy_side side)
{
	bool inside = side == POLICY_SIDE_INTERNAL;
	const struct policy_box *box = r->view->box;
	uint32_t profile = inside	    ? box->internal_tls_profile
			   : i->tls_profile ? i->tls_profile
					    : box->external_tls_profile;
	struct policy_name name = policy_str_get(i, i->size, i->name);
	int at = place_find(r, r->m->places.identities, TLS_IDENTITIES_MAX, name, side, "identity");
	int used = place_of(r->m->config.profiles, TLS_PROFILES_MAX, profile, side);
	struct tls_identity_spec *s;
	uint64_t sum = 1;

	if (at < 0)
		return at;
	s = &r->m->identities[at];
	*s = (struct tls_identity_spec){.name = keep(r, name, inside ? " inside" : "")};
	for (unsigned p = 0; p < TLS_PROFILES_MAX; p++)
		if (r->m->config.profiles[p].side == side && (!inside || (int)p == used))
			s->profiles |= UINT64_C(1) << p;
	take_pairs(r, inside ? i->internal_certificate : i->server_certificate, s->server, &sum);
	take_pairs(r, inside ? i->internal_certificate : i->client_certificate, s->client, &sum);
	/* the same as in the world before, where its place was in use */
	s->in_force = r->before->identities[at].left + 1 == r->now &&
		      strcmp(r->before->identities[at].name, r->m->places.identities[at].name) == 0 &&
		      r->before->identities[at].side == side && r->before->identities[at].pairs == sum;
	r->m->places.identities[at].pairs = sum;
	if (!inside) {
		struct names n = {r, i, s, 0};

		s->sni[n.n++] = keep(r, policy_str_get(i, i->size, i->public_fqdn), "");
		policy_small_each(r->view, POLICY_SMALL_OWN_DOMAINS, take_domain, &n);
	}
	/* a side without profile is not served */
	r->m->config.identities[at] = (struct edge_place){
		.id = i->id, .side = (uint8_t)side, .profile = used < 0 ? UINT8_MAX : (uint8_t)used};
	if (!s->profiles)
		s->name = NULL;
	return r->err;
}

static int take_identity(void *ctx, const void *record)
{
	struct reading *r = ctx;

	if (identity_place(r, record, POLICY_SIDE_EXTERNAL) < 0)
		return r->err;
	identity_place(r, record, POLICY_SIDE_INTERNAL);
	return r->err;
}

/* ---- listeners and keys ---- */

static int take_listener(void *ctx, const void *record)
{
	struct reading *r = ctx;
	const struct policy_listener *l = record;
	struct edge_config *c = &r->m->config;
	struct edge_listen *to = &c->listens[c->n_listens];
	int identity = place_of(c->identities, TLS_IDENTITIES_MAX, l->identity, (enum policy_side)l->side);

	bool plain = l->protocol == POLICY_PROTOCOL_SIP_TCP;

	if (l->protocol != POLICY_PROTOCOL_SIP && !plain)
		return 0;
	/* without TLS there is nothing outside, whoever wrote that record */
	if (plain ? l->side != POLICY_SIDE_INTERNAL
		  : identity < 0 || c->identities[identity].profile == UINT8_MAX) {
		r->m->listens_left_out++;
		return 0;
	}
	if (c->n_listens == EDGE_LISTENERS) {
		r->m->listens_left_out++;
		return 0;
	}
	*to = (struct edge_listen){.port = l->port,
				   .side = l->side,
				   .plain = plain,
				   .identity = identity < 0 ? UINT8_MAX : (uint8_t)identity,
				   .profile = identity < 0 ? UINT8_MAX : c->identities[identity].profile,
				   .identity_id = l->identity};
	memcpy(to->ip.b, l->ip, sizeof(to->ip.b));
	c->n_listens++;
	return 0;
}

static int take_key(void *ctx, const void *record)
{
	struct reading *r = ctx;
	const struct policy_secret *s = record;
	struct tls_ticket_keys *keys = &r->m->config.tickets;
	struct tls_ticket_key *to[] = {[POLICY_SLOT_NEXT] = &keys->next,
				       [POLICY_SLOT_CURRENT] = &keys->current,
				       [POLICY_SLOT_PREVIOUS] = &keys->previous};
	bool ticket = s->kind == POLICY_SECRET_TICKET;
	uint32_t len = ticket ? POLICY_TICKET_LEN : POLICY_ROUTE_KEY_LEN;
	struct tls_blob b;

	_Static_assert(sizeof(struct tls_ticket_key) == POLICY_TICKET_LEN, "a file is a key");
	if ((!ticket && s->kind != POLICY_SECRET_ROUTE) || s->slot < POLICY_SLOT_NEXT ||
	    s->slot > POLICY_SLOT_PREVIOUS)
		return 0;
	b = secret(r, s, s->size, s->hash, ticket ? "ticket key" : "route key", (struct policy_name){"", 0});
	if (r->err || !b.len)
		return r->err;
	if (b.len != len)
		return wrong(r, "a %s key is %zu bytes long instead of %u", ticket ? "ticket" : "route",
			     b.len, len);
	memcpy(ticket ? (uint8_t *)to[s->slot] : r->m->config.route[s->slot - POLICY_SLOT_NEXT], b.bytes,
	       len);
	r->m->config.has_tickets |= ticket && s->slot == POLICY_SLOT_CURRENT;
	return 0;
}

int world_material_read(struct world_material *m, const struct policy_view *view, int run_dir,
			const struct world_places *before, uint64_t now)
{
	struct reading r = {
		.m = m, .view = view, .before = before, .now = now, .run_dir = run_dir, .secrets = -1};

	memset(m, 0, sizeof(*m));
	m->places = *before;
	m->spec = (struct tls_world_spec){.identities = m->identities,
					  .n_identities = TLS_IDENTITIES_MAX,
					  .profiles = m->profiles,
					  .n_profiles = TLS_PROFILES_MAX,
					  .wall_s = time(NULL)};
	if (!policy_small_each(view, POLICY_SMALL_TLS, take_profile, &r) &&
	    !policy_small_each(view, POLICY_SMALL_IDENTITIES, take_identity, &r) &&
	    !policy_small_each(view, POLICY_SMALL_LISTENERS, take_listener, &r))
		policy_small_each(view, POLICY_SMALL_SECRETS, take_key, &r);
	if (r.secrets >= 0)
		close(r.secrets);
	/* behind the last place that is in use nothing is built */
	while (m->spec.n_identities > 1 && !m->identities[m->spec.n_identities - 1].name)
		m->spec.n_identities--;
	while (m->spec.n_profiles > 1 && !m->profiles[m->spec.n_profiles - 1].name)
		m->spec.n_profiles--;
	return r.err;
}

void world_material_drop(struct world_material *m, unsigned place)
{
	struct edge_config *c = &m->config;
	unsigned kept = 0;

	m->identities[place].name = NULL;
	m->places.identities[place].pairs = 0;
	c->identities[place] = (struct edge_place){0};
	for (unsigned i = 0; i < c->n_listens; i++)
		if (c->listens[i].plain || c->listens[i].identity != place)
			c->listens[kept++] = c->listens[i];
	c->n_listens = kept;
}

struct edge_config *world_material_config(const struct world_material *m)
{
	struct edge_config *c = malloc(sizeof(*c));
	size_t bytes = 0;
	char *at;

	if (!c)
		return NULL;
	*c = m->config;
	for (unsigned i = 0; i < TLS_PROFILES_MAX; i++)
		for (unsigned k = 0; k < c->profiles[i].subjects; k++)
			bytes += sizeof(struct policy_name) + c->profiles[i].subject[k].len;
	for (unsigned i = 0; i < TLS_PROFILES_MAX; i++)
		tls_lists_use(c->profiles[i].lists);
	if (!bytes)
		return c;
	c->names = at = malloc(bytes);
	if (!at) {
		edge_config_free(c);
		return NULL;
	}
	for (unsigned i = 0; i < TLS_PROFILES_MAX; i++) {
		c->profiles[i].subject = (struct policy_name *)(void *)at;
		at += c->profiles[i].subjects * sizeof(struct policy_name);
	}
	for (unsigned i = 0; i < TLS_PROFILES_MAX; i++)
		for (unsigned k = 0; k < c->profiles[i].subjects; k++) {
			struct policy_name from = m->config.profiles[i].subject[k];

			memcpy(at, from.ptr, from.len);
			c->profiles[i].subject[k] = (struct policy_name){at, from.len};
			at += from.len;
		}
	return c;
}

void edge_config_free(struct edge_config *c)
{
	if (!c)
		return;
	tls_world_destroy(c->world);
	for (unsigned i = 0; i < TLS_PROFILES_MAX; i++)
		tls_lists_drop(c->profiles[i].lists);
	explicit_bzero(&c->tickets, sizeof(c->tickets));
	explicit_bzero(c->route, sizeof(c->route));
	free(c->names);
	free(c);
}

void world_material_free(struct world_material *m)
{
	while (m->secrets) {
		struct world_secret *k = m->secrets;

		m->secrets = k->next;
		tls_secret_free(k->bytes, k->len);
		free(k);
	}
	while (m->texts) {
		struct world_text *t = m->texts;

		m->texts = t->next;
		free(t);
	}
	for (unsigned i = 0; i < TLS_PROFILES_MAX; i++) {
		free(m->config.profiles[i].subject);
		tls_lists_drop(m->config.profiles[i].lists);
	}
	explicit_bzero(&m->config.tickets, sizeof(m->config.tickets));
	explicit_bzero(m->config.route, sizeof(m->config.route));
}
