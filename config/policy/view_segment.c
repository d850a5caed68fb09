/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/view_segment.h"

#include "config/policy/fact.h"
#include "config/policy/small.h"
#include "config/policy/table_kernel.h"

static struct policy_reader_view *of(const struct policy_view *view)
{
	/* the view is its first member; what changes in it belongs to the worker that calls */
	return (struct policy_reader_view *)(uintptr_t)view;
}

static struct policy_small_view small_of(const struct policy_reader_view *v, enum policy_small which)
{
	const struct policy_small_ref *s = &v->root.small[which];

	return (struct policy_small_view){s->off ? v->seg->base + s->off : NULL, s->len};
}

/* A burst hides what its look-ups wait for; those of one message alone do not. */
enum { ONE_MESSAGE = 2 };

static void domains_remembered(struct policy_reader_view *v, const struct policy_name *names, unsigned n,
			       struct policy_hit *hits)
{
	for (unsigned i = 0; i < n; i++) {
		struct policy_memo_slot *s;
		bool mine;

		if (!names[i].len) {
			memset(&hits[i], 0, sizeof(hits[i]));
			continue;
		}
		s = policy_memo_at(v->memo, names[i], &mine);
		if (mine && policy_memo_knows(s, POLICY_MEMO_DOMAIN)) {
			hits[i] = (struct policy_hit){.allow = {s->found[POLICY_MEMO_DOMAIN], s->from}};
			continue;
		}
		table_domains_burst(&v->domains, &names[i], 1, &hits[i]);
		if (!s || hits[i].block.entry || hits[i].hard.entry)
			continue;
		policy_memo_put(v->memo, s, mine, POLICY_MEMO_DOMAIN, names[i], hits[i].allow.entry);
		s->from = hits[i].allow.from;
	}
}

static void view_domains(const struct policy_view *view, const struct policy_name *names, unsigned n,
			 struct policy_hit *hits)
{
	struct policy_reader_view *v = of(view);

	if (v->shadow)
		table_domains_over(&v->domains, &v->over_domains, names, n, hits);
	else if (v->memo && n <= ONE_MESSAGE)
		domains_remembered(v, names, n, hits);
	else
		table_domains_burst(&v->domains, names, n, hits);
}

static void view_users(const struct policy_view *view, const struct policy_address *addresses, unsigned n,
		       const struct policy_user **users)
{
	struct policy_reader_view *v = of(view);

	table_users_burst(&v->users, addresses, n, users);
	if (!v->shadow || !v->over_users.ref.index)
		return;
	for (unsigned i = 0; i < n; i++) {
		const struct table_entry *e = table_user_get(&v->over_users, addresses[i]);

		if (e)
			/* an absent one is marked behind the record */
			users[i] = e->raw[sizeof(struct policy_user)] ? NULL : &e->user;
	}
}

static const struct policy_dns *view_dns(const struct policy_view *view, struct policy_name name,
					 enum policy_dns_kind kind, struct policy_dns *scratch)
{
	return policy_fact_dns(of(view)->seg, name, kind);
}

static const struct policy_partner *view_partner(const struct policy_view *view, uint32_t id)
{
	const struct segment *seg = of(view)->seg;
	const struct policy_partner *p = id ? segment_at(seg, (uint64_t)id * 8, sizeof(*p)) : NULL;

	/* copied before it is judged; the record itself never changes while it can be reached */
	if (!p || p->size < sizeof(*p) || !segment_at(seg, (uint64_t)id * 8, p->size))
		return NULL;
	return p;
}

#define VIEW_BY_ID(fn, type, table)                                               \
	static const struct type *fn(const struct policy_view *view, uint32_t id) \
	{                                                                         \
		return policy_small_by_id(small_of(of(view), table), table, id);  \
	}

VIEW_BY_ID(view_identity, policy_identity, POLICY_SMALL_IDENTITIES)
VIEW_BY_ID(view_site, policy_site, POLICY_SMALL_SITES)
VIEW_BY_ID(view_provider, policy_provider, POLICY_SMALL_PROVIDERS)
VIEW_BY_ID(view_route_set, policy_route_set, POLICY_SMALL_ROUTES)
VIEW_BY_ID(view_limit_class, policy_limit_class, POLICY_SMALL_LIMITS)
VIEW_BY_ID(view_tls_profile, policy_tls_profile, POLICY_SMALL_TLS)

static const struct policy_own_domain *view_own_domain(const struct policy_view *view,
						       struct policy_name name)
{
	struct policy_memo *memo = of(view)->memo;
	bool mine;
	struct policy_memo_slot *s = policy_memo_at(memo, name, &mine);
	const void *own;

	if (mine && policy_memo_knows(s, POLICY_MEMO_OWN))
		return s->found[POLICY_MEMO_OWN];
	own = policy_small_by_name(small_of(of(view), POLICY_SMALL_OWN_DOMAINS), POLICY_SMALL_OWN_DOMAINS, 0,
				   name, 0);
	policy_memo_put(memo, s, mine, POLICY_MEMO_OWN, name, own);
	return own;
}

static const void *view_near(const struct policy_view *view, struct policy_name name)
{
	return policy_memo_set(of(view)->memo, name);
}

static const struct policy_provider *view_provider_by_fqdn(const struct policy_view *view,
							   struct policy_name fqdn)
{
	return policy_small_by_name(small_of(of(view), POLICY_SMALL_PROVIDERS), POLICY_SMALL_PROVIDERS, 0,
				    fqdn, 0);
}

/* longest first; at one length exact before subtree; ".*" last */
static const struct policy_route_set *view_route_by_name(const struct policy_view *view,
							 struct policy_name name, unsigned nth)
{
	struct policy_small_view t = small_of(of(view), POLICY_SMALL_ROUTES);
	const unsigned none = UINT32_MAX;
	unsigned kinds[3] = {0, POLICY_ROUTE_SUBTREE, none};
	const struct policy_route_set *r;

	if (!policy_small_count(t))
		return NULL;
	while (name.len) {
		for (unsigned k = 0; k < 2; k++) {
			if (kinds[k] == none)
				continue;
			for (unsigned i = 0;; i++) {
				r = policy_small_by_name(t, POLICY_SMALL_ROUTES, kinds[k], name, i);
				if (!r)
					break;
				if (nth-- == 0)
					return r;
			}
		}
		/* above the name itself only subtrees serve it */
		kinds[0] = none;
		while (name.len && name.ptr[0] != '.') {
			name.ptr++;
			name.len--;
		}
		if (name.len) {
			name.ptr++;
			name.len--;
		}
	}
	return policy_small_by_name(t, POLICY_SMALL_ROUTES, POLICY_ROUTE_ANY, (struct policy_name){"", 0},
				    nth);
}

static const void *view_small_at(const struct policy_view *view, enum policy_small which, unsigned i)
{
	return (unsigned)which < POLICY_SMALLS ? policy_small_at(small_of(of(view), which), which, i) : NULL;
}

static const void *view_small_by_id(const struct policy_view *view, enum policy_small which, uint32_t id)
{
	return (unsigned)which < POLICY_SMALLS ? policy_small_by_id(small_of(of(view), which), which, id)
					       : NULL;
}

static const void *view_small_by_name(const struct policy_view *view, enum policy_small which,
				      struct policy_name name)
{
	return (unsigned)which < POLICY_SMALLS
		       ? policy_small_by_name(small_of(of(view), which), which, 0, name, 0)
		       : NULL;
}

static const struct policy_view_ops segment_ops = {
	.domains = view_domains,
	.users = view_users,
	.dns = view_dns,
	.partner = view_partner,
	.identity = view_identity,
	.site = view_site,
	.provider = view_provider,
	.route_set = view_route_set,
	.limit_class = view_limit_class,
	.tls_profile = view_tls_profile,
	.own_domain = view_own_domain,
	.near = view_near,
	.provider_by_fqdn = view_provider_by_fqdn,
	.route_by_name = view_route_by_name,
	.small_at = view_small_at,
	.small_by_id = view_small_by_id,
	.small_by_name = view_small_by_name,
};

void policy_view_segment_init(struct policy_reader_view *v, const struct segment *seg, bool shadow)
{
	memset(v, 0, sizeof(*v));
	v->seg = seg;
	v->shadow = shadow;
	v->domains.kernel = v->over_domains.kernel = table_kernel_best().run;
	v->box.size = sizeof(v->box);
	v->view.ops = &segment_ops;
	v->view.box = &v->box;
}

void policy_view_segment_box(struct policy_reader_view *v)
{
	const struct policy_box *box = policy_small_at(small_of(v, POLICY_SMALL_BOX), POLICY_SMALL_BOX, 0);

	v->view.box = box ? box : &v->box;
}

struct each {
	int (*fn)(void *arg, struct policy_name name, const struct policy_domain *entry);
	void *arg;
};

static int each_domain(void *arg, const struct table_entry *e, struct policy_name name)
{
	const struct each *each = arg;

	return each->fn(each->arg, name, &e->domain);
}

int policy_view_domains_each(const struct policy_view *view,
			     int (*fn)(void *arg, struct policy_name name, const struct policy_domain *entry),
			     void *arg)
{
	struct policy_reader_view *v = of(view);
	struct each each = {fn, arg};

	return table_each(&v->domains, v->seg->super->span_shift, each_domain, &each);
}

struct policy_name policy_view_string(const struct policy_view *view, uint32_t id)
{
	const struct segment *seg = of(view)->seg;

	return table_string_at(seg->base, segment_limit(seg), id);
}
