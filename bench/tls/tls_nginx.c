/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/tls/tls_nginx.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int put(const struct tls_nginx *n, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", n->dir, name);
	f = fopen(path, "w");
	if (!f)
		return -errno;
	fputs(text, f);
	return fclose(f) ? -errno : 0;
}

/* a port that is free now */
static unsigned short free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) || getsockname(fd, (struct sockaddr *)&a, &len))
		a.sin_port = 0;
	if (fd >= 0)
		close(fd);
	return ntohs(a.sin_port);
}

static int connected(const struct tls_nginx *n)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(n->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int tls_nginx_start(struct tls_nginx *n, const char *cert, const char *key, const char *ca)
{
	char text[1024], path[128];
	int err, fd;

	*n = (struct tls_nginx){.dir = "/tmp/bench-tls-nginx.XXXXXX"};
	if (access("/usr/sbin/nginx", X_OK))
		return -ENOENT;
	if (!mkdtemp(n->dir))
		return -errno;
	n->port = free_port();
	snprintf(
		text, sizeof(text),
		"daemon off; master_process off; pid %s/pid; error_log stderr crit;\n"
		"events { worker_connections 512; }\n"
		"http { access_log off; client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s;\n"
		"uwsgi_temp_path %s; scgi_temp_path %s;\n"
		"server { listen 127.0.0.1:%u ssl; ssl_protocols TLSv1.3; ssl_ecdh_curve X25519;\n"
		"ssl_certificate %s/cert; ssl_certificate_key %s/key;\n"
		"ssl_client_certificate %s/ca; ssl_verify_client on; return 204; } }\n",
		n->dir, n->dir, n->dir, n->dir, n->dir, n->dir, n->port, n->dir, n->dir, n->dir);
	err = put(n, "conf", text);
	if (!err)
		err = put(n, "cert", cert);
	if (!err)
		err = put(n, "key", key);
	if (!err)
		err = put(n, "ca", ca);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/conf", n->dir);
	n->pid = fork();
	if (n->pid == 0) {
		execl("/usr/sbin/nginx", "nginx", "-e", "stderr", "-c", path, (char *)NULL);
		_exit(127);
	}
	for (unsigned i = 0; n->pid > 0 && i < 200; i++) {
		fd = connected(n);
		if (fd >= 0) {
			close(fd);
			return 0;
		}
		usleep(20000);
	}
	tls_nginx_stop(n);
	return -ETIMEDOUT;
}

/* the scheduler's own account, in nanoseconds */
static double cpu_ns(const struct tls_nginx *n)
{
	char path[64];
	double ns = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", n->pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%lf", &ns) != 1)
		ns = -1;
	if (f)
		fclose(f);
	return ns;
}

static int shake(struct tls_nginx *n, SSL_CTX *client)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	char answer[1024];
	SSL *ssl = SSL_new(client);
	int fd = connected(n), good = 0;

	if (ssl && fd >= 0 && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1) {
		/* the answer says that the client's certificate was taken */
		good = SSL_write(ssl, request, sizeof(request) - 1) > 0 &&
		       SSL_read(ssl, answer, sizeof(answer)) > 12 && memcmp(answer + 9, "204", 3) == 0;
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	if (fd >= 0)
		close(fd);
	return good;
}

double tls_nginx_shake(struct tls_nginx *n, SSL_CTX *client, unsigned count)
{
	double before = cpu_ns(n), after;

	for (unsigned i = 0; i < count; i++) {
		if (!shake(n, client))
			return -1;
	}
	usleep(20000); /* it closes the last one */
	after = cpu_ns(n);
	return before < 0 || after < 0 ? -1 : after - before;
}

void tls_nginx_stop(struct tls_nginx *n)
{
	static const char *const names[] = {"conf", "cert", "key", "ca", "pid"};
	char path[128];

	if (n->pid > 0) {
		kill(n->pid, SIGTERM);
		waitpid(n->pid, NULL, 0);
	}
	n->pid = 0;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", n->dir, names[i]);
		unlink(path);
	}
	rmdir(n->dir);
}
