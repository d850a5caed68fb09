/* SPDX-License-Identifier: BSD-3-Clause */
/* Does the time of X25519 depend on a key? Under memcheck keys are undefined: a branch or an address that is
 * made of one is an error. The kernel for AVX-512 IFMA takes part by its source, compiled with the
 * instructions in plain C (ifma/immintrin.h), for memcheck has none of them; which instructions the compiler
 * makes of it is no part of this. Without valgrind the results are compared and the rest is skipped. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/tls/isa/x25519_kernels.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_UNDEFINED(p, n) (void)(p)
#define VALGRIND_MAKE_MEM_DEFINED(p, n)	  (void)(p)
#define RUNNING_ON_VALGRIND		  0
#endif

enum { FOUND = 99 };

static struct tls_x25519 table;

/* RFC 7748 6.1 */
static const uint8_t private[32] = {0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1,
				    0x72, 0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0,
				    0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a};
static const uint8_t public[32] = {0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d,
				   0xdc, 0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38,
				   0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a};
static const uint8_t peer[32] = {0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61,
				 0xc2, 0xec, 0xe4, 0x35, 0x37, 0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78,
				 0x67, 0x4d, 0xad, 0xfc, 0x7e, 0x14, 0x6f, 0x88, 0x2b, 0x4f};
static const uint8_t secret[32] = {0x4a, 0x5d, 0x9d, 0x5b, 0xa4, 0xce, 0x2d, 0xe1, 0x72, 0x8e, 0x3b,
				   0xf4, 0x80, 0x35, 0x0f, 0x25, 0xe0, 0x7e, 0x21, 0xc9, 0x47, 0xd1,
				   0x9e, 0x33, 0x76, 0xf0, 0x9b, 0x3c, 0x1e, 0x16, 0x17, 0x42};

static int wrong(const char *kernel, const char *what)
{
	printf("%s: %s\n", kernel, what);
	return 1;
}

static int run(void)
{
	/* the emulated kernel runs everywhere; its entries have the names of the real one's */
	static const struct tls_x25519_kernel emulated = {
		"ifma", tls_x25519_public_ifma, tls_x25519_agree_ifma, NULL, tls_x25519_publics_ifma};
	const struct tls_x25519_kernel *all[2] = {&emulated, tls_x25519_kernels};

	while (all[1]->runs)
		all[1]++; /* to the plain one */
	tls_x25519_init(&table);
	for (unsigned i = 0; i < 2; i++) {
		const struct tls_x25519_kernel *k = all[i];
		uint8_t key[32], out[32];
		bool good;

		memcpy(key, private, sizeof(key));
		VALGRIND_MAKE_MEM_UNDEFINED(key, sizeof(key));
		k->public(&table, key, out);
		VALGRIND_MAKE_MEM_DEFINED(out, sizeof(out));
		if (memcmp(out, public, sizeof(out)))
			return wrong(k->name, "another public key than RFC 7748's");
		if (k->publics) {
			uint8_t keys[TLS_X25519_BATCH][32], outs[TLS_X25519_BATCH][32];

			for (unsigned n = 0; n < TLS_X25519_BATCH; n++)
				memcpy(keys[n], private, sizeof(keys[n]));
			VALGRIND_MAKE_MEM_UNDEFINED(keys, sizeof(keys));
			k->publics(&table, keys, outs);
			VALGRIND_MAKE_MEM_DEFINED(outs, sizeof(outs));
			for (unsigned n = 0; n < TLS_X25519_BATCH; n++) {
				if (memcmp(outs[n], public, sizeof(outs[n])))
					return wrong(k->name,
						     "another public key than RFC 7748's among eight");
			}
		}
		if (!k->agree)
			continue;
		good = k->agree(key, peer, out);
		VALGRIND_MAKE_MEM_DEFINED(&good, sizeof(good)); /* that there is a secret is no secret */
		VALGRIND_MAKE_MEM_DEFINED(out, sizeof(out));
		if (!good || memcmp(out, secret, sizeof(out)))
			return wrong(k->name, "another secret than RFC 7748's");
	}
	return 0;
}

/* memcheck must see a branch on a key where there is one */
static int branches(void)
{
	volatile uint8_t key = private[0];
	uint8_t copy = key;

	VALGRIND_MAKE_MEM_UNDEFINED(&copy, 1);
	if (copy & 1)
		printf("an odd key\n");
	return 0;
}

/* exit status; `log`: where valgrind says what it found */
static int under_valgrind(const char *self, const char *what, const char *log)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execlp("valgrind", "valgrind", "-q", "--error-exitcode=99", log, self, what, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 127;
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	int seen;

	if (argc > 1)
		return strcmp(argv[1], "branches") == 0 ? branches() : run();
	if (run())
		return 1;
	seen = under_valgrind(argv[0], "branches", "--log-file=/dev/null");
	if (seen != FOUND) {
		printf("valgrind is not here, or cannot run this program (%d)\n", seen);
		return 77;
	}
	seen = under_valgrind(argv[0], "keys", "--log-fd=1");
	if (seen)
		printf("valgrind says %d about the keys\n", seen);
	return seen != 0;
}
