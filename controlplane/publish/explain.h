/* SPDX-License-Identifier: BSD-3-Clause */
/* The very decide() of the dataplane over the live segment, each rule as it was judged. */
#ifndef CONTROLPLANE_PUBLISH_EXPLAIN_H
#define CONTROLPLANE_PUBLISH_EXPLAIN_H

#include "config/policy/decide.h"
#include "config/policy/reader.h"
#include "config/segment/segment.h"

#include <stdbool.h>

enum { EXPLAIN_PEERS = 16 };

struct explain_question {
	char from_user[256], from_domain[POLICY_NAME_MAX + 1];
	char to_user[256], to_domain[POLICY_NAME_MAX + 1];
	char peer[EXPLAIN_PEERS][POLICY_NAME_MAX + 1];
	unsigned peers;
	enum policy_method method;
	bool inbound, outbound; /* neither: told by whose domain is whose */
};

/* a reader of the segment in this process, for the length of one answer */
struct explain {
	struct segment seg;
	struct policy_reader reader;
	const struct policy_view *view;
	bool assumed; /* no peer was named: the one that the rules ask for was taken */
	bool pinned;  /* and that is who has a key that the partner pins, and nothing else */
	struct policy_name names[EXPLAIN_PEERS + 1];
	char assumed_name[POLICY_NAME_MAX + 1];
	struct policy_dns dns; /* the answer that it was taken from */
	struct policy_peer peer;
	struct policy_facts facts;
	struct policy_verdict verdict;
	struct policy_trace trace;
	bool shadow; /* a candidate is being tried: what it would say */
	struct policy_verdict shadow_verdict;
};

/* Attaches to the segment in `dir`. 0 or -errno with `why` (512 bytes) */
int explain_open(struct explain *e, const char *dir, char *why);
void explain_close(struct explain *e);
/* Judges; e->verdict and e->trace say how. May be asked again, when an answer that it wanted has come. */
void explain_judge(struct explain *e, struct explain_question *q, uint64_t now_ns);

#endif
