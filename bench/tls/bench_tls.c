/* SPDX-License-Identifier: BSD-3-Clause */
/* What TLS costs on one core: handshakes in the whole data path (TCP and worker on a ring port) against the
 * arithmetic that they cannot avoid, records against bare ipsec-mb, idle sessions in bytes, allocations. Both
 * ends run on one thread; only turns of the worker are timed. nginx and libssl run beside it. Handshakes are
 * measured with our arithmetic of X25519 and with libcrypto's; the bound is libcrypto's in either case.
 *   bench_tls [record | handshake | idle | idle_libssl]
 * Without an argument each part runs in a process of its own: what the first one touched would be no part of
 * what sessions weigh in the next. The idle ones take minutes: 100,000 and 20,000 sessions. */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <rte_mempool.h>

#include "bench/tls/tls_nginx.h"
#include "bench/tls/tls_rig.h"
#include "dataplane/tls/aead.h"
#include "dataplane/tls/kdf.h"
#include "dataplane/tls/tls_record.h"
#include "drivers/eal.h"
#include "tests/unit/tls/kit.h"

/* last: it gives names of libcrypto another meaning */
#include <intel-ipsec-mb.h>

enum {
	PAIRS = 11,
	HANDSHAKES = 40,
	RECORDS = 4000,
	RECORD = 600,
	IDLE_LOW = 1000,
	IDLE_HIGH = 100000,
	IDLE_HIGH_LIBSSL = 20000, /* a sixth of the memory and time; the slope is the same */
};

static struct bench bench;
static struct kit_cert ca, us;
static struct rig rig;

static void emit(const char *metric, const char *unit, const char *peer, const char *ports,
		 const struct bench_series *v, double ratio, enum bench_goal is, double goal, bool on_ratio)
{
	bench_emit(&bench, &(struct bench_line){.metric = metric,
						.unit = unit,
						.peer = peer,
						.ports = ports,
						.value = bench_median(v),
						.min = bench_min(v),
						.ratio = ratio,
						.goal_is = is,
						.goal = goal,
						.goal_on_ratio = on_ratio,
						.samples = v->n});
}

/* Has this thread kept its core since the last call? A sample with somebody else's time slice in it is worth
 * nothing. */
static bool calm(void)
{
	static long before;
	struct rusage u;
	long now, was = before;

	getrusage(RUSAGE_THREAD, &u);
	now = before = u.ru_nivcsw + u.ru_nvcsw;
	return now == was;
}

/* ---- the bound: what any handshake must compute, through EVP ---- */

struct arithmetic {
	EVP_PKEY *theirs;
	uint8_t hash[32], sig[128], secret[64];
};

static void one_bound(struct arithmetic *a, bool certificate, bool mutual)
{
	size_t sig_len = sizeof(a->sig), secret_len = sizeof(a->secret);
	EVP_PKEY *ours = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
	EVP_PKEY_CTX *d = EVP_PKEY_CTX_new(ours, NULL), *s;

	if (EVP_PKEY_derive_init(d) <= 0 || EVP_PKEY_derive_set_peer_ex(d, a->theirs, 0) <= 0 ||
	    EVP_PKEY_derive(d, a->secret, &secret_len) <= 0)
		bench_wrong(&bench, "the bound's own arithmetic failed");
	if (certificate) {
		s = EVP_PKEY_CTX_new(us.key, NULL);
		if (EVP_PKEY_sign_init(s) <= 0 ||
		    EVP_PKEY_sign(s, a->sig, &sig_len, a->hash, sizeof(a->hash)) <= 0)
			bench_wrong(&bench, "the bound's own arithmetic failed");
		EVP_PKEY_CTX_free(s);
	}
	if (mutual) {
		s = EVP_PKEY_CTX_new(us.key, NULL);
		if (EVP_PKEY_verify_init(s) <= 0 ||
		    EVP_PKEY_verify(s, a->sig, sig_len, a->hash, sizeof(a->hash)) != 1)
			bench_wrong(&bench, "a good signature did not verify");
		EVP_PKEY_CTX_free(s);
	}
	EVP_PKEY_CTX_free(d);
	EVP_PKEY_free(ours);
}

/* mean ticks of those that nobody interrupted */
static double bound_ticks(bool certificate, bool mutual)
{
	struct arithmetic a = {.theirs = EVP_PKEY_Q_keygen(NULL, NULL, "X25519")};
	double sum = 0;

	for (unsigned n = 0, tries = 0; n < HANDSHAKES; tries++) {
		uint64_t begin;

		calm();
		begin = bench_tsc();
		one_bound(&a, certificate, mutual);
		begin = bench_tsc() - begin;
		if (calm() || tries > 4 * HANDSHAKES) {
			sum += (double)begin;
			n++;
		}
	}
	EVP_PKEY_free(a.theirs);
	return sum / HANDSHAKES;
}

/* ---- handshakes in the whole data path: SYN to ticket ---- */

static double shake_ticks(uint16_t port, bool resumed)
{
	double sum = 0;

	for (unsigned n = 0, tries = 0; n < HANDSHAKES; tries++) {
		SSL_SESSION *offer = NULL;

		if (resumed) {
			offer = rig.ticket;
			rig.ticket = NULL;
			if (!offer)
				bench_wrong(&bench, "no ticket came");
		}
		calm();
		rig.busy = 0;
		rig_shake(&rig, tries % 1000, port, offer);
		if (calm() || tries > 4 * HANDSHAKES) {
			sum += (double)rig.busy;
			n++;
		}
		if (tls_peer_get(rig.tls.core, rig.last_id) ? port != RIG_MUTUAL : port == RIG_MUTUAL)
			bench_wrong(&bench, "port %u: %s certificate", port,
				    tls_peer_get(rig.tls.core, rig.last_id) ? "a" : "no");
		if (!rig.last.own_records)
			bench_wrong(&bench, "a session stayed with libssl");
		rig_hang_up(&rig);
		SSL_SESSION_free(offer);
	}
	return sum / HANDSHAKES;
}

static void nginx(SSL_CTX *client, const struct bench_series *ours)
{
	enum { COUNT = 200 };
	struct bench_series v = {0}, us_ns = {0};
	struct tls_nginx n;
	int err = tls_nginx_start(&n, us.pem, us.key_pem, ca.pem);

	if (err) {
		bench_progress(&bench, "no nginx beside it: %s", strerror(-err));
		return;
	}
	SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_OFF);
	tls_nginx_shake(&n, client, 10);
	for (unsigned i = 0; i < 9; i++) {
		double ns = tls_nginx_shake(&n, client, COUNT) / COUNT;

		if (ns <= 0) {
			tls_nginx_stop(&n);
			bench_wrong(&bench, "nginx refused a handshake");
		}
		bench_series_add(&v, ns);
		bench_series_add(&us_ns, ours->v[i] / bench_tsc_hz() * 1e9);
	}
	tls_nginx_stop(&n);
	SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	emit("handshake_cpu", "ns", "ours", "ring", &us_ns, NAN, BENCH_NO_GOAL, 0, false);
	emit("handshake_cpu", "ns", "nginx", "loopback", &v, bench_pair_ratio(&v, &us_ns), BENCH_NO_GOAL, 0,
	     false);
}

static void allocations(void)
{
	struct bench_series calls = {0}, ticks = {0};

	for (unsigned i = 0; i < 9; i++) {
		uint64_t before = rig.arena.allocations + rig.arena.reallocations;

		rig_shake(&rig, i, RIG_MUTUAL, NULL);
		bench_series_add(&calls, (double)(rig.arena.allocations + rig.arena.reallocations - before));
		rig_hang_up(&rig);
		rig.arena.counts_ticks = true;
		rig.arena.ticks = 0;
		rig_shake(&rig, i, RIG_MUTUAL, NULL);
		bench_series_add(&ticks, (double)rig.arena.ticks);
		rig.arena.counts_ticks = false;
		rig_hang_up(&rig);
	}
	emit("handshake_allocations", "calls", "ours", "ring", &calls, NAN, BENCH_NO_GOAL, 0, false);
	/* with the two readings of the clock around each call */
	emit("handshake_allocator", "ticks", "ours", "ring", &ticks, NAN, BENCH_NO_GOAL, 0, false);
}

struct shakes {
	struct bench_series mutual, mutual_bound, server, server_bound, resumed, resumed_bound;
};

/* opens the rig */
static void shakes(struct shakes *s, bool own_x25519)
{
	rig_open(&rig, 2000, true, own_x25519);
	rig_shake(&rig, 0, RIG_SERVER_ONLY, NULL);
	rig_hang_up(&rig);
	rig_shake(&rig, 0, RIG_MUTUAL, NULL);
	rig_hang_up(&rig);
	for (unsigned i = 0; i < PAIRS; i++) {
		bench_series_add(&s->mutual_bound, bound_ticks(true, true));
		bench_series_add(&s->mutual, shake_ticks(RIG_MUTUAL, false));
		bench_series_add(&s->resumed_bound, bound_ticks(false, false));
		bench_series_add(&s->resumed, shake_ticks(RIG_MUTUAL, true));
		bench_series_add(&s->server_bound, bound_ticks(true, false));
		bench_series_add(&s->server, shake_ticks(RIG_SERVER_ONLY, false));
		/* the ticket of the server-only one is no good for the next round */
		rig_shake(&rig, 0, RIG_MUTUAL, NULL);
		rig_hang_up(&rig);
	}
}

/* three ratios; `goals` are for mutual, server-only and resumed ones, NULL: none */
static void shakes_emit(const struct shakes *s, const char *const names[3], const double *goals)
{
	const struct bench_series *value[] = {&s->mutual, &s->server, &s->resumed};
	const struct bench_series *bound[] = {&s->mutual_bound, &s->server_bound, &s->resumed_bound};

	for (unsigned i = 0; i < 3; i++)
		emit(names[i], "ticks", "ours", "ring", value[i], bench_pair_ratio(bound[i], value[i]),
		     goals ? BENCH_AT_LEAST : BENCH_NO_GOAL, goals ? goals[i] : 0, true);
}

/* the same with libcrypto's X25519: what is left of the ratios without our arithmetic */
static void handshakes_libcrypto(void)
{
	static const char *const names[] = {"handshake_ratio_libcrypto_x25519",
					    "handshake_ratio_server_only_libcrypto_x25519",
					    "handshake_ratio_resumed_libcrypto_x25519"};
	static struct shakes theirs;

	shakes(&theirs, false);
	shakes_emit(&theirs, names, NULL);
	rig_close(&rig);
}

static void handshakes(SSL_CTX *client)
{
	static const char *const names[] = {"handshake_ratio", "handshake_ratio_server_only",
					    "handshake_ratio_resumed"};
	static const double goals[] = {OPENSSL_VERSION_NUMBER >= 0x30500000L ? 0.70 : 0.50, 0.60, 0.80};
	static struct shakes ours;

	shakes(&ours, true);
	shakes_emit(&ours, names, goals);
	emit("handshake_bound", "ticks", "libcrypto", "none", &ours.mutual_bound, NAN, BENCH_NO_GOAL, 0,
	     false);
	emit("handshake_bound_server_only", "ticks", "libcrypto", "none", &ours.server_bound, NAN,
	     BENCH_NO_GOAL, 0, false);
	emit("handshake_bound_resumed", "ticks", "libcrypto", "none", &ours.resumed_bound, NAN, BENCH_NO_GOAL,
	     0, false);
	allocations();
	rig_close(&rig);
	nginx(client, &ours.mutual);
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
	emit("d2i_pubkey", "ticks", "libcrypto", "none", &v, NAN, BENCH_NO_GOAL, 0, false);
}

/* ---- records ---- */

/* two ends of a session of libssl over one pair of memory BIOs, AES-128-GCM as ours */
static void libssl_pair(SSL_CTX *client, SSL_CTX *server, SSL *pair[2])
{
	BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
	int done[2] = {0, 0};

	SSL_CTX_use_certificate(server, us.x);
	SSL_CTX_use_PrivateKey(server, us.key);
	SSL_CTX_set_ciphersuites(server, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_num_tickets(server, 0);
	pair[0] = SSL_new(client);
	pair[1] = SSL_new(server);
	SSL_set_app_data(pair[0], &rig);
	BIO_up_ref(up);
	BIO_up_ref(down);
	SSL_set_bio(pair[0], down, up);
	SSL_set_bio(pair[1], up, down);
	SSL_set_connect_state(pair[0]);
	SSL_set_accept_state(pair[1]);
	for (unsigned i = 0; i < 8; i++)
		done[i % 2] = SSL_do_handshake(pair[i % 2]);
	if (done[0] != 1 || done[1] != 1)
		bench_wrong(&bench, "libssl failed against itself");
}

static void records(SSL_CTX *client)
{
	const struct tls_suite *suite = tls_suite_find(0x1301);
	struct tls_aead *a = tls_aead_create(TLS_AEAD_BEST, 16);
	struct tls_direction tx = {.secret = {7}}, rx = tx;
	struct IMB_MGR *mb = tls_aead_mb(a);
	struct bench_series ours = {0}, bare = {0}, theirs = {0};
	SSL_CTX *server = SSL_CTX_new(TLS_server_method());
	SSL *pair[2];
	struct gcm_key_data key __attribute__((aligned(64)));
	struct gcm_context_data gcm __attribute__((aligned(64)));
	uint8_t buf[1024] __attribute__((aligned(64))), tag[16], nonce[12] = {0}, aad[5] = {0};
	struct tls_opened o;

	if (tls_aead_engine_get(a) != TLS_AEAD_IPSEC_MB) {
		tls_aead_destroy(a);
		SSL_CTX_free(server);
		return;
	}
	libssl_pair(client, server, pair);
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
		begin = bench_tsc();
		for (unsigned n = 0; n < RECORDS; n++) {
			if (SSL_write(pair[0], buf, RECORD) != RECORD ||
			    SSL_read(pair[1], buf, sizeof(buf)) != RECORD)
				bench_wrong(&bench, "libssl lost a record");
		}
		bench_series_add(&theirs, (double)(bench_tsc() - begin) / RECORDS);
	}
	emit("record_600B_ratio", "ticks", "ours", "none", &ours, bench_pair_ratio(&ours, &bare),
	     BENCH_AT_MOST, 3, true);
	emit("record_600B", "ticks", "ipsec-mb", "none", &bare, NAN, BENCH_NO_GOAL, 0, false);
	emit("record_600B_libssl", "ticks", "libssl", "none", &theirs, bench_pair_ratio(&theirs, &bare),
	     BENCH_NO_GOAL, 0, false);
	SSL_free(pair[0]);
	SSL_free(pair[1]);
	SSL_CTX_free(server);
	tls_aead_destroy(a);
}

/* bytes that turns take from any allocator of the process while records go in and out */
static void records_heap(void)
{
	struct bench_series v = {0};
	uint8_t bytes[RECORD] = {1};
	uint64_t in_arena;

	rig_open(&rig, 100, true, true);
	rig_shake(&rig, 0, RIG_MUTUAL, NULL);
	for (unsigned i = 0; i < 100; i++)
		rig_echo(&rig, bytes, RECORD);
	for (unsigned p = 0; p < 9; p++) {
		in_arena = rig.arena.allocations + rig.arena.reallocations;
		rig.count_heap = true;
		rig.heap = 0;
		for (unsigned i = 0; i < 100; i++)
			rig_echo(&rig, bytes, RECORD);
		rig.count_heap = false;
		bench_series_add(
			&v, (double)(rig.heap + rig.arena.allocations + rig.arena.reallocations - in_arena));
	}
	rig_hang_up(&rig);
	rig_close(&rig);
	emit("heap_allocations", "bytes", "ours", "ring", &v, NAN, BENCH_AT_MOST, 0, false);
}

/* ---- idle sessions ---- */

/* pages that the process holds, huge ones too */
static double memory_now(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	double sum = 0, kb;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %lf", &kb) == 1 || sscanf(line, "HugetlbPages: %lf", &kb) == 1)
			sum += kb * 1024;
	if (f)
		fclose(f);
	return sum;
}

static unsigned buffers_now(void)
{
	return rte_mempool_in_use_count(rig.tcp.tx) + rte_mempool_in_use_count(rig.tcp.compact);
}

static void idle(bool own)
{
	struct bench_series v = {0};
	unsigned high = own ? IDLE_HIGH : IDLE_HIGH_LIBSSL, held = 0;
	double low = 0, bytes;

	rig_open(&rig, high, own, true);
	for (unsigned i = 0; i < high; i++) {
		if (i == IDLE_LOW) {
			low = memory_now();
			held = buffers_now();
		}
		if (i % 10000 == 0)
			bench_progress(&bench, "%u of %u sessions are open", i, high);
		rig_shake(&rig, i, RIG_MUTUAL, NULL);
		if (rig.last.own_records != own)
			bench_wrong(&bench, "session %u is on the other record path", i);
		rig_forget(&rig);
	}
	/* buffers come from a pool that is there from the beginning: what is in use counts as well */
	bytes = memory_now() - low + ((double)buffers_now() - held) * 2048;
	if (tls_stats_get(rig.tls.core)->sessions != high ||
	    tcp_stats_get(rig.tcp.stack)->connections != high)
		bench_wrong(&bench, "not all are open");
	bench_series_add(&v, bytes / (high - IDLE_LOW));
	emit(own ? "idle_session_bytes" : "idle_session_bytes_libssl", "bytes", "ours", "ring", &v, NAN,
	     BENCH_AT_MOST, own ? 1000 : 10000, false);
	rig_close(&rig);
}

static SSL_CTX *client_new(bool certificate)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	if (!c || !SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) ||
	    (certificate && (!SSL_CTX_use_certificate(c, us.x) || !SSL_CTX_use_PrivateKey(c, us.key))) ||
	    !SSL_CTX_set1_groups_list(c, "X25519") || !SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256"))
		bench_wrong(&bench, "no client");
	return c;
}

static const char *const parts[] = {"record", "handshake", "handshake_libcrypto", "idle", "idle_libssl"};

/* the worst of their exit statuses */
static int all_parts(char **argv, bool json)
{
	int worst = 0, status;

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]) && worst < 2; i++) {
		char *args[] = {argv[0], (char *)(uintptr_t)parts[i], json ? (char[]){"--json"} : NULL, NULL};
		pid_t pid = fork();

		if (pid == 0) {
			execv("/proc/self/exe", args);
			_exit(2);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
			return 2;
		if (WEXITSTATUS(status) > worst)
			worst = WEXITSTATUS(status);
	}
	return worst;
}

static void part_run(const char *part, SSL_CTX *client)
{
	if (strcmp(part, "record") == 0) {
		records(client);
		records_heap();
	} else if (strcmp(part, "handshake_libcrypto") == 0) {
		handshakes_libcrypto();
	} else if (strcmp(part, "handshake") == 0) {
		handshakes(client);
		pubkey();
	} else {
		idle(strcmp(part, "idle") == 0);
	}
}

int main(int argc, char **argv)
{
	unsigned cpu, *cpus = &cpu;
	char dir[] = "/tmp/bench-tls-eal.XXXXXX", why[512] = "no directory in /tmp";
	struct driver_eal_config eal = {
		.program = "bench_tls", .memory = 256, .n_cold_cpus = 1, .n_workers = 1};
	struct tls_identity_spec id = {.name = "edge"};
	struct tls_profile_spec profiles[2] = {tls_profile_modern, tls_profile_modern};
	struct tls_world_spec world = {.identities = &id,
				       .n_identities = 1,
				       .profiles = profiles,
				       .n_profiles = 2,
				       .wall_s = time(NULL)};
	const char *part;
	SSL_CTX *client, *anonymous;

	if (tls_memory_init())
		return 2;
	part = argv[bench_init(&bench, "tls", argc, argv)];
	if (!part)
		return all_parts(argv, bench.json);
	cpu = (unsigned)sched_getcpu();
	eal.cold_cpus = eal.worker_cpus = cpus;
	eal.runtime_dir = mkdtemp(dir);
	if (!eal.runtime_dir || driver_eal_start(&eal, why, sizeof(why))) {
		fprintf(stderr, "bench_tls: %s\n", why);
		return 2;
	}
	rmdir(dir);
	ca = kit_cert(NULL, (struct kit_ask){.cn = "ca", .ca = true});
	us = kit_cert(&ca, (struct kit_ask){.cn = "us", .san = "DNS:us.test"});
	id.server[0] = id.client[0] = (struct tls_pair){kit_blob(us.pem), kit_blob(us.key_pem), {0}};
	profiles[0].trust = profiles[1].trust = kit_blob(ca.pem);
	profiles[0].revocation = profiles[1].revocation = TLS_REVOCATION_OFF;
	profiles[1].name = "open";
	profiles[1].anonymous = true;
	client = client_new(true);
	anonymous = client_new(false);
	rig_init(&bench, &world, client, anonymous);
	part_run(part, client);
	SSL_CTX_free(client);
	SSL_CTX_free(anonymous);
	kit_cert_free(&ca);
	kit_cert_free(&us);
	return bench_fini(&bench);
}
