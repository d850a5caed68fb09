/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions against foreign peers (libssl, GnuTLS): roles × versions × suites × record paths × how the bytes
 * are cut, then closing, key updates and hand-over. Longer than other files: each case runs in one and the
 * same pair of ends. */
#include <stdio.h>

#include "dataplane/tls/core.h"
#include "dataplane/tls/suite.h"
#include "tests/unit/tls/kit.h"

static struct {
	struct kit_cert ca, ec, rsa, peer;
	struct tls_identity_spec identity;
	struct tls_profile_spec profiles[2];
	struct tls_world_spec world;
} w;

static int setup(void **state)
{
	w.ca = kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true});
	w.ec = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test"});
	w.rsa = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test", .key = KIT_RSA});
	w.peer = kit_cert(&w.ca, (struct kit_ask){.cn = "peer",
						  .san = "DNS:sip.fabrikam.test",
						  .eku = "serverAuth,clientAuth"});
	w.identity = (struct tls_identity_spec){
		.name = "edge",
		.sni = {"sip.contoso.test"},
		.server = {{kit_blob(w.ec.pem), kit_blob(w.ec.key_pem), {0}},
			   {kit_blob(w.rsa.pem), kit_blob(w.rsa.key_pem), {0}}},
		.client = {{kit_blob(w.ec.pem), kit_blob(w.ec.key_pem), {0}},
			   {kit_blob(w.rsa.pem), kit_blob(w.rsa.key_pem), {0}}},
	};
	w.profiles[0] = tls_profile_modern;
	w.profiles[0].trust = kit_blob(w.ca.pem);
	w.profiles[1] = tls_profile_compat;
	w.profiles[1].trust = kit_blob(w.ca.pem);
	w.world = (struct tls_world_spec){
		.identities = &w.identity, .n_identities = 1, .profiles = w.profiles, .n_profiles = 2};
	return 0;
}

static int teardown(void **state)
{
	kit_cert_free(&w.ca);
	kit_cert_free(&w.ec);
	kit_cert_free(&w.rsa);
	kit_cert_free(&w.peer);
	return 0;
}

struct script {
	const char *name;
	bool server; /* we are */
	bool own;
	bool gnutls;
	int version;
	const char *suites;
	unsigned profile;
	uint32_t seg_size, buffer;
	uint8_t max_fragment;
};

static void begin(struct kit_side *s, struct kit_foreign *f, const struct script *x)
{
	struct kit_foreign_ask ask = {.server = !x->server,
				      .cert = &w.peer,
				      .trust = w.ca.pem,
				      .version = x->version,
				      .suites = x->suites,
				      .sni = "sip.contoso.test",
				      .tickets = -1,
				      .max_fragment = x->max_fragment};
	struct tls_core_config config;

	kit_config(&config);
	config.own_records = x->own;
	kit_side_init(s, &config);
	s->seg_size = x->seg_size;
	s->buffer = x->buffer ? x->buffer : 1500;
	kit_world(s, &w.world);
	if (x->gnutls)
		kit_gnutls(f, &ask);
	else
		kit_openssl(f, &ask);
	if (x->server) {
		kit_accept(s, x->profile);
	} else {
		struct tls_client_params p = {.profile = x->profile,
					      .remote = base_addr_v4("\xc6\x12\x01\x02"),
					      .remote_port = 5061,
					      .sni = policy_name_of("sip.fabrikam.test"),
					      .expect = policy_name_of("sip.fabrikam.test")};

		assert_int_equal(tls_connect(s->core, 1, &p, &kit_ops, &s->app, &s->id), 0);
	}
	kit_pump(s, f);
	if (!f->done || !s->app.ready)
		fail_msg("%s: foreign done %d error %d alert %d, we ready %u closed %u end %s verdict %u "
			 "x509 %d",
			 x->name, f->done, f->error, f->alert_in, s->app.ready, s->app.closed,
			 tls_end_info[s->app.end].name, s->app.last.verdict, s->app.last.x509_error);
}

static void send_all(struct kit_side *s, struct kit_foreign *f, const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		int64_t n = tls_send(s->core, s->id, data + at, len - at);

		assert_true(n > 0);
		at += (size_t)n;
		kit_pump(s, f);
	}
}

static void exchange(struct kit_side *s, struct kit_foreign *f, const char *name, size_t len)
{
	uint8_t *data = malloc(len);
	size_t had = s->app.got_len, theirs = f->got_len;

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 7 + len);
	send_all(s, f, data, len);
	if (f->got_len != theirs + len || memcmp(f->got + theirs, data, len))
		fail_msg("%s: the peer got %zu of %zu bytes, error %d", name, f->got_len - theirs, len,
			 f->error);
	f->send(f, data, len);
	kit_pump(s, f);
	if (s->app.got_len != had + len || memcmp(s->app.got + had, data, len))
		fail_msg("%s: we got %zu of %zu bytes, closed %u %s", name, s->app.got_len - had, len,
			 s->app.closed, tls_end_info[s->app.end].name);
	free(data);
}

static void path_is(struct kit_side *s, const struct script *x, bool own)
{
	struct tls_info info;

	assert_true(tls_info_get(s->core, s->id, &info));
	if (info.own_records != own)
		fail_msg("%s: own records %d (%s)", x->name, info.own_records,
			 info.own_records_why_not ? info.own_records_why_not : "");
	assert_int_equal(info.verdict, TLS_VERDICT_good);
	assert_int_equal(tls_peer_get(s->core, s->id)->names, 1);
	/* what was verified is remembered by us, and libssl holds no copy */
	if (x && !x->own) {
		const SSL *ssl = tls_hs(s->core, tls_session_of(s->core, s->id))->ssl;

		assert_null(SSL_get0_peer_certificate(ssl));
		assert_true(sk_X509_num(SSL_get_peer_cert_chain(ssl)) <= 0);
	}
}

/* what is left of an encoded session without its certificate is that session, and of garbage nothing */
static void certificate_left_out(void **state)
{
	struct script x = {.name = "slim", .server = true};
	struct kit_side s;
	struct kit_foreign f;

	for (unsigned v13 = 0; v13 < 2; v13++) {
		uint8_t der[8192], again[8192], *at = der, *copy;
		const uint8_t *from = der;
		SSL_SESSION *session, *slim = NULL;
		size_t len, n;

		x.version = v13 ? TLS1_3_VERSION : TLS1_2_VERSION;
		begin(&s, &f, &x);
		session = SSL_get_session(f.ssl);
		assert_non_null(SSL_SESSION_get0_peer(session));
		len = (size_t)i2d_SSL_SESSION(session, NULL);
		assert_in_range(len, 300, sizeof(der));
		i2d_SSL_SESSION(session, &at);
		/* exactly as long as it is, for whoever watches its ends */
		for (size_t cut = 0; cut < len; cut++) {
			copy = malloc(cut ? cut : 1);
			memcpy(copy, der, cut);
			assert_int_equal(tls_session_der_slim(copy, cut), 0);
			free(copy);
		}
		for (size_t i = 0; i < len * 8; i += 3) {
			copy = malloc(len);
			memcpy(copy, der, len);
			copy[i / 8] ^= (uint8_t)(1 << i % 8);
			assert_in_range(tls_session_der_slim(copy, len), 0, len);
			free(copy);
		}
		n = tls_session_der_slim(der, len);
		assert_in_range(n, 40, len - 200);
		assert_non_null(d2i_SSL_SESSION(&slim, &from, (long)n));
		assert_null(SSL_SESSION_get0_peer(slim));
		assert_int_equal(i2d_SSL_SESSION(slim, NULL), n);
		at = again;
		i2d_SSL_SESSION(slim, &at);
		assert_memory_equal(der, again, n);
		/* nothing more to leave out */
		assert_int_equal(tls_session_der_slim(again, n), n);
		SSL_SESSION_free(slim);
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

static void whole_life(const struct script *x, bool we_close)
{
	struct kit_side s;
	struct kit_foreign f;
	const struct tls_suite *suite;
	struct tls_info info;
	bool own;

	begin(&s, &f, x);
	exchange(&s, &f, x->name, 1);
	kit_clock(&s, 3000); /* a client has waited for tickets for long enough */
	exchange(&s, &f, x->name, 600);
	tls_info_get(s.core, s.id, &info);
	suite = tls_suite_find(info.suite);
	own = x->own && suite;
	path_is(&s, x, own);
	exchange(&s, &f, x->name, 16384);
	exchange(&s, &f, x->name, 70000);
	if (info.v13) {
		f.update(&f, true);
		exchange(&s, &f, x->name, 300);
		/* GnuTLS 3.7 calls a request illegal once it has made one itself */
		assert_int_equal(tls_key_update(s.core, s.id, !x->gnutls), 0);
		exchange(&s, &f, x->name, 300);
		exchange(&s, &f, x->name, 300);
	}
	if (we_close) {
		tls_close(s.core, s.id);
		kit_pump(&s, &f);
		assert_true(f.eof);
		f.bye(&f);
	} else {
		f.bye(&f);
		kit_pump(&s, &f);
		assert_int_equal(s.app.eof, 1);
		/* RFC 8446 6.1: our direction is open still */
		if (info.v13)
			send_all(&s, &f, (const uint8_t *)"late", 4);
		tls_close(s.core, s.id);
	}
	kit_pump(&s, &f);
	if (s.app.closed != 1 || s.app.end != TLS_END_closed)
		fail_msg("%s: closed %u %s", x->name, s.app.closed, tls_end_info[s.app.end].name);
	kit_foreign_free(&f);
	kit_side_fini(&s);
}

static void lives(void **state)
{
	static const struct {
		int version;
		const char *suites;
	} kinds[] = {
		{0x0304, "TLS_AES_128_GCM_SHA256"},
		{0x0304, "TLS_AES_256_GCM_SHA384"},
		{0x0304, "TLS_CHACHA20_POLY1305_SHA256"},
		{0x0303, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"},
		{0x0303, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"},
		{0x0303, "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"},
	};
	static const uint32_t segs[] = {0, 1400, 100};

	for (unsigned i = 0; i < 6 * 2 * 2 * 2; i++) {
		struct script x = {.server = i & 1, .own = i & 2, .gnutls = i & 4};
		unsigned k = i / 8;
		char name[160];

		x.version = kinds[k].version;
		x.suites = x.gnutls ? NULL : kinds[k].suites;
		x.seg_size = segs[i % 3];
		snprintf(name, sizeof(name), "%s, %s, %s, %s, segments of %u",
			 x.gnutls ? "GnuTLS" : kinds[k].suites, x.version == 0x0304 ? "1.3" : "1.2",
			 x.server ? "server" : "client", x.own ? "own records" : "libssl", x.seg_size);
		x.name = name;
		whole_life(&x, i / 8 % 2);
	}
}

/* old Lync: no elliptic curve anywhere */
static void compat(void **state)
{
	static const char lync[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:+DHE-RSA";
	struct kit_cert ec_peer = w.peer;

	w.peer = w.rsa;
	for (unsigned i = 0; i < 8; i++) {
		struct script x = {.name = "compat",
				   .server = i & 1,
				   .own = i & 2,
				   .gnutls = true,
				   .version = 0x0303,
				   .profile = 1,
				   .suites = i & 4 ? "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:+DHE-RSA:"
						     "-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC"
						   : lync};

		if (!x.server) {
			/* our client expects fabrikam; the RSA certificate is contoso's */
			struct kit_cert rsa_peer = kit_cert(
				&w.ca, (struct kit_ask){
					       .cn = "peer", .san = "DNS:sip.fabrikam.test", .key = KIT_RSA});

			w.peer = rsa_peer;
			whole_life(&x, i & 1);
			kit_cert_free(&rsa_peer);
			w.peer = w.rsa;
		} else {
			whole_life(&x, i & 1);
		}
	}
	w.peer = ec_peer;
}

/* every byte of the handshake in a segment of its own, and small output buffers */
static void byte_by_byte(void **state)
{
	for (unsigned i = 0; i < 8; i++) {
		struct script x = {.name = "byte by byte",
				   .server = i & 1,
				   .own = i & 2,
				   .version = i & 4 ? 0x0303 : 0x0304,
				   .seg_size = 1,
				   .buffer = 512};
		struct kit_side s;
		struct kit_foreign f;

		begin(&s, &f, &x);
		exchange(&s, &f, x.name, 50);
		exchange(&s, &f, x.name, 2000);
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

/* RFC 6066 4: a peer that asked for short records gets them */
static void short_records(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct script x = {.name = "short records",
				   .server = true,
				   .own = i & 1,
				   .version = i & 2 ? 0x0303 : 0x0304,
				   .max_fragment = 1};
		struct kit_side s;
		struct kit_foreign f;

		begin(&s, &f, &x);
		exchange(&s, &f, x.name, 5000);
		path_is(&s, &x, false);
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

/* the upper layer takes little by little; nothing is lost and nothing comes twice */
static void backpressure(void **state)
{
	for (unsigned i = 0; i < 8; i++) {
		struct script x = {.name = "backpressure",
				   .server = true,
				   .own = i & 1,
				   .version = i & 2 ? 0x0303 : 0x0304,
				   .seg_size = i & 4 ? 333 : 0};
		uint8_t data[3000];
		struct kit_side s;
		struct kit_foreign f;

		begin(&s, &f, &x);
		for (unsigned k = 0; k < sizeof(data); k++)
			data[k] = (uint8_t)(k * 31 >> 3);
		s.app.take = 7;
		f.send(&f, data, 1000);
		f.send(&f, data + 1000, 2000);
		kit_pump(&s, &f);
		assert_int_equal(s.app.got_len, 7);
		for (unsigned k = 0; k < 1000 && s.app.got_len < sizeof(data); k++) {
			s.app.take = 1 + k % 50;
			tls_resume(s.core, s.id);
		}
		assert_int_equal(s.app.got_len, sizeof(data));
		assert_memory_equal(s.app.got, data, sizeof(data));
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

/* no room below: tls_send() takes less, `writable` comes, nothing is lost */
static void no_room(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct script x = {.name = "no room", .server = true, .own = i & 1, .version = 0x0304};
		uint8_t data[60000];
		struct kit_side s;
		struct kit_foreign f;
		size_t at = 0;

		begin(&s, &f, &x);
		memset(data, 'x', sizeof(data));
		s.room = 20000;
		for (unsigned rounds = 0; at < sizeof(data); rounds++) {
			int64_t n = tls_send(s.core, s.id, data + at, sizeof(data) - at);

			assert_true(n >= 0 && rounds < 100);
			at += (size_t)n;
			kit_pump(&s, &f);
		}
		assert_true(s.app.writable > 0);
		assert_int_equal(f.got_len, sizeof(data));
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

/* filled in place */
static void reserve(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct script x = {
			.name = "reserve", .server = true, .own = i & 1, .version = i & 2 ? 0x0303 : 0x0304};
		struct tls_out out;
		struct kit_side s;
		struct kit_foreign f;

		begin(&s, &f, &x);
		assert_int_equal(tls_reserve(s.core, s.id, &out), 0);
		assert_true(out.room >= 600);
		memset(out.data, 'q', out.room);
		assert_int_equal(tls_commit(s.core, s.id, &out, out.room), 0);
		kit_pump(&s, &f);
		assert_int_equal(f.got_len, out.room);
		assert_int_equal(tls_reserve(s.core, s.id, &out), 0);
		assert_int_equal(tls_commit(s.core, s.id, &out, 0), 0);
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

/* the stream ends without close_notify (RFC 8446 6.1): said, on both paths */
static void truncation(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct script x = {.name = "truncation",
				   .server = true,
				   .own = i & 1,
				   .version = i & 2 ? 0x0303 : 0x0304};
		struct kit_side s;
		struct kit_foreign f;

		begin(&s, &f, &x);
		exchange(&s, &f, x.name, 100);
		tls_stream_eof(s.core, s.id);
		kit_pump(&s, &f);
		assert_int_equal(s.app.closed, 1);
		assert_int_equal(s.app.end, TLS_END_truncated);
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

/* one bit of one record turned: the session ends, nothing of it reaches the application */
static void forgery(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct script x = {
			.name = "forgery", .server = true, .own = i & 1, .version = i & 2 ? 0x0303 : 0x0304};
		struct kit_side s;
		struct kit_foreign f;

		begin(&s, &f, &x);
		exchange(&s, &f, x.name, 100);
		f.send(&f, "attack at dawn", 14);
		f.step(&f);
		f.out[12] ^= 4;
		kit_pump(&s, &f);
		assert_int_equal(s.app.got_len, 100);
		assert_int_equal(f.error, 1020); /* SSL_R_SSLV3_ALERT_BAD_RECORD_MAC */
		kit_clock(&s, 10000);
		kit_pump(&s, &f);
		assert_int_equal(s.app.closed, 1);
		assert_int_equal(s.app.end, TLS_END_forged);
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

/* Hand-over of a server: 0, 1, 2 tickets are the foreign server's; for ours as client they may come cut into
 * pieces, and data may come in the same segment */
static void client_hand_over(void **state)
{
	for (unsigned i = 0; i < 12; i++) {
		struct kit_foreign_ask ask = {.server = true,
					      .cert = &w.peer,
					      .trust = w.ca.pem,
					      .version = 0x0304,
					      .tickets = (int)(i % 3)};
		struct tls_client_params p = {.remote = base_addr_v4("\xc6\x12\x01\x02"),
					      .remote_port = 5061};
		struct script x = {.name = "client hand-over", .version = 0x0304};
		struct tls_info info;
		struct kit_side s;
		struct kit_foreign f;

		kit_side_init(&s, NULL);
		kit_world(&s, &w.world);
		kit_openssl(&f, &ask);
		assert_int_equal(tls_connect(s.core, 1, &p, &kit_ops, &s.app, &s.id), 0);
		s.seg_size = i / 3 == 0 ? 0 : i / 3 == 1 ? 90 : i / 3 == 2 ? 1 : 400;
		kit_pump(&s, &f);
		assert_int_equal(s.app.ready, 1);
		tls_info_get(s.core, s.id, &info);
		assert_int_equal(info.own_records, ask.tickets > 0);
		if (!ask.tickets)
			assert_string_equal(info.own_records_why_not, "not yet");
		exchange(&s, &f, x.name, 200);
		kit_clock(&s, 2500);
		tls_info_get(s.core, s.id, &info);
		assert_true(info.own_records);
		exchange(&s, &f, x.name, 2000);
		/* the second may be libssl's or ours to ignore, by how the bytes were cut */
		assert_int_equal(tls_stats_get(s.core)->counters[TLS_COUNTER_client_tickets] +
					 tls_stats_get(s.core)->counters[TLS_COUNTER_tickets_ignored],
				 (unsigned)ask.tickets);
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

/* KeyUpdate, data and close_notify right behind Finished, all in one segment */
static void server_hand_over(void **state)
{
	for (unsigned i = 0; i < 16; i++) {
		struct script x = {
			.name = "server hand-over", .server = true, .own = i & 1, .version = 0x0304};
		struct kit_foreign_ask ask = {.cert = &w.peer, .trust = w.ca.pem, .version = 0x0304};
		struct tls_core_config config;
		struct kit_side s;
		struct kit_foreign f;

		kit_config(&config);
		config.own_records = x.own;
		kit_side_init(&s, &config);
		kit_world(&s, &w.world);
		kit_openssl(&f, &ask);
		kit_accept(&s, 0);
		/* ClientHello; then the server's flight; the client's Finished stays in f.out */
		f.step(&f);
		kit_give(&s, f.out, f.out_len);
		f.out_len = 0;
		tls_turn(s.core);
		f.in = malloc(s.out_len);
		memcpy(f.in, s.out, s.out_len);
		f.in_len = s.out_len;
		s.out_len = 0;
		f.step(&f);
		assert_true(f.done);
		if (i & 2)
			f.update(&f, i & 4);
		f.send(&f, "first", 5);
		if (i & 8)
			f.bye(&f);
		kit_pump(&s, &f);
		assert_int_equal(s.app.ready, 1);
		assert_int_equal(s.app.got_len, 5);
		assert_int_equal(s.app.eof, (i & 8) != 0);
		if (i & 8) {
			tls_close(s.core, s.id);
			kit_pump(&s, &f);
			assert_true(f.eof);
		} else {
			exchange(&s, &f, x.name, 500);
			path_is(&s, &x, x.own);
		}
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

/* more than 8 key updates in 10 seconds end it, on both paths; slower ones do not */
static void key_update_flood(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct script x = {.name = "flood", .server = true, .own = i & 1, .version = 0x0304};
		struct kit_side s;
		struct kit_foreign f;

		begin(&s, &f, &x);
		exchange(&s, &f, x.name, 10);
		for (unsigned k = 0; k < 24; k++) {
			if (k % 8 == 0)
				kit_clock(&s, 11000);
			f.update(&f, false);
			exchange(&s, &f, x.name, 10);
		}
		for (unsigned k = 0; k < 16 && !s.shut; k++) {
			f.update(&f, false);
			kit_pump(&s, &f);
		}
		kit_clock(&s, 10000);
		kit_pump(&s, &f);
		assert_int_equal(s.app.end, TLS_END_key_update_flood);
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

/* updates that ask for ours, with data behind them in the same flight: the data arrives, whoever has the
 * session */
static void key_updates_in_a_flight(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct script x = {.name = "flight", .server = i & 2, .own = i & 1, .version = 0x0304};

		for (unsigned n = 1; n <= 7; n++) {
			struct kit_side s;
			struct kit_foreign f;

			begin(&s, &f, &x);
			for (unsigned k = 0; k < n; k++)
				f.update(&f, true);
			exchange(&s, &f, x.name, 300);
			exchange(&s, &f, x.name, 300);
			kit_foreign_free(&f);
			kit_side_fini(&s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificate_left_out),
		cmocka_unit_test(lives),
		cmocka_unit_test(compat),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(backpressure),
		cmocka_unit_test(no_room),
		cmocka_unit_test(reserve),
		cmocka_unit_test(truncation),
		cmocka_unit_test(forgery),
		cmocka_unit_test(client_hand_over),
		cmocka_unit_test(server_hand_over),
		cmocka_unit_test(key_update_flood),
		cmocka_unit_test(key_updates_in_a_flight),
		cmocka_unit_test(short_records),
	};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
