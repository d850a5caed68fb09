/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel sockets against tcpbox, or against `tcppeer serve` for comparison:
 *   tcppeer sink|source HOST PORT BYTES SEED   one transfer; prints its milliseconds
 *   tcppeer call HOST PORT BACK BACKPORT sink|source BYTES SEED
 *   tcppeer echo HOST PORT BYTES               and back
 *   tcppeer hold HOST PORT N FROM…             N connections with a byte each, from the addresses in turn;
 * waits for stdin tcppeer connects HOST PORT N               N connections one by one, an echo each; how many
 * within 5 s tcppeer serve PORT                         sink at PORT, source at PORT + 1, echo at PORT + 3
 * Exit status 0 when every byte was right. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lab/tcpbox/lab_stream.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* TCPPEER_CC names a congestion control; without it the kernel's own choice stands */
static void choose_congestion(int fd)
{
	const char *cc = getenv("TCPPEER_CC");

	if (cc && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cc, (socklen_t)strlen(cc))) {
		perror(cc);
		exit(1);
	}
}

static int connect_to(const char *host, const char *port, const char *from)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *a, *f;
	struct timeval limit = {.tv_sec = 120};
	int fd, one = 1;

	if (getaddrinfo(host, port, &hints, &a))
		return -1;
	fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	choose_congestion(fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (from && getaddrinfo(from, NULL, &hints, &f) == 0) {
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		if (bind(fd, f->ai_addr, f->ai_addrlen))
			perror("bind");
		freeaddrinfo(f);
	}
	if (connect(fd, a->ai_addr, a->ai_addrlen)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(a);
	return fd;
}

static bool write_all(int fd, const void *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return false;
		p = (const char *)p + k;
		n -= (size_t)k;
	}
	return true;
}

/* fd -1: nobody reads it, only its digest is wanted */
static bool send_stream(int fd, uint64_t n, uint64_t seed, char hex[65])
{
	static uint8_t buf[65536];
	struct lab_stream s;
	struct sha256 d;

	lab_stream_init(&s, seed);
	sha256_init(&d);
	while (n) {
		size_t k = n < sizeof(buf) ? n : sizeof(buf);

		lab_stream_fill(&s, buf, k);
		sha256_add(&d, buf, k);
		if (fd >= 0 && !write_all(fd, buf, k))
			return false;
		n -= k;
	}
	lab_stream_hex(&d, hex);
	return fd < 0 || shutdown(fd, SHUT_WR) == 0;
}

static bool read_stream(int fd, uint64_t *n, char hex[65])
{
	static uint8_t buf[65536];
	struct sha256 d;
	ssize_t k;

	sha256_init(&d);
	while ((k = read(fd, buf, sizeof(buf))) > 0)
		sha256_add(&d, buf, (size_t)k);
	*n = d.n;
	lab_stream_hex(&d, hex);
	return k == 0;
}

static bool read_text(int fd, char *to, size_t max)
{
	size_t n = 0;
	ssize_t k;

	while (n + 1 < max && (k = read(fd, to + n, max - 1 - n)) > 0)
		n += (size_t)k;
	to[n] = 0;
	return n > 0;
}

static int result(bool good, double t0, const char *what)
{
	if (good)
		printf("%.1f\n", now() - t0);
	else
		printf("%s: %s\n", what, errno ? strerror(errno) : "wrong bytes");
	return !good;
}

static int transfer(char **argv, bool sink)
{
	uint64_t n = strtoull(argv[4], NULL, 0), seed = strtoull(argv[5], NULL, 0), got = 0;
	char mine[65] = "", theirs[256] = "", line[64];
	double t0 = now();
	int fd = connect_to(argv[2], argv[3], NULL);

	if (fd < 0)
		return result(false, t0, "connect");
	if (sink) {
		if (!send_stream(fd, n, seed, mine) || !read_text(fd, theirs, sizeof(theirs)))
			return result(false, t0, "transfer");
		return result(strncmp(mine, theirs, 64) == 0 && strtoull(theirs + 64, NULL, 10) == n, t0,
			      "digest");
	}
	snprintf(line, sizeof(line), "%s %s\n", argv[4], argv[5]);
	if (!write_all(fd, line, strlen(line)) || !read_stream(fd, &got, theirs))
		return result(false, t0, "transfer");
	t0 += 0;
	close(fd);
	{
		double t1 = now();

		send_stream(-1, n, seed, mine);
		t0 += now() - t1;
	}
	return result(got == n && strcmp(mine, theirs) == 0, t0, "digest");
}

static int call(char **argv)
{
	char line[256], answer[256], want[65];
	double t0 = now();
	int fd = connect_to(argv[2], argv[3], NULL);

	if (fd < 0)
		return result(false, t0, "connect");
	snprintf(line, sizeof(line), "%s %s %s %s %s\n", argv[4], argv[5], argv[6], argv[7], argv[8]);
	if (!write_all(fd, line, strlen(line)) || !read_text(fd, answer, sizeof(answer)))
		return result(false, t0, "call");
	send_stream(-1, strtoull(argv[7], NULL, 0), strtoull(argv[8], NULL, 0), want);
	return result(strncmp(answer, want, 64) == 0, t0, answer);
}

static int echo(char **argv)
{
	uint64_t n = strtoull(argv[4], NULL, 0), got = 0;
	char mine[65], theirs[65];
	double t0 = now();
	int fd = connect_to(argv[2], argv[3], NULL);
	pid_t pid;
	int status;

	if (fd < 0)
		return result(false, t0, "connect");
	pid = fork();
	if (pid == 0)
		_exit(!send_stream(fd, n, 5, mine));
	read_stream(fd, &got, theirs);
	waitpid(pid, &status, 0);
	send_stream(-1, n, 5, mine);
	return result(got == n && status == 0 && strcmp(mine, theirs) == 0, t0, "echo");
}

static int hold(int argc, char **argv)
{
	int n = atoi(argv[4]), open_now = 0;
	struct rlimit files = {(rlim_t)n + 100, (rlim_t)n + 100};

	if (setrlimit(RLIMIT_NOFILE, &files))
		perror("setrlimit");
	for (int i = 0; i < n; i++) {
		int fd = connect_to(argv[2], argv[3], argc > 5 ? argv[5 + i % (argc - 5)] : NULL);

		if (fd >= 0 && write_all(fd, "I", 1))
			open_now++;
	}
	printf("%d\n", open_now);
	fflush(stdout);
	(void)!getchar();
	return open_now != n;
}

static int connects(char **argv)
{
	int n = atoi(argv[4]), good = 0;

	for (int i = 0; i < n; i++) {
		double t0 = now();
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			char b[8] = "";
			int fd;

			alarm(5);
			fd = connect_to(argv[2], argv[3], NULL);
			_exit(!(fd >= 0 && write_all(fd, "canary", 6) && recv(fd, b, 6, MSG_WAITALL) == 6 &&
				memcmp(b, "canary", 6) == 0));
		}
		waitpid(pid, &status, 0);
		good += status == 0 && now() - t0 < 5000;
	}
	printf("%d\n", good);
	return 0;
}

static void serve_one(int fd, int role)
{
	char hex[65], line[128], text[128];
	unsigned long long n, seed;
	uint64_t got;
	size_t k = 0;
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (role == 0) {
		read_stream(fd, &got, hex);
		snprintf(text, sizeof(text), "%s %llu\n", hex, (unsigned long long)got);
		write_all(fd, text, strlen(text));
	} else if (role == 1) {
		while (k + 1 < sizeof(line) && read(fd, line + k, 1) == 1 && line[k] != '\n')
			k++;
		line[k] = 0;
		if (sscanf(line, "%llu %llu", &n, &seed) == 2)
			send_stream(fd, n, seed, hex);
		(void)!read(fd, line, 1);
	} else {
		ssize_t r;

		while ((r = read(fd, text, sizeof(text))) > 0 && write_all(fd, text, (size_t)r))
			;
	}
	close(fd);
	_exit(0);
}

static int serve(char **argv)
{
	struct pollfd p[4] = {{.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}};

	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 4; i++) {
		struct sockaddr_in6 a = {.sin6_family = AF_INET6,
					 .sin6_port = htons((uint16_t)(atoi(argv[2]) + i))};
		int one = 1;

		p[i] = (struct pollfd){.fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0),
				       .events = POLLIN};
		choose_congestion(p[i].fd);
		setsockopt(p[i].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(p[i].fd, (struct sockaddr *)&a, sizeof(a)) || listen(p[i].fd, 1000)) {
			perror("listen");
			return 1;
		}
	}
	for (;;) {
		poll(p, 4, -1);
		for (int i = 0; i < 4; i++) {
			int fd = p[i].revents ? accept(p[i].fd, NULL, NULL) : -1;

			if (fd < 0)
				continue;
			if (fork() == 0)
				serve_one(fd, i);
			close(fd);
		}
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	if (argc == 6 && strcmp(what, "sink") == 0)
		return transfer(argv, true);
	if (argc == 6 && strcmp(what, "source") == 0)
		return transfer(argv, false);
	if (argc == 9 && strcmp(what, "call") == 0)
		return call(argv);
	if (argc == 5 && strcmp(what, "echo") == 0)
		return echo(argv);
	if (argc >= 5 && strcmp(what, "hold") == 0)
		return hold(argc, argv);
	if (argc == 5 && strcmp(what, "connects") == 0)
		return connects(argv);
	if (argc == 3 && strcmp(what, "serve") == 0)
		return serve(argv);
	fprintf(stderr, "usage: see the head of tcppeer.c\n");
	return 2;
}
