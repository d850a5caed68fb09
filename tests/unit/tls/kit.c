/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/tls/kit.h"

#include <stdio.h>
#include <time.h>

#include <openssl/pem.h>

/* ---- certificates ---- */

static char *bio_text(BIO *b)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);
	char *out = malloc((size_t)n + 1);

	memcpy(out, p, (size_t)n);
	out[n] = 0;
	BIO_free(b);
	return out;
}

static void extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

struct kit_cert kit_cert(const struct kit_cert *issuer, struct kit_ask a)
{
	static const unsigned rsa_bits[] = {[KIT_RSA] = 2048, [KIT_RSA4096] = 4096, [KIT_RSA1024] = 1024};
	static long serial = 100;
	struct kit_cert c = {.x = X509_new()};
	X509_NAME *name = X509_get_subject_name(c.x);
	X509 *by;
	BIO *b;

	if (a.same_key) {
		c.key = a.same_key->key;
		EVP_PKEY_up_ref(c.key);
	} else {
		c.key = a.key == KIT_EC ? EVP_EC_gen("P-256") : EVP_RSA_gen(rsa_bits[a.key]);
	}
	assert_non_null(c.key);
	if (!a.from_s && !a.to_s) {
		a.from_s = -86400;
		a.to_s = 10 * 86400;
	}
	X509_set_version(c.x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(c.x), a.from_s);
	X509_gmtime_adj(X509_getm_notAfter(c.x), a.to_s);
	X509_set_pubkey(c.x, c.key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)a.cn, -1, -1, 0);
	by = issuer ? issuer->x : c.x;
	X509_set_issuer_name(c.x, X509_get_subject_name(by));
	extension(c.x, by, NID_subject_key_identifier, "hash");
	extension(c.x, by, NID_basic_constraints, a.ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (a.ca)
		extension(c.x, by, NID_key_usage, "critical,keyCertSign,cRLSign");
	else if (a.ku)
		extension(c.x, by, NID_key_usage, a.ku);
	if (a.constraints)
		extension(c.x, by, NID_name_constraints, a.constraints);
	if (a.san)
		extension(c.x, by, NID_subject_alt_name, a.san);
	if (a.cdp)
		extension(c.x, by, NID_crl_distribution_points, a.cdp);
	if (a.eku)
		extension(c.x, by, NID_ext_key_usage, a.eku);
	assert_true(X509_sign(c.x, issuer ? issuer->key : c.key, a.no_md ? NULL : EVP_sha256()) > 0);
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(b, c.x);
	c.pem = bio_text(b);
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(b, c.key, NULL, NULL, 0, NULL, NULL);
	c.key_pem = bio_text(b);
	return c;
}

void kit_cert_free(struct kit_cert *c)
{
	X509_free(c->x);
	EVP_PKEY_free(c->key);
	free(c->pem);
	free(c->key_pem);
	*c = (struct kit_cert){0};
}

char *kit_crl(const struct kit_cert *ca, const struct kit_cert *revoked, int next_update_s)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();
	BIO *b = BIO_new(BIO_s_mem());

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x));
	X509_gmtime_adj(t, -2 * 86400);
	X509_CRL_set1_lastUpdate(crl, t);
	X509_gmtime_adj(t, next_update_s);
	X509_CRL_set1_nextUpdate(crl, t);
	if (revoked) {
		X509_REVOKED *r = X509_REVOKED_new();

		X509_gmtime_adj(t, -3600);
		X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked->x));
		X509_REVOKED_set_revocationDate(r, t);
		X509_CRL_add0_revoked(crl, r);
	}
	assert_true(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
	PEM_write_bio_X509_CRL(b, crl);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	return bio_text(b);
}

char *kit_join(const char *first, ...)
{
	char *out = strdup(first);
	const char *s;
	va_list args;

	va_start(args, first);
	while ((s = va_arg(args, const char *))) {
		size_t had = strlen(out), more = strlen(s);
		char *grown = realloc(out, had + more + 1);

		assert_non_null(grown);
		out = grown;
		memcpy(out + had, s, more + 1);
	}
	va_end(args);
	return out;
}

struct tls_blob kit_blob(const char *text)
{
	return (struct tls_blob){text, text ? strlen(text) : 0};
}

static void append(uint8_t **to, size_t *len, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	*to = realloc(*to, *len + n);
	memcpy(*to + *len, bytes, n);
	*len += n;
}

/* ---- the stream ---- */

static unsigned wire_peek(void *ctx, uint64_t stream, struct tls_view *v, unsigned max)
{
	struct kit_side *s = ctx;
	unsigned n = 0;

	for (unsigned i = s->seg_first; i < s->seg_end && n < max; i++)
		v[n++] = (struct tls_view){s->segs[i].data + s->segs[i].at, s->segs[i].len - s->segs[i].at};
	return n;
}

static uint32_t wire_readable(void *ctx, uint64_t stream)
{
	struct kit_side *s = ctx;
	uint32_t n = 0;

	for (unsigned i = s->seg_first; i < s->seg_end; i++)
		n += s->segs[i].len - s->segs[i].at;
	return n;
}

static uint32_t wire_copy(void *ctx, uint64_t stream, uint32_t offset, void *to, uint32_t len)
{
	struct kit_side *s = ctx;
	uint32_t done = 0;

	for (unsigned i = s->seg_first; i < s->seg_end && done < len; i++) {
		uint32_t have = s->segs[i].len - s->segs[i].at, n;

		if (offset >= have) {
			offset -= have;
			continue;
		}
		n = have - offset < len - done ? have - offset : len - done;
		memcpy((uint8_t *)to + done, s->segs[i].data + s->segs[i].at + offset, n);
		done += n;
		offset = 0;
	}
	return done;
}

static void wire_consume(void *ctx, uint64_t stream, uint32_t len)
{
	struct kit_side *s = ctx;

	while (len && s->seg_first < s->seg_end) {
		struct kit_seg *g = &s->segs[s->seg_first];
		uint32_t n = g->len - g->at < len ? g->len - g->at : len;

		g->at += n;
		len -= n;
		if (g->at == g->len) {
			free(g->data);
			s->seg_first++;
		}
	}
	if (s->seg_first == s->seg_end)
		s->seg_first = s->seg_end = 0;
	assert_int_equal(len, 0);
}

static uint32_t wire_room(void *ctx, uint64_t stream)
{
	const struct kit_side *s = ctx;

	return s->room == UINT32_MAX ? s->room : s->out_len >= s->room ? 0 : s->room - (uint32_t)s->out_len;
}

static int wire_alloc(void *ctx, uint64_t stream, struct tls_buffer *out)
{
	struct kit_side *s = ctx;

	if (s->no_buffers)
		return -105;
	out->handle = out->data = malloc(s->buffer);
	out->room = s->buffer;
	return 0;
}

static int wire_send(void *ctx, uint64_t stream, struct tls_buffer *b, uint32_t len)
{
	struct kit_side *s = ctx;
	bool can = !s->shut && !s->aborted && wire_room(ctx, stream) > 0;

	assert_true(len <= b->room);
	if (can) {
		if (s->out_len + len > s->out_cap) {
			s->out_cap = (s->out_len + len) * 2;
			s->out = realloc(s->out, s->out_cap);
		}
		memcpy(s->out + s->out_len, b->data, len);
		s->out_len += len;
	}
	free(b->handle);
	return can ? 0 : -11;
}

static void wire_discard(void *ctx, struct tls_buffer *b)
{
	free(b->handle);
}

static void wire_shutdown(void *ctx, uint64_t stream)
{
	((struct kit_side *)ctx)->shut = true;
}

static void wire_close(void *ctx, uint64_t stream)
{
	struct kit_side *s = ctx;

	s->shut = true;
	s->closed = true;
}

static void wire_abort(void *ctx, uint64_t stream)
{
	struct kit_side *s = ctx;

	s->aborted = s->closed = true;
}

static void wire_deadline(void *ctx, uint64_t stream, uint64_t at_ns)
{
	((struct kit_side *)ctx)->deadline = at_ns;
}

const struct tls_wire kit_wire = {
	.peek = wire_peek,
	.readable = wire_readable,
	.copy = wire_copy,
	.consume = wire_consume,
	.room = wire_room,
	.alloc = wire_alloc,
	.send = wire_send,
	.discard = wire_discard,
	.shutdown = wire_shutdown,
	.close = wire_close,
	.abort = wire_abort,
	.deadline = wire_deadline,
};

/* ---- the application ---- */

static void app_ready(void *user, uint64_t id)
{
	((struct kit_app *)user)->ready++;
}

static uint32_t app_data(void *user, uint64_t id, uint8_t *plain, uint32_t len)
{
	struct kit_app *a = user;
	uint32_t n = len < a->take ? len : a->take;

	append(&a->got, &a->got_len, plain, n);
	return n;
}

static void app_writable(void *user, uint64_t id)
{
	((struct kit_app *)user)->writable++;
}

static void app_eof(void *user, uint64_t id)
{
	((struct kit_app *)user)->eof++;
}

static void app_closed(void *user, uint64_t id, enum tls_end end)
{
	struct kit_app *a = user;

	a->closed++;
	a->end = end;
	/* who was told before is told the same */
	assert_true(!a->failed || a->failed_end == end);
	assert_true(tls_info_get(a->side->core, id, &a->last));
}

static void app_failed(void *user, uint64_t id, enum tls_end end)
{
	struct kit_app *a = user;

	assert_int_equal(a->failed, 0);
	assert_int_equal(a->closed, 0);
	assert_int_equal(a->ready, 0);
	a->failed++;
	a->failed_end = end;
	assert_true(tls_info_get(a->side->core, id, &a->last));
}

const struct tls_ops kit_ops = {.ready = app_ready,
				.data = app_data,
				.writable = app_writable,
				.eof = app_eof,
				.closed = app_closed,
				.failed = app_failed};

/* ---- our side ---- */

void kit_config(struct tls_core_config *c)
{
	tls_core_config_default(c);
	c->sessions = 64;
	c->peers = 64;
	c->client_sessions = 64;
	c->cached_keys = 16;
}

void kit_side_init(struct kit_side *s, const struct tls_core_config *config)
{
	struct tls_core_config small;

	memset(s, 0, sizeof(*s));
	kit_config(&small);
	assert_int_equal(tls_arena_init(&s->arena), 0);
	s->core = tls_core_create(config ? config : &small, &kit_wire, s, &s->arena, 4711);
	assert_non_null(s->core);
	s->wall_s = time(NULL);
	s->now_ns = 5000000000;
	s->app.take = UINT32_MAX;
	kit_side_reset(s);
	kit_clock(s, 0);
}

void kit_side_reset(struct kit_side *s)
{
	for (unsigned i = s->seg_first; i < s->seg_end; i++)
		free(s->segs[i].data);
	if (s->id && !s->closed_told) {
		s->closed_told = true;
		tls_stream_closed(s->core, s->id, TLS_END_reset);
	}
	free(s->app.got);
	free(s->out);
	s->seg_first = s->seg_end = 0;
	s->out = NULL;
	s->out_len = s->out_cap = 0;
	s->shut = s->closed = s->aborted = s->no_buffers = s->eof_told = s->closed_told = false;
	s->deadline = 0;
	s->buffer = 1500;
	s->room = UINT32_MAX;
	s->app = (struct kit_app){.take = s->app.take, .side = s};
	s->id = 0;
}

void kit_side_fini(struct kit_side *s)
{
	kit_side_reset(s);
	tls_core_destroy(s->core);
	tls_arena_use(NULL);
	tls_arena_fini(&s->arena);
}

void kit_world(struct kit_side *s, const struct tls_world_spec *spec)
{
	struct tls_world_spec with = *spec;
	struct tls_world *w;
	char why[256];

	with.wall_s = s->wall_s;
	w = tls_world_create(s->core, &with, why, sizeof(why));
	if (!w)
		fail_msg("%s", why);
	tls_core_world(s->core, w);
	while ((w = tls_core_retired(s->core)))
		tls_world_destroy(w);
}

void kit_clock(struct kit_side *s, uint64_t forward_ms)
{
	s->now_ns += forward_ms * 1000000;
	s->wall_s += (int64_t)(forward_ms / 1000);
	tls_core_clock(s->core, s->now_ns, s->wall_s);
	if (s->deadline && s->now_ns >= s->deadline) {
		s->deadline = 0;
		tls_stream_deadline(s->core, s->id);
	}
}

void kit_give(struct kit_side *s, const uint8_t *bytes, size_t len)
{
	size_t piece = s->seg_size ? s->seg_size : len;

	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		if (s->seg_end == sizeof(s->segs) / sizeof(s->segs[0])) {
			/* pieces do not fit any more: the rest in one */
			assert_true(s->seg_first > 0);
			memmove(s->segs, s->segs + s->seg_first,
				(s->seg_end - s->seg_first) * sizeof(s->segs[0]));
			s->seg_end -= s->seg_first;
			s->seg_first = 0;
		}
		s->segs[s->seg_end] = (struct kit_seg){malloc(n), (uint32_t)n, 0};
		memcpy(s->segs[s->seg_end++].data, bytes + at, n);
		tls_stream_readable(s->core, s->id);
		/* each piece may be a turn of its own */
		if (s->seg_size)
			tls_turn(s->core);
	}
}

void kit_accept(struct kit_side *s, unsigned profile)
{
	struct tls_server_params p = {.profile = profile, .remote = base_addr_v4("\xc6\x12\x01\x02")};

	assert_int_equal(tls_accept(s->core, 1, &p, &kit_ops, &s->app, &s->id), 0);
}

static bool side_ends(struct kit_side *s)
{
	if (!s->closed || s->closed_told)
		return false;
	s->closed_told = true;
	tls_stream_closed(s->core, s->id, s->aborted ? TLS_END_reset : TLS_END_closed);
	return true;
}

static bool side_turn(struct kit_side *s)
{
	bool busy = false;

	kit_clock(s, 0);
	while (tls_turn(s->core))
		busy = true;
	return busy;
}

static void side_eof(struct kit_side *s)
{
	if (s->eof_told || s->closed_told)
		return;
	s->eof_told = true;
	tls_stream_eof(s->core, s->id);
	tls_turn(s->core);
}

/* ---- the foreign side ---- */

void kit_foreign_free(struct kit_foreign *f)
{
	f->free(f);
	SSL_SESSION_free(f->session);
	free(f->in);
	free(f->out);
	free(f->got);
	memset(f, 0, sizeof(*f));
}

void kit_pump(struct kit_side *s, struct kit_foreign *f)
{
	for (unsigned idle = 0, rounds = 0; idle < 2; rounds++) {
		bool moved = side_turn(s);

		assert_true(rounds < 100000);
		if (s->out_len) {
			append(&f->in, &f->in_len, s->out, s->out_len);
			s->out_len = 0;
			moved = true;
			if (!s->closed_told)
				tls_stream_writable(s->core, s->id);
		}
		f->step(f);
		if (f->out_len) {
			uint8_t *out = f->out;
			size_t n = f->out_len;

			f->out = NULL;
			f->out_len = 0;
			if (!s->closed_told)
				kit_give(s, out, n);
			free(out);
			moved = true;
		}
		if (s->shut && f->in_at == f->in_len && s->out_len == 0 && !moved)
			side_eof(s);
		if (side_ends(s))
			moved = true;
		idle = moved ? 0 : idle + 1;
	}
}

void kit_pump_pair(struct kit_side *a, struct kit_side *b)
{
	struct kit_side *side[2] = {a, b};

	for (unsigned idle = 0; idle < 2; idle++) {
		for (unsigned i = 0; i < 2; i++) {
			struct kit_side *from = side[i], *to = side[!i];
			uint8_t *out;
			size_t n;

			if (side_turn(from))
				idle = 0;
			if (from->out_len) {
				out = from->out;
				n = from->out_len;
				from->out = NULL;
				from->out_len = from->out_cap = 0;
				tls_core_clock(to->core, to->now_ns, to->wall_s);
				if (!to->closed_told)
					kit_give(to, out, n);
				free(out);
				idle = 0;
			}
			if (from->shut && !from->out_len && !to->eof_told && !to->closed_told) {
				side_eof(to);
				idle = 0;
			}
			if (side_ends(from))
				idle = 0;
		}
	}
}
