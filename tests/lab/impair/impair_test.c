/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "tests/lab/impair/impair_icmp.h"
#include "tests/lab/impair/impair_line.h"

enum { FRAMES = 20000, MS = 1000000 };

static void parse(const char *text, struct impair_spec spec[IMPAIR_DIRS])
{
	char why[128] = "";

	if (impair_spec_parse(text, spec, why, sizeof(why)))
		fail_msg("%s: %s", text, why);
}

static void spec_of_both_and_each_direction(void **state)
{
	struct impair_spec s[IMPAIR_DIRS];

	parse("loss=50%,delay=5ms,rate=10mbit,seed=9", s);
	assert_int_equal(s[IMPAIR_IN].loss, 0x80000000u);
	assert_int_equal(s[IMPAIR_OUT].delay_ns, 5 * MS);
	assert_int_equal(s[IMPAIR_OUT].rate_bps, 10000000);
	parse("dir=in,mtu=1400,icmp4=198.18.1.1/dir=out,dup=0.25,up=1s,down=100ms", s);
	assert_int_equal(s[IMPAIR_IN].mtu, 1400);
	assert_true(s[IMPAIR_IN].icmp4);
	assert_int_equal(s[IMPAIR_OUT].mtu, 0);
	assert_int_equal(s[IMPAIR_OUT].dup, 0x40000000u);
	assert_int_equal(s[IMPAIR_OUT].down_ns, 100 * MS);
}

static void spec_refuses_nonsense(void **state)
{
	static const char *const BAD[] = {"loss",	 "loss=",      "loss=2",   "loss=-1%", "los=1",
					  "delay=5",	 "delay=5mss", "mtu=10",   "dir=up",   "burst=0",
					  "icmp4=1.2.3", "up=1s",      "loss=nan", "rate=5"};
	struct impair_spec s[IMPAIR_DIRS];
	char why[128];

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		if (impair_spec_parse(BAD[i], s, why, sizeof(why)) != -EINVAL)
			fail_msg("'%s' was taken", BAD[i]);
}

/* numbered frames, one a 10 us; what comes out is checked by `seen` counts; the order's inversions are
 * returned */
struct outcome {
	uint8_t seen[FRAMES];
	unsigned out, inversions, changed;
	uint64_t last_ns;
	struct impair_stats stats;
};

static void drain(struct impair_line *l, uint64_t t, struct outcome *o, uint32_t *last)
{
	struct impair_held h;
	uint64_t next;

	while (impair_line_get(l, t, &h, &next)) {
		uint32_t n;

		memcpy(&n, h.frame + 14, 4);
		if (h.frame[18] != 0xaa || n >= FRAMES) {
			o->changed++;
		} else {
			o->seen[n]++;
			o->inversions += n < *last;
			*last = n;
		}
		o->out++;
		o->last_ns = h.when_ns;
		free(h.frame);
	}
}

static void push(const char *text, struct outcome *o)
{
	struct impair_spec s[IMPAIR_DIRS];
	struct impair_line l;
	uint8_t frame[64] = {0};
	uint32_t last = 0;
	uint64_t t = 0;

	memset(o, 0, sizeof(*o));
	parse(text, s);
	impair_line_init(&l, &s[IMPAIR_IN], IMPAIR_IN, 0);
	memset(frame + 18, 0xaa, sizeof(frame) - 18);
	for (uint32_t n = 0; n < FRAMES; n++, t += 10000) {
		memcpy(frame + 14, &n, 4);
		impair_line_put(&l, frame, sizeof(frame), t);
		drain(&l, t, o, &last);
	}
	drain(&l, UINT64_MAX - 1, o, &last);
	o->stats = l.stats;
	assert_int_equal(l.held, 0);
	impair_line_fini(&l);
}

static void clean_line_changes_nothing(void **state)
{
	struct outcome *o = malloc(sizeof(*o));

	push("delay=5ms,jitter=3ms", o);
	assert_int_equal(o->out, FRAMES);
	/* jitter alone keeps the order */
	assert_int_equal(o->inversions, 0);
	assert_int_equal(o->changed, 0);
	free(o);
}

static void loss_is_as_asked_and_repeats_with_its_seed(void **state)
{
	struct outcome *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));

	for (unsigned burst = 1; burst <= 8; burst *= 2) {
		char spec[64];

		snprintf(spec, sizeof(spec), "loss=10%%,burst=%u,seed=3", burst);
		push(spec, a);
		push(spec, b);
		assert_in_range(a->stats.lost, FRAMES * 8 / 100, FRAMES * 12 / 100);
		assert_memory_equal(a->seen, b->seen, sizeof(a->seen));
	}
	push("loss=10%,seed=4", a);
	push("loss=10%,seed=5", b);
	assert_memory_not_equal(a->seen, b->seen, sizeof(a->seen));
	push("loss=100%", a);
	assert_int_equal(a->out, 0);
	free(a);
	free(b);
}

static void duplicates_reorders_and_corrupts(void **state)
{
	struct outcome *o = malloc(sizeof(*o));

	push("dup=10%,reorder=5%,hold=1ms,corrupt=1%", o);
	assert_int_equal(o->out, FRAMES + o->stats.duplicated);
	assert_in_range(o->stats.duplicated, FRAMES * 8 / 100, FRAMES * 12 / 100);
	assert_in_range(o->inversions, FRAMES * 3 / 100, FRAMES * 20 / 100);
	assert_in_range(o->stats.corrupted, FRAMES / 2 / 100, FRAMES * 2 / 100);
	free(o);
}

static void rate_queue_and_flap(void **state)
{
	struct outcome *o = malloc(sizeof(*o));

	/* 64 bytes in 10 us are 51.2 Mbit/s; at half of that half is lost once 1 ms of queue is full */
	push("rate=25600kbit,queue=1ms", o);
	assert_in_range(o->out, FRAMES * 49 / 100, FRAMES * 52 / 100);
	assert_int_equal(o->out + o->stats.queue_full, FRAMES);
	push("up=3ms,down=1ms", o);
	assert_in_range(o->stats.flap, FRAMES * 24 / 100, FRAMES * 26 / 100);
	free(o);
}

static uint16_t fold(const uint8_t *p, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void hole_answers_as_a_router_does(void **state)
{
	struct impair_spec s[IMPAIR_DIRS];
	struct impair_line l;
	uint8_t frame[1514] = {0}, answer[IMPAIR_ICMP_MAX];
	uint32_t len, payload;

	parse("mtu=1400,icmp4=198.18.1.1,icmp6=2001:db8:1::1", s);
	impair_line_init(&l, &s[IMPAIR_OUT], IMPAIR_OUT, 0);
	assert_int_equal(impair_line_put(&l, frame, 1414, 0), IMPAIR_TAKEN);
	assert_int_equal(impair_line_put(&l, frame, 1415, 0), IMPAIR_TOO_BIG);
	impair_line_fini(&l);
	memset(frame, 0x11, 6);
	memset(frame + 6, 0x22, 6);
	memcpy(frame + 12, "\x08\x00\x45", 3);
	/* RFC 1191: an answer is due to DF only */
	assert_int_equal(impair_icmp_too_big(&s[0], frame, sizeof(frame), answer), 0);
	frame[14 + 6] = 0x40;
	len = impair_icmp_too_big(&s[0], frame, sizeof(frame), answer);
	assert_int_equal(len, 14 + 20 + 8 + 548);
	assert_memory_equal(answer, frame + 6, 6);
	assert_int_equal(answer[34], 3);
	assert_int_equal(answer[35], 4);
	assert_int_equal(answer[40] << 8 | answer[41], 1400);
	assert_int_equal(fold(answer + 14, 20, 0), 0xffff);
	assert_int_equal(fold(answer + 34, len - 34, 0), 0xffff);
	memcpy(frame + 12, "\x86\xdd\x60", 3);
	len = impair_icmp_too_big(&s[0], frame, sizeof(frame), answer);
	/* RFC 4443 section 3.2: as much of it as fits the minimum MTU */
	assert_int_equal(len, 14 + 1280);
	payload = len - 14 - 40;
	assert_int_equal(answer[54], 2);
	assert_int_equal(fold(answer + 22, len - 22, payload + 58), 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spec_of_both_and_each_direction),
		cmocka_unit_test(spec_refuses_nonsense),
		cmocka_unit_test(clean_line_changes_nothing),
		cmocka_unit_test(loss_is_as_asked_and_repeats_with_its_seed),
		cmocka_unit_test(duplicates_reorders_and_corrupts),
		cmocka_unit_test(rate_queue_and_flap),
		cmocka_unit_test(hole_answers_as_a_router_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
