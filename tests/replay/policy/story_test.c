/* SPDX-License-Identifier: BSD-3-Clause */
/* Stories: one policy that changes by commits, answers that arrive and grow old, a clock that the story
 * turns. */
#include <stdlib.h>
#include <string.h>

#include "config/policy/limit.h"
#include "tests/unit/policy/row.h"

enum step_kind {
	COMMIT, /* statements are added */
	DELETE, /* "SLOT NAME": an entry goes; slots: exact subtree hard-exact hard-subtree */
	CLOCK,	/* seconds go by */
	SAY,	/* message and verdict */
};

struct step {
	enum step_kind kind;
	const char *text;
	const char *verdict;
};

static void delete_entry(struct world *w, const char *text)
{
	static const char *const slots[] = {"exact", "subtree", "hard-exact", "hard-subtree"};

	for (unsigned slot = 0; slot < 4; slot++) {
		size_t n = strlen(slots[slot]);

		if (strncmp(text, slots[slot], n) == 0 && text[n] == ' ') {
			assert_int_equal(
				policy_draft_domain_remove(w->draft, policy_name_of(text + n + 1), slot), 0);
			return;
		}
	}
	fail_msg("story: %s", text);
}

static void tell(const struct step *steps, size_t n)
{
	uint64_t now = WORLD_NOW_NS;
	struct world w;

	world_open(&w, world_base);
	for (size_t i = 0; i < n; i++) {
		struct policy_verdict v;
		struct message m;
		char got[600];

		switch (steps[i].kind) {
		case COMMIT:
			w.error = 0;
			world_add(&w, steps[i].text);
			assert_int_equal(w.error, 0);
			break;
		case DELETE:
			delete_entry(&w, steps[i].text);
			break;
		case CLOCK:
			now += strtoull(steps[i].text, NULL, 10) * UINT64_C(1000000000);
			break;
		case SAY:
			message_read(&m, steps[i].text);
			m.facts.now_ns = now;
			policy_decide(w.view, &m.facts, &v, NULL);
			verdict_print(&v, got, sizeof(got));
			if (v.action == POLICY_ACCEPT && (v.flags & POLICY_VERDICT_REFRESH))
				strcat(got, " refresh");
			if (strcmp(got, steps[i].verdict) != 0)
				fail_msg("step %zu: %s\n  wanted %s\n  got    %s", i, steps[i].text,
					 steps[i].verdict, got);
		}
	}
	world_close(&w);
}

#define TELL(steps) tell(steps, sizeof(steps) / sizeof((steps)[0]))
#define ALICE	    "in INVITE alice@contoso.com bob@ours.com cert=sip.contoso.com"
#define IN_DIALOG   "in dialog INVITE alice@contoso.com bob@ours.com cert=sip.contoso.com stored="
#define BYE	    "in dialog BYE alice@contoso.com bob@ours.com cert=sip.contoso.com stored="
#define ALLOWED	    "allowed:contoso.com:sip.contoso.com"
#define FOUND	    "discovered:contoso.com:sip.contoso.com:discovered"

static void test_unknown_domain_is_parked_and_served(void **state)
{
	static const struct step story[] = {
		{COMMIT, "discovery on", NULL},
		{SAY, ALICE, "ask srv:contoso.com"},
		{SAY, ALICE, "ask srv:contoso.com"},
		{COMMIT, "srv contoso.com sip.contoso.com", NULL},
		{SAY, ALICE, "accept discovered unverified"},
		/* past its TTL it serves on, and is asked for again */
		{CLOCK, "3601", NULL},
		{SAY, ALICE, "accept discovered unverified refresh"},
		{COMMIT, "srv contoso.com nothing stale", NULL},
		/* a failure past its TTL is not believed any longer */
		{SAY, ALICE, "ask srv:contoso.com"},
	};

	TELL(story);
}

static void test_block_cuts_a_live_dialog(void **state)
{
	static const struct step story[] = {
		{COMMIT, "allow contoso.com; srv contoso.com sip.contoso.com", NULL},
		{SAY, ALICE, "accept allowed unverified"},
		{SAY, IN_DIALOG ALLOWED, "accept allowed unverified"},
		{COMMIT, "hard *.contoso.com", NULL},
		{SAY, IN_DIALOG ALLOWED, "refuse 403/1027 HARD_BLOCKED"},
		{SAY, "out dialog INVITE bob@ours.com alice@contoso.com stored=" ALLOWED,
		 "refuse 403/1027 HARD_BLOCKED"},
		{SAY, ALICE, "refuse 403/1027 HARD_BLOCKED"},
		{SAY, BYE ALLOWED, "accept allowed unverified"},
		/* unblock: the entry was there all the time */
		{DELETE, "hard-subtree contoso.com", NULL},
		{SAY, ALICE, "accept allowed unverified"},
		{SAY, IN_DIALOG ALLOWED, "accept allowed unverified"},
		{DELETE, "exact contoso.com", NULL},
		{SAY, IN_DIALOG ALLOWED, "refuse 403/1027 ALLOW_REMOVED"},
		{SAY, BYE ALLOWED, "accept allowed unverified"},
	};

	TELL(story);
}

static void test_discovery_off_spares_dialogs(void **state)
{
	static const struct step story[] = {
		{COMMIT, "discovery on; srv contoso.com sip.contoso.com", NULL},
		{SAY, ALICE, "accept discovered unverified"},
		{COMMIT, "discovery off", NULL},
		{SAY, ALICE, "refuse 403/1027 UNKNOWN_DOMAIN"},
		{SAY, IN_DIALOG FOUND, "accept discovered unverified"},
		{COMMIT, "federation off", NULL},
		{SAY, IN_DIALOG FOUND, "refuse 403/1027 FEDERATION_OFF"},
		{SAY, BYE FOUND, "accept discovered unverified"},
		{COMMIT, "federation on; block contoso.com", NULL},
		{SAY, IN_DIALOG FOUND, "refuse 403/1027 BLOCKED"},
	};

	TELL(story);
}

static void test_open_federation_by_the_shipped_route(void **state)
{
	static const struct step story[] = {
		{COMMIT, "discovery on; srv contoso.com nothing; route .* 192.0.2.1!block", NULL},
		{SAY, "out INVITE bob@ours.com alice@contoso.com", "refuse 504/1008 SRV_NOTHING"},
		{COMMIT, "srv contoso.com sip.contoso.com", NULL},
		{SAY, "out INVITE bob@ours.com alice@contoso.com", "accept discovered"},
		{COMMIT, "block *.contoso.com", NULL},
		{SAY, "out INVITE bob@ours.com alice@contoso.com", "refuse 403/1027 BLOCKED"},
	};

	TELL(story);
}

/* a guesser: 1,000 addresses, most of which do not exist, at full speed */
static void test_guesser(void **state)
{
	struct policy_uris *uris = calloc(1, sizeof(*uris));
	struct policy_limit_class class;
	struct policy_bucket bucket = {0};
	struct policy_ratio ratio = {0};
	uint64_t now = UINT64_C(1000000000), start = now, until = 0;
	unsigned passed = 0, over = 0, refused = 0;

	assert_non_null(uris);
	policy_limit_defaults(&class);
	for (uint64_t guess = 1; now < start + UINT64_C(120000000000); guess++) {
		uint64_t held = now;

		for (;;) {
			enum policy_take take =
				policy_bucket_take(&bucket, &class, ratio.suspicious, held, now, &until);

			if (take == POLICY_TAKE_PAUSE) {
				assert_true(until > now && until <= held + UINT64_C(2000000000));
				now = until;
				continue;
			}
			if (take == POLICY_TAKE_OVER)
				over++;
			else if (policy_uris_touch(uris, &class, guess * UINT64_C(0x9e3779b97f4a7c15), now) >=
				 POLICY_URI_WATCHED)
				refused++;
			else
				passed++;
			break;
		}
		policy_ratio_add(&ratio, &class, 404, 1, now);
	}
	assert_true(ratio.suspicious);
	/* the burst, a moment at 20/s until there are 50 finals, then 1/s: far from 20/s × 120 s */
	assert_in_range(passed, 100, 180);
	assert_int_equal(refused, 0);
	/* one who reads while paused is never answered 503; and at 1/s a thousand addresses take a quarter of
	 * an hour */
	assert_int_equal(over, 0);
	free(uris);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_domain_is_parked_and_served),
		cmocka_unit_test(test_block_cuts_a_live_dialog),
		cmocka_unit_test(test_discovery_off_spares_dialogs),
		cmocka_unit_test(test_open_federation_by_the_shipped_route),
		cmocka_unit_test(test_guesser),
	};

	return cmocka_run_group_tests_name("policy stories", tests, NULL, NULL);
}
