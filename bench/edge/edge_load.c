/* SPDX-License-Identifier: BSD-3-Clause */
/* edge_load NS-PARTNER NS-INSIDE CERTS PARTNERS: partners and pool on the kernel's sockets and OpenSSL, in
 * two network namespaces, around whatever listens at 198.18.1.2:5061: our box, or its peer. Nothing of our
 * TCP or TLS is in it. Serves a line "message N", "call N" or "answer N" of standard input with "ok N": so
 * many exchanges, all answered. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "bench/edge/edge_script.h"

enum { WINDOW = 64, CONNECTS = 32, EVENTS = 64, PATIENCE_S = 20 };

struct conn {
	int fd;
	bool partner, up;
	SSL *ssl;
	struct script_partner script;
	struct script_stream in;
};

static struct {
	int epoll, listener;
	SSL_CTX *pool;
	struct conn *partners;
	unsigned n, next, up;
	uint64_t begun, done, pooled;
	const char *dir;
} l;

static void die(const char *what, const char *which)
{
	fprintf(stderr, "edge_load: %s %s (%llu of %llu exchanges done)\n", what, which,
		(unsigned long long)l.done, (unsigned long long)l.begun);
	ERR_print_errors_fp(stderr);
	exit(2);
}

static void enter(const char *ns)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("cannot enter", ns);
	close(fd);
}

static SSL_CTX *context(bool server, const char *name)
{
	SSL_CTX *c = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	char ca[320], pem[320], key[320];

	snprintf(ca, sizeof(ca), "%s/ca.pem", l.dir);
	snprintf(pem, sizeof(pem), "%s/%s.pem", l.dir, name);
	snprintf(key, sizeof(key), "%s/%s.key", l.dir, name);
	if (!c || SSL_CTX_load_verify_locations(c, ca, NULL) != 1 ||
	    SSL_CTX_use_certificate_chain_file(c, pem) != 1 ||
	    SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1)
		die("cannot use the certificate of", name);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(c, (const unsigned char *)"bench", 5);
	return c;
}

static void watch(struct conn *c)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) || epoll_ctl(l.epoll, EPOLL_CTL_ADD, c->fd, &e))
		die("cannot watch", "a connection");
}

static void emit(void *ctx, const char *bytes, size_t len)
{
	struct conn *c = ctx;

	if (SSL_write(c->ssl, bytes, (int)len) != (int)len)
		die("cannot write to", c->partner ? "the box as a partner" : "the box as the pool");
}

static void end(struct conn *c)
{
	if (c->partner)
		die("the box closed", "a partner's connection");
	epoll_ctl(l.epoll, EPOLL_CTL_DEL, c->fd, NULL);
	SSL_free(c->ssl);
	close(c->fd);
	free(c);
}

static void readable(struct conn *c)
{
	char bytes[16384];
	const char *why = "";
	int n;

	ERR_clear_error();
	if (!c->up) {
		n = SSL_do_handshake(c->ssl);
		if (n != 1) {
			n = SSL_get_error(c->ssl, n);
			if (n != SSL_ERROR_WANT_READ && n != SSL_ERROR_WANT_WRITE)
				end(c);
			return;
		}
		c->up = true;
		l.up += c->partner;
	}
	while ((n = SSL_read(c->ssl, bytes, sizeof(bytes))) > 0) {
		int verdict = c->partner
				      ? script_partner_take(&c->script, bytes, (size_t)n, emit, c, &why)
				      : script_pool_take(&c->in, bytes, (size_t)n, emit, c, &l.pooled, &why);

		if (verdict < 0) {
			fprintf(stderr, "%.*s\n", n < 400 ? n : 400, bytes);
			die("wrong:", why);
		}
		l.done += verdict > 0;
	}
	n = SSL_get_error(c->ssl, n);
	if (n != SSL_ERROR_WANT_READ && n != SSL_ERROR_WANT_WRITE)
		end(c);
}

static void turn(int wait_ms)
{
	struct epoll_event e[EVENTS];
	int n = epoll_wait(l.epoll, e, EVENTS, wait_ms);

	for (int i = 0; i < n; i++) {
		struct conn *c = e[i].data.ptr;

		if (c) {
			readable(c);
			continue;
		}
		c = calloc(1, sizeof(*c));
		if (!c)
			die("no", "memory");
		c->fd = accept(l.listener, NULL, NULL);
		c->ssl = SSL_new(l.pool);
		if (c->fd < 0 || !c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
			die("cannot accept", "a connection");
		SSL_set_accept_state(c->ssl);
		watch(c);
	}
}

static struct sockaddr_in at(const char *ip, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &a.sin_addr);
	return a;
}

static void listen_pool(void)
{
	struct sockaddr_in a = at("198.18.2.10", 5061);
	struct epoll_event e = {.events = EPOLLIN};
	int one = 1;

	l.pool = context(true, "pool");
	l.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(l.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l.listener, (struct sockaddr *)&a, sizeof(a)) || listen(l.listener, 64) ||
	    epoll_ctl(l.epoll, EPOLL_CTL_ADD, l.listener, &e))
		die("cannot listen", "as the pool");
}

static void connect_one(struct conn *c, unsigned i)
{
	struct sockaddr_in a = at("198.18.1.2", 5061);
	char name[16];
	SSL_CTX *ctx;

	snprintf(name, sizeof(name), "%u", i);
	ctx = context(false, name);
	c->partner = true;
	script_partner_init(&c->script, i);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	c->ssl = SSL_new(ctx);
	if (connect(c->fd, (struct sockaddr *)&a, sizeof(a)) || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    SSL_set_tlsext_host_name(c->ssl, "sip.contoso.test") != 1)
		die("cannot connect as partner", name);
	SSL_CTX_free(ctx);
	SSL_set_connect_state(c->ssl);
	watch(c);
	readable(c);
}

static void run(enum script_kind kind, unsigned n)
{
	uint64_t done = l.done, pooled = l.pooled;
	time_t until = time(NULL) + PATIENCE_S;

	for (unsigned k = 0; k < n; k += WINDOW) {
		for (unsigned i = k; i < k + WINDOW && i < n; i++) {
			struct conn *c = &l.partners[l.next];

			l.next = (l.next + 1) % l.n;
			l.begun++;
			script_partner_begin(&c->script, kind, emit, c);
		}
		while (l.done < l.begun) {
			turn(100);
			if (time(NULL) > until)
				die("exchanges", "do not end");
		}
	}
	if (l.done - done != n || l.pooled - pooled != (uint64_t)script_infos[kind].pooled * n)
		die("requests were", "lost or doubled");
	printf("ok %u\n", n);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct pollfd in[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
	char line[128], word[16];
	unsigned n;

	if (argc != 5)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdin, NULL, _IONBF, 0);
	l.dir = argv[3];
	l.n = (unsigned)atoi(argv[4]);
	l.partners = calloc(l.n, sizeof(*l.partners));
	l.epoll = in[1].fd = epoll_create1(EPOLL_CLOEXEC);
	enter(argv[2]);
	listen_pool();
	enter(argv[1]);
	for (unsigned i = 0; i < l.n; i++) {
		time_t until = time(NULL) + PATIENCE_S;

		connect_one(&l.partners[i], i);
		while (l.up + CONNECTS <= i + 1 || (i + 1 == l.n && l.up < l.n)) {
			turn(100);
			if (time(NULL) > until)
				die("partners do not", "come up");
		}
	}
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		poll(in, 2, -1);
		turn(0);
		if (!(in[0].revents & (POLLIN | POLLHUP)))
			continue;
		if (!fgets(line, sizeof(line), stdin))
			break;
		if (sscanf(line, "%15s %u", word, &n) != 2 || script_kind_of(word) == SCRIPT_KINDS)
			die("cannot read", "a line");
		run(script_kind_of(word), n);
	}
	return 0;
}
