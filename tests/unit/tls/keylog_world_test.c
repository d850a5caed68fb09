/* SPDX-License-Identifier: BSD-3-Clause */
/* A key log while certificates change, and a handshake that outlasts it. */
#include "dataplane/tls/keylog.h"
#include "tests/unit/tls/kit.h"

static struct {
	struct kit_cert ca, us, peer;
} w;

static int setup(void **state)
{
	w.ca = kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true});
	w.us = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test"});
	w.peer = kit_cert(&w.ca, (struct kit_ask){.cn = "p", .san = "DNS:sip.fabrikam.test"});
	return 0;
}

static int teardown(void **state)
{
	kit_cert_free(&w.ca);
	kit_cert_free(&w.us);
	kit_cert_free(&w.peer);
	return 0;
}

static void world(struct kit_side *s)
{
	struct tls_pair pair = {kit_blob(w.us.pem), kit_blob(w.us.key_pem), {0}};
	struct tls_identity_spec id = {.name = "edge", .server = {pair}};
	struct tls_profile_spec p = tls_profile_modern;
	struct tls_world_spec spec = {.identities = &id, .n_identities = 1, .profiles = &p, .n_profiles = 1};

	p.trust = kit_blob(w.ca.pem);
	p.revocation = TLS_REVOCATION_OFF;
	kit_world(s, &spec);
}

static struct tls_keylog *armed(struct kit_side *s)
{
	struct tls_keylog *k =
		tls_keylog_create(policy_name_of("sip.fabrikam.test"), s->now_ns + 10000000000u);

	assert_non_null(k);
	tls_core_keylog(s->core, k);
	return k;
}

static void over(struct kit_side *s, struct tls_keylog *k)
{
	tls_core_keylog(s->core, NULL);
	tls_keylog_destroy(k);
	kit_side_fini(s);
}

/* the peer has spoken, and waits for his certificate to be asked for; 1.2: all secrets are still to come */
static void half(struct kit_side *s, struct kit_foreign *f)
{
	struct kit_foreign_ask ask = {.cert = &w.peer, .trust = w.ca.pem, .version = 0x0303, .tickets = -1};

	kit_side_reset(s);
	kit_openssl(f, &ask);
	kit_accept(s, 0);
	f->step(f);
	kit_give(s, f->out, f->out_len);
	f->out_len = 0;
	tls_turn(s->core);
	assert_int_equal(s->app.ready, 0);
}

static void rest(struct kit_side *s, struct kit_foreign *f)
{
	kit_pump(s, f);
	assert_int_equal(s->app.ready, 1);
	kit_foreign_free(f);
}

static void certificates_change(void **state)
{
	struct tls_keylog *k;
	struct kit_foreign f;
	struct kit_side s;
	char got[4096];

	kit_side_init(&s, NULL);
	world(&s);
	/* before the log: a handshake under certificates that are replaced meanwhile */
	half(&s, &f);
	world(&s);
	k = armed(&s);
	rest(&s, &f);
	assert_int_equal(k->sessions, 1);
	assert_true(tls_keylog_read(k, got, sizeof(got)) > 0);
	/* after it: those that come while it is written are listened to as well */
	world(&s);
	half(&s, &f);
	rest(&s, &f);
	assert_int_equal(k->sessions, 2);
	assert_true(tls_keylog_read(k, got, sizeof(got)) > 0);
	over(&s, k);
}

/* its time is up between the secrets and the end of the handshake */
static void outlasts(void **state)
{
	struct kit_foreign_ask ask = {.cert = &w.peer, .trust = w.ca.pem, .version = 0x0304, .tickets = -1};
	struct tls_keylog *k;
	struct kit_foreign f;
	struct kit_side s;
	char got[4096];

	kit_side_init(&s, NULL);
	world(&s);
	k = armed(&s);
	kit_clock(&s, 9999);
	kit_side_reset(&s);
	kit_openssl(&f, &ask);
	kit_accept(&s, 0);
	f.step(&f);
	kit_give(&s, f.out, f.out_len);
	f.out_len = 0;
	tls_turn(s.core);
	assert_true(k->slots[0].used && k->slots[0].len > 0);
	kit_clock(&s, 1);
	rest(&s, &f);
	assert_int_equal(k->sessions, 0);
	assert_int_equal(tls_keylog_read(k, got, sizeof(got)), 0);
	assert_false(k->slots[0].used);
	over(&s, k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(certificates_change), cmocka_unit_test(outlasts)};

	tls_memory_init();
	return cmocka_run_group_tests(tests, setup, teardown);
}
