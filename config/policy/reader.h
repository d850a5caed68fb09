/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's eyes on the policy: pins one generation per burst and hands it to decide() as a struct
 * policy_view. No lock, no wait, no retry. One struct per worker; only its thread calls, but for init and
 * validate. */
#ifndef CONFIG_POLICY_READER_H
#define CONFIG_POLICY_READER_H

#include "config/policy/memo.h"
#include "config/policy/root.h"
#include "config/policy/table_read.h"
#include "config/policy/view.h"
#include "config/segment/grace.h"

/* one root as it is judged by; `view` must be first */
struct policy_reader_view {
	struct policy_view view;
	const struct segment *seg;
	struct policy_root root;
	struct table_view domains, users;
	struct table_view over_domains, over_users; /* shadow only */
	uint64_t root_off;			    /* 0: none was read yet */
	bool shadow;
	struct policy_memo *memo; /* the worker's, or NULL; never of a candidate */
	struct policy_box box;	  /* when the policy has none: everything closed */
};

struct policy_reader {
	struct segment_pin pin;
	const struct segment *seg;
	uint64_t word, shadow_word;
	uint64_t damaged; /* roots that were refused: the last good one stays */
	struct policy_reader_view live;
	struct policy_reader_view candidate;
};

/* cold thread, before the worker runs: takes slot `i` of this process, offline */
int policy_reader_init(struct policy_reader *r, const struct segment *seg, unsigned i);

/* Cold thread, before the worker runs: from now on the live view remembers what it found. `memo` is aligned,
 * all zero, the reader's alone, and outlives it. */
void policy_reader_remember(struct policy_reader *r, struct policy_memo *memo);

/* Between two bursts, awake: what earlier views returned must not be used any more. The view, or NULL while
 * there is no sound root. It stays valid until the next call of any of these. */
const struct policy_view *policy_reader_burst(struct policy_reader *r);
/* before a sleep; nothing is held then */
void policy_reader_sleep(struct policy_reader *r);
/* after a sleep, and at the start */
const struct policy_view *policy_reader_wake(struct policy_reader *r);
/* the candidate as of this burst, or NULL: none is published */
const struct policy_view *policy_reader_shadow(struct policy_reader *r);

/* Cold thread, at attach: is everything that can be reached sound? Walks all of it under a pin of slot `i`.
 * Returns SEGMENT_REFUSED_none or the first damage. */
enum segment_refusal policy_reader_validate(const struct segment *seg, unsigned i);

/* operators' views: each visible entry with its name; the view must be one of a policy_reader */
int policy_view_domains_each(const struct policy_view *view,
			     int (*fn)(void *arg, struct policy_name name, const struct policy_domain *entry),
			     void *arg);
/* the text behind policy_domain.comment or policy_user.email; len 0 when there is none */
struct policy_name policy_view_string(const struct policy_view *view, uint32_t id);

#endif
