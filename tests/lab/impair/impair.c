/* SPDX-License-Identifier: BSD-3-Clause */
/* A bridge between two interfaces that is as bad as it is told: scripts/lab puts it into the middle of a
 * link.
 *
 *   impair [--stats FILE] [--ready FILE] WORLD BOX SPEC      WORLD, BOX: interfaces; "in" is towards BOX
 *   impair --check SPEC
 *
 * Ends at SIGTERM or SIGINT, and then writes what it did to FILE (also at SIGUSR1). */
#include "tests/lab/impair/impair_icmp.h"
#include "tests/lab/impair/impair_line.h"
#include "tests/lab/impair/impair_sock.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* line[d] reads from plug[d] and writes to the other one */
struct bridge {
	struct impair_sock plug[IMPAIR_DIRS];
	struct impair_line line[IMPAIR_DIRS];
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void write_stats(const struct bridge *b, const char *path)
{
	FILE *f = path ? fopen(path, "w") : stderr;

	if (!f) {
		fprintf(stderr, "impair: %s: %s\n", path, strerror(errno));
		return;
	}
	for (unsigned d = 0; d < IMPAIR_DIRS; d++) {
		const struct impair_stats *s = &b->line[d].stats;

		fprintf(f, "%s\"%s\":{", d ? "," : "{", d == IMPAIR_IN ? "in" : "out");
#define PRINT(name, help) fprintf(f, "\"" #name "\":%llu,", (unsigned long long)s->name);
		IMPAIR_COUNTS(PRINT)
#undef PRINT
		fprintf(f, "\"held\":%u}", b->line[d].held);
	}
	fprintf(f, "}\n");
	if (path)
		fclose(f);
}

static int take(struct bridge *b, unsigned d, uint64_t t)
{
	struct impair_frame in[IMPAIR_BURST];
	struct impair_line *l = &b->line[d];
	int n = impair_sock_recv(&b->plug[d], in);

	for (int i = 0; i < n; i++) {
		uint8_t answer[IMPAIR_ICMP_MAX];
		uint32_t len;

		if (impair_line_put(l, in[i].data, in[i].len, t) != IMPAIR_TOO_BIG)
			continue;
		len = impair_icmp_too_big(&l->spec, in[i].data, in[i].len, answer);
		if (len && impair_sock_send(&b->plug[d], answer, len))
			l->stats.icmp++;
	}
	return n;
}

/* sends what is due; when the next frame is */
static uint64_t give(struct bridge *b, unsigned d, uint64_t t)
{
	struct impair_held h;
	uint64_t next;

	while (impair_line_get(&b->line[d], t, &h, &next)) {
		if (!impair_sock_send(&b->plug[!d], h.frame, h.len))
			b->line[d].stats.unsent++;
		free(h.frame);
	}
	return next;
}

static int run(struct bridge *b, int signals, const char *stats)
{
	for (;;) {
		struct pollfd p[] = {{.fd = signals, .events = POLLIN},
				     {.fd = b->plug[0].fd, .events = POLLIN},
				     {.fd = b->plug[1].fd, .events = POLLIN}};
		uint64_t t = now(), next = UINT64_MAX;
		struct timespec wait = {.tv_sec = 3600};

		for (unsigned d = 0; d < IMPAIR_DIRS; d++) {
			uint64_t due = give(b, d, t);

			next = due < next ? due : next;
		}
		if (next != UINT64_MAX) {
			uint64_t left = next > t ? next - t : 0;

			wait = (struct timespec){.tv_sec = (time_t)(left / 1000000000u),
						 .tv_nsec = (long)(left % 1000000000u)};
		}
		if (ppoll(p, 3, &wait, NULL) < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents) {
			struct signalfd_siginfo s;

			if (read(signals, &s, sizeof(s)) == sizeof(s) && s.ssi_signo != SIGUSR1)
				return 0;
			write_stats(b, stats);
		}
		for (unsigned d = 0; d < IMPAIR_DIRS; d++) {
			int n;

			if (!p[1 + d].revents)
				continue;
			n = take(b, d, now());
			/* down is a state of links, gone is the end of one */
			if (n < 0 && n != -ENETDOWN)
				return n;
		}
	}
}

static int start(struct bridge *b, char *const names[IMPAIR_DIRS], const struct impair_spec spec[IMPAIR_DIRS])
{
	for (unsigned d = 0; d < IMPAIR_DIRS; d++) {
		int rc = impair_sock_open(&b->plug[d], names[d]);

		if (rc) {
			fprintf(stderr, "impair: %s: %s\n", names[d], strerror(-rc));
			return rc;
		}
		impair_line_init(&b->line[d], &spec[d], d, now());
	}
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "impair [--stats FILE] [--ready FILE] WORLD BOX SPEC | impair --check SPEC\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {{"stats", required_argument, NULL, 's'},
						{"ready", required_argument, NULL, 'r'},
						{"check", no_argument, NULL, 'c'},
						{NULL, 0, NULL, 0}};
	static struct bridge b;
	struct impair_spec spec[IMPAIR_DIRS];
	const char *stats = NULL, *ready = NULL;
	bool check = false;
	char why[256];
	sigset_t set;
	int c, rc, signals;

	while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		if (c == 's')
			stats = optarg;
		else if (c == 'r')
			ready = optarg;
		else if (c == 'c')
			check = true;
		else
			return usage();
	}
	if (argc - optind != (check ? 1 : 3))
		return usage();
	if (impair_spec_parse(argv[argc - 1], spec, why, sizeof(why))) {
		fprintf(stderr, "impair: %s\n", why);
		return 2;
	}
	if (check)
		return 0;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0 || start(&b, argv + optind, spec))
		return 1;
	if (ready) {
		FILE *f = fopen(ready, "w");

		if (f)
			fclose(f);
	}
	rc = run(&b, signals, stats);
	write_stats(&b, stats);
	for (unsigned d = 0; d < IMPAIR_DIRS; d++) {
		impair_line_fini(&b.line[d]);
		impair_sock_close(&b.plug[d]);
	}
	if (rc)
		fprintf(stderr, "impair: %s\n", strerror(-rc));
	return rc ? 1 : 0;
}
