/* SPDX-License-Identifier: BSD-3-Clause */
/* Renegotiation (RFC 5246 7.4.1): refused politely four times, then it is the end; on both record paths and
 * in both roles. */
#include <gnutls/gnutls.h>

#include "tests/unit/tls/kit.h"

enum { POLITE = 4 };

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

static void begin(struct kit_side *s, struct kit_foreign *f, bool server, bool own)
{
	struct tls_pair pair = {kit_blob(w.us.pem), kit_blob(w.us.key_pem), {0}};
	struct tls_identity_spec id = {.name = "edge", .server = {pair}, .client = {pair}};
	struct tls_profile_spec p = tls_profile_modern;
	struct tls_world_spec spec = {.identities = &id, .n_identities = 1, .profiles = &p, .n_profiles = 1};
	struct kit_foreign_ask ask = {
		.server = !server, .cert = &w.peer, .trust = w.ca.pem, .version = 0x0303, .tickets = -1};
	struct tls_client_params to = {.remote_port = 5061};
	struct tls_core_config config;
	struct tls_info info;

	p.trust = kit_blob(w.ca.pem);
	p.revocation = TLS_REVOCATION_OFF;
	kit_config(&config);
	config.own_records = own;
	kit_side_init(s, &config);
	kit_world(s, &spec);
	kit_gnutls(f, &ask);
	if (server)
		kit_accept(s, 0);
	else
		assert_int_equal(tls_connect(s->core, 1, &to, &kit_ops, &s->app, &s->id), 0);
	kit_pump(s, f);
	assert_true(f->done);
	f->send(f, "x", 1);
	kit_pump(s, f);
	kit_clock(s, 3000); /* a client of ours has waited for tickets */
	kit_pump(s, f);
	tls_info_get(s->core, s->id, &info);
	assert_true(info.open);
	assert_int_equal(info.own_records, own);
}

/* what the foreign side has sent, and the answer, which it does not look at yet */
static void deliver(struct kit_side *s, struct kit_foreign *f)
{
	kit_give(s, f->out, f->out_len);
	f->out_len = 0;
	tls_turn(s->core);
	f->in = realloc(f->in, f->in_len + s->out_len);
	memcpy(f->in + f->in_len, s->out, s->out_len);
	f->in_len += s->out_len;
	s->out_len = 0;
}

static void refused(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		bool server = i & 1, own = i & 2;
		struct kit_side s;
		struct kit_foreign f;
		gnutls_session_t session;
		const struct tls_stats *n;
		char byte;

		begin(&s, &f, server, own);
		session = *(gnutls_session_t *)f.impl;
		n = tls_stats_get(s.core);
		for (unsigned k = 1; k <= POLITE; k++) {
			int r;

			if (server)
				r = gnutls_handshake(session);
			else
				r = gnutls_rehandshake(session);
			assert_true(r == GNUTLS_E_AGAIN || r == 0);
			deliver(&s, &f);
			if (s.app.closed || s.app.failed)
				fail_msg("case %u: the %u. request ended it: %s", i, k,
					 tls_end_info[s.app.end].name);
			/* he hears that there is none */
			if (server)
				r = gnutls_handshake(session);
			else
				r = (int)gnutls_record_recv(session, &byte, 1);
			assert_int_equal(r, GNUTLS_E_WARNING_ALERT_RECEIVED);
			assert_int_equal(gnutls_alert_get(session), GNUTLS_A_NO_RENEGOTIATION);
			/* and it goes on as it was */
			f.send(&f, "y", 1);
			kit_pump(&s, &f);
			assert_int_equal(s.app.got_len, 1 + k);
		}
		assert_int_equal(n->counters[TLS_COUNTER_handshakes_full], 1);
		/* and one more */
		if (server)
			gnutls_handshake(session);
		else
			gnutls_rehandshake(session);
		kit_pump(&s, &f);
		tls_stream_closed(s.core, s.id, TLS_END_closed);
		assert_int_equal(s.app.closed, 1);
		if (s.app.end != TLS_END_renegotiation)
			fail_msg("case %u: ended as %s", i, tls_end_info[s.app.end].name);
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(refused)};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
