/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lab/impair/impair_spec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	double factor;
};

static const struct unit TIMES[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {NULL, 0}};
static const struct unit RATES[] = {{"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}, {NULL, 0}};
static const struct unit PARTS[] = {{"", 1}, {"%", 0.01}, {NULL, 0}};
static const struct unit PLAIN[] = {{"", 1}, {NULL, 0}};

/* a number and one of these units up to `end`; negative: it is none */
static double number(const char *text, const char *end, const struct unit *units)
{
	char *stop;
	double v = strtod(text, &stop);

	if (stop == text || stop > end || !isfinite(v) || v < 0)
		return -1;
	for (; units->name; units++)
		if (strlen(units->name) == (size_t)(end - stop) &&
		    memcmp(units->name, stop, (size_t)(end - stop)) == 0)
			return v * units->factor;
	return -1;
}

static int chance(const char *v, const char *end, uint32_t *out)
{
	double p = number(v, end, PARTS);

	if (p < 0 || p > 1)
		return -EINVAL;
	*out = p >= 1 ? UINT32_MAX : (uint32_t)(p * 4294967296.0);
	return 0;
}

static int amount(const char *v, const char *end, const struct unit *units, double max, uint64_t *out)
{
	double n = number(v, end, units);

	if (n < 0 || n > max)
		return -EINVAL;
	*out = (uint64_t)n;
	return 0;
}

static int address(int family, const char *v, const char *end, void *out, bool *given)
{
	char text[INET6_ADDRSTRLEN];

	if ((size_t)(end - v) >= sizeof(text))
		return -EINVAL;
	memcpy(text, v, (size_t)(end - v));
	text[end - v] = '\0';
	*given = inet_pton(family, text, out) == 1;
	return *given ? 0 : -EINVAL;
}

static int one(struct impair_spec *s, const char *key, size_t key_len, const char *v, const char *end)
{
	uint64_t n;

#define IS(name) (key_len == strlen(name) && memcmp(key, name, key_len) == 0)
	if (IS("loss"))
		return chance(v, end, &s->loss);
	if (IS("dup"))
		return chance(v, end, &s->dup);
	if (IS("reorder"))
		return chance(v, end, &s->reorder);
	if (IS("corrupt"))
		return chance(v, end, &s->corrupt);
	if (IS("delay"))
		return amount(v, end, TIMES, 60e9, &s->delay_ns);
	if (IS("jitter"))
		return amount(v, end, TIMES, 60e9, &s->jitter_ns);
	if (IS("hold"))
		return amount(v, end, TIMES, 60e9, &s->hold_ns);
	if (IS("up"))
		return amount(v, end, TIMES, 3600e9, &s->up_ns);
	if (IS("down"))
		return amount(v, end, TIMES, 3600e9, &s->down_ns);
	if (IS("rate"))
		return amount(v, end, RATES, 1e12, &s->rate_bps);
	if (IS("queue"))
		return amount(v, end, TIMES, 60e9, &s->queue_ns);
	if (IS("seed"))
		return amount(v, end, PLAIN, 9e15, &s->seed);
	if (IS("icmp4"))
		return address(AF_INET, v, end, &s->from4, &s->icmp4);
	if (IS("icmp6"))
		return address(AF_INET6, v, end, &s->from6, &s->icmp6);
	if (IS("burst") && amount(v, end, PLAIN, 10000, &n) == 0 && n > 0) {
		s->burst = (uint32_t)n;
		return 0;
	}
	if (IS("mtu") && amount(v, end, PLAIN, 65535, &n) == 0 && n >= 68) {
		s->mtu = (uint32_t)n;
		return 0;
	}
#undef IS
	return -EINVAL;
}

/* one part, "key=value,key=value", over `s`; `dirs` becomes what its dir= says */
static int part(const char *text, const char *end, struct impair_spec *s, unsigned *dirs, char *why,
		size_t why_len)
{
	while (text < end) {
		const char *stop = memchr(text, ',', (size_t)(end - text));
		const char *eq;
		int rc = -EINVAL;

		if (!stop)
			stop = end;
		eq = memchr(text, '=', (size_t)(stop - text));
		if (eq && eq - text == 3 && memcmp(text, "dir", 3) == 0) {
			size_t n = (size_t)(stop - eq - 1);

			*dirs = n == 2 && memcmp(eq + 1, "in", 2) == 0	   ? 1u << IMPAIR_IN
				: n == 3 && memcmp(eq + 1, "out", 3) == 0  ? 1u << IMPAIR_OUT
				: n == 4 && memcmp(eq + 1, "both", 4) == 0 ? 3u
									   : 0u;
			rc = *dirs ? 0 : -EINVAL;
		} else if (eq) {
			rc = one(s, text, (size_t)(eq - text), eq + 1, stop);
		}
		if (rc) {
			snprintf(why, why_len, "'%.*s' is no property of a line", (int)(stop - text), text);
			return rc;
		}
		text = stop + 1;
	}
	return 0;
}

int impair_spec_parse(const char *text, struct impair_spec out[IMPAIR_DIRS], char *why, size_t why_len)
{
	static const struct impair_spec CLEAN = {
		.burst = 1, .hold_ns = 2000000, .queue_ns = 200000000, .seed = 1};

	out[IMPAIR_IN] = out[IMPAIR_OUT] = CLEAN;
	for (;;) {
		const char *end = strchrnul(text, '/');
		struct impair_spec s = CLEAN;
		unsigned dirs = 3;
		int rc = part(text, end, &s, &dirs, why, why_len);

		if (rc)
			return rc;
		if ((s.up_ns == 0) != (s.down_ns == 0)) {
			snprintf(why, why_len, "a link that flaps has both up= and down=");
			return -EINVAL;
		}
		for (unsigned d = 0; d < IMPAIR_DIRS; d++)
			if (dirs & (1u << d))
				out[d] = s;
		if (*end == '\0')
			return 0;
		text = end + 1;
	}
}
