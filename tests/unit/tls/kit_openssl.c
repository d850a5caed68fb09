/* SPDX-License-Identifier: BSD-3-Clause */
/* libssl on the other end, over memory BIOs. */
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "tests/unit/tls/kit.h"

static X509 *pem_x509(BIO *b)
{
	return PEM_read_bio_X509(b, NULL, NULL, NULL);
}

static int session_new(SSL *ssl, SSL_SESSION *session)
{
	struct kit_foreign *f = SSL_get_app_data(ssl);

	SSL_SESSION_free(f->session);
	f->session = session;
	return 1;
}

static void foreign_step(struct kit_foreign *f)
{
	BIO *in = SSL_get_rbio(f->ssl), *out = SSL_get_wbio(f->ssl);
	char buf[16384];
	int n;

	if (f->in_at < f->in_len) {
		BIO_write(in, f->in + f->in_at, (int)(f->in_len - f->in_at));
		f->in_at = f->in_len;
	}
	ERR_clear_error();
	if (!f->done && !f->error) {
		n = SSL_do_handshake(f->ssl);
		if (n == 1)
			f->done = true;
		else if (SSL_get_error(f->ssl, n) != SSL_ERROR_WANT_READ)
			f->error = ERR_GET_REASON(ERR_peek_error());
	}
	while (f->done && !f->error && !f->eof) {
		n = SSL_read(f->ssl, buf, sizeof(buf));
		if (n > 0) {
			f->got = realloc(f->got, f->got_len + (size_t)n);
			memcpy(f->got + f->got_len, buf, (size_t)n);
			f->got_len += (size_t)n;
			continue;
		}
		n = SSL_get_error(f->ssl, n);
		if (n == SSL_ERROR_ZERO_RETURN)
			f->eof = true;
		else if (n != SSL_ERROR_WANT_READ)
			f->error = ERR_GET_REASON(ERR_peek_error());
		break;
	}
	while ((n = BIO_read(out, buf, sizeof(buf))) > 0) {
		f->out = realloc(f->out, f->out_len + (size_t)n);
		memcpy(f->out + f->out_len, buf, (size_t)n);
		f->out_len += (size_t)n;
	}
}

static void foreign_send(struct kit_foreign *f, const void *data, size_t len)
{
	assert_int_equal(SSL_write(f->ssl, data, (int)len), (int)len);
}

static void foreign_bye(struct kit_foreign *f)
{
	SSL_shutdown(f->ssl);
}

static void foreign_update(struct kit_foreign *f, bool request)
{
	assert_int_equal(
		SSL_key_update(f->ssl, request ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED), 1);
	assert_int_equal(SSL_do_handshake(f->ssl), 1);
}

static void foreign_free(struct kit_foreign *f)
{
	SSL_set_shutdown(f->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(f->ssl);
	SSL_CTX_free(f->impl);
}

void kit_openssl(struct kit_foreign *f, const struct kit_foreign_ask *ask)
{
	SSL_CTX *ctx = SSL_CTX_new(ask->server ? TLS_server_method() : TLS_client_method());
	X509 *x;

	memset(f, 0, sizeof(*f));
	f->server = ask->server;
	f->alert_in = -1;
	f->impl = ctx;
	f->step = foreign_step;
	f->send = foreign_send;
	f->bye = foreign_bye;
	f->update = foreign_update;
	f->free = foreign_free;
	if (ask->version) {
		SSL_CTX_set_min_proto_version(ctx, ask->version);
		SSL_CTX_set_max_proto_version(ctx, ask->version);
	}
	if (ask->suites)
		assert_int_equal(ask->version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(ctx, ask->suites)
								: SSL_CTX_set_cipher_list(ctx, ask->suites),
				 1);
	if (ask->cert) {
		/* whoever shows a weak key does not mind */
		if (EVP_PKEY_get_security_bits(ask->cert->key) < 112)
			SSL_CTX_set_security_level(ctx, 0);
		assert_int_equal(SSL_CTX_use_certificate(ctx, ask->cert->x), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(ctx, ask->cert->key), 1);
	}
	if (ask->chain) {
		BIO *b = BIO_new_mem_buf(ask->chain, -1);

		while ((x = pem_x509(b)))
			SSL_CTX_add_extra_chain_cert(ctx, x);
		BIO_free(b);
	}
	if (ask->trust) {
		BIO *b = BIO_new_mem_buf(ask->trust, -1);

		while ((x = pem_x509(b))) {
			X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x);
			X509_free(x);
		}
		BIO_free(b);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	if (ask->max_fragment)
		SSL_CTX_set_tlsext_max_fragment_length(ctx, ask->max_fragment);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"kit", 3);
	if (ask->server && ask->tickets >= 0)
		SSL_CTX_set_num_tickets(ctx, (size_t)ask->tickets);
	if (!ask->server) {
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
		SSL_CTX_sess_set_new_cb(ctx, session_new);
	}
	f->ssl = SSL_new(ctx);
	SSL_set_app_data(f->ssl, f);
	SSL_set_bio(f->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (ask->sni)
		SSL_set_tlsext_host_name(f->ssl, ask->sni);
	if (ask->resume)
		SSL_set_session(f->ssl, ask->resume);
	if (ask->server)
		SSL_set_accept_state(f->ssl);
	else
		SSL_set_connect_state(f->ssl);
}
