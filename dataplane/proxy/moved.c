/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/moved.h"

#include <string.h>

#include "dataplane/base/sipmac.h"

#define MAGIC UINT64_C(0x31306465766f6d73) /* "smoved01": another one with each layout */

void moved_begin(struct moved *t, const uint8_t secret[MOVED_SECRET])
{
	memcpy(t->secret, secret, sizeof(t->secret));
	t->magic = MAGIC;
}

bool moved_is(const struct moved *t)
{
	return t->magic == MAGIC;
}

static uint64_t hash(const struct siphash_key *key, const struct sip_msg *m, struct sip_view v)
{
	return siphash24(key, m->buf + v.off, v.len);
}

uint64_t moved_dialog(const struct siphash_key *key, const struct sip_msg *m, const struct sip_core *core)
{
	uint64_t part[2] = {hash(key, m, core->call_id),
			    /* From of the one is To of the other */
			    hash(key, m, core->from.tag) + hash(key, m, core->to.tag)};

	return siphash24(key, part, sizeof(part));
}

static unsigned set_of(uint64_t dialog)
{
	return (unsigned)(dialog % MOVED_SETS);
}

static uint64_t word_of(uint64_t dialog, uint32_t aim)
{
	/* an aim is never 0 */
	return dialog >> 32 << 32 | aim;
}

bool moved_note(struct moved *t, uint64_t dialog, uint32_t aim)
{
	uint64_t word = word_of(dialog, aim), old[MOVED_WAYS];
	unsigned last = MOVED_WAYS - 1;
	_Atomic uint64_t *w;

	if (!t)
		return false;
	w = t->word[set_of(dialog)];
	for (unsigned i = 0; i < MOVED_WAYS; i++) {
		old[i] = atomic_load_explicit(&w[i], memory_order_relaxed);
		if (old[i] == word)
			return false;
		if (!old[i]) {
			last = i;
			break;
		}
	}
	/* each word stands for itself, so no order among them matters */
	for (unsigned i = last; i > 0; i--)
		atomic_store_explicit(&w[i], old[i - 1], memory_order_relaxed);
	atomic_store_explicit(&w[0], word, memory_order_relaxed);
	return true;
}

bool moved_to(const struct moved *t, uint64_t dialog, uint32_t aim)
{
	const _Atomic uint64_t *w;

	if (!t)
		return false;
	w = t->word[set_of(dialog)];
	for (unsigned i = 0; i < MOVED_WAYS; i++)
		if (atomic_load_explicit(&w[i], memory_order_relaxed) == word_of(dialog, aim))
			return true;
	return false;
}
