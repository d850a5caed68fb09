/* SPDX-License-Identifier: BSD-3-Clause */
/* The table agrees with itself, and covers what it promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/schema/schema_manual.h"
#include "config/schema/schema_value.h"

static void consistent(void **state)
{
	for (unsigned i = 0; i < schema_nouns_n; i++) {
		const struct schema_noun *n = &schema_nouns[i];

		assert_ptr_equal(schema_noun_named(n->name), n);
		assert_true(strlen(n->help) > 5);
		for (unsigned k = 0; k < n->fields_n; k++) {
			const struct schema_field *f = &n->fields[k];
			char out[SCHEMA_VALUE_MAX], why[SCHEMA_WHY_MAX];

			assert_true(strlen(f->help) > 3);
			assert_int_equal(schema_field_named(n, f->name), k);
			/* in JSON they stand beside these members */
			assert_string_not_equal(f->name, "noun");
			assert_string_not_equal(f->name, "key");
			if (n->key2_word)
				assert_string_not_equal(f->name, n->key2_word);
			if (f->type == SCHEMA_ENUM)
				assert_non_null(f->choices);
			if (f->refers && !schema_noun_named(f->refers))
				fail_msg("%s %s refers to nothing: %s", n->name, f->name, f->refers);
			if (f->fallback) {
				if (schema_value_canon(f, f->fallback, out, why, NULL))
					fail_msg("%s %s: default %s: %s", n->name, f->name, f->fallback, why);
				assert_string_equal(out, f->fallback);
			}
			if ((f->type == SCHEMA_UINT || f->type == SCHEMA_DURATION) && f->min > f->max)
				fail_msg("%s %s: empty range", n->name, f->name);
		}
	}
}

static void foreign(void **state)
{
	/* the parameters of federation.md section 1.7, cmdlet by cmdlet */
	static const char *const all[][48] = {
		{"CsAccessEdgeConfiguration",
		 "AllowAnonymousUsers",
		 "AllowFederatedUsers",
		 "AllowOutsideUsers",
		 "EnablePartnerDiscovery",
		 "BeClearingHouse",
		 "UseDnsSrvRouting",
		 "UseDefaultRouting",
		 "DefaultRouteFqdn",
		 "IsPublicProvider",
		 "VerificationLevel",
		 "DiscoveredPartnerVerificationLevel",
		 "DiscoveredPartnerStandardRate",
		 "DiscoveredPartnerReportPeriodMinutes",
		 "EnableDiscoveredPartnerContactsLimit",
		 "MaxContactsPerDiscoveredPartner",
		 "MaxAcceptedCertificatesStored",
		 "MaxRejectedCertificatesStored",
		 "CertificatesDeletedPercentage",
		 "KeepCrlsUpToDateForPeers",
		 "MarkSourceVerifiableOnOutgoingMessages",
		 "OutgoingTlsCountForFederatedPartners",
		 "EnableArchivingDisclaimer",
		 "EnableUserReplicator",
		 "DnsSrvCacheRecordCount"},
		{"CsAllowedDomain", "Domain", "ProxyFqdn", "Comment", "MarkForMonitoring",
		 "VerificationLevel"},
		{"CsBlockedDomain", "Domain", "Comment"},
		{"CsHostingProvider", "Identity", "ProxyFqdn", "Enabled", "EnabledSharedAddressSpace",
		 "HostsOCSUsers", "IsLocal", "VerificationLevel", "AutodiscoverUrl", "SipClientPort"},
		{"CsPublicProvider", "Identity", "ProxyFqdn", "Enabled", "VerificationLevel", "IconUrl",
		 "NameDecorationDomain", "NameDecorationRoutingDomain", "NameDecorationExcludedDomainList",
		 "EnableSkypeIdRouting"},
		{"CsExternalAccessPolicy", "EnableFederationAccess", "EnableXmppAccess",
		 "EnablePublicCloudAccess", "EnableOutsideAccess"},
	};

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (unsigned k = 1; all[i][k]; k++)
			if (!schema_foreign_find(all[i][0], all[i][k]))
				fail_msg("%s %s is nowhere", all[i][0], all[i][k]);
	for (unsigned i = 0; i < schema_foreigns_n; i++) {
		const struct schema_foreign *f = &schema_foreigns[i];
		const struct schema_noun *n;

		if (!f->noun) {
			assert_non_null(f->note);
			continue;
		}
		n = schema_noun_named(f->noun);
		assert_non_null(n);
		if (*f->field && schema_field_named(n, f->field) < 0)
			fail_msg("%s %s: %s has no %s", f->where, f->name, f->noun, f->field);
	}
}

static void manuals(void **state)
{
	int (*const make[])(struct schema_text *) = {
		schema_manual_file, schema_manual_commands, schema_manual_control, schema_manual_dataplane,
		schema_manual_bash, schema_manual_json,	    schema_manual_foreign};
	struct schema_text t = {0};

	for (unsigned i = 0; i < 5; i++) {
		schema_text_reset(&t);
		assert_int_equal(make[i](&t), 0);
		assert_true(t.n > 300);
	}
	schema_text_reset(&t);
	schema_manual_file(&t);
	for (unsigned i = 0; i < schema_nouns_n; i++)
		assert_non_null(strstr(t.p, schema_nouns[i].name));
	schema_text_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(consistent), cmocka_unit_test(foreign),
					   cmocka_unit_test(manuals)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
