/* SPDX-License-Identifier: BSD-3-Clause */
/* A draft's own things. */
#ifndef CONFIG_POLICY_DRAFT_INTERNAL_H
#define CONFIG_POLICY_DRAFT_INTERNAL_H

#include "config/policy/draft.h"

/* one hash over all keys: kind byte, then the name */
enum draft_kind {
	DRAFT_DOMAIN, /* + slot: four kinds */
	DRAFT_OWN = 4,
	DRAFT_USER,
	DRAFT_PROVIDER,
	DRAFT_ROUTE_EXACT,
	DRAFT_ROUTE_SUBTREE,
	DRAFT_ROUTE_ANY,
	DRAFT_DNS, /* + enum policy_dns_kind */
	DRAFT_KINDS = DRAFT_DNS + POLICY_DNS_KINDS,
};

struct draft_item {
	struct draft_item *chain;
	struct draft_item *next; /* in the order of adding */
	void *record;
	uint64_t hash;
	uint16_t len;
	uint8_t kind;
	char key[];
};

/* records that have ids: id = place + 1 */
struct draft_list {
	void **record;
	uint32_t n, cap;
};

enum draft_list_kind {
	LIST_PARTNER,
	LIST_SITE,
	LIST_IDENTITY,
	LIST_PROVIDER,
	LIST_ROUTE_SET,
	LIST_LIMIT_CLASS,
	LIST_TLS_PROFILE,
	LIST_OWN_DOMAIN,
	LIST_LISTENER,
	LIST_CERTIFICATE,
	LIST_TRUST,
	LIST_INNER,
	LIST_SECRET,
	LIST_PIN,
	LISTS
};

struct policy_draft {
	struct policy_view view;
	struct policy_box box;
	struct draft_item **bucket;
	size_t buckets, items;
	struct draft_item *first, **last;
	struct draft_list list[LISTS];
};

static const struct policy_name draft_none = {"", 0};

/* the key is a followed by b */
struct draft_item *draft_find(const struct policy_draft *d, unsigned kind, struct policy_name a,
			      struct policy_name b);
void *draft_get(const struct policy_draft *d, unsigned kind, struct policy_name name);
/* by id, NULL when there is none */
void *draft_at(const struct policy_draft *d, enum draft_list_kind kind, uint32_t id);
/* "user@", as keys of users begin */
struct policy_name draft_at_sign(struct policy_name user, char *buf, size_t cap);

/* ---- draft_view.c ---- */
extern const struct policy_view_ops draft_ops;
/* which list holds a table; -1: none does. `name` is where its records have their name, 0: they have none. */
int draft_list_of(enum policy_small which, size_t *name);

#endif
