/* SPDX-License-Identifier: BSD-3-Clause */
/* decide() where both the message and every record of the policy are the fuzzer's: a damaged segment must be
 * contained. Records are handed out in blocks of exactly their size, so that a read outside of one is seen.
 */
#include <stdlib.h>

#include "config/policy/choice.h"
#include "config/policy/decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCKS 256

struct fuzz_view {
	struct policy_view view;
	const uint8_t *data;
	size_t size, at;
	void *block[BLOCKS];
	unsigned blocks;
};

static struct fuzz_view *fuzz_of(const struct policy_view *view)
{
	return (struct fuzz_view *)(uintptr_t)view;
}

static uint8_t byte(struct fuzz_view *f)
{
	return f->at < f->size ? f->data[f->at++] : 0;
}

/* a block of `fixed` bytes and some more from the input; records begin with their size */
static void *record(struct fuzz_view *f, size_t fixed, bool sized)
{
	size_t more = sized ? byte(f) : 0, total = fixed + more;
	uint8_t *p;

	if (f->blocks == BLOCKS)
		return NULL;
	p = malloc(total);
	if (!p)
		return NULL;
	for (size_t i = 0; i < total; i++)
		p[i] = byte(f);
	if (sized) {
		uint32_t size = (uint32_t)total;

		memcpy(p, &size, sizeof(size));
	}
	f->block[f->blocks++] = p;
	return p;
}

/* the same question gets the same answer, as in a pinned generation: records are drawn once and kept by key
 */
struct fuzz_memo {
	unsigned kind;
	uint64_t key;
	const void *record;
};

static _Thread_local struct fuzz_memo memo[BLOCKS];
static _Thread_local unsigned memos;

static uint64_t key_of(struct policy_name name)
{
	uint64_t h = 1469598103934665603u ^ name.len;

	for (uint32_t i = 0; i < name.len; i++)
		h = (h ^ (uint8_t)name.ptr[i]) * 1099511628211u;
	return h;
}

static const void *remembered(struct fuzz_view *f, unsigned kind, uint64_t key, size_t fixed, bool sized)
{
	const void *p = NULL;

	for (unsigned i = 0; i < memos; i++)
		if (memo[i].kind == kind && memo[i].key == key)
			return memo[i].record;
	if (memos == BLOCKS)
		return NULL;
	if (byte(f) & 3)
		p = record(f, fixed, sized);
	memo[memos++] = (struct fuzz_memo){kind, key, p};
	return p;
}

enum {
	K_DOMAIN,
	K_USER = 8,
	K_DNS,
	K_PARTNER = K_DNS + POLICY_DNS_KINDS,
	K_IDENTITY,
	K_SITE,
	K_PROVIDER,
	K_SET,
	K_LIMIT,
	K_TLS,
	K_OWN,
	K_FQDN,
	K_ROUTE = 32
};

static void domains(const struct policy_view *v, const struct policy_name *names, unsigned n,
		    struct policy_hit *hits)
{
	for (unsigned i = 0; i < n; i++) {
		memset(&hits[i], 0, sizeof(hits[i]));
		for (unsigned k = 0; k < 3 && names[i].len; k++) {
			const struct policy_domain *d =
				remembered(fuzz_of(v), K_DOMAIN + k, key_of(names[i]), sizeof(*d), false);

			if (d)
				policy_hit_add(&hits[i], d, (uint16_t)(d->comment % (names[i].len + 1)));
		}
	}
}

static void users(const struct policy_view *v, const struct policy_address *a, unsigned n,
		  const struct policy_user **out)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = a[i].user.len
				 ? remembered(fuzz_of(v), K_USER, key_of(a[i].user), sizeof(**out), false)
				 : NULL;
}

static const struct policy_dns *dns(const struct policy_view *v, struct policy_name name,
				    enum policy_dns_kind kind, struct policy_dns *scratch)
{
	const struct policy_dns *d =
		remembered(fuzz_of(v), K_DNS + (unsigned)kind, key_of(name), sizeof(*d), false);

	return d && scratch ? memcpy(scratch, d, sizeof(*d)) : d;
}

#define BY_ID(function, type, kind)                                                             \
	static const struct type *function(const struct policy_view *v, uint32_t id)            \
	{                                                                                       \
		return id ? remembered(fuzz_of(v), kind, id, sizeof(struct type), true) : NULL; \
	}
BY_ID(partner, policy_partner, K_PARTNER)
BY_ID(identity, policy_identity, K_IDENTITY)
BY_ID(site, policy_site, K_SITE)
BY_ID(provider, policy_provider, K_PROVIDER)
BY_ID(route_set, policy_route_set, K_SET)
BY_ID(limit_class, policy_limit_class, K_LIMIT)
BY_ID(tls_profile, policy_tls_profile, K_TLS)

static const struct policy_own_domain *own_domain(const struct policy_view *v, struct policy_name name)
{
	return remembered(fuzz_of(v), K_OWN, key_of(name), sizeof(struct policy_own_domain), true);
}

static const struct policy_provider *provider_by_fqdn(const struct policy_view *v, struct policy_name fqdn)
{
	return remembered(fuzz_of(v), K_FQDN, key_of(fqdn), sizeof(struct policy_provider), true);
}

static const struct policy_route_set *route_by_name(const struct policy_view *v, struct policy_name name,
						    unsigned nth)
{
	if (nth > 6)
		return NULL;
	return remembered(fuzz_of(v), K_ROUTE + nth, key_of(name), sizeof(struct policy_route_set), true);
}

static const struct policy_view_ops ops = {
	.domains = domains,
	.users = users,
	.dns = dns,
	.partner = partner,
	.identity = identity,
	.site = site,
	.provider = provider,
	.route_set = route_set,
	.limit_class = limit_class,
	.tls_profile = tls_profile,
	.own_domain = own_domain,
	.provider_by_fqdn = provider_by_fqdn,
	.route_by_name = route_by_name,
};

static struct policy_name name_of(struct fuzz_view *f)
{
	static const char *const known[] = {
		"contoso.com",	"sip.contoso.com", "ours.com", "aol.com", "fed.im.net", "b", "",
		"*.contoso.com"};
	unsigned b = byte(f);
	size_t n;
	char *p;

	if (b < 0xe0)
		return policy_name_of(known[b % 8]);
	n = byte(f);
	p = f->blocks < BLOCKS ? malloc(n + 1) : NULL;
	if (!p)
		return policy_name_of("x.y");
	for (size_t i = 0; i < n; i++)
		p[i] = (char)byte(f);
	f->block[f->blocks++] = p;
	return (struct policy_name){p, (uint32_t)n};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t outcome[] = {POLICY_ACCEPTED, POLICY_REFUSED, POLICY_REFUSED, POLICY_ASKED};
	struct fuzz_view f = {.view = {.ops = &ops}, .data = data, .size = size};
	struct policy_target targets[8];
	struct policy_shortfall shortfall;
	struct policy_verdict plain, traced;
	struct policy_name names[4];
	struct policy_peer peer = {.names = names};
	struct policy_stored stored;
	struct policy_facts facts;
	struct policy_trace trace;
	struct policy_box box;
	char text[1200];
	size_t n;

	memos = 0;
	for (n = 0; n < sizeof(box); n++)
		((uint8_t *)&box)[n] = byte(&f);
	f.view.box = &box;
	memset(&facts, 0, sizeof(facts));
	memset(&stored, 0, sizeof(stored));
	facts.direction = byte(&f) & 1;
	facts.message = byte(&f) % 3;
	facts.method = byte(&f) % POLICY_METHODS;
	facts.service = byte(&f);
	facts.route = byte(&f) % 6;
	facts.mark = byte(&f) % 3;
	facts.split = byte(&f) % 3;
	facts.pais = byte(&f) % 3;
	facts.shared_hop = byte(&f) & 1;
	facts.inner.stated = byte(&f);
	facts.now_ns = (uint64_t)byte(&f) << 56;
	facts.from_user = name_of(&f);
	facts.from_domain = name_of(&f);
	facts.to_user = name_of(&f);
	facts.to_domain = name_of(&f);
	facts.ruri_user = name_of(&f);
	facts.ruri_domain = name_of(&f);
	facts.pai[0] = name_of(&f);
	facts.pai[1] = name_of(&f);
	facts.edge_route = name_of(&f);
	facts.peer = &peer;
	for (unsigned i = 0; i < 4; i++)
		names[i] = name_of(&f);
	peer.names_n = byte(&f) % 5;
	peer.eku = byte(&f);
	peer.pin = byte(&f) % 5;
	peer.pin_domain = name_of(&f);
	peer.certificate = byte(&f) % 8 != 0;
	peer.revoked = byte(&f) % 8 == 1;
	peer.trusted_internal = byte(&f) % 8 != 0;
	peer.has_spki = byte(&f) & 1;
	if (byte(&f) % 4) {
		facts.stored = &stored;
		stored.type = byte(&f);
		stored.by_key = byte(&f) & 1;
		stored.discovered = byte(&f) & 1;
		stored.domain = name_of(&f);
		stored.identity = name_of(&f);
	}

	policy_decide(&f.view, &facts, &plain, NULL);
	policy_decide(&f.view, &facts, &traced, &trace);
	if (plain.action != traced.action || plain.reason != traced.reason || plain.rule != traced.rule)
		abort();
	if (trace.n == 0 || trace.line[trace.n - 1].rule != plain.rule ||
	    trace.line[trace.n - 1].outcome != outcome[plain.action])
		abort();
	if (plain.action == POLICY_ACCEPT) {
		n = policy_targets(&f.view, &plain.route, &peer, facts.now_ns, 1, targets, 8, &shortfall);
		for (size_t i = 0; i < n; i++)
			(void)policy_target_is(&targets[i], &plain.route, plain.flags, &peer,
					       partner(&f.view, plain.partner));
	}
	(void)policy_diagnostics_write(&traced, policy_name_of("sip.ours.com"), text, sizeof(text));
	for (unsigned i = 0; i < f.blocks; i++)
		free(f.block[i]);
	return 0;
}
