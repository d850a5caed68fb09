/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/reader.h"

#include "config/policy/view_segment.h"

int policy_reader_init(struct policy_reader *r, const struct segment *seg, unsigned i)
{
	memset(r, 0, sizeof(*r));
	r->seg = seg;
	policy_view_segment_init(&r->live, seg, false);
	policy_view_segment_init(&r->candidate, seg, true);
	return segment_pin_init(&r->pin, seg, i);
}

void policy_reader_remember(struct policy_reader *r, struct policy_memo *memo)
{
	r->live.memo = memo;
	policy_memo_forget(memo);
}

static void table_view_set(struct table_view *t, const struct segment *seg, const struct table_ref *ref,
			   uint32_t generation)
{
	t->base = seg->base;
	t->limit = segment_limit(seg);
	t->ref = *ref;
	/* it is the segment's own, and stays; an empty one needs none */
	if (ref->index && (ref->k0 != t->key.key.k0 || ref->k1 != t->key.key.k1 || !t->key.nh[0]))
		table_key_expand(&t->key, &(struct keyhash_key){ref->k0, ref->k1});
	t->generation = generation;
}

static const struct policy_view *reader_look(struct policy_reader *r, uint64_t word)
{
	struct policy_reader_view *v = &r->live;
	uint32_t generation = policy_live_generation(word);

	if (__builtin_expect(word == r->word && v->root_off, 1))
		return &v->view;
	/* another root, or one that is refused while the place of what the last one led to may be used again
	 */
	policy_memo_forget(v->memo);
	if (policy_live_root(word) != v->root_off) {
		struct policy_root root;

		if (policy_root_read(r->seg, policy_live_root(word), &root) < 0) {
			/* The last good one stays in force. */
			r->damaged++;
			return v->root_off ? &v->view : NULL;
		}
		v->root = root;
		v->root_off = policy_live_root(word);
		table_view_set(&v->domains, r->seg, &root.domains, generation);
		table_view_set(&v->users, r->seg, &root.users, generation);
		policy_view_segment_box(v);
	}
	r->word = word;
	v->domains.limit = v->users.limit = segment_limit(r->seg);
	v->domains.generation = v->users.generation = generation;
	v->view.generation = generation;
	return &v->view;
}

const struct policy_view *policy_reader_burst(struct policy_reader *r)
{
	return reader_look(r, segment_pin_burst(&r->pin));
}

const struct policy_view *policy_reader_wake(struct policy_reader *r)
{
	uint64_t word = segment_pin_online(&r->pin);

	policy_memo_forget(r->live.memo);
	/* While nothing was pinned a root's place may have been used again: what was copied says nothing. */
	if (r->live.root_off) {
		struct policy_root root;

		if (policy_root_read(r->seg, policy_live_root(word), &root) < 0) {
			r->damaged++;
			return &r->live.view;
		}
		r->live.root_off = 0;
		r->word = 0;
	}
	r->shadow_word = 0;
	r->candidate.root_off = 0;
	return reader_look(r, word);
}

void policy_reader_sleep(struct policy_reader *r)
{
	segment_pin_offline(&r->pin);
}

const struct policy_view *policy_reader_shadow(struct policy_reader *r)
{
	/* acquire: the candidate was complete before it was published */
	uint64_t word = __atomic_load_n(&r->seg->super->shadow, __ATOMIC_ACQUIRE);
	struct policy_reader_view *c = &r->candidate;

	if (!word || !r->live.root_off)
		return NULL;
	/* The word's upper half is a serial, so that another candidate in the same place is another word. */
	if (word != r->shadow_word || !c->root_off) {
		struct policy_root root;

		c->root_off = 0;
		if (policy_root_read(r->seg, policy_live_root(word), &root) < 0) {
			r->damaged++;
			return NULL;
		}
		c->root = root;
		c->root_off = policy_live_root(word);
		r->shadow_word = word;
	}
	/* entries of an overlay were born before every generation */
	table_view_set(&c->over_domains, r->seg, &c->root.over_domains, r->live.view.generation);
	table_view_set(&c->over_users, r->seg, &c->root.over_users, r->live.view.generation);
	c->domains = r->live.domains;
	c->users = r->live.users;
	c->view.generation = r->live.view.generation;
	policy_view_segment_box(c);
	return &c->view;
}
