/* SPDX-License-Identifier: BSD-3-Clause */
/* Longer than other files: one small language, whose words are better read in one place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include <cmocka.h>

#include "tests/unit/policy/world.h"

const char world_base[] = "federation on; rights +federation,+public,+outside; own ours.com; own ours.net";

struct word {
	const char *word;
	unsigned value;
};

static const struct word modes[] = {{"lync", POLICY_IDENTITY_LYNC},	{"rfc5922", POLICY_IDENTITY_RFC5922},
				    {"either", POLICY_IDENTITY_EITHER}, {"dnssec", POLICY_IDENTITY_DNSSEC},
				    {"pinned", POLICY_IDENTITY_PINNED}, {0}};
static const struct word ekus[] = {{"strict", POLICY_EKU_STRICT},
				   {"accept-serverauth", POLICY_EKU_ACCEPT_SERVERAUTH},
				   {"any", POLICY_EKU_ANY},
				   {0}};
static const struct word levels[] = {{"always", POLICY_VERIFY_ALWAYS},
				     {"never", POLICY_VERIFY_NEVER},
				     {"source", POLICY_VERIFY_SOURCE},
				     {0}};
static const struct word rights_words[] = {{"federation", POLICY_RIGHT_FEDERATION},
					   {"public", POLICY_RIGHT_PUBLIC},
					   {"xmpp", POLICY_RIGHT_XMPP},
					   {"outside", POLICY_RIGHT_OUTSIDE},
					   {0}};
static const struct word services[] = {{"im", POLICY_SERVICE_IM},
				       {"presence", POLICY_SERVICE_PRESENCE},
				       {"calls", POLICY_SERVICE_CALLS},
				       {0}};
static const struct word usages[] = {{"client", POLICY_EKU_CLIENT},
				     {"server", POLICY_EKU_SERVER},
				     {"sip", POLICY_EKU_SIP_DOMAIN},
				     {"any", POLICY_EKU_ANY_USAGE},
				     {"absent", POLICY_EKU_ABSENT},
				     {"none", 0},
				     {0}};
static const struct word methods[] = {
	{"INVITE", POLICY_METHOD_INVITE},   {"ACK", POLICY_METHOD_ACK},
	{"BYE", POLICY_METHOD_BYE},	    {"CANCEL", POLICY_METHOD_CANCEL},
	{"MESSAGE", POLICY_METHOD_MESSAGE}, {"SUBSCRIBE", POLICY_METHOD_SUBSCRIBE},
	{"NOTIFY", POLICY_METHOD_NOTIFY},   {"BENOTIFY", POLICY_METHOD_BENOTIFY},
	{"OPTIONS", POLICY_METHOD_OPTIONS}, {"REGISTER", POLICY_METHOD_REGISTER},
	{"PUBLISH", POLICY_METHOD_PUBLISH}, {"SERVICE", POLICY_METHOD_SERVICE},
	{"UNHEARD", POLICY_METHOD_OTHER},   {0}};
static const struct word types[] = {{"direct", POLICY_TYPE_DIRECT},
				    {"allowed", POLICY_TYPE_ALLOWED},
				    {"discovered", POLICY_TYPE_DISCOVERED},
				    {"hosting", POLICY_TYPE_HOSTING},
				    {"public", POLICY_TYPE_PUBLIC},
				    {"clearing", POLICY_TYPE_CLEARING},
				    {"shared", POLICY_TYPE_SHARED},
				    {"default", POLICY_TYPE_DEFAULT},
				    {0}};
static const struct word sources[] = {{"direct", POLICY_SOURCE_DIRECT},
				      {"auto", POLICY_SOURCE_AUTO},
				      {"authorized", POLICY_SOURCE_AUTHORIZED},
				      {"public", POLICY_SOURCE_PUBLIC},
				      {0}};
static const struct word marks[] = {
	{"verified", POLICY_MARK_VERIFIED}, {"unverified", POLICY_MARK_UNVERIFIED}, {0}};
static const struct word routes[] = {{"none", POLICY_ROUTE_NONE},
				     {"ours", POLICY_ROUTE_OURS},
				     {"stale", POLICY_ROUTE_STALE},
				     {"foreign", POLICY_ROUTE_FOREIGN},
				     {0}};
static const struct word splits[] = {{"good", POLICY_SPLIT_GOOD}, {"wrong", POLICY_SPLIT_WRONG}, {0}};

static unsigned word_value(const struct word *w, const char *text)
{
	for (; w->word; w++)
		if (strcmp(w->word, text) == 0)
			return w->value;
	fail_msg("world: '%s' is not a word here", text);
	return 0;
}

static const char *word_of(const struct word *w, unsigned value)
{
	for (; w->word; w++)
		if (w->value == value)
			return w->word;
	return "?";
}

/* "key=value": the value when `text` begins with key, else NULL */
static char *option(char *text, const char *key)
{
	size_t n = strlen(key);

	return strncmp(text, key, n) == 0 && text[n] == '=' ? text + n + 1 : NULL;
}

static unsigned word_bits(const struct word *w, char *list)
{
	unsigned bits = 0;
	char *save;

	for (char *t = strtok_r(list, ",", &save); t; t = strtok_r(NULL, ",", &save))
		bits |= word_value(w, t);
	return bits;
}

static struct policy_rights read_rights(char *list)
{
	struct policy_rights r = {0, 0};
	char *save;

	for (char *t = strtok_r(list, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
		unsigned bit = word_value(rights_words, t + 1);

		r.stated |= (uint8_t)bit;
		if (t[0] == '+')
			r.granted |= (uint8_t)bit;
	}
	return r;
}

static bool read_ip(const char *text, uint8_t ip[16])
{
	memset(ip, 0, 16);
	if (inet_pton(AF_INET, text, ip + 12) == 1) {
		ip[10] = ip[11] = 0xff;
		return true;
	}
	return inet_pton(AF_INET6, text, ip) == 1;
}

static unsigned read_list(char *list, struct policy_name *out, unsigned max)
{
	unsigned n = 0;
	char *save;

	for (char *t = strtok_r(list, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
		assert_true(n < max);
		out[n++] = policy_name_of(t);
	}
	return n;
}

static struct policy_address read_address(char *text)
{
	char *at = strchr(text, '@');

	if (!at)
		return (struct policy_address){{"", 0}, policy_name_of(text)};
	return (struct policy_address){{text, (uint32_t)(at - text)}, policy_name_of(at + 1)};
}

/* ":port", "/priority/weight" and "!flags" behind a host; cuts them off */
static void read_suffix(char *text, uint16_t *port, uint16_t *priority, uint16_t *weight, uint16_t *flags)
{
	char *p;

	while ((p = strrchr(text, '!'))) {
		static const struct word hop_words[] = {{"down", 1},	 {"block", 2}, {"final", 4},
							{"insecure", 8}, {"srv", 16},  {0}};
		unsigned w = word_value(hop_words, p + 1);

		if (w == 1)
			*flags &= (uint16_t)~POLICY_HOP_IN_SERVICE;
		if (w == 2)
			*flags |= POLICY_HOP_BLOCK;
		if (w == 4)
			*flags &= (uint16_t)~POLICY_HOP_LESS_SPECIFIC;
		if (w == 8)
			*flags |= POLICY_HOP_INSECURE;
		if (w == 16)
			*flags |= POLICY_HOP_SRV;
		*p = '\0';
	}
	p = strchr(text, '/');
	if (p) {
		unsigned a = 1, b = 1;

		sscanf(p, "/%u/%u", &a, &b);
		*priority = (uint16_t)a;
		*weight = (uint16_t)b;
		*p = '\0';
	}
	p = strchr(text, ':');
	if (p && !strchr(p + 1, ':')) {
		*port = (uint16_t)atoi(p + 1);
		*p = '\0';
	}
}

static unsigned read_hops(char **save, struct policy_hop_part *hops)
{
	unsigned n = 0;

	for (char *t; (t = strtok_r(NULL, " ", save)); n++) {
		struct policy_hop *h = &hops[n].hop;

		memset(&hops[n], 0, sizeof(hops[n]));
		h->priority = h->weight = 1;
		h->flags = POLICY_HOP_IN_SERVICE | POLICY_HOP_LESS_SPECIFIC;
		read_suffix(t, &h->port, &h->priority, &h->weight, &h->flags);
		if (read_ip(t, h->ip))
			h->flags |= POLICY_HOP_IP;
		else
			hops[n].host = policy_name_of(t);
	}
	return n;
}

static void world_own(struct world *w, char **save)
{
	struct policy_own_domain own = {0};
	struct policy_identity identity = {0};
	struct policy_route_set set = {.flags = POLICY_ROUTE_NAMED};
	struct policy_hop_part pool = {
		.hop = {.priority = 1, .flags = POLICY_HOP_IN_SERVICE | POLICY_HOP_IP}};
	char *name = strtok_r(NULL, " ", save), *v, fqdn[300];
	bool routed = true;
	int error;

	read_ip("10.0.0.9", pool.hop.ip);
	for (char *t; (t = strtok_r(NULL, " ", save));) {
		if (strcmp(t, "discovery") == 0)
			own.flags |= POLICY_OWN_DISCOVERY;
		else if (strcmp(t, "no-discovery") == 0)
			own.flags |= POLICY_OWN_NO_DISCOVERY;
		else if (strcmp(t, "closed") == 0)
			own.flags |= POLICY_OWN_NO_FEDERATION;
		else if (strcmp(t, "closed-identity") == 0)
			identity.flags |= POLICY_OWN_NO_FEDERATION;
		else if (strcmp(t, "no-route") == 0)
			routed = false;
		else if ((v = option(t, "rights")))
			own.rights = read_rights(v);
		else if ((v = option(t, "pool"))) {
			pool.hop.flags = POLICY_HOP_IN_SERVICE;
			read_suffix(v, &pool.hop.port, &pool.hop.priority, &pool.hop.weight, &pool.hop.flags);
			pool.host = policy_name_of(v);
		} else if ((v = option(t, "tls")))
			identity.tls_profile = (uint8_t)atoi(v);
		else if ((v = option(t, "shared"))) {
			const struct policy_provider *p =
				w->view->ops->provider_by_fqdn(w->view, policy_name_of(v));

			assert_non_null(p);
			own.shared_provider = p->id;
		} else
			fail_msg("own: %s", t);
	}
	snprintf(fqdn, sizeof(fqdn), "sip.%s", name);
	if (routed)
		identity.inside_route = (uint32_t)policy_draft_route_set(
			w->draft, &set, (struct policy_name){"", 0}, policy_name_of("pool"), &pool, 1);
	own.identity = (uint32_t)policy_draft_identity(w->draft, &identity, policy_name_of(name),
						       policy_name_of(fqdn));
	error = policy_draft_own_domain(w->draft, &own, policy_name_of(name));
	if (error < 0)
		w->error = error;
}

/* what control makes of a pin beside the partner's record */
static void world_pin(struct world *w, const uint8_t key[POLICY_SPKI_LEN])
{
	struct {
		struct policy_pin pin;
		uint8_t key[POLICY_SPKI_LEN];
	} r = {.pin = {.size = sizeof(r), .spki = {(uint16_t)sizeof(struct policy_pin), POLICY_SPKI_LEN}}};
	int id;

	memcpy(r.key, key, POLICY_SPKI_LEN);
	id = policy_draft_small(w->draft, POLICY_SMALL_PINS, &r);
	assert_true(id > 0);
}

static void world_allow(struct world *w, char **save, unsigned type)
{
	struct policy_domain d = {.type = (uint8_t)type, .services = POLICY_SERVICE_ALL};
	struct policy_partner partner = {0};
	struct policy_partner_parts parts = {0};
	struct policy_name peers[4];
	uint8_t pins[4][POLICY_SPKI_LEN];
	struct policy_pattern pattern;
	uint16_t prio, weight, flags;
	char *text = strtok_r(NULL, " ", save), *v;
	bool record = false;
	int error;

	for (char *t; (t = strtok_r(NULL, " ", save));) {
		if (strcmp(t, "except") == 0)
			d.flags |= POLICY_DOMAIN_EXCEPT;
		else if (strcmp(t, "wildcard") == 0)
			d.flags |= POLICY_DOMAIN_CERT_WILDCARD;
		else if (strcmp(t, "pai") == 0)
			d.flags |= POLICY_DOMAIN_TRUST_PAI;
		else if (strcmp(t, "reject-unmarked") == 0)
			d.flags |= POLICY_DOMAIN_REJECT_UNMARKED;
		else if ((v = option(t, "check")))
			d.identity_check = (uint8_t)word_value(modes, v);
		else if ((v = option(t, "verify")))
			d.verification = (uint8_t)word_value(levels, v);
		else if ((v = option(t, "eku")))
			d.eku = (uint8_t)word_value(ekus, v);
		else if ((v = option(t, "services")))
			d.services = (uint8_t)word_bits(services, v);
		else if ((v = option(t, "limit")))
			d.limit_class = (uint8_t)atoi(v);
		else if ((v = option(t, "tls")))
			d.tls_profile = (uint8_t)atoi(v);
		else if (strcmp(t, "monitor") == 0)
			d.flags |= POLICY_DOMAIN_MONITOR;
		else if ((v = option(t, "proxy"))) {
			read_suffix(v, &partner.proxy_port, &prio, &weight, &flags);
			parts.proxy_fqdn = policy_name_of(v);
			d.type = POLICY_DOMAIN_SERVER;
			record = true;
		} else if ((v = option(t, "via"))) {
			parts.via_domain = policy_name_of(v);
			record = true;
		} else if ((v = option(t, "peer"))) {
			parts.peer_names = peers;
			parts.peer_names_n = read_list(v, peers, 4);
			record = true;
		} else if ((v = option(t, "pin"))) {
			memset(pins[0], atoi(v), sizeof(pins[0]));
			parts.pins = (const uint8_t(*)[POLICY_SPKI_LEN])pins;
			parts.pins_n = 1;
			world_pin(w, pins[0]);
			record = true;
		} else if ((v = option(t, "hops"))) {
			struct policy_route_set set = {.flags = POLICY_ROUTE_NAMED};
			struct policy_hop_part hops[8];
			char *hop_save = v;

			for (char *c = v; *c; c++)
				if (*c == ',')
					*c = ' ';
			partner.route_set = (uint32_t)policy_draft_route_set(
				w->draft, &set, (struct policy_name){"", 0}, policy_name_of("own"), hops,
				read_hops(&hop_save, hops));
			record = true;
		} else
			fail_msg("allow: %s", t);
	}
	if (policy_pattern_read(policy_name_of(text), &pattern)) {
		w->error = -1;
		return;
	}
	if (pattern.subtree)
		d.flags |= POLICY_DOMAIN_SUBTREE;
	if (record)
		d.partner = (uint32_t)policy_draft_partner(w->draft, &partner, &parts);
	error = policy_draft_domain(w->draft, (struct policy_name){pattern.name, pattern.len}, &d);
	if (error)
		w->error = error;
}

static void world_provider(struct world *w, char **save, unsigned kind)
{
	struct policy_provider p = {.kind = (uint8_t)kind,
				    .flags = POLICY_PROVIDER_ENABLED,
				    .verification = POLICY_VERIFY_SOURCE,
				    .services = POLICY_SERVICE_ALL};
	char *fqdn = strtok_r(NULL, " ", save), *name = fqdn, *v;
	int id;

	for (char *t; (t = strtok_r(NULL, " ", save));) {
		if (strcmp(t, "off") == 0)
			p.flags &= (uint8_t)~POLICY_PROVIDER_ENABLED;
		else if (strcmp(t, "shared") == 0)
			p.flags |= POLICY_PROVIDER_SHARED;
		else if (strcmp(t, "pai") == 0)
			p.flags |= POLICY_PROVIDER_TRUST_PAI;
		else if (strcmp(t, "wildcard") == 0)
			p.flags |= POLICY_PROVIDER_CERT_WILDCARD;
		else if (strcmp(t, "public") == 0)
			p.flags |= POLICY_PROVIDER_IS_PUBLIC;
		else if ((v = option(t, "verify")))
			p.verification = (uint8_t)(strcmp(v, "unsaid") == 0 ? 0 : word_value(levels, v));
		else if ((v = option(t, "services")))
			p.services = (uint8_t)word_bits(services, v);
		else if ((v = option(t, "name")))
			name = v;
		else
			fail_msg("provider: %s", t);
	}
	id = policy_draft_provider(w->draft, &p, policy_name_of(name), policy_name_of(fqdn));
	if (id < 0)
		w->error = id;
	else if (kind == POLICY_PROVIDER_DEFAULT_ROUTE)
		policy_draft_box(w->draft)->default_route = (uint32_t)id;
	else if (p.flags & POLICY_PROVIDER_SHARED)
		policy_draft_box(w->draft)->shared_provider = (uint32_t)id;
}

/* n targets of no interest */
static void world_fill(struct policy_dns *pages, unsigned n)
{
	static const uint8_t ip[1][16] = {{[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 9}};
	char name[64];

	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "t%u.fill.example", i);
		policy_dns_spill(pages, policy_name_of(name), 1, 1, 5061, ip, 1);
	}
}

static void world_dns(struct world *w, char **save, unsigned kind)
{
	struct policy_dns pages[1 + POLICY_DNS_PARTS] = {
		{.kind = (uint8_t)kind,
		 .state = POLICY_DNS_OK,
		 .expires_ns = WORLD_NOW_NS + UINT64_C(3600000000000)}};
	unsigned lost = UINT32_MAX, mixed = 0;
	char *name = strtok_r(NULL, " ", save);
	uint8_t ips[16][16];
	unsigned n = 0;

	for (char *t; (t = strtok_r(NULL, " ", save));) {
		uint16_t port = 5061, prio = 1, weight = 1, flags = 0;
		uint8_t ip[1][16];
		char *is;

		if (strcmp(t, "nothing") == 0)
			pages->state = POLICY_DNS_NOTHING;
		else if (strcmp(t, "failed") == 0)
			pages->state = POLICY_DNS_FAILED;
		else if (strcmp(t, "bogus") == 0)
			pages->state = POLICY_DNS_BOGUS;
		else if (strcmp(t, "secure") == 0)
			pages->secure = 1;
		else if (strcmp(t, "stale") == 0)
			pages->expires_ns = WORLD_NOW_NS - 1;
		else if (strncmp(t, "lost=", 5) == 0)
			lost = (unsigned)atoi(t + 5);
		else if (strncmp(t, "mixed=", 6) == 0)
			mixed = (unsigned)atoi(t + 6);
		else if (strncmp(t, "fill=", 5) == 0)
			world_fill(pages, (unsigned)atoi(t + 5));
		else if (kind == POLICY_DNS_HOST)
			assert_true(read_ip(t, ips[n++]));
		else {
			is = strchr(t, '=');
			if (is)
				*is++ = '\0';
			read_suffix(t, &port, &prio, &weight, &flags);
			if (!is)
				read_ip("192.0.2.1", ip[0]);
			else if (strcmp(is, "-") != 0)
				assert_true(read_ip(is, ip[0]));
			policy_dns_spill(pages, policy_name_of(t), prio, weight, port,
					 (const uint8_t(*)[16])ip, is && strcmp(is, "-") == 0 ? 0 : 1);
		}
	}
	if (kind == POLICY_DNS_HOST && n)
		policy_dns_add(pages, policy_name_of(name), 0, 0, 0, (const uint8_t(*)[16])ips, n);
	policy_dns_seal(pages);
	if (mixed)
		pages[mixed].serial++;
	for (unsigned i = 0; i <= pages->more; i++)
		if (i != lost)
			assert_int_equal(policy_draft_dns(w->draft, policy_name_of(name), &pages[i]), 0);
}

static void world_route(struct world *w, char **save)
{
	struct policy_route_set set = {0};
	struct policy_pattern pattern;
	struct policy_hop_part hops[128];
	char *text = strtok_r(NULL, " ", save);
	int id;

	assert_int_equal(policy_pattern_read(policy_name_of(text), &pattern), 0);
	set.flags = (uint16_t)((pattern.subtree ? POLICY_ROUTE_SUBTREE : 0) |
			       (pattern.any ? POLICY_ROUTE_ANY : 0));
	id = policy_draft_route_set(w->draft, &set, (struct policy_name){pattern.name, pattern.len},
				    policy_name_of(text), hops, read_hops(save, hops));
	if (id < 0)
		w->error = id;
}

static void world_user(struct world *w, char **save)
{
	struct policy_user u = {0};
	char *address = strtok_r(NULL, " ", save), *v;
	int error;

	for (char *t; (t = strtok_r(NULL, " ", save));) {
		if ((v = option(t, "rights")))
			u.rights = read_rights(v);
		else if ((v = option(t, "site")))
			u.site = (uint16_t)atoi(v);
		else
			fail_msg("user: %s", t);
	}
	error = policy_draft_user(w->draft, read_address(address), &u);
	if (error)
		w->error = error;
}

static void world_switch(struct world *w, unsigned flag, const char *on)
{
	struct policy_box *box = policy_draft_box(w->draft);

	if (strcmp(on, "off") == 0)
		box->flags &= ~flag;
	else
		box->flags |= flag;
}

static void world_statement(struct world *w, char *text)
{
	struct policy_box *box = policy_draft_box(w->draft);
	char *save, *word = strtok_r(text, " ", &save), *arg;

	if (!word)
		return;
	if (strcmp(word, "own") == 0)
		world_own(w, &save);
	else if (strcmp(word, "allow") == 0)
		world_allow(w, &save, POLICY_DOMAIN_ALLOWED);
	else if (strcmp(word, "block") == 0)
		world_allow(w, &save, POLICY_DOMAIN_BLOCKED);
	else if (strcmp(word, "hard") == 0)
		world_allow(w, &save, POLICY_DOMAIN_HARD);
	else if (strcmp(word, "hosting") == 0)
		world_provider(w, &save, POLICY_PROVIDER_HOSTING);
	else if (strcmp(word, "public") == 0)
		world_provider(w, &save, POLICY_PROVIDER_PUBLIC);
	else if (strcmp(word, "srv") == 0)
		world_dns(w, &save, POLICY_DNS_FEDERATION);
	else if (strcmp(word, "host") == 0)
		world_dns(w, &save, POLICY_DNS_HOST);
	else if (strcmp(word, "route") == 0)
		world_route(w, &save);
	else if (strcmp(word, "user") == 0)
		world_user(w, &save);
	else if (strcmp(word, "default-routing") == 0) {
		box->flags |= POLICY_BOX_DEFAULT_ROUTING;
		world_provider(w, &save, POLICY_PROVIDER_DEFAULT_ROUTE);
	} else {
		arg = strtok_r(NULL, " ", &save);
		assert_non_null(arg);
		if (strcmp(word, "federation") == 0)
			world_switch(w, POLICY_BOX_FEDERATION, arg);
		else if (strcmp(word, "discovery") == 0)
			world_switch(w, POLICY_BOX_DISCOVERY, arg);
		else if (strcmp(word, "clearing") == 0)
			world_switch(w, POLICY_BOX_CLEARING_HOUSE, arg);
		else if (strcmp(word, "unmarked") == 0)
			world_switch(w, POLICY_BOX_REJECT_UNMARKED, arg);
		else if (strcmp(word, "mark-outgoing") == 0)
			world_switch(w, POLICY_BOX_MARK_OUTGOING, arg);
		else if (strcmp(word, "identity") == 0)
			box->identity_check = (uint8_t)word_value(modes, arg);
		else if (strcmp(word, "eku") == 0)
			box->eku = (uint8_t)word_value(ekus, arg);
		else if (strcmp(word, "verify-discovered") == 0)
			box->discovered_verification = (uint8_t)word_value(levels, arg);
		else if (strcmp(word, "verify-allowed") == 0)
			box->allowed_verification = (uint8_t)word_value(levels, arg);
		else if (strcmp(word, "limit-discovered") == 0)
			box->discovered_limit_class = (uint8_t)atoi(arg);
		else if (strcmp(word, "rights") == 0)
			box->rights = read_rights(arg);
		else if (strcmp(word, "site") == 0) {
			struct policy_site site = {
				.rights = read_rights(option(strtok_r(NULL, " ", &save), "rights"))};

			assert_true(policy_draft_site(w->draft, &site, policy_name_of(arg)) > 0);
		} else
			fail_msg("world: '%s' is not understood", word);
	}
}

void world_add(struct world *w, const char *text)
{
	char *copy = strdup(text), *save;

	assert_non_null(copy);
	for (char *t = strtok_r(copy, ";", &save); t; t = strtok_r(NULL, ";", &save))
		world_statement(w, t);
	free(copy);
}

void world_open(struct world *w, const char *text)
{
	w->draft = policy_draft_new();
	assert_non_null(w->draft);
	w->view = policy_draft_view(w->draft);
	w->error = 0;
	world_add(w, text);
}

void world_close(struct world *w)
{
	policy_draft_free(w->draft);
}

static void message_option(struct message *m, char *t)
{
	struct policy_facts *f = &m->facts;
	struct policy_address a;
	char *v, *save, *part;

	if ((v = option(t, "ruri"))) {
		a = read_address(v);
		f->ruri_user = a.user;
		f->ruri_domain = a.domain;
	} else if ((v = option(t, "cert"))) {
		m->peer.names_n = (uint16_t)read_list(v, m->names, 8);
	} else if ((v = option(t, "key"))) {
		m->peer.has_spki = true;
		memset(m->peer.spki, atoi(v), sizeof(m->peer.spki));
	} else if ((v = option(t, "eku"))) {
		m->peer.eku = (uint8_t)word_bits(usages, v);
	} else if ((v = option(t, "mark"))) {
		f->mark = (uint8_t)word_value(marks, v);
	} else if ((v = option(t, "route"))) {
		if (strncmp(v, "edge:", 5) == 0) {
			f->route = POLICY_ROUTE_EDGE;
			f->edge_route = policy_name_of(v + 5);
		} else {
			f->route = (uint8_t)word_value(routes, v);
		}
	} else if ((v = option(t, "pin"))) {
		m->peer.pin = (uint8_t)word_value(sources, strtok_r(v, ":", &save));
		part = strtok_r(NULL, ":", &save);
		m->peer.pin_domain = policy_name_of(part ? part : "");
	} else if ((v = option(t, "split"))) {
		f->split = (uint8_t)word_value(splits, v);
	} else if ((v = option(t, "pai"))) {
		f->pais = (uint8_t)read_list(v, f->pai, 2);
	} else if ((v = option(t, "pais"))) {
		f->pais = (uint8_t)atoi(v);
	} else if ((v = option(t, "service"))) {
		f->service = (uint8_t)word_bits(services, v);
	} else if ((v = option(t, "inner"))) {
		f->inner = read_rights(v);
	} else if ((v = option(t, "stored-key"))) {
		m->stored.by_key = true;
		memset(m->stored.spki, atoi(v), sizeof(m->stored.spki));
	} else if ((v = option(t, "stored"))) {
		f->stored = &m->stored;
		m->stored.type = (uint8_t)word_value(types, strtok_r(v, ":", &save));
		m->stored.domain = policy_name_of(strtok_r(NULL, ":", &save));
		part = strtok_r(NULL, ":", &save);
		m->stored.identity = policy_name_of(part ? part : "");
		part = strtok_r(NULL, ":", &save);
		m->stored.discovered = part != NULL;
	} else if (strcmp(t, "hop") == 0) {
		f->shared_hop = true;
	} else if (strcmp(t, "strange") == 0) {
		f->ruri_strange = true;
	} else if (strcmp(t, "untrusted") == 0) {
		m->peer.trusted_internal = false;
	} else if (strcmp(t, "revoked") == 0) {
		m->peer.revoked = true;
	} else if (strcmp(t, "nocert") == 0) {
		m->peer.certificate = false;
	} else if (strcmp(t, "key-alone") == 0) {
		/* what the worker makes of a chain that does not verify */
		m->peer.certificate = false;
		m->peer.pinned_only = true;
	} else {
		fail_msg("message: '%s' is not understood", t);
	}
}

void message_read(struct message *m, const char *text)
{
	struct policy_facts *f = &m->facts;
	struct policy_address a;
	char *save, *t;

	memset(m, 0, sizeof(*m));
	assert_true(strlen(text) < sizeof(m->text));
	strcpy(m->text, text);
	f->peer = &m->peer;
	f->now_ns = WORLD_NOW_NS;
	m->peer.names = m->names;
	m->peer.certificate = true;
	m->peer.eku = POLICY_EKU_CLIENT | POLICY_EKU_SERVER;

	t = strtok_r(m->text, " ", &save);
	f->direction = strcmp(t, "out") == 0 ? POLICY_OUTBOUND : POLICY_INBOUND;
	m->peer.trusted_internal = f->direction == POLICY_OUTBOUND;
	t = strtok_r(NULL, " ", &save);
	if (strcmp(t, "dialog") == 0 || strcmp(t, "response") == 0) {
		f->message = *t == 'd' ? POLICY_IN_DIALOG : POLICY_RESPONSE;
		f->route = POLICY_ROUTE_OURS;
		t = strtok_r(NULL, " ", &save);
	}
	f->method = (uint8_t)word_value(methods, t);
	a = read_address(strtok_r(NULL, " ", &save));
	f->from_user = a.user;
	f->from_domain = a.domain;
	a = read_address(strtok_r(NULL, " ", &save));
	f->to_user = f->ruri_user = a.user;
	f->to_domain = f->ruri_domain = a.domain;
	while ((t = strtok_r(NULL, " ", &save)))
		message_option(m, t);
}

void verdict_print(const struct policy_verdict *v, char *buf, size_t cap)
{
	const struct policy_reason_info *info = policy_reason_info(v->reason);

	switch (v->action) {
	case POLICY_ACCEPT:
		snprintf(buf, cap, "accept %s%s%s", word_of(types, v->type), v->mark ? " " : "",
			 v->mark ? word_of(marks, v->mark) : "");
		break;
	case POLICY_REFUSE:
		snprintf(buf, cap, "refuse %u/%u %s", info->status, info->ms_id, info->name);
		break;
	case POLICY_DROP:
		snprintf(buf, cap, "drop %s", info->name);
		break;
	default:
		snprintf(buf, cap, "ask");
		for (unsigned i = 0; i < v->asks; i++) {
			size_t n = strlen(buf);

			snprintf(buf + n, cap - n, " %s:%.*s",
				 v->ask[i].kind == POLICY_DNS_HOST ? "host" : "srv", (int)v->ask[i].name.len,
				 v->ask[i].name.ptr);
		}
	}
}
