/* SPDX-License-Identifier: BSD-3-Clause */
/* What a federated MESSAGE and a call cost the whole box, TLS on both sides, beside Kamailio with the same
 * job and certificates: over ring ports, and over veth against foreign clients. Everybody who serves is a
 * process of its own that does so many exchanges when it is told, so that all of them take turns in one run.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/edge/edge_script.h"
#include "bench/edge/edge_world.h"
#include "bench/harness/bench.h"
#include "dataplane/tls/memory.h"

enum { PARTNERS = 1000, DOMAINS = 100000, PAIRS = 9, WARM = 2 };

enum who { RING, RING_TWO, RING_STEERED, RING_CROSSING, VETH, KAMAILIO, RUNNERS };
/* a process that serves lines */
struct server {
	pid_t pid;
	FILE *to, *from;
};

static const struct {
	const char *name, *ports, *mode;
	unsigned workers, n[SCRIPT_KINDS]; /* exchanges of one sample */
} runners[RUNNERS] = {
	[RING] = {"ours", "ring", "owned", 1, {4000, 1000, 8000}},
	[RING_TWO] = {"ours, two workers", "ring", "owned", 2, {4000, 1000, 8000}},
	[RING_STEERED] = {"ours, two workers, frames cross", "ring", "steered", 2, {4000, 1000, 8000}},
	[RING_CROSSING] = {"ours, two workers, messages cross", "ring", "owned", 2, {4000, 1000, 8000}},
	[VETH] = {"ours", "veth/af_packet", NULL, 1, {1000, 300, 1000}},
	[KAMAILIO] = {"kamailio", "veth", NULL, 1, {1000, 300, 1000}},
};

static struct {
	struct bench bench;
	char dir[64];
	struct server world[RUNNERS], load[RUNNERS];
	bool there[RUNNERS];
	char cpu[RUNNERS][160];
	struct bench_series us[SCRIPT_KINDS][RUNNERS];
	uint64_t answered[RUNNERS], crossed[RUNNERS];
} e;

static double cpu_us(enum who w)
{
	FILE *f = fopen(e.cpu[w], "r");
	char line[128];
	double v = NAN;

	/* cpu.stat of version 2, or cpuacct.usage of version 1 */
	while (f && fgets(line, sizeof(line), f) && isnan(v))
		if (sscanf(line, "usage_usec %lf", &v) != 1 && sscanf(line, "%lf", &v) == 1)
			v /= 1000;
	if (f)
		fclose(f);
	return v;
}

static void start(struct server *s, const char *program, ...)
{
	int in[2], out[2];
	char *argv[16] = {(char *)(uintptr_t)program};
	va_list args;

	va_start(args, program);
	for (unsigned i = 1; i < 15 && (argv[i] = va_arg(args, char *)); i++)
		;
	va_end(args);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		bench_wrong(&e.bench, "no pipe");
	s->pid = fork();
	if (s->pid == 0) {
		char log[128];
		int fd;

		snprintf(log, sizeof(log), "%s/log", e.dir);
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(in[0], 0);
		dup2(out[1], 1);
		if (fd >= 0)
			dup2(fd, 2);
		execv(program, argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	s->to = fdopen(in[1], "w");
	s->from = fdopen(out[0], "r");
}

static void stop(struct server *s)
{
	if (!s->pid)
		return;
	fclose(s->to);
	waitpid(s->pid, NULL, 0);
	fclose(s->from);
	s->pid = 0;
}

static void stop_all(void)
{
	for (unsigned w = 0; w < RUNNERS; w++)
		stop(&e.load[w]);
	for (unsigned w = 0; w < RUNNERS; w++)
		stop(&e.world[w]);
}

/* the log stays, what it was about does not */
static void wrong(const char *what, const char *who)
{
	stop_all();
	bench_wrong(&e.bench, "%s: %s; see %s/log", who, what, e.dir);
}

/* waits for "WORD rest"; the rest is in `line` */
static bool expect(struct server *s, const char *word, char *line, size_t size)
{
	size_t n = strlen(word);

	if (!fgets(line, (int)size, s->from) || strncmp(line, word, n))
		return false;
	line[strcspn(line, "\n")] = 0;
	memmove(line, line + n, strlen(line + n) + 1);
	return true;
}

static void line_emit(const char *metric, const char *unit, enum who w, const struct bench_series *s,
		      double ratio, enum bench_goal is, double goal, bool on_ratio)
{
	bench_emit(&e.bench, &(struct bench_line){.metric = metric,
						  .unit = unit,
						  .peer = runners[w].name,
						  .ports = runners[w].ports,
						  .value = bench_median(s),
						  .min = bench_min(s),
						  .ratio = ratio,
						  .goal_is = is,
						  .goal = goal,
						  .goal_on_ratio = on_ratio,
						  .samples = s->n});
}

/* ---- who is there ---- */

static void ring_start(enum who w)
{
	const struct edge_world world = {e.dir, PARTNERS, DOMAINS};
	char sub[128], n[16];

	snprintf(sub, sizeof(sub), "%s/%u", e.dir, (unsigned)w);
	snprintf(n, sizeof(n), "%u", PARTNERS);
	if (edge_world_ring(&world, sub, runners[w].workers, w == RING_CROSSING ? 1 : 4))
		wrong("cannot be written", sub);
	start(&e.load[w], RING_EXE, sub, e.dir, n, runners[w].mode, (char *)NULL);
	e.there[w] = true;
}

static void lab_start(enum who w)
{
	char lab[24];

	if (geteuid() != 0 || (w == KAMAILIO && access("/usr/sbin/kamailio", X_OK))) {
		bench_progress(&e.bench, "%s over veth is left out: %s", runners[w].name,
			       geteuid() ? "that needs root" : "kamailio is not installed");
		return;
	}
	snprintf(lab, sizeof(lab), "be%c%u", w == VETH ? 'o' : 'k', (unsigned)getpid());
	start(&e.world[w], WORLD_EXE, e.dir, lab, BUILD_DIR, w == VETH ? "ours" : "kamailio", (char *)NULL);
	e.there[w] = true;
}

static void lab_load(enum who w)
{
	char partner[48], inside[48], n[16], lab[24];

	if (!e.there[w])
		return;
	if (!expect(&e.world[w], "ready ", e.cpu[w], sizeof(e.cpu[w])))
		wrong("does not start", runners[w].name);
	snprintf(lab, sizeof(lab), "be%c%u", w == VETH ? 'o' : 'k', (unsigned)getpid());
	snprintf(partner, sizeof(partner), "%s-partner", lab);
	snprintf(inside, sizeof(inside), "%s-inside", lab);
	snprintf(n, sizeof(n), "%u", PARTNERS);
	start(&e.load[w], LOAD_EXE, partner, inside, e.dir, n, (char *)NULL);
}

static void ready(enum who w)
{
	char line[200];

	if (e.there[w] && !expect(&e.load[w], "ready", line, sizeof(line)))
		wrong("the partners do not come up", runners[w].name);
}

/* ---- samples ---- */

static void sample(enum who w, enum script_kind k, bool keep)
{
	char line[200];
	double before = NAN, us;
	unsigned n;
	unsigned long long ticks = 0, crossed = 0;

	if (!e.there[w])
		return;
	if (w >= VETH)
		before = cpu_us(w);
	fprintf(e.load[w].to, "%s %u\n", script_infos[k].name, runners[w].n[k]);
	fflush(e.load[w].to);
	if (!expect(&e.load[w], "ok ", line, sizeof(line)) ||
	    sscanf(line, "%u %llu %llu", &n, &ticks, &crossed) < 1 || n != runners[w].n[k])
		wrong("exchanges were not all answered", runners[w].name);
	us = w >= VETH ? cpu_us(w) - before : (double)ticks * 1e6 / bench_tsc_hz();
	e.answered[w] += n;
	e.crossed[w] += crossed;
	if (!(us > 0))
		wrong("no CPU time was charged", runners[w].name);
	if (keep)
		bench_series_add(&e.us[k][w], us / n);
}

static void report(enum script_kind k)
{
	static const char *const metric[SCRIPT_KINDS] = {"cpu_us_per_message", "cpu_us_per_call",
							 "cpu_us_per_answer"};
	/* of an answer, the share of a line is what has a goal */
	bool goals = k != SCRIPT_ANSWER;
	const struct bench_series *s = e.us[k];
	bool peer = e.there[KAMAILIO];

	if (peer)
		line_emit(metric[k], "µs", KAMAILIO, &s[KAMAILIO], NAN, BENCH_NO_GOAL, 0, false);
	line_emit(metric[k], "µs", RING, &s[RING], peer ? bench_pair_ratio(&s[KAMAILIO], &s[RING]) : NAN,
		  peer && goals ? BENCH_AT_LEAST : BENCH_NO_GOAL, 25, true);
	if (e.there[VETH])
		line_emit(metric[k], "µs", VETH, &s[VETH],
			  peer ? bench_pair_ratio(&s[KAMAILIO], &s[VETH]) : NAN,
			  peer && goals ? BENCH_AT_LEAST : BENCH_NO_GOAL, 5, true);
	if (k == SCRIPT_ANSWER)
		return;
	line_emit(metric[k], "µs", RING_TWO, &s[RING_TWO], bench_pair_ratio(&s[RING_TWO], &s[RING]),
		  BENCH_AT_MOST, 1.1, true);
	line_emit(metric[k], "µs", RING_STEERED, &s[RING_STEERED],
		  bench_pair_ratio(&s[RING_STEERED], &s[RING]), BENCH_NO_GOAL, 0, false);
	line_emit(metric[k], "µs", RING_CROSSING, &s[RING_CROSSING],
		  bench_pair_ratio(&s[RING_CROSSING], &s[RING]), BENCH_NO_GOAL, 0, false);
}

/* What follows from busy time alone: no wire of that speed was there. A line brings 1.756 M MESSAGEs of 600
 * bytes a second. */
static void derived(enum script_kind k, const char *rate_metric, const char *share_metric,
		    enum bench_goal goal_is)
{
	const struct bench_series *us = &e.us[k][RING];
	struct bench_series rate = {0}, share = {0};

	for (unsigned i = 0; i < us->n; i++) {
		bench_series_add(&rate, 1e6 / us->v[i]);
		bench_series_add(&share, 1e6 / us->v[i] / 1.756e6);
	}
	line_emit(rate_metric, "1/s, derived", RING, &rate, NAN, BENCH_NO_GOAL, 0, false);
	line_emit(share_metric, "of 1.756 M/s, derived", RING, &share, NAN, goal_is, 0.35, false);
}

int main(int argc, char **argv)
{
	const struct edge_world world = {e.dir, PARTNERS, DOMAINS};
	char command[128];

	if (tls_memory_init())
		return 2;
	bench_init(&e.bench, "edge", argc, argv);
	signal(SIGPIPE, SIG_IGN);
	strcpy(e.dir, "/tmp/bench-edge.XXXXXX");
	if (!mkdtemp(e.dir) || edge_world_make(&world))
		bench_wrong(&e.bench, "cannot write in %s", e.dir);
	bench_progress(&e.bench, "%u partners with certificates, %u domains; everybody starts", PARTNERS,
		       DOMAINS);
	lab_start(KAMAILIO);
	lab_start(VETH);
	/* one after the other: each is a whole box and its control daemon */
	for (enum who w = RING; w <= RING_CROSSING; w++) {
		ring_start(w);
		ready(w);
	}
	for (enum who w = VETH; w < RUNNERS; w++) {
		lab_load(w);
		ready(w);
	}
	for (unsigned n = 0; n < SCRIPT_KINDS; n++) {
		/* refusals in between: a connection that brings nothing else is closed */
		enum script_kind k = (enum script_kind[]){SCRIPT_MESSAGE, SCRIPT_ANSWER, SCRIPT_CALL}[n];

		for (unsigned i = 0; i < PAIRS + WARM; i++) {
			if (i % 4 == 0)
				bench_progress(&e.bench, "%ss: round %u of %u", script_infos[k].name, i,
					       PAIRS + WARM);
			for (enum who w = 0; w < RUNNERS; w++)
				if (k != SCRIPT_ANSWER || w == RING || w >= VETH)
					sample(w, k, i >= WARM);
		}
		report(k);
	}
	derived(SCRIPT_MESSAGE, "messages_per_s_per_core", "share_of_10gbe_600B", BENCH_AT_LEAST);
	derived(SCRIPT_ANSWER, "answers_per_s_per_core", "share_of_10gbe_600B_answered", BENCH_AT_LEAST);
	/* that they did is part of what the figure says */
	if (!e.crossed[RING_CROSSING] || e.crossed[RING_TWO])
		wrong("messages crossed where none was to, or none where they were", "two workers");
	/* the generators say the same words and count the same: whoever saw another answer has ended the run
	 */
	if (e.there[VETH]) {
		struct bench_series agreed = {0};

		bench_series_add(&agreed, (double)e.answered[VETH]);
		line_emit("answers", "right, all that were asked", VETH, &agreed, NAN, BENCH_NO_GOAL, 0,
			  false);
		agreed.n = 0;
		bench_series_add(&agreed, (double)e.answered[RING]);
		line_emit("answers", "right, all that were asked", RING, &agreed, NAN, BENCH_NO_GOAL, 0,
			  false);
	}
	stop_all();
	snprintf(command, sizeof(command), "rm -rf %s", e.dir);
	if (system(command))
		fprintf(stderr, "bench_edge: %s stays\n", e.dir);
	return bench_fini(&e.bench);
}
