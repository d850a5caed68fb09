/* SPDX-License-Identifier: BSD-3-Clause */
/* Probes: what a peer speaks is found by leaving out what it took, and nothing stays of it. */
#include <errno.h>

#include "dataplane/tls/tls_probe.h"

#include "tests/unit/tls/kit.h"

static struct {
	struct kit_cert ca, other, us, ec, rsa, stranger;
} w;

static int setup(void **state)
{
	w.ca = kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true});
	w.other = kit_cert(NULL, (struct kit_ask){.cn = "other ca", .ca = true});
	w.us = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test"});
	w.ec = kit_cert(&w.ca, (struct kit_ask){.cn = "p", .san = "DNS:sip.a.test,DNS:a.test"});
	w.rsa = kit_cert(&w.ca, (struct kit_ask){.cn = "p", .san = "DNS:sip.a.test", .key = KIT_RSA});
	w.stranger = kit_cert(&w.other, (struct kit_ask){.cn = "p", .san = "DNS:sip.b.test"});
	return 0;
}

static int teardown(void **state)
{
	kit_cert_free(&w.ca);
	kit_cert_free(&w.other);
	kit_cert_free(&w.us);
	kit_cert_free(&w.ec);
	kit_cert_free(&w.rsa);
	kit_cert_free(&w.stranger);
	return 0;
}

static void world(struct kit_side *s)
{
	struct tls_pair pair = {kit_blob(w.us.pem), kit_blob(w.us.key_pem), {0}};
	struct tls_identity_spec id = {.name = "edge", .server = {pair}, .client = {pair}};
	struct tls_profile_spec p[3] = {tls_profile_modern, tls_profile_compat, tls_profile_modern};
	struct tls_world_spec spec = {.identities = &id, .n_identities = 1, .profiles = p, .n_profiles = 3};

	p[2].version_max = 0x0303;
	p[0].trust = p[1].trust = p[2].trust = kit_blob(w.ca.pem);
	p[0].revocation = p[1].revocation = p[2].revocation = TLS_REVOCATION_OFF;
	kit_world(s, &spec);
}

/* one handshake with a peer that has these suites; what tls_connect() said */
static int visit(struct kit_side *s, struct tls_probe *p, unsigned profile, const struct kit_foreign_ask *ask)
{
	struct tls_client_params to = {.profile = profile, .probe = p};
	struct kit_foreign f;
	int err;

	kit_side_reset(s);
	kit_openssl(&f, ask);
	SSL_set_dh_auto(f.ssl, 1);
	err = tls_connect(s->core, 1, &to, &kit_ops, &s->app, &s->id);
	if (!err) {
		kit_pump(s, &f);
		tls_close(s->core, s->id);
		kit_pump(s, &f);
		f.bye(&f);
		kit_pump(s, &f);
		tls_stream_closed(s->core, s->id, TLS_END_closed);
	}
	kit_foreign_free(&f);
	return err;
}

/* all that a peer takes, in the order in which it takes them */
static unsigned walk(struct kit_side *s, struct tls_probe *p, uint16_t version, unsigned profile,
		     const struct kit_foreign_ask *ask)
{
	memset(p, 0, sizeof(*p));
	p->version = version;
	while (p->n_without < TLS_PROBE_SUITES && visit(s, p, profile, ask) == 0 && p->suite) {
		assert_int_equal(p->agreed_version, version);
		p->without[p->n_without++] = p->suite;
	}
	return p->n_without;
}

static void suites(void **state)
{
	struct kit_foreign_ask any12 = {
		.server = true, .cert = &w.rsa, .version = 0x0303, .suites = "ALL:@SECLEVEL=0"};
	struct kit_foreign_ask rsa_only = {
		.server = true, .cert = &w.rsa, .version = 0x0303, .suites = "kRSA+AESGCM"};
	struct kit_foreign_ask any13 = {.server = true, .cert = &w.ec, .version = 0x0304};
	struct kit_foreign_ask one13 = {
		.server = true, .cert = &w.ec, .version = 0x0304, .suites = "TLS_AES_256_GCM_SHA384"};
	struct tls_probe p;
	struct kit_side s;

	kit_side_init(&s, NULL);
	world(&s);
	assert_int_equal(walk(&s, &p, 0x0304, 0, &any13), 3);
	assert_int_equal(walk(&s, &p, 0x0304, 0, &one13), 1);
	assert_int_equal(p.without[0], 0x1302);
	/* ECDHE with RSA: two of GCM, one of ChaCha20 */
	assert_int_equal(walk(&s, &p, 0x0303, 0, &any12), 3);
	/* all that compat has but for those of ECDSA */
	assert_int_equal(walk(&s, &p, 0x0303, 1, &any12), 11);
	/* what modern has not */
	assert_int_equal(walk(&s, &p, 0x0303, 0, &rsa_only), 0);
	assert_int_equal(s.app.end, TLS_END_peer_alert);
	assert_int_equal(s.app.last.alert, 40);
	assert_int_equal(walk(&s, &p, 0x0303, 1, &rsa_only), 2);
	/* the other version of a peer that has but one */
	assert_int_equal(walk(&s, &p, 0x0304, 1, &rsa_only), 0);
	assert_int_equal(tls_stats_get(s.core)->sessions, 0);
	assert_int_equal(tls_stats_get(s.core)->ssl_objects, 0);
	kit_side_fini(&s);
}

/* nothing left to offer is said before anything is sent */
static void nothing_left(void **state)
{
	struct tls_probe p = {.version = 0x0304, .without = {0x1301, 0x1302, 0x1303}, .n_without = 3};
	struct kit_foreign_ask ask = {.server = true, .cert = &w.ec};
	struct kit_side s;

	kit_side_init(&s, NULL);
	world(&s);
	/* of one before it nothing stays */
	p.has_peer = true;
	p.suite = 0x1301;
	assert_int_equal(visit(&s, &p, 0, &ask), -ENODATA);
	assert_false(p.has_peer);
	assert_int_equal(p.suite, 0);
	p.version = 0x0302;
	assert_int_equal(visit(&s, &p, 0, &ask), -ENODATA);
	/* nor what the profile has not */
	p = (struct tls_probe){.version = 0x0304};
	assert_int_equal(visit(&s, &p, 2, &ask), -ENODATA);
	p = (struct tls_probe){.without = {0x1301, 0x1302, 0x1303}, .n_without = 3};
	assert_int_equal(s.out_len, 0);
	/* without all of 1.3 it is 1.2 that is offered */
	p.version = 0;
	assert_int_equal(visit(&s, &p, 0, &ask), 0);
	assert_int_equal(p.agreed_version, 0x0303);
	/* and without all of 1.2, 1.3 alone */
	p = (struct tls_probe){.without = {0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9}, .n_without = 6};
	ask.version = 0x0303;
	assert_int_equal(visit(&s, &p, 0, &ask), 0);
	assert_int_equal(p.suite, 0);
	ask.version = 0x0304;
	assert_int_equal(visit(&s, &p, 0, &ask), 0);
	assert_int_equal(p.agreed_version, 0x0304);
	assert_int_equal(tls_stats_get(s.core)->sessions, 0);
	kit_side_fini(&s);
}

static void facts(void **state)
{
	struct kit_foreign_ask ask = {.server = true, .cert = &w.ec, .version = 0x0304};
	OSSL_LIB_CTX *ours;
	struct tls_probe p = {0};
	struct kit_side s;

	kit_side_init(&s, NULL);
	world(&s);
	ours = OSSL_LIB_CTX_set0_default(NULL);
	assert_int_equal(visit(&s, &p, 0, &ask), 0);
	/* the thread's library context is what it was */
	assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), ours);
	assert_int_equal(s.app.ready, 1);
	assert_int_equal(p.agreed_version, 0x0304);
	assert_string_equal(p.suite_name, "TLS_AES_128_GCM_SHA256");
	assert_string_equal(p.group, "X25519");
	assert_string_equal(p.signature, "ECDSA+SHA256");
	assert_true(p.has_peer);
	assert_int_equal(p.peer.names, 2);
	/* of 1.2, with a key exchange of old */
	ask = (struct kit_foreign_ask){
		.server = true, .cert = &w.rsa, .version = 0x0303, .suites = "DHE-RSA-AES128-SHA"};
	assert_int_equal(visit(&s, &p, 1, &ask), 0);
	assert_string_equal(p.suite_name, "DHE-RSA-AES128-SHA");
	assert_string_equal(p.group, "DH-2048");
	ask.suites = "AES128-GCM-SHA256";
	assert_int_equal(visit(&s, &p, 1, &ask), 0);
	assert_string_equal(p.suite_name, "AES128-GCM-SHA256");
	assert_string_equal(p.group, "");
	/* a certificate that is not good enough is told all the same, with what was agreed on */
	ask = (struct kit_foreign_ask){.server = true, .cert = &w.stranger};
	assert_int_equal(visit(&s, &p, 0, &ask), 0);
	assert_int_equal(s.app.ready, 0);
	assert_int_equal(s.app.end, TLS_END_verify);
	assert_int_equal(p.suite, 0x1301);
	assert_true(p.has_peer);
	assert_int_equal(p.peer.names, 1);
	kit_side_fini(&s);
}

/* neither does a probe use a ticket, nor does one of its own stay */
static void tickets(void **state)
{
	struct kit_foreign_ask ask = {.server = true, .cert = &w.ec, .version = 0x0304, .tickets = 2};
	struct tls_probe p = {0};
	struct kit_side s;
	const uint64_t *n;

	kit_side_init(&s, NULL);
	world(&s);
	n = tls_stats_get(s.core)->counters;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(visit(&s, &p, 0, &ask), 0);
	assert_int_equal(n[TLS_COUNTER_handshakes_full], 2);
	assert_int_equal(n[TLS_COUNTER_client_tickets], 0);
	kit_side_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suites),
		cmocka_unit_test(nothing_left),
		cmocka_unit_test(facts),
		cmocka_unit_test(tickets),
	};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
