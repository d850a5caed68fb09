/* SPDX-License-Identifier: BSD-3-Clause */
/* Transactions: changes that carry a generation which is not live yet. */
#include <errno.h>
#include <stdlib.h>

#include "config/policy/small.h"
#include "config/policy/writer_internal.h"

bool policy_vec_push(struct policy_vec *v, uint64_t item)
{
	size_t at = v->n / POLICY_VEC_PIECE;

	if (at == v->pieces) {
		uint64_t *piece = malloc(POLICY_VEC_PIECE * sizeof(*piece));
		uint64_t **list = piece ? realloc(v->piece, (at + 1) * sizeof(*list)) : NULL;

		if (!list) {
			free(piece);
			return false;
		}
		list[at] = piece;
		v->piece = list;
		v->pieces = at + 1;
	}
	*policy_vec_at(v, v->n++) = item;
	return true;
}

void policy_vec_free(struct policy_vec *v)
{
	for (size_t i = 0; i < v->pieces; i++)
		free(v->piece[i]);
	free(v->piece);
	*v = (struct policy_vec){0};
}

/* room for one more, so that a change cannot fail half way */
static bool vec_room(struct policy_vec *v)
{
	if (!policy_vec_push(v, 0))
		return false;
	v->n--;
	return true;
}

static uint64_t set_key(uint64_t h2, int slot)
{
	uint64_t k = h2 ^ ((uint64_t)(slot + 1) * 0x9e3779b97f4a7c15u);

	return k ? k : 1;
}

static bool set_has(const struct policy_set *s, uint64_t k)
{
	for (size_t i = s->cap ? k & (s->cap - 1) : 0; s->cap && s->v[i]; i = (i + 1) & (s->cap - 1))
		if (s->v[i] == k)
			return true;
	return false;
}

static void set_put(struct policy_set *s, uint64_t k)
{
	size_t i = k & (s->cap - 1);

	while (s->v[i] && s->v[i] != k)
		i = (i + 1) & (s->cap - 1);
	s->n += !s->v[i];
	s->v[i] = k;
}

static bool set_add(struct policy_set *s, uint64_t k)
{
	if (s->n * 2 >= s->cap) {
		struct policy_set t = {.cap = s->cap ? 2 * s->cap : 1024};

		t.v = calloc(t.cap, sizeof(*t.v));
		if (!t.v)
			return false;
		for (size_t i = 0; i < s->cap; i++)
			if (s->v[i])
				set_put(&t, s->v[i]);
		free(s->v);
		*s = t;
	}
	set_put(s, k);
	return true;
}

static uint32_t generation_after(uint32_t g, uint32_t n)
{
	g += n;
	/* 0 means "always" and "never" in stamps */
	return g ? g : 1;
}

struct policy_txn *policy_txn_begin(struct policy_writer *w, bool staged)
{
	struct policy_txn *txn = staged ? &w->staged : &w->plain;

	if (txn->open)
		return NULL;
	memset(txn, 0, sizeof(*txn));
	txn->w = w;
	txn->open = true;
	txn->staged = staged;
	txn->generation = generation_after(w->live, staged ? POLICY_STAGED_AHEAD : 1);
	/* the numbers below the staged one are used up: it must be committed or aborted first */
	if (!staged && w->staged.open && w->staged.generation == txn->generation) {
		txn->open = false;
		return NULL;
	}
	/* memory may have come back since it last could not grow */
	w->grow_err = 0;
	w->starved = false;
	segment_store64(&w->seg, &w->seg.super->preparing, txn->generation);
	return txn;
}

/* may this transaction add to what waits for readers? */
static int txn_admit(struct policy_txn *txn)
{
	struct policy_writer *w = txn->w;

	if (w->heap.urgent)
		return 0;
	if (w->limbo.items + w->drain_items + txn->deaths.n > w->limbo_max) {
		/* a silent reader: no step of ours brings it back */
		if (w->blocking) {
			w->refused++;
			return -EBUSY;
		}
		if (w->limbo.items + w->drain_items)
			return -EAGAIN;
	}
	/* Births must be normalised before numbers wrap; a reader that has pinned one generation for that
	 * long holds this back. */
	if ((uint32_t)(w->live - w->swept) > 1u << 30)
		return -EBUSY;
	if (!txn->staged && w->staged.open && w->staged.generation - txn->generation < 64)
		return -EBUSY;
	return 0;
}

/* the versions of one key that a change has to do with */
struct versions {
	struct table_entry *base;   /* what is visible now */
	struct table_entry *mine;   /* what this transaction made of it so far */
	struct table_entry *theirs; /* plain: what the staged one made of it */
};

struct change {
	struct table *t;
	struct keyhash_pair h;
	int slot;	    /* -1: users */
	uint64_t op;	    /* enum table_limbo_op */
	const uint8_t *raw; /* NULL: delete */
	struct policy_name name;
	uint64_t owned[2]; /* blobs that came with it */
};

static int change_fail(struct policy_writer *w, const struct change *c, int err)
{
	heap_free(&w->heap, c->owned[0]);
	heap_free(&w->heap, c->owned[1]);
	return err;
}

static bool txn_room(struct policy_txn *txn)
{
	return vec_room(&txn->births) && vec_room(&txn->deaths) && vec_room(&txn->prior) &&
	       vec_room(&txn->theirs);
}

/* remembers the stamp that was there: an abort puts it back */
static void entry_kill(struct policy_txn *txn, struct table *t, struct table_entry *e, uint64_t op)
{
	(void)policy_vec_push(&txn->deaths, table_offset(t, e) | op);
	(void)policy_vec_push(&txn->prior, e->death);
	segment_store32(t->seg, &e->death, txn->generation);
}

/* plain: a birth that was taken back. From the end: it is a late one. A staged one may be long, and needs its
 * list for an abort only, where what is not linked any more is passed over. */
static void births_forget(struct policy_vec *v, uint64_t item)
{
	for (size_t i = v->n; i-- > 0;) {
		if (*policy_vec_at(v, i) == item) {
			*policy_vec_at(v, i) = *policy_vec_at(v, --v->n);
			return;
		}
	}
}

static int txn_change(struct policy_txn *txn, struct change *c)
{
	struct policy_writer *w = txn->w;
	struct policy_txn *staged = !txn->staged && w->staged.open ? &w->staged : NULL;
	struct table_entry *kin, *e = NULL;
	struct versions v = {NULL, NULL, NULL};
	struct table_found found;
	uint64_t name = 0;
	uint32_t name_ref;
	int err;

	/* a plain transaction is short; what it has changed must be known before a staged one goes on */
	if (txn->staged && w->plain.open)
		return change_fail(w, c, -EAGAIN);
	if (txn->staged && set_has(&w->touched, set_key(c->h.h2, c->slot)))
		return change_fail(w, c, 0);
	if (!txn_room(txn))
		return change_fail(w, c, -ENOMEM);
	found = table_find(c->t, c->h, c->slot, w->live, txn->generation);
	v.base = found.live;
	v.mine = found.pending;
	if (staged)
		v.theirs = table_find(c->t, c->h, c->slot, w->live, staged->generation).pending;
	kin = v.mine ? v.mine : v.base ? v.base : v.theirs;
	if (c->raw) {
		if (!kin)
			name = policy_writer_string(w, c->name);
		name_ref = kin ? table_tail_of(c->t, kin)->name : (uint32_t)(name / 8);
		if (name_ref)
			e = table_entry_new(c->t, c->h, c->raw, name_ref, txn->generation);
		err = e ? table_link(c->t, e, table_tag(c->h.h1)) : -EAGAIN;
		if (err) {
			if (e)
				heap_free(&w->heap, table_offset(c->t, e));
			heap_free(&w->heap, name);
			if (err == -EAGAIN)
				err = policy_writer_starved(w);
			else if (err == -EINPROGRESS)
				/* it grows by itself, unless there is no memory for that */
				err = w->starved && w->grow_err ? w->grow_err : -EAGAIN;
			else if (err == -ELOOP && (w->limbo.items || w->drain_items))
				/* many versions of one key: they go when their readers have moved on */
				err = -EAGAIN;
			return change_fail(w, c, err);
		}
		(void)policy_vec_push(&txn->births, table_offset(c->t, e) | c->op);
	}
	/* From here on nothing fails. What nobody has seen, and nobody will, goes at once. */
	if (v.mine) {
		if (!txn->staged)
			births_forget(&txn->births, table_offset(c->t, v.mine) | c->op);
		policy_writer_bury(w, table_offset(c->t, v.mine) | c->op);
	}
	if (v.base && v.base->death != txn->generation && !(txn->staged && v.base->death))
		entry_kill(txn, c->t, v.base, c->op);
	if (v.theirs) {
		(void)policy_vec_push(&txn->theirs, table_offset(c->t, v.theirs) | c->op);
		segment_store32(&w->seg, &v.theirs->death, staged->generation);
	}
	return 0;
}

static bool depth_add(struct policy_writer *w, struct table *t, unsigned labels)
{
	uint64_t bit = 1ull << (labels % 64);

	if (!(t->ref.depth[labels / 64] & bit)) {
		t->ref.depth[labels / 64] |= bit;
		w->root_dirty = true;
	}
	return true;
}

int policy_txn_put_domain(struct policy_txn *txn, struct policy_name name, const struct policy_domain *entry,
			  const struct policy_partner *partner, struct policy_name comment)
{
	struct policy_writer *w = txn->w;
	struct policy_domain d = *entry;
	struct change c = {.t = &w->domains, .op = TABLE_LIMBO_DOMAIN, .name = name};
	unsigned labels;
	int err = txn_admit(txn);

	if (err)
		return err;
	if (policy_name_check(name) != POLICY_NAME_OK || (partner && partner->size < sizeof(*partner)))
		return -EINVAL;
	c.h = table_hash_name(&w->domains.key, name, &labels);
	c.slot = (int)policy_domain_slot(&d);
	d.partner = d.comment = 0;
	if (partner) {
		c.owned[0] = policy_writer_blob(w, partner, partner->size);
		if (!c.owned[0])
			return policy_writer_starved(w);
		d.partner = (uint32_t)(c.owned[0] / 8);
	}
	if (comment.len) {
		c.owned[1] = policy_writer_string(w, comment);
		if (!c.owned[1])
			return change_fail(w, &c, policy_writer_starved(w));
		d.comment = (uint32_t)(c.owned[1] / 8);
	}
	c.raw = (const uint8_t *)&d;
	err = txn_change(txn, &c);
	if (!err && (d.flags & POLICY_DOMAIN_SUBTREE))
		depth_add(w, &w->domains, labels);
	return err;
}

int policy_txn_del_domain(struct policy_txn *txn, struct policy_name name, unsigned slot)
{
	struct change c = {.t = &txn->w->domains, .op = TABLE_LIMBO_DOMAIN, .name = name, .slot = (int)slot};
	int err = txn_admit(txn);

	if (err)
		return err;
	if (policy_name_check(name) != POLICY_NAME_OK || slot > 3)
		return -EINVAL;
	c.h = table_hash_name(&txn->w->domains.key, name, NULL);
	return txn_change(txn, &c);
}

/* user@domain as the table has it; its length, or -EINVAL */
static int address_text(struct policy_address a, char text[TABLE_ADDRESS_MAX])
{
	if (!a.user.len || policy_name_check(a.domain) != POLICY_NAME_OK ||
	    (uint64_t)a.user.len + 1 + a.domain.len > TABLE_ADDRESS_MAX)
		return -EINVAL;
	memcpy(text, a.user.ptr, a.user.len);
	text[a.user.len] = '@';
	memcpy(text + a.user.len + 1, a.domain.ptr, a.domain.len);
	return (int)(a.user.len + 1 + a.domain.len);
}

static int txn_user(struct policy_txn *txn, struct policy_address address, const struct policy_user *user,
		    struct policy_name email)
{
	struct policy_writer *w = txn->w;
	struct change c = {.t = &w->users, .op = TABLE_LIMBO_USER, .slot = -1};
	struct {
		struct policy_user user;
		uint8_t rest[16 - sizeof(struct policy_user)];
	} raw = {0};
	char text[TABLE_ADDRESS_MAX];
	int err = txn_admit(txn), len;

	if (err)
		return err;
	len = address_text(address, text);
	if (len < 0)
		return len;
	c.h = keyhash_bytes(&w->users.key.key, text, (size_t)len);
	c.name = (struct policy_name){text, (uint32_t)len};
	if (user) {
		raw.user = *user;
		raw.user.email = 0;
		if (email.len) {
			c.owned[0] = policy_writer_string(w, email);
			if (!c.owned[0])
				return policy_writer_starved(w);
			raw.user.email = (uint32_t)(c.owned[0] / 8);
		}
		c.raw = (const uint8_t *)&raw;
	}
	return txn_change(txn, &c);
}

int policy_txn_put_user(struct policy_txn *txn, struct policy_address address, const struct policy_user *user,
			struct policy_name email)
{
	return txn_user(txn, address, user, email);
}

int policy_txn_del_user(struct policy_txn *txn, struct policy_address address)
{
	return txn_user(txn, address, NULL, (struct policy_name){"", 0});
}

int policy_txn_small(struct policy_txn *txn, enum policy_small which, const void *const *records, unsigned n)
{
	struct policy_writer *w = txn->w;
	uint64_t off = 0;
	int64_t len;
	void *table;

	if ((unsigned)which >= POLICY_SMALLS)
		return -EINVAL;
	len = policy_small_build(which, records, n, &table);
	if (len < 0)
		return (int)len;
	if (n) {
		off = policy_writer_blob(w, table, (uint64_t)len);
		if (!off) {
			free(table);
			return policy_writer_starved(w);
		}
	}
	free(table);
	if (txn->small_set >> which & 1)
		heap_free(&w->heap, txn->small[which].off);
	txn->small[which] = (struct policy_small_ref){off, n ? (uint64_t)len : 0};
	txn->small_set |= 1u << which;
	return 0;
}

static void txn_end(struct policy_txn *txn)
{
	struct policy_writer *w = txn->w;

	policy_vec_free(&txn->births);
	policy_vec_free(&txn->deaths);
	policy_vec_free(&txn->prior);
	policy_vec_free(&txn->theirs);
	if (txn->staged) {
		free(w->touched.v);
		w->touched = (struct policy_set){0};
	}
	memset(txn, 0, sizeof(*txn));
}

/* so that the staged one knows what it must not change again */
static int txn_tell_staged(struct policy_txn *txn)
{
	struct policy_writer *w = txn->w;
	const struct policy_vec *all[3] = {&txn->births, &txn->deaths, &txn->theirs};

	for (unsigned k = 0; k < 3; k++) {
		for (size_t i = 0; i < all[k]->n; i++) {
			uint64_t item = *policy_vec_at(all[k], i);
			const struct table_entry *e = policy_entry_of(w, item);
			int slot = (item & 7) == TABLE_LIMBO_USER ? -1 : (int)table_entry_slot(e);

			if (!set_add(&w->touched, set_key(e->h2, slot)))
				return -ENOMEM;
		}
	}
	for (size_t i = 0; i < txn->theirs.n; i++)
		if (!policy_vec_push(&w->staged.deaths, *policy_vec_at(&txn->theirs, i)) ||
		    !policy_vec_push(&w->staged.prior, 0))
			return -ENOMEM;
	/* a later commit keeps the small tables that the operator changed meanwhile */
	w->staged.small_late |= txn->small_set;
	return 0;
}

int policy_txn_commit(struct policy_txn *txn)
{
	struct policy_writer *w = txn->w;
	struct policy_drain *drain;
	int err;

	drain = calloc(1, sizeof(*drain));
	if (!drain)
		return -ENOMEM;
	if (!txn->staged && w->staged.open) {
		err = txn_tell_staged(txn);
		if (err)
			goto fail;
	}
	err = policy_writer_store_root(w, txn->generation, txn);
	if (err)
		goto fail;
	drain->generation = txn->generation;
	drain->dead = txn->deaths;
	txn->deaths = (struct policy_vec){0};
	w->drain_items += drain->dead.n;
	*w->drains_tail = drain;
	w->drains_tail = &drain->next;
	w->commits++;
	txn_end(txn);
	return 0;
fail:
	free(drain);
	return err;
}

void policy_txn_abort(struct policy_txn *txn)
{
	struct policy_writer *w = txn->w;

	/* first what is visible gets its old stamp back, then what never was goes */
	for (size_t i = txn->deaths.n; i-- > 0;) {
		struct table_entry *e = policy_entry_of(w, *policy_vec_at(&txn->deaths, i));

		if (e->death == txn->generation && e->birth != txn->generation)
			segment_store32(&w->seg, &e->death, (uint32_t)*policy_vec_at(&txn->prior, i));
	}
	for (size_t i = 0; i < txn->theirs.n; i++)
		segment_store32(&w->seg, &policy_entry_of(w, *policy_vec_at(&txn->theirs, i))->death, 0);
	/* another generation: it was taken back before, and its place was used again */
	for (size_t i = 0; i < txn->births.n; i++)
		if (policy_entry_of(w, *policy_vec_at(&txn->births, i))->birth == txn->generation)
			policy_writer_bury(w, *policy_vec_at(&txn->births, i));
	for (unsigned i = 0; i < POLICY_SMALLS; i++)
		if (txn->small_set >> i & 1)
			heap_free(&w->heap, txn->small[i].off);
	txn_end(txn);
}

static int writer_hard(struct policy_writer *w, struct policy_name name, bool subtree, bool on)
{
	const struct policy_domain hard = {.type = POLICY_DOMAIN_HARD,
					   .flags = subtree ? POLICY_DOMAIN_SUBTREE : 0};
	struct policy_txn *txn;
	int err;

	/* said twice is done once: repeats of an operator, or of his script, cost nothing */
	if (policy_name_check(name) == POLICY_NAME_OK) {
		const struct table_entry *e =
			table_find(&w->domains, table_hash_name(&w->domains.key, name, NULL),
				   (int)policy_domain_slot(&hard), w->live, 0)
				.live;

		if (!w->staged.open && (e != NULL) == on)
			return 0;
	}
	txn = policy_txn_begin(w, false);
	if (!txn)
		return -EBUSY;
	w->heap.urgent = true;
	if (on)
		err = policy_txn_put_domain(txn, name, &hard, NULL, (struct policy_name){"", 0});
	else
		err = policy_txn_del_domain(txn, name, policy_domain_slot(&hard));
	if (!err)
		err = policy_txn_commit(txn);
	if (err)
		policy_txn_abort(txn);
	else
		w->blocks++;
	w->heap.urgent = false;
	return err;
}

int policy_writer_block(struct policy_writer *w, struct policy_name name, bool subtree)
{
	return writer_hard(w, name, subtree, true);
}

int policy_writer_unblock(struct policy_writer *w, struct policy_name name, bool subtree)
{
	return writer_hard(w, name, subtree, false);
}
