/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/overlay.h"

#include <errno.h>
#include <stdlib.h>

#include "config/policy/small.h"
#include "config/policy/writer_internal.h"

struct policy_overlay {
	struct policy_writer *w;
	struct table domains, users;
	struct policy_vec owned; /* every offset that goes with it */
	struct policy_root root;
	uint32_t small_set;
};

static bool own(struct policy_overlay *o, uint64_t off)
{
	if (off && policy_vec_push(&o->owned, off))
		return true;
	heap_free(&o->w->heap, off);
	return false;
}

struct policy_overlay *policy_overlay_begin(struct policy_writer *w, uint64_t domains, uint64_t users,
					    int *err)
{
	struct policy_overlay *o = calloc(1, sizeof(*o));

	*err = -ENOMEM;
	if (!o)
		return NULL;
	o->w = w;
	o->domains = (struct table){.seg = &w->seg, .heap = &w->heap, .limbo = &w->limbo};
	o->users = o->domains;
	o->users.users = true;
	/* the live keys: one hash of a name would do for both */
	if (table_make(&o->domains, table_bits_for(domains), table_key(&w->domains.ref)) < 0 ||
	    !own(o, o->domains.ref.index) ||
	    table_make(&o->users, table_bits_for(users), table_key(&w->users.ref)) < 0 ||
	    !own(o, o->users.ref.index)) {
		*err = policy_writer_starved(w);
		policy_overlay_abort(o);
		return NULL;
	}
	*err = 0;
	return o;
}

static int overlay_put(struct policy_overlay *o, struct table *t, struct keyhash_pair h, const void *raw)
{
	/* the name is not kept: what is changed is asked for, never listed */
	struct table_entry *e = table_entry_new(t, h, raw, 0, 0);
	int err;

	if (!e || !own(o, table_offset(t, e)))
		return policy_writer_starved(o->w);
	err = table_link(t, e, table_tag(h.h1));
	/* more than was said at the beginning: its index does not grow */
	if (err == -EINPROGRESS)
		return -ENOSPC;
	return err == -EAGAIN ? policy_writer_starved(o->w) : err;
}

int policy_overlay_domain(struct policy_overlay *o, struct policy_name name, unsigned slot,
			  const struct policy_domain *entry, const struct policy_partner *partner)
{
	/* type none: whatever is live under this slot is hidden */
	struct policy_domain d = {.type = slot & 2 ? POLICY_DOMAIN_HARD : POLICY_DOMAIN_NONE,
				  .flags = slot & 1 ? POLICY_DOMAIN_SUBTREE : 0};

	if (policy_name_check(name) != POLICY_NAME_OK || slot > 3 ||
	    (entry && policy_domain_slot(entry) != slot))
		return -EINVAL;
	if (!entry && (slot & 2))
		return -EINVAL;
	if (entry) {
		d = *entry;
		d.partner = d.comment = 0;
	}
	if (entry && partner) {
		uint64_t off = policy_writer_blob(o->w, partner, partner->size);

		if (!own(o, off))
			return policy_writer_starved(o->w);
		d.partner = (uint32_t)(off / 8);
	}
	return overlay_put(o, &o->domains, table_hash_name(&o->domains.key, name, NULL), &d);
}

int policy_overlay_user(struct policy_overlay *o, struct policy_address address,
			const struct policy_user *user)
{
	char text[TABLE_ADDRESS_MAX];
	uint8_t raw[16] = {0};
	uint32_t len = address.user.len + 1 + address.domain.len;

	if (!address.user.len || address.user.len > TABLE_ADDRESS_MAX ||
	    address.domain.len > POLICY_NAME_MAX || len > TABLE_ADDRESS_MAX)
		return -EINVAL;
	memcpy(text, address.user.ptr, address.user.len);
	text[address.user.len] = '@';
	memcpy(text + address.user.len + 1, address.domain.ptr, address.domain.len);
	if (user)
		memcpy(raw, user, sizeof(*user));
	else
		raw[sizeof(*user)] = 1; /* absent */
	return overlay_put(o, &o->users, keyhash_bytes(&o->users.key.key, text, len), raw);
}

int policy_overlay_small(struct policy_overlay *o, enum policy_small which, const void *const *records,
			 unsigned n)
{
	uint64_t off;
	int64_t len;
	void *table;

	if ((unsigned)which >= POLICY_SMALLS)
		return -EINVAL;
	len = policy_small_build(which, records, n, &table);
	if (len < 0)
		return (int)len;
	off = policy_writer_blob(o->w, table, (uint64_t)len);
	free(table);
	if (!own(o, off))
		return policy_writer_starved(o->w);
	o->root.small[which] = (struct policy_small_ref){off, (uint64_t)len};
	o->small_set |= 1u << which;
	return 0;
}

void policy_overlay_withdraw(struct policy_writer *w)
{
	if (!w->shadow_owned.n)
		return;
	segment_store64(&w->seg, &w->seg.super->shadow, 0);
	for (size_t i = 0; i < w->shadow_owned.n; i++)
		limbo_push(&w->limbo, *policy_vec_at(&w->shadow_owned, i) | TABLE_LIMBO_FREE);
	policy_vec_free(&w->shadow_owned);
}

/* buckets that a full one was continued in */
static bool own_chains(struct policy_overlay *o, struct table *t)
{
	uint64_t n = t->ref.index ? 1ull << t->ref.bits : 0;

	for (uint64_t i = 0; i < n; i++) {
		const uint64_t *b =
			(const uint64_t *)(o->w->seg.base + t->ref.index + i * TABLE_BUCKET_BYTES);

		while (b[TABLE_SLOTS - 1] >> 32 == TABLE_SLOT_LINK) {
			uint64_t off = (b[TABLE_SLOTS - 1] & 0xffffffffu) * TABLE_BUCKET_BYTES;

			if (!policy_vec_push(&o->owned, off))
				return false;
			b = (const uint64_t *)(o->w->seg.base + off);
		}
	}
	/* once is enough */
	t->ref.index = 0;
	return true;
}

int policy_overlay_publish(struct policy_overlay *o)
{
	struct policy_writer *w = o->w;
	uint64_t off;

	/* What is not its own it must not refer to: a live table may be replaced while it stands. So it has a
	 * copy. */
	for (unsigned i = 0; i < POLICY_SMALLS; i++) {
		const struct policy_small_ref *live = &w->root.small[i];

		if (o->small_set >> i & 1 || !live->off)
			continue;
		off = policy_writer_blob(w, w->seg.base + live->off, live->len);
		if (!own(o, off))
			return policy_writer_starved(w);
		o->root.small[i] = (struct policy_small_ref){off, live->len};
		o->small_set |= 1u << i;
	}
	o->root.magic = POLICY_ROOT_MAGIC;
	o->root.over_domains = o->domains.ref;
	o->root.over_users = o->users.ref;
	o->root.sum = policy_root_sum(&o->root);
	off = policy_writer_blob(w, &o->root, sizeof(o->root));
	if (!own(o, off))
		return policy_writer_starved(w);
	if (!own_chains(o, &o->domains) || !own_chains(o, &o->users))
		return -ENOMEM;
	policy_overlay_withdraw(w);
	if (++w->shadow_serial == 0)
		w->shadow_serial = 1;
	segment_store64(&w->seg, &w->seg.super->shadow, policy_live_word(w->shadow_serial, off));
	w->shadow_owned = o->owned;
	free(o);
	return 0;
}

void policy_overlay_abort(struct policy_overlay *o)
{
	(void)own_chains(o, &o->domains);
	(void)own_chains(o, &o->users);
	for (size_t i = 0; i < o->owned.n; i++)
		heap_free(&o->w->heap, *policy_vec_at(&o->owned, i));
	policy_vec_free(&o->owned);
	free(o);
}
