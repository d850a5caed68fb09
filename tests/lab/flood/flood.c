/* SPDX-License-Identifier: BSD-3-Clause */
/* Floods the box with malformed frames, and sees that every one was taken and counted.
 *
 *   flood [--count N] [--seed N] [--window N] [--fragments] --mac MAC --run DIR --to4 A --to6 A IF
 *
 * Never more than --window frames are on their way (the box's own counters say what arrived), so that nothing
 * is lost in the kernel and the numbers must agree to the frame: frames_in grew by N, and frames_in +
 * steered_in = delivered + answered + consumed + steered_out + every drop. */
#include "config/exchange/counters.h"
#include "tests/lab/flood/flood_frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, PATIENCE_S = 20 };

struct flood {
	const char *ifname, *run;
	uint64_t count, seed, window;
	struct flood_gen gen;
	int fd;
	uint64_t sent, kinds[FLOOD_KINDS];
};

/* what the counters of all workers say together */
struct sums {
	uint64_t in, steered_in, delivered, answered, consumed, steered_out, drops;
};

static void sum_table(const struct counters_view *v, const struct counters_table *t, struct sums *s)
{
	static const struct {
		const char *name;
		size_t at;
	} FATES[] = {
		{"frames_in", offsetof(struct sums, in)},
		{"steered_in", offsetof(struct sums, steered_in)},
		{"delivered", offsetof(struct sums, delivered)},
		{"answered", offsetof(struct sums, answered)},
		{"consumed", offsetof(struct sums, consumed)},
		{"steered_out", offsetof(struct sums, steered_out)},
	};

	for (unsigned row = 0; row < t->n_rows; row++) {
		const char *name = counters_view_row(v, t, row)->name;
		uint64_t *to = strncmp(name, "drop.", 5) == 0 ? &s->drops : NULL;

		for (size_t i = 0; i < sizeof(FATES) / sizeof(FATES[0]); i++)
			if (strcmp(name, FATES[i].name) == 0)
				to = (uint64_t *)((char *)s + FATES[i].at);
		for (unsigned i = 0; to && i < t->n_instances; i++)
			*to += counters_view_value(v, t, i, row);
	}
}

/* 0 or -errno */
static int read_sums(const char *run, struct sums *s)
{
	struct counters_view v;
	const char *why = NULL;
	int rc = counters_read(&v, run, &why);

	if (rc) {
		fprintf(stderr, "flood: %s/counters: %s\n", run, why ? why : strerror(-rc));
		return rc;
	}
	if (!v.alive) {
		fprintf(stderr, "flood: the dataplane is dead\n");
		counters_view_free(&v);
		return -ESRCH;
	}
	*s = (struct sums){0};
	for (unsigned i = 0; i < v.super->n_tables; i++)
		if (strcmp(v.super->tables[i].name, "net") == 0)
			sum_table(&v, &v.super->tables[i], s);
	counters_view_free(&v);
	return 0;
}

static uint64_t fates(const struct sums *s)
{
	return s->delivered + s->answered + s->consumed + s->steered_out + s->drops;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

/* until the box has seen all but `left` of what was sent */
static int wait_for(const struct flood *f, const struct sums *base, uint64_t left)
{
	time_t end = time(NULL) + PATIENCE_S;
	struct sums s;

	for (;;) {
		int rc = read_sums(f->run, &s);

		if (rc)
			return rc;
		if (s.in - base->in + left >= f->sent)
			return 0;
		if (time(NULL) > end) {
			fprintf(stderr, "flood: %llu frames sent, the box has seen %llu\n",
				(unsigned long long)f->sent, (unsigned long long)(s.in - base->in));
			return -ETIMEDOUT;
		}
		nap();
	}
}

static int send_batch(struct flood *f, unsigned n)
{
	static uint8_t frame[BATCH][FLOOD_FRAME_MAX];
	struct mmsghdr m[BATCH] = {0};
	struct iovec io[BATCH];
	unsigned done = 0;

	for (unsigned i = 0; i < n; i++) {
		enum flood_kind kind = base_rng_below(&f->gen.rng, FLOOD_KINDS);

		io[i].iov_base = frame[i];
		io[i].iov_len = flood_frame_make(&f->gen, kind, frame[i]);
		m[i].msg_hdr.msg_iov = &io[i];
		m[i].msg_hdr.msg_iovlen = 1;
		f->kinds[kind]++;
	}
	while (done < n) {
		int rc = sendmmsg(f->fd, m + done, n - done, 0);

		if (rc > 0) {
			done += (unsigned)rc;
			f->sent += (unsigned)rc;
		} else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) {
			nap();
		} else {
			fprintf(stderr, "flood: %s: %s\n", f->ifname, strerror(errno));
			return -errno;
		}
	}
	return 0;
}

static int flood(struct flood *f)
{
	struct sums base, end;
	int rc = read_sums(f->run, &base);

	while (!rc && f->sent < f->count) {
		uint64_t left = f->count - f->sent;

		rc = send_batch(f, left < BATCH ? (unsigned)left : BATCH);
		if (!rc)
			rc = wait_for(f, &base, f->window);
	}
	if (!rc)
		rc = wait_for(f, &base, 0);
	if (rc)
		return rc;
	/* frames that were handed to another core end there a moment later */
	for (unsigned i = 0;; i++) {
		rc = read_sums(f->run, &end);
		if (rc)
			return rc;
		if (i == 2000 || (end.in - base.in == f->sent && end.in + end.steered_in == fates(&end) &&
				  end.steered_in == end.steered_out))
			break;
		nap();
	}
	printf("{\"sent\":%llu,\"seen\":%llu,\"ended\":%llu,\"of\":%llu,\"drops\":%llu,\"kinds\":{",
	       (unsigned long long)f->sent, (unsigned long long)(end.in - base.in),
	       (unsigned long long)fates(&end), (unsigned long long)(end.in + end.steered_in),
	       (unsigned long long)(end.drops - base.drops));
	for (unsigned k = 0; k < FLOOD_KINDS; k++)
		printf("%s\"%s\":%llu", k ? "," : "", flood_kind_names[k], (unsigned long long)f->kinds[k]);
	printf("}}\n");
	if (end.in - base.in != f->sent || end.in + end.steered_in != fates(&end)) {
		fprintf(stderr, "flood: the numbers do not agree\n");
		return -EPROTO;
	}
	return 0;
}

static int plug_in(struct flood *f)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(f->ifname)};
	int on = 1;

	f->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (!at.sll_ifindex || f->fd < 0 ||
	    setsockopt(f->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) ||
	    bind(f->fd, (struct sockaddr *)&at, sizeof(at))) {
		fprintf(stderr, "flood: %s: %s\n", f->ifname, strerror(errno));
		return -1;
	}
	return 0;
}

static int mac_parse(const char *text, uint8_t mac[6])
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
		      &mac[5]) == 6
		       ? 0
		       : -1;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {{"count", required_argument, NULL, 'c'},
						{"seed", required_argument, NULL, 's'},
						{"window", required_argument, NULL, 'w'},
						{"mac", required_argument, NULL, 'm'},
						{"run", required_argument, NULL, 'r'},
						{"to4", required_argument, NULL, '4'},
						{"to6", required_argument, NULL, '6'},
						{"fragments", no_argument, NULL, 'f'},
						{NULL, 0, NULL, 0}};
	struct flood f = {.count = 1000, .seed = 1, .window = 192};
	unsigned given = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		bool ok = true;

		if (c == 'c')
			f.count = strtoull(optarg, NULL, 10);
		else if (c == 's')
			f.seed = strtoull(optarg, NULL, 10);
		else if (c == 'w')
			f.window = strtoull(optarg, NULL, 10);
		else if (c == 'f')
			f.gen.fragments = true;
		else if (c == 'r')
			f.run = optarg, given |= 1;
		else if (c == 'm')
			ok = mac_parse(optarg, f.gen.to_mac) == 0, given |= 2;
		else if (c == '4')
			ok = inet_pton(AF_INET, optarg, f.gen.to4) == 1, given |= 4;
		else if (c == '6')
			ok = inet_pton(AF_INET6, optarg, f.gen.to6) == 1, given |= 8;
		else
			ok = false;
		if (!ok)
			given = 0;
	}
	if (given != 15 || argc - optind != 1) {
		fprintf(stderr, "flood [--count N] [--seed N] [--window N] [--fragments] --mac MAC --run DIR "
				"--to4 A --to6 A IF\n");
		return 2;
	}
	f.ifname = argv[optind];
	memcpy(f.gen.net4, f.gen.to4, 4);
	memcpy(f.gen.net6, f.gen.to6, 16);
	base_rng_seed(&f.gen.rng, f.seed);
	if (plug_in(&f))
		return 1;
	return flood(&f) ? 1 : 0;
}
