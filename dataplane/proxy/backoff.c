/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/backoff.h"

#include <string.h>

#define MS_NS UINT64_C(1000000)

enum {
	FIRST_MS = 1000,
	MAX_MS = 60000,
	FAILURES_MAX = 16,
	RETRY_AFTER_MAX = 300 /* seconds: nobody shuts himself off for a day by one header */
};

void backoff_init(struct backoff *b, const struct siphash_key *key, uint32_t first_ms, uint32_t max_ms)
{
	memset(b, 0, sizeof(*b));
	b->key = *key;
	b->first_ns = (first_ms ? first_ms : FIRST_MS) * MS_NS;
	b->max_ns = (max_ms ? max_ms : MAX_MS) * MS_NS;
	if (b->max_ns < b->first_ns)
		b->max_ns = b->first_ns;
}

static uint32_t bucket_of(const struct backoff *b, const uint8_t ip[16], uint16_t port, uint32_t identity)
{
	uint8_t key[16 + 2 + 4];

	memcpy(key, ip, 16);
	memcpy(key + 16, &port, 2);
	memcpy(key + 18, &identity, 4);
	return (uint32_t)(siphash13(&b->key, key, sizeof(key)) % (BACKOFF_SLOTS / BACKOFF_WAYS)) *
	       BACKOFF_WAYS;
}

static bool slot_is(const struct backoff_slot *s, const uint8_t ip[16], uint16_t port, uint32_t identity)
{
	return s->failures && s->port == port && s->identity == identity && memcmp(s->ip, ip, 16) == 0;
}

static const struct backoff_slot *find(const struct backoff *b, const uint8_t ip[16], uint16_t port,
				       uint32_t identity)
{
	const struct backoff_slot *s = &b->slot[bucket_of(b, ip, port, identity)];

	for (unsigned i = 0; i < BACKOFF_WAYS; i++)
		if (slot_is(&s[i], ip, port, identity))
			return &s[i];
	return NULL;
}

static struct backoff_slot *find_own(struct backoff *b, const uint8_t ip[16], uint16_t port,
				     uint32_t identity)
{
	const struct backoff_slot *s = find(b, ip, port, identity);

	return s ? &b->slot[s - b->slot] : NULL;
}

static enum backoff_state state_of(const struct backoff_slot *s, uint64_t now_ns)
{
	if (!s)
		return BACKOFF_GOOD;
	return now_ns < s->until_ns ? BACKOFF_WAIT : BACKOFF_PROBE;
}

enum backoff_state backoff_state(const struct backoff *b, const uint8_t ip[16], uint16_t port,
				 uint32_t identity, uint64_t now_ns)
{
	return state_of(find(b, ip, port, identity), now_ns);
}

static uint64_t pause_of(const struct backoff *b, unsigned failures)
{
	uint64_t pause = b->first_ns;

	while (--failures && pause < b->max_ns)
		pause *= 2;
	return pause < b->max_ns ? pause : b->max_ns;
}

void backoff_failed(struct backoff *b, const uint8_t ip[16], uint16_t port, uint32_t identity,
		    uint32_t retry_after_s, uint64_t random, uint64_t now_ns)
{
	struct backoff_slot *s = find_own(b, ip, port, identity), *way;
	uint64_t pause, asked;

	if (!s) {
		way = &b->slot[bucket_of(b, ip, port, identity)];
		s = way;
		for (unsigned i = 1; i < BACKOFF_WAYS; i++)
			if (!way[i].failures ? s->failures != 0
					     : s->failures && way[i].failed_ns < s->failed_ns)
				s = &way[i];
		b->known += !s->failures;
		*s = (struct backoff_slot){.port = port, .identity = identity};
		memcpy(s->ip, ip, 16);
	}
	/* many requests that were on their way fail together: that is one failure */
	if (s->failures && now_ns < s->until_ns && !retry_after_s)
		return;
	if (s->failures < FAILURES_MAX)
		s->failures++;
	s->failed_ns = now_ns;
	pause = pause_of(b, s->failures);
	/* a quarter at random, so that boxes and workers do not come back together */
	pause -= (random >> 40) * (pause >> 2) >> 24;
	asked = (uint64_t)(retry_after_s < RETRY_AFTER_MAX ? retry_after_s : RETRY_AFTER_MAX) * 1000 * MS_NS;
	s->until_ns = now_ns + (asked > pause ? asked : pause);
}

void backoff_worked(struct backoff *b, const uint8_t ip[16], uint16_t port, uint32_t identity)
{
	struct backoff_slot *s = find_own(b, ip, port, identity);

	if (!s)
		return;
	memset(s, 0, sizeof(*s));
	b->known--;
}

void backoff_answered(struct backoff *b, const uint8_t ip[16], uint16_t port, uint32_t identity,
		      uint64_t now_ns)
{
	/* nothing failed, as a rule: no look-up for each answer */
	if (b->known && state_of(find(b, ip, port, identity), now_ns) == BACKOFF_PROBE)
		backoff_worked(b, ip, port, identity);
}

unsigned backoff_order(const struct backoff *b, struct policy_target *targets, unsigned n, uint32_t identity,
		       uint64_t now_ns)
{
	uint64_t until[POLICY_ORDER_MAX];
	struct policy_target one;
	unsigned ready = 0;

	if (n > POLICY_ORDER_MAX)
		n = POLICY_ORDER_MAX;
	/* nothing failed, as a rule: no look-up for each target */
	if (!b->known)
		return n;
	for (unsigned i = 0; i < n; i++) {
		const struct backoff_slot *s = find(b, targets[i].ip, targets[i].port, identity);
		bool waits = state_of(s, now_ns) == BACKOFF_WAIT;
		uint64_t at = waits ? s->until_ns : 0;
		unsigned k = i;

		/* insertion: most often nobody waits and nothing moves */
		while (k > 0 && until[k - 1] > at)
			k--;
		if (k < i) {
			one = targets[i];
			memmove(&targets[k + 1], &targets[k], (i - k) * sizeof(one));
			memmove(&until[k + 1], &until[k], (i - k) * sizeof(until[0]));
			targets[k] = one;
		}
		until[k] = at;
		ready += !waits;
	}
	return ready;
}
