/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/sip_parse/sip_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/sip/sip_frame.h"
#include "dataplane/sip/sip_validate.h"

#ifdef HAVE_SOFIA
#include <sofia-sip/msg.h>
#include <sofia-sip/msg_parser.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#endif
#ifdef HAVE_OSIP
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>
#endif

/* hosts are compared without brackets */
static void __attribute__((unused)) put(char *to, size_t size, const char *from)
{
	size_t n = from ? strlen(from) : 0;

	if (n > 1 && from[0] == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	}
	if (n >= size)
		n = size - 1;
	if (n)
		memcpy(to, from, n);
	to[n] = '\0';
}

static void put_view(char *to, size_t size, const struct sip_msg *m, struct sip_view v)
{
	snprintf(to, size, "%.*s", (int)v.len, sip_msg_at(m, v));
	if (to[0] == '[') {
		memmove(to, to + 1, strlen(to));
		to[strcspn(to, "]")] = '\0';
	}
}

bool sip_peer_ours(const char *bytes, size_t len, struct sip_peer_facts *f)
{
	static struct sip_msg m;
	const struct sip_limits lim = SIP_LIMITS_DEFAULT;
	const struct sip_validate_rules rules = {NULL, 0, true};
	struct sip_frame frame = {0};
	struct sip_core c;

	if (sip_frame_next(&frame, &m, sip_kernel_choose(), &lim, (const uint8_t *)bytes, len).what !=
		    SIP_FRAME_MESSAGE ||
	    sip_validate(&m, &rules, &c) != SIP_REASON_OK)
		return false;
	if (!f)
		return true;
	memset(f, 0, sizeof(*f));
	f->response = m.response;
	f->status = m.status;
	if (!m.response) {
		put_view(f->method, sizeof(f->method), &m, m.method_text);
		put_view(f->uri_host, sizeof(f->uri_host), &m, c.uri.host.text);
	}
	put_view(f->from_host, sizeof(f->from_host), &m, c.from.uri.host.text);
	put_view(f->to_host, sizeof(f->to_host), &m, c.to.uri.host.text);
	put_view(f->from_tag, sizeof(f->from_tag), &m, c.from.tag);
	put_view(f->to_tag, sizeof(f->to_tag), &m, c.to.tag);
	put_view(f->call_id, sizeof(f->call_id), &m, c.call_id);
	put_view(f->via_host, sizeof(f->via_host), &m, c.via.host.text);
	put_view(f->via_branch, sizeof(f->via_branch), &m, c.via.branch);
	put_view(f->cseq_method, sizeof(f->cseq_method), &m, c.cseq.method_text);
	f->cseq = c.cseq.number;
	f->max_forwards = c.max_forwards;
	f->vias = c.n_vias;
	f->routes = c.n_routes;
	f->record_routes = c.n_record_routes;
	f->contacts = c.n_contacts;
	f->content_length = m.body_len;
	return true;
}

#ifdef HAVE_SOFIA
static bool sofia_parse(const char *bytes, size_t len, struct sip_peer_facts *f)
{
	msg_t *msg = msg_make(sip_default_mclass(), 0, bytes, (ssize_t)len);
	sip_t *s = msg ? sip_object(msg) : NULL;
	bool ok = s && !s->sip_error && !(s->sip_flags & MSG_FLG_ERROR) &&
		  (s->sip_request || s->sip_status) && s->sip_via && s->sip_from && s->sip_to &&
		  s->sip_call_id && s->sip_cseq;

	/* it parses Request-URI and the URIs of From, To, Contact and Route into parts by itself */
	if (ok && f) {
		memset(f, 0, sizeof(*f));
		f->response = s->sip_status != NULL;
		if (s->sip_status)
			f->status = (unsigned)s->sip_status->st_status;
		if (s->sip_request) {
			put(f->method, sizeof(f->method), s->sip_request->rq_method_name);
			put(f->uri_host, sizeof(f->uri_host), s->sip_request->rq_url->url_host);
		}
		put(f->from_host, sizeof(f->from_host), s->sip_from->a_url->url_host);
		put(f->to_host, sizeof(f->to_host), s->sip_to->a_url->url_host);
		put(f->from_tag, sizeof(f->from_tag), s->sip_from->a_tag);
		put(f->to_tag, sizeof(f->to_tag), s->sip_to->a_tag);
		put(f->call_id, sizeof(f->call_id), s->sip_call_id->i_id);
		put(f->via_host, sizeof(f->via_host), s->sip_via->v_host);
		put(f->via_branch, sizeof(f->via_branch), s->sip_via->v_branch);
		put(f->cseq_method, sizeof(f->cseq_method), s->sip_cseq->cs_method_name);
		f->cseq = s->sip_cseq->cs_seq;
		f->max_forwards = s->sip_max_forwards ? (long)s->sip_max_forwards->mf_count : -1;
		for (sip_via_t *v = s->sip_via; v; v = v->v_next)
			f->vias++;
		for (sip_route_t *r = s->sip_route; r; r = r->r_next)
			f->routes++;
		for (sip_record_route_t *r = s->sip_record_route; r; r = r->r_next)
			f->record_routes++;
		for (sip_contact_t *c = s->sip_contact; c; c = c->m_next)
			f->contacts++;
		f->content_length = s->sip_content_length ? s->sip_content_length->l_length : 0;
	}
	if (msg)
		msg_destroy(msg);
	return ok;
}
#endif

#ifdef HAVE_OSIP
static void osip_tag(char *to, size_t size, osip_from_t *from)
{
	osip_generic_param_t *tag = NULL;

	if (osip_uri_param_get_byname(&from->gen_params, (char *)(uintptr_t) "tag", &tag) == 0 && tag)
		put(to, size, tag->gvalue);
}

static void osip_silent(const char *file, int line, osip_trace_level_t level, const char *fmt, va_list ap)
{
}

static bool osip_parse(const char *bytes, size_t len, struct sip_peer_facts *f)
{
	static bool ready;
	osip_message_t *s = NULL;
	bool ok;

	if (!ready) {
		ready = parser_init() == 0;
		/* it would tell stdout about each refusal */
		osip_trace_initialize_func(END_TRACE_LEVEL, osip_silent);
	}
	if (osip_message_init(&s) != 0)
		abort();
	ok = osip_message_parse(s, bytes, len) == 0 && s->from && s->to && s->call_id && s->cseq &&
	     osip_list_size(&s->vias) > 0;
	if (ok && f) {
		osip_via_t *via = osip_list_get(&s->vias, 0);
		osip_generic_param_t *branch = NULL;
		osip_header_t *mf = NULL;

		memset(f, 0, sizeof(*f));
		f->response = MSG_IS_RESPONSE(s);
		f->status = (unsigned)s->status_code;
		if (!f->response) {
			put(f->method, sizeof(f->method), s->sip_method);
			put(f->uri_host, sizeof(f->uri_host), s->req_uri ? s->req_uri->host : NULL);
		}
		put(f->from_host, sizeof(f->from_host), s->from->url ? s->from->url->host : NULL);
		put(f->to_host, sizeof(f->to_host), s->to->url ? s->to->url->host : NULL);
		osip_tag(f->from_tag, sizeof(f->from_tag), s->from);
		osip_tag(f->to_tag, sizeof(f->to_tag), s->to);
		snprintf(f->call_id, sizeof(f->call_id), "%s%s%s", s->call_id->number,
			 s->call_id->host ? "@" : "", s->call_id->host ? s->call_id->host : "");
		put(f->via_host, sizeof(f->via_host), via->host);
		osip_via_param_get_byname(via, (char *)(uintptr_t) "branch", &branch);
		put(f->via_branch, sizeof(f->via_branch), branch ? branch->gvalue : NULL);
		put(f->cseq_method, sizeof(f->cseq_method), s->cseq->method);
		f->cseq = strtoul(s->cseq->number, NULL, 10);
		f->max_forwards = osip_message_get_max_forwards(s, 0, &mf) >= 0 && mf && mf->hvalue
					  ? strtol(mf->hvalue, NULL, 10)
					  : -1;
		f->vias = (unsigned)osip_list_size(&s->vias);
		f->routes = (unsigned)osip_list_size(&s->routes);
		f->record_routes = (unsigned)osip_list_size(&s->record_routes);
		f->contacts = (unsigned)osip_list_size(&s->contacts);
		f->content_length = s->content_length ? strtoul(s->content_length->value, NULL, 10) : 0;
	}
	osip_message_free(s);
	return ok;
}
#endif

const struct sip_peer sip_peers[] = {
#ifdef HAVE_SOFIA
	{"sofia-sip", sofia_parse},
#endif
#ifdef HAVE_OSIP
	{"libosip2", osip_parse},
#endif
	{NULL, NULL},
};
const unsigned sip_peers_n = sizeof(sip_peers) / sizeof(sip_peers[0]) - 1;
