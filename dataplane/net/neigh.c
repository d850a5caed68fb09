/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/neigh.h"

#include <string.h>

void neigh_init(struct neigh *neigh, struct neigh_table *table, const struct neigh_ops *ops, void *ctx,
		uint64_t seed)
{
	memset(neigh, 0, sizeof(*neigh));
	neigh->table = table;
	neigh->ops = ops;
	neigh->ctx = ctx;
	neigh->next_due = UINT64_MAX;
	base_rng_seed(&neigh->rng, seed);
}

static int entry_find(const struct neigh *neigh, unsigned port, const struct base_addr *addr)
{
	unsigned first = neigh_table_bucket(neigh->table, port, addr);

	for (unsigned i = first; i < first + NEIGH_WAYS; i++) {
		const struct neigh_entry *e = &neigh->entries[i];

		if (e->state != NEIGH_STATE_FREE && e->port == port && base_addr_equal(&e->addr, addr))
			return (int)i;
	}
	return NEIGH_NONE;
}

static void entry_due(struct neigh *neigh, struct neigh_entry *e, uint64_t at)
{
	e->due = at;
	if (at < neigh->next_due)
		neigh->next_due = at;
}

static bool state_is_unresolved(uint8_t state)
{
	return state == NEIGH_STATE_ASKING || state == NEIGH_STATE_FAILED;
}

static enum neigh_public state_public(uint8_t state)
{
	switch (state) {
	case NEIGH_STATE_FREE:
		return NEIGH_FREE;
	case NEIGH_STATE_ASKING:
		return NEIGH_UNRESOLVED;
	case NEIGH_STATE_FAILED:
		return NEIGH_FAILED;
	default:
		return NEIGH_USABLE;
	}
}

/* Every change of state goes through here; what readers can see is published. */
static void entry_state(struct neigh *neigh, struct neigh_entry *e, uint8_t state, bool moved)
{
	unsigned slot = (unsigned)(e - neigh->entries);
	uint8_t was = e->state;

	e->state = state;
	e->tries = 0;
	e->asked = false;
	neigh->n_unresolved += (unsigned)state_is_unresolved(state) - (unsigned)state_is_unresolved(was);
	if (state == NEIGH_STATE_FREE)
		neigh->live[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	else
		neigh->live[slot / 64] |= UINT64_C(1) << slot % 64;
	if (moved || state_public(state) != state_public(was))
		neigh_table_publish(neigh->table, slot, e->port, &e->addr, state_public(state), e->mac);
}

static void entry_ask(struct neigh *neigh, struct neigh_entry *e, uint64_t now_ns)
{
	if (e->tries < UINT8_MAX)
		e->tries++;
	entry_due(neigh, e, now_ns + (e->state == NEIGH_STATE_VERIFY ? NEIGH_UNICAST_NS : NEIGH_RETRANS_NS));
	if (neigh->ops->solicit(neigh->ctx, e->port, &e->addr,
				e->state == NEIGH_STATE_VERIFY ? e->mac : NULL))
		e->asked = true;
}

static void entry_fresh(struct neigh *neigh, struct neigh_entry *e, const uint8_t *mac, uint64_t now_ns)
{
	bool moved = mac != NULL && memcmp(mac, e->mac, 6) != 0;

	if (moved)
		memcpy(e->mac, mac, 6);
	entry_state(neigh, e, NEIGH_STATE_FRESH, moved);
	e->hold_until = now_ns + NEIGH_HOLD_NS;
	entry_due(neigh, e,
		  now_ns + NEIGH_REACHABLE_NS / 2 +
			  base_rng_below(&neigh->rng, (uint32_t)(NEIGH_REACHABLE_NS / 1000000)) *
				  UINT64_C(1000000));
}

/* The slot whose loss hurts least: free, failed, unresolved, longest unused. Never a pinned one. */
static int entry_victim(const struct neigh *neigh, unsigned first)
{
	int best = NEIGH_NONE;
	uint64_t best_worth = UINT64_MAX;

	for (unsigned i = first; i < first + NEIGH_WAYS; i++) {
		const struct neigh_entry *e = &neigh->entries[i];
		uint64_t used;
		uint64_t worth;

		if (e->pinned)
			continue;
		/* relaxed: a hint written by any core */
		used = atomic_load_explicit(&neigh->table->slots[i].used_s, memory_order_relaxed);
		worth = e->state == NEIGH_STATE_FREE ? 0 : e->state == NEIGH_STATE_FAILED ? 1 : 2;
		if (worth == 2)
			worth += (e->state == NEIGH_STATE_ASKING ? 0 : UINT64_C(1) << 40) + used;
		if (worth < best_worth) {
			best_worth = worth;
			best = (int)i;
		}
	}
	return best;
}

/* NULL: no room. A full house of unresolved ones (a scan, or forged sources) costs the scanner, not those who
 * are known. */
static struct neigh_entry *entry_new(struct neigh *neigh, unsigned port, const struct base_addr *addr,
				     uint64_t now_ns)
{
	int slot = entry_victim(neigh, neigh_table_bucket(neigh->table, port, addr));
	struct neigh_entry *e;

	if (slot == NEIGH_NONE)
		return NULL;
	e = &neigh->entries[slot];
	if (neigh->n_unresolved >= NEIGH_UNRESOLVED_MAX && !state_is_unresolved(e->state))
		return NULL;
	if (e->state != NEIGH_STATE_FREE) {
		neigh->events.evicted++;
		entry_state(neigh, e, NEIGH_STATE_FREE, false);
	}
	memset(e, 0, sizeof(*e));
	e->addr = *addr;
	e->port = (uint8_t)port;
	neigh_table_touch(neigh->table, slot, (uint32_t)(now_ns / 1000000000));
	entry_state(neigh, e, NEIGH_STATE_ASKING, false);
	return e;
}

void neigh_resolve(struct neigh *neigh, unsigned port, const struct base_addr *addr, uint64_t now_ns)
{
	int slot = entry_find(neigh, port, addr);
	struct neigh_entry *e;

	if (slot == NEIGH_NONE) {
		e = entry_new(neigh, port, addr, now_ns);
	} else {
		e = &neigh->entries[slot];
		/* a failed one is asked for again at most once a second */
		if (e->state != NEIGH_STATE_FAILED || now_ns < e->hold_until)
			return;
		entry_state(neigh, e, NEIGH_STATE_ASKING, false);
	}
	if (e != NULL)
		entry_ask(neigh, e, now_ns);
}

void neigh_pin(struct neigh *neigh, unsigned port, const struct base_addr *addr, uint64_t now_ns)
{
	int slot;

	neigh_resolve(neigh, port, addr, now_ns);
	slot = entry_find(neigh, port, addr);
	if (slot != NEIGH_NONE)
		neigh->entries[slot].pinned = true;
}

static void entry_verify(struct neigh *neigh, struct neigh_entry *e, uint64_t now_ns)
{
	entry_state(neigh, e, NEIGH_STATE_VERIFY, false);
	entry_ask(neigh, e, now_ns);
}

void neigh_verify(struct neigh *neigh, unsigned port, const struct base_addr *addr, uint64_t now_ns)
{
	int slot = entry_find(neigh, port, addr);
	struct neigh_entry *e;

	if (slot == NEIGH_NONE)
		return;
	e = &neigh->entries[slot];
	if (e->state != NEIGH_STATE_FRESH || now_ns < e->hold_until)
		return;
	neigh->events.verify++;
	entry_verify(neigh, e, now_ns);
}

enum neigh_answer neigh_answer(struct neigh *neigh, unsigned port, const struct base_addr *addr,
			       const uint8_t *mac, uint64_t now_ns)
{
	int slot = entry_find(neigh, port, addr);
	struct neigh_entry *e;
	bool known;

	if (slot == NEIGH_NONE)
		return NEIGH_ANSWER_UNASKED;
	e = &neigh->entries[slot];
	known = mac != NULL && memcmp(mac, e->mac, 6) == 0;
	if (!e->asked && e->state != NEIGH_STATE_FRESH && e->state != NEIGH_STATE_FAILED)
		return NEIGH_ANSWER_UNASKED;
	switch (e->state) {
	case NEIGH_STATE_ASKING:
		if (mac == NULL)
			return NEIGH_ANSWER_UNASKED;
		entry_fresh(neigh, e, mac, now_ns);
		return NEIGH_ANSWER_TAKEN;
	case NEIGH_STATE_VERIFY:
		/* only the station that was asked may answer */
		if (mac != NULL && !known)
			return NEIGH_ANSWER_UNASKED;
		entry_fresh(neigh, e, NULL, now_ns);
		return NEIGH_ANSWER_TAKEN;
	case NEIGH_STATE_ASK_ALL:
		if (mac == NULL)
			return NEIGH_ANSWER_UNASKED;
		entry_fresh(neigh, e, mac, now_ns);
		return known ? NEIGH_ANSWER_TAKEN : NEIGH_ANSWER_MOVED;
	default:
		if (mac != NULL)
			neigh_claim(neigh, port, addr, mac, now_ns);
		return NEIGH_ANSWER_UNASKED;
	}
}

void neigh_claim(struct neigh *neigh, unsigned port, const struct base_addr *addr, const uint8_t mac[6],
		 uint64_t now_ns)
{
	int slot = entry_find(neigh, port, addr);

	if (slot == NEIGH_NONE)
		return;
	if (neigh->entries[slot].state == NEIGH_STATE_FAILED)
		neigh_resolve(neigh, port, addr, now_ns);
	else if (memcmp(neigh->entries[slot].mac, mac, 6) != 0)
		neigh_verify(neigh, port, addr, now_ns);
}

void neigh_link_up(struct neigh *neigh, unsigned port, uint64_t now_ns)
{
	for (unsigned i = 0; i < NEIGH_SLOTS; i++) {
		struct neigh_entry *e = &neigh->entries[i];

		if (e->state == NEIGH_STATE_FREE || e->port != port)
			continue;
		if (e->state == NEIGH_STATE_FAILED) {
			entry_state(neigh, e, NEIGH_STATE_ASKING, false);
			entry_ask(neigh, e, now_ns);
		} else if (e->state == NEIGH_STATE_FRESH) {
			entry_verify(neigh, e, now_ns);
		}
	}
}

static void entry_failed(struct neigh *neigh, struct neigh_entry *e, uint64_t now_ns)
{
	neigh->events.failed++;
	entry_state(neigh, e, NEIGH_STATE_FAILED, false);
	e->hold_until = now_ns + NEIGH_RETRANS_NS;
	entry_due(neigh, e, now_ns + (e->pinned ? NEIGH_PINNED_NS : NEIGH_FORGET_NS));
}

static bool entry_idle(const struct neigh *neigh, const struct neigh_entry *e, uint64_t now_ns)
{
	unsigned slot = (unsigned)(e - neigh->entries);
	uint32_t used = atomic_load_explicit(&neigh->table->slots[slot].used_s, memory_order_relaxed);

	return !e->pinned && (uint32_t)(now_ns / 1000000000) - used > NEIGH_IDLE_S;
}

static void entry_timer(struct neigh *neigh, struct neigh_entry *e, uint64_t now_ns)
{
	switch (e->state) {
	case NEIGH_STATE_ASKING:
	case NEIGH_STATE_ASK_ALL:
		if (e->tries < NEIGH_BROADCASTS || (!e->asked && e->state == NEIGH_STATE_ASK_ALL))
			entry_ask(neigh, e, now_ns);
		else
			entry_failed(neigh, e, now_ns);
		break;
	case NEIGH_STATE_FRESH:
		if (entry_idle(neigh, e, now_ns))
			entry_state(neigh, e, NEIGH_STATE_FREE, false);
		else
			entry_verify(neigh, e, now_ns);
		break;
	case NEIGH_STATE_VERIFY:
		if (e->tries >= NEIGH_UNICASTS && e->asked)
			entry_state(neigh, e, NEIGH_STATE_ASK_ALL, false);
		entry_ask(neigh, e, now_ns);
		break;
	case NEIGH_STATE_FAILED:
		if (e->pinned) {
			entry_state(neigh, e, NEIGH_STATE_ASKING, false);
			entry_ask(neigh, e, now_ns);
		} else {
			entry_state(neigh, e, NEIGH_STATE_FREE, false);
		}
		break;
	default:
		break;
	}
}

unsigned neigh_timers(struct neigh *neigh, uint64_t now_ns)
{
	unsigned ran = 0;

	if (now_ns < neigh->next_due)
		return 0;
	neigh->next_due = UINT64_MAX;
	for (unsigned w = 0; w < NEIGH_SLOTS / 64; w++) {
		for (uint64_t live = neigh->live[w]; live != 0; live &= live - 1) {
			struct neigh_entry *e = &neigh->entries[w * 64 + (unsigned)__builtin_ctzll(live)];

			if (e->due <= now_ns) {
				entry_timer(neigh, e, now_ns);
				ran++;
			}
			if (e->state != NEIGH_STATE_FREE && e->due < neigh->next_due)
				neigh->next_due = e->due;
		}
	}
	return ran;
}
