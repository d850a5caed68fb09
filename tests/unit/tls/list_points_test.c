/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose chains are told for the revocation lists that they name, how often, and what when there is no room.
 */
#include <stdio.h>

#include "config/policy/record.h"
#include "tests/unit/tls/kit.h"

#define POINT "URI:http://crl.test/a.crl"

static struct {
	struct kit_cert ca, other, mid, us;
	char *lists; /* of both CAs */
} w;

static struct {
	unsigned n;
	size_t len;
	uint8_t der[16384];
	bool full;
} told;

static int setup(void **state)
{
	char *a, *b;

	w.ca = kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true});
	w.other =
		kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true}); /* the name of the good one */
	w.mid = kit_cert(&w.ca, (struct kit_ask){.cn = "mid", .ca = true});
	w.us = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test"});
	a = kit_crl(&w.ca, NULL, 86400);
	b = kit_crl(&w.mid, NULL, 86400);
	w.lists = kit_join(a, b, (char *)NULL);
	free(a);
	free(b);
	return 0;
}

static int teardown(void **state)
{
	kit_cert_free(&w.ca);
	kit_cert_free(&w.other);
	kit_cert_free(&w.mid);
	kit_cert_free(&w.us);
	free(w.lists);
	return 0;
}

static bool tell(void *ctx, unsigned profile, const uint8_t *der, size_t len)
{
	assert_int_equal(profile, 0);
	assert_true(len <= sizeof(told.der));
	if (told.full)
		return false;
	told.n++;
	told.len = len;
	memcpy(told.der, der, len);
	return true;
}

static bool pins(void *ctx, unsigned profile, const uint8_t spki[32])
{
	return true;
}

static void begin(struct kit_side *s, uint8_t revocation, const char *lists)
{
	struct tls_pair pair = {kit_blob(w.us.pem), kit_blob(w.us.key_pem), {0}};
	struct tls_identity_spec id = {.name = "edge", .server = {pair}, .client = {pair}};
	struct tls_profile_spec p = tls_profile_modern;
	struct tls_world_spec spec = {.identities = &id, .n_identities = 1, .profiles = &p, .n_profiles = 1};

	p.trust = kit_blob(w.ca.pem);
	p.eku = POLICY_EKU_ACCEPT_SERVERAUTH;
	p.revocation = revocation;
	p.crls = kit_blob(lists);
	kit_side_init(s, NULL);
	kit_world(s, &spec);
	tls_core_tells(s->core, tell, NULL);
	memset(&told, 0, sizeof(told));
}

/* one handshake; true: it came up */
static bool comes(struct kit_side *s, const struct kit_cert *cert, const char *chain, bool server)
{
	struct kit_foreign_ask ask = {
		.server = !server, .cert = cert, .chain = chain, .version = 0x0304, .tickets = -1};
	struct tls_client_params p = {.remote = base_addr_v4("\xc6\x12\x01\x02"), .remote_port = 5061};
	struct kit_foreign f;
	bool up;

	kit_side_reset(s);
	kit_openssl(&f, &ask);
	if (server)
		kit_accept(s, 0);
	else
		assert_int_equal(tls_connect(s->core, 1, &p, &kit_ops, &s->app, &s->id), 0);
	kit_pump(s, &f);
	up = s->app.ready == 1;
	if (!up) {
		kit_clock(s, 6000);
		kit_pump(s, &f);
	}
	kit_foreign_free(&f);
	return up;
}

static uint64_t counted(const struct kit_side *s, enum tls_counter which)
{
	return tls_stats_get(s->core)->counters[which];
}

static void is_chain(const struct kit_cert *first, const struct kit_cert *second)
{
	uint8_t want[16384], *to = want;
	size_t n;

	i2d_X509(first->x, &to);
	if (second)
		i2d_X509(second->x, &to);
	n = (size_t)(to - want);
	assert_int_equal(told.len, n);
	assert_memory_equal(told.der, want, n);
}

/* a chain is told when it is verified, not when it is found verified; in both roles */
static void once(void **state)
{
	struct kit_cert leaf =
		kit_cert(&w.mid, (struct kit_ask){.cn = "p", .san = "DNS:a.test", .cdp = POINT});
	struct kit_cert plain = kit_cert(&w.ca, (struct kit_ask){.cn = "q", .san = "DNS:b.test"});
	struct kit_cert direct =
		kit_cert(&w.ca, (struct kit_ask){.cn = "r", .san = "DNS:c.test", .cdp = POINT});
	struct kit_side s;

	begin(&s, TLS_REVOCATION_SOFT, NULL);
	assert_true(comes(&s, &leaf, w.mid.pem, true));
	assert_int_equal(told.n, 1);
	is_chain(&leaf, &w.mid);
	assert_true(comes(&s, &leaf, w.mid.pem, true));
	assert_int_equal(told.n, 1);
	/* nobody in it names a list */
	assert_true(comes(&s, &plain, NULL, true));
	assert_int_equal(told.n, 1);
	assert_true(comes(&s, &direct, NULL, false));
	assert_int_equal(told.n, 2);
	is_chain(&direct, NULL);
	/* the day after it is verified anew */
	kit_clock(&s, 25 * 3600 * 1000);
	assert_true(comes(&s, &leaf, w.mid.pem, true));
	assert_int_equal(told.n, 3);
	assert_int_equal(counted(&s, TLS_COUNTER_lists_told), 3);
	kit_side_fini(&s);
	begin(&s, TLS_REVOCATION_OFF, NULL);
	assert_true(comes(&s, &leaf, w.mid.pem, true));
	assert_int_equal(told.n, 0);
	kit_side_fini(&s);
	kit_cert_free(&leaf);
	kit_cert_free(&plain);
	kit_cert_free(&direct);
}

/* nobody whom no anchor vouches for makes us fetch anything, whatever else is wrong with him */
static void refused(void **state)
{
	struct kit_cert mid = kit_cert(&w.other, (struct kit_ask){.cn = "mid", .ca = true, .cdp = POINT});
	struct kit_cert self = kit_cert(NULL, (struct kit_ask){.cn = "p", .san = "DNS:a.test", .cdp = POINT});
	struct kit_cert alien = kit_cert(&self, (struct kit_ask){.cn = "alien", .ca = true, .cdp = POINT});
	struct kit_cert below =
		kit_cert(&alien, (struct kit_ask){.cn = "p", .san = "DNS:a.test", .cdp = POINT});
	struct kit_cert bad[] = {
		/* by a namesake of our anchor: libcrypto finds the issuer, looks at lists, then at the
		   signature */
		kit_cert(&w.other, (struct kit_ask){.cn = "p", .san = "DNS:a.test", .cdp = POINT}),
		kit_cert(&mid, (struct kit_ask){.cn = "p", .san = "DNS:a.test", .cdp = POINT}),
		kit_cert(
			&w.ca,
			(struct kit_ask){.cn = "p", .san = "DNS:a.test", .cdp = POINT, .eku = "codeSigning"}),
		kit_cert(
			&w.ca,
			(struct kit_ask){
				.cn = "p", .san = "DNS:a.test", .cdp = POINT, .from_s = -90000, .to_s = -60}),
	};

	for (uint8_t mode = TLS_REVOCATION_SOFT; mode <= TLS_REVOCATION_HARD; mode++)
		for (unsigned i = 0; i < 5; i++) {
			const struct kit_cert *c = i == 4 ? &self : &bad[i];
			struct kit_side s;

			for (unsigned server = 0; server < 2; server++) {
				begin(&s, mode, NULL);
				if (comes(&s, c, i == 1 ? mid.pem : NULL, server))
					fail_msg("certificate %u is taken", i);
				assert_int_equal(told.n, 0);
				kit_side_fini(&s);
			}
		}
	/* known by its key alone, with and without somebody above it */
	for (unsigned i = 0; i < 4; i++) {
		bool server = i & 1;
		struct kit_side s;

		begin(&s, TLS_REVOCATION_SOFT, NULL);
		tls_core_pins(s.core, pins, NULL);
		assert_true(comes(&s, i & 2 ? &below : &self, i & 2 ? alien.pem : NULL, server));
		assert_int_equal(told.n, 0);
		kit_side_fini(&s);
	}
	kit_cert_free(&mid);
	kit_cert_free(&self);
	kit_cert_free(&alien);
	kit_cert_free(&below);
	for (unsigned i = 0; i < 4; i++)
		kit_cert_free(&bad[i]);
}

/* who is refused for want of a list alone is told, once a minute: or it would never come */
static void required(void **state)
{
	struct kit_cert leaf =
		kit_cert(&w.mid, (struct kit_ask){.cn = "p", .san = "DNS:a.test", .cdp = POINT});
	struct kit_side s;
	struct tls_info info;
	char *revokes;

	begin(&s, TLS_REVOCATION_HARD, NULL);
	assert_false(comes(&s, &leaf, w.mid.pem, true));
	assert_int_equal(s.app.last.verdict, TLS_VERDICT_crl_missing);
	assert_int_equal(told.n, 1);
	is_chain(&leaf, &w.mid);
	assert_false(comes(&s, &leaf, w.mid.pem, true));
	assert_int_equal(told.n, 1);
	kit_clock(&s, 61000);
	assert_false(comes(&s, &leaf, w.mid.pem, true));
	assert_int_equal(told.n, 2);
	kit_side_fini(&s);
	begin(&s, TLS_REVOCATION_HARD, w.lists);
	assert_true(comes(&s, &leaf, w.mid.pem, true));
	tls_info_get(s.core, s.id, &info);
	assert_int_equal(info.verdict, TLS_VERDICT_good);
	assert_int_equal(told.n, 1);
	kit_side_fini(&s);
	/* the list of one is missing, and the other one names him: that is what is said */
	revokes = kit_crl(&w.ca, &w.mid, 86400);
	begin(&s, TLS_REVOCATION_HARD, revokes);
	assert_false(comes(&s, &leaf, w.mid.pem, true));
	assert_int_equal(s.app.last.verdict, TLS_VERDICT_revoked);
	assert_int_equal(told.n, 0);
	kit_side_fini(&s);
	free(revokes);
	kit_cert_free(&leaf);
}

/* no room: verified again, and told, a minute later; too long: never */
static void no_room(void **state)
{
	char point[13000] = POINT;
	struct kit_cert leaf =
		kit_cert(&w.mid, (struct kit_ask){.cn = "p", .san = "DNS:a.test", .cdp = POINT});
	struct kit_cert large;
	struct kit_side s;

	memset(point + strlen(POINT), 'x', sizeof(point) - strlen(POINT) - 1);
	large = kit_cert(&w.mid, (struct kit_ask){.cn = "q", .san = "DNS:b.test", .cdp = point});
	begin(&s, TLS_REVOCATION_SOFT, NULL);
	told.full = true;
	assert_true(comes(&s, &leaf, w.mid.pem, true));
	assert_int_equal(counted(&s, TLS_COUNTER_lists_lost), 1);
	told.full = false;
	assert_true(comes(&s, &leaf, w.mid.pem, true));
	assert_int_equal(told.n, 0);
	assert_int_equal(counted(&s, TLS_COUNTER_chain_cached), 1);
	kit_clock(&s, 61000);
	assert_true(comes(&s, &leaf, w.mid.pem, true));
	assert_int_equal(told.n, 1);
	assert_true(comes(&s, &large, w.mid.pem, true));
	assert_int_equal(told.n, 1);
	assert_int_equal(counted(&s, TLS_COUNTER_lists_long), 1);
	kit_side_fini(&s);
	kit_cert_free(&leaf);
	kit_cert_free(&large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once),
		cmocka_unit_test(refused),
		cmocka_unit_test(required),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
