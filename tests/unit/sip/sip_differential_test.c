/* SPDX-License-Identifier: BSD-3-Clause */
/* The same messages through parsers of others: on what federated edges send we agree in every fact that
 * routes; on the torture set every disagreement is one that sip_disagree.def explains, and every one there is
 * real. */
#include "tests/unit/sip/sip_fixture.h"

#include <stdio.h>

#include "bench/sip_parse/sip_corpus.h"
#include "bench/sip_parse/sip_peer.h"
#include "tests/unit/sip/sip_torture.h"

static const struct {
	const char *message;
	int sofia, osip;
	const char *why;
} explained[] = {
#define X(message, sofia, osip, why) {message, sofia, osip, why},
#include "tests/unit/sip/sip_disagree.def"
#undef X
};

static const char *differs(const struct sip_peer_facts *a, const struct sip_peer_facts *b)
{
#define TEXT(f)                      \
	if (strcmp(a->f, b->f) != 0) \
	return #f
#define NUMBER(f)         \
	if (a->f != b->f) \
	return #f
	NUMBER(response);
	NUMBER(status);
	TEXT(method);
	TEXT(uri_host);
	TEXT(from_host);
	TEXT(to_host);
	TEXT(from_tag);
	TEXT(to_tag);
	TEXT(call_id);
	TEXT(via_host);
	TEXT(via_branch);
	NUMBER(cseq);
	TEXT(cseq_method);
	NUMBER(max_forwards);
	NUMBER(vias);
	NUMBER(routes);
	NUMBER(record_routes);
	NUMBER(contacts);
	NUMBER(content_length);
	return NULL;
}

static void corpus(void **state)
{
	static struct sip_peer_facts ours, theirs;
	struct sip_corpus c;

	sip_corpus_make(&c, 2000, 11);
	for (unsigned i = 0; i < c.n; i++) {
		const struct sip_corpus_message *m = &c.message[i];

		assert_true(sip_peer_ours(m->bytes, m->len, &ours));
		for (unsigned p = 0; p < sip_peers_n; p++) {
			const char *what = "verdict";

			if (!sip_peers[p].parse(m->bytes, m->len, &theirs) ||
			    (what = differs(&ours, &theirs)) != NULL)
				fail_msg("%s: other %s of\n%s", sip_peers[p].name, what, m->bytes);
		}
	}
	sip_corpus_free(&c);
}

static int expected(const char *message, const char *peer)
{
	for (size_t i = 0; i < sizeof(explained) / sizeof(explained[0]); i++)
		if (strcmp(explained[i].message, message) == 0)
			return peer[0] == 's' ? explained[i].sofia : explained[i].osip;
	return 0;
}

static void torture(void **state)
{
	static struct sip_peer_facts ours, theirs;
	static char bytes[8192];
	unsigned wrong = 0;

	for (size_t i = 0; i < sip_torture_n; i++) {
		const struct sip_torture *t = &sip_torture_set[i];
		size_t len = sip_torture_bytes(t, bytes, sizeof(bytes) - 1);
		bool take = sip_peer_ours(bytes, len, &ours);

		bytes[len] = '\0';
		for (unsigned p = 0; p < sip_peers_n; p++) {
			bool other = sip_peers[p].parse(bytes, len, &theirs);
			int got = other != take ? 1 : take && differs(&ours, &theirs) ? 2 : 0;

			if (got != expected(t->name, sip_peers[p].name)) {
				print_error("%s, %s: %d, explained %d\n", t->name, sip_peers[p].name, got,
					    expected(t->name, sip_peers[p].name));
				wrong++;
			}
		}
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(corpus), cmocka_unit_test(torture)};

	if (sip_peers_n < 2) {
		puts("sofia-sip and libosip2 are not both installed: libsofia-sip-ua-dev, libosip2-dev");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
