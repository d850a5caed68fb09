/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/publish/explain.h"
#include "config/policy/fact.h"
#include "config/policy/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int explain_open(struct explain *e, const char *dir, char *why)
{
	enum segment_refusal refusal = 0;
	int r;

	memset(e, 0, sizeof(*e));
	r = segment_attach(&e->seg, dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &refusal);
	if (r) {
		snprintf(why, 512, "the segment cannot be read: %s",
			 refusal ? segment_refusal_text(refusal) : strerror(-r));
		return r;
	}
	r = policy_reader_init(&e->reader, &e->seg, 0);
	if (!r)
		e->view = policy_reader_wake(&e->reader);
	if (!e->view) {
		snprintf(why, 512, "the segment shows no policy yet");
		segment_close(&e->seg);
		return r ? r : -EAGAIN;
	}
	return 0;
}

void explain_close(struct explain *e)
{
	policy_reader_sleep(&e->reader);
	segment_close(&e->seg);
}

/* The target that the rules would ask for: in the domain itself (section 1.3), else an enabled provider's,
 * else the first. */
static struct policy_name target_of(struct explain *e, struct policy_name domain)
{
	struct policy_name first = {"", 0}, provider = {"", 0};
	struct policy_dns scratch;
	const struct policy_dns *dns = e->view->ops->dns(e->view, domain, POLICY_DNS_FEDERATION, &scratch);

	/* a scratch does not outlive this call */
	e->dns = dns && dns->state == POLICY_DNS_OK ? *dns : (struct policy_dns){0};
	for (unsigned i = 0; i < policy_dns_count(&e->dns); i++) {
		struct policy_name name = policy_dns_target_name(&e->dns, i);
		const struct policy_provider *p = e->view->ops->provider_by_fqdn(e->view, name);

		if (policy_name_equal(policy_name_parent(name), domain))
			return name;
		if (!provider.len && p && (p->flags & POLICY_PROVIDER_ENABLED))
			provider = name;
		if (!first.len)
			first = name;
	}
	return provider.len ? provider : first;
}

/* Whom the rules would ask for: the partner's server, a name that it is known by, the domain itself where
 * that is what has to be shown, the SRV target, or, when there is none yet, sip.DOMAIN; of a partner that is
 * known by pinned keys, who has the first of them. */
static void assume(struct explain *e, struct policy_name domain)
{
	struct policy_hit hit;
	const struct policy_partner *p = NULL;
	struct policy_name name = {"", 0};
	uint8_t check = e->view->box->identity_check;

	memset(&hit, 0, sizeof(hit));
	e->view->ops->domains(e->view, &domain, 1, &hit);
	if (hit.allow.entry) {
		p = e->view->ops->partner(e->view, hit.allow.entry->partner);
		check = hit.allow.entry->identity_check ? hit.allow.entry->identity_check : check;
	}
	e->assumed = true;
	if (p && check == POLICY_IDENTITY_PINNED && policy_partner_pin(p, 0)) {
		memcpy(e->peer.spki, policy_partner_pin(p, 0), sizeof(e->peer.spki));
		e->peer.has_spki = e->peer.pinned_only = e->pinned = true;
		e->peer.certificate = false;
		return;
	}
	if (p)
		name = policy_str_get(p, p->size, p->proxy_fqdn);
	if (!name.len && p)
		name = policy_partner_peer_name(p, 0);
	if (!name.len && check == POLICY_IDENTITY_RFC5922)
		name = domain;
	if (!name.len)
		name = target_of(e, domain);
	if (name.len)
		snprintf(e->assumed_name, sizeof(e->assumed_name), "%.*s", (int)name.len, name.ptr);
	else
		snprintf(e->assumed_name, sizeof(e->assumed_name), "sip.%.*s",
			 (int)(domain.len < 249 ? domain.len : 249), domain.ptr);
	e->names[0] = policy_name_of(e->assumed_name);
	e->peer.names_n = 1;
}

void explain_judge(struct explain *e, struct explain_question *q, uint64_t now_ns)
{
	struct policy_facts *f = &e->facts;
	const struct policy_view *shadow;

	/* what has been published since the last time is seen */
	e->view = policy_reader_burst(&e->reader);
	memset(f, 0, sizeof(*f));
	memset(&e->peer, 0, sizeof(e->peer));
	f->from_user = policy_name_of(q->from_user);
	f->from_domain = policy_name_of(q->from_domain);
	f->to_user = f->ruri_user = policy_name_of(q->to_user);
	f->to_domain = f->ruri_domain = policy_name_of(q->to_domain);
	if (!q->inbound && !q->outbound) {
		q->outbound = e->view->ops->own_domain(e->view, f->from_domain) != NULL;
		q->inbound = !q->outbound;
	}
	f->direction = q->inbound ? POLICY_INBOUND : POLICY_OUTBOUND;
	f->message = POLICY_REQUEST;
	f->method = (uint8_t)q->method;
	f->route = POLICY_ROUTE_NONE;
	f->inner = (struct policy_rights){0, 0};
	f->now_ns = now_ns;
	f->peer = &e->peer;
	e->peer.names = e->names;
	e->peer.certificate = true;
	e->peer.eku = POLICY_EKU_CLIENT | POLICY_EKU_SERVER;
	e->peer.trusted_internal = q->outbound;
	e->assumed = e->pinned = false;
	for (unsigned i = 0; i < q->peers; i++)
		e->names[i] = policy_name_of(q->peer[i]);
	e->peer.names_n = (uint16_t)q->peers;
	if (!q->peers && q->inbound)
		assume(e, f->from_domain);
	memset(&e->verdict, 0, sizeof(e->verdict));
	memset(&e->trace, 0, sizeof(e->trace));
	policy_decide(e->view, f, &e->verdict, &e->trace);
	shadow = policy_reader_shadow(&e->reader);
	e->shadow = shadow != NULL;
	if (shadow)
		policy_decide(shadow, f, &e->shadow_verdict, NULL);
}
