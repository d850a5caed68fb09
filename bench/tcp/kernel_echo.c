/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/tcp/kernel_echo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct kernel_echo {
	pthread_t thread;
	clockid_t clock;
	int listener, epoll;
	int client[KERNEL_ECHO_CONNECTIONS];
};

static void *serve(void *arg)
{
	struct kernel_echo *k = arg;
	struct epoll_event e[64];
	char buf[4096];
	int one = 1;

	for (;;) {
		int n = epoll_wait(k->epoll, e, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = e[i].data.fd;
			ssize_t got;

			if (fd == k->listener) {
				struct epoll_event add = {.events = EPOLLIN};

				add.data.fd = accept(fd, NULL, NULL);
				if (add.data.fd < 0)
					return NULL; /* shut down */
				setsockopt(add.data.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
				epoll_ctl(k->epoll, EPOLL_CTL_ADD, add.data.fd, &add);
				continue;
			}
			got = read(fd, buf, sizeof(buf));
			if (got <= 0)
				close(fd);
			else if (write(fd, buf, (size_t)got) != got)
				close(fd);
		}
	}
}

struct kernel_echo *kernel_echo_start(void)
{
	struct kernel_echo *k = calloc(1, sizeof(*k));
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	struct epoll_event e = {.events = EPOLLIN};
	int one = 1;

	if (!k)
		return NULL;
	k->listener = socket(AF_INET, SOCK_STREAM, 0);
	k->epoll = epoll_create1(0);
	e.data.fd = k->listener;
	if (bind(k->listener, (struct sockaddr *)&a, sizeof(a)) || listen(k->listener, 100) ||
	    getsockname(k->listener, (struct sockaddr *)&a, &len) ||
	    epoll_ctl(k->epoll, EPOLL_CTL_ADD, k->listener, &e) ||
	    pthread_create(&k->thread, NULL, serve, k) || pthread_getcpuclockid(k->thread, &k->clock))
		return NULL;
	for (unsigned i = 0; i < KERNEL_ECHO_CONNECTIONS; i++) {
		k->client[i] = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(k->client[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (connect(k->client[i], (struct sockaddr *)&a, len))
			return NULL;
	}
	return k;
}

static double cpu_ns(const struct kernel_echo *k)
{
	struct timespec t;

	clock_gettime(k->clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double kernel_echo_run(struct kernel_echo *k, unsigned rounds)
{
	char out[KERNEL_ECHO_BYTES], in[KERNEL_ECHO_BYTES];
	double begin = cpu_ns(k);

	for (unsigned r = 0; r < rounds; r++) {
		memset(out, (int)('A' + r % 26), sizeof(out));
		for (unsigned i = 0; i < KERNEL_ECHO_CONNECTIONS; i++)
			if (write(k->client[i], out, sizeof(out)) != (ssize_t)sizeof(out))
				return -1;
		for (unsigned i = 0; i < KERNEL_ECHO_CONNECTIONS; i++)
			if (recv(k->client[i], in, sizeof(in), MSG_WAITALL) != (ssize_t)sizeof(in) ||
			    memcmp(in, out, sizeof(in)))
				return -1;
	}
	return (cpu_ns(k) - begin) / rounds / KERNEL_ECHO_CONNECTIONS;
}

void kernel_echo_stop(struct kernel_echo *k)
{
	for (unsigned i = 0; i < KERNEL_ECHO_CONNECTIONS; i++)
		close(k->client[i]);
	shutdown(k->listener, SHUT_RDWR);
	pthread_join(k->thread, NULL);
	close(k->listener);
	close(k->epoll);
	free(k);
}
