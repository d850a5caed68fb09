/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/choice.h"

#include "config/policy/dns_walk.h"

struct choice {
	const struct policy_view *view;
	const struct policy_route *route;
	const struct policy_peer *from;
	uint64_t now_ns;
	uint64_t random;
	struct policy_target *out;
	unsigned max;
	unsigned n;
	struct policy_shortfall *short_of;
	struct policy_dns *scratch;
};

static uint64_t choice_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* RFC 2782: zero weights first, then a number in [0, sum] picks the first whose running sum reaches it */
static unsigned choice_pick(const uint8_t *left, unsigned n, const uint16_t *weight, uint64_t random)
{
	uint32_t sum = 0, running = 0, mark;

	for (unsigned i = 0; i < n; i++)
		sum += weight[left[i]];
	mark = (uint32_t)(((random >> 32) * (sum + 1u)) >> 32);
	for (unsigned zero = 0; zero < 2; zero++) {
		for (unsigned i = 0; i < n; i++) {
			if ((weight[left[i]] != 0) != zero)
				continue;
			running += weight[left[i]];
			if (running >= mark)
				return i;
		}
	}
	return n - 1;
}

void policy_order(const uint16_t *priority, const uint16_t *weight, unsigned n, uint64_t random,
		  uint8_t *order)
{
	uint8_t left[POLICY_ORDER_MAX];
	unsigned done = 0;
	uint32_t floor = 0;

	if (n > POLICY_ORDER_MAX)
		n = POLICY_ORDER_MAX;
	while (done < n) {
		uint32_t next = UINT32_MAX;
		unsigned same = 0;

		for (unsigned i = 0; i < n; i++)
			if (priority[i] >= floor && priority[i] < next)
				next = priority[i];
		for (unsigned i = 0; i < n; i++)
			if (priority[i] == next)
				left[same++] = (uint8_t)i;
		while (same) {
			unsigned i = same == 1 ? 0 : choice_pick(left, same, weight, choice_random(&random));

			order[done++] = left[i];
			memmove(&left[i], &left[i + 1], same - i - 1);
			same--;
		}
		floor = next + 1;
	}
}

static bool choice_from(const struct choice *c, struct policy_name name)
{
	unsigned n = !c->from				    ? 0
		     : c->from->names_n < POLICY_PEER_NAMES ? c->from->names_n
							    : POLICY_PEER_NAMES;

	for (unsigned i = 0; i < n; i++)
		if (policy_name_equal(c->from->names[i], name))
			return true;
	return false;
}

static void choice_ask(struct choice *c, struct policy_name name, enum policy_dns_kind kind)
{
	struct policy_shortfall *s = c->short_of;

	if (s->asks < POLICY_ASKS)
		s->ask[s->asks++] = (struct policy_ask){name, (uint8_t)kind};
}

static const struct policy_dns *choice_dns(struct choice *c, struct policy_name name,
					   enum policy_dns_kind kind)
{
	const struct policy_dns *dns = c->view->ops->dns(c->view, name, kind, c->scratch);
	bool past = dns && c->now_ns > dns->expires_ns;

	if (!dns || dns->state == POLICY_DNS_UNKNOWN || (past && dns->state != POLICY_DNS_OK)) {
		c->short_of->unknown++;
		choice_ask(c, name, kind);
		return NULL;
	}
	if (past) {
		c->short_of->stale++;
		choice_ask(c, name, kind);
	}
	return dns;
}

static void choice_add(struct choice *c, const struct policy_target *like, struct policy_name name,
		       const uint8_t *ip)
{
	struct policy_target *t;

	if (c->out && c->n == c->max)
		return;
	if (c->out) {
		t = &c->out[c->n];
		t->port = like->port ? like->port : 5061;
		t->priority = like->priority;
		t->weight = like->weight;
		t->tier = like->tier;
		t->insecure = like->insecure;
		memcpy(t->ip, ip, sizeof(t->ip));
		t->name_len = (uint8_t)name.len;
		memcpy(t->name, name.ptr, name.len);
		t->name[name.len] = '\0';
	}
	c->n++;
}

/* all addresses of the i-th target of an answer */
static void choice_add_target(struct choice *c, const struct policy_dns *dns, unsigned i,
			      struct policy_name name, const struct policy_target *like)
{
	const uint8_t *ip;
	unsigned before = c->n;

	for (unsigned k = 0; (ip = policy_dns_target_addr(dns, i, k)); k++)
		choice_add(c, like, name, ip);
	if (c->n == before && !(c->out && c->n == c->max))
		c->short_of->unresolved++;
}

static bool choice_wanted(struct choice *c, struct policy_name name)
{
	if (name.len == 0 || name.len > POLICY_NAME_MAX)
		return false;
	if (c->route->only.len && !policy_name_equal(c->route->only, name)) {
		c->short_of->other++;
		return false;
	}
	if (choice_from(c, name)) {
		c->short_of->looped++;
		return false;
	}
	return true;
}

static void choice_host(struct choice *c, struct policy_name host, const struct policy_target *like)
{
	const struct policy_dns *dns;

	if (!choice_wanted(c, host))
		return;
	dns = choice_dns(c, host, POLICY_DNS_HOST);
	if (!dns)
		return;
	if (dns->state != POLICY_DNS_OK || policy_dns_count(dns) == 0) {
		c->short_of->unresolved++;
		c->short_of->failed = host;
		return;
	}
	choice_add_target(c, dns, 0, host, like);
	if (!policy_dns_target_addr(dns, 0, 0))
		c->short_of->failed = host;
}

/* does the identity mode take this target of the domain's SRV? */
static bool choice_mode(const struct choice *c, const struct policy_dns *dns, struct policy_name target)
{
	if (c->route->host.len)
		return policy_name_equal(target, c->route->host);
	switch (c->route->identity_check) {
	case POLICY_IDENTITY_RFC5922:
	case POLICY_IDENTITY_PINNED:
		return true;
	case POLICY_IDENTITY_DNSSEC:
		return dns->secure != 0;
	default:
		return policy_name_equal(policy_name_parent(target), c->route->domain);
	}
}

static void choice_srv(struct choice *c, struct policy_name domain, const struct policy_target *like,
		       bool any)
{
	const struct policy_dns *dns = choice_dns(c, domain, POLICY_DNS_FEDERATION);
	struct {
		const struct policy_dns *page;
		unsigned at;
	} target[POLICY_ORDER_MAX];
	uint16_t priority[POLICY_ORDER_MAX], weight[POLICY_ORDER_MAX];
	uint8_t order[POLICY_ORDER_MAX];
	struct policy_target t = *like;
	struct policy_dns_walk walk;
	struct policy_name name;
	unsigned n = 0;

	if (!dns)
		return;
	if (dns->state != POLICY_DNS_OK) {
		c->short_of->unresolved++;
		c->short_of->failed = domain;
		return;
	}
	walk = policy_dns_walk(c->view, domain, dns);
	while (n < POLICY_ORDER_MAX && policy_dns_next(&walk, &name)) {
		target[n].page = walk.page;
		target[n].at = walk.at;
		priority[n] = walk.page->target[walk.at].priority;
		weight[n] = walk.page->target[walk.at].weight;
		order[n] = (uint8_t)n;
		n++;
	}
	if (walk.incomplete) {
		c->short_of->unknown++;
		choice_ask(c, domain, POLICY_DNS_FEDERATION);
	}
	if (c->out && n > 1)
		policy_order(priority, weight, n, choice_random(&c->random), order);
	for (unsigned k = 0; k < n; k++) {
		const struct policy_dns *page = target[order[k]].page;
		unsigned i = target[order[k]].at;

		name = policy_dns_target_name(page, i);
		if (!any && !choice_mode(c, dns, name)) {
			c->short_of->other++;
			continue;
		}
		if (!choice_wanted(c, name))
			continue;
		t.priority = page->target[i].priority;
		t.weight = page->target[i].weight;
		t.port = page->target[i].port;
		choice_add_target(c, page, i, name, &t);
	}
	if (c->short_of->unresolved)
		c->short_of->failed = domain;
}

static void choice_set(struct choice *c, const struct policy_route_set *set, uint8_t tier)
{
	uint16_t priority[POLICY_ROUTE_HOPS], weight[POLICY_ROUTE_HOPS];
	uint8_t order[POLICY_ROUTE_HOPS], index[POLICY_ROUTE_HOPS];
	struct policy_hop hop;
	unsigned n = 0;

	for (unsigned i = 0; policy_route_hop(set, i, &hop); i++) {
		if ((hop.flags & POLICY_HOP_BLOCK) || !(hop.flags & POLICY_HOP_IN_SERVICE)) {
			c->short_of->down++;
			continue;
		}
		priority[n] = hop.priority;
		weight[n] = hop.weight;
		index[n] = (uint8_t)i;
		order[n] = (uint8_t)n;
		n++;
	}
	if (c->out && n > 1)
		policy_order(priority, weight, n, choice_random(&c->random), order);
	for (unsigned k = 0; k < n && !(c->out && c->n == c->max); k++) {
		struct policy_target t = {.tier = tier};

		if (!policy_route_hop(set, index[order[k]], &hop))
			continue;
		t.port = hop.port;
		t.priority = hop.priority;
		t.weight = hop.weight;
		t.insecure = (hop.flags & POLICY_HOP_INSECURE) != 0;
		if (hop.flags & POLICY_HOP_IP) {
			if (c->route->only.len)
				c->short_of->other++;
			else
				choice_add(c, &t, (struct policy_name){"", 0}, hop.ip);
		} else if (hop.flags & POLICY_HOP_SRV) {
			choice_srv(c, policy_str_get(set, set->size, hop.host), &t, true);
		} else {
			choice_host(c, policy_str_get(set, set->size, hop.host), &t);
		}
	}
}

enum policy_set_state policy_set_state(const struct policy_route_set *set, bool *less_specific)
{
	unsigned usable = 0, blocked = 0, n = 0;
	struct policy_hop hop;

	*less_specific = true;
	for (; policy_route_hop(set, n, &hop); n++) {
		if (!(hop.flags & POLICY_HOP_LESS_SPECIFIC))
			*less_specific = false;
		if (hop.flags & POLICY_HOP_BLOCK)
			blocked++;
		else if (hop.flags & POLICY_HOP_IN_SERVICE)
			usable++;
	}
	if (n == 0)
		return POLICY_SET_EMPTY;
	if (usable)
		return POLICY_SET_USABLE;
	return blocked == n ? POLICY_SET_BLOCKED : POLICY_SET_DOWN;
}

/* the route's own set, then the shorter patterns, as far as each lets on */
static void choice_static(struct choice *c)
{
	const struct policy_route_set *set = c->route->set;
	unsigned nth = c->route->nth == UINT16_MAX ? 0 : c->route->nth + 1u;
	bool less_specific;
	uint8_t tier = 0;

	if (!set)
		return;
	policy_set_state(set, &less_specific);
	choice_set(c, set, tier);
	while (less_specific && c->route->way == POLICY_WAY_STATIC && !(set->flags & POLICY_ROUTE_ANY)) {
		set = c->view->ops->route_by_name(c->view, c->route->domain, nth++);
		if (!set || (set->flags & POLICY_ROUTE_ANY) ||
		    policy_set_state(set, &less_specific) == POLICY_SET_BLOCKED)
			return;
		choice_set(c, set, tier < UINT8_MAX ? ++tier : tier);
	}
}

static bool set_says_insecure(const struct policy_route_set *set, struct policy_name host, const uint8_t *ip,
			      uint16_t port)
{
	struct policy_hop hop;

	for (unsigned i = 0; policy_route_hop(set, i, &hop); i++) {
		if (!(hop.flags & POLICY_HOP_INSECURE) || (hop.flags & POLICY_HOP_BLOCK) ||
		    (hop.port ? hop.port : 5061) != port)
			continue;
		if (hop.flags & POLICY_HOP_IP
			    ? memcmp(hop.ip, ip, sizeof(hop.ip)) == 0
			    : policy_name_equal(policy_str_get(set, set->size, hop.host), host))
			return true;
	}
	return false;
}

bool policy_hop_is_insecure(const struct policy_view *view, struct policy_name domain,
			    const struct policy_partner *partner, struct policy_name host,
			    const uint8_t ip[16], uint16_t port)
{
	const struct policy_route_set *set = partner ? view->ops->route_set(view, partner->route_set) : NULL;

	if (set && set_says_insecure(set, host, ip, port))
		return true;
	for (unsigned nth = 0; (set = view->ops->route_by_name(view, domain, nth)); nth++)
		if (set_says_insecure(set, host, ip, port))
			return true;
	return false;
}

bool policy_any_hop_is_insecure(const struct policy_view *view, struct policy_name host, const uint8_t ip[16],
				uint16_t port)
{
	const struct policy_route_set *set;

	for (unsigned i = 0; view->ops->small_at && (set = view->ops->small_at(view, POLICY_SMALL_ROUTES, i));
	     i++)
		if (set_says_insecure(set, host, ip, port))
			return true;
	return false;
}

unsigned policy_targets(const struct policy_view *view, const struct policy_route *route,
			const struct policy_peer *from, uint64_t now_ns, uint64_t random,
			struct policy_target *out, unsigned max, struct policy_shortfall *shortfall)
{
	struct policy_dns scratch;
	struct choice c = {.view = view,
			   .route = route,
			   .from = route->way == POLICY_WAY_INSIDE ? NULL : from,
			   .now_ns = now_ns,
			   .random = random,
			   .out = out,
			   .max = max,
			   .short_of = shortfall,
			   .scratch = &scratch};
	struct policy_target like = {.port = route->port};

	memset(shortfall, 0, sizeof(*shortfall));
	switch (route->way) {
	case POLICY_WAY_INSIDE:
	case POLICY_WAY_STATIC:
		choice_static(&c);
		break;
	case POLICY_WAY_SERVER:
		choice_host(&c, route->host, &like);
		break;
	case POLICY_WAY_SRV:
		choice_srv(&c, route->domain, &like, false);
		break;
	default:
		break;
	}
	return c.n;
}

bool policy_target_is(const struct policy_target *target, const struct policy_route *route,
		      uint16_t verdict_flags, const struct policy_peer *peer,
		      const struct policy_partner *pins)
{
	struct policy_name name = {target->name, target->name_len};
	bool wildcard = (verdict_flags & POLICY_VERDICT_CERT_WILDCARD) != 0;
	unsigned n = peer->names_n < POLICY_PEER_NAMES ? peer->names_n : POLICY_PEER_NAMES;
	const uint8_t *pin;

	/* without TLS nothing is proven but where we called; a key that is pinned it is never */
	if (target->insecure)
		return peer->insecure && !(verdict_flags & POLICY_VERDICT_EXPECT_PIN);
	if (peer->revoked ||
	    !(peer->certificate || (peer->pinned_only && (verdict_flags & POLICY_VERDICT_EXPECT_PIN))))
		return false;
	if (verdict_flags & POLICY_VERDICT_EXPECT_PIN) {
		for (unsigned i = 0; pins && peer->has_spki && (pin = policy_partner_pin(pins, i)); i++)
			if (memcmp(pin, peer->spki, POLICY_SPKI_LEN) == 0)
				return true;
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!(verdict_flags & POLICY_VERDICT_EXPECT_ONLY_DOMAIN) &&
		    policy_name_presented(peer->names[i], name, wildcard))
			return true;
		if ((verdict_flags & (POLICY_VERDICT_EXPECT_DOMAIN | POLICY_VERDICT_EXPECT_ONLY_DOMAIN)) &&
		    policy_name_presented(peer->names[i], route->domain, wildcard))
			return true;
	}
	/* a hop by address is known by a peer-name of its partner */
	for (unsigned i = 0; name.len == 0 && pins && i < pins->peer_names; i++)
		for (unsigned k = 0; k < n; k++)
			if (policy_name_presented(peer->names[k], policy_partner_peer_name(pins, i),
						  wildcard))
				return true;
	return false;
}
