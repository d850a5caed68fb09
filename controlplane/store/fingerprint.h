/* SPDX-License-Identifier: BSD-3-Clause */
/* The hash of a whole configuration, kept up to date object by object: the sum, in four 64-bit lanes, of
 * every object's SHA-256. Equal content gives equal sums in whatever order it was written, and a commit costs
 * only what it changes. It names content; that nobody altered history is what the revisions' chain shows. */
#ifndef CONTROLPLANE_STORE_FINGERPRINT_H
#define CONTROLPLANE_STORE_FINGERPRINT_H

#include "controlplane/store/sha256.h"

#include <string.h>

struct fingerprint {
	uint64_t lane[4];
	uint64_t objects;
};

static inline void fingerprint_one(uint64_t lane[4], const char *noun, const char *key, const char *body,
				   size_t len)
{
	struct sha256 s;
	uint8_t d[32];

	sha256_init(&s);
	sha256_add(&s, noun, strlen(noun) + 1);
	sha256_add(&s, key, strlen(key) + 1);
	sha256_add(&s, body, len);
	sha256_done(&s, d);
	memcpy(lane, d, 32);
}

static inline void fingerprint_add(struct fingerprint *f, const char *noun, const char *key, const char *body,
				   size_t len)
{
	uint64_t lane[4];

	fingerprint_one(lane, noun, key, body, len);
	for (unsigned i = 0; i < 4; i++)
		f->lane[i] += lane[i];
	f->objects++;
}

static inline void fingerprint_del(struct fingerprint *f, const char *noun, const char *key, const char *body,
				   size_t len)
{
	uint64_t lane[4];

	fingerprint_one(lane, noun, key, body, len);
	for (unsigned i = 0; i < 4; i++)
		f->lane[i] -= lane[i];
	f->objects--;
}

static inline void fingerprint_hex(const struct fingerprint *f, char out[65])
{
	struct sha256 s;
	uint8_t d[32];

	sha256_init(&s);
	sha256_add(&s, f->lane, sizeof(f->lane));
	sha256_add(&s, &f->objects, sizeof(f->objects));
	sha256_done(&s, d);
	sha256_hex(d, out);
}

#endif
