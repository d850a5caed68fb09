/* SPDX-License-Identifier: BSD-3-Clause */
/* Random bytes by our provider: never the same twice, whoever asks and whatever happens in between. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "dataplane/tls/core.h"
#include "tests/unit/tls/kit.h"

static struct kit_side side, other;

static int setup(void **state)
{
	kit_side_init(&side, NULL);
	kit_side_init(&other, NULL);
	return 0;
}

static int teardown(void **state)
{
	kit_side_fini(&side);
	kit_side_fini(&other);
	return 0;
}

enum { UNIT = 8, UNITS_MAX = 400000 };

static uint64_t seen[UNITS_MAX];
static size_t n_seen;

static void note(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + UNIT <= len; i += UNIT) {
		assert_in_range(n_seen, 0, UNITS_MAX - 1);
		memcpy(&seen[n_seen++], bytes + i, UNIT);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* by chance two of 400,000 are alike once in 230 million runs */
static void all_differ(void)
{
	unsigned ones = 0;
	int64_t off;

	qsort(seen, n_seen, sizeof(seen[0]), compare);
	for (size_t i = 0; i < n_seen; i++) {
		if (i)
			assert_int_not_equal(seen[i], seen[i - 1]);
		ones += (unsigned)__builtin_popcountll(seen[i]);
	}
	/* eight standard deviations: sqrt(64 n) / 2 each */
	off = (int64_t)ones - (int64_t)n_seen * 32;
	assert_true(off * off < 64 * 16 * (int64_t)n_seen);
	n_seen = 0;
}

static void draw(OSSL_LIB_CTX *lib, bool private, uint8_t *out, size_t len)
{
	assert_int_equal(private ? RAND_priv_bytes_ex(lib, out, len, 256) : RAND_bytes_ex(lib, out, len, 0),
			 1);
	note(out, len);
}

/* both library contexts of a core ask ours, in every size, and two cores are two generators */
static void sizes(void **state)
{
	OSSL_LIB_CTX *libs[] = {side.core->lib, side.core->base_lib, other.core->lib, other.core->base_lib};
	uint8_t out[700];

	for (unsigned k = 0; k < 4; k++) {
		EVP_RAND_CTX *both[] = {RAND_get0_public(libs[k]), RAND_get0_private(libs[k])};

		for (unsigned i = 0; i < 2; i++) {
			EVP_RAND *r = EVP_RAND_CTX_get0_rand(both[i]);

			assert_string_equal(EVP_RAND_get0_name(r), "CTR-DRBG-STOCK");
			assert_string_equal(OSSL_PROVIDER_get0_name(EVP_RAND_get0_provider(r)), "edge");
			assert_int_equal(EVP_RAND_get_strength(both[i]), 256);
			assert_int_equal(EVP_RAND_get_state(both[i]), EVP_RAND_STATE_READY);
		}
		for (size_t len = 1; len < sizeof(out); len++)
			draw(libs[k], len % 2, out, len);
	}
	all_differ();
}

/* whatever asks for more than bytes is answered by the generator itself */
static void straight_through(void **state)
{
	EVP_RAND_CTX *c = RAND_get0_private(side.core->lib);
	uint8_t out[64], more[4] = {1, 2, 3, 4};

	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(EVP_RAND_generate(c, out, 32, 0, 0, more, sizeof(more)), 1);
		note(out, 32);
		assert_int_equal(EVP_RAND_generate(c, out, 32, 0, i % 16 == 0, NULL, 0), 1);
		note(out, 32);
		assert_int_equal(EVP_RAND_generate(c, out, 64, 128, 0, NULL, 0), 1);
		note(out, 64);
	}
	assert_int_not_equal(EVP_RAND_generate(c, out, 32, 512, 0, NULL, 0), 1); /* stronger than it is */
	all_differ();
}

static unsigned reseeds(EVP_RAND_CTX *c)
{
	unsigned n = 0;
	OSSL_PARAM p[] = {OSSL_PARAM_construct_uint(OSSL_DRBG_PARAM_RESEED_COUNTER, &n),
			  OSSL_PARAM_construct_end()};

	assert_int_equal(EVP_RAND_CTX_get_params(c, p), 1);
	return n;
}

static void reseed(void **state)
{
	EVP_RAND_CTX *c = RAND_get0_public(side.core->lib);
	uint8_t out[32], seed[32] = {7};
	unsigned before = reseeds(c);

	for (unsigned i = 0; i < 50; i++) {
		draw(side.core->lib, false, out, sizeof(out));
		assert_int_equal(EVP_RAND_reseed(c, 0, NULL, 0, seed, sizeof(seed)), 1);
		draw(side.core->lib, false, out, sizeof(out));
	}
	assert_int_not_equal(reseeds(c), before);
	all_differ();
}

/* what waited for the parent is not the child's: neither of both repeats the other */
static void forks(void **state)
{
	enum { LEN = 48, ROUNDS = 40 };
	uint8_t out[LEN];

	draw(side.core->lib, false, out, 8); /* something waits in each */
	draw(side.core->lib, true, out, 8);
	draw(side.core->base_lib, true, out, 8);
	for (unsigned i = 0; i < ROUNDS; i++) {
		OSSL_LIB_CTX *lib = i % 3 == 2 ? side.core->base_lib : side.core->lib;
		int pipe_of[2], status;
		uint8_t from[20 * LEN];
		size_t n = 0;
		ssize_t got;
		pid_t pid;

		assert_int_equal(pipe(pipe_of), 0);
		pid = fork();
		if (pid == 0) {
			for (unsigned k = 0; k < 20; k++) {
				if (RAND_priv_bytes_ex(lib, from + (size_t)k * LEN, LEN, 0) != 1)
					_exit(1);
			}
			_exit(write(pipe_of[1], from, sizeof(from)) == (ssize_t)sizeof(from) ? 0 : 2);
		}
		close(pipe_of[1]);
		while ((got = read(pipe_of[0], from + n, sizeof(from) - n)) > 0)
			n += (size_t)got;
		close(pipe_of[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(n, sizeof(from));
		note(from, sizeof(from));
		for (unsigned k = 0; k < 20; k++)
			draw(lib, true, out, LEN);
	}
	all_differ();
}

static void *thread(void *arg)
{
	uint8_t *to = arg;

	for (unsigned i = 0; i < 200; i++) {
		if (RAND_bytes_ex(side.core->lib, to + (size_t)i * 32, 32, 0) != 1)
			return arg;
	}
	OPENSSL_thread_stop_ex(side.core->lib);
	return NULL;
}

/* the cold thread builds contexts in a worker's library context */
static void threads(void **state)
{
	static uint8_t out[4][200 * 32];
	pthread_t ids[4];
	void *failed;

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, thread, out[i]), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(ids[i], &failed), 0);
		assert_null(failed);
		note(out[i], sizeof(out[i]));
	}
	all_differ();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes), cmocka_unit_test(straight_through), cmocka_unit_test(reseed),
		cmocka_unit_test(forks), cmocka_unit_test(threads),
	};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
