/* SPDX-License-Identifier: BSD-3-Clause */
/* Key pairs of X25519 that are made ahead: each serves once, nothing of it stays, and no two processes or
 * cores have the same. */
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include <openssl/evp.h>

#include "dataplane/tls/core.h"
#include "tests/unit/tls/kit.h"

enum { TAKEN = 1000 };

static struct kit_side side, other;
static uint8_t seen[TAKEN][32];
static unsigned n_seen;

static int setup(void **state)
{
	kit_side_init(&side, NULL);
	kit_side_init(&other, NULL);
	n_seen = 0;
	assert_non_null(side.core->providers.ours->pairs);
	return 0;
}

static int teardown(void **state)
{
	kit_side_fini(&side);
	kit_side_fini(&other);
	return 0;
}

static bool held(const void *bytes, size_t len, const uint8_t what[32])
{
	return memmem(bytes, len, what, 32) != NULL;
}

/* as libssl does it in a step of a handshake; the private key, with its public one as libcrypto has it */
static void take(struct tls_core *core, uint8_t private[32])
{
	uint8_t public[32], theirs[32];
	size_t n = 32;
	EVP_PKEY *key, *same;

	tls_provider_step(core->providers.ours, true);
	key = EVP_PKEY_Q_keygen(core->lib, NULL, "X25519");
	tls_provider_step(core->providers.ours, false);
	assert_int_equal(EVP_PKEY_get_raw_private_key(key, private, &n), 1);
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, public, &n), 1);
	assert_int_equal(private[0] & 7, 0);
	assert_int_equal(private[31] >> 6, 1);
	same = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, 32);
	assert_int_equal(EVP_PKEY_get_raw_public_key(same, theirs, &n), 1);
	assert_memory_equal(public, theirs, 32);
	EVP_PKEY_free(key);
	EVP_PKEY_free(same);
	for (unsigned i = 0; i < n_seen; i++)
		assert_memory_not_equal(seen[i], private, 32);
	if (n_seen < TAKEN)
		memcpy(seen[n_seen++], private, 32);
}

/* two cores in turn: no key twice, and the one that went out is not there any more */
static void once(void **state)
{
	for (unsigned i = 0; i < 100; i++) {
		struct tls_core *core = i % 3 ? side.core : other.core;
		const struct tls_pairs *p = core->providers.ours->pairs;
		uint8_t key[32];

		take(core, key);
		assert_false(held(p, sizeof(*p), key));
		assert_in_range(p->left, 0, TLS_X25519_BATCH - 1);
	}
}

/* another thread may ask between steps: it takes none of these */
static void between_steps(void **state)
{
	const struct tls_pairs *p = side.core->providers.ours->pairs;
	uint8_t key[32];
	uint32_t left;
	EVP_PKEY *k;

	take(side.core, key);
	left = p->left;
	for (unsigned i = 0; i < 20; i++) {
		size_t n = 32;

		k = EVP_PKEY_Q_keygen(side.core->lib, NULL, "X25519");
		assert_int_equal(EVP_PKEY_get_raw_private_key(k, key, &n), 1);
		assert_false(held(p, sizeof(*p), key));
		EVP_PKEY_free(k);
	}
	assert_int_equal(p->left, left);
}

/* what has waited for minutes is replaced, all of it */
static void old_ones(void **state)
{
	struct tls_pairs *p = side.core->providers.ours->pairs;
	uint8_t key[32], waiting[TLS_X25519_BATCH][32];

	take(side.core, key);
	assert_int_equal(p->left, TLS_X25519_BATCH - 1);
	memcpy(waiting, p->private, sizeof(waiting));
	p->made = __rdtsc() - ((uint64_t)1 << 40);
	take(side.core, key);
	assert_int_equal(p->left, TLS_X25519_BATCH - 1);
	for (unsigned i = 0; i + 1 < TLS_X25519_BATCH; i++) {
		assert_false(held(p, sizeof(*p), waiting[i]));
		assert_memory_not_equal(waiting[i], key, 32);
	}
}

/* a child has none of its parent's */
static void forked(void **state)
{
	const struct tls_pairs *p = side.core->providers.ours->pairs;
	uint8_t key[32], waiting[sizeof(struct tls_pairs)];
	int status;
	pid_t pid;

	take(side.core, key);
	memcpy(waiting, p, sizeof(waiting));
	pid = fork();
	if (pid == 0) {
		uint8_t mine[32];

		if (p->left)
			_exit(1);
		take(side.core, mine);
		_exit(held(waiting, sizeof(waiting), mine) || p->left != TLS_X25519_BATCH - 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_equal(p, waiting, sizeof(waiting));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(once, setup, teardown),
		cmocka_unit_test_setup_teardown(between_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(old_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(forked, setup, teardown),
	};

	if (tls_memory_init())
		return 1;
	if (!tls_x25519_pick()->publics) {
		printf("this CPU makes keys one by one\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
