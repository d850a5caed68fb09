/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything at once, by chance: messages, calls, cancels, answers in any order or none, links that come,
 * fail, stall and break, policies that change, bytes that are damaged. Nothing may be left afterwards
 * (rig_close() looks), nothing may be sent up twice, and what was asked is answered once. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/rng.h"
#include "tests/replay/proxy/proxy_rig.h"

#define WORLD                                                                                   \
	"discovery on; limit-discovered 1; allow contoso.com; "                                 \
	"srv contoso.com a.contoso.com:5061/1=198.51.100.1 b.contoso.com:5061/2=198.51.100.2; " \
	"allow fabrikam.com proxy=sip.fabrikam.com; host sip.fabrikam.com 198.51.100.9; "       \
	"srv open.com sip.open.com=198.51.100.20"

enum { SEEN = 24, STEPS = 400 };

struct soak {
	struct rig *r;
	struct base_rng rng;
	struct {
		char text[4096];
		unsigned link;
	} seen[SEEN]; /* requests that the proxy sent, to be answered some time */
	unsigned serial;
};

static unsigned below(struct soak *s, unsigned n)
{
	return base_rng_below(&s->rng, n);
}

static const char *const domains[] = {"contoso.com", "fabrikam.com", "open.com", "unknown.com", "ours.com"};
static const char *const certs[] = {"a.contoso.com,contoso.com", "sip.fabrikam.com", "sip.open.com",
				    "sip.unknown.com", "sip.evil.com"};

static bool up(const struct soak *s, unsigned i)
{
	return s->r->link[i].state == RIG_UP;
}

/* one of those that are up, or RIG_LINKS */
static unsigned any_link(struct soak *s)
{
	for (unsigned tries = 0; tries < 8 && s->r->links_n; tries++) {
		unsigned i = below(s, s->r->links_n);

		if (up(s, i))
			return i;
	}
	return RIG_LINKS;
}

static void new_link(struct soak *s)
{
	if (s->r->links_n >= RIG_LINKS - 20)
		return;
	s->r->accept_at = below(s, s->r->cores);
	if (below(s, 3) == 0)
		rig_inner(s->r, below(s, 8) ? "pool.ours.com" : "other.ours.com");
	else
		rig_partner(s->r, certs[below(s, 5)]);
}

static void send_request(struct soak *s)
{
	static const char *const methods[] = {"MESSAGE", "MESSAGE", "INVITE",	"INVITE",   "SUBSCRIBE",
					      "NOTIFY",	 "OPTIONS", "BENOTIFY", "REGISTER", "INFO"};
	const char *method = methods[below(s, 10)], *far = domains[below(s, 5)];
	unsigned link = any_link(s), n = ++s->serial;
	bool in;

	if (link == RIG_LINKS)
		return;
	in = s->r->link[link].facts.side == LINK_EXTERNAL;
	for (unsigned i = 0; i < 4 && in && below(s, 8); i++)
		if (strstr(s->r->link[link].names[0], domains[i]))
			far = domains[i];
	if (!in && below(s, 4))
		far = domains[below(s, 3)];
	rig_send(s->r, link,
		 "%s sip:%s%s SIP/2.0\nVia: SIP/2.0/TLS h:5061;branch=z9hG4bK-%u\nMax-Forwards: %u\n"
		 "From: <sip:u@%s>;tag=f%u\nTo: <sip:%s%s>%s\nCall-ID: s%u\nCSeq: 1 %s\n"
		 "Contact: <sip:u@192.0.2.9;transport=tls>\n%sContent-Length: *\n\n%s",
		 method, in ? "b@" : "a@", in ? "ours.com" : far, n, below(s, 20) ? 70 : 0,
		 in ? far : "ours.com", n, in ? "b@" : "a@", in ? "ours.com" : far,
		 below(s, 12) ? "" : ";tag=x", n, method, below(s, 4) ? "" : "Supported: 100rel\n",
		 below(s, 3) ? "" : "some body");
	if (strcmp(method, "INVITE") == 0 && below(s, 3) == 0 && up(s, link))
		rig_send(s->r, link,
			 "CANCEL sip:%s%s SIP/2.0\nVia: SIP/2.0/TLS h:5061;branch=z9hG4bK-%u\n"
			 "From: <sip:u@%s>;tag=f%u\nTo: <sip:%s%s>\nCall-ID: s%u\nCSeq: 1 CANCEL\n"
			 "Content-Length: *\n\n",
			 in ? "b@" : "a@", in ? "ours.com" : far, n, in ? far : "ours.com", n,
			 in ? "b@" : "a@", in ? "ours.com" : far, n);
}

/* looks at all that was sent: requests are kept to be answered */
static void collect(struct soak *s)
{
	for (unsigned i = 0; i < s->r->links_n; i++) {
		struct rig_link *l = &s->r->link[i];

		while (l->out_len > l->out_at) {
			const char *end = memmem(l->out + l->out_at, l->out_len - l->out_at, "\r\n\r\n", 4);
			const char *m;

			/* the rest waits for room, or is a ping */
			if (l->room != UINT32_MAX || (!end && l->state != RIG_UP))
				break;
			if (l->out_len - l->out_at <= 4) {
				l->out_at = l->out_len;
				break;
			}
			m = rig_got(s->r, i);
			if (strncmp(m, "SIP/2.0", 7) != 0 && strncmp(m, "ACK", 3) != 0) {
				unsigned k = below(s, SEEN);

				snprintf(s->seen[k].text, sizeof(s->seen[k].text), "%s", m);
				s->seen[k].link = i;
			}
		}
	}
}

static void answer(struct soak *s)
{
	static const unsigned statuses[] = {100, 180, 183, 200, 200, 200, 302, 401, 403,
					    404, 480, 486, 487, 500, 503, 503, 603};
	unsigned k = below(s, SEEN), link = s->seen[k].link;
	char tag[8];

	if (!s->seen[k].text[0] || !up(s, link))
		return;
	snprintf(tag, sizeof(tag), "t%u", below(s, 3));
	/* now and then by somebody who was not asked */
	if (below(s, 30) == 0) {
		link = any_link(s);
		if (link == RIG_LINKS)
			return;
	}
	rig_answer(s->r, link, s->seen[k].text, statuses[below(s, 17)], tag,
		   below(s, 3) ? "" : "Contact: <sip:x@192.0.2.1>\n");
	if (below(s, 2))
		s->seen[k].text[0] = '\0';
}

static void opening(struct soak *s)
{
	for (unsigned i = 0; i < s->r->links_n; i++) {
		struct rig_link *l = &s->r->link[i];

		if (l->state != RIG_OPENING || below(s, 2))
			continue;
		if (below(s, 4) == 0)
			rig_end(s->r, i, (enum link_end)(LINK_END_REFUSED + below(s, 4)));
		else if (below(s, 10) == 0)
			rig_up(s->r, i, "sip.evil.com");
		else
			rig_up(s->r, i, l->to.side == LINK_INTERNAL ? "pool.ours.com" : l->sni);
	}
}

static void change_policy(struct soak *s)
{
	static const struct policy_domain hard = {.type = POLICY_DOMAIN_HARD};
	struct policy_name name = policy_name_of(domains[below(s, 3)]);

	switch (below(s, 4)) {
	case 0:
		policy_draft_box(s->r->world.draft)->flags ^= POLICY_BOX_DISCOVERY;
		break;
	case 1:
		policy_draft_box(s->r->world.draft)->flags ^= POLICY_BOX_DIAGNOSTICS_OUT;
		break;
	case 2:
		policy_draft_domain_remove(s->r->world.draft, name, policy_domain_slot(&hard));
		break;
	default:
		policy_draft_domain(s->r->world.draft, name, &hard);
		break;
	}
	rig_world(s->r, "");
}

static void garbage(struct soak *s)
{
	char text[300] = "MESSAGE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK-g\r\n"
			 "From: <sip:a@contoso.com>;tag=1\r\nTo: <sip:b@ours.com>\r\nCall-ID: g\r\n"
			 "CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n";
	uint32_t len = (uint32_t)strlen(text);
	unsigned link = any_link(s);

	if (link == RIG_LINKS)
		return;
	text[below(s, len)] = (char)base_rng_next(&s->rng);
	rig_bytes(s->r, link, text, below(s, len), below(s, 40));
}

static void step(struct soak *s)
{
	unsigned link;

	switch (below(s, 16)) {
	case 0:
		new_link(s);
		break;
	case 1:
	case 2:
	case 3:
	case 4:
		send_request(s);
		break;
	case 5:
	case 6:
	case 7:
	case 8:
		answer(s);
		break;
	case 9:
	case 10:
		opening(s);
		break;
	case 11:
		rig_wait(s->r, below(s, 10) ? below(s, 300) : below(s, 40000));
		break;
	case 12:
		if (below(s, 8) == 0)
			change_policy(s);
		break;
	case 13:
		if (below(s, 6) == 0)
			garbage(s);
		break;
	case 14:
		link = any_link(s);
		if (link != RIG_LINKS && below(s, 5) == 0)
			rig_end(s->r, link, below(s, 2) ? LINK_END_RESET : LINK_END_CLOSED);
		break;
	default:
		link = any_link(s);
		if (link != RIG_LINKS && below(s, 4) == 0)
			rig_room(s->r, link, below(s, 2) ? UINT32_MAX : below(s, 3000));
		break;
	}
	collect(s);
}

static void test_soak(void **state)
{
	unsigned runs = getenv("SALLYPORT_TEST_LONG") ? 1000 : 60;
	const char *only = getenv("SOAK_SEED");
	static const enum proxy_counter met[] = {PROXY_COUNTER_responses_in,
						 PROXY_COUNTER_accepted,
						 PROXY_COUNTER_refused,
						 PROXY_COUNTER_malformed,
						 PROXY_COUNTER_cancels,
						 PROXY_COUNTER_failovers,
						 PROXY_COUNTER_timer_b,
						 PROXY_COUNTER_parked_expired,
						 PROXY_COUNTER_lost_downstream,
						 PROXY_COUNTER_lost_upstream,
						 PROXY_COUNTER_links_mismatch,
						 PROXY_COUNTER_links_closed_blocked,
						 PROXY_COUNTER_links_closed_slow,
						 PROXY_COUNTER_crossed,
						 PROXY_COUNTER_moved};
	uint64_t sum[PROXY_COUNTERS] = {0};
	static struct soak s;

	for (unsigned seed = only ? (unsigned)atoi(only) : 0; seed < runs; seed++) {
		memset(&s, 0, sizeof(s));
		base_rng_seed(&s.rng, seed);
		s.r = rig_open_cores(WORLD, 1 + seed % 3);
		policy_draft_box(s.r->world.draft)->connections_per_partner = (uint8_t)(1 + seed / 3 % 2);
		rig_world(s.r, "");
		new_link(&s);
		new_link(&s);
		for (unsigned i = 0; i < STEPS; i++)
			step(&s);
		for (unsigned i = 0; i < s.r->links_n; i++)
			rig_room(s.r, i, UINT32_MAX);
		/* Timer C of calls that ring for ever */
		rig_wait(s.r, 230000);
		for (unsigned i = 0; i < PROXY_COUNTERS; i++)
			sum[i] += rig_count(s.r, (enum proxy_counter)i);
		rig_close(s.r);
		if (only)
			break;
	}
	/* the dice must have met what this is for */
	for (unsigned i = 0; i < PROXY_COUNTERS; i++)
		print_message("%s %lu\n", proxy_counter_info[i].name, (unsigned long)sum[i]);
	for (unsigned i = 0; i < sizeof(met) / sizeof(met[0]) && !only; i++)
		assert_true(sum[met[i]] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_soak)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
