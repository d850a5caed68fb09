/* SPDX-License-Identifier: BSD-3-Clause */
/* Every sum kernel against the definition of RFC 1071, and the update of RFC 1624 against a sum from scratch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/wire/checksum.h"

static struct base_rng rng;

/* RFC 1071 section 4.1, by the letter */
static uint16_t by_definition(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2) {
		sum += (uint32_t)(p[i] | p[i + 1] << 8);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	if (len & 1)
		sum += p[len - 1];
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* 0 and 0xffff are one number in one's complement */
static void same_sum(uint32_t got, uint16_t expected)
{
	assert_int_equal(wire_sum_fold(got) % 0xffff, expected % 0xffff);
	assert_true((wire_sum_fold(got) == 0) == (expected == 0));
}

static void kernels_agree(void **state)
{
	static uint8_t bytes[4096 + 64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)base_rng_next(&rng);
	for (const struct wire_sum_kernel *k = wire_sum_kernels; k->name != NULL; k++) {
		if (!k->runs_here()) {
			print_message("%s does not run on this CPU\n", k->name);
			continue;
		}
		for (size_t len = 0; len <= 1600; len++)
			for (size_t at = 0; at < 64; at += 1 + len % 13)
				same_sum(k->sum(bytes + at, len), by_definition(bytes + at, len));
	}
}

/* All ones is where carries get lost. */
static void kernels_carry(void **state)
{
	size_t sizes[] = {1, 2, 63, 64, 65, 1500, 9000, 65535, 65536, (size_t)3 << 20};
	uint8_t *bytes = malloc((size_t)3 << 20);

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 0xff, (size_t)3 << 20);
	for (const struct wire_sum_kernel *k = wire_sum_kernels; k->name != NULL; k++)
		for (unsigned i = 0; k->runs_here() && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			uint32_t sum = k->sum(bytes, sizes[i]);

			assert_true(sum < 1u << 17);
			same_sum(sum, by_definition(bytes, sizes[i]));
		}
	free(bytes);
}

/* Nothing is read behind the end: the next page is not there. */
/* What is summed in line: every length, carries and all, and low enough to add to. */
static void short_sums(void **state)
{
	uint8_t bytes[160 + 8], ones[160];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)base_rng_next(&rng);
	memset(ones, 0xff, sizeof(ones));
	for (size_t len = 0; len <= 160; len++) {
		uint64_t all = wire_sum_short(ones, len);

		assert_true(all < UINT64_C(1) << 33);
		assert_int_equal(wire_sum_fold(all), by_definition(ones, len));
		for (size_t at = 0; at < 8; at++) {
			uint64_t sum = wire_sum_short(bytes + at, len);

			assert_true(sum < UINT64_C(1) << 33);
			assert_int_equal(wire_sum_fold(sum) % 0xffff,
					 by_definition(bytes + at, len) % 0xffff);
		}
	}
}

static void kernels_stay_inside(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect(p + page, (size_t)page, PROT_NONE), 0);
	for (const struct wire_sum_kernel *k = wire_sum_kernels; k->name != NULL; k++)
		for (size_t len = 0; k->runs_here() && len < 300; len++)
			same_sum(k->sum(p + page - len, len), 0);
	munmap(p, (size_t)page * 2);
}

static void odd_parts(void **state)
{
	const struct wire_sum_kernel *k = wire_sum_pick("scalar");
	uint8_t bytes[301];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)base_rng_next(&rng);
	for (size_t cut = 1; cut < 300; cut += 2)
		same_sum(wire_sum_fold((uint64_t)k->sum(bytes, cut) +
				       wire_sum_odd(k->sum(bytes + cut, sizeof(bytes) - cut))),
			 by_definition(bytes, sizeof(bytes)));
}

/* RFC 1624 section 4: the corner that RFC 1141 got wrong, and random ones */
static void updates(void **state)
{
	const struct wire_sum_kernel *k = wire_sum_pick("scalar");
	uint8_t header[20];

	(void)state;
	/* the example: 0xdd2f, 0x5555 becomes 0x3285, result 0x0000 and not 0xffff */
	assert_int_equal(wire_checksum_update16(0xdd2f, 0x5555, 0x3285), 0x0000);
	for (unsigned n = 0; n < 100000; n++) {
		uint16_t checksum;
		uint16_t old16;
		uint16_t new16 = (uint16_t)base_rng_next(&rng);
		uint32_t old32;
		uint32_t new32 = (uint32_t)base_rng_next(&rng);
		unsigned at = base_rng_below(&rng, 4) * 4;

		for (unsigned i = 0; i < 20; i++)
			header[i] = (uint8_t)base_rng_next(&rng);
		memset(header + 10, 0, 2);
		checksum = (uint16_t)~wire_sum_fold(k->sum(header, 20));
		memcpy(header + 10, &checksum, 2);
		memcpy(&old16, header + 4, 2);
		memcpy(header + 4, &new16, 2);
		checksum = wire_checksum_update16(checksum, old16, new16);
		memcpy(header + 10, &checksum, 2);
		assert_int_equal(wire_sum_fold(k->sum(header, 20)), 0xffff);
		if (at == 8)
			at = 16;
		memcpy(&old32, header + at, 4);
		memcpy(header + at, &new32, 4);
		checksum = wire_checksum_update32(checksum, old32, new32);
		memcpy(header + 10, &checksum, 2);
		assert_int_equal(wire_sum_fold(k->sum(header, 20)), 0xffff);
	}
}

static void picking(void **state)
{
	(void)state;
	assert_string_equal(wire_sum_pick("scalar")->name, "scalar");
	assert_string_equal(wire_sum_pick("sse2")->name, "sse2");
	assert_null(wire_sum_pick("abacus"));
	assert_non_null(wire_sum_pick(NULL));
}

/* RFC 793's pseudo header, over the example of RFC 1071 section 3 */
static void pseudo_header(void **state)
{
	static const uint8_t whole[] = {192, 0, 2, 1, 198, 51, 100, 2, 0, 6, 1, 0x2c};

	(void)state;
	assert_int_equal(wire_sum_fold(wire_sum_pseudo(whole, whole + 4, 4, 6, 300)),
			 by_definition(whole, 12));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_agree), cmocka_unit_test(kernels_carry),
		cmocka_unit_test(short_sums),	 cmocka_unit_test(kernels_stay_inside),
		cmocka_unit_test(odd_parts),	 cmocka_unit_test(updates),
		cmocka_unit_test(picking),	 cmocka_unit_test(pseudo_header),
	};

	base_rng_seed(&rng, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
