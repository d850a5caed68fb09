/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of the limits: an index of open addressing, peers, URI sets, each list of free ones chained through
 * what is free. */
#include "dataplane/proxy/limit_table.h"

#include <string.h>

static const uint64_t table_magic = 0x3174696d696c6c73; /* "sllimit1" */

enum { TABLE_ALIGN = 64, TABLE_LOOK = 16 /* peers that are compared to find who goes */ };

static size_t aligned(size_t n)
{
	return (n + TABLE_ALIGN - 1) & ~(size_t)(TABLE_ALIGN - 1);
}

static uint32_t index_bits(uint32_t peers)
{
	uint32_t bits = 3;

	while ((UINT64_C(1) << bits) < (uint64_t)peers * 2)
		bits++;
	return bits;
}

static size_t index_at(void)
{
	return aligned(sizeof(struct limit_table));
}

static size_t peers_at(uint32_t bits)
{
	return index_at() + aligned(sizeof(uint32_t) << bits);
}

static size_t sets_at(struct limit_size size, uint32_t bits)
{
	return peers_at(bits) + aligned(sizeof(struct limit_peer) * size.peers);
}

/* every peer has one set at most */
static struct limit_size sane(struct limit_size size)
{
	if (!size.peers)
		size.peers = 1;
	if (size.sets > size.peers)
		size.sets = size.peers;
	return size;
}

size_t limit_table_bytes(struct limit_size size)
{
	size = sane(size);
	return sets_at(size, index_bits(size.peers)) + aligned(sizeof(struct policy_uris)) * size.sets;
}

static uint32_t *limit_index(struct limit_table *t)
{
	return (uint32_t *)((char *)t + index_at());
}

struct limit_peer *limit_peers(const struct limit_table *t)
{
	return (struct limit_peer *)((uintptr_t)t + peers_at(t->bits));
}

struct policy_uris *limit_set(const struct limit_table *t, uint32_t set)
{
	return (struct policy_uris *)((uintptr_t)t + sets_at(t->size, t->bits) +
				      aligned(sizeof(struct policy_uris)) * (set - 1));
}

/* the link of a free peer or set lies in its first bytes */
static uint32_t link_get(const void *p)
{
	uint32_t next;

	memcpy(&next, p, sizeof(next));
	return next;
}

static void link_put(void *p, uint32_t next)
{
	memcpy(p, &next, sizeof(next));
}

static uint32_t home_slot(const struct limit_table *t, const struct limit_key *key)
{
	return (uint32_t)(siphash13(&t->key, key, sizeof(*key)) >> (64 - t->bits));
}

static void index_add(struct limit_table *t, uint32_t peer)
{
	uint32_t *index = limit_index(t), mask = (1u << t->bits) - 1;
	uint32_t at = home_slot(t, &limit_peers(t)[peer - 1].key);

	while (index[at])
		at = (at + 1) & mask;
	index[at] = peer;
}

/* closes the gap, so that no mark of a deleted one is needed */
static void index_del(struct limit_table *t, uint32_t peer)
{
	uint32_t *index = limit_index(t), mask = (1u << t->bits) - 1;
	uint32_t at = home_slot(t, &limit_peers(t)[peer - 1].key), next;

	while (index[at] != peer)
		at = (at + 1) & mask;
	for (next = (at + 1) & mask; index[next]; next = (next + 1) & mask) {
		uint32_t home = home_slot(t, &limit_peers(t)[index[next] - 1].key);

		if (((next - home) & mask) < ((next - at) & mask))
			continue;
		index[at] = index[next];
		at = next;
	}
	index[at] = 0;
}

struct limit_peer *limit_find(const struct limit_table *t, const struct limit_key *key)
{
	const uint32_t *index = (const uint32_t *)((const char *)t + index_at());
	uint32_t mask = (1u << t->bits) - 1;

	for (uint32_t at = home_slot(t, key); index[at]; at = (at + 1) & mask) {
		struct limit_peer *p = &limit_peers(t)[index[at] - 1];

		if (memcmp(&p->key, key, sizeof(*key)) == 0)
			return p;
	}
	return NULL;
}

void limit_forget_uris(struct limit_table *t, struct limit_peer *p)
{
	if (p->set) {
		link_put(limit_set(t, p->set), t->free_set);
		t->free_set = p->set;
		t->counts.sets--;
	}
	p->set = p->restored = p->uris_refused = 0;
	p->few_n = 0;
	p->since_s = 0;
	memset(p->known, 0, sizeof(p->known));
	p->why &= (uint8_t) ~(POLICY_WATCH_URIS | POLICY_WATCH_MANY);
	memset(p->sample, 0, sizeof(p->sample));
}

void limit_drop(struct limit_table *t, struct limit_peer *p)
{
	uint32_t peer = (uint32_t)(p - limit_peers(t)) + 1;

	limit_forget_uris(t, p);
	index_del(t, peer);
	p->used = 0;
	link_put(p, t->free_peer);
	t->free_peer = peer;
	t->counts.peers--;
}

/* what is lost with it, most important first */
static unsigned worth(const struct limit_peer *p)
{
	return p->why || p->ratio.suspicious ? 3 : p->set || p->restored ? 2 : p->few_n ? 1 : 0;
}

static void make_room(struct limit_table *t, struct limit_event *lost)
{
	struct limit_peer *peers = limit_peers(t), *goes = NULL;

	for (uint32_t i = 0; i < TABLE_LOOK && i < t->size.peers; i++) {
		struct limit_peer *p = &peers[t->hand]; /* none is free: all are in use */

		t->hand = t->hand + 1 < t->size.peers ? t->hand + 1 : 0;
		if (!goes || worth(p) < worth(goes) ||
		    (worth(p) == worth(goes) && p->seen_ns < goes->seen_ns))
			goes = p;
	}
	t->counts.forgotten++;
	if (lost && worth(goes) == 3) {
		lost->kind = LIMIT_EVENT_FORGOTTEN;
		limit_watch(t, goes, &lost->watch);
	}
	limit_drop(t, goes);
}

struct limit_peer *limit_make(struct limit_table *t, const struct limit_key *key, struct limit_event *lost)
{
	struct limit_peer *p = limit_find(t, key);
	uint32_t peer;

	if (p)
		return p;
	if (!t->free_peer && t->fresh_peer == t->size.peers)
		make_room(t, lost);
	peer = t->free_peer ? t->free_peer : ++t->fresh_peer;
	p = &limit_peers(t)[peer - 1];
	if (t->free_peer)
		t->free_peer = link_get(p);
	memset(p, 0, sizeof(*p));
	p->key = *key;
	index_add(t, peer);
	/* release: a peer that is marked as used is whole, whenever the process dies */
	__atomic_store_n(&p->used, 1, __ATOMIC_RELEASE);
	t->counts.peers++;
	return p;
}

struct policy_uris *limit_grow(struct limit_table *t, struct limit_peer *p)
{
	/* no class in sight: every URI of few[] was allowed already */
	const struct policy_limit_class all = {.uri_max = POLICY_URI_MAX};
	uint32_t set = t->free_set;
	struct policy_uris *u;

	if (p->set)
		return limit_set(t, p->set);
	if (!set && t->fresh_set == t->size.sets)
		return NULL;
	if (!set)
		set = ++t->fresh_set;
	u = limit_set(t, set);
	if (t->free_set)
		t->free_set = link_get(u);
	policy_uris_reset(u);
	for (unsigned i = 0; i < p->few_n; i++)
		policy_uris_touch(u, &all, p->few[i], 0);
	p->set = set;
	p->few_n = 0;
	t->counts.sets++;
	return u;
}

uint32_t limit_uris(const struct limit_table *t, const struct limit_peer *p)
{
	return p->restored + (p->set ? limit_set(t, p->set)->n : p->few_n);
}

/* three bits for each, of 21 bits of the hash */
static uint32_t known_bit(uint64_t uri, unsigned i)
{
	return (uint32_t)((uri >> (21 * i) & 0x1fffff) * (POLICY_WATCH_KNOWN * 8u) >> 21);
}

/* Bloom filter of URIs */
static void limit_known_add(uint8_t known[POLICY_WATCH_KNOWN], uint64_t uri)
{
	for (unsigned i = 0; i < 3; i++)
		known[known_bit(uri, i) / 8] |= (uint8_t)(1u << known_bit(uri, i) % 8);
}

bool limit_known_has(const uint8_t known[POLICY_WATCH_KNOWN], uint64_t uri)
{
	for (unsigned i = 0; i < 3; i++)
		if (!(known[known_bit(uri, i) / 8] & 1u << known_bit(uri, i) % 8))
			return false;
	return true;
}

static void known_all(const struct limit_table *t, const struct limit_peer *p,
		      uint8_t known[POLICY_WATCH_KNOWN])
{
	const struct policy_uris *u = p->set ? limit_set(t, p->set) : NULL;

	if (p->restored)
		memcpy(known, p->known, POLICY_WATCH_KNOWN);
	for (unsigned i = 0; i < p->few_n; i++)
		limit_known_add(known, p->few[i]);
	for (uint32_t i = 0; u && i < POLICY_URI_SLOTS; i++)
		if (u->slot[i])
			limit_known_add(known, u->slot[i]);
}

void limit_watch(const struct limit_table *t, const struct limit_peer *p, struct policy_watch *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->key, &p->key, sizeof(out->key));
	out->why = p->why;
	out->limit_class = p->limit_class;
	out->domains_len = p->domains_len;
	out->uris = limit_uris(t, p);
	out->uris_refused = p->uris_refused;
	out->over = p->over;
	out->good = p->ratio.entered_good;
	out->bad = p->ratio.entered_bad;
	out->since_s = p->since_s;
	out->why_s = p->why_s;
	memcpy(out->sample, p->sample, sizeof(out->sample));
	memcpy(out->domains, p->domains, sizeof(out->domains));
	known_all(t, p, out->known);
}

/* ---- opening ---- */

/* A process may have died in the middle of anything but the one store that says `used`: whatever could lead
 * astray is checked or made anew. */
static bool peer_sound(struct limit_table *t, struct limit_peer *p, uint8_t *taken)
{
	struct policy_uris *u;
	uint8_t flag[2];
	uint32_t n = 0;

	if (p->used != 1 || p->few_n > LIMIT_FEW_URIS || p->ratio.head >= POLICY_RATIO_SLOTS ||
	    p->domains_len > POLICY_WATCH_DOMAINS || p->set > t->fresh_set ||
	    (p->domains_len && p->domains[p->domains_len - 1] != '\0'))
		return false;
	/* a bool that is neither is no bool to look at */
	memcpy(&flag[0], &p->bucket.started, 1);
	memcpy(&flag[1], &p->ratio.suspicious, 1);
	if (flag[0] > 1 || flag[1] > 1)
		return false;
	if (!p->set)
		return true;
	if (taken[(p->set - 1) / 8] & 1u << (p->set - 1) % 8)
		return false;
	u = limit_set(t, p->set);
	for (uint32_t i = 0; i < POLICY_URI_SLOTS; i++)
		n += u->slot[i] != 0;
	if (n > POLICY_URI_MAX)
		return false;
	u->n = n;
	u->watched = false; /* who is watched is the peer's own word */
	taken[(p->set - 1) / 8] |= (uint8_t)(1u << (p->set - 1) % 8);
	return true;
}

/* Index and free lists are made from the peers alone. `taken` has a bit for each set: the index, which is
 * made last, lends its room: 64 bits or more for a peer. */
static void table_rebuild(struct limit_table *t)
{
	struct limit_peer *peers = limit_peers(t);
	uint32_t *index = limit_index(t);
	uint8_t *taken = (uint8_t *)index;

	memset(index, 0, sizeof(uint32_t) << t->bits);
	t->free_peer = t->free_set = t->hand = 0;
	t->counts.peers = t->counts.sets = 0;
	if (t->fresh_peer > t->size.peers || t->fresh_set > t->size.sets)
		t->fresh_peer = t->fresh_set = 0;
	for (uint32_t i = t->fresh_peer; i-- > 0;) {
		if (peers[i].used && peer_sound(t, &peers[i], taken))
			continue;
		peers[i].used = 0;
	}
	for (uint32_t i = t->fresh_set; i-- > 0;) {
		if (taken[i / 8] & 1u << i % 8) {
			t->counts.sets++;
			continue;
		}
		link_put(limit_set(t, i + 1), t->free_set);
		t->free_set = i + 1;
	}
	memset(index, 0, sizeof(uint32_t) << t->bits);
	for (uint32_t i = t->fresh_peer; i-- > 0;) {
		/* twice the same key: died between taking it out of the index and out of use */
		if (peers[i].used && !limit_find(t, &peers[i].key)) {
			index_add(t, i + 1);
			t->counts.peers++;
			continue;
		}
		peers[i].used = 0;
		link_put(&peers[i], t->free_peer);
		t->free_peer = i + 1;
	}
}

struct limit_table *limit_table_open(void *mem, struct limit_size size, const struct siphash_key *key,
				     bool *kept)
{
	struct limit_table *t = mem;

	size = sane(size);
	*kept = t->magic == table_magic && t->size.peers == size.peers && t->size.sets == size.sets &&
		t->bits == index_bits(size.peers) && memcmp(&t->key, key, sizeof(*key)) == 0;
	if (!*kept) {
		memset(t, 0, sizeof(*t));
		t->size = size;
		t->key = *key;
		t->bits = index_bits(size.peers);
	}
	memset(&t->counts, 0, sizeof(t->counts));
	table_rebuild(t);
	t->magic = table_magic;
	return t;
}

struct limit_counts limit_table_counts(const struct limit_table *t)
{
	return t->counts;
}
