/* SPDX-License-Identifier: BSD-3-Clause */
/* What hostile or sick peers may cost: budgets, caps, deadlines, garbage; and worlds that are replaced or
 * refused while sessions live. Longer than other files: one world and one set of sick peers serve all of it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "dataplane/base/rng.h"
#include "tests/unit/tls/kit.h"

static struct {
	struct kit_cert ca, us, rsa, peer, expired;
} w;

static int setup(void **state)
{
	w.ca = kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true});
	w.us = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test"});
	w.rsa = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:x.test", .key = KIT_RSA});
	w.peer = kit_cert(&w.ca, (struct kit_ask){.cn = "p", .san = "DNS:sip.fabrikam.test"});
	w.expired = kit_cert(
		&w.ca,
		(struct kit_ask){.cn = "us", .san = "DNS:sip.contoso.test", .from_s = -900, .to_s = -60});
	return 0;
}

static int teardown(void **state)
{
	kit_cert_free(&w.ca);
	kit_cert_free(&w.us);
	kit_cert_free(&w.rsa);
	kit_cert_free(&w.peer);
	kit_cert_free(&w.expired);
	return 0;
}

static struct tls_world *build(struct kit_side *s, const struct tls_pair *a, const struct tls_pair *b,
			       const char *trust, const char *crls, char *why, size_t why_len)
{
	struct tls_identity_spec id = {.name = "edge", .server = {*a}, .client = {*a}};
	struct tls_profile_spec p = tls_profile_modern;
	struct tls_world_spec spec = {
		.identities = &id, .n_identities = 1, .profiles = &p, .n_profiles = 1, .wall_s = s->wall_s};

	if (b)
		id.server[1] = *b;
	p.trust = kit_blob(trust);
	p.crls = kit_blob(crls);
	return tls_world_create(s->core, &spec, why, why_len);
}

static struct tls_pair pair_of(const struct kit_cert *c)
{
	return (struct tls_pair){kit_blob(c->pem), kit_blob(c->key_pem), {0}};
}

static void up(struct kit_side *s, const struct tls_core_config *config)
{
	struct tls_pair us = pair_of(&w.us);
	char why[256];
	struct tls_world *world;

	kit_side_init(s, config);
	world = build(s, &us, NULL, w.ca.pem, NULL, why, sizeof(why));
	assert_non_null(world);
	tls_core_world(s->core, world);
}

static void foreign(struct kit_foreign *f)
{
	struct kit_foreign_ask ask = {.cert = &w.peer, .trust = w.ca.pem};

	kit_openssl(f, &ask);
}

/* ---- a flood: many streams, each of which brings the same ClientHello ---- */

enum { FLOOD = 500, FLOOD_FIRST = 100 };

static struct {
	uint8_t *hello;
	uint32_t len, at[FLOOD];
} flood;

static unsigned flood_peek(void *ctx, uint64_t stream, struct tls_view *v, unsigned max)
{
	if (stream < FLOOD_FIRST)
		return kit_wire.peek(ctx, stream, v, max);
	v[0].data = flood.hello + flood.at[stream - FLOOD_FIRST];
	v[0].len = flood.len - flood.at[stream - FLOOD_FIRST];
	return v[0].len ? 1 : 0;
}

static uint32_t flood_readable(void *ctx, uint64_t stream)
{
	return stream < FLOOD_FIRST ? kit_wire.readable(ctx, stream)
				    : flood.len - flood.at[stream - FLOOD_FIRST];
}

static uint32_t flood_copy(void *ctx, uint64_t stream, uint32_t offset, void *to, uint32_t len)
{
	struct tls_view v;

	if (stream < FLOOD_FIRST)
		return kit_wire.copy(ctx, stream, offset, to, len);
	if (!flood_peek(ctx, stream, &v, 1) || offset >= v.len)
		return 0;
	len = len < v.len - offset ? len : v.len - offset;
	memcpy(to, v.data + offset, len);
	return len;
}

static void flood_consume(void *ctx, uint64_t stream, uint32_t len)
{
	if (stream < FLOOD_FIRST)
		kit_wire.consume(ctx, stream, len);
	else
		flood.at[stream - FLOOD_FIRST] += len;
}

static int flood_send(void *ctx, uint64_t stream, struct tls_buffer *b, uint32_t len)
{
	if (stream < FLOOD_FIRST)
		return kit_wire.send(ctx, stream, b, len);
	free(b->handle);
	return 0;
}

static void flood_nothing(void *ctx, uint64_t stream)
{
}

static void flood_deadline(void *ctx, uint64_t stream, uint64_t at)
{
}

/* 500 handshakes arrive at once. No turn makes more than its share of calls into libssl, and an established
 * session is served between any two turns. */
static void budget(void **state)
{
	struct tls_wire wire = kit_wire;
	struct tls_core_config config;
	struct tls_pair us = pair_of(&w.us);
	struct kit_foreign f, hello;
	struct tls_world *world;
	struct kit_side s;
	const uint64_t *n;
	uint64_t ids[FLOOD], before, most = 0, answered;
	unsigned turns = 0;
	char why[256];
	bool more;

	wire.peek = flood_peek;
	wire.readable = flood_readable;
	wire.copy = flood_copy;
	wire.consume = flood_consume;
	wire.send = flood_send;
	wire.shutdown = wire.close = wire.abort = flood_nothing;
	wire.deadline = flood_deadline;
	kit_config(&config);
	config.sessions = config.open_handshakes = config.prefix_handshakes = FLOOD + 8;
	config.handshake_steps = 4;
	kit_side_init(&s, &config);
	tls_core_destroy(s.core);
	s.core = tls_core_create(&config, &wire, &s, &s.arena, 1);
	world = build(&s, &us, NULL, w.ca.pem, NULL, why, sizeof(why));
	tls_core_world(s.core, world);
	n = tls_stats_get(s.core)->counters;
	foreign(&f);
	kit_accept(&s, 0);
	kit_pump(&s, &f);
	assert_int_equal(s.app.ready, 1);
	answered = n[TLS_COUNTER_handshake_steps];
	foreign(&hello);
	hello.step(&hello);
	flood.hello = hello.out;
	flood.len = (uint32_t)hello.out_len;
	memset(flood.at, 0, sizeof(flood.at));
	for (unsigned i = 0; i < FLOOD; i++) {
		struct tls_server_params p = {.remote = base_addr_v4("\xc6\x12\x01\x02")};

		assert_int_equal(tls_accept(s.core, FLOOD_FIRST + i, &p, &kit_ops, &s.app, &ids[i]), 0);
		tls_stream_readable(s.core, ids[i]);
	}
	do {
		before = n[TLS_COUNTER_handshake_steps];
		more = tls_turn(s.core);
		turns++;
		if (n[TLS_COUNTER_handshake_steps] - before > most)
			most = n[TLS_COUNTER_handshake_steps] - before;
		/* the canary */
		assert_int_equal(tls_send(s.core, s.id, "ping", 4), 4);
		assert_true(s.out_len > 4);
		s.out_len = 0;
	} while (more);
	/* a ClientHello costs two calls: its flight, and the one that finds nothing more */
	assert_true(most <= config.handshake_steps * 2);
	assert_int_equal(turns, FLOOD / config.handshake_steps);
	assert_int_equal(n[TLS_COUNTER_handshakes_put_off], turns - 1);
	assert_true(n[TLS_COUNTER_handshake_steps] - answered >= FLOOD);
	for (unsigned i = 0; i < FLOOD; i++)
		tls_stream_closed(s.core, ids[i], TLS_END_reset);
	assert_int_equal(tls_stats_get(s.core)->handshakes, 0);
	kit_foreign_free(&hello);
	kit_foreign_free(&f);
	kit_side_fini(&s);
}

static void caps(void **state)
{
	struct tls_server_params p = {.remote = base_addr_v4("\xc6\x12\x01\x02")};
	struct tls_core_config config;
	struct kit_side s;
	uint64_t ids[32], id;

	kit_config(&config);
	config.open_handshakes = 20;
	config.prefix_handshakes = 8;
	up(&s, &config);
	for (unsigned i = 0; i < 8; i++) {
		p.remote = base_addr_v4((uint8_t[]){198, 18, 1, (uint8_t)i});
		assert_int_equal(tls_accept(s.core, 1, &p, &kit_ops, &s.app, &ids[i]), 0);
	}
	assert_int_equal(tls_accept(s.core, 1, &p, &kit_ops, &s.app, &id), -24 /* EMFILE */);
	/* another prefix is not hindered */
	for (unsigned i = 8; i < 20; i++) {
		p.remote = base_addr_v4((uint8_t[]){198, 18, (uint8_t)(2 + i / 8), (uint8_t)i});
		assert_int_equal(tls_accept(s.core, 1, &p, &kit_ops, &s.app, &ids[i]), 0);
	}
	p.remote = base_addr_v4("\x0a\x00\x00\x01");
	assert_int_equal(tls_accept(s.core, 1, &p, &kit_ops, &s.app, &id), -16 /* EBUSY */);
	/* places are given back, and ids of the dead do nothing */
	tls_stream_closed(s.core, ids[0], TLS_END_reset);
	tls_stream_readable(s.core, ids[0]);
	assert_int_equal(tls_send(s.core, ids[0], "x", 1), -107 /* ENOTCONN */);
	assert_int_equal(tls_accept(s.core, 1, &p, &kit_ops, &s.app, &ids[0]), 0);
	for (unsigned i = 0; i < 20; i++)
		tls_stream_closed(s.core, ids[i], TLS_END_reset);
	assert_int_equal(tls_stats_get(s.core)->sessions, 0);
	assert_int_equal(tls_stats_get(s.core)->ssl_objects, 0);
	kit_side_fini(&s);
}

/* stalled before the first byte, and in the middle */
static void stalls(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct kit_foreign f;
		struct kit_side s;

		up(&s, NULL);
		foreign(&f);
		kit_accept(&s, 0);
		if (i) {
			f.step(&f);
			kit_give(&s, f.out, f.out_len / 2);
			tls_turn(s.core);
		}
		kit_clock(&s, 9000);
		assert_false(s.shut);
		assert_int_equal(s.app.failed, 0);
		kit_clock(&s, 1500);
		assert_true(s.shut);
		/* told when it fails, not when the stream ends */
		assert_int_equal(s.app.failed, 1);
		assert_int_equal(s.app.closed, 0);
		assert_int_equal(s.app.failed_end, TLS_END_handshake_timeout);
		assert_int_equal(s.app.last.begun, i == 1);
		assert_int_equal(tls_stats_get(s.core)->ssl_objects, 0);
		/* a peer that does not follow our close is cut off */
		kit_clock(&s, 6000);
		assert_true(s.aborted);
		f.out_len = 0;
		kit_pump(&s, &f);
		assert_int_equal(s.app.closed, 1);
		assert_int_equal(s.app.failed, 1);
		assert_int_equal(s.app.end, TLS_END_handshake_timeout);
		kit_foreign_free(&f);
		kit_side_fini(&s);
	}
}

/* whatever is not TLS ends at once, without a loop and without a crash */
static void garbage(void **state)
{
	static const char *const talk[] = {
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS sip:x SIP/2.0\r\n\r\n",
		"\x16\x03\x01\xff\xff garbage",	     "\x15\x03\x01\x00\x02\x02\x28",
		"\x80\x2e\x01\x03\x01 an old hello", "\x17\x03\x03\x00\x05hello",
	};
	struct base_rng rng;

	base_rng_seed(&rng, 3);
	for (unsigned i = 0; i < 200; i++) {
		uint8_t noise[400];
		struct kit_side s;

		up(&s, NULL);
		kit_accept(&s, 0);
		s.seg_size = i % 3 ? 0 : 5;
		if (i < 6) {
			/* the first two bytes of the third are a plausible length: sent whole */
			size_t n = i == 3 ? 7 : i == 5 ? 10 : strlen(talk[i]);

			kit_give(&s, (const uint8_t *)talk[i], n);
		} else {
			for (unsigned k = 0; k < sizeof(noise); k++)
				noise[k] = (uint8_t)base_rng_next(&rng);
			noise[0] = (uint8_t)(i % 2 ? 0x16 : noise[0]);
			kit_give(&s, noise, sizeof(noise));
		}
		while (tls_turn(s.core))
			;
		tls_stream_eof(s.core, s.id);
		while (tls_turn(s.core))
			;
		assert_true(s.closed);
		assert_int_equal(s.app.ready, 0);
		kit_side_fini(&s);
	}
}

/* an endless handshake: small records for ever */
static void too_much(void **state)
{
	uint8_t record[5 + 1000] = {0x16, 3, 1, 1000 >> 8, 1000 & 255, 1, 0, 0xff, 0xff};
	struct kit_side s;
	unsigned i;

	up(&s, NULL);
	kit_accept(&s, 0);
	for (i = 0; i < 200 && !s.shut; i++) {
		kit_give(&s, record, sizeof(record));
		while (tls_turn(s.core))
			;
	}
	assert_true(s.shut && i < 100);
	kit_side_fini(&s);
}

/* no buffers in the middle of a handshake: an orderly end */
static void no_buffers(void **state)
{
	struct kit_foreign f;
	struct kit_side s;

	up(&s, NULL);
	foreign(&f);
	kit_accept(&s, 0);
	s.no_buffers = true;
	kit_pump(&s, &f);
	assert_int_equal(tls_stats_get(s.core)->ssl_objects, 0);
	kit_clock(&s, 6000);
	kit_pump(&s, &f);
	assert_int_equal(s.app.end, TLS_END_memory);
	kit_foreign_free(&f);
	kit_side_fini(&s);
}

/* Three places, the one in the middle not in use; two profiles, of which the last identity knows one. */
static struct tls_world *places(struct kit_side *s, const struct kit_cert *first, bool in_force, char *why,
				size_t why_len)
{
	struct tls_identity_spec id[3] = {
		{.name = "old", .server = {pair_of(first)}, .in_force = in_force},
		{.name = NULL},
		{.name = "inside", .profiles = 1u << 2, .server = {pair_of(&w.us)}},
	};
	struct tls_profile_spec p[3] = {tls_profile_modern, {.name = NULL}, tls_profile_modern};
	struct tls_world_spec spec = {
		.identities = id, .n_identities = 3, .profiles = p, .n_profiles = 3, .wall_s = s->wall_s};

	p[0].trust = p[2].trust = kit_blob(w.ca.pem);
	return tls_world_create(s->core, &spec, why, why_len);
}

static void places_not_in_use(void **state)
{
	static const struct {
		unsigned identity, profile;
		int result;
	} cases[] = {{0, 0, 0},	 {0, 2, 0},  {2, 2, 0},	 {2, 0, -2},
		     {1, 0, -2}, {0, 1, -2}, {1, 1, -2}, {3, 0, -2}};
	struct tls_world *world;
	struct kit_side s;
	char why[256];

	kit_side_init(&s, NULL);
	world = places(&s, &w.us, false, why, sizeof(why));
	assert_non_null(world);
	tls_core_world(s.core, world);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_server_params sp = {.identity = cases[i].identity, .profile = cases[i].profile};
		struct tls_client_params cp = {.identity = cases[i].identity, .profile = cases[i].profile};
		uint64_t id;

		assert_int_equal(tls_accept(s.core, 1, &sp, &kit_ops, &s.app, &id), cases[i].result);
		assert_int_equal(tls_connect(s.core, 1, &cp, &kit_ops, &s.app, &id), cases[i].result);
	}
	kit_side_fini(&s);
}

/* each wrong file is refused with its reason; nothing leaks (the sanitizer build sees to that) */
static void refused_worlds(void **state)
{
	struct tls_pair us = pair_of(&w.us), rsa = pair_of(&w.rsa), bad;
	char *half = strndup(w.us.pem, strlen(w.us.pem) / 2);
	char *half_key = strndup(w.us.key_pem, strlen(w.us.key_pem) / 2);
	struct tls_world *world;
	struct kit_side s;
	char why[256];

	kit_side_init(&s, NULL);
	world = build(&s, &us, &rsa, w.ca.pem, NULL, why, sizeof(why));
	assert_non_null(world);
	tls_world_destroy(world);
#define REFUSED(call, words)                                             \
	do {                                                             \
		assert_null(call);                                       \
		if (!strstr(why, words))                                 \
			fail_msg("said \"%s\", not \"%s\"", why, words); \
	} while (0)
	bad = (struct tls_pair){kit_blob(w.us.pem), kit_blob(w.rsa.key_pem), {0}};
	REFUSED(build(&s, &bad, NULL, w.ca.pem, NULL, why, sizeof(why)),
		"key is not that of the certificate");
	bad = pair_of(&w.expired);
	REFUSED(build(&s, &bad, NULL, w.ca.pem, NULL, why, sizeof(why)), "certificate has expired");
	bad = (struct tls_pair){kit_blob(half), kit_blob(w.us.key_pem), {0}};
	REFUSED(build(&s, &bad, NULL, w.ca.pem, NULL, why, sizeof(why)), "certificate or its chain cannot");
	bad = (struct tls_pair){kit_blob(w.us.pem), kit_blob(half_key), {0}};
	REFUSED(build(&s, &bad, NULL, w.ca.pem, NULL, why, sizeof(why)), "key cannot be read");
	bad = (struct tls_pair){kit_blob(w.us.pem), {0}, {0}};
	REFUSED(build(&s, &bad, NULL, w.ca.pem, NULL, why, sizeof(why)), "key is missing");
	REFUSED(build(&s, &us, &us, w.ca.pem, NULL, why, sizeof(why)), "beside the other one");
	REFUSED(build(&s, &us, NULL, half, NULL, why, sizeof(why)), "modern: trust anchor 1");
	REFUSED(build(&s, &us, NULL, w.ca.pem, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
		      why, sizeof(why)),
		"modern: revocation list 1");
#undef REFUSED
	/* what expired in use is no reason to refuse what is new beside it */
	world = places(&s, &w.expired, true, why, sizeof(why));
	if (!world)
		fail_msg("%s", why);
	tls_world_destroy(world);
	assert_null(places(&s, &w.expired, false, why, sizeof(why)));
	free(half);
	free(half_key);
	kit_side_fini(&s);
}

/* Worlds are replaced while handshakes run and sessions live: none fails, memory comes back to where it was.
 */
static void reloads(void **state)
{
	unsigned rounds = getenv("SALLYPORT_TEST_LONG") ? 10000 : 400;
	struct tls_pair us = pair_of(&w.us);
	struct kit_side s;
	int64_t early = 0;
	char why[256];

	up(&s, NULL);
	for (unsigned i = 0; i < rounds; i++) {
		struct kit_foreign_ask ask = {.cert = &w.peer, .trust = w.ca.pem};
		struct tls_world *world, *gone;
		struct kit_foreign f;

		if (i == 100)
			early = s.arena.bytes;
		kit_side_reset(&s);
		tls_arena_use(NULL);
		kit_openssl(&f, &ask);
		kit_accept(&s, 0);
		/* ClientHello under the old world */
		f.step(&f);
		kit_give(&s, f.out, f.out_len);
		f.out_len = 0;
		kit_clock(&s, 0);
		tls_turn(s.core);
		world = build(&s, &us, NULL, w.ca.pem, NULL, why, sizeof(why));
		assert_non_null(world);
		tls_core_world(s.core, world);
		/* its handshake goes on under the old one, which may not be freed yet */
		assert_null(tls_core_retired(s.core));
		kit_pump(&s, &f);
		assert_int_equal(s.app.ready, 1);
		/* on our own record path nothing holds it any more */
		kit_clock(&s, 0);
		gone = tls_core_retired(s.core);
		assert_non_null(gone);
		tls_world_destroy(gone);
		tls_arena_use(NULL);
		kit_foreign_free(&f);
	}
	kit_side_reset(&s);
	kit_clock(&s, 0);
	/* frees are counted where they happen; this thread did all of it in one arena */
	if (early && s.arena.bytes > early + 65536)
		fail_msg("%ld bytes after 100 reloads, %ld after %u", (long)early, (long)s.arena.bytes,
			 rounds);
	kit_side_fini(&s);
}

/* content-addressed files: the name must be the content's hash, and only a name */
static void secrets(void **state)
{
	static const char hash[] =
		"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; /* hello */
	char dir[] = "/tmp/sallyport-tls-XXXXXX";
	uint8_t *bytes;
	size_t len;
	int d, fd;

	assert_non_null(mkdtemp(dir));
	d = open(dir, O_DIRECTORY | O_RDONLY);
	fd = openat(d, hash, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "hell", 4), 4);
	assert_int_equal(tls_secret_read(d, hash, &bytes, &len), -74 /* EBADMSG: half-written */);
	assert_int_equal(write(fd, "o", 1), 1);
	assert_int_equal(tls_secret_read(d, hash, &bytes, &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(bytes, "hello", 5);
	tls_secret_free(bytes, len);
	assert_int_equal(tls_secret_read(d, "../../etc/passwd", &bytes, &len), -22);
	unlinkat(d, hash, 0);
	assert_int_equal(symlinkat("/etc/passwd", d, hash), 0);
	assert_int_equal(tls_secret_read(d, hash, &bytes, &len), -40 /* ELOOP */);
	unlinkat(d, hash, 0);
	close(fd);
	close(d);
	rmdir(dir);
}

static void profiles(void **state)
{
	assert_true(tls_profile_needs_ec(&tls_profile_modern));
	assert_false(tls_profile_needs_ec(&tls_profile_compat));
}

/* An idle session is its pool object alone: nothing of libssl is left, nothing was allocated for its records.
 */
static void idle_session(void **state)
{
	struct kit_foreign f;
	struct kit_side s;
	uint64_t before;

	up(&s, NULL);
	foreign(&f);
	kit_accept(&s, 0);
	kit_pump(&s, &f);
	assert_int_equal(tls_stats_get(s.core)->ssl_objects, 0);
	assert_int_equal(tls_stats_get(s.core)->sessions, 1);
	kit_clock(&s, 0);
	before = s.arena.allocations + s.arena.reallocations;
	for (unsigned i = 0; i < 100; i++) {
		uint8_t *out;

		assert_int_equal(tls_send(s.core, s.id, "0123456789", 10), 10);
		tls_arena_use(NULL);
		f.send(&f, "0123456789", 10);
		f.step(&f);
		out = f.out;
		kit_clock(&s, 0);
		kit_give(&s, out, f.out_len);
		f.out_len = 0;
		tls_turn(s.core);
	}
	assert_int_equal(s.app.got_len, 1000);
	assert_int_equal(s.arena.allocations + s.arena.reallocations, before);
	tls_arena_use(NULL);
	kit_foreign_free(&f);
	kit_clock(&s, 0);
	kit_side_fini(&s);
}

/* blocks that are kept and handed out again: each is one's own, whole, and counted once */
static void blocks(void **state)
{
	enum { SIZES = 1200, TURNS = 3 };
	static uint8_t *p[SIZES + 1];
	struct tls_arena a;

	assert_int_equal(tls_arena_init(&a), 0);
	tls_arena_use(&a);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		for (unsigned n = 1; n <= SIZES; n++) {
			p[n] = OPENSSL_malloc(n);
			assert_non_null(p[n]);
			memset(p[n], (int)n, n);
		}
		for (unsigned n = 1; n <= SIZES; n++) {
			for (unsigned k = 0; k < n; k++)
				assert_int_equal(p[n][k], (uint8_t)n);
		}
		assert_true(a.bytes >= (int64_t)SIZES * (SIZES + 1) / 2);
		for (unsigned n = 1; n <= SIZES; n++)
			OPENSSL_free(p[turn % 2 ? n : SIZES + 1 - n]);
		assert_int_equal(a.bytes, 0);
	}
	assert_int_equal(a.allocations, SIZES * TURNS);
	assert_int_equal(a.frees, SIZES * TURNS);
	tls_arena_use(NULL);
	tls_arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budget),	  cmocka_unit_test(caps),
		cmocka_unit_test(stalls),	  cmocka_unit_test(garbage),
		cmocka_unit_test(too_much),	  cmocka_unit_test(no_buffers),
		cmocka_unit_test(refused_worlds), cmocka_unit_test(places_not_in_use),
		cmocka_unit_test(reloads),	  cmocka_unit_test(secrets),
		cmocka_unit_test(profiles),	  cmocka_unit_test(idle_session),
		cmocka_unit_test(blocks),
	};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
