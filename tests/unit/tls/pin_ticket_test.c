/* SPDX-License-Identifier: BSD-3-Clause */
/* Tickets of peers who are known by a pinned key alone, what a pin does not forgive, and that two tickets
 * share no initialization vector. */
#include "tests/unit/tls/kit.h"

static struct {
	struct kit_cert ca, us, self, weak;
	const uint8_t *pin;
} w;

static int setup(void **state)
{
	w.ca = kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true});
	w.us = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test"});
	w.self = kit_cert(NULL, (struct kit_ask){.cn = "p", .san = "DNS:sip.fabrikam.test", .to_s = 7200});
	w.weak = kit_cert(NULL, (struct kit_ask){.cn = "p", .key = KIT_RSA1024});
	return 0;
}

static int teardown(void **state)
{
	kit_cert_free(&w.ca);
	kit_cert_free(&w.us);
	kit_cert_free(&w.self);
	kit_cert_free(&w.weak);
	return 0;
}

static bool pins(void *ctx, unsigned profile, const uint8_t spki[32])
{
	return w.pin && memcmp(w.pin, spki, 32) == 0;
}

static void up(struct kit_side *s)
{
	struct tls_pair pair = {kit_blob(w.us.pem), kit_blob(w.us.key_pem), {0}};
	struct tls_identity_spec id = {.name = "edge", .server = {pair}};
	struct tls_profile_spec p = tls_profile_modern;
	struct tls_world_spec spec = {.identities = &id, .n_identities = 1, .profiles = &p, .n_profiles = 1};

	p.trust = kit_blob(w.ca.pem);
	p.revocation = TLS_REVOCATION_OFF;
	kit_side_init(s, NULL);
	kit_world(s, &spec);
	tls_core_pins(s->core, pins, NULL);
}

/* One connection to us; the ticket that the peer got, or NULL. *verdict: TLS_VERDICT_…; *resumed */
static SSL_SESSION *visit(struct kit_side *s, const struct kit_cert *who, SSL_SESSION *with, int version,
			  unsigned *verdict, bool *resumed)
{
	struct kit_foreign_ask ask = {.cert = who, .trust = w.ca.pem, .version = version};
	struct tls_info info = {0};
	struct kit_foreign f;
	SSL_SESSION *ticket;

	ask.resume = with ? SSL_SESSION_dup(with) : NULL;
	kit_side_reset(s);
	kit_openssl(&f, &ask);
	SSL_SESSION_free(ask.resume);
	kit_accept(s, 0);
	kit_pump(s, &f);
	if (s->app.ready) {
		tls_info_get(s->core, s->id, &info);
	} else {
		kit_clock(s, 6000);
		kit_pump(s, &f);
		info = s->app.last;
		assert_true(info.verdict != TLS_VERDICT_pinned);
	}
	*verdict = info.verdict;
	*resumed = info.resumed;
	ticket = f.session;
	f.session = NULL;
	kit_foreign_free(&f);
	return ticket;
}

static const int versions[2] = {0x0304, 0x0303};

/* a ticket says no more than its pin, and for no longer than that stands */
static void ticket_of_a_pin(void **state)
{
	struct tls_peer p;

	assert_int_equal(tls_peer_read(w.self.x, &p), 0);
	for (unsigned v = 0; v < 2; v++) {
		struct kit_side s;
		SSL_SESSION *t;
		unsigned verdict;
		bool resumed;

		w.pin = p.spki;
		up(&s);
		t = visit(&s, &w.self, NULL, versions[v], &verdict, &resumed);
		assert_int_equal(verdict, TLS_VERDICT_pinned);
		assert_false(resumed);
		assert_int_equal(tls_stats_get(s.core)->peers, 1);
		assert_non_null(t);
		SSL_SESSION_free(visit(&s, &w.self, t, versions[v], &verdict, &resumed));
		assert_true(resumed);
		assert_int_equal(verdict, TLS_VERDICT_pinned);
		w.pin = NULL;
		SSL_SESSION_free(visit(&s, &w.self, t, versions[v], &verdict, &resumed));
		assert_false(resumed);
		assert_int_equal(verdict, TLS_VERDICT_self_signed);
		w.pin = p.spki;
		/* its certificate ends: neither the ticket nor what was found of it outlives that */
		kit_clock(&s, 3 * 3600 * 1000);
		SSL_SESSION_free(visit(&s, &w.self, t, versions[v], &verdict, &resumed));
		assert_false(resumed);
		assert_int_equal(verdict, TLS_VERDICT_expired);
		SSL_SESSION_free(visit(&s, &w.self, NULL, versions[v], &verdict, &resumed));
		assert_int_equal(verdict, TLS_VERDICT_expired);
		SSL_SESSION_free(t);
		kit_side_fini(&s);
	}
}

/* whoever can break the key is its holder too */
static void weak_key(void **state)
{
	struct kit_side s;
	struct tls_peer p;
	unsigned verdict;
	bool resumed;

	assert_int_equal(tls_peer_read(w.weak.x, &p), 0);
	w.pin = p.spki;
	up(&s);
	SSL_SESSION_free(visit(&s, &w.weak, NULL, 0x0303, &verdict, &resumed));
	assert_int_equal(s.app.ready, 0);
	assert_int_equal(s.app.last.x509_error, X509_V_ERR_EE_KEY_TOO_SMALL);
	kit_side_fini(&s);
}

/* more than one pool of random bytes is worth: key name, then the vector (RFC 5077 section 4) */
static void no_vector_twice(void **state)
{
	enum { N = 120 };
	static unsigned char seen[N][16];
	struct kit_side s;
	struct tls_peer p;

	assert_int_equal(tls_peer_read(w.self.x, &p), 0);
	w.pin = p.spki;
	up(&s);
	for (unsigned i = 0; i < N; i++) {
		const unsigned char *ticket;
		unsigned verdict;
		bool resumed;
		size_t len;
		SSL_SESSION *t = visit(&s, &w.self, NULL, 0x0304, &verdict, &resumed);

		assert_non_null(t);
		SSL_SESSION_get0_ticket(t, &ticket, &len);
		assert_true(len > 32);
		memcpy(seen[i], ticket + 16, 16);
		for (unsigned k = 0; k < i; k++)
			assert_memory_not_equal(seen[k], seen[i], 16);
		SSL_SESSION_free(t);
	}
	kit_side_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ticket_of_a_pin), cmocka_unit_test(weak_key),
					   cmocka_unit_test(no_vector_twice)};

	tls_memory_init();
	return cmocka_run_group_tests(tests, setup, teardown);
}
