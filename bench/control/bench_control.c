/* SPDX-License-Identifier: BSD-3-Clause */
/* The control daemon under a million domains: what a commit, a bulk load, a listing, a start and a completion
 * cost. The daemon is the built one, driven through its socket; every answer is counted. */
#include "bench/harness/bench.h"
#include "controlplane/shell/shell_link.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MILLION = 1000000, HUNDRED_K = 100000, ROUNDS = 11 };

struct daemon {
	pid_t pid;
	char dir[64], socket[128];
	struct link link;
};

struct seen {
	uint64_t rows, bytes;
	unsigned errors;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_rows(void *ctx, const char *rows, size_t n)
{
	struct seen *s = ctx;

	s->bytes += n;
	for (const char *p = rows; (p = memmem(p, n - (size_t)(p - rows), "\"noun\":", 7)); p += 7)
		s->rows++;
}

static void on_error(void *ctx, const char *code, const char *message, unsigned line, unsigned column,
		     const char *json)
{
	fprintf(stderr, "%s\n", message);
	((struct seen *)ctx)->errors++;
}

static int say(struct daemon *d, const char *line, int fd, struct seen *s)
{
	const struct link_answer a = {.rows = on_rows, .error = on_error, .ctx = s};

	return link_run(&d->link, line, true, fd, &a);
}

static void start(struct bench *b, struct daemon *d)
{
	char store[128], run[128];

	snprintf(store, sizeof(store), "%s/store", d->dir);
	snprintf(run, sizeof(run), "%s/run", d->dir);
	snprintf(d->socket, sizeof(d->socket), "%s/run/control.sock", d->dir);
	d->link = (struct link){.fd = -1, .path = d->socket};
	d->pid = fork();
	if (d->pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
		execl(CONTROL_EXE, CONTROL_EXE, "--store", store, "--run", run, (char *)NULL);
		_exit(127);
	}
}

/* until it answers: the status of the first answer */
static void wait_answer(struct bench *b, struct daemon *d)
{
	struct seen s = {0};
	double end = now_s() + 30;

	while (say(d, "show status", -1, &s) != 0) {
		if (now_s() > end)
			bench_wrong(b, "the daemon does not answer");
		usleep(1000);
	}
}

static void stop(struct daemon *d)
{
	link_close(&d->link);
	kill(d->pid, SIGTERM);
	waitpid(d->pid, NULL, 0);
}

static double memory_mib(const struct daemon *d, const char *key)
{
	char path[64], line[256];
	double kib = NAN;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)d->pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			sscanf(line + strlen(key), ": %lf", &kib);
	if (f)
		fclose(f);
	return kib / 1024;
}

static int domains(const struct daemon *d, const char *name, unsigned n, unsigned seed)
{
	char path[256];
	uint64_t x = seed + 1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", d->dir, name);
	f = fopen(path, "w");
	for (unsigned i = 0; f && i < n; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		fprintf(f, "d%u-%u.example%u.test\n", (unsigned)(x >> 40), i, seed);
	}
	if (!f || fclose(f))
		return -1;
	return open(path, O_RDONLY);
}

static void emit(struct bench *b, const char *metric, const char *unit, const struct bench_series *s,
		 enum bench_goal is, double goal)
{
	const struct bench_line line = {.metric = metric,
					.unit = unit,
					.peer = "ours",
					.ports = "none",
					.value = bench_median(s),
					.min = bench_min(s),
					.ratio = NAN,
					.goal_is = is,
					.goal = goal,
					.samples = s->n};

	bench_emit(b, &line);
}

static double load(struct bench *b, struct daemon *d, unsigned n, unsigned seed, const char *name)
{
	int fd = domains(d, name, n, seed), r;
	struct seen s = {0};
	double t = now_s();

	r = say(d, "load domains x", fd, &s);
	t = now_s() - t;
	close(fd);
	if (r != 2)
		bench_wrong(b, "load of %u domains: status %d", n, r);
	return t;
}

static void commit_1(struct bench *b, struct daemon *d, const char *metric)
{
	struct bench_series s = {0};
	struct seen seen = {0};

	for (unsigned i = 0; i < ROUNDS; i++) {
		char line[64];
		double t;

		snprintf(line, sizeof(line), "set partner one%u.test allow", i);
		if (say(d, line, -1, &seen))
			bench_wrong(b, "set");
		t = now_s();
		if (say(d, "commit", -1, &seen))
			bench_wrong(b, "commit");
		bench_series_add(&s, (now_s() - t) * 1e3);
		snprintf(line, sizeof(line), "delete partner one%u.test", i);
		if (say(d, line, -1, &seen) || say(d, "commit", -1, &seen))
			bench_wrong(b, "delete");
	}
	emit(b, metric, "ms", &s, BENCH_NO_GOAL, 0);
}

int main(int argc, char **argv)
{
	struct bench b;
	struct daemon d = {.dir = "/tmp/sallyport-bench-XXXXXX"};
	struct bench_series s;
	struct seen seen = {0};
	char command[128];
	double rss;

	bench_init(&b, "control", argc, argv);
	if (!mkdtemp(d.dir))
		bench_wrong(&b, "no directory for it");
	start(&b, &d);
	wait_answer(&b, &d);
	commit_1(&b, &d, "commit_1");

	s = (struct bench_series){0};
	for (unsigned i = 0; i < 3; i++) {
		bench_progress(&b, "100 k domains, %u of 3", i + 1);
		bench_series_add(&s, load(&b, &d, HUNDRED_K, i, "100k"));
		if (say(&d, "rollback 0", -1, &seen) != 0 && i == 0)
			bench_wrong(&b, "rollback");
	}
	emit(&b, "commit_100k", "s", &s, BENCH_NO_GOAL, 0);

	bench_progress(&b, "a million domains");
	s = (struct bench_series){0};
	bench_series_add(&s, load(&b, &d, MILLION, 77, "1m"));
	emit(&b, "load_1M_domains", "s", &s, BENCH_NO_GOAL, 0);
	s = (struct bench_series){0};
	bench_series_add(&s, memory_mib(&d, "VmHWM"));
	emit(&b, "load_1M_domains_peak", "MiB", &s, BENCH_NO_GOAL, 0);

	commit_1(&b, &d, "commit_1_among_1M");

	bench_progress(&b, "listing them");
	rss = memory_mib(&d, "VmRSS");
	s = (struct bench_series){0};
	for (unsigned i = 0; i < 3; i++) {
		double t = now_s();

		seen = (struct seen){0};
		if (say(&d, "show configuration partner", -1, &seen) || seen.rows != MILLION)
			bench_wrong(&b, "%llu rows of a million", (unsigned long long)seen.rows);
		bench_series_add(&s, now_s() - t);
	}
	emit(&b, "show_1M_json", "s", &s, BENCH_NO_GOAL, 0);
	s = (struct bench_series){0};
	bench_series_add(&s, memory_mib(&d, "VmRSS") - rss);
	emit(&b, "show_1M_json_growth", "MiB", &s, BENCH_AT_MOST, 64);

	s = (struct bench_series){0};
	for (unsigned i = 0; i < 101; i++) {
		const struct link_answer a = {.rows = on_rows, .error = on_error, .ctx = &seen};
		char prefix[32];
		double t = now_s();

		snprintf(prefix, sizeof(prefix), "d%u", 1000 + i * 83);
		if (link_complete(&d.link, "partner", prefix, &a))
			bench_wrong(&b, "complete");
		bench_series_add(&s, (now_s() - t) * 1e3);
	}
	emit(&b, "completion_1M", "ms", &s, BENCH_AT_MOST, 20);

	s = (struct bench_series){0};
	for (unsigned i = 0; i < 9; i++) {
		double t;

		stop(&d);
		t = now_s();
		start(&b, &d);
		wait_answer(&b, &d);
		bench_series_add(&s, (now_s() - t) * 1e3);
	}
	emit(&b, "start_to_answer_1M", "ms", &s, BENCH_AT_MOST, 500);
	stop(&d);
	snprintf(command, sizeof(command), "rm -rf '%s'", d.dir);
	if (system(command))
		return 2;
	return bench_fini(&b);
}
