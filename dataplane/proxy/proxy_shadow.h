/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: what a candidate that is tried beside the policy in force would have done. */
#ifndef DATAPLANE_PROXY_PROXY_SHADOW_H
#define DATAPLANE_PROXY_PROXY_SHADOW_H

#include "dataplane/proxy/proxy_message.h"

/* The candidate's word on a request, out of line. It is counted and told, and changes nothing. */
void proxy_shadow_judge(struct proxy *p, const struct proxy_passing *r);

/* A request that r->verdict accepts or refuses. Once for each: one that waited was judged when the policy in
 * force first made up its mind, one that came from another core was judged there. */
static inline void proxy_shadow_tried(struct proxy *p, const struct proxy_passing *r)
{
	if (__builtin_expect(p->candidate != NULL, 0) && !r->c->shadow && !(r->s && r->s->accepted))
		proxy_shadow_judge(p, r);
}

/* The same of a response that came over c, each one; apart from the requests, of which each has its answers.
 */
void proxy_shadow_judge_answer(struct proxy *p, const struct proxy_conn *c, const struct proxy_passing *r);

static inline void proxy_shadow_answered(struct proxy *p, const struct proxy_conn *c,
					 const struct proxy_passing *r)
{
	if (__builtin_expect(p->candidate != NULL, 0))
		proxy_shadow_judge_answer(p, c, r);
}

#endif
