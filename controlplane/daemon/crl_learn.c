/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/crl_learn.h"
#include "config/exchange/area.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/resolve/resolve.h"
#include "controlplane/secret/crl_cache.h"
#include "controlplane/secret/crl_points.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SEEN = 1024,
	SEEN_S = 60,   /* one that was looked at is not looked at again for so long */
	A_SECOND = 20, /* looked at; and as many as BURST when it was quiet before */
	BURST = 256,
};

/* the chain that comes over one ring */
struct coming {
	uint64_t id;
	uint32_t bytes, at;
	uint8_t trust[32];
	uint8_t *der; /* NULL: nothing is expected */
};

struct crl_learn {
	struct coming coming[EXCHANGE_RINGS];
	struct {
		char hash[VAULT_HASH];
		uint64_t at_ns; /* CLOCK_MONOTONIC */
	} seen[SEEN];
	uint64_t tokens_ns; /* of A_SECOND each: when there were none */
	/* of the trust store that was asked for last */
	struct crl_anchors *anchors;
	char anchors_hash[VAULT_HASH];
	struct crl_learn_totals n;
};

static const uint64_t second_ns = 1000000000;

static void hex(const uint8_t in[32], char out[VAULT_HASH])
{
	for (unsigned i = 0; i < 32; i++)
		snprintf(out + (size_t)2 * i, 3, "%02x", in[i]);
}

/* ---- one chain ---- */

/* was it looked at lately? A peer that is refused, or has many addresses, comes again and again. */
static bool seen(struct crl_learn *l, const char *trust, const uint8_t *der, uint32_t len)
{
	uint64_t now = resolve_now();
	char hash[VAULT_HASH];
	unsigned long at;

	vault_hash(der, len, hash);
	/* the same chain under other anchors is another one */
	for (unsigned i = 0; i < VAULT_HASH - 1; i++)
		hash[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[(hash[i] + trust[i]) % 36];
	at = strtoul((const char[]){hash[0], hash[1], hash[2], '\0'}, NULL, 36) % SEEN;
	if (strcmp(l->seen[at].hash, hash) == 0 && now - l->seen[at].at_ns < SEEN_S * second_ns)
		return true;
	memcpy(l->seen[at].hash, hash, sizeof(hash));
	l->seen[at].at_ns = now;
	return false;
}

static bool may_look(struct crl_learn *l)
{
	uint64_t now = resolve_now(), step = second_ns / A_SECOND;

	if (now - l->tokens_ns > BURST * step)
		l->tokens_ns = now - BURST * step;
	if (now - l->tokens_ns < step)
		return false;
	l->tokens_ns += step;
	return true;
}

static const struct crl_anchors *anchors_of(struct crl_learn *l, const struct control *c, const char *hash)
{
	char path[512], *bytes;
	size_t len;

	if (l->anchors && strcmp(l->anchors_hash, hash) == 0)
		return l->anchors;
	crl_anchors_free(l->anchors);
	l->anchors = NULL;
	snprintf(path, sizeof(path), "%.256s/secrets/%.64s", c->run_dir, hash);
	if (crl_cache_read(path, &bytes, &len))
		return NULL;
	l->anchors = crl_anchors_new(bytes, len);
	free(bytes);
	snprintf(l->anchors_hash, sizeof(l->anchors_hash), "%s", hash);
	return l->anchors;
}

static void learn(struct control *c, const struct shelf_item *it, const uint8_t *der, uint32_t len)
{
	struct crl_learn *l = c->crl_learn;
	const struct crl_anchors *anchors = anchors_of(l, c, it->chain);
	int64_t now = (int64_t)time(NULL);
	struct crl_points *points;
	char why[PEM_WHY_MAX] = "";
	bool save = false;
	int r = -ENOMEM;

	points = anchors ? crl_points_load(c->store_dir, it->name, now) : NULL;
	if (points)
		r = crl_points_learn(points, der, len, anchors, now, &save, why);
	if (r == -EINVAL) {
		l->n.refused++;
		control_log("debug", "crl", "a chain for trust %s is not used: %s", it->name, why);
	}
	if (r >= 0 && save) {
		int err = crl_points_save(points, c->store_dir, it->name);

		if (err)
			control_log("warning", "crl",
				    "what certificates of peers name cannot be kept for trust %s: %s",
				    it->name, strerror(-err));
	}
	if (r > 0) {
		l->n.points += (unsigned)r;
		keeper_look(c);
	}
	crl_points_free(points);
}

static void whole(struct control *c, struct coming *m)
{
	struct crl_learn *l = c->crl_learn;
	const struct shelf *shelf = keeper_shelf(c);
	char trust[VAULT_HASH];
	bool looked = false;

	hex(m->trust, trust);
	for (unsigned i = 0; shelf && i < shelf->n; i++) {
		const struct shelf_item *it = &shelf->item[i];

		/* nobody has configured the system's anchors: `fetches` is false for them */
		if (it->sort != SHELF_TRUST || !it->good || !it->fetches || strcmp(it->chain, trust))
			continue;
		if (!looked && seen(l, trust, m->der, m->bytes))
			return;
		if (!looked && !may_look(l)) {
			l->n.skipped++;
			return;
		}
		l->n.chains += !looked;
		looked = true;
		learn(c, it, m->der, m->bytes);
	}
}

/* ---- parts ---- */

static void forget(struct coming *m)
{
	free(m->der);
	memset(m, 0, sizeof(*m));
}

void crl_learn_take(struct control *c, unsigned ring, const struct exchange_chain *part)
{
	struct crl_learn *l = c->crl_learn ? c->crl_learn : calloc(1, sizeof(*l));
	struct coming *m;

	c->crl_learn = l;
	if (!l || ring >= EXCHANGE_RINGS)
		return;
	m = &l->coming[ring];
	if (m->der && (part->id != m->id || part->at != m->at)) {
		l->n.torn++;
		forget(m);
	}
	if (!m->der && part->at == 0 && part->bytes && part->bytes <= EXCHANGE_CHAIN_MAX) {
		m->der = malloc(part->bytes);
		m->id = part->id;
		m->bytes = part->bytes;
		memcpy(m->trust, part->trust, sizeof(m->trust));
	}
	if (!m->der)
		return;
	if (!part->len || part->len > EXCHANGE_CHAIN_DATA || part->len > m->bytes - m->at) {
		l->n.torn++;
		forget(m);
		return;
	}
	memcpy(m->der + m->at, part->data, part->len);
	m->at += part->len;
	if (m->at == m->bytes) {
		whole(c, m);
		forget(m);
	}
}

/* ---- life ---- */

void crl_learn_totals(const struct control *c, struct crl_learn_totals *out)
{
	*out = c->crl_learn ? c->crl_learn->n : (struct crl_learn_totals){0};
}

void crl_learn_close(struct control *c)
{
	struct crl_learn *l = c->crl_learn;

	if (!l)
		return;
	for (unsigned i = 0; i < EXCHANGE_RINGS; i++)
		forget(&l->coming[i]);
	crl_anchors_free(l->anchors);
	free(l);
	c->crl_learn = NULL;
}
