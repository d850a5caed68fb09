/* SPDX-License-Identifier: BSD-3-Clause */
/* nginx on loopback, one process, TLS 1.3 with P-256 and client certificates, for a foreign client to shake
 * hands with: what the same handshake costs there. */
#ifndef BENCH_TLS_TLS_NGINX_H
#define BENCH_TLS_TLS_NGINX_H

#include <openssl/ssl.h>

struct tls_nginx {
	int pid;
	unsigned short port;
	char dir[64];
};

/* PEMs of the server's certificate and key and of the CA of clients; 0, or -errno (-ENOENT: not installed) */
int tls_nginx_start(struct tls_nginx *n, const char *cert, const char *key, const char *ca);
/* CPU nanoseconds that nginx spent on `count` mutual handshakes by `client`; <0: they failed */
double tls_nginx_shake(struct tls_nginx *n, SSL_CTX *client, unsigned count);
void tls_nginx_stop(struct tls_nginx *n);

#endif
