/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/import.h"
#include "config/schema/schema_value.h"
#include "controlplane/daemon/csv.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct importer {
	enum import_product product;
	const struct import_sink *sink;
	const char *where; /* the cmdlet, as schema_foreign has it */
	char *column[CSV_FIELDS_MAX];
	char *value[CSV_FIELDS_MAX];
	unsigned columns, values, line;
};

/* what marks a file: its #TYPE line or name, or a column that only this export has */
static const struct {
	enum import_product product;
	const char *where, *word, *column;
} kinds[] = {
	{IMPORT_LYNC, "CsAllowedDomain", "AllowedDomain", "MarkForMonitoring"},
	{IMPORT_LYNC, "CsBlockedDomain", "BlockedDomain", NULL},
	{IMPORT_LYNC, "CsHostingProvider", "HostingProvider", "HostsOCSUsers"},
	{IMPORT_LYNC, "CsPublicProvider", "PublicProvider", "NameDecorationDomain"},
	{IMPORT_LYNC, "CsAccessEdgeConfiguration", "AccessEdge", "AllowFederatedUsers"},
	{IMPORT_LYNC, "CsSipDomain", "SipDomain", "IsDefault"},
	{IMPORT_LYNC, "CsExternalAccessPolicy", "ExternalAccess", "EnableFederationAccess"},
	{IMPORT_LYNC, "CsXmppAllowedPartner", "XmppAllowedPartner", "PartnerType"},
	{IMPORT_LYNC, "CsXmppGatewayConfiguration", "XmppGateway", "StreamEstablishmentTimeout"},
	{IMPORT_CISCO, "CiscoStaticRoute", "route", "DestinationPattern"},
	{IMPORT_CISCO, "CiscoTlsPeerSubject", "peer", "PeerSubjectName"},
	{IMPORT_CISCO, "CiscoFederatedDomain", "domain", "DirectFederation"},
};

/* PowerShell's own columns: nothing that anybody configured */
static const char powershell[] = "XsAnyElements|XsAnyAttributes|Element|Anchor|ScopeClass|Key|TypedIdentity|"
				 "PSComputerName|RunspaceId|PSShowComputerName|ConfigId|DataSource";

/* other headings of Cisco's exports */
static const struct {
	const char *theirs, *ours;
} headings[] = {
	{"DomainName", "Domain"},
	{"FederatedDomain", "Domain"},
	{"IntegrationType", "Type"},
	{"DomainType", "Type"},
	{"Pattern", "DestinationPattern"},
	{"NextHopAddress", "NextHop"},
	{"Port", "NextHopPort"},
	{"AllowLessSpecific", "AllowLessSpecificRoute"},
	{"Protocol", "ProtocolType"},
	{"SubjectName", "PeerSubjectName"},
	{"PeerSubject", "PeerSubjectName"},
	{"IsDirectFederation", "DirectFederation"},
};

static void report(struct importer *im, const char *what, const char *reason)
{
	im->sink->report(im->sink->ctx, im->line, what, reason);
}

/* "Next Hop_Port" → "NextHopPort", in place */
static void squeeze(char *s)
{
	char *w = s;

	for (; *s; s++)
		if (*s != ' ' && *s != '_' && *s != '-' && (unsigned char)*s != 0xef &&
		    (unsigned char)*s != 0xbb && (unsigned char)*s != 0xbf)
			*w++ = *s;
	*w = '\0';
}

static int column(const struct importer *im, const char *name)
{
	for (unsigned i = 0; i < im->columns; i++)
		if (strcasecmp(im->column[i], name) == 0)
			return (int)i;
	return -1;
}

static const char *cell(const struct importer *im, const char *name)
{
	int i = column(im, name);

	return i >= 0 && (unsigned)i < im->values && *im->value[i] ? im->value[i] : NULL;
}

static bool yes(const char *v)
{
	return v && schema_word_in("true|yes|on|1|t", v, strlen(v));
}

static void put(struct importer *im, struct schema_text *line, const char *what)
{
	char why[SCHEMA_WHY_MAX] = "";

	if (im->sink->line(im->sink->ctx, line->p, why))
		report(im, what, why);
	schema_text_fini(line);
}

static void add_word(struct schema_text *t, const char *w)
{
	schema_text_puts(t, " ");
	schema_word_print(t, w);
}

/* one value of another product, as this field reads it */
static void add_value(struct importer *im, struct schema_text *t, const struct schema_foreign *f,
		      const char *v)
{
	const struct schema_noun *n = schema_noun_named(f->noun);
	int index = schema_field_named(n, f->field);
	const struct schema_field *field = &n->fields[index];
	char buf[SCHEMA_VALUE_MAX], out[SCHEMA_VALUE_MAX], why[SCHEMA_WHY_MAX], what[300];

	if (field->type == SCHEMA_FLAG) {
		if (yes(v))
			add_word(t, f->field);
		return;
	}
	snprintf(buf, sizeof(buf), "%.1000s", v);
	if (strcmp(f->name, "DiscoveredPartnerReportPeriodMinutes") == 0)
		snprintf(buf, sizeof(buf), "%.900sm", v);
	if (strcmp(f->name, "KeepCrlsUpToDateForPeers") == 0)
		snprintf(buf, sizeof(buf), "%s", yes(v) ? "crl" : "off");
	/* PowerShell prints spans as 00:01:00 */
	if (field->type == SCHEMA_DURATION && strchr(v, ':')) {
		unsigned h, m, s;

		if (sscanf(v, "%u:%u:%u", &h, &m, &s) == 3)
			snprintf(buf, sizeof(buf), "%u", h * 3600 + m * 60 + s);
	}
	for (char *p = buf; field->type == SCHEMA_TEXT && *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	/* lists are separated by blanks, commas or semicolons */
	if ((field->flags & SCHEMA_MULTI) && field->type != SCHEMA_TEXT) {
		char *save = NULL;

		for (char *p = strtok_r(buf, ",; {}", &save); p; p = strtok_r(NULL, ",; {}", &save)) {
			add_word(t, f->field);
			add_word(t, p);
		}
		return;
	}
	if (schema_value_canon(field, buf, out, why, NULL) && field->type != SCHEMA_FQDN &&
	    field->type != SCHEMA_DOMAIN) {
		snprintf(what, sizeof(what), "%s %.200s", f->name, v);
		report(im, what, why);
		return;
	}
	add_word(t, f->field);
	add_word(t, buf);
}

/* the columns that have a field of `noun`; those that have no place are reported */
static void add_columns(struct importer *im, struct schema_text *t, const char *noun, const char *handled)
{
	for (unsigned i = 0; i < im->columns && i < im->values; i++) {
		const struct schema_foreign *f = schema_foreign_find(im->where, im->column[i]);
		char what[300];

		if (!*im->value[i] || schema_word_in(powershell, im->column[i], strlen(im->column[i])) ||
		    schema_word_in(handled, im->column[i], strlen(im->column[i])))
			continue;
		if (f && f->noun && *f->field && strcmp(f->noun, noun) == 0) {
			add_value(im, t, f, im->value[i]);
			continue;
		}
		if (f && f->noun)
			continue; /* the key, or another object's: written elsewhere */
		snprintf(what, sizeof(what), "%s %s %.100s", im->where, im->column[i], im->value[i]);
		report(im, what, f ? f->note : "this column is not known here");
	}
}

static void simple(struct importer *im, const char *noun, const char *key, const char *between,
		   const char *handled)
{
	struct schema_text t = {0};

	schema_text_printf(&t, "set %s", noun);
	add_word(&t, key);
	schema_text_puts(&t, between);
	add_columns(im, &t, noun, handled);
	put(im, &t, key);
}

/* A provider's Identity may have blanks; a name here has none. */
static void provider(struct importer *im, const char *key, const char *kind)
{
	char name[SCHEMA_KEY_MAX], said[SCHEMA_KEY_MAX + 40];

	snprintf(name, sizeof(name), "%.600s", key);
	for (char *p = name; *p; p++)
		if (*p == ' ')
			*p = '-';
	if (strcmp(name, key)) {
		snprintf(said, sizeof(said), "names have no blanks here: it is called %.500s", name);
		report(im, key, said);
	}
	simple(im, "provider", name, kind, "Identity|Name");
}

static const char *key_of(struct importer *im)
{
	const char *k = cell(im, "Domain");

	k = k ? k : cell(im, "Name");
	return k ? k : cell(im, "Identity");
}

static void take_edge(struct importer *im)
{
	static const char *const nouns[] = {"federation", "limit-class discovered", "tls-profile imported",
					    "dns"};
	bool limits = false, profile = false;
	const char *routing = cell(im, "RoutingMethod");

	for (unsigned i = 0; i < 4; i++) {
		struct schema_text t = {0};
		char noun[32];
		size_t head;

		snprintf(noun, sizeof(noun), "%.*s", (int)strcspn(nouns[i], " "), nouns[i]);
		schema_text_printf(&t, "set %s", nouns[i]);
		head = t.n;
		for (unsigned c = 0; c < im->columns && c < im->values; c++) {
			const struct schema_foreign *f = schema_foreign_find(im->where, im->column[c]);

			if (f && f->noun && strcmp(f->noun, noun) == 0 && *im->value[c] &&
			    strcmp(f->field, "routing"))
				add_value(im, &t, f, im->value[c]);
		}
		if (i == 0 &&
		    (yes(cell(im, "UseDefaultRouting")) || (routing && strcasestr(routing, "Default"))))
			schema_text_puts(&t, " routing default-route");
		/* what belongs to the default route says nothing where DNS decides */
		if (i == 0 && !strstr(t.p, "routing default-route")) {
			char *cut = strstr(t.p, " default-route-public ");

			if (cut) {
				size_t n = strcspn(cut + 22, " ") + 22;

				memmove(cut, cut + n, strlen(cut + n) + 1);
				t.n -= n;
			}
		}
		limits |= i == 1 && t.n > head;
		profile |= i == 2 && t.n > head;
		if (t.n > head)
			put(im, &t, nouns[i]);
		else
			schema_text_fini(&t);
	}
	for (unsigned k = 0; k < 2; k++) {
		struct schema_text t = {0};

		if (!(k ? profile : limits))
			continue;
		schema_text_puts(&t, k ? "set federation tls-profile imported"
				       : "set federation discovered-limits discovered");
		put(im, &t, "federation");
	}
	for (unsigned c = 0; c < im->columns && c < im->values; c++) {
		const struct schema_foreign *f = schema_foreign_find(im->where, im->column[c]);
		char what[300];

		if (!*im->value[c] || (f && f->noun) ||
		    schema_word_in(powershell, im->column[c], strlen(im->column[c])))
			continue;
		snprintf(what, sizeof(what), "%s %s %.100s", im->where, im->column[c], im->value[c]);
		report(im, what, f ? f->note : "this column is not known here");
	}
}

static void take_access(struct importer *im)
{
	const char *id = cell(im, "Identity");
	char scope[SCHEMA_KEY_MAX], what[300];
	struct schema_text t = {0};

	if (!id)
		return;
	if (strcasecmp(id, "Global") == 0) {
		snprintf(scope, sizeof(scope), "global");
	} else if (strncasecmp(id, "Site:", 5) == 0) {
		snprintf(scope, sizeof(scope), "site/%.200s", id + 5);
		for (char *p = scope; *p; p++)
			if (*p == ' ')
				*p = '-';
		/* the members of a Lync site are not in this export */
		schema_text_printf(&t, "set site %s comment \"imported; add its users\"", scope + 5);
		put(im, &t, id);
		snprintf(what, sizeof(what), "%s", id);
		report(im, what,
		       "its users are not in the export: 'set site NAME user USER@DOMAIN' adds them");
	} else {
		snprintf(what, sizeof(what), "CsExternalAccessPolicy %.200s", id);
		report(im, what,
		       "a policy that is granted to users one by one: who has it is not in the export; give "
		       "it to them "
		       "with 'set access user/USER@DOMAIN' or through a site");
		return;
	}
	simple(im, "access", scope, "", "Identity");
}

static void take_row_lync(struct importer *im)
{
	const char *key = key_of(im);

	if (strcmp(im->where, "CsAccessEdgeConfiguration") == 0)
		take_edge(im);
	else if (strcmp(im->where, "CsExternalAccessPolicy") == 0)
		take_access(im);
	else if (strcmp(im->where, "CsXmppGatewayConfiguration") == 0) {
		struct schema_text t = {0};

		schema_text_puts(&t, "set xmpp");
		add_columns(im, &t, "xmpp", "Identity");
		put(im, &t, "xmpp");
	} else if (!key)
		report(im, im->where, "the row has neither Identity nor Domain");
	else if (strcmp(im->where, "CsAllowedDomain") == 0)
		simple(im, "partner", key, " allow", "Identity|Domain");
	else if (strcmp(im->where, "CsBlockedDomain") == 0)
		simple(im, "partner", key, " block", "Identity|Domain");
	else if (strcmp(im->where, "CsHostingProvider") == 0)
		provider(im, key, " hosting");
	else if (strcmp(im->where, "CsPublicProvider") == 0)
		provider(im, key, " public");
	else if (strcmp(im->where, "CsSipDomain") == 0)
		simple(im, "sip-domain", key, "", "Identity|Name");
	else
		simple(im, "xmpp-partner", key, " allow", "Identity|Domain");
}

/* Cisco's defaults hold where its export says nothing: port 5060, TCP, route type user */
static void take_route(struct importer *im)
{
	const char *pattern = cell(im, "DestinationPattern"), *hop = cell(im, "NextHop"),
		   *port = cell(im, "NextHopPort");
	const char *type = cell(im, "RouteType"), *proto = cell(im, "ProtocolType");
	char target[SCHEMA_KEY_MAX], what[300];
	struct schema_text t = {0};
	bool srv = port && strcmp(port, "0") == 0;

	snprintf(what, sizeof(what), "static route %.100s to %.100s", pattern ? pattern : "?",
		 hop ? hop : "?");
	if (!pattern || !hop)
		return report(im, what, "the row has no pattern or no next hop");
	if (type && strcasecmp(type, "user") == 0)
		return report(im, what, "a route by user: routes are by domain here");
	if (strpbrk(pattern, "%{}"))
		return report(im, what, "an embed template: routes are by domain here");
	if (proto && strcasecmp(proto, "UDP") == 0)
		return report(im, what, "UDP has no place here: ask the partner for TLS");
	snprintf(target, sizeof(target), strchr(hop, ':') ? "[%.200s]:%.8s" : "%.200s:%.8s", hop,
		 srv	? "5061"
		 : port ? port
			: "5060");
	schema_text_puts(&t, "set route");
	add_word(&t, pattern);
	schema_text_puts(&t, " to");
	add_word(&t, target);
	if (srv)
		schema_text_puts(&t, " srv");
	if (!proto || strcasecmp(proto, "TLS")) {
		schema_text_puts(&t, " insecure tcp");
		report(im, what,
		       "without TLS there: imported as insecure tcp; change it as soon as the partner speaks "
		       "TLS");
	}
	add_columns(im, &t, "route", "DestinationPattern|NextHop|NextHopPort|ProtocolType|RouteType");
	put(im, &t, what);
}

static void take_domain(struct importer *im)
{
	const char *domain = cell(im, "Domain"), *type = cell(im, "Type"),
		   *direct = cell(im, "DirectFederation");
	const char *via = im->sink->via_default ? im->sink->via_default : "aol.com";
	char what[300], between[SCHEMA_DOMAIN_MAX + 32] = " allow";

	if (!domain)
		return report(im, "federated domain", "the row has no domain");
	snprintf(what, sizeof(what), "federated domain %.200s", domain);
	if (type && strcasestr(type, "AOL"))
		snprintf(between, sizeof(between), " allow via-domain %s", via);
	if (yes(direct))
		report(im, what,
		       "Direct Federation: both kinds are one here; a static route to its edge makes it "
		       "direct");
	simple(im, "partner", domain, between, "Domain|Type|DirectFederation");
}

static void take_peer(struct importer *im)
{
	const char *name = cell(im, "PeerSubjectName");
	const char *parent = name ? strchr(name, '.') : NULL;
	struct schema_text t = {0};
	char what[300];

	snprintf(what, sizeof(what), "TLS peer subject %.200s", name ? name : "?");
	if (!parent || !im->sink->has_partner(im->sink->ctx, parent + 1))
		return report(
			im, what,
			"no partner has this domain: give the name to its partner or route as peer-name");
	schema_text_puts(&t, "set partner");
	add_word(&t, parent + 1);
	schema_text_puts(&t, " peer-name");
	add_word(&t, name);
	put(im, &t, what);
}

static void take_row(struct importer *im)
{
	if (im->product == IMPORT_LYNC)
		take_row_lync(im);
	else if (strcmp(im->where, "CiscoStaticRoute") == 0)
		take_route(im);
	else if (strcmp(im->where, "CiscoTlsPeerSubject") == 0)
		take_peer(im);
	else
		take_domain(im);
}

/* what stands most often in the headings: their names have none of them */
static char separator_of(const char *text)
{
	static const char known[] = {',', ';', '\t'};
	unsigned count[sizeof(known)] = {0}, best = 0;

	for (const char *p = text; *p && *p != '\n'; p++)
		for (unsigned i = 0; i < sizeof(known); i++)
			count[i] += *p == known[i];
	for (unsigned i = 1; i < sizeof(known); i++)
		if (count[i] > count[best])
			best = i;
	return known[best];
}

static const char *recognise(const struct importer *im, const char *name, const char *type)
{
	for (unsigned pass = 0; pass < 3; pass++)
		for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			if (kinds[i].product != im->product)
				continue;
			if ((pass == 0 && *type && strcasestr(type, kinds[i].word)) ||
			    (pass == 1 && kinds[i].column && column(im, kinds[i].column) >= 0) ||
			    (pass == 2 && strcasestr(name, kinds[i].word)))
				return kinds[i].where;
		}
	/* Domain and Comment only: what Get-CsBlockedDomain has */
	if (im->product == IMPORT_LYNC && column(im, "Domain") >= 0 && column(im, "Comment") >= 0 &&
	    column(im, "ProxyFqdn") < 0)
		return "CsBlockedDomain";
	if (im->product == IMPORT_CISCO && column(im, "Domain") >= 0)
		return "CiscoFederatedDomain";
	return NULL;
}

int import_read(enum import_product product, const char *name, char *text, size_t len,
		const struct import_sink *sink)
{
	struct importer im = {.product = product, .sink = sink, .line = 1};
	char type[256] = "";
	bool header = false;
	char separator = ',';

	while (len) {
		unsigned lines = 1;
		long n;

		if (!header && *text == '#') {
			size_t end = strcspn(text, "\n");

			snprintf(type, sizeof(type), "%.*s", (int)(end < 250 ? end : 250), text);
			n = (long)(end < len ? end + 1 : len);
		} else {
			if (!header)
				separator = separator_of(text);
			n = csv_record(text, len, separator, header ? im.value : im.column,
				       header ? &im.values : &im.columns, &lines);
			if (n < 0) {
				report(&im, name,
				       "this is no CSV: a quoted field does not end, or a line has too many "
				       "fields");
				return -EINVAL;
			}
			if (n == 0)
				break;
			if (!header) {
				for (unsigned i = 0; i < im.columns; i++) {
					squeeze(im.column[i]);
					for (unsigned k = 0; product == IMPORT_CISCO &&
							     k < sizeof(headings) / sizeof(headings[0]);
					     k++)
						if (strcasecmp(headings[k].theirs, im.column[i]) == 0)
							im.column[i] = (char *)(uintptr_t)headings[k].ours;
				}
				im.where = recognise(&im, name, type);
				if (!im.where) {
					report(&im, name,
					       product == IMPORT_LYNC ? "this is no export of a Get-Cs… "
									"cmdlet that is known here"
								      : "this has no column Domain, Pattern "
									"or Peer Subject Name");
					return -EINVAL;
				}
				header = true;
			} else if (im.values > 1 || (im.values == 1 && *im.value[0])) {
				take_row(&im);
			}
		}
		text += n;
		len -= (size_t)n;
		im.line += lines;
	}
	if (!header) {
		report(&im, name, "the file is empty");
		return -EINVAL;
	}
	return 0;
}
