/* SPDX-License-Identifier: BSD-3-Clause */
/* GnuTLS on the other end: no line of libssl in it. */
#include <errno.h>
#include <stdio.h>

#include <gnutls/gnutls.h>

#include "tests/unit/tls/kit.h"

struct impl {
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
};

static ssize_t push(gnutls_transport_ptr_t p, const void *data, size_t len)
{
	struct kit_foreign *f = p;

	f->out = realloc(f->out, f->out_len + len);
	memcpy(f->out + f->out_len, data, len);
	f->out_len += len;
	return (ssize_t)len;
}

static ssize_t pull(gnutls_transport_ptr_t p, void *data, size_t len)
{
	struct kit_foreign *f = p;
	struct impl *i = f->impl;
	size_t n = f->in_len - f->in_at;

	if (n == 0) {
		gnutls_transport_set_errno(i->session, EAGAIN);
		return -1;
	}
	n = n < len ? n : len;
	memcpy(data, f->in + f->in_at, n);
	f->in_at += n;
	return (ssize_t)n;
}

static int pull_timeout(gnutls_transport_ptr_t p, unsigned ms)
{
	struct kit_foreign *f = p;

	return f->in_len > f->in_at;
}

static void foreign_step(struct kit_foreign *f)
{
	struct impl *i = f->impl;
	char buf[16384];
	ssize_t n;

	if (!f->done && !f->error) {
		int r = gnutls_handshake(i->session);

		if (r == 0)
			f->done = true;
		else if (gnutls_error_is_fatal(r))
			f->error = r;
		if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
			f->alert_in = (int)gnutls_alert_get(i->session);
	}
	while (f->done && !f->error && !f->eof) {
		n = gnutls_record_recv(i->session, buf, sizeof(buf));
		if (n == 0) {
			f->eof = true;
		} else if (n > 0) {
			f->got = realloc(f->got, f->got_len + (size_t)n);
			memcpy(f->got + f->got_len, buf, (size_t)n);
			f->got_len += (size_t)n;
			continue;
		} else if (gnutls_error_is_fatal((int)n)) {
			f->error = (int)n;
			if (n == GNUTLS_E_FATAL_ALERT_RECEIVED)
				f->alert_in = (int)gnutls_alert_get(i->session);
		}
		break;
	}
}

static void foreign_send(struct kit_foreign *f, const void *data, size_t len)
{
	struct impl *i = f->impl;

	for (size_t at = 0; at < len;) {
		ssize_t n = gnutls_record_send(i->session, (const char *)data + at, len - at);

		assert_true(n > 0);
		at += (size_t)n;
	}
}

static void foreign_bye(struct kit_foreign *f)
{
	gnutls_bye(((struct impl *)f->impl)->session, GNUTLS_SHUT_WR);
}

static void foreign_update(struct kit_foreign *f, bool request)
{
	assert_int_equal(
		gnutls_session_key_update(((struct impl *)f->impl)->session, request ? GNUTLS_KU_PEER : 0),
		0);
}

static void foreign_free(struct kit_foreign *f)
{
	struct impl *i = f->impl;

	gnutls_deinit(i->session);
	gnutls_certificate_free_credentials(i->credentials);
	free(i);
}

static gnutls_datum_t datum(char *text)
{
	return (gnutls_datum_t){(unsigned char *)text, (unsigned)strlen(text)};
}

void kit_gnutls(struct kit_foreign *f, const struct kit_foreign_ask *ask)
{
	struct impl *i = calloc(1, sizeof(*i));
	const char *priority = ask->suites;

	memset(f, 0, sizeof(*f));
	f->server = ask->server;
	f->alert_in = -1;
	f->impl = i;
	f->step = foreign_step;
	f->send = foreign_send;
	f->bye = foreign_bye;
	f->update = foreign_update;
	f->free = foreign_free;
	if (!priority)
		priority = ask->version == 0x0303   ? "NORMAL:-VERS-ALL:+VERS-TLS1.2"
			   : ask->version == 0x0304 ? "NORMAL:-VERS-ALL:+VERS-TLS1.3"
						    : "NORMAL";
	gnutls_certificate_allocate_credentials(&i->credentials);
	if (ask->cert) {
		char *chain = kit_join(ask->cert->pem, ask->chain ? ask->chain : "", (char *)NULL);
		gnutls_datum_t c = datum(chain), k = datum(ask->cert->key_pem);

		assert_int_equal(
			gnutls_certificate_set_x509_key_mem(i->credentials, &c, &k, GNUTLS_X509_FMT_PEM), 0);
		free(chain);
	}
	if (ask->trust) {
		gnutls_datum_t t = {(unsigned char *)(uintptr_t)ask->trust, (unsigned)strlen(ask->trust)};

		assert_true(gnutls_certificate_set_x509_trust_mem(i->credentials, &t, GNUTLS_X509_FMT_PEM) >
			    0);
	}
	assert_int_equal(gnutls_init(&i->session, (ask->server ? GNUTLS_SERVER : GNUTLS_CLIENT) |
							  GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL),
			 0);
	assert_int_equal(gnutls_priority_set_direct(i->session, priority, NULL), 0);
	gnutls_credentials_set(i->session, GNUTLS_CRD_CERTIFICATE, i->credentials);
	if (ask->server)
		gnutls_certificate_server_set_request(i->session, GNUTLS_CERT_REQUIRE);
	if (ask->trust)
		gnutls_session_set_verify_cert(i->session, NULL, 0);
	if (ask->sni)
		gnutls_server_name_set(i->session, GNUTLS_NAME_DNS, ask->sni, strlen(ask->sni));
	gnutls_transport_set_ptr(i->session, f);
	gnutls_transport_set_push_function(i->session, push);
	gnutls_transport_set_pull_function(i->session, pull);
	gnutls_transport_set_pull_timeout_function(i->session, pull_timeout);
	gnutls_handshake_set_timeout(i->session, 0);
}
