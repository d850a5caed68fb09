/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_edit.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "dataplane/base/address_text.h"
#include "dataplane/sip/sip_lex.h"

void sip_edit_init(struct sip_edit *e, const struct sip_msg *m, char *scratch, uint32_t size)
{
	e->m = m;
	e->scratch = scratch;
	e->size = size;
	e->used = e->n = 0;
}

/* makes room for one operation at index i */
static int open_slot(struct sip_edit *e, uint32_t i)
{
	if (e->n == SIP_EDITS_MAX)
		return -ENOSPC;
	memmove(&e->op[i + 1], &e->op[i], (e->n - i) * sizeof(e->op[0]));
	e->n++;
	return 0;
}

/* Operations are sorted by `at`, and no two removals overlap or touch an insert's inside: at one offset come
 * the inserts first, then at most one removal. */
static int insert(struct sip_edit *e, uint32_t at, const char *text, uint32_t len, const char *tail)
{
	uint32_t tail_len = (uint32_t)strlen(tail), i;
	int r;

	if (at > e->m->len)
		return -EINVAL;
	for (i = e->n; i > 0; i--) {
		const struct sip_edit_op *o = &e->op[i - 1];

		if (o->at < at || (o->at == at && o->remove == 0)) {
			if (o->at + o->remove > at)
				return -EINVAL;
			break;
		}
	}
	if (len > e->size - e->used || tail_len > e->size - e->used - len)
		return -ENOSPC;
	r = open_slot(e, i);
	if (r < 0)
		return r;
	memcpy(e->scratch + e->used, text, len);
	memcpy(e->scratch + e->used + len, tail, tail_len);
	e->op[i] = (struct sip_edit_op){at, 0, e->used, len + tail_len};
	e->used += len + tail_len;
	return 0;
}

int sip_edit_insert(struct sip_edit *e, uint32_t at, const char *text, uint32_t len)
{
	return insert(e, at, text, len, "");
}

int sip_edit_remove(struct sip_edit *e, uint32_t at, uint32_t len)
{
	uint32_t end = at + len, i = 0, k;

	if (end < at || end > e->m->len)
		return -EINVAL;
	/* what lies before, inserts at this very place included */
	while (i < e->n && (e->op[i].at < at || (e->op[i].at == at && e->op[i].remove == 0))) {
		const struct sip_edit_op *o = &e->op[i++];

		if (o->at + o->remove > at) {
			if (o->at + o->remove >= end)
				return 0;
			at = o->at + o->remove;
		}
	}
	/* removals that lie inside are swallowed; an insert inside would lose its place */
	for (k = i; k < e->n && e->op[k].at < end; k++) {
		if (e->op[k].len)
			return -EINVAL;
		if (e->op[k].at + e->op[k].remove > end)
			end = e->op[k].at + e->op[k].remove;
	}
	if (at == end)
		return 0;
	if (k > i) {
		e->op[i] = (struct sip_edit_op){at, end - at, 0, 0};
		memmove(&e->op[i + 1], &e->op[k], (e->n - k) * sizeof(e->op[0]));
		e->n -= k - i - 1;
		return 0;
	}
	if (open_slot(e, i) < 0)
		return -ENOSPC;
	e->op[i] = (struct sip_edit_op){at, end - at, 0, 0};
	return 0;
}

/* remove and insert in its place */
static int sip_edit_replace(struct sip_edit *e, struct sip_view v, const char *text, uint32_t len)
{
	int r = sip_edit_insert(e, v.off, text, len);

	return r < 0 ? r : sip_edit_remove(e, v.off, v.len);
}

static int insert_line(struct sip_edit *e, uint32_t at, const char *line, uint32_t len)
{
	return insert(e, at, line, len, "\r\n");
}

/* offset behind the start line */
static uint32_t headers_start(const struct sip_msg *m)
{
	return m->n_headers ? m->header[0].line : m->head_len - 2;
}

int sip_edit_push(struct sip_edit *e, enum sip_header_id id, const char *line, uint32_t len)
{
	const struct sip_msg *m = e->m;
	const struct sip_header *h = sip_msg_first(m, id);
	uint32_t at = headers_start(m);

	if (h)
		return insert_line(e, h->line, line, len);
	if (id != SIP_HDR_VIA)
		for (h = sip_msg_first(m, SIP_HDR_VIA); h; h = sip_msg_next(m, h))
			at = h->end;
	return insert_line(e, at, line, len);
}

int sip_edit_append(struct sip_edit *e, const char *line, uint32_t len)
{
	return insert_line(e, e->m->head_len - 2, line, len);
}

int sip_edit_remove_id(struct sip_edit *e, enum sip_header_id id)
{
	int n = 0;

	for (const struct sip_header *h = sip_msg_first(e->m, id); h; h = sip_msg_next(e->m, h), n++) {
		int r = sip_edit_remove(e, h->line, h->end - h->line);

		if (r < 0)
			return r;
	}
	return n;
}

int sip_edit_remove_name(struct sip_edit *e, const char *name)
{
	const size_t len = strlen(name);
	enum sip_header_id id = sip_header_lookup(name, len);
	int n = 0;

	if (id != SIP_HDR_OTHER)
		return sip_edit_remove_id(e, id);
	for (const struct sip_header *h = sip_msg_first(e->m, SIP_HDR_OTHER); h; h = sip_msg_next(e->m, h)) {
		int r;

		if (h->name_len != len || strncasecmp((const char *)e->m->buf + h->line, name, len) != 0)
			continue;
		r = sip_edit_remove(e, h->line, h->end - h->line);
		if (r < 0)
			return r;
		n++;
	}
	return n;
}

/* next value of a list of Vias or of addresses: its first byte and field */
static int list_next(const struct sip_msg *m, enum sip_header_id id, struct sip_iter *it, uint32_t *off)
{
	struct sip_nameaddr na;
	struct sip_via via;
	int r;

	if (id == SIP_HDR_VIA) {
		r = sip_via_next(m, it, &via);
		*off = via.all.off;
	} else {
		r = sip_nameaddr_next(m, id, it, &na);
		*off = na.all.off;
	}
	return r;
}

int sip_edit_pop(struct sip_edit *e, enum sip_header_id id, unsigned n)
{
	const struct sip_msg *m = e->m;
	struct sip_iter it = sip_iter_start(m, id);
	uint32_t first = 0, off = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct sip_header *h = it.header ? &m->header[it.header - 1] : NULL;
		bool at_start = it.pos == 0;
		int r = list_next(m, id, &it, &off);

		if (r <= 0)
			return r < 0 ? -EBADMSG : -ENOENT;
		if (at_start)
			first = off;
		if (it.pos == 0) {
			/* the last one of its field: with those before it the whole field goes */
			r = sip_edit_remove(e, h->line, h->end - h->line);
		} else if (i + 1 == n) {
			/* the values that stay begin where the next one does */
			r = sip_edit_remove(e, first, it.pos - first);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int sip_edit_set_value(struct sip_edit *e, enum sip_header_id id, const char *text, uint32_t len)
{
	const struct sip_header *h = sip_msg_first(e->m, id);

	return h ? sip_edit_replace(e, sip_view_of(h->value, h->value_end), text, len) : -ENOENT;
}

int sip_edit_max_forwards(struct sip_edit *e, unsigned value)
{
	char text[14 + BASE_DECIMAL_MAX] = "Max-Forwards: ";
	uint32_t n = 14 + base_decimal_put(text + 14, value);

	if (sip_msg_first(e->m, SIP_HDR_MAX_FORWARDS))
		return sip_edit_set_value(e, SIP_HDR_MAX_FORWARDS, text + 14, n - 14);
	return sip_edit_push(e, SIP_HDR_MAX_FORWARDS, text, n);
}

int sip_edit_via_received(struct sip_edit *e, const struct sip_via *via, const char *address, unsigned rport)
{
	uint32_t end = sip_view_end(via->all), at;
	struct sip_view value;
	static const char name[] = ";received=";
	char text[96];
	size_t n;
	int r;

	if (rport && (via->flags & SIP_VIA_RPORT)) {
		/* "rport" alone: the value goes right behind the name; a value of the sender's own must not
		 * send the answer to where it likes */
		at = sip_via_rport(e->m, via, &value);
		if (at == 0)
			return -EBADMSG;
		text[0] = '=';
		n = 1 + base_decimal_put(text + 1, rport);
		r = value.len ? sip_edit_replace(e, value, text + 1, (uint32_t)n - 1)
			      : sip_edit_insert(e, at, text, (uint32_t)n);
		if (r < 0)
			return r;
	}
	/* what a peer wrote there itself must not stand */
	if (via->flags & SIP_VIA_RECEIVED)
		return sip_edit_replace(e, via->received, address, (uint32_t)strlen(address));
	n = strlen(address);
	if (n > sizeof(text) - (sizeof(name) - 1))
		return -EINVAL;
	memcpy(text, name, sizeof(name) - 1);
	memcpy(text + sizeof(name) - 1, address, n);
	return sip_edit_insert(e, end, text, (uint32_t)(sizeof(name) - 1 + n));
}

int sip_edit_uri(struct sip_edit *e, const char *text, uint32_t len)
{
	return e->m->response ? -EINVAL : sip_edit_replace(e, e->m->uri, text, len);
}

static int add(struct iovec *iov, int n, int max, const void *p, size_t len)
{
	if (n < 0 || len == 0)
		return n;
	if (n == max)
		return -ENOSPC;
	/* iovec has no const; nothing writes through it */
	iov[n] = (struct iovec){(void *)(uintptr_t)p, len};
	return n + 1;
}

int sip_edit_emit(const struct sip_edit *e, struct iovec *iov, int max)
{
	uint32_t pos = 0;
	int n = 0;

	for (uint32_t i = 0; i < e->n; i++) {
		const struct sip_edit_op *o = &e->op[i];

		n = add(iov, n, max, e->m->buf + pos, o->at - pos);
		n = add(iov, n, max, e->scratch + o->text, o->len);
		pos = o->at + o->remove;
	}
	return add(iov, n, max, e->m->buf + pos, e->m->len - pos);
}

uint32_t sip_edit_length(const struct sip_edit *e)
{
	uint32_t n = e->m->len;

	for (uint32_t i = 0; i < e->n; i++)
		n += e->op[i].len - e->op[i].remove;
	return n;
}
