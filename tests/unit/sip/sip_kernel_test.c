/* SPDX-License-Identifier: BSD-3-Clause */
/* All kernels are one kernel: same maps, same lines, same ends, for whole and damaged messages. */
#include "tests/unit/sip/sip_fixture.h"

#include <stdio.h>

#include "bench/sip_parse/sip_corpus.h"
#include "tests/unit/sip/sip_mutate.h"
#include "tests/unit/sip/sip_torture.h"

static struct sip_scan scans[8];

/* index of the first map word that must not be compared */
static uint32_t words_of(const struct sip_scan *s, uint32_t len)
{
	uint32_t stop = s->head_len ? s->head_len : s->bare_at ? s->bare_at : len;

	return (stop + 63) / 64;
}

static void agree(const uint8_t *buf, uint32_t len)
{
	const struct sip_scan *ref = &scans[sip_kernels_n - 1];

	assert_true(sip_kernels_n <= 8);
	for (unsigned k = sip_kernels_n; k-- > 0;) {
		struct sip_scan *s = &scans[k];

		if (!sip_kernel_usable(&sip_kernels[k]))
			continue;
		sip_kernels[k].scan(s, buf, len, 0);
		if (s == ref)
			continue;
		if (s->head_len != ref->head_len || s->bare_at != ref->bare_at || s->ctl != ref->ctl ||
		    s->high != ref->high || s->lines != ref->lines ||
		    memcmp(s->line, ref->line, ref->lines * sizeof(ref->line[0])) != 0)
			fail_msg("kernel %s: other ends than %s", sip_kernels[k].name,
				 sip_kernels[sip_kernels_n - 1].name);
		for (unsigned c = 0; c < SIP_MAPS; c++)
			if (memcmp(s->bits[c], ref->bits[c], words_of(ref, len) * 8) != 0)
				fail_msg("kernel %s: other map %u", sip_kernels[k].name, c);
	}
}

/* every byte value at every place of a block, against the definition of the classes */
static void classes(void **state)
{
	static const char token[] = "-.!%*_+`'~", word[] = "()<>:\\\"/[]?{}", user[] = "-_.!~*'()&=+$,;?/",
			  param[] = "-_.!~*'()[]/:&+$";
	uint8_t buf[256];

	for (unsigned i = 0; i < 256; i++)
		buf[i] = (uint8_t)(i == '\r' || i == '\n' ? 'x' : i);
	agree(buf, 256);
	for (unsigned k = 0; k < sip_kernels_n; k++) {
		const struct sip_scan *s = &scans[k];

		if (!sip_kernel_usable(&sip_kernels[k]))
			continue;
		for (unsigned i = 0; i < 256; i++) {
			uint8_t c = buf[i];
			bool alnum = (c >= '0' && c <= '9') ||
				     ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && c < 0x80);
			bool tok = alnum || (c && strchr(token, c));

#define BIT(cl) ((s->bits[cl][i / 64] >> (i % 64)) & 1)
			assert_int_equal(BIT(SIP_NOT_TOKEN), !tok);
			assert_int_equal(BIT(SIP_NOT_HOST), !(alnum || c == '.' || c == '-'));
			assert_int_equal(BIT(SIP_NOT_USER), !(alnum || (c && strchr(user, c))));
			assert_int_equal(BIT(SIP_NOT_PARAM), !(alnum || (c && strchr(param, c))));
			assert_int_equal(BIT(SIP_NOT_QTEXT),
					 !(c == '\t' || (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')));
			assert_int_equal(BIT(SIP_NOT_WORD), !(tok || (c && strchr(word, c))));
			assert_int_equal(BIT(SIP_PUNCT), c == '.' || c == '-');
#undef BIT
		}
	}
}

static void whole_and_damaged(void **state)
{
	const unsigned long rounds = getenv("SALLYPORT_TEST_LONG") ? 10000000 : 200000;
	struct sip_corpus c;
	struct base_rng rng;
	static char text[16384];

	base_rng_seed(&rng, 4475);
	sip_corpus_make(&c, 64, 5);
	for (unsigned i = 0; i < c.n; i++) {
		uint8_t *exact = sip_fixture_copy(c.message[i].bytes, c.message[i].len);

		/* every length, so that every tail of a block is met, in a buffer that ends there */
		for (uint32_t len = 0; len <= c.message[i].len && i < 4; len++) {
			uint8_t *cut = sip_fixture_copy(c.message[i].bytes, len);

			agree(cut, len);
			free(cut);
		}
		agree(exact, c.message[i].len);
		free(exact);
	}
	for (unsigned long r = 0; r < rounds; r++) {
		uint32_t len;

		if (base_rng_below(&rng, 2)) {
			const struct sip_corpus_message *m = &c.message[base_rng_below(&rng, c.n)];

			len = m->len;
			memcpy(text, m->bytes, len);
		} else {
			len = (uint32_t)sip_torture_bytes(
				&sip_torture_set[base_rng_below(&rng, (uint32_t)sip_torture_n)], text,
				sizeof(text) / 2);
		}
		len = sip_mutate(&rng, text, len, sizeof(text));
		agree((uint8_t *)text, len);
	}
	sip_corpus_free(&c);
}

/* dispatch: names, order, the last one everywhere, the environment */
static void choice(void **state)
{
	const struct sip_kernel *k;

	assert_string_equal(sip_kernels[sip_kernels_n - 1].name, "fallback");
	assert_true(sip_kernel_usable(&sip_kernels[sip_kernels_n - 1]));
	assert_null(sip_kernel_find("none such"));
	for (unsigned i = 0; i < sip_kernels_n; i++) {
		k = sip_kernel_find(sip_kernels[i].name);
		assert_true(k == (sip_kernel_usable(&sip_kernels[i]) ? &sip_kernels[i] : NULL));
		if (!k)
			continue;
		setenv("SALLYPORT_SIP_KERNEL", k->name, 1);
		assert_ptr_equal(sip_kernel_choose(), k);
	}
	setenv("SALLYPORT_SIP_KERNEL", "none such", 1);
	assert_non_null(sip_kernel_choose());
	unsetenv("SALLYPORT_SIP_KERNEL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(classes), cmocka_unit_test(whole_and_damaged),
					   cmocka_unit_test(choice)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
