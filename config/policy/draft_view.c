/* SPDX-License-Identifier: BSD-3-Clause */
/* A draft as decide() asks it. */
#include "config/policy/draft_internal.h"

#include <string.h>

static const struct policy_draft *draft_of(const struct policy_view *view)
{
	return (const struct policy_draft *)view; /* the view is its first member */
}

static void draft_domains(const struct policy_view *view, const struct policy_name *names, unsigned n,
			  struct policy_hit *hits)
{
	for (unsigned i = 0; i < n; i++) {
		struct policy_name rest = names[i];

		memset(&hits[i], 0, sizeof(hits[i]));
		while (rest.len) {
			uint16_t from = (uint16_t)(names[i].len - rest.len);

			for (unsigned slot = 0; slot < 4; slot++) {
				const struct policy_domain *e;

				if (from && !(slot & 1))
					continue;
				e = draft_get(draft_of(view), DRAFT_DOMAIN + slot, rest);
				if (e)
					policy_hit_add(&hits[i], e, from);
			}
			rest = policy_name_parent(rest);
		}
	}
}

static void draft_users(const struct policy_view *view, const struct policy_address *addresses, unsigned n,
			const struct policy_user **users)
{
	char buf[1024];

	for (unsigned i = 0; i < n; i++) {
		struct policy_name user = draft_at_sign(addresses[i].user, buf, sizeof(buf));
		struct draft_item *item =
			user.len > 1 ? draft_find(draft_of(view), DRAFT_USER, user, addresses[i].domain)
				     : NULL;

		users[i] = item ? item->record : NULL;
	}
}

static const struct policy_dns *draft_dns(const struct policy_view *view, struct policy_name name,
					  enum policy_dns_kind kind, struct policy_dns *scratch)
{
	const struct policy_dns *dns = draft_get(draft_of(view), DRAFT_DNS + (unsigned)kind, name);

	return dns && scratch ? memcpy(scratch, dns, sizeof(*dns)) : dns;
}

static const struct policy_partner *draft_partner(const struct policy_view *view, uint32_t id)
{
	return draft_at(draft_of(view), LIST_PARTNER, id);
}

static const struct policy_identity *draft_identity(const struct policy_view *view, uint32_t id)
{
	return draft_at(draft_of(view), LIST_IDENTITY, id);
}

static const struct policy_site *draft_site(const struct policy_view *view, uint32_t id)
{
	return draft_at(draft_of(view), LIST_SITE, id);
}

static const struct policy_provider *draft_provider(const struct policy_view *view, uint32_t id)
{
	return draft_at(draft_of(view), LIST_PROVIDER, id);
}

static const struct policy_route_set *draft_route_set(const struct policy_view *view, uint32_t id)
{
	return draft_at(draft_of(view), LIST_ROUTE_SET, id);
}

static const struct policy_limit_class *draft_limit_class(const struct policy_view *view, uint32_t id)
{
	return draft_at(draft_of(view), LIST_LIMIT_CLASS, id);
}

static const struct policy_tls_profile *draft_tls_profile(const struct policy_view *view, uint32_t id)
{
	return draft_at(draft_of(view), LIST_TLS_PROFILE, id);
}

static const struct policy_own_domain *draft_own_domain(const struct policy_view *view,
							struct policy_name name)
{
	return draft_get(draft_of(view), DRAFT_OWN, name);
}

static const struct policy_provider *draft_provider_by_fqdn(const struct policy_view *view,
							    struct policy_name fqdn)
{
	return draft_get(draft_of(view), DRAFT_PROVIDER, fqdn);
}

static const struct policy_route_set *draft_route_by_name(const struct policy_view *view,
							  struct policy_name name, unsigned nth)
{
	const struct policy_draft *d = draft_of(view);
	const struct policy_route_set *set = draft_get(d, DRAFT_ROUTE_EXACT, name);

	if (set && nth-- == 0)
		return set;
	for (; name.len; name = policy_name_parent(name)) {
		set = draft_get(d, DRAFT_ROUTE_SUBTREE, name);
		if (set && nth-- == 0)
			return set;
	}
	set = draft_get(d, DRAFT_ROUTE_ANY, draft_none);
	return set && nth == 0 ? set : NULL;
}

int draft_list_of(enum policy_small which, size_t *name)
{
	static const struct {
		enum policy_small which;
		enum draft_list_kind list;
		size_t name;
	} lists[] = {
		{POLICY_SMALL_SITES, LIST_SITE, offsetof(struct policy_site, name)},
		{POLICY_SMALL_OWN_DOMAINS, LIST_OWN_DOMAIN, offsetof(struct policy_own_domain, name)},
		{POLICY_SMALL_IDENTITIES, LIST_IDENTITY, offsetof(struct policy_identity, public_fqdn)},
		{POLICY_SMALL_PROVIDERS, LIST_PROVIDER, offsetof(struct policy_provider, fqdn)},
		{POLICY_SMALL_ROUTES, LIST_ROUTE_SET, 0},
		{POLICY_SMALL_LIMITS, LIST_LIMIT_CLASS, offsetof(struct policy_limit_class, name)},
		{POLICY_SMALL_TLS, LIST_TLS_PROFILE, offsetof(struct policy_tls_profile, name)},
		{POLICY_SMALL_LISTENERS, LIST_LISTENER, 0},
		{POLICY_SMALL_CERTIFICATES, LIST_CERTIFICATE, offsetof(struct policy_certificate, name)},
		{POLICY_SMALL_TRUSTS, LIST_TRUST, offsetof(struct policy_trust, name)},
		{POLICY_SMALL_INNER, LIST_INNER, offsetof(struct policy_inner, name)},
		{POLICY_SMALL_SECRETS, LIST_SECRET, 0},
		{POLICY_SMALL_PINS, LIST_PIN, offsetof(struct policy_pin, spki)},
	};

	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (lists[i].which == which) {
			*name = lists[i].name;
			return (int)lists[i].list;
		}
	return -1;
}

static const void *draft_small_by_id(const struct policy_view *view, enum policy_small which, uint32_t id)
{
	size_t name;
	int list = draft_list_of(which, &name);

	/* own domains have no id: their place stands for it in this view alone */
	return list < 0 ? NULL : draft_at(draft_of(view), (enum draft_list_kind)list, id);
}

static const void *draft_small_at(const struct policy_view *view, enum policy_small which, unsigned i)
{
	if (which == POLICY_SMALL_BOX)
		return i == 0 ? view->box : NULL;
	return draft_small_by_id(view, which, i + 1);
}

static const void *draft_small_by_name(const struct policy_view *view, enum policy_small which,
				       struct policy_name name)
{
	const void *record;
	size_t at = 0;

	if (draft_list_of(which, &at) < 0 || !at)
		return NULL;
	for (unsigned i = 0; (record = draft_small_at(view, which, i)); i++) {
		struct policy_str s;
		uint32_t size;

		memcpy(&size, record, sizeof(size));
		memcpy(&s, (const char *)record + at, sizeof(s));
		if (policy_name_equal(policy_str_get(record, size, s), name))
			return record;
	}
	return NULL;
}

const struct policy_view_ops draft_ops = {
	.domains = draft_domains,
	.users = draft_users,
	.dns = draft_dns,
	.partner = draft_partner,
	.identity = draft_identity,
	.site = draft_site,
	.provider = draft_provider,
	.route_set = draft_route_set,
	.limit_class = draft_limit_class,
	.tls_profile = draft_tls_profile,
	.own_domain = draft_own_domain,
	.provider_by_fqdn = draft_provider_by_fqdn,
	.route_by_name = draft_route_by_name,
	.small_at = draft_small_at,
	.small_by_id = draft_small_by_id,
	.small_by_name = draft_small_by_name,
};
