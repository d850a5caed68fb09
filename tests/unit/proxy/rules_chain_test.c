/* SPDX-License-Identifier: BSD-3-Clause */
/* From bytes to the answer: a message as a peer writes it, the facts that are read from it, what decide()
 * says, and what goes out: section 1.2 on the wire. */
#include "dataplane/proxy/facts_from.h"
#include "dataplane/proxy/header_rules.h"
#include "dataplane/proxy/refusal.h"
#include "dataplane/proxy/via_branch.h"
#include "tests/unit/policy/world.h"
#include "tests/unit/proxy/rules_fixture.h"

static struct rules_message t;
static struct route_keys keys;
static struct via_key via;
static struct route_found route;
static struct facts_from made;
static struct policy_verdict verdict;
static const struct policy_name ours[] = {N("sip.ours.com"), N("edge.inside.ours.com")};

#define VIA  "Via: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\nMax-Forwards: 9\r\nCall-ID: c@h\r\n"
#define POOL "; allow contoso.com; srv contoso.com sip.contoso.com=203.0.113.5"

/* one peer with one name */
static struct policy_peer peer_of(const char *name, uint8_t direction)
{
	static struct policy_name one;

	one = policy_name_of(name);
	return (struct policy_peer){.names = &one,
				    .names_n = 1,
				    .eku = POLICY_EKU_CLIENT | POLICY_EKU_SERVER,
				    .certificate = true,
				    .trusted_internal = direction == POLICY_OUTBOUND};
}

static void judged(const struct world *w, uint8_t direction, const char *peer_name, const char *head,
		   const char *body, char text[200])
{
	static struct policy_peer peer;
	struct route_self self = {.names = ours, .names_n = 2, .side = direction, .now_s = 100};
	struct facts_in in = {.direction = direction, .peer = &peer, .route = &route, .now_ns = WORLD_NOW_NS};
	struct via_scan scan;
	enum policy_reason why;

	peer = peer_of(peer_name, direction);
	rules_read(&t, head, body);
	in.m = t.m;
	in.core = &t.core;
	route_read(&keys, &self, t.m, &t.core, &route);
	via_scan(&via, t.m, via_loop_hash(&via, t.m, &t.core), &scan);
	in.shared_hop = scan.shared;
	why = facts_from_message(&in, &made);
	if (why == POLICY_REASON_ACCEPTED) {
		policy_decide(w->view, &made.facts, &verdict, NULL);
	} else {
		verdict = (struct policy_verdict){.action = POLICY_REFUSE, .reason = (uint8_t)why};
	}
	verdict_print(&verdict, text, 200);
}

struct row {
	const char *name, *world;
	uint8_t direction;
	const char *peer, *head, *body, *want;
	const char *sent; /* must stand in what leaves, or in the refusal toward the inside */
};

static const char *leaves(const struct row *row)
{
	static char scratch[8192], out[REFUSAL_MAX + 1];
	struct header_rules rules = {.edge = ours[0],
				     .arrived = row->direction,
				     .leaves_external = row->direction == POLICY_OUTBOUND,
				     .verdict = &verdict,
				     .max_forwards = t.core.max_forwards};
	struct refusal refusal = {.side = POLICY_OUTBOUND, .edge = ours[0], .verdict = &verdict};
	struct sip_edit e;
	int n;

	if (verdict.action == POLICY_ACCEPT) {
		sip_edit_init(&e, t.m, scratch, sizeof(scratch));
		assert_int_equal(route_edit(&e, &t.core, &route), 0);
		assert_int_equal(header_rules_apply(&e, &rules), 0);
		return rules_emit(&e);
	}
	n = refusal_build(t.m, &refusal, out, REFUSAL_MAX);
	assert_true(n >= 0);
	out[n] = '\0';
	return out;
}

#define IN(method, from, to)                                                              \
	method " sip:" to " SIP/2.0\r\n" VIA "From: <sip:" from ">;tag=f\r\nTo: <sip:" to \
	       ">\r\nCSeq: 1 " method "\r\n"

static const struct row rows[] = {
	{"allowed", POOL, POLICY_INBOUND, "sip.contoso.com", IN("MESSAGE", "a@contoso.com", "b@ours.com"), "",
	 "accept allowed unverified",
	 "ms-source-type=AutoFederation;ms-ep-fqdn=sip.ours.com;ms-source-verified-user=unverified"},
	{"case is no way around a block", "; block contoso.com", POLICY_INBOUND, "sip.contoso.com",
	 IN("MESSAGE", "a@CONTOSO.Com.", "b@OURS.com"), "", "refuse 403/1027 BLOCKED",
	 "ms-diagnostics: 1027;"},
	{"the mark of the partner counts", POOL, POLICY_INBOUND, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com",
	    "b@ours.com") "ms-asserted-verification-level: ms-source-verified-user=verified\r\n",
	 "", "accept allowed verified", "ms-source-verified-user=verified;"},
	{"not the trust header of an outsider", POOL, POLICY_INBOUND, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com",
	    "b@ours.com") "ms-edge-proxy-message-trust: ms-source-verified-user=verified\r\n",
	 "", "accept allowed unverified", "ms-source-verified-user=unverified;"},
	{"another's certificate", POOL, POLICY_INBOUND, "sip.evil.test",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com"), "", "refuse 504/1010 TARGET_NAME",
	 "tls-target=\"sip.contoso.com\";PeerServer=\"sip.evil.test\""},
	{"REGISTER", POOL, POLICY_INBOUND, "sip.contoso.com", IN("REGISTER", "a@contoso.com", "b@ours.com"),
	 "", "refuse 403/1027 METHOD", "SIP/2.0 403 "},
	{"RCC", POOL, POLICY_INBOUND, "sip.contoso.com",
	 IN("INVITE", "a@contoso.com", "b@ours.com") "c: Application/CSTA+xml\r\n", "<x/>",
	 "refuse 403/1027 RCC", "sallyport=217"},
	{"RCC out", POOL, POLICY_OUTBOUND, "pool",
	 IN("INFO", "b@ours.com", "a@contoso.com") "c: application/csta+xml\r\n", "<x/>",
	 "refuse 403/1027 RCC", "sallyport=217"},
	{"foreign Route", POOL, POLICY_INBOUND, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com") "Route: <sip:evil.test;lr>\r\n", "",
	 "refuse 504/1007 ROUTE_FOREIGN", "ms-diagnostics: 1007;"},
	{"ms-edge-route from outside", POOL, POLICY_INBOUND, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com") "Route: <sip:edge.x.test;lr>;ms-edge-route\r\n", "",
	 "refuse 504/1007 ROUTE_FOREIGN", "ms-diagnostics: 1007;"},
	{"our bare name as a Route", POOL, POLICY_INBOUND, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com") "Route: <sip:sip.ours.com:5061;lr>\r\n", "",
	 "accept allowed unverified", "CSeq: 1 MESSAGE\r\nContent-Length"},
	{"no Route in a dialog", POOL, POLICY_INBOUND, "sip.contoso.com",
	 "BYE sip:b@ours.com SIP/2.0\r\n" VIA
	 "From: <sip:a@contoso.com>;tag=f\r\nTo: <sip:b@ours.com>;tag=t\r\nCSeq: 1 BYE\r\n",
	 "", "refuse 481/1004 ROUTE_MISSING", "SIP/2.0 481 "},
	{"not ours", POOL, POLICY_INBOUND, "sip.contoso.com", IN("MESSAGE", "a@contoso.com", "b@else.test"),
	 "", "refuse 404/1005 NOT_OUR_DOMAIN", "ms-diagnostics: 1005;"},
	{"address instead of a domain", POOL, POLICY_INBOUND, "sip.contoso.com",
	 IN("MESSAGE", "a@203.0.113.5", "b@ours.com"), "", "refuse 403/1027 FROM_INVALID", "sallyport=206"},
	{"from ourselves, from outside", POOL, POLICY_INBOUND, "sip.contoso.com",
	 IN("MESSAGE", "a@ours.com", "b@ours.com"), "", "refuse 403/1017 FROM_OURS", "ms-diagnostics: 1017;"},
	{"closed service", "; allow contoso.com services=im; srv contoso.com sip.contoso.com=203.0.113.5",
	 POLICY_INBOUND, "sip.contoso.com",
	 IN("INVITE", "a@contoso.com", "b@ours.com") "c: application/sdp\r\n",
	 "v=0\r\nm=message 1 x\r\nm=audio 1 x\r\n", "refuse 403/1027 SERVICE", "sallyport=215"},
	{"open service", "; allow contoso.com services=im; srv contoso.com sip.contoso.com=203.0.113.5",
	 POLICY_INBOUND, "sip.contoso.com",
	 IN("INVITE", "a@contoso.com", "b@ours.com") "c: application/sdp\r\n", "v=0\r\nm=message 1 x\r\n",
	 "accept allowed unverified", "m=message 1 x"},
	{"a user without the right, spelt otherwise", POOL "; user bob@ours.com rights=-federation,-public",
	 POLICY_INBOUND, "sip.contoso.com", IN("MESSAGE", "a@contoso.com", "B%6fB;x=y@ours.com"), "",
	 "refuse 403/1002 USER_FEDERATION", "ms-diagnostics: 1002;"},
	{"asserted identity of another",
	 "; allow contoso.com pai; srv contoso.com sip.contoso.com=203.0.113.5", POLICY_INBOUND,
	 "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com") "P-Asserted-Identity: <sip:a@evil.test>\r\n", "",
	 "refuse 403/1027 PAI", "sallyport=213"},
	{"own asserted identity", "; allow contoso.com pai; srv contoso.com sip.contoso.com=203.0.113.5",
	 POLICY_INBOUND, "sip.contoso.com",
	 IN("MESSAGE", "a@contoso.com", "b@ours.com") "P-Asserted-Identity: <sip:a@contoso.com>\r\n", "",
	 "accept allowed unverified", "P-Asserted-Identity: <sip:a@contoso.com>\r\n"},
	{"out", POOL, POLICY_OUTBOUND, "pool", IN("MESSAGE", "b@ours.com", "a@contoso.com"), "",
	 "accept allowed", "Max-Forwards: 8\r\n"},
	{"the home server denies", POOL, POLICY_OUTBOUND, "pool",
	 IN("MESSAGE", "b@ours.com", "a@contoso.com") "SALLYPORT-rights : no-federation, no-public\r\n", "",
	 "refuse 403/1002 USER_FEDERATION", "ms-diagnostics: 1002;"},
	{"the home server names the next hop", POOL, POLICY_OUTBOUND, "pool",
	 IN("MESSAGE", "b@ours.com", "a@contoso.com") "Route: "
						      "<sip:edge.inside.ours.com;lr>,<sip:sip.contoso.com;"
						      "transport=tls;lr>;ms-edge-route\r\n",
	 "", "accept allowed", "CSeq: 1 MESSAGE\r\nContent-Length"},
	{"… one that the rules do not give", POOL, POLICY_OUTBOUND, "pool",
	 IN("MESSAGE", "b@ours.com", "a@contoso.com") "Route: <sip:evil.test;lr>;ms-edge-route\r\n", "",
	 "refuse 504/1007 EDGE_ROUTE", "ms-diagnostics: 1007;"},
};

static void table(void **state)
{
	char text[200], world[1000];
	struct world w;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		snprintf(world, sizeof(world), "%s%s", world_base, r->world);
		world_open(&w, world);
		judged(&w, r->direction, r->peer, r->head, r->body, text);
		if (strcmp(text, r->want) != 0)
			fail_msg("%s: %s, not %s", r->name, text, r->want);
		if (!strstr(leaves(r), r->sent))
			fail_msg("%s: '%s' is not in\n%s", r->name, r->sent, leaves(r));
		world_close(&w);
	}
}

/* ---- a dialog, from its first request on ---- */

static void routes_of(const char *rr, bool reversed, char *out, size_t size)
{
	const char *first = strchr(rr, '<'), *line = strstr(rr, "\r\n"), *second = strchr(line, '<');

	if (reversed)
		snprintf(out, size, "Route: %s\r\nRoute: %.*s\r\n", second, (int)(line - first), first);
	else
		snprintf(out, size, "Route: %.*s\r\nRoute: %s\r\n", (int)(line - first), first, second);
}

static void next(const struct world *w, const char *peer, const char *method, const char *routes,
		 const char *want)
{
	char head[9000], text[200];

	snprintf(head, sizeof(head),
		 "%s sip:b@10.0.0.9 SIP/2.0\r\n" VIA
		 "From: <sip:a@contoso.com>;tag=f\r\nTo: <sip:b@ours.com>;tag=t\r\nCSeq: 2 %s\r\n%s",
		 method, method, routes);
	judged(w, POLICY_INBOUND, peer, head, "", text);
	if (strcmp(text, want) != 0)
		fail_msg("%s of %s: %s, not %s", method, peer, text, want);
}

static void dialog(void **state)
{
	char rr[4000], routes[8000], world[1000], text[200];
	struct route_entry came, went;
	struct route_dialog d;
	struct policy_peer peer;
	struct world w;
	int n;

	snprintf(world, sizeof(world), "%s" POOL "; allow evil.test", world_base);
	world_open(&w, world);
	judged(&w, POLICY_INBOUND, "sip.contoso.com", IN("INVITE", "a@contoso.com", "b@ours.com"), "", text);
	assert_string_equal(text, "accept allowed unverified");
	peer = peer_of("sip.contoso.com", POLICY_INBOUND);
	route_entry_from(&came, POLICY_INBOUND, true, &verdict, &peer);
	route_entry_from(&went, POLICY_OUTBOUND, true, &verdict, &peer);
	d = route_dialog_of(t.m, &t.core);
	n = route_mint_pair(&keys, &went, (struct route_face){ours[1], 5061, false}, &came,
			    (struct route_face){ours[0], 5061, false}, &d, false, rr, sizeof(rr));
	assert_true(n > 0 && (size_t)n < sizeof(rr));
	rr[n] = '\0';
	routes_of(rr, true, routes, sizeof(routes));
	next(&w, "sip.contoso.com", "INVITE", routes, "accept allowed unverified");
	/* another partner, allowed himself, in this dialog */
	next(&w, "sip.evil.test", "INVITE", routes, "refuse 504/1007 DIALOG_PEER");
	/* only the inner entry */
	routes_of(rr, false, routes, sizeof(routes));
	next(&w, "sip.contoso.com", "INVITE", routes, "refuse 504/1007 ROUTE_FOREIGN");
	/* a block cuts it; its BYE passes */
	routes_of(rr, true, routes, sizeof(routes));
	world_add(&w, "hard contoso.com");
	next(&w, "sip.contoso.com", "INVITE", routes, "refuse 403/1027 HARD_BLOCKED");
	next(&w, "sip.contoso.com", "INFO", routes, "refuse 403/1027 HARD_BLOCKED");
	next(&w, "sip.contoso.com", "ACK", routes, "drop HARD_BLOCKED");
	next(&w, "sip.contoso.com", "BYE", routes, "accept allowed unverified");
	next(&w, "sip.evil.test", "BYE", routes, "refuse 504/1007 DIALOG_PEER");
	world_close(&w);
}

/* A dialog that began inside, with a next hop whose certificate has a wildcard: the partner's requests in it
 * are known by the same certificate. */
static void outgoing(void **state)
{
	char rr[4000], routes[8000], world[1000], text[200];
	struct policy_target targets[4];
	struct policy_shortfall shortfall;
	struct route_entry came, went;
	struct policy_stored stored;
	struct policy_peer peer;
	struct route_dialog d;
	struct world w;
	int n;

	snprintf(world, sizeof(world),
		 "%s; allow contoso.com wildcard; srv contoso.com sip.contoso.com=203.0.113.5", world_base);
	world_open(&w, world);
	judged(&w, POLICY_OUTBOUND, "pool", IN("INVITE", "b@ours.com", "a@contoso.com"), "", text);
	assert_string_equal(text, "accept allowed");
	assert_int_equal(policy_targets(w.view, &verdict.route, made.facts.peer, WORLD_NOW_NS, 1, targets, 4,
					&shortfall),
			 1);
	peer = peer_of("*.contoso.com", POLICY_INBOUND);
	assert_true(policy_target_is(&targets[0], &verdict.route, verdict.flags, &peer, NULL));
	route_stored_next(&verdict, verdict.domain, &targets[0], &peer, NULL, &stored);
	rules_name(stored.identity, "*.contoso.com");
	route_entry_stored(&went, POLICY_INBOUND, false, &stored);
	route_entry_stored(&came, POLICY_OUTBOUND, false, &stored);
	d = route_dialog_of(t.m, &t.core);
	n = route_mint_pair(&keys, &went, (struct route_face){ours[0], 5061, false}, &came,
			    (struct route_face){ours[1], 5061, false}, &d, false, rr, sizeof(rr));
	assert_true(n > 0 && (size_t)n < sizeof(rr));
	rr[n] = '\0';
	/* the callee's route set is in the order of Record-Route; he is From now, the caller's tag is in To
	 */
	{
		char head[9000];

		routes_of(rr, false, routes, sizeof(routes));
		snprintf(head, sizeof(head),
			 "BYE sip:b@10.0.0.9 SIP/2.0\r\n" VIA
			 "From: <sip:a@contoso.com>;tag=t\r\nTo: <sip:b@ours.com>;tag=f\r\nCSeq: 2 BYE\r\n%s",
			 routes);
		judged(&w, POLICY_INBOUND, "*.contoso.com", head, "", text);
		assert_string_equal(text, "accept allowed unverified");
		judged(&w, POLICY_INBOUND, "sip.evil.test", head, "", text);
		assert_string_equal(text, "refuse 504/1007 DIALOG_PEER");
	}
	world_close(&w);
}

/* the shared address space is crossed once: our own Via tells */
static void shared(void **state)
{
	char head[3000], line[300], world[1000], text[200];
	struct via_branch b = {.flags = VIA_BRANCH_SHARED, .loop = 1};
	struct world w;
	int n = via_line(&via, &b, ours[0], 5061, true, false, line, sizeof(line));

	assert_true(n > 0);
	snprintf(world, sizeof(world), "%s; hosting cloud.test shared; own split.com shared=cloud.test",
		 world_base);
	world_open(&w, world);
	judged(&w, POLICY_INBOUND, "cloud.test", IN("MESSAGE", "a@split.com", "b@split.com"), "", text);
	assert_memory_equal(text, "accept shared", 13);
	assert_true(verdict.flags & POLICY_VERDICT_SHARED_HOP);
	snprintf(head, sizeof(head), "%s%.*s\r\n", IN("MESSAGE", "a@split.com", "b@split.com"), n, line);
	judged(&w, POLICY_INBOUND, "cloud.test", head, "", text);
	assert_string_equal(text, "refuse 403/1017 SHARED_TWICE");
	world_close(&w);
}

static int close_all(void **state)
{
	rules_free(&t);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(dialog),
		cmocka_unit_test(outgoing),
		cmocka_unit_test(shared),
	};
	static const uint8_t secret[ROUTE_SLOTS][ROUTE_SECRET_LEN] = {{1}, {2}, {3}};

	route_keys_load(&keys, secret);
	via_key_load(&via, (const uint8_t *)"sixteen bytes ok", 1);
	return cmocka_run_group_tests(tests, NULL, close_all);
}
