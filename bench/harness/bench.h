/* SPDX-License-Identifier: BSD-3-Clause */
/* What every bench shares: samples, their median and minimum, and one way to print a result. A bench
 * interleaves itself with its peers in one run, checks what it counted, and reports only then. */
#ifndef BENCH_HARNESS_BENCH_H
#define BENCH_HARNESS_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <x86intrin.h>

enum { BENCH_SAMPLES_MAX = 1024 };

struct bench_series {
	double v[BENCH_SAMPLES_MAX];
	unsigned n;
};

enum bench_goal { BENCH_NO_GOAL, BENCH_AT_MOST, BENCH_AT_LEAST };

/* One line of output. `ratio` is this value against the peer's (NAN: none); the goal is on the ratio when
 * `goal_on_ratio`, else on the value. */
struct bench_line {
	const char *metric, *unit;
	const char *peer;  /* "ours" or the peer's name */
	const char *ports; /* what carried the bytes: "ring", "none", "veth/af_packet" … */
	double value, min;
	double ratio;
	enum bench_goal goal_is;
	double goal;
	bool goal_on_ratio;
	unsigned samples;
};

struct bench {
	const char *name;
	bool json;
	unsigned failed; /* goals missed */
	bool header_printed;
};

/* reads --json; every other argument is left for the bench: returns the index of the first one not consumed
 */
int bench_init(struct bench *b, const char *name, int argc, char **argv);
/* table on a terminal, one JSON object a line with --json */
void bench_emit(struct bench *b, const struct bench_line *line);
/* exit status: 0 all goals met, 1 a goal missed */
int bench_fini(struct bench *b);
/* a wrong answer is worth more than any speed: says what was wrong on stderr and exits 2 */
void bench_wrong(const struct bench *b, const char *what, ...)
	__attribute__((format(printf, 2, 3), noreturn));
/* progress on stderr, for whatever lasts over five seconds */
void bench_progress(const struct bench *b, const char *what, ...) __attribute__((format(printf, 2, 3)));

void bench_series_add(struct bench_series *s, double v);
double bench_median(const struct bench_series *s);
double bench_min(const struct bench_series *s);
double bench_max(const struct bench_series *s);
/* medians of a[i] / b[i], pair by pair: holds while the machine's speed drifts */
double bench_pair_ratio(const struct bench_series *a, const struct bench_series *b);

static inline uint64_t bench_tsc(void)
{
	unsigned aux;

	/* rdtscp waits for what came before, so a span covers its work */
	return __rdtscp(&aux);
}

/* ticks per second, measured once against CLOCK_MONOTONIC_RAW */
double bench_tsc_hz(void);

#endif
