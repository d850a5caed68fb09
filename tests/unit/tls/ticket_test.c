/* SPDX-License-Identifier: BSD-3-Clause */
/* Resumption: what it may skip (the chain's signatures) and what it may not (that the chain is good). */
#include <stdio.h>

#include "dataplane/tls/ticket_record.h"
#include "tests/unit/tls/kit.h"

static struct {
	struct kit_cert ca, us, peer;
	char *empty, *revoked;
} w;

static int setup(void **state)
{
	w.ca = kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true});
	w.us = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test"});
	w.peer = kit_cert(&w.ca, (struct kit_ask){.cn = "p", .san = "DNS:sip.fabrikam.test"});
	w.empty = kit_crl(&w.ca, NULL, 10 * 86400);
	w.revoked = kit_crl(&w.ca, &w.peer, 10 * 86400);
	return 0;
}

static int teardown(void **state)
{
	kit_cert_free(&w.ca);
	kit_cert_free(&w.us);
	kit_cert_free(&w.peer);
	free(w.empty);
	free(w.revoked);
	return 0;
}

static void world(struct kit_side *s, const char *crls)
{
	struct tls_pair pair = {kit_blob(w.us.pem), kit_blob(w.us.key_pem), {0}};
	struct tls_identity_spec ids[2] = {
		{.name = "edge", .sni = {"sip.contoso.test"}, .server = {pair}, .client = {pair}},
		{.name = "second", .sni = {"*.second.test"}, .server = {pair}, .client = {pair}},
	};
	struct tls_profile_spec p[2] = {tls_profile_modern, tls_profile_modern};
	struct tls_world_spec spec = {.identities = ids, .n_identities = 2, .profiles = p, .n_profiles = 2};

	p[0].trust = p[1].trust = kit_blob(w.ca.pem);
	p[0].crls = p[1].crls = kit_blob(crls);
	p[0].revocation = p[1].revocation = TLS_REVOCATION_HARD;
	p[1].name = "other";
	kit_world(s, &spec);
}

static void keys_fill(struct tls_ticket_key *k, int seed)
{
	memset(k, seed, sizeof(*k));
}

static struct tls_ticket_keys keys(int next, int current, int previous)
{
	struct tls_ticket_keys k;

	keys_fill(&k.next, next);
	keys_fill(&k.current, current);
	keys_fill(&k.previous, previous);
	return k;
}

/* One connection to us as server. Returns the ticket that the peer got (NULL: none); *resumed, *up. */
static SSL_SESSION *visit(struct kit_side *s, SSL_SESSION *with, int version, const char *sni,
			  unsigned profile, bool *resumed, bool *up)
{
	struct kit_foreign_ask ask = {.cert = &w.peer, .trust = w.ca.pem, .version = version, .sni = sni};
	struct kit_foreign f;
	struct tls_info info = {0};
	SSL_SESSION *ticket;

	/* a copy: libssl as client uses a ticket of 1.3 once */
	ask.resume = with ? SSL_SESSION_dup(with) : NULL;
	kit_side_reset(s);
	kit_openssl(&f, &ask);
	SSL_SESSION_free(ask.resume);
	kit_accept(s, profile);
	kit_pump(s, &f);
	*up = s->app.ready;
	if (*up) {
		tls_info_get(s->core, s->id, &info);
		assert_int_equal(info.verdict, TLS_VERDICT_good);
		/* the peer is known by name whether it resumed or not */
		assert_int_equal(tls_peer_get(s->core, s->id)->names, 1);
		/* and the session works on either path */
		assert_int_equal(tls_send(s->core, s->id, "hello", 5), 5);
		f.send(&f, "world", 5);
		kit_pump(s, &f);
		assert_int_equal(f.got_len, 5);
		assert_int_equal(s->app.got_len, 5);
	}
	*resumed = info.resumed;
	ticket = f.session;
	f.session = NULL;
	kit_foreign_free(&f);
	return ticket;
}

static const int versions[2] = {0x0304, 0x0303};

static void server_resumes(void **state)
{
	for (unsigned v = 0; v < 2; v++) {
		SSL_SESSION *t, *t2;
		const uint64_t *n;
		struct kit_side s;
		bool resumed, up;

		kit_side_init(&s, NULL);
		n = tls_stats_get(s.core)->counters;
		world(&s, w.empty);
		t = visit(&s, NULL, versions[v], NULL, 0, &resumed, &up);
		assert_true(up && !resumed);
		assert_non_null(t);
		/* life: not longer than a day */
		assert_true(SSL_SESSION_get_ticket_lifetime_hint(t) <= 24 * 3600);
		t2 = visit(&s, t, versions[v], NULL, 0, &resumed, &up);
		assert_true(up && resumed);
		assert_int_equal(n[TLS_COUNTER_chain_verified], 1);
		assert_int_equal(n[TLS_COUNTER_tickets_accepted], 1);
		SSL_SESSION_free(t);
		/* and on from the ticket of a resumed session */
		if (t2) {
			t = visit(&s, t2, versions[v], NULL, 0, &resumed, &up);
			assert_true(up && resumed);
			SSL_SESSION_free(t);
			SSL_SESSION_free(t2);
		}
		kit_side_fini(&s);
	}
}

/* revoke, then resume: refused; the chain is looked at again and found on the list */
static void revoked_then_resumed(void **state)
{
	for (unsigned v = 0; v < 2; v++) {
		SSL_SESSION *t, *t2;
		struct kit_side s;
		bool resumed, up;

		kit_side_init(&s, NULL);
		world(&s, w.empty);
		t = visit(&s, NULL, versions[v], NULL, 0, &resumed, &up);
		world(&s, w.revoked);
		t2 = visit(&s, t, versions[v], NULL, 0, &resumed, &up);
		assert_false(up);
		kit_clock(&s, 6000);
		assert_int_equal(tls_stats_get(s.core)->verdicts[TLS_VERDICT_revoked], 1);
		SSL_SESSION_free(t);
		SSL_SESSION_free(t2);
		kit_side_fini(&s);
	}
}

/* other identity, other profile, verification too old: a full handshake each time */
static void full_instead(void **state)
{
	for (unsigned v = 0; v < 2; v++) {
		SSL_SESSION *t, *t2;
		struct kit_side s;
		bool resumed, up;

		kit_side_init(&s, NULL);
		world(&s, w.empty);
		t = visit(&s, NULL, versions[v], "sip.contoso.test", 0, &resumed, &up);
		t2 = visit(&s, t, versions[v], "a.second.test", 0, &resumed, &up);
		assert_true(up && !resumed);
		assert_int_equal(tls_stats_get(s.core)->counters[TLS_COUNTER_tickets_other_identity], 1);
		SSL_SESSION_free(t2);
		t2 = visit(&s, t, versions[v], "sip.contoso.test", 1, &resumed, &up);
		assert_true(up && !resumed);
		SSL_SESSION_free(t2);
		kit_clock(&s, 25ull * 3600 * 1000);
		t2 = visit(&s, t, versions[v], "sip.contoso.test", 0, &resumed, &up);
		assert_true(up && !resumed);
		SSL_SESSION_free(t2);
		kit_side_fini(&s);
		SSL_SESSION_free(t);
	}
}

/* a server on its own core, with the keys that all share */
static void other_core(struct kit_side *s, const char *crls)
{
	struct tls_ticket_keys k = keys(1, 2, 3);

	kit_side_init(s, NULL);
	world(s, crls);
	tls_core_ticket_keys(s->core, &k);
}

/* What one core verified the ticket tells the others, and the process that begins after it, while it is good
 * there. */
static void other_cores(void **state)
{
	for (unsigned v = 0; v < 2; v++) {
		struct tls_peer known;
		SSL_SESSION *t, *t2;
		const uint64_t *n;
		struct kit_side s, core2;
		bool resumed, up;

		other_core(&s, w.empty);
		t = visit(&s, NULL, versions[v], NULL, 0, &resumed, &up);
		assert_true(up && !resumed);
		known = *tls_peer_get(s.core, s.id);
		assert_int_equal(tls_stats_get(s.core)->counters[TLS_COUNTER_tickets_recalled], 0);

		other_core(&core2, w.empty);
		n = tls_stats_get(core2.core)->counters;
		t2 = visit(&core2, t, versions[v], NULL, 0, &resumed, &up);
		assert_true(up && resumed);
		assert_int_equal(n[TLS_COUNTER_chain_verified], 0);
		assert_int_equal(n[TLS_COUNTER_tickets_recalled], 1);
		/* the peer is who he was, to the last byte */
		assert_memory_equal(tls_peer_get(core2.core, core2.id), &known, sizeof(known));
		/* the ticket that this core gave speaks of the first verification, and is good on a third */
		if (t2) {
			struct kit_side core3;

			other_core(&core3, w.empty);
			SSL_SESSION_free(visit(&core3, t2, versions[v], NULL, 0, &resumed, &up));
			assert_true(up && resumed);
			SSL_SESSION_free(t2);
			kit_side_fini(&core3);
		}
		/* once told, twice known */
		SSL_SESSION_free(visit(&core2, t, versions[v], NULL, 0, &resumed, &up));
		assert_true(up && resumed);
		assert_int_equal(n[TLS_COUNTER_tickets_recalled], 1);
		kit_side_fini(&core2);

		/* lists that came since: judged anew, and found on them */
		other_core(&core2, w.revoked);
		n = tls_stats_get(core2.core)->counters;
		SSL_SESSION_free(visit(&core2, t, versions[v], NULL, 0, &resumed, &up));
		assert_false(up);
		assert_int_equal(tls_stats_get(core2.core)->verdicts[TLS_VERDICT_revoked], 1);
		assert_int_equal(n[TLS_COUNTER_tickets_other_identity], 1);
		kit_side_fini(&core2);

		/* another identity or profile */
		other_core(&core2, w.empty);
		n = tls_stats_get(core2.core)->counters;
		SSL_SESSION_free(visit(&core2, t, versions[v], "a.second.test", 0, &resumed, &up));
		assert_true(up && !resumed);
		SSL_SESSION_free(visit(&core2, t, versions[v], NULL, 1, &resumed, &up));
		assert_true(up && !resumed);
		assert_int_equal(n[TLS_COUNTER_tickets_recalled], 0);
		kit_side_fini(&core2);

		/* the verification is a day old, or the clock was set back behind it */
		for (unsigned i = 0; i < 2; i++) {
			other_core(&core2, w.empty);
			n = tls_stats_get(core2.core)->counters;
			if (i)
				core2.wall_s -= 3600;
			kit_clock(&core2, i ? 1 : 25ull * 3600 * 1000);
			SSL_SESSION_free(visit(&core2, t, versions[v], NULL, 0, &resumed, &up));
			assert_true(up && !resumed);
			assert_int_equal(n[TLS_COUNTER_chain_verified], 1);
			assert_int_equal(n[TLS_COUNTER_tickets_recalled], 0);
			kit_side_fini(&core2);
		}
		SSL_SESSION_free(t);
		kit_side_fini(&s);
	}
}

/* RFC 6066 section 3: another name, no resumption. In TLS 1.3 names are not the ticket's (RFC 8446 4.2.11).
 */
static void other_name(void **state)
{
	static const struct {
		const char *first, *then;
		bool same;
	} cases[] = {{NULL, "x.test", false},	 {"x.test", NULL, false},    {"x.test", "y.test", false},
		     {"x.test", "x.test", true}, {"x.test", "X.Test", true}, {NULL, NULL, true}};

	for (unsigned v = 0; v < 2; v++) {
		for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct kit_side s;
			bool resumed, up;
			SSL_SESSION *t;

			other_core(&s, w.empty);
			/* neither name is one of ours: both lead to the same identity */
			t = visit(&s, NULL, versions[v], cases[i].first, 0, &resumed, &up);
			assert_true(up && !resumed);
			SSL_SESSION_free(visit(&s, t, versions[v], cases[i].then, 0, &resumed, &up));
			assert_true(up);
			if (resumed != (cases[i].same || versions[v] == 0x0304))
				fail_msg("%x, %s then %s: resumed %d", (unsigned)versions[v],
					 cases[i].first ? cases[i].first : "none",
					 cases[i].then ? cases[i].then : "none", resumed);
			SSL_SESSION_free(t);
			kit_side_fini(&s);
		}
	}
}

/* A ticket has all names of its peer, unless it would not fit into a segment: then the core that verified it
 * alone resumes it. */
static void many_names(void **state)
{
	static const struct {
		unsigned names;
		uint16_t version;
		uint32_t segment; /* a usual one, or the smallest */
		bool elsewhere;
	} cases[] = {{12, 0x0304, 1500, true},
		     {12, 0x0303, 1500, true},
		     {26, 0x0303, 1500, true},
		     {26, 0x0304, 1500, false},
		     {6, 0x0304, 512, false}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char san[4096] = "";
		struct kit_cert wordy;
		struct kit_foreign_ask ask = {.trust = w.ca.pem, .version = cases[i].version};
		struct kit_side s[2];
		SSL_SESSION *t = NULL;

		for (unsigned k = 0; k < cases[i].names; k++)
			snprintf(san + strlen(san), sizeof(san) - strlen(san),
				 "%sDNS:a-name-of-some-length-%u.with-labels.that-are-long.fabrikam.test",
				 k ? "," : "", k);
		wordy = kit_cert(&w.ca, (struct kit_ask){.cn = "p", .san = san});
		ask.cert = &wordy;
		other_core(&s[0], w.empty);
		other_core(&s[1], w.empty);
		for (unsigned visits = 0; visits < 3; visits++) {
			struct kit_side *at = &s[visits & 1];
			struct kit_foreign f;
			struct tls_info info;

			kit_side_reset(at);
			at->buffer = cases[i].segment;
			ask.resume = visits ? SSL_SESSION_dup(t) : NULL;
			kit_openssl(&f, &ask);
			SSL_SESSION_free(ask.resume);
			kit_accept(at, 0);
			kit_pump(at, &f);
			assert_int_equal(at->app.ready, 1);
			tls_info_get(at->core, at->id, &info);
			if (info.resumed != (visits == 2 || (visits == 1 && cases[i].elsewhere)))
				fail_msg("case %u, visit %u: resumed %d", i, visits, info.resumed);
			assert_int_equal(tls_peer_get(at->core, at->id)->names, cases[i].names);
			if (visits == 0) {
				t = f.session;
				f.session = NULL;
				assert_non_null(t);
			}
			kit_foreign_free(&f);
			if (visits == 1)
				assert_int_equal(
					tls_stats_get(at->core)->counters[TLS_COUNTER_tickets_unverified],
					!cases[i].elsewhere);
		}
		kit_side_fini(&s[0]);
		kit_side_fini(&s[1]);
		SSL_SESSION_free(t);
		kit_cert_free(&wordy);
	}
}

/* what is packed is what comes out; what is cut or changed in length is refused */
static void packed(void **state)
{
	uint8_t context[TLS_HASH_LEN], data[TLS_TICKET_DATA_MAX];
	struct tls_chain c = {.verified_at = 1000, .valid_until = 2000, .crl_soft = true, .pinned = true},
			 back;
	struct tls_ticket_claim claim;
	size_t len;

	memset(context, 7, sizeof(context));
	assert_int_equal(tls_peer_read(w.peer.x, &c.peer), 0);
	memset(c.key, 9, sizeof(c.key));
	len = tls_ticket_data_put(data, context, &c, true);
	assert_true(tls_ticket_data_get(data, len, &claim, &back));
	assert_int_equal(claim.chain, TLS_TICKET_WHOLE);
	assert_memory_equal(claim.context, context, sizeof(context));
	assert_memory_equal(&back.peer, &c.peer, sizeof(c.peer));
	assert_memory_equal(back.key, c.key, sizeof(c.key));
	assert_int_equal(back.verified_at, 1000);
	assert_int_equal(back.valid_until, 2000);
	assert_true(back.crl_soft);
	/* or a name that its holder wrote himself would be one that somebody vouches for */
	assert_true(back.pinned);
	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n + 1); /* so that a sanitizer sees a byte too many */

		memcpy(exact, data, n);
		assert_false(tls_ticket_data_get(exact, n, &claim, &back));
		free(exact);
	}
	/* any byte: refused or read within bounds, never a name outside of the text */
	for (size_t at = 0; at < len; at++) {
		data[at] ^= 0xff;
		if (tls_ticket_data_get(data, len, &claim, &back) && claim.chain == TLS_TICKET_WHOLE)
			for (unsigned i = 0; i < back.peer.names; i++)
				assert_true(back.peer.name_at[i] + back.peer.name_len[i] <=
					    back.peer.text_len);
		data[at] ^= 0xff;
	}
	len = tls_ticket_data_put(data, context, NULL, true);
	assert_true(tls_ticket_data_get(data, len, &claim, &back));
	assert_int_equal(claim.chain, TLS_TICKET_NOBODY);
	len = tls_ticket_data_put(data, context, &c, false);
	assert_true(tls_ticket_data_get(data, len, &claim, &back));
	assert_int_equal(claim.chain, TLS_TICKET_KEY);
	assert_false(tls_ticket_data_get(data, len + 1, &claim, &back));
}

/* the key goes next → current → previous → gone */
static void rotation(void **state)
{
	for (unsigned v = 0; v < 2; v++) {
		struct tls_ticket_keys turns[4] = {keys(2, 1, 0), keys(3, 2, 1), keys(4, 3, 2),
						   keys(5, 4, 3)};
		SSL_SESSION *t, *t2;
		struct kit_side s;
		bool resumed, up;

		kit_side_init(&s, NULL);
		world(&s, w.empty);
		/* made by a core that has rotated already */
		tls_core_ticket_keys(s.core, &turns[1]);
		t = visit(&s, NULL, versions[v], NULL, 0, &resumed, &up);
		for (unsigned i = 0; i < 4; i++) {
			tls_core_ticket_keys(s.core, &turns[i]);
			t2 = visit(&s, t, versions[v], NULL, 0, &resumed, &up);
			assert_true(up);
			if (resumed != (i < 3))
				fail_msg("turn %u: resumed %d", i, resumed);
			SSL_SESSION_free(t2);
		}
		assert_int_equal(tls_stats_get(s.core)->counters[TLS_COUNTER_tickets_unknown_key], 1);
		SSL_SESSION_free(t);
		kit_side_fini(&s);
	}
}

/* damaged tickets never resume, and never break the handshake */
static void damaged(void **state)
{
	struct kit_side s;
	SSL_SESSION *t, *t2;
	bool resumed, up;
	unsigned char *der = NULL, *ticket;
	size_t ticket_len;
	const unsigned char *p;
	int len;

	kit_side_init(&s, NULL);
	world(&s, w.empty);
	t = visit(&s, NULL, 0x0303, NULL, 0, &resumed, &up);
	len = i2d_SSL_SESSION(t, &der);
	SSL_SESSION_get0_ticket(t, (const unsigned char **)&ticket, &ticket_len);
	/* the ticket inside of the encoded session */
	for (unsigned at = 0; at < ticket_len; at += 37) {
		unsigned char *in = memmem(der, (size_t)len, ticket, ticket_len);

		in[at] ^= 1;
		p = der;
		t2 = d2i_SSL_SESSION(NULL, &p, len);
		in[at] ^= 1;
		assert_non_null(t2);
		SSL_SESSION_free(visit(&s, t2, 0x0303, NULL, 0, &resumed, &up));
		SSL_SESSION_free(t2);
		assert_true(up && !resumed);
	}
	OPENSSL_free(der);
	SSL_SESSION_free(t);
	kit_side_fini(&s);
}

/* we are the client; the foreign server's context must outlive the first connection to know its tickets, so
 * both ends are ours */
static void call(struct kit_side *client, struct kit_side *server, struct tls_client_params *p, bool *up,
		 bool *resumed)
{
	struct tls_info info;

	kit_side_reset(client);
	kit_side_reset(server);
	kit_accept(server, 0);
	tls_core_clock(client->core, client->now_ns, client->wall_s);
	assert_int_equal(tls_connect(client->core, 1, p, &kit_ops, &client->app, &client->id), 0);
	kit_pump_pair(client, server);
	*up = client->app.ready && server->app.ready;
	*resumed = false;
	if (!*up)
		return;
	tls_info_get(client->core, client->id, &info);
	*resumed = info.resumed;
	assert_int_equal(info.verdict, TLS_VERDICT_good);
	assert_int_equal(tls_send(client->core, client->id, "hello", 5), 5);
	kit_pump_pair(client, server);
	assert_int_equal(tls_send(server->core, server->id, "world", 5), 5);
	kit_pump_pair(client, server);
	assert_int_equal(client->app.got_len, 5);
	assert_int_equal(server->app.got_len, 5);
	tls_close(client->core, client->id);
	kit_pump_pair(client, server);
	assert_int_equal(server->app.eof, 1);
	tls_close(server->core, server->id);
	kit_pump_pair(client, server);
	assert_int_equal(client->app.end, TLS_END_closed);
	assert_int_equal(server->app.end, TLS_END_closed);
}

static void client_resumes(void **state)
{
	struct tls_client_params p = {.remote = base_addr_v4("\xc6\x12\x01\x02"),
				      .remote_port = 5061,
				      .sni = policy_name_of("sip.contoso.test"),
				      .expect = policy_name_of("sip.contoso.test")};
	struct kit_side c, s;
	bool up, resumed;

	kit_side_init(&c, NULL);
	kit_side_init(&s, NULL);
	world(&c, w.empty);
	world(&s, w.empty);
	call(&c, &s, &p, &up, &resumed);
	assert_true(up && !resumed);
	for (unsigned i = 0; i < 3; i++) {
		call(&c, &s, &p, &up, &resumed);
		assert_true(up && resumed);
	}
	assert_int_equal(tls_stats_get(c.core)->counters[TLS_COUNTER_chain_verified], 1);
	/* never by address alone: another expectation, port, identity or profile shares nothing */
	p.remote_port = 5062;
	call(&c, &s, &p, &up, &resumed);
	assert_true(up && !resumed);
	p.remote_port = 5061;
	p.identity = 1;
	call(&c, &s, &p, &up, &resumed);
	assert_true(up && !resumed);
	p.identity = 0;
	p.expect = policy_name_of("sip.else.test");
	call(&c, &s, &p, &up, &resumed);
	assert_false(up);
	/* verification grows old: full handshake */
	p.expect = policy_name_of("sip.contoso.test");
	kit_side_reset(&c);
	kit_side_reset(&s);
	kit_clock(&c, 25ull * 3600 * 1000);
	kit_clock(&s, 25ull * 3600 * 1000);
	call(&c, &s, &p, &up, &resumed);
	assert_true(up && !resumed);
	call(&c, &s, &p, &up, &resumed);
	assert_true(up && resumed);
	/* what the client trusts has changed: its old tickets are not offered */
	world(&c, w.revoked);
	call(&c, &s, &p, &up, &resumed);
	assert_true(up && !resumed); /* `revoked` names the other peer */
	kit_side_fini(&c);
	kit_side_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_resumes), cmocka_unit_test(revoked_then_resumed),
		cmocka_unit_test(full_instead),	  cmocka_unit_test(other_cores),
		cmocka_unit_test(many_names),	  cmocka_unit_test(other_name),
		cmocka_unit_test(packed),	  cmocka_unit_test(rotation),
		cmocka_unit_test(damaged),	  cmocka_unit_test(client_resumes),
	};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
