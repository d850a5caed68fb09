/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sip/sip_fixture.h"

#include <stdio.h>

#define HEAD                                                                                            \
	"Via: SIP/2.0/TLS e.fabrikam.test;branch=z9hG4bKf\r\nFrom: <sip:a@fabrikam.test>;tag=1\r\nTo: " \
	"<sip:b@contoso.test>\r\nCall-ID: f@fabrikam.test\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\n"
#define LINE "MESSAGE sip:b@contoso.test SIP/2.0\r\n"

static const char first[] = LINE HEAD "Subject: a\r\n b\r\nl : 12\r\n\r\nhello\r\n\r\nyou";
static const char second[] = "SIP/2.0 200 OK\r\n" HEAD "Content-Length: 0\r\n\r\n";

/* what a connection made of a stream */
struct seen {
	unsigned messages, pings, pongs;
	uint32_t sizes[8];
	enum sip_reason bad;
};

/* Feeds a stream in pieces that end at cuts[0, n) and at its end, as a receiver does: unconsumed bytes stay,
 * and every call gets them in a buffer of exactly their size. */
static void feed(struct seen *s, struct sip_msg *m, const struct sip_kernel *k, const struct sip_limits *lim,
		 const char *stream, size_t len, const size_t *cuts, unsigned n)
{
	struct sip_frame f = {0};
	size_t start = 0;

	*s = (struct seen){0};
	for (unsigned i = 0; i <= n; i++) {
		size_t end = i < n ? cuts[i] : len;

		for (;;) {
			uint8_t *buf = sip_fixture_copy(stream + start, end - start);
			struct sip_frame_result r = sip_frame_next(&f, m, k, lim, buf, end - start);

			assert_true(r.consumed <= end - start);
			free(buf);
			start += r.consumed;
			if (r.what == SIP_FRAME_MESSAGE) {
				if (s->messages < 8)
					s->sizes[s->messages] = r.consumed;
				s->messages++;
				assert_int_equal(m->head_len + m->body_len, r.consumed);
			} else if (r.what == SIP_FRAME_PING) {
				s->pings++;
			} else if (r.what == SIP_FRAME_PONG) {
				s->pongs++;
			} else {
				if (r.what == SIP_FRAME_BAD) {
					s->bad = r.reason;
					return;
				}
				assert_int_equal(r.consumed, 0);
				break;
			}
			assert_true(r.consumed > 0);
		}
	}
}

/* RFC 3261 section 18.3: wherever the stream is cut, two messages are two messages */
static void every_split(void **state)
{
	const struct sip_limits lim = SIP_LIMITS_DEFAULT;
	struct sip_msg *m = sip_fixture_msg();
	char stream[2048];
	size_t len = sizeof(first) - 1 + sizeof(second) - 1;
	struct seen s;

	memcpy(stream, first, sizeof(first) - 1);
	memcpy(stream + sizeof(first) - 1, second, sizeof(second) - 1);
	for (unsigned k = 0; k < sip_kernels_n; k++) {
		size_t all[2048];

		if (!sip_kernel_usable(&sip_kernels[k]))
			continue;
		for (size_t cut = 0; cut <= len; cut++) {
			feed(&s, m, &sip_kernels[k], &lim, stream, len, &cut, 1);
			assert_int_equal(s.messages, 2);
			assert_int_equal(s.sizes[0], sizeof(first) - 1);
			assert_int_equal(s.sizes[1], sizeof(second) - 1);
			assert_int_equal(s.pings + s.pongs + s.bad, 0);
		}
		for (size_t i = 0; i < len; i++)
			all[i] = i;
		feed(&s, m, &sip_kernels[k], &lim, stream, len, all, (unsigned)len);
		assert_int_equal(s.messages, 2);
		assert_int_equal(s.sizes[0], sizeof(first) - 1);
	}
	free(m);
}

/* RFC 5626 section 3.5.1: CRLFs between messages, and only there */
static void pings(void **state)
{
	const struct sip_limits lim = SIP_LIMITS_DEFAULT;
	const struct sip_kernel *k = sip_kernel_choose();
	struct sip_msg *m = sip_fixture_msg();
	char stream[2048];
	struct seen s;
	size_t cut;
	int n;

	feed(&s, m, k, &lim, "\r\n\r\n", 4, NULL, 0);
	assert_int_equal(s.pings, 1);
	assert_int_equal(s.pongs, 0);
	for (cut = 1; cut < 4; cut++) {
		/* the first half may pass for a pong; the whole is one ping */
		feed(&s, m, k, &lim, "\r\n\r\n", 4, &cut, 1);
		assert_int_equal(s.pings, 1);
	}
	feed(&s, m, k, &lim, "\r\n", 2, NULL, 0);
	assert_int_equal(s.pongs, 1);
	assert_int_equal(s.pings, 0);
	/* a flood that comes at once asks for one answer */
	memset(stream, 0, sizeof(stream));
	for (n = 0; n < 1000; n += 2)
		memcpy(stream + n, "\r\n", 2);
	feed(&s, m, k, &lim, stream, 1000, NULL, 0);
	assert_int_equal(s.pings, 1);
	n = snprintf(stream, sizeof(stream), "\r\n\r\n%s\r\n\r\n\r\n\r\n%s\r\n", second, second);
	feed(&s, m, k, &lim, stream, (size_t)n, NULL, 0);
	assert_int_equal(s.messages, 2);
	assert_int_equal(s.pings, 2);
	assert_int_equal(s.pongs, 1);
	feed(&s, m, k, &lim, "\r\nx", 3, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_OK);
	feed(&s, m, k, &lim, "\rx", 2, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_FRAME_BARE);
	feed(&s, m, k, &lim, "\n", 1, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_FRAME_BARE);
	free(m);
}

/* What cannot begin a message ends the connection with its first byte; a bare LF with the byte behind it. */
static void early(void **state)
{
	const struct sip_limits lim = SIP_LIMITS_DEFAULT;
	const struct sip_kernel *k = sip_kernel_choose();
	struct sip_msg *m = sip_fixture_msg();
	struct seen s;

	feed(&s, m, k, &lim, "\x16\x03\x01", 3, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_FRAME_START);
	feed(&s, m, k, &lim, " OPTIONS", 8, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_FRAME_START);
	feed(&s, m, k, &lim, "\0", 1, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_FRAME_START);
	feed(&s, m, k, &lim, "OPTIONS sip:a@b.test SIP/2.0\nVia", 32, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_FRAME_BARE);
	feed(&s, m, k, &lim, "OPTIONS sip:a@b.test SIP/2.0\r", 29, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_OK);
	free(m);
}

static void limits(void **state)
{
	struct sip_limits lim = SIP_LIMITS_DEFAULT;
	const struct sip_kernel *k = sip_kernel_choose();
	struct sip_msg *m = sip_fixture_msg();
	char *stream = malloc(200000);
	struct seen s;
	size_t n;

	assert_non_null(stream);
	/* headers: 256 pass, 257 do not */
	for (unsigned count = 249; count <= 250; count++) {
		n = (size_t)sprintf(stream, "%s%s", LINE, HEAD);
		for (unsigned i = 0; i < count; i++)
			n += (size_t)sprintf(stream + n, "X: %u\r\n", i);
		n += (size_t)sprintf(stream + n, "l: 0\r\n\r\n");
		feed(&s, m, k, &lim, stream, n, NULL, 0);
		assert_int_equal(s.bad, count == 249 ? SIP_REASON_OK : SIP_REASON_FRAME_HEADERS);
		assert_int_equal(s.messages, count == 249);
	}
	/* header bytes: SIP_HEAD_MAX to the byte */
	for (unsigned over = 0; over < 2; over++) {
		n = (size_t)sprintf(stream, "%s%sl: 0\r\nX: ", LINE, HEAD);
		memset(stream + n, 'x', SIP_HEAD_MAX - 4 - n + over);
		n = SIP_HEAD_MAX - 4 + over;
		memcpy(stream + n, "\r\n\r\n", 4);
		feed(&s, m, k, &lim, stream, n + 4, NULL, 0);
		assert_int_equal(s.bad, over ? SIP_REASON_FRAME_HEAD_SIZE : SIP_REASON_OK);
	}
	/* a smaller limit, reached without an empty line */
	lim.head = 300;
	memset(stream, 'x', 300);
	feed(&s, m, k, &lim, stream, 299, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_OK);
	feed(&s, m, k, &lim, stream, 300, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_FRAME_HEAD_SIZE);
	/* the body's limit is judged when the header section is there, not when the body is */
	lim = SIP_LIMITS_DEFAULT;
	n = (size_t)sprintf(stream, "%s%sl: %u\r\n\r\n", LINE, HEAD, SIP_BODY_MAX + 1);
	feed(&s, m, k, &lim, stream, n, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_LENGTH_LIMIT);
	n = (size_t)sprintf(stream, "%s%sl: %u\r\n\r\n", LINE, HEAD, SIP_BODY_MAX);
	feed(&s, m, k, &lim, stream, n, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_OK);
	/* no limit of the operator's makes a sum wrap */
	lim.body = UINT32_MAX;
	n = (size_t)sprintf(stream, "%s%sl: 4294967295\r\n\r\n", LINE, HEAD);
	feed(&s, m, k, &lim, stream, n, NULL, 0);
	assert_int_equal(s.bad, SIP_REASON_LENGTH_LIMIT);
	free(stream);
	free(m);
}

/* counts the bytes that any scan looks at */
static uint64_t looked_at;

static void counting_scan(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from)
{
	sip_kernels[sip_kernels_n - 1].scan(s, buf, len, from);
	looked_at += len - from;
}

/* one byte at a time: at most one block of 64 is looked at for each, and the whole header section three times
 */
static void linear(void **state)
{
	static const struct sip_kernel counting = {"counting", "any", counting_scan};
	const struct sip_limits lim = SIP_LIMITS_DEFAULT;
	struct sip_msg *m = sip_fixture_msg();
	struct sip_frame f = {0};
	const size_t body = 200000;
	char *stream = malloc(300000);
	size_t n;
	struct sip_frame_result r = {.what = SIP_FRAME_MORE};

	assert_non_null(stream);
	n = (size_t)sprintf(stream, "%s%sl: %zu\r\n", LINE, HEAD, body);
	for (unsigned i = 0; i < 200; i++)
		n += (size_t)sprintf(stream + n, "X-%u: %0200u\r\n", i, i);
	n += (size_t)sprintf(stream + n, "\r\n");
	memset(stream + n, 'b', body);
	looked_at = 0;
	for (size_t have = 1; have <= n + body; have++) {
		assert_int_equal(r.what, SIP_FRAME_MORE);
		r = sip_frame_next(&f, m, &counting, &lim, (uint8_t *)stream, have);
	}
	assert_int_equal(r.what, SIP_FRAME_MESSAGE);
	assert_int_equal(r.consumed, n + body);
	/* the last scan is given the whole look-ahead, of which it reads the header section */
	assert_true(looked_at <= 67 * n + SIP_HEAD_MAX);
	free(stream);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_split), cmocka_unit_test(pings),
					   cmocka_unit_test(early), cmocka_unit_test(limits),
					   cmocka_unit_test(linear)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
