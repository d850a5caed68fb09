/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/resolve/answer.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/policy/pack.h"

int answer_init(struct answer *a, enum policy_dns_kind kind, unsigned limit)
{
	memset(a, 0, sizeof(*a));
	a->kind = kind;
	a->ttl = UINT32_MAX;
	a->secure = true;
	a->limit = limit < ANSWER_TARGETS_MAX ? limit : ANSWER_TARGETS_MAX;
	a->target = calloc(a->limit ? a->limit : 1, sizeof(*a->target));
	return a->target ? 0 : -ENOMEM;
}

void answer_fini(struct answer *a)
{
	free(a->target);
	a->target = NULL;
}

/* an uncompressed name (RFC 2782 forbids compression in SRV) as canonical text; its length or -EINVAL */
static int wire_name(const uint8_t *p, size_t len, char *out)
{
	size_t at = 0, w = 0;

	for (;;) {
		unsigned n;

		if (at >= len)
			return -EINVAL;
		n = p[at++];
		if (n == 0)
			break;
		if (n > 63 || at + n > len || w + n + 1 > POLICY_NAME_MAX + 1)
			return -EINVAL;
		if (w)
			out[w++] = '.';
		for (unsigned i = 0; i < n; i++) {
			int c = tolower(p[at + i]);

			if (!isalnum(c) && c != '-' && c != '_')
				return -EINVAL;
			out[w++] = (char)c;
		}
		at += n;
	}
	out[w] = '\0';
	return at == len ? (int)w : -EINVAL;
}

int answer_srv(struct answer *a, const uint8_t *rdata, size_t len)
{
	char name[POLICY_NAME_MAX + 2];
	struct answer_target *t;
	int n;

	if (len < 7)
		return -EINVAL;
	n = wire_name(rdata + 6, len - 6, name);
	if (n < 0)
		return n;
	if (n == 0)
		return 0;
	if (policy_name_check(policy_name_of(name)) != POLICY_NAME_OK)
		return -EINVAL;
	if (a->n == a->limit) {
		a->cut = true;
		return 1;
	}
	t = &a->target[a->n++];
	t->priority = (uint16_t)(rdata[0] << 8 | rdata[1]);
	t->weight = (uint16_t)(rdata[2] << 8 | rdata[3]);
	t->port = (uint16_t)(rdata[4] << 8 | rdata[5]);
	memcpy(t->name, name, (size_t)n + 1);
	return 1;
}

int answer_address(struct answer *a, unsigned i, const uint8_t *addr, size_t len,
		   const struct address_rules *rules)
{
	struct answer_target *t = &a->target[i];
	uint8_t whole[16] = {[10] = 0xff, [11] = 0xff};
	const char *why;

	if (i >= a->n || (len != 4 && len != 16))
		return 0;
	if (len == 4)
		memcpy(whole + 12, addr, 4);
	else
		memcpy(whole, addr, 16);
	why = address_refused(whole, rules);
	if (why) {
		a->refused++;
		a->refused_why = why;
		return 0;
	}
	if (t->addrs == POLICY_DNS_ADDRS) {
		a->cut = true;
		return 0;
	}
	memcpy(t->addr[t->addrs++], whole, 16);
	return 1;
}

struct order {
	uint16_t priority;
	uint16_t at;
};

static int by_priority(const void *x, const void *y)
{
	const struct order *a = x, *b = y;

	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return a->at < b->at ? -1 : 1;
}

void answer_write(const struct answer *a, uint64_t expires_ns, struct policy_dns *out)
{
	struct order order[ANSWER_TARGETS_MAX];
	unsigned share;

	memset(out, 0, sizeof(*out));
	out->expires_ns = expires_ns;
	out->kind = (uint8_t)a->kind;
	out->state = (uint8_t)a->state;
	out->secure = a->secure && a->state == POLICY_DNS_OK;
	out->cut = a->cut;
	if (a->state != POLICY_DNS_OK)
		return;
	for (unsigned i = 0; i < a->n; i++)
		order[i] = (struct order){a->target[i].priority, (uint16_t)i};
	qsort(order, a->n, sizeof(order[0]), by_priority);
	/* every target that is kept gets an address before any gets more than its share */
	share = POLICY_DNS_ADDRS / (a->n < POLICY_DNS_TARGETS ? (a->n ? a->n : 1) : POLICY_DNS_TARGETS);
	for (unsigned i = 0; i < a->n; i++) {
		const struct answer_target *t = &a->target[order[i].at];
		const struct policy_name name = {t->name, (uint32_t)strlen(t->name)};
		unsigned addrs = t->addrs < share ? t->addrs : share;
		const uint8_t(*addr)[16] = t->addr;

		/* only federation is judged by each of its targets; elsewhere the best will do */
		if ((a->kind == POLICY_DNS_FEDERATION
			     ? policy_dns_spill(out, name, t->priority, t->weight, t->port, addr, addrs)
			     : policy_dns_add(out, name, t->priority, t->weight, t->port, addr, addrs)) != 0)
			break;
		if (addrs < t->addrs)
			out->cut = 1;
	}
	policy_dns_seal(out);
}
