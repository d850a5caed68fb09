/* SPDX-License-Identifier: BSD-3-Clause */
/* What libssl keeps of a peer's certificates while a session stays with it: the certificate with its key, and
 * the chain, several kilobytes a session. They were verified and are remembered (chains.h); libssl never
 * looks at them again. No call takes them out of a session, but reading a session's encoding into it replaces
 * what it holds: so it is written, the certificate is left out, and it is read back. */
#include <string.h>

#include "dataplane/tls/core.h"

enum { SEQUENCE = 0x30, PEER = 0xa3 };

/* length and content of a DER element at `at`; what follows it, NULL: none */
static uint8_t *element(uint8_t *at, const uint8_t *end, size_t *head, size_t *len)
{
	size_t n, bytes;

	if (end - at < 2)
		return NULL;
	n = at[1];
	*head = 2;
	if (n & 0x80) {
		bytes = n & 0x7f;
		if (bytes == 0 || bytes > 3 || end - at < 2 + (ptrdiff_t)bytes)
			return NULL;
		n = 0;
		for (size_t i = 0; i < bytes; i++)
			n = n << 8 | at[2 + i];
		*head += bytes;
	}
	if ((size_t)(end - at) - *head < n)
		return NULL;
	*len = n;
	return at + *head + n;
}

size_t tls_session_der_slim(uint8_t *der, size_t len)
{
	uint8_t *end = der + len, *at, *next;
	size_t head, n, rest;

	if (len == 0 || der[0] != SEQUENCE || element(der, end, &head, &n) != end)
		return 0;
	for (at = der + head; at < end; at = next) {
		size_t inner;

		next = element(at, end, &inner, &n);
		if (!next)
			return 0;
		if (at[0] != PEER)
			continue;
		memmove(at, next, (size_t)(end - next));
		end -= next - at;
		next = at;
	}
	/* a head for what is left, never longer than the one before */
	rest = (size_t)(end - der) - head;
	if (rest > 0xffff)
		return 0;
	n = rest > 0xff ? 4 : rest > 0x7f ? 3 : 2;
	memmove(der + n, der + head, rest);
	if (n > 2)
		der[1] = (uint8_t)(0x80 | (n - 2));
	if (n > 3)
		der[2] = (uint8_t)(rest >> 8);
	der[n - 1] = (uint8_t)rest;
	return n + rest;
}

void tls_session_slim(struct tls_core *core, SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	SSL_SESSION *session = SSL_get_session(ssl);
	uint8_t *der = core->scratch, *end = der;
	const uint8_t *from = der;
	OSSL_LIB_CTX *before;
	int len;

	if (!session || !SSL_get0_peer_certificate(ssl))
		return;
	before = tls_libssl_enter(core);
	len = i2d_SSL_SESSION(session, NULL);
	if (len > 0 && (size_t)len <= TLS_SCRATCH && i2d_SSL_SESSION(session, &end) == len) {
		size_t slim = tls_session_der_slim(der, (size_t)len);

		if (slim && d2i_SSL_SESSION(&session, &from, (long)slim)) {
			while (sk_X509_num(chain) > 0)
				X509_free(sk_X509_pop(chain));
		}
		tls_wipe(der, (size_t)len);
	}
	tls_libssl_leave(core, before);
}
