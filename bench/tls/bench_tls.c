/* SPDX-License-Identifier: BSD-3-Clause */
/* What TLS costs, in memory: handshakes against the arithmetic that they cannot avoid, records against bare
 * ipsec-mb, idle sessions in bytes, allocations. Both ends run here; only ours is timed, by a counter around
 * the calls of one side. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "bench/harness/bench.h"
#include "dataplane/tls/core.h"
#include "tests/unit/tls/kit.h"

/* last: it gives names of libcrypto another meaning */
#include <intel-ipsec-mb.h>

enum { PAIRS = 11, HANDSHAKES = 40, RECORDS = 4000, RECORD = 600, IDLE_LOW = 1000, IDLE_HIGH = 20000 };

static struct bench bench;
static struct kit_cert ca, us;

static void world(struct kit_side *s, bool anonymous)
{
	struct tls_pair pair = {kit_blob(us.pem), kit_blob(us.key_pem), {0}};
	struct tls_identity_spec id = {.name = "edge", .server = {pair}, .client = {pair}};
	struct tls_profile_spec p = tls_profile_modern;
	struct tls_world_spec spec = {.identities = &id, .n_identities = 1, .profiles = &p, .n_profiles = 1};

	p.trust = kit_blob(ca.pem);
	p.revocation = TLS_REVOCATION_OFF;
	p.anonymous = anonymous;
	kit_world(s, &spec);
}

/* ---- the bound: what any handshake must compute, through EVP ---- */

static EVP_PKEY *keygen(void)
{
	return EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
}

static double bound_ticks(bool mutual)
{
	EVP_PKEY *signer = us.key, *theirs = keygen();
	uint8_t hash[32] = {1}, sig[128], secret[64];
	uint64_t begin = bench_tsc();

	for (unsigned i = 0; i < HANDSHAKES; i++) {
		size_t sig_len = sizeof(sig), secret_len = sizeof(secret);
		EVP_PKEY *ours = keygen();
		EVP_PKEY_CTX *d = EVP_PKEY_CTX_new(ours, NULL), *s = EVP_PKEY_CTX_new(signer, NULL);

		if (EVP_PKEY_derive_init(d) <= 0 || EVP_PKEY_derive_set_peer_ex(d, theirs, 0) <= 0 ||
		    EVP_PKEY_derive(d, secret, &secret_len) <= 0 || EVP_PKEY_sign_init(s) <= 0 ||
		    EVP_PKEY_sign(s, sig, &sig_len, hash, sizeof(hash)) <= 0)
			bench_wrong(&bench, "the bound's own arithmetic failed");
		EVP_PKEY_CTX_free(s);
		if (mutual) {
			s = EVP_PKEY_CTX_new(signer, NULL);
			if (EVP_PKEY_verify_init(s) <= 0 ||
			    EVP_PKEY_verify(s, sig, sig_len, hash, sizeof(hash)) != 1)
				bench_wrong(&bench, "a good signature did not verify");
			EVP_PKEY_CTX_free(s);
		}
		EVP_PKEY_CTX_free(d);
		EVP_PKEY_free(ours);
	}
	begin = bench_tsc() - begin;
	EVP_PKEY_free(theirs);
	return (double)begin / HANDSHAKES;
}

/* ---- our side of a handshake ---- */

static void move(struct kit_side *s, struct kit_foreign *f)
{
	free(f->in);
	f->in = s->out;
	f->in_len = s->out_len;
	f->in_at = 0;
	s->out = NULL;
	s->out_len = s->out_cap = 0;
}

/* ticks of one; `mutual` or not, `*resume` is offered and replaced */
static double one_handshake(struct kit_side *s, bool mutual, bool resumed, SSL_SESSION **ticket)
{
	struct kit_foreign_ask ask = {.cert = mutual ? &us : NULL,
				      .version = TLS1_3_VERSION,
				      .resume = resumed && ticket ? *ticket : NULL};
	struct kit_foreign f;
	struct tls_info info;
	uint64_t ticks = 0, begin;

	kit_side_reset(s);
	tls_arena_use(NULL);
	kit_openssl(&f, &ask);
	f.step(&f);
	for (unsigned turn = 0; turn < 2; turn++) {
		uint8_t *bytes = f.out;
		size_t n = f.out_len;

		f.out = NULL;
		f.out_len = 0;
		begin = bench_tsc();
		kit_clock(s, 0);
		if (turn == 0)
			kit_accept(s, 0);
		kit_give(s, bytes, n);
		while (tls_turn(s->core))
			;
		ticks += bench_tsc() - begin;
		free(bytes);
		move(s, &f);
		tls_arena_use(NULL);
		f.step(&f);
	}
	if (!s->app.ready || !f.done)
		bench_wrong(&bench, "a handshake failed");
	tls_info_get(s->core, s->id, &info);
	if (info.resumed != resumed || !info.own_records)
		bench_wrong(&bench, "not the handshake that was asked for");
	if (ticket) {
		SSL_SESSION_free(*ticket);
		*ticket = f.session;
		f.session = NULL;
	}
	kit_foreign_free(&f);
	kit_clock(s, 0);
	return (double)ticks;
}

static void emit(const char *metric, const char *unit, const struct bench_series *v, double ratio,
		 enum bench_goal is, double goal, bool on_ratio)
{
	bench_emit(&bench, &(struct bench_line){.metric = metric,
						.unit = unit,
						.peer = "ours",
						.ports = "none",
						.value = bench_median(v),
						.min = bench_min(v),
						.ratio = ratio,
						.goal_is = is,
						.goal = goal,
						.goal_on_ratio = on_ratio,
						.samples = v->n});
}

static void handshakes(void)
{
	static const struct {
		const char *name;
		bool mutual;
		double goal;
	} kinds[2] = {{"handshake_ratio", true, 0.50}, {"handshake_ratio_server_only", false, 0.60}};

	for (unsigned k = 0; k < 2; k++) {
		struct bench_series bound = {0}, ours = {0}, resumed = {0};
		struct kit_side s;
		SSL_SESSION *ticket = NULL;

		kit_side_init(&s, NULL);
		world(&s, !kinds[k].mutual);
		one_handshake(&s, kinds[k].mutual, false, &ticket);
		for (unsigned i = 0; i < PAIRS; i++) {
			double sum = 0, sum_resumed = 0;

			bench_series_add(&bound, bound_ticks(kinds[k].mutual));
			for (unsigned n = 0; n < HANDSHAKES; n++)
				sum += one_handshake(&s, kinds[k].mutual, false, NULL);
			for (unsigned n = 0; n < HANDSHAKES / 4; n++)
				sum_resumed += one_handshake(&s, kinds[k].mutual, true, &ticket);
			bench_series_add(&ours, sum / HANDSHAKES);
			bench_series_add(&resumed, sum_resumed / (HANDSHAKES / 4));
		}
		emit(kinds[k].name, "ticks", &ours, bench_pair_ratio(&bound, &ours), BENCH_AT_LEAST,
		     kinds[k].goal, true);
		if (k == 0) {
			emit("handshake_resumed", "ticks", &resumed, bench_pair_ratio(&ours, &resumed),
			     BENCH_NO_GOAL, 0, false);
			/* exact, so one is enough */
			struct bench_series allocations = {0}, in_allocator = {0};
			uint64_t before;

			kit_clock(&s, 0);
			s.arena.counts_ticks = true;
			for (unsigned i = 0; i < 9; i++) {
				before = s.arena.allocations + s.arena.reallocations;
				s.arena.ticks = 0;
				one_handshake(&s, true, false, NULL);
				bench_series_add(&allocations, (double)(s.arena.allocations +
									s.arena.reallocations - before));
				bench_series_add(&in_allocator, (double)s.arena.ticks);
			}
			emit("handshake_allocations", "calls", &allocations, __builtin_nan(""), BENCH_NO_GOAL,
			     0, false);
			emit("handshake_allocator", "ticks", &in_allocator, __builtin_nan(""), BENCH_NO_GOAL,
			     0, false);
		}
		SSL_SESSION_free(ticket);
		kit_side_fini(&s);
	}
}

/* the public key of a certificate, decoded: libcrypto does it once for each that is presented */
static void pubkey(void)
{
	struct bench_series v = {0};
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(us.key, &der);

	for (unsigned i = 0; i < 9; i++) {
		uint64_t begin = bench_tsc();

		for (unsigned n = 0; n < 50; n++) {
			const unsigned char *p = der;
			EVP_PKEY *k = d2i_PUBKEY(NULL, &p, len);

			if (!k)
				bench_wrong(&bench, "a public key was not read");
			EVP_PKEY_free(k);
		}
		bench_series_add(&v, (double)(bench_tsc() - begin) / 50);
	}
	OPENSSL_free(der);
	emit("d2i_pubkey", "ticks", &v, __builtin_nan(""), BENCH_NO_GOAL, 0, false);
}

/* ---- records ---- */

static void records(void)
{
	const struct tls_suite *suite = tls_suite_find(0x1301);
	struct tls_aead *a = tls_aead_create(TLS_AEAD_BEST, 16);
	struct tls_direction tx = {.secret = {7}}, rx = tx;
	struct IMB_MGR *mb = tls_aead_mb(a);
	struct bench_series ours = {0}, bare = {0};
	struct gcm_key_data key __attribute__((aligned(64)));
	struct gcm_context_data gcm __attribute__((aligned(64)));
	uint8_t buf[1024] __attribute__((aligned(64))), tag[16], nonce[12] = {0}, aad[5] = {0};
	struct tls_opened o;

	if (tls_aead_engine_get(a) != TLS_AEAD_IPSEC_MB) {
		tls_aead_destroy(a);
		return;
	}
	IMB_AES128_GCM_PRE(mb, nonce, &key);
	for (unsigned i = 0; i < PAIRS; i++) {
		uint64_t begin = bench_tsc();

		for (unsigned n = 0; n < RECORDS; n++) {
			IMB_AES128_GCM_ENC(mb, &key, &gcm, buf, buf, RECORD, nonce, aad, 5, tag, 16);
			IMB_AES128_GCM_DEC(mb, &key, &gcm, buf, buf, RECORD, nonce, aad, 5, tag, 16);
		}
		bench_series_add(&bare, (double)(bench_tsc() - begin) / RECORDS);
		begin = bench_tsc();
		for (unsigned n = 0; n < RECORDS; n++) {
			size_t len = tls_record_seal(a, suite, &tx, 1, TLS_APPLICATION,
						     buf + tls_record_front(suite), RECORD);

			if (tls_record_open(a, suite, &rx, 1, buf, len, &o) || o.len != RECORD)
				bench_wrong(&bench, "a record did not open");
		}
		bench_series_add(&ours, (double)(bench_tsc() - begin) / RECORDS);
	}
	emit("record_600B_ratio", "ticks", &ours, bench_pair_ratio(&ours, &bare), BENCH_AT_MOST, 3, true);
	tls_aead_destroy(a);
}

/* ---- idle sessions ---- */

static long rss(void)
{
	long total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%ld %ld", &total, &resident) != 2)
		bench_wrong(&bench, "no /proc/self/statm");
	fclose(f);
	return resident * sysconf(_SC_PAGESIZE);
}

static void idle(bool own)
{
	struct bench_series v = {0};
	struct tls_core_config config;
	struct kit_side s;
	long low = 0;
	unsigned high = own ? IDLE_HIGH : 4000;

	kit_config(&config);
	config.sessions = IDLE_HIGH + 8;
	config.handshakes = config.open_handshakes = config.prefix_handshakes = IDLE_HIGH + 8;
	config.own_records = own;
	kit_side_init(&s, &config);
	world(&s, false);
	for (unsigned i = 0; i <= high; i++) {
		struct kit_foreign_ask ask = {.cert = &us, .version = TLS1_3_VERSION};
		struct kit_foreign f;

		if (i == IDLE_LOW)
			low = rss();
		if (i % 5000 == 0)
			bench_progress(&bench, "%u of %u sessions are open", i, high);
		tls_arena_use(NULL);
		kit_openssl(&f, &ask);
		kit_accept(&s, 0);
		kit_pump(&s, &f);
		if (s.app.ready != i + 1)
			bench_wrong(&bench, "session %u did not open", i);
		tls_arena_use(NULL);
		kit_foreign_free(&f);
		s.id = 0; /* it stays */
	}
	bench_series_add(&v, (double)(rss() - low) / (high - IDLE_LOW));
	emit(own ? "idle_session_bytes_without_tcp" : "idle_session_bytes_libssl_without_tcp", "bytes", &v,
	     __builtin_nan(""), BENCH_AT_MOST, own ? 1000 : 10000, false);
	kit_side_fini(&s);
}

int main(int argc, char **argv)
{
	if (tls_memory_init())
		return 2;
	bench_init(&bench, "tls", argc, argv);
	ca = kit_cert(NULL, (struct kit_ask){.cn = "ca", .ca = true});
	us = kit_cert(&ca, (struct kit_ask){.cn = "us", .san = "DNS:us.test"});
	records();
	handshakes();
	pubkey();
	idle(true);
	idle(false);
	kit_cert_free(&ca);
	kit_cert_free(&us);
	return bench_fini(&bench);
}
