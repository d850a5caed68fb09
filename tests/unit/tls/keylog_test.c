/* SPDX-License-Identifier: BSD-3-Clause */
/* The key log of one peer: his sessions and nobody else's, whole, and nothing of the others left behind. */
#include "dataplane/tls/keylog.h"
#include "tests/unit/tls/kit.h"

static struct {
	struct kit_cert ca, us, peer, other, stranger;
} w;

static int setup(void **state)
{
	w.ca = kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true});
	w.us = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test"});
	w.peer = kit_cert(&w.ca, (struct kit_ask){.cn = "p", .san = "DNS:a.test,DNS:sip.fabrikam.test"});
	w.other = kit_cert(&w.ca, (struct kit_ask){.cn = "o", .san = "DNS:sip.litware.test"});
	w.stranger = kit_cert(NULL, (struct kit_ask){.cn = "s", .san = "DNS:sip.fabrikam.test"});
	return 0;
}

static int teardown(void **state)
{
	kit_cert_free(&w.ca);
	kit_cert_free(&w.us);
	kit_cert_free(&w.peer);
	kit_cert_free(&w.other);
	kit_cert_free(&w.stranger);
	return 0;
}

static void up(struct kit_side *s)
{
	struct tls_pair pair = {kit_blob(w.us.pem), kit_blob(w.us.key_pem), {0}};
	struct tls_identity_spec id = {.name = "edge", .server = {pair}, .client = {pair}};
	struct tls_profile_spec p = tls_profile_modern;
	struct tls_world_spec spec = {.identities = &id, .n_identities = 1, .profiles = &p, .n_profiles = 1};

	p.trust = kit_blob(w.ca.pem);
	p.revocation = TLS_REVOCATION_OFF;
	kit_side_init(s, NULL);
	kit_world(s, &spec);
}

static struct tls_keylog *armed(struct kit_side *s, const char *name)
{
	struct tls_keylog *k = tls_keylog_create(policy_name_of(name), s->now_ns + 60000000000u);

	assert_non_null(k);
	tls_core_keylog(s->core, k);
	return k;
}

static void disarm(struct kit_side *s, struct tls_keylog *k)
{
	tls_core_keylog(s->core, NULL);
	tls_keylog_destroy(k);
}

/* what the foreign side's own libssl logs of the same connection */
static char theirs[8192];

static void their_line(const SSL *ssl, const char *line)
{
	strcat(theirs, line);
	strcat(theirs, "\n");
}

static void meet_as(struct kit_side *s, const struct kit_cert *who, int version, bool server)
{
	struct kit_foreign_ask ask = {
		.server = !server, .cert = who, .trust = w.ca.pem, .version = version, .tickets = -1};
	struct tls_client_params p = {.remote = base_addr_v4("\xc6\x12\x01\x02"), .remote_port = 5061};
	struct kit_foreign f;

	theirs[0] = 0;
	kit_side_reset(s);
	kit_openssl(&f, &ask);
	SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(f.ssl), their_line);
	if (server)
		kit_accept(s, 0);
	else
		assert_int_equal(tls_connect(s->core, 1, &p, &kit_ops, &s->app, &s->id), 0);
	kit_pump(s, &f);
	if (s->app.ready) {
		assert_int_equal(tls_send(s->core, s->id, "hello", 5), 5);
		kit_pump(s, &f);
		assert_int_equal(f.got_len, 5);
	}
	kit_foreign_free(&f);
}

/* each line of ours is one of theirs, and theirs are all there */
static void same_lines(const char *ours)
{
	unsigned n = 0, m = 0;

	for (const char *at = ours; *at; at = strchr(at, '\n') + 1, n++) {
		char line[512] = "";

		memcpy(line, at, (size_t)(strchr(at, '\n') + 1 - at));
		if (!strstr(theirs, line))
			fail_msg("not theirs: %s", line);
	}
	for (const char *at = theirs; *at; at = strchr(at, '\n') + 1)
		m++;
	assert_int_equal(n, m);
	assert_true(n > 0);
}

/* nothing that looks like a secret is in it: each has the client's random in hexadecimal digits */
static void is_clean(const struct tls_keylog *k)
{
	for (unsigned i = 0; i < TLS_KEYLOG_SLOTS; i++) {
		assert_false(k->slots[i].used);
		for (unsigned b = 0; b < TLS_KEYLOG_LINES; b++)
			assert_int_equal(k->slots[i].text[b], 0);
	}
	for (unsigned b = 0; b < TLS_KEYLOG_RING; b++)
		assert_int_equal(k->ring[b], 0);
}

static void one_peer(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		int version = i & 1 ? 0x0303 : 0x0304;
		bool server = i & 2;
		struct kit_side s;
		struct tls_keylog *k;
		char got[8192];
		uint32_t n;

		up(&s);
		k = armed(&s, "sip.fabrikam.test");
		meet_as(&s, &w.peer, version, server);
		assert_int_equal(s.app.ready, 1);
		n = tls_keylog_read(k, got, sizeof(got) - 1);
		got[n] = 0;
		same_lines(got);
		assert_int_equal(k->sessions, 1);
		is_clean(k);
		/* somebody else, and somebody whom nobody vouches for although he has the name */
		meet_as(&s, &w.other, version, server);
		assert_int_equal(s.app.ready, 1);
		meet_as(&s, &w.stranger, version, server);
		assert_int_equal(s.app.ready, 0);
		kit_clock(&s, 6000);
		assert_int_equal(tls_keylog_read(k, got, sizeof(got)), 0);
		assert_int_equal(k->sessions, 1);
		assert_int_equal(k->missed, 0);
		is_clean(k);
		disarm(&s, k);
		kit_side_fini(&s);
	}
}

/* it ends by itself, with the session that is under way, and when it is told to */
static void ends(void **state)
{
	struct kit_side s;
	struct tls_keylog *k, *k2;
	char got[4096];

	up(&s);
	k = armed(&s, "sip.fabrikam.test");
	kit_clock(&s, 59999);
	meet_as(&s, &w.peer, 0x0304, true);
	assert_true(tls_keylog_read(k, got, sizeof(got)) > 0);
	kit_clock(&s, 1);
	meet_as(&s, &w.peer, 0x0304, true);
	assert_int_equal(s.app.ready, 1);
	assert_int_equal(tls_keylog_read(k, got, sizeof(got)), 0);
	is_clean(k);
	/* another one takes its place while a handshake has lines in the first: they go with that */
	{
		struct kit_foreign_ask ask = {.cert = &w.peer, .trust = w.ca.pem, .version = 0x0304};
		struct kit_foreign f;

		disarm(&s, k);
		k = armed(&s, "sip.fabrikam.test");
		kit_side_reset(&s);
		kit_openssl(&f, &ask);
		kit_accept(&s, 0);
		f.step(&f);
		kit_give(&s, f.out, f.out_len);
		f.out_len = 0;
		tls_turn(s.core);
		assert_true(k->slots[0].used);
		k2 = armed(&s, "sip.litware.test");
		tls_keylog_destroy(k);
		kit_pump(&s, &f);
		assert_int_equal(s.app.ready, 1);
		assert_int_equal(tls_keylog_read(k2, got, sizeof(got)), 0);
		is_clean(k2);
		kit_foreign_free(&f);
	}
	tls_core_keylog(s.core, NULL);
	meet_as(&s, &w.other, 0x0304, true);
	assert_int_equal(k2->sessions, 0);
	tls_keylog_destroy(k2);
	kit_side_fini(&s);
}

/* nobody reads: sessions are left out and counted, lines stay whole; and it goes on when somebody reads again
 */
static void full(void **state)
{
	struct kit_side s;
	struct tls_keylog *k;
	char got[700];
	uint32_t n, total = 0;

	up(&s);
	k = armed(&s, "sip.fabrikam.test");
	for (unsigned i = 0; i < 200; i++)
		meet_as(&s, &w.peer, 0x0304, true);
	assert_true(k->missed > 0);
	assert_int_equal(k->sessions + k->missed, 200);
	while ((n = tls_keylog_read(k, got, sizeof(got)))) {
		assert_int_equal(got[n - 1], '\n');
		total += n;
	}
	assert_true(total <= TLS_KEYLOG_RING && total > TLS_KEYLOG_RING - TLS_KEYLOG_LINES);
	n = (uint32_t)k->sessions;
	meet_as(&s, &w.peer, 0x0304, true);
	assert_int_equal(k->sessions, n + 1);
	while (tls_keylog_read(k, got, sizeof(got)))
		;
	is_clean(k);
	disarm(&s, k);
	kit_side_fini(&s);
}

/* more handshakes at one time than there are places */
static void crowd(void **state)
{
	enum { N = TLS_KEYLOG_SLOTS + 5 };
	static struct kit_foreign f[N];
	struct tls_server_params p = {.remote = base_addr_v4("\xc6\x12\x01\x02")};
	struct kit_foreign_ask ask = {.cert = &w.peer, .trust = w.ca.pem, .version = 0x0304};
	struct tls_core_config config;
	struct tls_keylog *k;
	struct kit_side s;
	uint64_t id[N];

	up(&s);
	kit_side_fini(&s);
	kit_config(&config);
	config.sessions = config.handshakes = config.open_handshakes = config.prefix_handshakes = 2 * N;
	{
		struct tls_pair pair = {kit_blob(w.us.pem), kit_blob(w.us.key_pem), {0}};
		struct tls_identity_spec one = {.name = "edge", .server = {pair}};
		struct tls_profile_spec profile = tls_profile_modern;
		struct tls_world_spec spec = {
			.identities = &one, .n_identities = 1, .profiles = &profile, .n_profiles = 1};

		profile.trust = kit_blob(w.ca.pem);
		profile.revocation = TLS_REVOCATION_OFF;
		kit_side_init(&s, &config);
		kit_world(&s, &spec);
	}
	k = armed(&s, "sip.fabrikam.test");
	/* one stream each: the kit has one, so each is fed in turn and then forgotten */
	for (unsigned i = 0; i < N; i++) {
		kit_openssl(&f[i], &ask);
		f[i].step(&f[i]);
		kit_side_reset(&s);
		assert_int_equal(tls_accept(s.core, 1, &p, &kit_ops, &s.app, &id[i]), 0);
		kit_give(&s, f[i].out, f[i].out_len);
		tls_stream_readable(s.core, id[i]);
		tls_turn(s.core);
	}
	assert_int_equal(k->missed, 5);
	for (unsigned i = 0; i < N; i++) {
		tls_stream_closed(s.core, id[i], TLS_END_reset);
		kit_foreign_free(&f[i]);
	}
	is_clean(k);
	assert_int_equal(k->sessions, 0);
	disarm(&s, k);
	kit_side_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_peer), cmocka_unit_test(ends),
					   cmocka_unit_test(full), cmocka_unit_test(crowd)};

	tls_memory_init();
	return cmocka_run_group_tests(tests, setup, teardown);
}
