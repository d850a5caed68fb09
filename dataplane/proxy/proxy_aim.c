/* SPDX-License-Identifier: BSD-3-Clause */
/* Where our end of a dialog is, as far as it is at none of our SIP domains: a partner's requests lead there
 * and to no other host (route_entry_aim()). What is signed when the dialog begins holds until that end moves
 * (RFC 3261 section 12.2); from then on, what moved.h remembers. */
#include "dataplane/proxy/client_half.h"
#include "dataplane/proxy/proxy_message.h"
#include "dataplane/proxy/route_rest.h"

const struct sip_uri *proxy_aim(const struct proxy *p, const struct sip_msg *m, const struct sip_core *core)
{
	const struct sip_uri *uri = &core->contact.uri;
	char text[SIP_HOST_NAME_MAX + 1];
	struct policy_name host = {text, 0};

	if (!core->n_contacts)
		return NULL;
	if (uri->scheme == SIP_SCHEME_SIP || uri->scheme == SIP_SCHEME_SIPS)
		host.len = sip_host_canon(m, &uri->host, text);
	return host.len && p->view->ops->own_domain(p->view, host) ? NULL : uri;
}

/* A Contact in these, or in their 2xx, says where its sender is from now on; and in NOTIFY (RFC 6665
 * section 4.4.1). */
static bool moves(enum sip_method method)
{
	switch (method) {
	case SIP_METHOD_INVITE:
	case SIP_METHOD_UPDATE:
	case SIP_METHOD_SUBSCRIBE:
	case SIP_METHOD_REFER:
	case SIP_METHOD_NOTIFY:
	case SIP_METHOD_BENOTIFY:
		return true;
	default:
		return false;
	}
}

static const struct sip_uri *ruri_of(const struct proxy_passing *r)
{
	return r->route.strict ? &r->route.target : &r->core.uri;
}

static uint32_t aim_of(const struct proxy *p, const struct sip_msg *m, const struct sip_uri *uri)
{
	return route_aim(&p->aim_key, m, uri);
}

/* enough to see that somebody moved */
static uint16_t bits_of(uint32_t aim)
{
	return (uint16_t)(aim | !(uint16_t)aim);
}

static void note(struct proxy *p, const struct sip_msg *m, const struct sip_core *core, uint32_t aim)
{
	if (moved_note(p->moved, moved_dialog(&p->dialog_key, m, core), aim))
		PROXY_COUNT(p, contacts_moved);
}

/* our end says by itself where it is */
static void moved_by_request(struct proxy *p, const struct proxy_passing *r)
{
	const struct route_entry *far = &r->route.far;
	const struct sip_uri *uri = proxy_aim(p, r->m, &r->core);

	/* the partner's entry holds him to nothing, or to this very host */
	if (!uri || (r->route.has_far &&
		     (!(far->flags & ROUTE_ENTRY_AIM) ||
		      (far->aim && far->aim == route_aim(&p->route_keys.key[far->slot], r->m, uri)))))
		return;
	note(p, r->m, &r->core, aim_of(p, r->m, uri));
}

void proxy_aim_sent(struct proxy *p, const struct proxy_passing *r, struct client_half *k)
{
	if (r->facts.facts.message != POLICY_IN_DIALOG || !moves(r->m->method))
		return;
	if (r->c->side == LINK_INTERNAL)
		moved_by_request(p, r);
	else if (k && proxy_leaves(r) == LINK_INTERNAL)
		k->aim = bits_of(aim_of(p, r->m, ruri_of(r)));
}

const struct sip_uri *proxy_aim_answered(struct proxy *p, struct client_half *k, const struct sip_msg *m,
					 const struct sip_core *core)
{
	const struct sip_uri *uri;
	uint32_t aim;

	if (m->status >= 300 || m->status <= 100 || (m->status < 200 && !k->routes) || !(k->routes || k->aim))
		return NULL;
	uri = proxy_aim(p, m, core);
	if (!uri)
		return NULL;
	aim = aim_of(p, m, uri);
	/* in a dialog: elsewhere than where it was asked; else: elsewhere than an earlier answer said, whose
	 * entry the caller may have kept */
	if (k->aim && k->aim != bits_of(aim))
		note(p, m, core, aim);
	k->aim = bits_of(aim);
	return uri;
}

bool proxy_aim_moved(const struct proxy *p, const struct proxy_passing *r)
{
	return moved_to(p->moved, moved_dialog(&p->dialog_key, r->m, &r->core), aim_of(p, r->m, ruri_of(r)));
}
