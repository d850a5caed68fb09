/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/limit.h"

#define SECOND_NS UINT64_C(1000000000)

void policy_limit_defaults(struct policy_limit_class *out)
{
	*out = (struct policy_limit_class){.size = sizeof(*out),
					   .rate = 20,
					   .burst = 40,
					   .suspicious_rate = 1,
					   .window_s = 60,
					   .min_finals = 50,
					   .enter_percent = 50,
					   .leave_percent = 20,
					   .leave_s = 600,
					   .uri_max = 1000,
					   .uri_warn = 100,
					   .uri_reset_s = 30 * 86400,
					   .pause_ms = 2000,
					   .retry_after_s = 5};
}

/* ---- rate ---- */

static uint32_t bucket_rate(const struct policy_limit_class *class, bool suspicious)
{
	return suspicious ? class->suspicious_rate : class->rate;
}

/* Fills the bucket for the time that passed. Suspicious, there is no burst beyond one second's worth. */
static void bucket_fill(struct policy_bucket *b, const struct policy_limit_class *class, bool suspicious,
			uint64_t now)
{
	uint64_t rate = bucket_rate(class, suspicious), burst = suspicious ? rate : class->burst, full,
		 passed, room;

	full = (burst ? burst : 1) * SECOND_NS;
	if (!b->started) {
		*b = (struct policy_bucket){.at_ns = now, .level = full, .started = true};
		return;
	}
	if (b->level > full)
		b->level = full;
	passed = now > b->at_ns ? now - b->at_ns : 0;
	room = full - b->level;
	/* passed × rate cannot wrap: it is only multiplied when it is short of filling the bucket */
	b->level = rate && passed >= room / rate + 1 ? full : b->level + passed * rate;
	if (now > b->at_ns)
		b->at_ns = now;
}

enum policy_take policy_bucket_take(struct policy_bucket *b, const struct policy_limit_class *class,
				    bool suspicious, uint64_t held_since_ns, uint64_t now_ns,
				    uint64_t *until_ns)
{
	uint64_t rate = bucket_rate(class, suspicious), pause = class->pause_ms * (SECOND_NS / 1000), end,
		 next;

	if (class->rate == 0)
		return POLICY_TAKE_PASS;
	bucket_fill(b, class, suspicious, now_ns);
	if (b->level >= SECOND_NS) {
		b->level -= SECOND_NS;
		return POLICY_TAKE_PASS;
	}
	end = (held_since_ns ? held_since_ns : now_ns) + pause;
	if (now_ns >= end)
		return POLICY_TAKE_OVER;
	next = rate ? now_ns + (SECOND_NS - b->level + rate - 1) / rate : end;
	*until_ns = next < end ? next : end;
	return POLICY_TAKE_PAUSE;
}

uint32_t policy_bucket_lease(struct policy_bucket *b, const struct policy_limit_class *class, bool suspicious,
			     uint32_t want, uint64_t now_ns)
{
	uint64_t have;

	if (class->rate == 0)
		return want;
	bucket_fill(b, class, suspicious, now_ns);
	have = b->level / SECOND_NS;
	if (have < want)
		want = (uint32_t)have;
	b->level -= want * SECOND_NS;
	return want;
}

/* ---- suspicion ---- */

bool policy_ratio_failure(unsigned status)
{
	return status == 403 || status == 404 || status == 480 || status == 604;
}

static void ratio_advance(struct policy_ratio *r, const struct policy_limit_class *class, uint64_t now)
{
	uint64_t slot = (class->window_s ? class->window_s : 1) * SECOND_NS / POLICY_RATIO_SLOTS;

	if (r->slot_start_ns == 0)
		r->slot_start_ns = now;
	for (unsigned i = 0; i < POLICY_RATIO_SLOTS && now >= r->slot_start_ns + slot; i++) {
		r->head = (uint8_t)((r->head + 1) % POLICY_RATIO_SLOTS);
		r->slot[r->head].good = r->slot[r->head].bad = 0;
		r->slot_start_ns += slot;
	}
	/* silent for longer than the window: every slot is empty by now */
	if (now >= r->slot_start_ns + slot)
		r->slot_start_ns = now;
}

static void ratio_sum(const struct policy_ratio *r, uint64_t *good, uint64_t *bad)
{
	*good = *bad = 0;
	for (unsigned i = 0; i < POLICY_RATIO_SLOTS; i++) {
		*good += r->slot[i].good;
		*bad += r->slot[i].bad;
	}
}

static bool ratio_judge(struct policy_ratio *r, const struct policy_limit_class *class, uint64_t now)
{
	uint64_t good, bad, all;

	ratio_sum(r, &good, &bad);
	all = good + bad;
	if (!r->suspicious) {
		if (all < class->min_finals || all == 0 || bad * 100 < all * class->enter_percent)
			return false;
		r->suspicious = true;
		r->since_ns = now;
		r->calm_since_ns = 0;
		r->entered_good = (uint32_t)good;
		r->entered_bad = (uint32_t)bad;
		return true;
	}
	if (bad * 100 >= all * class->leave_percent && all) {
		r->calm_since_ns = 0;
		return false;
	}
	if (r->calm_since_ns == 0)
		r->calm_since_ns = now;
	if (now - r->calm_since_ns < class->leave_s * SECOND_NS)
		return false;
	r->suspicious = false;
	return true;
}

bool policy_ratio_tick(struct policy_ratio *r, const struct policy_limit_class *class, uint64_t now_ns)
{
	ratio_advance(r, class, now_ns);
	return ratio_judge(r, class, now_ns);
}

bool policy_ratio_add(struct policy_ratio *r, const struct policy_limit_class *class, unsigned status,
		      uint32_t n, uint64_t now_ns)
{
	ratio_advance(r, class, now_ns);
	if (policy_ratio_failure(status))
		r->slot[r->head].bad += n;
	else
		r->slot[r->head].good += n;
	return ratio_judge(r, class, now_ns);
}

/* ---- URIs tried ---- */

void policy_uris_reset(struct policy_uris *u)
{
	memset(u, 0, sizeof(*u));
}

enum policy_uri policy_uris_touch(struct policy_uris *u, const struct policy_limit_class *class,
				  uint64_t hash, uint64_t now_ns)
{
	uint32_t max = class->uri_max < POLICY_URI_MAX ? class->uri_max : POLICY_URI_MAX, at;

	if (class->uri_max == 0)
		return POLICY_URI_KNOWN;
	if (u->n && class->uri_reset_s && now_ns > u->since_ns &&
	    now_ns - u->since_ns >= class->uri_reset_s * SECOND_NS)
		policy_uris_reset(u);
	if (hash == 0)
		hash = 1;
	for (at = (uint32_t)hash & (POLICY_URI_SLOTS - 1); u->slot[at];
	     at = (at + 1) & (POLICY_URI_SLOTS - 1))
		if (u->slot[at] == hash)
			return POLICY_URI_KNOWN;
	if (u->n >= max) {
		u->refused++;
		if (u->watched)
			return POLICY_URI_REFUSED;
		u->watched = true;
		return POLICY_URI_WATCHED;
	}
	if (u->n == 0)
		u->since_ns = now_ns;
	u->slot[at] = hash;
	u->n++;
	return u->n == class->uri_warn ? POLICY_URI_WARN : POLICY_URI_NEW;
}
