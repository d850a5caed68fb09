/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/via_branch.h"

#include <ctype.h>
#include <errno.h>

#include "dataplane/base/rng.h"
#include "tests/unit/proxy/rules_fixture.h"

static struct rules_message t;
static struct via_key key;

static const struct via_branch some = {.core = 3,
				       .flags = VIA_BRANCH_SHARED,
				       .slot = 77,
				       .generation = 0xdeadbeef,
				       .loop = 0x1122334455667788};

static void read_request(const char *uri, const char *more, const char *tags[2], const char *call_id,
			 unsigned cseq)
{
	char head[4096];

	snprintf(head, sizeof(head),
		 "INVITE %s SIP/2.0\r\n%sFrom: <sip:a@x.test>%s\r\nTo: <sip:b@y.test>%s\r\nCall-ID: "
		 "%s\r\nCSeq: %u INVITE\r\n",
		 uri, more, tags[0], tags[1], call_id, cseq);
	rules_read(&t, head, "");
}

#define VIA "Via: SIP/2.0/TLS h.test;branch=z9hG4bK1\r\n"

static void round_trip(void **state)
{
	char out[VIA_BRANCH_LEN], folded[VIA_BRANCH_LEN];
	struct via_branch b;
	struct base_rng r;

	via_branch_mint(&key, &some, out);
	assert_memory_equal(out, "z9hG4bK", 7);
	for (unsigned i = 7; i < sizeof(out); i++)
		assert_non_null(strchr("0123456789abcdefs", out[i]));
	assert_true(via_branch_read(&key, out, sizeof(out), &b));
	assert_int_equal(b.core, some.core);
	assert_int_equal(b.flags, some.flags);
	assert_int_equal(b.slot, some.slot);
	assert_int_equal(b.generation, some.generation);
	assert_true(b.loop == some.loop && b.epoch == key.epoch);
	/* whoever folds case changes nothing */
	for (unsigned i = 0; i < sizeof(out); i++)
		folded[i] = out[i] >= 'a' && out[i] <= 'z' ? (char)(out[i] - 32) : out[i];
	assert_true(via_branch_read(&key, folded, sizeof(folded), &b));
	/* one digit changed, cut, longer: not ours */
	for (unsigned i = 0; i < sizeof(out); i++) {
		char was = out[i];

		out[i] = was == '0' ? '1' : '0';
		assert_false(via_branch_read(&key, out, sizeof(out), &b));
		out[i] = was;
		assert_false(via_branch_read(&key, out, i, &b));
	}
	base_rng_seed(&r, 9);
	for (unsigned i = 0; i < 100000; i++) {
		for (unsigned k = 8; k < sizeof(out); k++)
			out[k] = "0123456789abcdef"[base_rng_below(&r, 16)];
		assert_false(via_branch_read(&key, out, sizeof(out), &b));
	}
}

/* Of 256 values of a byte one or two are right in each place: the digit, in both cases. */
static void digits(void **state)
{
	struct via_branch b, wide = some;
	char out[VIA_BRANCH_LEN];

	for (unsigned turn = 0; turn < 16; turn++) {
		/* each digit somewhere */
		wide.loop = 0x0123456789abcdefu << (4 * turn) | 0x0123456789abcdefu >> 4;
		wide.slot = (uint32_t)(0xfedcba98u + turn);
		via_branch_mint(&key, &wide, out);
		for (unsigned at = 8; at < sizeof(out); at++) {
			char was = out[at];

			for (unsigned v = 0; v < 256; v++) {
				bool same = v == (unsigned char)was ||
					    (was >= 'a' && v == (unsigned char)was - 32u);

				out[at] = (char)v;
				assert_int_equal(via_branch_read(&key, out, sizeof(out), &b), same);
				if (same)
					assert_true(b.loop == wide.loop && b.slot == wide.slot &&
						    b.core == wide.core && b.generation == wide.generation);
			}
			out[at] = was;
		}
	}
}

/* a branch of an earlier start is ours for loops, and no transaction's */
static void restart(void **state)
{
	char line[200], head[400];
	struct via_key later = key, stranger;
	const char *tags[2] = {";tag=f", ""};
	struct via_branch b;
	int n = via_line(&key, &some, N("sip.ours.com"), 5061, true, true, line, sizeof(line));

	assert_true(n > 0);
	line[n] = '\0';
	assert_memory_equal(line, "Via: SIP/2.0/TLS sip.ours.com:5061;branch=z9hG4bKs", 50);
	assert_string_equal(line + n - 6, ";alias");
	snprintf(head, sizeof(head), "%s\r\n", line);
	read_request("sip:b@y.test", head, tags, "c", 1);
	assert_true(via_branch_of(&key, t.m, &t.core.via, &b));
	later.epoch++;
	assert_false(via_branch_of(&later, t.m, &t.core.via, &b));
	assert_true(via_branch_read(&later, sip_msg_at(t.m, t.core.via.branch), t.core.via.branch.len, &b));
	via_key_load(&stranger, (const uint8_t *)"another 16 bytes", key.epoch);
	assert_false(via_branch_of(&stranger, t.m, &t.core.via, &b));
	for (int size = 0; size < n; size++)
		assert_int_equal(
			via_line(&key, &some, N("sip.ours.com"), 5061, true, true, line, (uint32_t)size),
			-ENOSPC);
	n = via_line(&key, &some, N("h"), 80, false, false, line, sizeof(line));
	line[n] = '\0';
	assert_memory_equal(line, "Via: SIP/2.0/TCP h:80;branch=", 29);
}

/* RFC 5393 section 4.2: the hash tells a loop from a spiral */
static void loop(void **state)
{
	const char *tags[2] = {";tag=f", ""}, *with_to[2] = {";tag=f", ";tag=t"}, *from[2] = {";tag=g", ""};
	char line[200], more[800];
	struct via_branch b = some;
	struct via_scan scan;
	uint64_t hash, other;
	int n;

	read_request("sip:b@y.test", VIA, tags, "c", 1);
	b.loop = hash = via_loop_hash(&key, t.m, &t.core);
	b.flags = 0;
	n = via_line(&key, &b, N("sip.ours.com"), 5061, true, false, line, sizeof(line));
	snprintf(more, sizeof(more), "Via: SIP/2.0/TLS p.test;branch=z9hG4bK2\r\n%.*s, %s", n, line, &VIA[5]);
	/* back at our door: the same request */
	read_request("sip:b@y.test", more, tags, "c", 1);
	assert_true(via_loop_hash(&key, t.m, &t.core) == hash);
	via_scan(&key, t.m, hash, &scan);
	assert_int_equal(scan.ours, 1);
	assert_true(scan.loop);
	assert_false(scan.shared);
	/* another Request-URI: a spiral */
	read_request("sip:c@y.test", more, tags, "c", 1);
	other = via_loop_hash(&key, t.m, &t.core);
	via_scan(&key, t.m, other, &scan);
	assert_false(scan.loop);
	assert_int_equal(scan.ours, 1);
	/* whatever else is named */
	read_request("sip:b@y.test", VIA, with_to, "c", 1);
	assert_true(via_loop_hash(&key, t.m, &t.core) != hash);
	read_request("sip:b@y.test", VIA, from, "c", 1);
	assert_true(via_loop_hash(&key, t.m, &t.core) != hash);
	read_request("sip:b@y.test", VIA, tags, "d", 1);
	assert_true(via_loop_hash(&key, t.m, &t.core) != hash);
	read_request("sip:b@y.test", VIA, tags, "c", 2);
	assert_true(via_loop_hash(&key, t.m, &t.core) != hash);
	read_request("sip:b@y.test", VIA "Route: <sip:r.test;lr>\r\n", tags, "c", 1);
	other = via_loop_hash(&key, t.m, &t.core);
	assert_true(other != hash);
	{
		static const char proxy_require[] =
			"INVITE sip:b@y.test SIP/2.0\r\n" VIA "From: <sip:a@x.test>;tag=f\r\nTo: "
			"<sip:b@y.test>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nProxy-Require: "
			"x\r\nContent-Length: 0\r\n\r\n";

		assert_int_equal(sip_msg_index(t.m, sip_kernel_choose(), &SIP_LIMITS_DEFAULT,
					       (const uint8_t *)proxy_require, sizeof(proxy_require) - 1),
				 SIP_REASON_OK);
		assert_int_equal(sip_core_read(t.m, &t.core), SIP_REASON_OK);
		assert_true(via_loop_hash(&key, t.m, &t.core) != hash);
	}
	/* the shared hop is told by our own Via alone */
	b.flags = VIA_BRANCH_SHARED;
	n = via_line(&key, &b, N("sip.ours.com"), 5061, true, false, line, sizeof(line));
	snprintf(more, sizeof(more), "%s%.*s\r\n", VIA, n, line);
	read_request("sip:c@y.test", more, tags, "c", 1);
	via_scan(&key, t.m, 1, &scan);
	assert_true(scan.shared && !scan.loop);
	read_request("sip:c@y.test", VIA, tags, "c", 1);
	via_scan(&key, t.m, 1, &scan);
	assert_int_equal(scan.ours + scan.shared + scan.loop, 0);
}

static uint64_t server_key(const char *via, const char *tags[2], unsigned cseq, enum sip_method method,
			   uint64_t peer)
{
	static const struct siphash_key k = {1, 2};

	read_request("sip:b@y.test", via, tags, "c", cseq);
	return via_server_key(&k, t.m, &t.core, method, peer);
}

/* whose last character makes the difference */
static const char *long_branch(char last)
{
	static char via[200];

	snprintf(via, sizeof(via), "Via: SIP/2.0/TLS h.test;branch=z9hG4bK%070d%c\r\n", 0, last);
	return via;
}

/* RFC 3261 section 17.2.3 */
static void server_index(void **state)
{
	static const char token[] = "abzABZ019-.!%*_+`'~";
	uint64_t seen[sizeof(token)];
	const char *tags[2] = {";tag=f", ""}, *answered[2] = {";tag=f", ";tag=t"};
	uint64_t k =
		server_key("Via: SIP/2.0/TLS H.test:5061;branch=z9hG4bKq\r\n", tags, 1, SIP_METHOD_INVITE, 5);

	/* host without case, the default port, other parameters, other tags: the same */
	assert_true(k == server_key("v: SIP/2.0/TLS h.TEST;x=y;branch=z9hG4bKq\r\n", answered, 1,
				    SIP_METHOD_INVITE, 5));
	assert_true(k != server_key("Via: SIP/2.0/TLS h.test:5062;branch=z9hG4bKq\r\n", tags, 1,
				    SIP_METHOD_INVITE, 5));
	assert_true(k !=
		    server_key("Via: SIP/2.0/TLS h.test;branch=z9hG4bKr\r\n", tags, 1, SIP_METHOD_INVITE, 5));
	assert_true(k !=
		    server_key("Via: SIP/2.0/TLS i.test;branch=z9hG4bKq\r\n", tags, 1, SIP_METHOD_INVITE, 5));
	assert_true(k !=
		    server_key("Via: SIP/2.0/TLS h.test;branch=z9hG4bKq\r\n", tags, 1, SIP_METHOD_CANCEL, 5));
	/* section 7.3.1: a branch is a token, the same in any case; nothing else is */
	assert_true(k ==
		    server_key("Via: SIP/2.0/TLS h.test;branch=Z9HG4bkQ\r\n", tags, 1, SIP_METHOD_INVITE, 5));
	assert_true(k != server_key("Via: SIP/2.0/TLS h.test;branch=z9hG4bKq_\r\n", tags, 1,
				    SIP_METHOD_INVITE, 5));
	for (unsigned a = 0; a < sizeof(token) - 1; a++) {
		seen[a] = server_key(long_branch(token[a]), tags, 1, SIP_METHOD_INVITE, 5);
		for (unsigned b = 0; b < a; b++)
			assert_int_equal(seen[a] == seen[b], tolower(token[a]) == tolower(token[b]));
	}
	/* another peer's transaction cannot be named */
	assert_true(k !=
		    server_key("Via: SIP/2.0/TLS h.test;branch=z9hG4bKq\r\n", tags, 1, SIP_METHOD_INVITE, 6));
	/* RFC 2543: no cookie */
	k = server_key("Via: SIP/2.0/TLS h.test;branch=1\r\n", tags, 1, SIP_METHOD_INVITE, 5);
	assert_true(k ==
		    server_key("Via: SIP/2.0/TLS h.test;branch=1\r\n", answered, 1, SIP_METHOD_INVITE, 5));
	assert_true(k != server_key("Via: SIP/2.0/TLS h.test;branch=1\r\n", tags, 2, SIP_METHOD_INVITE, 5));
}

static int close_all(void **state)
{
	rules_free(&t);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(digits),	      cmocka_unit_test(restart),
		cmocka_unit_test(loop),	      cmocka_unit_test(server_index),
	};

	via_key_load(&key, (const uint8_t *)"sixteen bytes ok", 0x1234);
	return cmocka_run_group_tests(tests, NULL, close_all);
}
