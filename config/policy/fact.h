/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts beside the policy: DNS answers, the watch list. Outside of generations; each is replaced whole by one
 * store, and what a reader got stays readable until its burst ends. Fixed in number: the one that expires
 * first makes room. Who asked is charged, so that one peer cannot fill the table with its questions. */
#ifndef CONFIG_POLICY_FACT_H
#define CONFIG_POLICY_FACT_H

#include "config/policy/record.h"
#include "config/policy/table.h"

enum policy_fact_kind {
	POLICY_FACT_FREE,
	/* DNS answers come first: 1 … POLICY_DNS_KINDS - 1 are enum policy_dns_kind */
	POLICY_FACT_WATCH = 16, /* by what the limits know a peer by */
};

enum {
	POLICY_FACT_KEY_MAX = 256,
	POLICY_FACT_PAYLOAD = sizeof(struct policy_dns),
};

/* as it lies in the segment */
struct policy_fact {
	uint64_t h1, h2;     /* of kind and key, keyed */
	uint64_t asker;	     /* 0: nobody is charged */
	uint64_t expires_ns; /* CLOCK_MONOTONIC */
	uint8_t payload[POLICY_FACT_PAYLOAD];
};

static_assert(sizeof(struct policy_fact) == 1056, "fact layout");

struct policy_fact_dir {
	uint64_t magic;
	uint64_t sum;	/* of what follows */
	uint64_t index; /* offset of 1 << bits buckets of eight slots */
	uint64_t bits;
	uint64_t k0, k1;
	uint64_t max; /* facts */
	uint64_t reserved;
};

static_assert(sizeof(struct policy_fact_dir) == 64, "fact directory layout");

#define POLICY_FACT_MAGIC 0x73746361666c6f70ull

/* Reader, pinned: the payload for (kind, key), or NULL. Stays readable until the burst ends. */
const void *policy_fact_get(const struct segment *seg, unsigned kind, const void *key, uint32_t len);
const struct policy_dns *policy_fact_dns(const struct segment *seg, struct policy_name name,
					 enum policy_dns_kind kind);
/* the directory, when it is sound */
const struct policy_fact_dir *policy_fact_dir(const struct segment *seg);

struct policy_writer;

/* Writer. payload of `len` ≤ POLICY_FACT_PAYLOAD bytes, the rest is zeroed. 0, -EDQUOT (the asker has as many
 * as it may), -EAGAIN (no memory yet), -EINVAL. */
int policy_fact_put(struct policy_writer *w, unsigned kind, const void *key, uint32_t key_len,
		    const void *payload, uint32_t len, uint64_t expires_ns, uint64_t asker);
int policy_fact_put_dns(struct policy_writer *w, struct policy_name name, const struct policy_dns *answer,
			uint64_t asker);
/* 0 also when there is none */
int policy_fact_del(struct policy_writer *w, unsigned kind, const void *key, uint32_t key_len);
uint64_t policy_fact_count(const struct policy_writer *w);

#endif
