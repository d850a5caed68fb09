/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "tests/unit/policy/world_random.h"

static const char *pick(struct base_rng *r, const char *const *list, unsigned n)
{
	return list[base_rng_below(r, n)];
}

#define PICK(r, list) pick(r, list, sizeof(list) / sizeof((list)[0]))

static const char *const domains[] = {"contoso.com",	"contoso.com",	    "contoso.com",
				      "eu.contoso.com", "a.eu.contoso.com", "fabrikam.com",
				      "aol.com",	"ours.com",	    "ours.net"};
static const char *const hosts[] = {"sip.contoso.com", "sip.eu.contoso.com", "gw.x.net",    "fed.im.net",
				    "fed.host.com",    "sip.aol.com",	     "contoso.com", "*.contoso.com",
				    "eu.contoso.com",  "fabrikam.com",	     "dr.net",	    "pool.inside"};

static void random_options(struct base_rng *r, char *text, size_t cap)
{
	static const char *const options[] = {
		"proxy=gw.x.net",  "peer=gw.x.net", "via=aol.com",     "pin=1 check=pinned",
		"check=lync",	   "check=rfc5922", "check=dnssec",    "check=either",
		"verify=always",   "verify=never",  "eku=strict",      "eku=any",
		"wildcard",	   "pai",	    "reject-unmarked", "services=im",
		"hops=gw.x.net/1", "hops=192.0.2.1"};

	for (unsigned n = base_rng_below(r, 3); n; n--)
		snprintf(text + strlen(text), cap - strlen(text), " %s", PICK(r, options));
}

void world_random(struct base_rng *r, char *text, size_t cap)
{
	static const char *const plain[] = {
		"discovery on",
		"clearing on",
		"federation off",
		"unmarked reject",
		"mark-outgoing on",
		"identity lync",
		"identity rfc5922",
		"eku strict",
		"rights -federation",
		"rights -public",
		"user bob@ours.com rights=-federation",
		"user bob@ours.com rights=-public",
		"user bob@ours.net rights=+federation,+public",
		"public fed.im.net",
		"public fed.im.net off",
		"hosting fed.host.com",
		"hosting fed.host.com shared",
		"route contoso.com gw.x.net",
		"route contoso.com 192.0.2.1!down gw.x.net!final",
		"route .com.contoso.* 192.0.2.2",
		"route .com.contoso.* 192.0.2.2!block",
		"route aol.com gw.x.net",
		"route .* 192.0.2.3",
		"route .* 192.0.2.3!block",
		"default-routing dr.net",
		"default-routing dr.net public",
		"own our.org closed",
	};
	static const char *const kinds[] = {"allow", "allow", "allow", "allow", "block", "hard"};

	text[0] = '\0';
	for (unsigned n = 2 + base_rng_below(r, 6); n; n--) {
		size_t at = strlen(text);
		const char *kind;

		if (base_rng_below(r, 2)) {
			snprintf(text + at, cap - at, "%s; ", PICK(r, plain));
			continue;
		}
		kind = PICK(r, kinds);
		snprintf(text + at, cap - at, "%s %s%s%s", kind, base_rng_below(r, 2) ? "*." : "",
			 PICK(r, domains), base_rng_below(r, 4) ? "" : " except");
		if (kind[0] == 'a')
			random_options(r, text, cap);
		snprintf(text + strlen(text), cap - strlen(text), "; ");
	}
}

void message_random(struct base_rng *r, char *text, size_t cap)
{
	static const char *const methods[] = {"INVITE", "MESSAGE", "BYE",      "CANCEL",   "ACK",
					      "NOTIFY", "INVITE",  "BENOTIFY", "REGISTER", "UNHEARD"};
	static const char *const kinds[] = {"", "", "", "", "dialog ", "response "};
	static const char *const extra[] = {"mark=verified",
					    "mark=unverified",
					    "route=stale",
					    "route=foreign",
					    "revoked",
					    "untrusted",
					    "nocert",
					    "key=1 key-alone",
					    "eku=server",
					    "eku=none",
					    "key=1",
					    "pai=contoso.com",
					    "pai=evil.com",
					    "service=im",
					    "service=calls",
					    "pin=auto:x.com",
					    "pin=direct:y.com",
					    "hop",
					    "strange",
					    "split=wrong",
					    "split=good",
					    "route=edge:gw.x.net",
					    "inner=-public",
					    "inner=-federation",
					    "ruri=eve@ours.net",
					    "route=none",
					    "ruri=x@third.com",
					    "inner=-outside"};
	static const char *const types[] = {"direct", "allowed",  "discovered", "hosting",
					    "public", "clearing", "shared",	"default"};
	bool in = base_rng_below(r, 2) != 0;
	static const char *const us[] = {"bob@ours.com", "bob@ours.com", "bob@ours.com", "bob@ours.net",
					 "bob@ours.net", "bob@our.org",	 "bob@third.com"};
	const char *ours = PICK(r, us);
	const char *kind = PICK(r, kinds), *theirs = PICK(r, domains);
	bool from_them = in != (kind[0] == 'r');

	if (from_them)
		snprintf(text, cap, "%s %s%s alice@%s %s cert=%s,%s", in ? "in" : "out", kind,
			 PICK(r, methods), theirs, ours, PICK(r, hosts), PICK(r, hosts));
	else
		snprintf(text, cap, "%s %s%s %s alice@%s cert=%s", in ? "in" : "out", kind, PICK(r, methods),
			 ours, theirs, PICK(r, hosts));
	if (kind[0] && base_rng_below(r, 8))
		snprintf(text + strlen(text), cap - strlen(text), " stored=%s:%s:%s%s", PICK(r, types),
			 base_rng_below(r, 6) ? theirs : PICK(r, domains), PICK(r, hosts),
			 base_rng_below(r, 2) ? ":discovered" : "");
	for (unsigned n = base_rng_below(r, 4) / 2; n; n--)
		snprintf(text + strlen(text), cap - strlen(text), " %s", PICK(r, extra));
}

void answer_random(struct base_rng *r, struct world *w, const struct policy_ask *ask)
{
	static const char *const states[] = {"nothing", "failed", "bogus"};
	char text[512];

	if (base_rng_below(r, 3) == 0)
		snprintf(text, sizeof(text), "%s %.*s %s", ask->kind == POLICY_DNS_HOST ? "host" : "srv",
			 (int)ask->name.len, ask->name.ptr, PICK(r, states));
	else if (ask->kind == POLICY_DNS_HOST)
		snprintf(text, sizeof(text), "host %.*s 192.0.2.%u", (int)ask->name.len, ask->name.ptr,
			 1 + base_rng_below(r, 9));
	else
		snprintf(text, sizeof(text), "srv %.*s %s %s.%.*s%s%s", (int)ask->name.len, ask->name.ptr,
			 PICK(r, hosts), base_rng_below(r, 4) ? "sip" : "sip.eu", (int)ask->name.len,
			 ask->name.ptr, base_rng_below(r, 4) ? "" : "=-",
			 base_rng_below(r, 3) ? (base_rng_below(r, 4) ? "" : " fill=99") : " secure");
	world_add(w, text);
}
