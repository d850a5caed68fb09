/* SPDX-License-Identifier: BSD-3-Clause */
/* Exports of other products: what becomes of each line, and that none is skipped in silence. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/schema/schema_file.h"
#include "controlplane/daemon/csv.h"
#include "controlplane/daemon/import.h"

struct sink {
	struct schema_map map;
	struct schema_reader reader;
	struct schema_text out, reports;
};

static int take_line(void *ctx, const char *line, char *why)
{
	struct sink *s = ctx;
	struct schema_error e;

	if (schema_reader_line(&s->reader, line, 1, &e)) {
		snprintf(why, SCHEMA_WHY_MAX, "%s", e.why);
		return -EINVAL;
	}
	schema_text_printf(&s->out, "%s\n", line);
	return 0;
}

static void take_report(void *ctx, unsigned line, const char *what, const char *reason)
{
	struct sink *s = ctx;

	assert_true(strlen(reason) > 5);
	schema_text_printf(&s->reports, "%u %s: %s\n", line, what, reason);
}

static bool has_partner(void *ctx, const char *domain)
{
	struct sink *s = ctx;

	return schema_map_get(&s->map, schema_noun_index(schema_noun_named("partner")), domain) != NULL;
}

static void run(enum import_product p, const char *name, const char *text, const char *const *lines,
		const char *const *reports, const char *before)
{
	struct sink s = {0};
	const struct import_sink sink = {&s, take_line, take_report, has_partner, NULL};
	char *copy = strdup(text), why[SCHEMA_WHY_MAX];

	s.reader.map = &s.map;
	if (before)
		assert_int_equal(take_line(&s, before, why), 0);
	assert_int_equal(import_read(p, name, copy, strlen(copy), &sink), 0);
	for (; lines && *lines; lines++)
		if (!s.out.p || !strstr(s.out.p, *lines))
			fail_msg("no line '%s' in:\n%s\nreports:\n%s", *lines, s.out.p, s.reports.p);
	for (; reports && *reports; reports++)
		if (!s.reports.p || !strstr(s.reports.p, *reports))
			fail_msg("no report '%s' in:\n%s\nlines:\n%s", *reports, s.reports.p, s.out.p);
	free(copy);
	schema_reader_fini(&s.reader);
	schema_map_fini(&s.map);
	schema_text_fini(&s.out);
	schema_text_fini(&s.reports);
}

#define LIST(...)                 \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

static void lync(void **state)
{
	run(IMPORT_LYNC, "a.csv",
	    "#TYPE "
	    "Microsoft.Rtc.Management.WritableConfig.Settings.Edge.AllowedDomain\r\n\"Identity\",\"Domain\","
	    "\"ProxyFqdn\",\"VerificationLevel\",\"Comment\",\"MarkForMonitoring\",\"Colour\"\r\n\"Fabrikam."
	    "test\","
	    "\"Fabrikam.test\",\"edge.fabrikam.test\",\"AlwaysVerifiable\",\"a \"\"quoted\"\" "
	    "word\",\"True\",\"red\"\r\n"
	    "\"b.test\",\"b.test\",,\"UseSourceVerification\",,\"False\",\r\n\"bad..test\",\"bad..test\",,,,,"
	    "\r\n",
	    LIST("set partner Fabrikam.test allow proxy-fqdn edge.fabrikam.test verification "
		 "AlwaysVerifiable comment \"a "
		 "\\\"quoted\\\" word\" monitor True",
		 "set partner b.test allow verification UseSourceVerification monitor False"),
	    LIST("Colour red: this column is not known here", "5 bad..test: 'bad..test' has an empty label"),
	    NULL);
	run(IMPORT_LYNC, "blocked.csv", "Identity,Domain,Comment\nevil.test,evil.test,spam\n",
	    LIST("set partner evil.test block comment spam"), NULL, NULL);
	run(IMPORT_LYNC, "h.csv",
	    "Identity,Name,ProxyFqdn,Enabled,EnabledSharedAddressSpace,HostsOCSUsers,VerificationLevel,"
	    "IsLocal,AutodiscoverUrl,"
	    "SipClientPort\nLyncOnline,LyncOnline,sipfed.online.test,True,True,True,AlwaysVerifiable,False,"
	    "https://x,443\n",
	    LIST("set provider LyncOnline hosting proxy-fqdn sipfed.online.test enabled True "
		 "shared-address-space True "
		 "hosts-ocs-users True verification AlwaysVerifiable local False"),
	    LIST("AutodiscoverUrl https://x: clients' autodiscovery", "SipClientPort 443: clients connect"),
	    NULL);
	run(IMPORT_LYNC, "p.csv",
	    "Identity,ProxyFqdn,Enabled,IconUrl,NameDecorationDomain\nMSN,f.msn.test,True,i.png,a.test\n",
	    LIST("set provider MSN public proxy-fqdn f.msn.test enabled True name-decoration-domain a.test"),
	    LIST("IconUrl i.png: icons"), NULL);
	run(IMPORT_LYNC, "e.csv",
	    "Identity,AllowAnonymousUsers,AllowFederatedUsers,AllowOutsideUsers,BeClearingHouse,"
	    "EnablePartnerDiscovery,"
	    "DiscoveredPartnerVerificationLevel,DiscoveredPartnerReportPeriodMinutes,"
	    "MaxContactsPerDiscoveredPartner,"
	    "KeepCrlsUpToDateForPeers,RoutingMethod,IsPublicProvider\nGlobal,False,True,True,False,True,"
	    "UseSourceVerification,60,1000,True,UseDnsSrvRouting,False\n",
	    LIST("set federation allow-federated-users True clearing-house False partner-discovery True "
		 "discovered-verification UseSourceVerification",
		 "set limit-class discovered report-period 60m contacts 1000",
		 "set tls-profile imported revocation crl", "set federation discovered-limits discovered"),
	    LIST("AllowAnonymousUsers False: anonymous", "AllowOutsideUsers True: remote users"), NULL);
	run(IMPORT_LYNC, "s.csv", "Identity,Name,IsDefault\na.test,a.test,True\n",
	    LIST("set sip-domain a.test"), LIST("IsDefault True: no SIP domain is the default"), NULL);
	run(IMPORT_LYNC, "x.csv",
	    "Identity,Description,EnableXmppAccess,EnableFederationAccess,EnablePublicCloudAccess,"
	    "EnableOutsideAccess\nGlobal,,"
	    "False,True,False,True\nSite:North,,False,True,True,True\nTag:Sales,,True,True,True,True\n",
	    LIST("set access global xmpp False federation True public False outside True", "set site North",
		 "set access site/North xmpp False"),
	    LIST("Site:North: its users are not in the export", "Tag:Sales: a policy that is granted"), NULL);
}

static void cisco(void **state)
{
	run(IMPORT_CISCO, "domains.csv",
	    "Domain Name,Description,Integration Type,Direct Federation\nx.test,a partner,Inter-domain to "
	    "OCS/Lync,No\n"
	    "aol.test,,Inter-domain to AOL,No\nd.test,,Lync,Yes\n",
	    LIST("set partner x.test allow comment \"a partner\"",
		 "set partner aol.test allow via-domain aol.com", "set partner d.test allow"),
	    LIST("federated domain d.test: Direct Federation"), NULL);
	run(IMPORT_CISCO, "routes.csv",
	    "Destination Pattern,Description,Next Hop,Next Hop Port,Route Type,Protocol "
	    "Type,Priority,Weight,Allow "
	    "Less-Specific Route,In Service,Block "
	    "Route\n.test.a.*,main,e.a.test,5061,domain,TLS,1,20,true,true,false\n"
	    ".test.b.*,,192.0.2.9,,domain,TCP,2,1,true,false,true\nuser%1,,e.a.test,5060,user,TCP,1,1,,,\n"
	    ".test.c.*,,e.c.test,5060,domain,UDP,1,1,,,\n.test.d.*,,d.test,0,domain,TLS,1,1,true,true,"
	    "false\n",
	    LIST("set route .test.a.* to e.a.test:5061 comment main priority 1 weight 20 less-specific true "
		 "in-service true",
		 "set route .test.b.* to 192.0.2.9:5060 insecure tcp priority 2 weight 1 less-specific true "
		 "in-service false "
		 "block",
		 "set route .test.d.* to d.test:5061 srv"),
	    LIST("static route .test.b.* to 192.0.2.9: without TLS", "user%1 to e.a.test: a route by user",
		 ".test.c.* to e.c.test: UDP"),
	    NULL);
	run(IMPORT_CISCO, "peers.csv", "Peer Subject Name,Description\nedge.x.test,\nedge.y.test,\n",
	    LIST("set partner x.test peer-name edge.x.test"),
	    LIST("TLS peer subject edge.y.test: no partner"), "set partner x.test allow");
}

/* Export-Csv -UseCulture, and what is pasted out of a spreadsheet */
static void other_separators(void **state)
{
	run(IMPORT_LYNC, "AllowedDomain.csv",
	    "\"Identity\";\"Domain\";\"Comment\"\n\"a.test\";\"a.test\";\"x, y; z\"\n",
	    LIST("set partner a.test allow comment \"x, y; z\""), NULL, NULL);
	run(IMPORT_LYNC, "AllowedDomain.csv", "Identity\tDomain\na.test\ta.test\n",
	    LIST("set partner a.test allow"), NULL, NULL);
	run(IMPORT_LYNC, "HostingProvider.csv",
	    "Identity,ProxyFqdn,VerificationLevel\nExchange Online,exap.x.test,AlwaysVerifiable\n",
	    LIST("set provider Exchange-Online hosting proxy-fqdn exap.x.test verification AlwaysVerifiable"),
	    LIST("Exchange Online: names have no blanks here: it is called Exchange-Online"), NULL);
}

static void unknown(void **state)
{
	static const char *const rows[] = {"", "a,b\n1,2\n", "\"open", "\n\n\n"};

	for (unsigned i = 0; i < 4; i++) {
		struct sink s = {0};
		const struct import_sink sink = {&s, take_line, take_report, has_partner, NULL};
		char *copy = strdup(rows[i]);

		s.reader.map = &s.map;
		assert_int_equal(import_read(IMPORT_LYNC, "x", copy, strlen(copy), &sink), -EINVAL);
		assert_true(s.reports.n > 0);
		free(copy);
		schema_text_fini(&s.reports);
	}
}

static void csv(void **state)
{
	char text[] = "a,\"b,\"\"x\"\"\nc\",d\r\n,\n\"e\"f,g", *field[CSV_FIELDS_MAX];
	unsigned n, lines;
	size_t at = 0, len = strlen(text);
	long r = csv_record(text, len, ',', field, &n, &lines);

	assert_int_equal(n, 3);
	assert_int_equal(lines, 2);
	assert_string_equal(field[1], "b,\"x\"\nc");
	assert_string_equal(field[2], "d");
	at += (size_t)r;
	r = csv_record(text + at, len - at, ',', field, &n, &lines);
	assert_int_equal(n, 2);
	at += (size_t)r;
	r = csv_record(text + at, len - at, ',', field, &n, &lines);
	assert_int_equal(n, 2);
	assert_string_equal(field[0], "ef");
	at += (size_t)r;
	assert_int_equal(csv_record(text + at, len - at, ',', field, &n, &lines), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(csv), cmocka_unit_test(lync),
					   cmocka_unit_test(cisco), cmocka_unit_test(other_separators),
					   cmocka_unit_test(unknown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
