/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sip/sip_fixture.h"

#include <errno.h>

#include "bench/sip_parse/sip_corpus.h"
#include "dataplane/base/rng.h"
#include "dataplane/sip/sip_edit.h"
#include "tests/unit/sip/sip_torture.h"

static struct sip_msg *m, *again;
static struct sip_edit e;
static char scratch[8192], joined[65536];

static const struct sip_limits lim = {SIP_HEAD_MAX, SIP_HEADERS_MAX, SIP_BODY_MAX};

static void given(const char *text, size_t len)
{
	assert_int_equal(sip_msg_index(m, sip_kernel_choose(), &lim, (const uint8_t *)text, (uint32_t)len),
			 SIP_REASON_OK);
	sip_edit_init(&e, m, scratch, sizeof(scratch));
}

/* what goes out */
static size_t join(void)
{
	struct iovec iov[SIP_EDIT_IOV_MAX];
	int n = sip_edit_emit(&e, iov, SIP_EDIT_IOV_MAX);
	size_t len = 0;

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		memcpy(joined + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	assert_int_equal(len, sip_edit_length(&e));
	joined[len] = '\0';
	return len;
}

static void becomes(const char *want)
{
	join();
	assert_string_equal(joined, want);
}

#define START "MESSAGE sip:b@contoso.test SIP/2.0\r\n"

/* parse∘emit is the identity: no edit, no change, for every message that we take */
static void identity(void **state)
{
	struct sip_corpus c;
	char bytes[8192];

	sip_corpus_make(&c, 400, 42);
	for (unsigned i = 0; i < c.n; i++) {
		given(c.message[i].bytes, c.message[i].len);
		assert_int_equal(join(), c.message[i].len);
		assert_memory_equal(joined, c.message[i].bytes, c.message[i].len);
	}
	sip_corpus_free(&c);
	for (size_t i = 0; i < sip_torture_n; i++) {
		size_t n = sip_torture_bytes(&sip_torture_set[i], bytes, sizeof(bytes));

		if (sip_msg_index(m, sip_kernel_choose(), &lim, (uint8_t *)bytes, (uint32_t)n) !=
		    SIP_REASON_OK)
			continue;
		sip_edit_init(&e, m, scratch, sizeof(scratch));
		assert_int_equal(join(), n);
		assert_memory_equal(joined, bytes, n);
	}
}

/* RFC 3261 section 16.6: what a proxy does to a request; nothing else moves */
static void forward(void **state)
{
	static const char in[] = START
		"Via: SIP/2.0/TLS a.test;branch=z9hG4bKa\r\nX:  odd \r\n\tfold\r\nmax-FORWARDS :\r\n 070 \r\n"
		"Route: <sip:us.test;lr>, <sip:next.test;lr>\r\nl: 3\r\n\r\n\0ab";

	given(in, sizeof(in) - 1);
	assert_int_equal(sip_edit_pop(&e, SIP_HDR_ROUTE, 1), 0);
	assert_int_equal(sip_edit_push(&e, SIP_HDR_VIA, "Via: SIP/2.0/TLS us.test;branch=z9hG4bKu", 40), 0);
	assert_int_equal(sip_edit_max_forwards(&e, 69), 0);
	assert_int_equal(sip_edit_push(&e, SIP_HDR_RECORD_ROUTE, "Record-Route: <sip:us.test;lr>", 30), 0);
	assert_int_equal(sip_edit_append(&e, "X-Last: 1", 9), 0);
	assert_int_equal(sip_edit_uri(&e, "sip:c@inside.test", 17), 0);
	join();
	assert_memory_equal(joined,
			    "MESSAGE sip:c@inside.test SIP/2.0\r\nVia: SIP/2.0/TLS "
			    "us.test;branch=z9hG4bKu\r\nVia: SIP/2.0/TLS "
			    "a.test;branch=z9hG4bKa\r\nRecord-Route: <sip:us.test;lr>\r\nX:  odd "
			    "\r\n\tfold\r\nmax-FORWARDS "
			    ":\r\n 69 \r\nRoute: <sip:next.test;lr>\r\nl: 3\r\nX-Last: 1\r\n\r\n\0ab",
			    sip_edit_length(&e));
	assert_int_equal(sip_edit_length(&e), sizeof(in) - 1 + 42 + 32 + 11 - 18 - 1 - 1);
}

static void pop(void **state)
{
	static const char in[] =
		START "Via: SIP/2.0/TLS a.test;x=\"a,b\" ,\r\n SIP/2.0/TLS b.test\r\nS: x\r\nv: SIP/2.0/TLS "
		      "c.test,SIP/2.0/TLS d.test, SIP/2.0/TCP e.test\r\n\r\n";

	given(in, sizeof(in) - 1);
	assert_int_equal(sip_edit_pop(&e, SIP_HDR_VIA, 1), 0);
	becomes(START "Via: SIP/2.0/TLS b.test\r\nS: x\r\nv: SIP/2.0/TLS c.test,SIP/2.0/TLS d.test, "
		      "SIP/2.0/TCP e.test\r\n\r\n");
	given(in, sizeof(in) - 1);
	assert_int_equal(sip_edit_pop(&e, SIP_HDR_VIA, 2), 0);
	becomes(START "S: x\r\nv: SIP/2.0/TLS c.test,SIP/2.0/TLS d.test, SIP/2.0/TCP e.test\r\n\r\n");
	given(in, sizeof(in) - 1);
	assert_int_equal(sip_edit_pop(&e, SIP_HDR_VIA, 4), 0);
	becomes(START "S: x\r\nv: SIP/2.0/TCP e.test\r\n\r\n");
	given(in, sizeof(in) - 1);
	assert_int_equal(sip_edit_pop(&e, SIP_HDR_VIA, 5), 0);
	becomes(START "S: x\r\n\r\n");
	given(in, sizeof(in) - 1);
	assert_int_equal(sip_edit_pop(&e, SIP_HDR_VIA, 6), -ENOENT);
	given(in, sizeof(in) - 1);
	assert_int_equal(sip_edit_pop(&e, SIP_HDR_ROUTE, 1), -ENOENT);
	/* popped and pushed: the pushed one is on top */
	given(in, sizeof(in) - 1);
	assert_int_equal(sip_edit_pop(&e, SIP_HDR_VIA, 2), 0);
	assert_int_equal(sip_edit_push(&e, SIP_HDR_VIA, "Via: n", 6), 0);
	becomes(START
		"Via: n\r\nS: x\r\nv: SIP/2.0/TLS c.test,SIP/2.0/TLS d.test, SIP/2.0/TCP e.test\r\n\r\n");
}

/* whatever spelling an outsider finds, a stripped field is gone */
static void strip(void **state)
{
	static const char in[] = START "MS-EDGE-proxy-message-TRUST: a\r\nP-Asserted-Identity : "
				       "<sip:x@y.test>\r\nX-Bypass-Me : lol\r\n"
				       "ms-edge-proxy-message-trust\t :\r\n b;\r\n\tc\r\nx-bypass-ME:\r\n "
				       "1\r\nx-bypass-me2: stays\r\nm: <sip:a@b.test>\r\nConTact: "
				       "<sip:c@d.test>\r\nS: end\r\n\r\n";

	given(in, sizeof(in) - 1);
	assert_int_equal(sip_edit_remove_id(&e, SIP_HDR_MS_EDGE_PROXY_MESSAGE_TRUST), 2);
	assert_int_equal(sip_edit_remove_name(&e, "p-asserted-identity"), 1);
	assert_int_equal(sip_edit_remove_name(&e, "X-BYPASS-me"), 2);
	assert_int_equal(sip_edit_remove_name(&e, "M"), 2);
	assert_int_equal(sip_edit_remove_name(&e, "absent"), 0);
	becomes(START "x-bypass-me2: stays\r\nS: end\r\n\r\n");
}

static void received(void **state)
{
	static const char in[] =
		START "v: SIP/2.0/TLS a.test ; x=rport;rport ;branch=z9hG4bK1 , SIP/2.0/TLS b.test\r\n\r\n";
	static const char lied[] = START "v: SIP/2.0/TLS a.test;received=6.6.6.6\r\n\r\n";
	static const char port[] = START "v: SIP/2.0/TLS a.test;RPORT = 666;received=6.6.6.6\r\n\r\n";
	struct sip_iter it;
	struct sip_via via;

	given(in, sizeof(in) - 1);
	it = sip_iter_start(m, SIP_HDR_VIA);
	assert_int_equal(sip_via_next(m, &it, &via), 1);
	assert_int_equal(sip_edit_via_received(&e, &via, "192.0.2.1", 4711), 0);
	becomes(START "v: SIP/2.0/TLS a.test ; x=rport;rport=4711 ;branch=z9hG4bK1;received=192.0.2.1 , "
		      "SIP/2.0/TLS b.test\r\n\r\n");
	given(lied, sizeof(lied) - 1);
	it = sip_iter_start(m, SIP_HDR_VIA);
	assert_int_equal(sip_via_next(m, &it, &via), 1);
	assert_int_equal(sip_edit_via_received(&e, &via, "192.0.2.1", 4711), 0);
	becomes(START "v: SIP/2.0/TLS a.test;received=192.0.2.1\r\n\r\n");
	given(port, sizeof(port) - 1);
	it = sip_iter_start(m, SIP_HDR_VIA);
	assert_int_equal(sip_via_next(m, &it, &via), 1);
	assert_int_equal(sip_edit_via_received(&e, &via, "192.0.2.1", 4711), 0);
	becomes(START "v: SIP/2.0/TLS a.test;RPORT = 4711;received=192.0.2.1\r\n\r\n");
}

static void bounds(void **state)
{
	static const char in[] = START "S: x\r\n\r\n";
	struct iovec iov[2];
	int r = 0;

	given(in, sizeof(in) - 1);
	assert_int_equal(sip_edit_insert(&e, sizeof(in), "x", 1), -EINVAL);
	assert_int_equal(sip_edit_remove(&e, 5, sizeof(in)), -EINVAL);
	assert_int_equal(sip_edit_remove(&e, 5, UINT32_MAX), -EINVAL);
	assert_int_equal(sip_edit_remove(&e, 4, 4), 0);
	assert_int_equal(sip_edit_insert(&e, 6, "x", 1), -EINVAL);
	assert_int_equal(sip_edit_emit(&e, iov, 1), -ENOSPC);
	assert_int_equal(sip_edit_emit(&e, iov, 2), 2);
	for (unsigned i = 0; r == 0; i++) {
		assert_true(i <= SIP_EDITS_MAX);
		r = sip_edit_insert(&e, 1, "y", 1);
	}
	assert_int_equal(r, -ENOSPC);
	sip_edit_init(&e, m, scratch, 3);
	assert_int_equal(sip_edit_insert(&e, 1, "abcd", 4), -ENOSPC);
	assert_int_equal(sip_edit_append(&e, "ab", 2), -ENOSPC);
	assert_int_equal(sip_edit_insert(&e, 1, "abc", 3), 0);
}

/* random edits against the plainest model: a flag for every byte, a text before every byte */
static void random_edits(void **state)
{
	enum { LEN = 120 };
	static char text[LEN], model[LEN + 1][256], out[40000];
	static uint8_t gone[LEN];
	struct base_rng rng;

	base_rng_seed(&rng, 7);
	for (unsigned i = 0; i < LEN; i++)
		text[i] = (char)('A' + i % 26);
	for (unsigned round = 0; round < 20000; round++) {
		size_t n = 0;

		*m = (struct sip_msg){.buf = (uint8_t *)text, .len = LEN};
		sip_edit_init(&e, m, scratch, sizeof(scratch));
		memset(model, 0, sizeof(model));
		memset(gone, 0, sizeof(gone));
		for (unsigned k = base_rng_below(&rng, 12); k > 0; k--) {
			uint32_t at = base_rng_below(&rng, LEN + 1), len = base_rng_below(&rng, LEN + 1 - at);

			if (base_rng_below(&rng, 2)) {
				char piece[3] = {(char)('a' + k), '.', 0};

				if (sip_edit_insert(&e, at, piece, 2) == 0)
					strcat(model[at], piece);
				else
					assert_true(at > 0 && at < LEN && gone[at] && gone[at - 1]);
			} else if (sip_edit_remove(&e, at, len) == 0) {
				memset(gone + at, 1, len);
			} else {
				bool inside = false;

				for (uint32_t i = at; i < at + len; i++)
					inside |= i > at && model[i][0];
				assert_true(inside);
			}
		}
		for (unsigned i = 0; i <= LEN; i++) {
			size_t k = strlen(model[i]);

			memcpy(out + n, model[i], k);
			n += k;
			if (i < LEN && !gone[i])
				out[n++] = text[i];
		}
		assert_int_equal(join(), n);
		assert_memory_equal(joined, out, n);
	}
}

/* whatever a proxy does to a message that it takes, the result is one message that it takes, with what was
 * meant */
static void edited_is_valid(void **state)
{
	struct sip_corpus c;
	struct sip_core before, after;

	sip_corpus_make(&c, 400, 43);
	for (unsigned i = 0; i < c.n; i++) {
		struct sip_frame f = {0};
		size_t n;

		given(c.message[i].bytes, c.message[i].len);
		assert_int_equal(sip_validate(m, NULL, &before), SIP_REASON_OK);
		if (m->response) {
			if (before.n_vias < 2)
				continue;
			assert_int_equal(sip_edit_pop(&e, SIP_HDR_VIA, 1), 0);
		} else {
			assert_int_equal(
				sip_edit_push(&e, SIP_HDR_VIA, "Via: SIP/2.0/TLS u.test;branch=z9hG4bKu", 39),
				0);
			assert_int_equal(sip_edit_max_forwards(&e, (unsigned)before.max_forwards - 1), 0);
			if (before.n_routes)
				assert_int_equal(sip_edit_pop(&e, SIP_HDR_ROUTE, 1), 0);
		}
		n = join();
		assert_int_equal(
			sip_frame_next(&f, again, sip_kernel_choose(), &lim, (uint8_t *)joined, n).consumed,
			n);
		assert_int_equal(sip_validate(again, NULL, &after), SIP_REASON_OK);
		assert_int_equal(after.n_vias, m->response ? before.n_vias - 1 : before.n_vias + 1);
		assert_int_equal(after.n_routes, before.n_routes ? before.n_routes - 1 : 0);
		assert_int_equal(after.n_record_routes, before.n_record_routes);
		if (!m->response)
			assert_int_equal(after.max_forwards, before.max_forwards - 1);
	}
	sip_corpus_free(&c);
}

static int setup(void **state)
{
	m = sip_fixture_msg();
	again = sip_fixture_msg();
	return 0;
}

static int teardown(void **state)
{
	free(m);
	free(again);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity),	cmocka_unit_test(forward),	   cmocka_unit_test(pop),
		cmocka_unit_test(strip),	cmocka_unit_test(received),	   cmocka_unit_test(bounds),
		cmocka_unit_test(random_edits), cmocka_unit_test(edited_is_valid),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
