/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/harness/bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int bench_init(struct bench *b, const char *name, int argc, char **argv)
{
	int kept = 1;

	*b = (struct bench){.name = name};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			b->json = true;
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	return 1;
}

static bool goal_met(const struct bench_line *l)
{
	double v = l->goal_on_ratio ? l->ratio : l->value;

	if (isnan(v))
		return false;
	return l->goal_is == BENCH_AT_MOST ? v <= l->goal : v >= l->goal;
}

static void emit_json(const struct bench *b, const struct bench_line *l)
{
	printf("{\"bench\":\"%s\",\"metric\":\"%s\",\"value\":%.6g,\"min\":%.6g,\"unit\":\"%s\",\"peer\":\"%"
	       "s\"",
	       b->name, l->metric, l->value, l->min, l->unit, l->peer);
	if (!isnan(l->ratio))
		printf(",\"ratio\":%.4g", l->ratio);
	if (l->goal_is != BENCH_NO_GOAL)
		printf(",\"goal\":\"%s%s%g\",\"pass\":%s", l->goal_on_ratio ? "ratio" : "",
		       l->goal_is == BENCH_AT_MOST ? "<=" : ">=", l->goal, goal_met(l) ? "true" : "false");
	printf(",\"ports\":\"%s\",\"samples\":%u}\n", l->ports ? l->ports : "none", l->samples);
}

static void emit_row(struct bench *b, const struct bench_line *l)
{
	char ratio[32] = "-", goal[48] = "-";

	if (!b->header_printed) {
		printf("%-26s %-14s %14s %14s %-12s %8s %-16s %s\n", "metric", "peer", "median", "min",
		       "unit", "ratio", "goal", "ports");
		b->header_printed = true;
	}
	if (!isnan(l->ratio))
		snprintf(ratio, sizeof(ratio), "%.3g", l->ratio);
	if (l->goal_is != BENCH_NO_GOAL)
		snprintf(goal, sizeof(goal), "%s%s%g %s", l->goal_on_ratio ? "ratio" : "",
			 l->goal_is == BENCH_AT_MOST ? "<=" : ">=", l->goal, goal_met(l) ? "met" : "MISSED");
	printf("%-26s %-14s %14.6g %14.6g %-12s %8s %-16s %s (%u samples)\n", l->metric, l->peer, l->value,
	       l->min, l->unit, ratio, goal, l->ports ? l->ports : "none", l->samples);
}

void bench_emit(struct bench *b, const struct bench_line *l)
{
	if (l->goal_is != BENCH_NO_GOAL && !goal_met(l))
		b->failed++;
	if (b->json)
		emit_json(b, l);
	else
		emit_row(b, l);
	fflush(stdout);
}

int bench_fini(struct bench *b)
{
	if (b->failed)
		fprintf(stderr, "%s: %u goal(s) missed\n", b->name, b->failed);
	return b->failed ? 1 : 0;
}

void bench_wrong(const struct bench *b, const char *what, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: WRONG: ", b->name);
	va_start(ap, what);
	vfprintf(stderr, what, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

void bench_progress(const struct bench *b, const char *what, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", b->name);
	va_start(ap, what);
	vfprintf(stderr, what, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void bench_series_add(struct bench_series *s, double v)
{
	if (s->n == BENCH_SAMPLES_MAX) {
		fprintf(stderr, "bench: more than %d samples in one series\n", BENCH_SAMPLES_MAX);
		abort();
	}
	s->v[s->n++] = v;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(const struct bench_series *s)
{
	struct bench_series t = *s;

	if (t.n == 0)
		return NAN;
	qsort(t.v, t.n, sizeof(t.v[0]), by_value);
	return t.n % 2 ? t.v[t.n / 2] : (t.v[t.n / 2 - 1] + t.v[t.n / 2]) / 2;
}

double bench_min(const struct bench_series *s)
{
	double m = s->n ? s->v[0] : NAN;

	for (unsigned i = 1; i < s->n; i++)
		m = fmin(m, s->v[i]);
	return m;
}

double bench_max(const struct bench_series *s)
{
	double m = s->n ? s->v[0] : NAN;

	for (unsigned i = 1; i < s->n; i++)
		m = fmax(m, s->v[i]);
	return m;
}

double bench_pair_ratio(const struct bench_series *a, const struct bench_series *b)
{
	struct bench_series r = {.n = 0};

	for (unsigned i = 0; i < a->n && i < b->n; i++)
		bench_series_add(&r, a->v[i] / b->v[i]);
	return bench_median(&r);
}

double bench_tsc_hz(void)
{
	static double hz; /* a bench is one thread; measured once */
	struct timespec t0, t1;
	uint64_t c0, c1;
	double ns;

	if (hz > 0)
		return hz;
	clock_gettime(CLOCK_MONOTONIC_RAW, &t0);
	c0 = bench_tsc();
	do {
		clock_gettime(CLOCK_MONOTONIC_RAW, &t1);
		ns = (double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec);
	} while (ns < 50e6);
	c1 = bench_tsc();
	hz = (double)(c1 - c0) * 1e9 / ns;
	return hz;
}
