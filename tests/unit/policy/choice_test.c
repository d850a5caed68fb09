/* SPDX-License-Identifier: BSD-3-Clause */
/* Which next hops, in which order. */
#include <string.h>
#include <arpa/inet.h>

#include "config/policy/choice.h"
#include "tests/unit/policy/row.h"

static void print_targets(const struct policy_target *t, unsigned n, char *buf, size_t cap)
{
	char ip[64];

	buf[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		size_t at = strlen(buf);
		int put;

		if (memcmp(t[i].ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0)
			inet_ntop(AF_INET, t[i].ip + 12, ip, sizeof(ip));
		else
			inet_ntop(AF_INET6, t[i].ip, ip, sizeof(ip));
		put = snprintf(buf + at, cap - at, "%s%s%s%s:%u%s", i ? " " : "", t[i].name,
			       t[i].name_len ? "=" : "", ip, t[i].port, t[i].insecure ? "!" : "");
		assert_true(put >= 0 && (size_t)put < cap - at);
	}
}

struct choice_row {
	const char *what;
	const char *world;
	const char *message;
	const char *targets;
};

static void test_targets(void **state)
{
#define OUT "out INVITE bob@ours.com alice@contoso.com cert=pool.inside "
	static const struct choice_row rows[] = {
		{"SRV in order of priority",
		 "allow contoso.com; srv contoso.com b.contoso.com/20=192.0.2.2 a.contoso.com/10=192.0.2.1",
		 OUT, "a.contoso.com=192.0.2.1:5061 b.contoso.com=192.0.2.2:5061"},
		{"SRV's port", "allow contoso.com; srv contoso.com a.contoso.com:5099=2001:db8::1", OUT,
		 "a.contoso.com=2001:db8::1:5099"},
		{"only targets in the same domain",
		 "allow contoso.com; srv contoso.com a.other.com/1=192.0.2.1 b.contoso.com/2=192.0.2.2", OUT,
		 "b.contoso.com=192.0.2.2:5061"},
		{"only the provider, when one serves",
		 "hosting h.com; allow contoso.com; srv contoso.com a.contoso.com/1=192.0.2.1 "
		 "h.com/2=192.0.2.2",
		 OUT, "h.com=192.0.2.2:5061"},
		{"the partner's server with its port and all addresses",
		 "allow contoso.com proxy=e.x.net:5070; host e.x.net 2001:db8::1 192.0.2.1", OUT,
		 "e.x.net=2001:db8::1:5070 e.x.net=192.0.2.1:5070"},
		{"static hops, backup last, port 5061 by default",
		 "allow contoso.com; route contoso.com 192.0.2.2/2 192.0.2.1:5062/1 192.0.2.3/3", OUT,
		 "192.0.2.1:5062 192.0.2.2:5061 192.0.2.3:5061"},
		{"hops out of service or blocked are left out",
		 "allow contoso.com; route contoso.com 192.0.2.1!down 192.0.2.2!block 192.0.2.3", OUT,
		 "192.0.2.3:5061"},
		{"less specific patterns after all of the longer one",
		 "allow contoso.com; route contoso.com 192.0.2.1 192.0.2.2/2; route .com.* 192.0.2.3", OUT,
		 "192.0.2.1:5061 192.0.2.2:5061 192.0.2.3:5061"},
		{"less specific off",
		 "allow contoso.com; route contoso.com 192.0.2.1!final; route .com.* 192.0.2.3", OUT,
		 "192.0.2.1:5061"},
		{"the partner's own set, then patterns",
		 "allow contoso.com hops=192.0.2.9; route contoso.com 192.0.2.1; route .* 192.0.2.2", OUT,
		 "192.0.2.9:5061 192.0.2.1:5061"},
		{"the catch-all is never a less specific pattern of another",
		 "allow contoso.com; route contoso.com 192.0.2.1; route .* 192.0.2.3", OUT, "192.0.2.1:5061"},
		{"without TLS, said", "allow contoso.com; route contoso.com 192.0.2.1:5060!insecure", OUT,
		 "192.0.2.1:5060!"},
		{"a hop that is an SRV name",
		 "allow contoso.com; route contoso.com x.net!srv; srv x.net s.y.net=192.0.2.4", OUT,
		 "s.y.net=192.0.2.4:5061"},
		{"a hop without address is skipped",
		 "allow contoso.com; route contoso.com g.x.net/1 192.0.2.2/2; host g.x.net nothing", OUT,
		 "192.0.2.2:5061"},
		{"the hop from which it came is skipped",
		 "allow contoso.com; route contoso.com pool.inside/1 192.0.2.2/2; host pool.inside 10.0.0.1",
		 OUT, "192.0.2.2:5061"},
		{"the next hop that our server names",
		 "allow contoso.com; srv contoso.com a.contoso.com=192.0.2.1 b.contoso.com=192.0.2.2",
		 OUT "route=edge:b.contoso.com", "b.contoso.com=192.0.2.2:5061"},
		{"inside", "allow contoso.com", "in INVITE alice@contoso.com bob@ours.com cert=contoso.com",
		 "10.0.0.9:5061"},
	};
	unsigned wrong = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_target targets[16];
		struct policy_shortfall s;
		struct policy_verdict v;
		struct message m;
		struct world w;
		char got[1024];
		unsigned n;

		world_open(&w, world_base);
		world_add(&w, rows[i].world);
		message_read(&m, rows[i].message);
		policy_decide(w.view, &m.facts, &v, NULL);
		assert_int_equal(v.action, POLICY_ACCEPT);
		n = policy_targets(w.view, &v.route, m.facts.peer, WORLD_NOW_NS, 1, targets, 16, &s);
		print_targets(targets, n, got, sizeof(got));
		if (strcmp(got, rows[i].targets) != 0) {
			print_message("  %s\n    wanted %s\n    got    %s\n", rows[i].what, rows[i].targets,
				      got);
			wrong++;
		}
		/* a short array gets the best of them */
		assert_int_equal(
			policy_targets(w.view, &v.route, m.facts.peer, WORLD_NOW_NS, 1, targets, 1, &s), 1);
		world_close(&w);
	}
	assert_int_equal(wrong, 0);
}

/* RFC 2782: proportional within a priority, next priority only after all of the better one */
static void test_weights(void **state)
{
	static const uint16_t priority[] = {1, 1, 1, 2}, weight[] = {20, 10, 0, 1000};
	unsigned first[4] = {0}, second_of_0[4] = {0};
	uint8_t order[4];

	for (uint64_t seed = 0; seed < 60000; seed++) {
		policy_order(priority, weight, 4, seed, order);
		assert_int_equal(order[3], 3);
		assert_int_equal((1u << order[0]) | (1u << order[1]) | (1u << order[2]), 7);
		first[order[0]]++;
		if (order[0] == 0)
			second_of_0[order[1]]++;
	}
	/* 2 : 1, and the weightless one now and then */
	assert_in_range(first[0], 36500, 40000);
	assert_in_range(first[1], 18000, 20600);
	assert_in_range(first[2], 1000, 3000);
	assert_true(second_of_0[1] > 5 * second_of_0[2]);
	/* the same randomness, the same order */
	for (uint64_t seed = 0; seed < 100; seed++) {
		uint8_t again[4];

		policy_order(priority, weight, 4, seed, order);
		policy_order(priority, weight, 4, seed, again);
		assert_memory_equal(order, again, 4);
	}
}

static void test_order_extremes(void **state)
{
	uint16_t priority[100], weight[100];
	uint8_t order[100];
	bool seen[100] = {false};

	for (unsigned i = 0; i < 100; i++) {
		priority[i] = i & 1 ? 65535 : 0;
		weight[i] = 65535;
	}
	policy_order(priority, weight, 100, 42, order);
	for (unsigned i = 0; i < 100; i++) {
		assert_false(seen[order[i]]);
		seen[order[i]] = true;
		assert_int_equal(priority[order[i]], i < 50 ? 0 : 65535);
	}
}

struct expect_row {
	const char *what;
	const char *world;
	const char *answer; /* the certificate that the next hop shows, as a message's options */
	bool is;
};

/* who may answer where we connected to */
static void test_expected_peer(void **state)
{
	static const struct expect_row rows[] = {
		{"SRV target", "allow contoso.com check=lync; srv contoso.com s.contoso.com",
		 "cert=s.contoso.com", true},
		{"somebody else", "allow contoso.com check=lync; srv contoso.com s.contoso.com",
		 "cert=t.contoso.com", false},
		{"lync: the domain is not enough",
		 "allow contoso.com check=lync; srv contoso.com s.contoso.com", "cert=contoso.com", false},
		{"either: the domain is enough", "allow contoso.com; srv contoso.com s.contoso.com",
		 "cert=contoso.com", true},
		{"rfc5922: the domain", "allow contoso.com check=rfc5922; srv contoso.com s.x.net",
		 "cert=contoso.com", true},
		{"rfc5922: the target is not enough",
		 "allow contoso.com check=rfc5922; srv contoso.com s.x.net", "cert=s.x.net", false},
		{"pinned: the key", "allow contoso.com check=pinned pin=3; srv contoso.com s.x.net",
		 "cert=z key=3", true},
		{"pinned: another key", "allow contoso.com check=pinned pin=3; srv contoso.com s.x.net",
		 "cert=s.x.net key=4", false},
		{"pinned: the key alone", "allow contoso.com check=pinned pin=3; srv contoso.com s.x.net",
		 "key=3 key-alone", true},
		{"pinned: another key alone", "allow contoso.com check=pinned pin=3; srv contoso.com s.x.net",
		 "key=4 key-alone", false},
		{"the key alone is no name", "allow contoso.com; srv contoso.com s.contoso.com",
		 "cert=s.contoso.com key=3 key-alone", false},
		{"server", "allow contoso.com proxy=e.x.net; host e.x.net 192.0.2.1", "cert=e.x.net", true},
		{"server: the domain is not enough",
		 "allow contoso.com proxy=e.x.net; host e.x.net 192.0.2.1", "cert=contoso.com", false},
		{"wildcard without opt-in", "allow contoso.com; srv contoso.com s.contoso.com",
		 "cert=*.contoso.com", false},
		{"wildcard with opt-in", "allow contoso.com wildcard; srv contoso.com s.contoso.com",
		 "cert=*.contoso.com", true},
		{"by address, a peer-name", "allow contoso.com peer=g.x.net; route contoso.com 192.0.2.1",
		 "cert=g.x.net", true},
		{"by address, somebody", "allow contoso.com peer=g.x.net; route contoso.com 192.0.2.1",
		 "cert=h.x.net", false},
		{"by address, no peer-name", "allow contoso.com; route contoso.com 192.0.2.1",
		 "cert=contoso.com", false},
		{"clearing house: its own mode, not the partner's",
		 "allow contoso.com via=aol.com check=rfc5922; allow aol.com check=lync; srv contoso.com "
		 "nothing; "
		 "srv aol.com s.aol.com",
		 "cert=s.aol.com", true},
		{"clearing house: the partner's domain says nothing",
		 "allow contoso.com via=aol.com check=rfc5922; allow aol.com check=lync; srv contoso.com "
		 "nothing; "
		 "srv aol.com s.aol.com",
		 "cert=contoso.com", false},
		{"clearing house: its key",
		 "allow contoso.com via=aol.com pin=1; allow aol.com check=pinned pin=2; srv contoso.com "
		 "nothing; "
		 "srv aol.com s.x.net",
		 "cert=z key=2", true},
		{"clearing house: the partner's key",
		 "allow contoso.com via=aol.com pin=1; allow aol.com check=pinned pin=2; srv contoso.com "
		 "nothing; "
		 "srv aol.com s.x.net",
		 "cert=z key=1", false},
		{"revoked", "allow contoso.com; srv contoso.com s.contoso.com", "cert=s.contoso.com revoked",
		 false},
		{"provider", "hosting h.com; allow contoso.com; srv contoso.com h.com", "cert=h.com", true},
		{"provider: the domain is not enough",
		 "hosting h.com; allow contoso.com; srv contoso.com h.com", "cert=contoso.com", false},
	};
	unsigned wrong = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m, answer;
		struct policy_target target;
		struct policy_shortfall s;
		struct policy_verdict v;
		struct world w;
		char text[256];
		bool is;

		world_open(&w, world_base);
		world_add(&w, rows[i].world);
		message_read(&m, OUT);
		snprintf(text, sizeof(text), "out INVITE a@b.c d@e.f %s", rows[i].answer);
		message_read(&answer, text);
		policy_decide(w.view, &m.facts, &v, NULL);
		assert_int_equal(v.action, POLICY_ACCEPT);
		assert_int_equal(
			policy_targets(w.view, &v.route, m.facts.peer, WORLD_NOW_NS, 1, &target, 1, &s), 1);
		is = policy_target_is(&target, &v.route, v.flags, &answer.peer,
				      w.view->ops->partner(w.view, v.partner));
		if (is != rows[i].is) {
			print_message("  %s: %d\n", rows[i].what, is);
			wrong++;
		}
		world_close(&w);
	}
	assert_int_equal(wrong, 0);
}

static void test_diagnostics(void **state)
{
	struct {
		const char *world, *message, *value;
	} rows[] = {
		{"allow contoso.com check=lync; srv contoso.com sip.other.com",
		 "in INVITE a@contoso.com b@ours.com cert=sip.other.com",
		 "1009;reason=\"No match for domain in DNS SRV results\";domain=\"contoso.com\";"
		 "fqdn1=\"sip.other.com:5061\";source=\"sip.ours.com\""},
		{"allow contoso.com proxy=e.x.net", "in INVITE a@contoso.com b@ours.com cert=y.net",
		 "1010;reason=\"Certificate trust with next-hop server could not be established\";"
		 "ErrorType=\"The peer certificate does not contain a matching "
		 "FQDN\";tls-target=\"e.x.net\";PeerServer=\"y.net\";"
		 "HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\";source=\"sip.ours.com\""},
		{"", "in INVITE a@contoso.com b@ours.com cert=y.net",
		 "1027;reason=\"Cannot route this type of SIP request to or from federated partners\";"
		 "source=\"sip.ours.com\""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_verdict v;
		struct message m;
		struct world w;
		char buf[512];
		size_t n;

		world_open(&w, world_base);
		world_add(&w, rows[i].world);
		message_read(&m, rows[i].message);
		policy_decide(w.view, &m.facts, &v, NULL);
		world_close(&w); /* the detail out of a DNS answer lives in the verdict; the others in the
				    facts */
		if (i == 1) {
			v.detail = policy_name_of("e.x.net");
		}
		n = policy_diagnostics_write(&v, policy_name_of("sip.ours.com"), buf, sizeof(buf));
		buf[n] = '\0';
		assert_string_equal(buf, rows[i].value);
		assert_int_equal(policy_diagnostics_write(&v, policy_name_of("sip.ours.com"), buf, n), n);
		assert_int_equal(policy_diagnostics_write(&v, policy_name_of("sip.ours.com"), buf, n - 1), 0);
		assert_int_equal(policy_diagnostics_write(&v, policy_name_of("sip.ours.com"), buf, 0), 0);
		/* what is no name stays out of the header */
		v.detail = policy_name_of("x\"\r\nevil: y");
		n = policy_diagnostics_write(&v, policy_name_of("sip.ours.com"), buf, sizeof(buf));
		assert_null(memmem(buf, n, "evil", 4));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),	       cmocka_unit_test(test_weights),
		cmocka_unit_test(test_order_extremes), cmocka_unit_test(test_expected_peer),
		cmocka_unit_test(test_diagnostics),
	};

	return cmocka_run_group_tests_name("policy choice", tests, NULL, NULL);
}
