/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/route_rest.h"

#include <errno.h>
#include <string.h>

#include "dataplane/proxy/route_entry.h"

/* no entry's MAC begins so: an entry is longer */
static const char label[] = "rest";

enum { USER_MAX = 1024, HEAD_ADDRESS = 2 };

static void add_lower(struct sipmac *s, const struct sip_msg *m, struct sip_view v)
{
	char text[256];
	uint32_t n = v.len < sizeof(text) ? v.len : (uint32_t)sizeof(text);
	const char *p = sip_msg_at(m, v);

	for (uint32_t i = 0; i < n; i++)
		text[i] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]);
	sipmac_field(s, text, n);
	/* longer than any that is used: as it stands */
	if (n < v.len)
		sipmac_field(s, p, v.len);
}

static void add_param(struct sipmac *s, const struct sip_msg *m, const struct sip_uri *uri, const char *name)
{
	struct sip_uri_param p;

	if (uri->params.len && sip_uri_param_find(m, uri, name, &p))
		add_lower(s, m, p.value);
	else
		sipmac_field(s, NULL, 0);
}

static void add_uri(struct sipmac *s, const struct sip_msg *m, const struct sip_uri *uri)
{
	/* an address is not the name that is spelt with its bytes */
	bool is_name = uri->host.kind == SIP_HOST_NAME;
	uint8_t user[USER_MAX], ip[16];
	uint8_t head[4] = {uri->scheme,
			   (uint8_t)(((uri->flags & SIP_URI_HAS_USER) != 0) | (is_name ? 0 : HEAD_ADDRESS)),
			   (uint8_t)(uri->port >> 8), (uint8_t)uri->port};
	char host[SIP_HOST_NAME_MAX + 1];
	unsigned n;
	int len;

	if (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS) {
		sipmac_field(s, sip_msg_at(m, uri->all), uri->all.len);
		return;
	}
	if (!(uri->flags & SIP_URI_HAS_PORT))
		head[2] = head[3] = 0;
	sipmac_field(s, head, sizeof(head));
	len = sip_uri_unescape(m, uri->user, user, sizeof(user));
	if (len >= 0)
		sipmac_field(s, user, (size_t)len);
	else
		sipmac_field(s, sip_msg_at(m, uri->user), uri->user.len);
	n = sip_host_canon(m, &uri->host, host);
	if (n)
		sipmac_field(s, host, n);
	else
		sipmac_field(s, ip, sip_host_address(m, &uri->host, ip));
	add_param(s, m, uri, "transport");
	add_param(s, m, uri, "maddr");
}

bool route_rest(const struct route_key *key, const struct sip_msg *m, enum sip_header_id id, unsigned first,
		unsigned n, bool backwards, uint64_t *out)
{
	struct sip_iter it = sip_iter_start(m, id);
	struct sip_uri uris[ROUTE_REST_MAX];
	struct sip_nameaddr na;
	uint8_t mac[SIPMAC_LEN];
	struct sipmac s;

	*out = 0;
	if (n == 0)
		return true;
	if (!key->there || (backwards && n > ROUTE_REST_MAX))
		return false;
	sipmac_init(&s, &key->mac);
	sipmac_field(&s, label, sizeof(label) - 1);
	for (unsigned i = 0; i < first + n; i++) {
		if (sip_nameaddr_next(m, id, &it, &na) <= 0)
			return false;
		if (i < first)
			continue;
		if (backwards)
			uris[i - first] = na.uri;
		else
			add_uri(&s, m, &na.uri);
	}
	for (unsigned i = n; backwards && i-- > 0;)
		add_uri(&s, m, &uris[i]);
	sipmac_final(&s, mac);
	memcpy(out, mac, sizeof(*out));
	/* 0 says that nothing follows */
	*out |= !*out;
	return true;
}

bool route_entry_rest(const struct route_keys *keys, struct route_entry *e, const struct sip_msg *m,
		      unsigned n)
{
	e->flags |= ROUTE_ENTRY_REST;
	return route_rest(&keys->key[ROUTE_SLOT_CURRENT], m, SIP_HDR_RECORD_ROUTE, 0, n, false, &e->rest);
}

int route_resign(const struct route_keys *keys, struct sip_edit *edit, const struct sip_core *core,
		 unsigned above)
{
	const struct sip_msg *m = edit->m;
	const struct route_key *key = &keys->key[ROUTE_SLOT_CURRENT];
	struct sip_iter it = sip_iter_start(m, SIP_HDR_RECORD_ROUTE);
	struct route_dialog d = route_dialog_of(m, core);
	struct sip_nameaddr na = {0};
	struct route_entry e;
	char text[ROUTE_COOKIE_LEN + ROUTE_OPAQUE_TEXT];
	int n, r;

	/* behind those that the pool recorded comes the pool's own of ours, then that of who gets this */
	for (unsigned i = 0; i < above + 2; i++)
		if (sip_nameaddr_next(m, SIP_HDR_RECORD_ROUTE, &it, &na) <= 0)
			return -EBADMSG;
	if (!key->there || !route_entry_read(keys, m, &na.uri, &d, 1, &e) || !(e.flags & ROUTE_ENTRY_REST))
		return -ENOENT;
	if (!route_rest(key, m, SIP_HDR_RECORD_ROUTE, 0, above, true, &e.rest))
		return -EBADMSG;
	n = route_entry_write(key, &e, &d, text);
	if (n < 0)
		return n;
	r = sip_edit_remove(edit, na.uri.user.off, na.uri.user.len);
	return r < 0 ? r : sip_edit_insert(edit, na.uri.user.off, text, (uint32_t)n);
}
