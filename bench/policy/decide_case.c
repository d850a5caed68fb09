/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/policy/decide_case.h"

#define NAME(text) ((struct policy_name){text, sizeof(text) - 1})
#define NO_NAME	   ((struct policy_name){"", 0})
#define NOW_NS	   UINT64_C(1000000000000)

static int case_domain(struct policy_draft *draft, struct policy_name name, uint8_t type, uint32_t partner)
{
	struct policy_domain d = {.type = type, .services = POLICY_SERVICE_ALL, .partner = partner};

	return policy_draft_domain(draft, name, &d);
}

static int case_provider(struct policy_draft *draft, struct policy_name fqdn, uint8_t kind, uint8_t flags)
{
	struct policy_provider p = {.kind = kind,
				    .flags = (uint8_t)(POLICY_PROVIDER_ENABLED | flags),
				    .verification = POLICY_VERIFY_ALWAYS,
				    .services = POLICY_SERVICE_ALL};

	return policy_draft_provider(draft, &p, fqdn, fqdn);
}

static int case_srv(struct policy_draft *draft, struct policy_name domain, struct policy_name target)
{
	static const uint8_t ip[1][16] = {{[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1}};
	struct policy_dns dns = {
		.kind = POLICY_DNS_FEDERATION, .state = POLICY_DNS_OK, .expires_ns = 2 * NOW_NS};

	policy_dns_add(&dns, target, 10, 10, 5061, ip, 1);
	return policy_draft_dns(draft, domain, &dns);
}

static bool case_policy(struct policy_draft *draft)
{
	struct policy_hop_part pool = {.hop = {.priority = 1,
					       .flags = POLICY_HOP_IN_SERVICE | POLICY_HOP_IP,
					       .ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 9}}};
	struct policy_partner_parts server = {.proxy_fqdn = NAME("edge.direct.example")};
	struct policy_partner_parts via = {.via_domain = NAME("house.example")};
	struct policy_route_set set = {.flags = POLICY_ROUTE_NAMED};
	struct policy_own_domain own = {0};
	struct policy_identity identity = {0};
	struct policy_partner fixed = {0};
	int route, face, direct, clearing, shared;

	policy_draft_box(draft)->flags |= POLICY_BOX_FEDERATION | POLICY_BOX_DISCOVERY;
	policy_draft_box(draft)->rights = (struct policy_rights){POLICY_RIGHT_ALL, POLICY_RIGHT_ALL};
	route = policy_draft_route_set(draft, &set, NO_NAME, NAME("pool"), &pool, 1);
	identity.inside_route = route > 0 ? (uint32_t)route : 0;
	face = policy_draft_identity(draft, &identity, NAME("face"), NAME("sip.ours.example"));
	own.identity = face > 0 ? (uint32_t)face : 0;
	direct = policy_draft_partner(draft, &fixed, &server);
	clearing = policy_draft_partner(draft, &fixed, &via);
	shared = case_provider(draft, NAME("fed.shared.example"), POLICY_PROVIDER_HOSTING,
			       POLICY_PROVIDER_SHARED);
	policy_draft_box(draft)->shared_provider = shared > 0 ? (uint32_t)shared : 0;
	return route > 0 && face > 0 && direct > 0 && clearing > 0 && shared > 0 &&
	       policy_draft_own_domain(draft, &own, NAME("ours.example")) == 0 &&
	       case_domain(draft, NAME("direct.example"), POLICY_DOMAIN_SERVER, (uint32_t)direct) == 0 &&
	       case_domain(draft, NAME("allowed.example"), POLICY_DOMAIN_ALLOWED, 0) == 0 &&
	       case_domain(draft, NAME("hosted.example"), POLICY_DOMAIN_ALLOWED, 0) == 0 &&
	       case_domain(draft, NAME("behind.example"), POLICY_DOMAIN_ALLOWED, (uint32_t)clearing) == 0 &&
	       case_domain(draft, NAME("blocked.example"), POLICY_DOMAIN_BLOCKED, 0) == 0 &&
	       case_provider(draft, NAME("fed.hosting.example"), POLICY_PROVIDER_HOSTING, 0) > 0 &&
	       case_provider(draft, NAME("fed.public.example"), POLICY_PROVIDER_PUBLIC, 0) > 0 &&
	       case_srv(draft, NAME("allowed.example"), NAME("sip.allowed.example")) == 0 &&
	       case_srv(draft, NAME("found.example"), NAME("sip.found.example")) == 0 &&
	       case_srv(draft, NAME("hosted.example"), NAME("fed.hosting.example")) == 0 &&
	       case_srv(draft, NAME("public.example"), NAME("fed.public.example")) == 0 &&
	       case_srv(draft, NAME("house.example"), NAME("sip.house.example")) == 0;
}

static void case_of(struct decide_case *c, const char *name, uint8_t action, uint8_t type,
		    struct policy_name domain, struct policy_name peer)
{
	*c = (struct decide_case){.name = name, .action = action, .type = type, .peer_name = peer};
	c->peer = (struct policy_peer){
		.names_n = 1, .eku = POLICY_EKU_CLIENT | POLICY_EKU_SERVER, .certificate = true};
	c->facts = (struct policy_facts){.direction = POLICY_INBOUND,
					 .message = POLICY_REQUEST,
					 .method = POLICY_METHOD_MESSAGE,
					 .service = POLICY_SERVICE_IM,
					 .from_user = NAME("alice"),
					 .from_domain = domain,
					 .to_user = NAME("bob"),
					 .to_domain = NAME("ours.example"),
					 .ruri_user = NAME("bob"),
					 .ruri_domain = NAME("ours.example"),
					 .now_ns = NOW_NS};
}

static void case_outbound(struct decide_case *c, const char *name, uint8_t type, struct policy_name domain)
{
	case_of(c, name, POLICY_ACCEPT, type, NAME("ours.example"), NAME("pool.inside.example"));
	c->peer.trusted_internal = true;
	c->facts.direction = POLICY_OUTBOUND;
	c->facts.to_domain = c->facts.ruri_domain = domain;
}

unsigned decide_cases_make(struct policy_draft *draft, struct decide_case cases[DECIDE_CASES])
{
	unsigned n = 0;

	if (!case_policy(draft))
		return 0;
	case_of(&cases[n++], "direct", POLICY_ACCEPT, POLICY_TYPE_DIRECT, NAME("direct.example"),
		NAME("edge.direct.example"));
	case_of(&cases[n++], "allowed", POLICY_ACCEPT, POLICY_TYPE_ALLOWED, NAME("allowed.example"),
		NAME("sip.allowed.example"));
	case_of(&cases[n++], "discovered", POLICY_ACCEPT, POLICY_TYPE_DISCOVERED, NAME("found.example"),
		NAME("sip.found.example"));
	case_of(&cases[n++], "hosting", POLICY_ACCEPT, POLICY_TYPE_HOSTING, NAME("hosted.example"),
		NAME("fed.hosting.example"));
	case_of(&cases[n++], "public", POLICY_ACCEPT, POLICY_TYPE_PUBLIC, NAME("public.example"),
		NAME("fed.public.example"));
	case_of(&cases[n++], "clearing", POLICY_ACCEPT, POLICY_TYPE_CLEARING, NAME("behind.example"),
		NAME("sip.house.example"));
	case_of(&cases[n++], "shared", POLICY_ACCEPT, POLICY_TYPE_SHARED, NAME("ours.example"),
		NAME("fed.shared.example"));
	case_of(&cases[n++], "blocked", POLICY_REFUSE, POLICY_TYPE_NONE, NAME("blocked.example"),
		NAME("sip.blocked.example"));
	case_of(&cases[n++], "forged", POLICY_REFUSE, POLICY_TYPE_NONE, NAME("allowed.example"),
		NAME("sip.found.example"));
	case_of(&cases[n], "dialog", POLICY_ACCEPT, POLICY_TYPE_ALLOWED, NAME("allowed.example"),
		NAME("sip.allowed.example"));
	cases[n].facts.message = POLICY_IN_DIALOG;
	cases[n].facts.route = POLICY_ROUTE_OURS;
	cases[n].stored = (struct policy_stored){.type = POLICY_TYPE_ALLOWED,
						 .domain = NAME("allowed.example"),
						 .identity = NAME("sip.allowed.example")};
	n++;
	case_outbound(&cases[n++], "outbound", POLICY_TYPE_ALLOWED, NAME("allowed.example"));
	case_outbound(&cases[n++], "outbound-hosting", POLICY_TYPE_HOSTING, NAME("hosted.example"));
	/* the cases lie where the caller put them: only now do their parts point at each other */
	for (unsigned i = 0; i < n; i++) {
		cases[i].peer.names = &cases[i].peer_name;
		cases[i].facts.peer = &cases[i].peer;
		if (cases[i].facts.message != POLICY_REQUEST)
			cases[i].facts.stored = &cases[i].stored;
	}
	return n;
}

uint64_t decide_case_run(const struct policy_view *view, const struct decide_case *c, uint64_t n)
{
	const struct policy_facts *facts[POLICY_BURST];
	struct policy_verdict verdicts[POLICY_BURST];
	uint64_t wrong = 0;

	for (unsigned i = 0; i < POLICY_BURST; i++)
		facts[i] = &c->facts;
	for (uint64_t done = 0; done < n; done += POLICY_BURST) {
		unsigned part = n - done < POLICY_BURST ? (unsigned)(n - done) : POLICY_BURST;

		policy_decide_burst(view, facts, part, verdicts);
		for (unsigned i = 0; i < part; i++)
			wrong += verdicts[i].action != c->action ||
				 (c->action == POLICY_ACCEPT && verdicts[i].type != c->type);
	}
	return wrong;
}
