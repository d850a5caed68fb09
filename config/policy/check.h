/* SPDX-License-Identifier: BSD-3-Clause */
/* Conflicts of a candidate policy, found at commit: each with what is wrong, where, and what to do. Reads
 * only; works on anything that can be looked up and listed, so offline on a draft and in the daemon on its
 * store. */
#ifndef CONFIG_POLICY_CHECK_H
#define CONFIG_POLICY_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "config/policy/draft.h"
#include "config/policy/view.h"

enum policy_finding_code {
#define X(name, severity, what, todo) POLICY_FINDING_##name,
#include "config/policy/finding.def"
#undef X
	POLICY_FINDINGS
};

struct policy_finding {
	uint8_t code;		  /* enum policy_finding_code */
	bool error;		  /* refuses the commit; else it is only said */
	bool subtree;		  /* `where` means *.where */
	struct policy_name where; /* domain, pattern or provider; empty = the box */
	struct policy_name other; /* empty when no other takes part */
};

typedef void (*policy_finding_fn)(void *ctx, const struct policy_finding *finding);

/* A candidate that can be walked. The i-th of each kind, NULL after the last. */
struct policy_listing {
	const struct policy_view *view;
	int (*each_domain)(const void *source, policy_domain_fn fn, void *ctx);
	const struct policy_provider *(*provider_at)(const void *source, unsigned i);
	const struct policy_own_domain *(*own_domain_at)(const void *source, unsigned i);
	const struct policy_route_set *(*route_set_at)(const void *source, unsigned i);
	const void *source;
};

struct policy_listing policy_draft_listing(const struct policy_draft *draft);

/* Everything. Returns the number of errors (warnings do not count). */
unsigned policy_check(const struct policy_listing *listing, policy_finding_fn report, void *ctx);

/* One entry against the rest of the view: what a commit of this entry alone could break in itself. A new
 * block has to be followed by the same check of each allow below it. Returns the number of errors. */
unsigned policy_check_domain(const struct policy_view *view, struct policy_name name,
			     const struct policy_domain *entry, policy_finding_fn report, void *ctx);

/* "contoso.com: is allowed below the block of *.com; mark the allow `except`, or delete the block". Returns
 * the length that it wants, as snprintf() does. */
int policy_finding_write(const struct policy_finding *finding, char *buf, size_t cap);

const char *policy_finding_name(unsigned code);

#endif
