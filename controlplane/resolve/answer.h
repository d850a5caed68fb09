/* SPDX-License-Identifier: BSD-3-Clause */
/* What the DNS says of one name, put together from its records into what decide() reads. Pure. */
#ifndef CONTROLPLANE_RESOLVE_ANSWER_H
#define CONTROLPLANE_RESOLVE_ANSWER_H

#include "config/policy/record.h"
#include "controlplane/resolve/address.h"

enum { ANSWER_TARGETS_MAX = 256, ANSWER_RECORDS = 1 + POLICY_DNS_PARTS };

struct answer_target {
	uint16_t priority, weight, port;
	char name[POLICY_NAME_MAX + 1];
	bool secure;
	unsigned addrs;
	uint8_t addr[POLICY_DNS_ADDRS][16];
};

struct answer {
	enum policy_dns_kind kind;
	enum policy_dns_state state;
	bool secure;  /* everything that went into it was validated */
	uint32_t ttl; /* the smallest */
	bool cut;     /* some did not fit */
	unsigned n, limit;
	struct answer_target *target; /* limit of them */
	unsigned refused;	      /* addresses that no partner may have */
	const char *refused_why;
};

/* 0 or -ENOMEM */
int answer_init(struct answer *a, enum policy_dns_kind kind, unsigned limit);
void answer_fini(struct answer *a);
/* One SRV record's data (RFC 2782). Targets stay as they came; "." says that there is no such service. >0
 * taken, 0 it says "no service", -EINVAL not well formed (and not taken). */
int answer_srv(struct answer *a, const uint8_t *rdata, size_t len);
/* one address of 4 or 16 bytes for target i: 1 taken, 0 refused or no room */
int answer_address(struct answer *a, unsigned i, const uint8_t *addr, size_t len,
		   const struct address_rules *rules);
/* The answer as decide() reads it: the targets of best priority first; equal ones in the order in which they
 * came. `out` is an array of ANSWER_RECORDS: the answer, and the parts that out->more says. */
void answer_write(const struct answer *a, uint64_t expires_ns, struct policy_dns *out);

#endif
