/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/route_sign.h"

#include <errno.h>

#include "dataplane/base/rng.h"
#include "dataplane/proxy/route_entry.h"
#include "tests/unit/proxy/rules_fixture.h"

static struct rules_message t;
static struct route_keys keys;
static uint8_t secret[ROUTE_SLOTS][ROUTE_SECRET_LEN];
static struct route_found found;
static const struct policy_name ours[] = {N("sip.ours.com"), N("edge.inside.ours.com")};
static struct base_addr own_ip;

static struct route_self self_of(enum policy_direction side)
{
	return (struct route_self){.names = ours,
				   .names_n = 2,
				   .side = (uint8_t)side,
				   .own_identity = side == POLICY_INBOUND ? 7 : 0,
				   .now_s = 1000000,
				   .addrs = &own_ip,
				   .addrs_n = 1};
}

static void keys_new(void)
{
	struct base_rng r;

	base_rng_seed(&r, 1);
	for (unsigned i = 0; i < sizeof(secret); i++)
		((uint8_t *)secret)[i] = (uint8_t)base_rng_next(&r);
	route_keys_load(&keys, (const uint8_t(*)[ROUTE_SECRET_LEN])secret);
	own_ip = base_addr_v4("\xc0\x00\x02\x01");
}

static const struct policy_stored partner = {
	.type = POLICY_TYPE_ALLOWED, .domain = {"fabrikam.test", 13}, .identity = {"sip.fabrikam.test", 17}};

#define RR_MAX 3000

/* what a call from outside with this Call-ID and From tag gets */
static void minted(char rr[RR_MAX], const char *call_id, const char *tag, bool from_out)
{
	struct route_entry out, in;
	struct route_dialog d = {policy_name_of(call_id), policy_name_of(tag)};
	struct route_face external = {ours[0], 5061, false}, internal = {ours[1], 5061, false};
	int n;

	route_entry_stored(&out, POLICY_INBOUND, from_out, &partner);
	out.own_identity = 7;
	out.minted_s = 1000000;
	in = out;
	route_entry_stored(&in, POLICY_OUTBOUND, from_out, &partner);
	in.own_identity = 7;
	in.minted_s = 1000000;
	if (from_out)
		n = route_mint_pair(&keys, &in, internal, &out, external, &d, false, rr, RR_MAX);
	else
		n = route_mint_pair(&keys, &out, external, &in, internal, &d, false, rr, RR_MAX);
	assert_in_range(n, 100, RR_MAX - 1);
	rr[n] = '\0';
}

/* the two entries of "Record-Route: <a>\r\nRecord-Route: <b>" */
static void halves(const char *rr, char a[RR_MAX], char b[RR_MAX])
{
	const char *p = strchr(rr, '<'), *line = strstr(rr, "\r\nRecord-Route: <");

	snprintf(a, RR_MAX, "%.*s", (int)(line - p), p);
	snprintf(b, RR_MAX, "%s", strchr(line, '<'));
}

#define TAGGED "To: <sip:u@ours.com>;tag=callee\r\n"
#define FRESH  "To: <sip:u@ours.com>\r\n"

static void request(const char *uri, const char *routes, const char *from_tag, const char *to,
		    const char *call_id)
{
	char head[20000];

	snprintf(head, sizeof(head),
		 "BYE %s SIP/2.0\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\n%sFrom: "
		 "<sip:p@fabrikam.test>;tag=%s\r\n%sCall-ID: %s\r\nCSeq: 2 BYE\r\nMax-Forwards: 9\r\n",
		 uri, routes, from_tag, to, call_id);
	rules_read(&t, head, "");
}

static uint8_t read_as(enum policy_direction side)
{
	struct route_self self = self_of(side);

	memset(&found, 0xee, sizeof(found));
	route_read(&keys, &self, t.m, &t.core, &found);
	return found.state;
}

static uint8_t in_dialog(enum policy_direction side, const char *routes, const char *from_tag,
			 const char *to_tag, const char *call_id)
{
	char to[200];

	snprintf(to, sizeof(to), "To: <sip:u@ours.com>;tag=%s\r\n", to_tag);
	request("sip:10.0.0.1:5061", routes, from_tag, to, call_id);
	return read_as(side);
}

/* RFC 5658: both entries, the one of the leaving side on top; each direction finds its own first */
static void pair(void **state)
{
	char rr[RR_MAX], a[RR_MAX], b[RR_MAX], routes[5 * RR_MAX];

	minted(rr, "c1@h", "caller", true);
	halves(rr, a, b);
	assert_non_null(strstr(a, "@edge.inside.ours.com:5061;transport=tls;lr>"));
	assert_non_null(strstr(b, "@sip.ours.com:5061;transport=tls;lr>"));
	/* the caller's route set is reversed: external on top */
	snprintf(routes, sizeof(routes), "Route: %s, %s\r\nRoute: <sip:pool.ours.com;lr>\r\n", b, a);
	assert_int_equal(in_dialog(POLICY_INBOUND, routes, "caller", "callee", "c1@h"), POLICY_ROUTE_OURS);
	assert_true(found.has_entry && found.has_far && !found.strict);
	assert_int_equal(found.pops, 2);
	assert_int_equal(found.left, 1);
	assert_true(found.next_lr);
	sip_fixture_view(t.m, found.next.host.text, "pool.ours.com");
	assert_int_equal(found.entry.stored.type, POLICY_TYPE_ALLOWED);
	rules_name(found.entry.stored.domain, "fabrikam.test");
	rules_name(found.entry.stored.identity, "sip.fabrikam.test");
	assert_int_equal(found.entry.side, POLICY_INBOUND);
	assert_int_equal(found.far.side, POLICY_OUTBOUND);
	/* the callee's, inside: From and To are exchanged */
	snprintf(routes, sizeof(routes), "Route: %s\r\nRoute: %s\r\nRoute: <sip:sip.fabrikam.test;lr>\r\n", a,
		 b);
	assert_int_equal(in_dialog(POLICY_OUTBOUND, routes, "callee", "caller", "c1@h"), POLICY_ROUTE_OURS);
	assert_int_equal(found.pops, 2);
	assert_int_equal(found.left, 1);
}

/* what is not of this dialog, side, identity or key is refused, and why */
static void replay(void **state)
{
	char rr[RR_MAX], a[RR_MAX], b[RR_MAX], route[RR_MAX + 20], turned[RR_MAX + 20];
	uint8_t other[ROUTE_SLOTS][ROUTE_SECRET_LEN];
	struct route_self self = self_of(POLICY_INBOUND);

	minted(rr, "c1@h", "caller", true);
	halves(rr, a, b);
	snprintf(route, sizeof(route), "Route: %s\r\n", b);
	assert_int_equal(in_dialog(POLICY_INBOUND, route, "caller", "callee", "c1@h"), POLICY_ROUTE_OURS);
	assert_false(found.has_far);
	assert_int_equal(in_dialog(POLICY_INBOUND, route, "caller", "callee", "c2@h"), POLICY_ROUTE_STALE);
	assert_int_equal(in_dialog(POLICY_INBOUND, route, "caller", "callee", "C1@h"), POLICY_ROUTE_STALE);
	assert_int_equal(in_dialog(POLICY_INBOUND, route, "other", "callee", "c1@h"), POLICY_ROUTE_STALE);
	/* the wrong side of the right entry */
	assert_int_equal(in_dialog(POLICY_OUTBOUND, route, "callee", "caller", "c1@h"), POLICY_ROUTE_FOREIGN);
	snprintf(route, sizeof(route), "Route: %s\r\n", a);
	assert_int_equal(in_dialog(POLICY_INBOUND, route, "caller", "callee", "c1@h"), POLICY_ROUTE_FOREIGN);
	/* another face of ours */
	snprintf(route, sizeof(route), "Route: %s\r\n", b);
	in_dialog(POLICY_INBOUND, route, "caller", "callee", "c1@h");
	self.own_identity = 8;
	route_read(&keys, &self, t.m, &t.core, &found);
	assert_int_equal(found.state, POLICY_ROUTE_FOREIGN);
	/* rotation: next → current → previous; then gone */
	memcpy(other, secret, sizeof(other));
	memcpy(other[ROUTE_SLOT_PREVIOUS], secret[ROUTE_SLOT_CURRENT], ROUTE_SECRET_LEN);
	memcpy(other[ROUTE_SLOT_CURRENT], secret[ROUTE_SLOT_NEXT], ROUTE_SECRET_LEN);
	memset(other[ROUTE_SLOT_NEXT], 5, ROUTE_SECRET_LEN);
	route_keys_load(&keys, (const uint8_t(*)[ROUTE_SECRET_LEN])other);
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_OURS);
	memset(other[ROUTE_SLOT_PREVIOUS], 0, ROUTE_SECRET_LEN);
	route_keys_load(&keys, (const uint8_t(*)[ROUTE_SECRET_LEN])other);
	assert_false(keys.key[ROUTE_SLOT_PREVIOUS].there);
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_STALE);
	keys_new();
	/* age */
	keys.max_age_s = 3600;
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_OURS);
	self = self_of(POLICY_INBOUND);
	self.now_s += 3601;
	route_read(&keys, &self, t.m, &t.core, &found);
	assert_int_equal(found.state, POLICY_ROUTE_STALE);
	self.now_s -= 7000; /* minted by a clock ahead of ours */
	route_read(&keys, &self, t.m, &t.core, &found);
	assert_int_equal(found.state, POLICY_ROUTE_OURS);
	keys.max_age_s = 0;
	/* every single character counts */
	for (char *p = strstr(b, "sp1.") + 4; *p != '@'; p++) {
		char was = *p;

		*p = was == 'A' ? 'B' : 'A';
		snprintf(turned, sizeof(turned), "Route: %s\r\n", b);
		assert_int_equal(in_dialog(POLICY_INBOUND, turned, "caller", "callee", "c1@h"),
				 POLICY_ROUTE_STALE);
		*p = was;
	}
}

/* Routes that are not ours, or only our name; ms-edge-route */
static void others(void **state)
{
	request("sip:u@ours.com", "", "x", FRESH, "c");
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_NONE);
	assert_int_equal(found.pops + found.left, 0);
	request("sip:u@ours.com", "Route: <sip:evil.test;lr>\r\n", "x", FRESH, "c");
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_FOREIGN);
	request("sip:u@ours.com", "Route: <sip:evil.test;lr>\r\n", "x", TAGGED, "c");
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_FOREIGN);
	/* our bare name, by name in any case, by address; then somebody else */
	request("sip:u@ours.com", "Route: <sip:SIP.Ours.com.:5061;lr>,<sip:192.0.2.1;lr>\r\n", "x", FRESH,
		"c");
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_NONE);
	assert_int_equal(found.pops, 2);
	assert_int_equal(found.left, 0);
	assert_false(found.has_entry);
	request("sip:u@ours.com", "Route: <sip:sip.ours.com;lr>, <sip:evil.test;lr>\r\n", "x", FRESH, "c");
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_FOREIGN);
	/* another box of this make: its entry is none of ours; under our name it would have to verify */
	request("sip:u@ours.com", "Route: <sip:sp1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@other.test;lr>\r\n", "x",
		FRESH, "c");
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_FOREIGN);
	request("sip:u@ours.com", "Route: <sip:sp1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@sip.ours.com;lr>\r\n",
		"x", FRESH, "c");
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_STALE);
	request("sip:u@fabrikam.test",
		"Route: <sip:edge.inside.ours.com;lr>\r\n"
		"Route: <sip:AccessEdge.fabrikam.test;transport=tls;lr>;ms-edge-route\r\n",
		"x", "To: <sip:u@fabrikam.test>\r\n", "c");
	assert_int_equal(read_as(POLICY_OUTBOUND), POLICY_ROUTE_EDGE);
	rules_name(found.edge, "accessedge.fabrikam.test");
	assert_int_equal(found.pops, 2);
	assert_false(found.has_entry);
	request("sip:u@fabrikam.test", "Route: <sip:10.1.1.1;lr>;ms-edge-route\r\n", "x", FRESH, "c");
	assert_int_equal(read_as(POLICY_OUTBOUND), POLICY_ROUTE_FOREIGN);
}

/* in a dialog the edge's Route belongs to the route set: behind ours, not popped */
static void edge_in_dialog(void **state)
{
	char rr[RR_MAX], a[RR_MAX], b[RR_MAX], routes[5 * RR_MAX];

	minted(rr, "c1@h", "caller", false);
	halves(rr, a, b);
	snprintf(routes, sizeof(routes),
		 "Route: %s,%s,<sip:sip.fabrikam.test;lr>;ms-edge-route,<sip:x.test;lr>\r\n", b, a);
	assert_int_equal(in_dialog(POLICY_OUTBOUND, routes, "caller", "callee", "c1@h"), POLICY_ROUTE_EDGE);
	assert_true(found.has_entry && found.has_far);
	assert_int_equal(found.pops, 2);
	assert_int_equal(found.left, 2);
	sip_fixture_view(t.m, found.next.host.text, "sip.fabrikam.test");
}

static void edited(const char *want)
{
	static char scratch[8192];
	struct sip_edit e;

	sip_edit_init(&e, t.m, scratch, sizeof(scratch));
	assert_int_equal(route_edit(&e, &t.core, &found), 0);
	if (!strstr(rules_emit(&e), want))
		fail_msg("'%s' is not in %s", want, rules_emit(&e));
}

/* RFC 3261 section 16.4: a strict router put our entry into the Request-URI */
static void strict(void **state)
{
	char rr[RR_MAX], a[RR_MAX], b[RR_MAX], uri[RR_MAX], routes[5 * RR_MAX];

	minted(rr, "c1@h", "caller", true);
	halves(rr, a, b);
	snprintf(uri, sizeof(uri), "%.*s", (int)strlen(b) - 2, b + 1);
	snprintf(routes, sizeof(routes), "Route: %s, <sip:pool.ours.com>,<sip:u@10.0.0.9;x=y>\r\n", a);
	request(uri, routes, "caller", TAGGED, "c1@h");
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_OURS);
	assert_true(found.strict && found.has_entry && found.has_far);
	assert_int_equal(found.pops, 1);
	assert_int_equal(found.left, 1);
	assert_false(found.next_lr);
	sip_fixture_view(t.m, found.target.all, "sip:u@10.0.0.9;x=y");
	edited("BYE sip:u@10.0.0.9;x=y SIP/2.0\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\n"
	       "Route: <sip:pool.ours.com>\r\nFrom");
	/* each in a field of its own */
	snprintf(routes, sizeof(routes), "Route: %s\r\nRoute: <sip:pool.ours.com>\r\nRoute: <sip:u@h>\r\n",
		 a);
	request(uri, routes, "caller", TAGGED, "c1@h");
	read_as(POLICY_INBOUND);
	edited("BYE sip:u@h SIP/2.0\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\n"
	       "Route: <sip:pool.ours.com>\r\nFrom");
	/* nothing but the target is left */
	snprintf(routes, sizeof(routes), "Route: %s, <sip:u@h>\r\n", a);
	request(uri, routes, "caller", TAGGED, "c1@h");
	read_as(POLICY_INBOUND);
	assert_int_equal(found.left, 0);
	edited("BYE sip:u@h SIP/2.0\r\nVia: SIP/2.0/TLS h.test;branch=z9hG4bKx\r\nFrom");
	/* loose: pops only */
	snprintf(routes, sizeof(routes), "Route: %s, %s, <sip:pool.ours.com;lr>\r\n", b, a);
	request("sip:u@h", routes, "caller", TAGGED, "c1@h");
	read_as(POLICY_INBOUND);
	edited("h.test;branch=z9hG4bKx\r\nRoute: <sip:pool.ours.com;lr>\r\nFrom");
	/* nothing to restore from: as it stands */
	request(uri, "", "caller", TAGGED, "c1@h");
	assert_int_equal(read_as(POLICY_INBOUND), POLICY_ROUTE_NONE);
	assert_false(found.strict);
}

/* a clearing house: both entries are external, and either end may send */
static void clearing(void **state)
{
	static const struct policy_stored other = {.type = POLICY_TYPE_HOSTING,
						   .discovered = true,
						   .domain = {"litware.test", 12},
						   .identity = {"edge.host.test", 14}};
	struct route_entry one, two;
	struct route_dialog d = {N("c1@h"), N("caller")};
	struct route_face at = {ours[0], 5061, false};
	char rr[RR_MAX], a[RR_MAX], b[RR_MAX], routes[5 * RR_MAX];
	int n;

	route_entry_stored(&one, POLICY_INBOUND, true, &partner);
	route_entry_stored(&two, POLICY_INBOUND, true, &other);
	n = route_mint_pair(&keys, &two, at, &one, at, &d, false, rr, sizeof(rr));
	assert_true(n > 0);
	rr[n] = '\0';
	halves(rr, a, b);
	snprintf(routes, sizeof(routes), "Route: %s, %s\r\n", b, a);
	assert_int_equal(in_dialog(POLICY_INBOUND, routes, "caller", "callee", "c1@h"), POLICY_ROUTE_OURS);
	rules_name(found.entry.stored.domain, "fabrikam.test");
	rules_name(found.far.stored.domain, "litware.test");
	snprintf(routes, sizeof(routes), "Route: %s, %s\r\n", a, b);
	assert_int_equal(in_dialog(POLICY_INBOUND, routes, "callee", "caller", "c1@h"), POLICY_ROUTE_OURS);
	rules_name(found.entry.stored.domain, "litware.test");
	rules_name(found.entry.stored.identity, "edge.host.test");
	assert_true(found.entry.stored.discovered);
	rules_name(found.far.stored.domain, "fabrikam.test");
	assert_int_equal(found.pops, 2);
	/* a message that passes twice: the second pair is left to its own pass */
	snprintf(routes, sizeof(routes), "Route: %s, %s, %s, %s\r\n", a, b, a, b);
	in_dialog(POLICY_INBOUND, routes, "callee", "caller", "c1@h");
	assert_int_equal(found.pops, 2);
	assert_int_equal(found.left, 2);
}

static void entry_random(struct route_entry *e, struct base_rng *r, char text[3][256])
{
	struct policy_stored s = {.type = (uint8_t)base_rng_below(r, POLICY_TYPES),
				  .by_key = base_rng_below(r, 2),
				  .discovered = base_rng_below(r, 2)};
	uint32_t len[2] = {base_rng_below(r, POLICY_NAME_MAX + 1), base_rng_below(r, POLICY_NAME_MAX + 1)};

	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < len[i]; k++)
			text[i][k] = "abc.-*"[base_rng_below(r, 6)];
	s.domain = (struct policy_name){text[0], len[0]};
	s.identity = (struct policy_name){text[1], len[1]};
	if (base_rng_below(r, 2) && len[0] && len[0] < 200) {
		/* below the domain, or the domain */
		uint32_t n = base_rng_below(r, 20), at = n ? n + 1 : 0;

		text[1][n] = '.';
		memcpy(text[1] + at, text[0], len[0]);
		s.identity.len = at + len[0];
	}
	for (unsigned i = 0; s.by_key && i < POLICY_SPKI_LEN; i++)
		s.spki[i] = (uint8_t)base_rng_next(r);
	route_entry_stored(e, base_rng_below(r, 2), base_rng_below(r, 2), &s);
	e->own_identity = (uint32_t)base_rng_next(r);
	e->minted_s = (uint32_t)base_rng_next(r);
	if (base_rng_below(r, 2)) {
		e->flags |= ROUTE_ENTRY_HOP;
		e->hop = base_rng_below(r, 2) ? own_ip : base_addr_v6("0123456789abcdef");
		e->port = (uint16_t)base_rng_next(r);
	}
}

/* what is packed is unpacked; what is cut or longer is not */
static void packing(void **state)
{
	static char text[3][256];
	struct route_entry e, back;
	uint8_t bytes[ROUTE_OPAQUE_MAX + 1];
	char line[ROUTE_OPAQUE_TEXT + 1];
	struct base_rng r;

	base_rng_seed(&r, 3);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t n, len;

		entry_random(&e, &r, text);
		n = route_entry_pack(&e, 9, bytes);
		assert_in_range(n, 12, ROUTE_OPAQUE_MAX - SIPMAC_LEN);
		assert_true(route_entry_unpack(bytes, n, &back));
		assert_int_equal(back.side, e.side);
		assert_int_equal(back.flags, e.flags);
		assert_int_equal(back.port, e.port);
		assert_int_equal(back.own_identity, e.own_identity);
		assert_int_equal(back.minted_s, e.minted_s);
		assert_int_equal(back.stored.type, e.stored.type);
		assert_memory_equal(&back.hop, &e.hop, sizeof(e.hop));
		assert_memory_equal(back.stored.spki, e.stored.spki, POLICY_SPKI_LEN);
		assert_true(back.stored.by_key == e.stored.by_key &&
			    back.stored.discovered == e.stored.discovered);
		assert_true(policy_name_equal(back.stored.domain, e.stored.domain));
		assert_true(policy_name_equal(back.stored.identity, e.stored.identity));
		for (uint32_t cut = 0; i < 200 && cut < n; cut++)
			assert_false(route_entry_unpack(bytes, cut, &back));
		bytes[n] = 0;
		assert_false(route_entry_unpack(bytes, n + 1, &back));
		len = route_text_write(bytes, n, line);
		assert_int_equal(len, (n * 8 + 5) / 6);
		assert_int_equal(route_text_read(line, len, bytes, sizeof(bytes)), n);
	}
	/* Bytes that nobody signed are unpacked too: a name below another one is none that is too long for
	 * its place. */
	for (unsigned n = 80; n <= 90; n++) {
		uint8_t *w = bytes;

		memset(w, 0, sizeof(bytes));
		w[1] = 1 << 6; /* the identity is below the domain */
		w += 11;
		*w++ = 170;
		memset(w, 'd', 170);
		w += 170;
		*w++ = (uint8_t)n;
		memset(w, 'i', n);
		w += n;
		assert_int_equal(route_entry_unpack(bytes, (uint32_t)(w - bytes), &back),
				 n + 1 + 170 <= POLICY_NAME_MAX);
	}
	assert_int_equal(route_text_read("AA", 2, bytes, 9), 1);
	assert_int_equal(route_text_read("AB", 2, bytes, 9), -1); /* the same byte, spelt otherwise */
	assert_int_equal(route_text_read("A", 1, bytes, 9), -1);
	assert_int_equal(route_text_read("AA==", 4, bytes, 9), -1);
	assert_int_equal(route_text_read("A+/A", 4, bytes, 9), -1);
	assert_int_equal(route_text_read("AAAA", 4, bytes, 2), -1);
}

/* escapes change nothing (section 19.1.4); sips; no key; no room */
static void spelling(void **state)
{
	char rr[RR_MAX], a[RR_MAX], b[RR_MAX], route[RR_MAX + 40], *p;
	struct route_entry e;
	struct route_dialog d = {N("c1@h"), N("caller")};
	struct route_keys none = {0};
	int n;

	minted(rr, "c1@h", "caller", true);
	halves(rr, a, b);
	p = strstr(b, "sp1.");
	snprintf(route, sizeof(route), "Route:\r\n \"x\" <sip:%%73p1%%2e%.*s@SIP.OURS.COM;lr>;p\r\n",
		 (int)(strchr(p, '@') - p - 4), p + 4);
	assert_int_equal(in_dialog(POLICY_INBOUND, route, "caller", "callee", "c1@h"), POLICY_ROUTE_OURS);
	/* the FQDN that it was minted under is not ours any more */
	snprintf(route, sizeof(route), "Route: <sip:%.*s@old.ours.com;lr>\r\n", (int)(strchr(p, '@') - p), p);
	assert_int_equal(in_dialog(POLICY_INBOUND, route, "caller", "callee", "c1@h"), POLICY_ROUTE_OURS);
	route_entry_stored(&e, POLICY_INBOUND, true, &partner);
	n = route_mint(&keys, &e, &d, ours[0], 5061, true, a, RR_MAX);
	assert_true(n > 0);
	a[n] = '\0';
	assert_memory_equal(a, "<sips:sp1.", 10);
	assert_non_null(strstr(a, "@sip.ours.com:5061;lr>"));
	for (int size = 0; size < n; size++)
		assert_int_equal(route_mint(&keys, &e, &d, ours[0], 5061, true, b, (uint32_t)size), -ENOSPC);
	assert_int_equal(route_mint(&none, &e, &d, ours[0], 5061, true, b, RR_MAX), -ENOKEY);
}

/* what is stored of a next hop can be told again by decide() */
static void next_hop(void **state)
{
	struct policy_name names[] = {N("a.test"), N("*.fabrikam.test"), N("fabrikam.test")};
	struct policy_peer peer = {.names = names, .names_n = 3, .certificate = true, .has_spki = true};
	struct policy_target target = {.name = "sip.fabrikam.test", .name_len = 17};
	struct policy_verdict v = {.type = POLICY_TYPE_ALLOWED, .flags = POLICY_VERDICT_CERT_WILDCARD};
	struct policy_stored s;

	memset(peer.spki, 7, sizeof(peer.spki));
	v.route.domain = N("fabrikam.test");
	route_stored_next(&v, N("fabrikam.test"), &target, &peer, NULL, &s);
	rules_name(s.identity, "*.fabrikam.test");
	v.flags = POLICY_VERDICT_EXPECT_DOMAIN | POLICY_VERDICT_DISCOVERED;
	route_stored_next(&v, N("fabrikam.test"), &target, &peer, NULL, &s);
	rules_name(s.identity, "fabrikam.test");
	assert_true(s.discovered && !s.by_key);
	v.flags = POLICY_VERDICT_EXPECT_PIN;
	route_stored_next(&v, N("fabrikam.test"), &target, &peer, NULL, &s);
	assert_true(s.by_key && s.identity.len == 0);
	assert_memory_equal(s.spki, peer.spki, POLICY_SPKI_LEN);
	v = (struct policy_verdict){.type = POLICY_TYPE_HOSTING, .provider = 4};
	v.route.host = N("edge.host.test");
	route_stored_next(&v, N("fabrikam.test"), &target, &peer, NULL, &s);
	rules_name(s.identity, "edge.host.test");
}

/* SipHash-2-4-128 of the reference vectors: key and input 00 01 02 …, for 0, 1 and 2 bytes */
static void mac(void **state)
{
	static const struct {
		unsigned len;
		uint8_t out[16];
	} want[] = {
		{0,
		 {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02,
		  0x93}},
		{1,
		 {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc,
		  0x45}},
		{2,
		 {0x81, 0x77, 0x22, 0x8d, 0xa4, 0xa4, 0x5d, 0xc7, 0xfc, 0xa3, 0x8b, 0xde, 0xf6, 0x0a, 0xff,
		  0xe4}},
	};
	uint8_t in[64], out[16], whole[16];
	struct siphash_key key;
	struct sipmac s;

	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	memcpy(&key, in, sizeof(key));
	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		sipmac_init(&s, &key);
		sipmac_bytes(&s, in, want[i].len);
		sipmac_final(&s, out);
		assert_memory_equal(out, want[i].out, 16);
	}
	/* in pieces or whole */
	for (unsigned len = 0; len <= 64; len++)
		for (unsigned a = 0; a <= len; a++) {
			sipmac_init(&s, &key);
			sipmac_bytes(&s, in, len);
			sipmac_final(&s, whole);
			sipmac_init(&s, &key);
			sipmac_bytes(&s, in, a);
			sipmac_bytes(&s, in + a, (len - a) / 2);
			sipmac_bytes(&s, in + a + (len - a) / 2, len - a - (len - a) / 2);
			sipmac_final(&s, out);
			assert_memory_equal(out, whole, 16);
		}
}

static int close_all(void **state)
{
	rules_free(&t);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pair),	   cmocka_unit_test(replay),	     cmocka_unit_test(others),
		cmocka_unit_test(strict),  cmocka_unit_test(edge_in_dialog), cmocka_unit_test(clearing),
		cmocka_unit_test(packing), cmocka_unit_test(spelling),	     cmocka_unit_test(next_hop),
		cmocka_unit_test(mac),
	};

	keys_new();
	return cmocka_run_group_tests(tests, NULL, close_all);
}
