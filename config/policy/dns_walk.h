/* SPDX-License-Identifier: BSD-3-Clause */
/* All targets of a DNS answer, one by one: those of the answer itself, then those of its parts. A domain may
 * publish 100 of them and be right (section 1.2.8a: "any target of SRV(D)"). Bounded: at most
 * POLICY_DNS_TARGETS × (1 + POLICY_DNS_PARTS). */
#ifndef CONFIG_POLICY_DNS_WALK_H
#define CONFIG_POLICY_DNS_WALK_H

#include "config/policy/view.h"

struct policy_dns_walk {
	const struct policy_view *view;
	struct policy_name name;       /* whose answer it is */
	const struct policy_dns *page; /* where `at` is: the answer, then each part */
	uint32_t serial;
	unsigned at;	 /* target of `page` */
	unsigned part;	 /* the next one */
	unsigned parts;	 /* that there should be */
	unsigned next;	 /* target of `page` to be looked at next */
	bool incomplete; /* a part was not there, or was one of another answer */
};

/* `answer` is what `view` said for (name, POLICY_DNS_FEDERATION), or an answer of another kind, without parts
 */
struct policy_dns_walk policy_dns_walk(const struct policy_view *view, struct policy_name name,
				       const struct policy_dns *answer);

/* The next target's name; false after the last. walk->page->target[walk->at] is the rest of it, readable
 * until the generation is unpinned (a name of the answer itself as long as the answer). */
bool policy_dns_next(struct policy_dns_walk *walk, struct policy_name *target);

#endif
