/* SPDX-License-Identifier: BSD-3-Clause */
/* Next hops as they are written down, read back from the records that the dataplane gets: which of them go
 * without TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/policy/small.h"
#include "config/schema/schema_file.h"
#include "config/policy/source.h"
#include "controlplane/publish/records.h"

static bool no_error(void *ctx, const struct schema_error *e)
{
	fail_msg("%u: %s", e->line, e->why);
	return false;
}

static void records_of(const char *lines, struct records_table t[POLICY_SMALLS])
{
	struct schema_map map = {0};
	struct schema_reader reader = {.map = &map};
	struct records_ids ids = {0};
	struct schema_source source;

	assert_int_equal(schema_file_read(&reader, lines, strlen(lines), no_error, NULL, NULL, NULL), 0);
	schema_reader_fini(&reader);
	source = schema_source_map(&map);
	assert_int_equal(records_small(&source, NULL, &ids, t), 0);
	records_ids_fini(&ids);
	schema_map_fini(&map);
}

/* one word a hop: its port, "!" where it goes without TLS; sets are parted by "/" */
static void hops_of(const char *lines, char out[256])
{
	struct records_table t[POLICY_SMALLS] = {0};
	struct policy_hop hop;
	size_t n = 0;

	records_of(lines, t);
	*out = '\0';
	for (unsigned i = 0; i < t[POLICY_SMALL_ROUTES].n; i++) {
		n += (size_t)snprintf(out + n, 256 - n, "%s", i ? " /" : "");
		for (unsigned k = 0; policy_route_hop(t[POLICY_SMALL_ROUTES].record[i], k, &hop); k++) {
			assert_true(hop.flags & POLICY_HOP_IN_SERVICE);
			n += (size_t)snprintf(out + n, 256 - n, " %u%s", hop.port,
					      hop.flags & POLICY_HOP_INSECURE ? "!" : "");
		}
	}
	for (unsigned i = 0; i < POLICY_SMALLS; i++)
		records_table_fini(&t[i]);
}

static void insecure(void **state)
{
	static const struct {
		const char *lines, *hops;
	} rows[] = {
		{"set sip-domain o.test next-hop 10.0.0.9:5070 next-hop pool.o.test\n", " 5070 5061"},
		{"set sip-domain o.test next-hop 10.0.0.9:5070 next-hop pool.o.test insecure tcp\n",
		 " 5070! 5061!"},
		{"set sip-domain a.test next-hop 10.0.0.9:5070 insecure tcp\n"
		 "set sip-domain b.test next-hop 10.0.0.9:5071\n",
		 " 5070! / 5071"},
		{"set route p.test to a.p.test:5070 insecure tcp\n"
		 "set route p.test to b.p.test:5071 priority 2\n",
		 " 5070! 5071"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char got[256];

		hops_of(rows[i].lines, got);
		assert_string_equal(got, rows[i].hops);
	}
}

/* who may connect to a listener without TLS stands in its record, and in no other's */
static void sources(void **state)
{
	static const char lines[] =
		"set identity a public-fqdn s.a.test external-listen 198.18.0.1 internal-listen 10.0.0.2 "
		"insecure-listen 10.0.0.2 insecure-allow-from 10.1.32.0/19 insecure-allow-from "
		"2001:db8::/33\n";
	static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, 10, 1, 32, 0}, v6[16] = {0x20, 1, 0xd, 0xb8};
	struct records_table t[POLICY_SMALLS] = {0};
	const struct policy_prefix *p;
	unsigned plain = 0, prefixes = 0, bits = 0;

	records_of(lines, t);
	assert_int_equal(t[POLICY_SMALL_LISTENERS].n, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct policy_listener *l = t[POLICY_SMALL_LISTENERS].record[i];

		plain += l->protocol == POLICY_PROTOCOL_SIP_TCP && l->side == POLICY_SIDE_INTERNAL &&
			 l->port == 5060;
		for (unsigned k = 0; (p = policy_listener_prefix(l, k)); k++) {
			assert_int_equal(l->protocol, POLICY_PROTOCOL_SIP_TCP);
			assert_memory_equal(p->ip, p->bits == 33 ? v6 : v4, 16);
			bits += p->bits;
			prefixes++;
		}
	}
	assert_int_equal(plain, 1);
	assert_int_equal(prefixes, 2);
	assert_int_equal(bits, 96 + 19 + 33);
	for (unsigned i = 0; i < POLICY_SMALLS; i++)
		records_table_fini(&t[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(insecure), cmocka_unit_test(sources)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
