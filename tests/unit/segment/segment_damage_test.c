/* SPDX-License-Identifier: BSD-3-Clause */
/* Bits flip, pages go blank, files are cut: whatever happens to a segment, it is refused with a reason or it
 * is contained. Never a crash, a hang or a read outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/segment/image.h"

static unsigned rounds(unsigned usual)
{
	const char *lng = getenv("SALLYPORT_TEST_LONG");

	return lng && *lng == '1' ? usual * 50 : usual;
}

static void sound(void **state)
{
	struct image_outcome out;
	struct image im;

	image_make(&im);
	for (unsigned i = 0; i < 3; i++) {
		out = image_exercise(&im);
		assert_int_equal(out.attach, SEGMENT_REFUSED_none);
		assert_int_equal(out.validate, SEGMENT_REFUSED_none);
		assert_int_equal(out.writer, SEGMENT_REFUSED_none);
		image_restore(&im);
	}
	image_fini(&im);
}

static void flips(void **state)
{
	unsigned refused = 0, said[SEGMENT_REFUSALS] = {0}, n = rounds(1500);
	uint64_t rnd = 4711;
	struct image im;

	image_make(&im);
	for (unsigned i = 0; i < n; i++) {
		unsigned bits = 1u << rig_random(&rnd) % 9;
		struct image_outcome out;

		for (unsigned b = 0; b < bits; b++) {
			unsigned f = (unsigned)(rig_random(&rnd) % im.files);
			/* most of a superblock and of an extent is empty: half of the flips go where
			 * something is */
			size_t at = (size_t)(rig_random(&rnd) % (rig_random(&rnd) % 2 && im.file[f].len > 192
									 ? 192
									 : im.file[f].len));

			if (rig_random(&rnd) % 2)
				for (unsigned tries = 0; tries < 64 && !im.file[f].live[at]; tries++)
					at = (size_t)(rig_random(&rnd) % im.file[f].len);
			im.file[f].live[at] ^= (uint8_t)(1u << rig_random(&rnd) % 8);
		}
		if (i % 10 == 9) {
			unsigned f = (unsigned)(rig_random(&rnd) % im.files);
			size_t page = (size_t)(rig_random(&rnd) % (im.file[f].len / 4096)) * 4096;

			memset(im.file[f].live + page, i % 20 == 9 ? 0 : 0xff, 4096);
		}
		out = image_exercise(&im);
		refused += out.attach || out.validate || out.writer;
		said[out.attach]++;
		said[out.validate]++;
		said[out.writer]++;
		image_restore(&im);
	}
	/* the checks are alive */
	assert_true(refused > n / 3);
	assert_true(said[SEGMENT_REFUSED_checksum] && said[SEGMENT_REFUSED_root] &&
		    said[SEGMENT_REFUSED_entry] && said[SEGMENT_REFUSED_index] &&
		    said[SEGMENT_REFUSED_small_table]);
	image_fini(&im);
}

/* one bit in an entry, its tail, its name or its slot: always seen */
static void every_bit_of_an_entry(void **state)
{
	struct image im;
	uint64_t rnd = 5;
	unsigned seen = 0, all = 0;

	image_make(&im);
	for (unsigned i = 0; i < rounds(400); i++) {
		struct image_outcome out;
		/* a name's text lies in some extent: find it, and damage it */
		unsigned f = (unsigned)(rig_random(&rnd) % im.files), n = (unsigned)(rig_random(&rnd) % 300);
		char text[64];
		uint8_t *at;

		snprintf(text, sizeof(text), n % 2 ? "partner%u.example.org" : "p%u.com", n);
		at = memmem(im.file[f].live, im.file[f].len, text, strlen(text));
		if (!at || at[strlen(text)])
			continue;
		at[rig_random(&rnd) % strlen(text)] ^= (uint8_t)(1u << rig_random(&rnd) % 8);
		out = image_exercise(&im);
		all++;
		seen += out.validate == SEGMENT_REFUSED_entry && out.writer == SEGMENT_REFUSED_entry;
		image_restore(&im);
	}
	assert_int_equal(seen, all);
	assert_true(all > 20);
	image_fini(&im);
}

static void truncations(void **state)
{
	uint64_t rnd = 8;
	struct image im;

	image_make(&im);
	for (unsigned i = 0; i < rounds(200); i++) {
		unsigned f = i % im.files;
		struct image_outcome out;

		assert_int_equal(truncate(im.file[f].path, (off_t)(rig_random(&rnd) % im.file[f].len)), 0);
		out = image_exercise(&im);
		assert_int_not_equal(out.attach, SEGMENT_REFUSED_none);
		assert_int_not_equal(out.writer, SEGMENT_REFUSED_none);
		image_restore(&im);
	}
	image_fini(&im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound),
		cmocka_unit_test(flips),
		cmocka_unit_test(every_bit_of_an_entry),
		cmocka_unit_test(truncations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
