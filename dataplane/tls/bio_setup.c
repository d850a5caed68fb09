/* SPDX-License-Identifier: BSD-3-Clause */
/* The BIO under libssl. It reads no further than the record that was offered, so nothing ever waits inside of
 * libssl, and writes straight into the wire's buffers. */
#include <string.h>

#include "dataplane/tls/core.h"

static int bio_read(BIO *bio, char *to, size_t len, size_t *done)
{
	struct tls_session *s = BIO_get_data(bio);
	struct tls_core *core = BIO_get_app_data(bio);
	struct tls_handshake *h = tls_hs(core, s);
	uint32_t n = len < h->offer ? (uint32_t)len : h->offer;

	BIO_clear_retry_flags(bio);
	n = n ? core->wire->copy(core->wire_ctx, s->stream, 0, to, n) : 0;
	if (n == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	core->wire->consume(core->wire_ctx, s->stream, n);
	h->offer -= n;
	*done = n;
	return 1;
}

static int bio_write(BIO *bio, const char *from, size_t len, size_t *done)
{
	struct tls_session *s = BIO_get_data(bio);
	struct tls_core *core = BIO_get_app_data(bio);
	struct tls_handshake *h = tls_hs(core, s);
	struct tls_buffer b;
	size_t at = 0;

	BIO_clear_retry_flags(bio);
	while (at < len) {
		size_t n = len - at;

		if (core->wire->room(core->wire_ctx, s->stream) == 0) {
			if (at)
				break;
			BIO_set_retry_write(bio);
			return 0;
		}
		if (core->wire->alloc(core->wire_ctx, s->stream, &b)) {
			h->broken = true; /* no retry flag: libssl gives up */
			return 0;
		}
		if (n > b.room)
			n = b.room;
		memcpy(b.data, from + at, n);
		if (core->wire->send(core->wire_ctx, s->stream, &b, (uint32_t)n))
			return 0;
		at += n;
	}
	*done = at;
	return 1;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	return cmd == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO_METHOD *tls_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wire");

	if (m && BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) &&
	    BIO_meth_set_ctrl(m, bio_ctrl) && BIO_meth_set_create(m, bio_create))
		return m;
	BIO_meth_free(m);
	return NULL;
}
