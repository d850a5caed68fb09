/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of decide(): one judgement under way, and the steps that its files offer each other. A step
 * returns true to go on and false when the verdict is written. Not for others: include decide.h. */
#ifndef CONFIG_POLICY_JUDGE_H
#define CONFIG_POLICY_JUDGE_H

#include "config/policy/decide.h"
#include "config/policy/dns_walk.h"

/* the settings that hold for the partner of this message, defaults resolved */
struct judge_partner {
	uint8_t type; /* enum policy_partner_type, once known */
	uint8_t verification;
	uint8_t identity_check;
	uint8_t eku;
	uint8_t services;
	uint8_t limit_class;
	uint8_t tls_profile;
	uint8_t flags;			     /* enum policy_domain_flag */
	const struct policy_domain *entry;   /* NULL: unlisted */
	const struct policy_partner *record; /* NULL: none */
	const struct policy_provider *provider;
};

struct judge {
	const struct policy_view *view;
	const struct policy_facts *facts;
	const struct policy_answers *answers;
	struct policy_verdict *verdict;
	struct policy_trace *trace;
	const struct policy_own_domain *own; /* the SIP domain of ours that takes part; NULL when none does */
	struct policy_name domain;	     /* D */
	enum policy_standing standing;	     /* of D */
	struct judge_partner partner;
	struct policy_dns *scratch; /* where an answer may be copied to; dies with the judgement */
};

/* ---- judge.c: verdicts and traces ---- */

/* each writes the verdict and returns false */
bool judge_refuse(struct judge *j, enum policy_rule rule, enum policy_reason reason,
		  struct policy_name subject);
bool judge_accept(struct judge *j);
bool judge_ask(struct judge *j, enum policy_rule rule, struct policy_name name, enum policy_dns_kind kind);
/* notes that the rule passed; true */
bool judge_pass(struct judge *j, enum policy_rule rule, struct policy_name subject);
/* notes that this way does not apply; false */
bool judge_no_match(struct judge *j, enum policy_rule rule, struct policy_name subject);
/* adds a question to the verdict without deciding; false when there is no room */
bool judge_want(struct judge *j, struct policy_name name, enum policy_dns_kind kind);

static inline bool judge_box(const struct judge *j, enum policy_box_flag flag)
{
	return (j->view->box->flags & flag) != 0;
}

/* ---- judge_domain.c: §1.3 lists, §1.2.6 blocks and switches ---- */

bool judge_blocked(struct judge *j);
bool judge_federation_on(struct judge *j);
/* is this other name blocked? looks it up itself; for rare names */
bool judge_name_blocked(struct judge *j, struct policy_name name, struct policy_match *allow);
void judge_partner_of_entry(struct judge *j, const struct policy_domain *entry);
void judge_partner_of_discovery(struct judge *j);
void judge_partner_of_provider(struct judge *j, const struct policy_provider *provider, uint8_t type);
static inline bool judge_discovery(const struct judge *j)
{
	if (j->own && j->own->flags & (POLICY_OWN_NO_DISCOVERY | POLICY_OWN_DISCOVERY))
		return (j->own->flags & POLICY_OWN_DISCOVERY) != 0;
	return judge_box(j, POLICY_BOX_DISCOVERY);
}

static inline bool judge_listed(const struct judge *j)
{
	return j->standing == POLICY_ALLOWED || (j->standing == POLICY_UNLISTED && judge_discovery(j));
}

/* ---- judge_identity.c: §1.2.7–8 and §1.3, which way in the peer has ---- */

bool judge_identify(struct judge *j);
/* the name in N that presents `host`; len 0 = none */
struct policy_name judge_peer_name(const struct judge *j, struct policy_name host, bool wildcard);
/* an answer that can be judged, or NULL when it is still unknown; wants it again when it is past its TTL */
const struct policy_dns *judge_dns(struct judge *j, struct policy_name name, enum policy_dns_kind kind);
enum policy_reason judge_dns_reason(const struct policy_dns *dns);
/* Some targets of an answer are in a part that is not there: who found none asks for the answer again. */
bool judge_ask_parts(struct judge *j, enum policy_rule rule, struct policy_name name);
const struct policy_provider *judge_provider_enabled(const struct judge *j, struct policy_name fqdn);

/* ---- judge_access.c: §1.7 rights of our user ---- */

/* before the type is known: a user who may talk to nobody */
bool judge_access_any(struct judge *j);
/* once it is known */
bool judge_access_type(struct judge *j);

/* ---- judge_mark.c: what an admitted partner must still pass: EKU, service, PAI, split domain, pin, §1.4
 * ---- */

bool judge_admitted(struct judge *j);
/* is every service that the message needs open for the partner? */
bool judge_service(struct judge *j);
/* copies the partner's settings into the verdict */
void judge_settings(struct judge *j);
/* §1.4; false = unmarked, and that is refused */
bool judge_verification(struct judge *j);
/* is every asserted identity the partner's, and may it assert any? */
bool judge_pai_good(struct judge *j);
uint8_t judge_source_of_type(uint8_t type, const struct policy_provider *provider);

/* ---- judge_route.c: §1.2 outbound order, §2 ---- */

bool judge_route(struct judge *j);
bool judge_route_inside(struct judge *j);
/* verdict.route has an address that is not where the message came from */
bool judge_route_reaches(struct judge *j);

/* ---- judge_dialog.c: in-dialog requests and responses ---- */

void judge_dialog(struct judge *j);

/* ---- judge_inbound.c, judge_outbound.c ---- */

void judge_inbound(struct judge *j);
void judge_outbound(struct judge *j);
/* D admitted for sending to it (allowed, discovered, served by a provider), and the way there */
bool judge_send_to(struct judge *j);
/* D is ours: only the provider that shares our address space may send it, or be sent it */
bool judge_shared(struct judge *j, const struct policy_own_domain *own);
/* §1.2.1: a certificate that was proven and is not revoked */
bool judge_peer(struct judge *j);
/* the same on the inner side: one of our trusted servers */
bool judge_internal(struct judge *j);
/* §1.2.2 */
bool judge_method(struct judge *j);
/* §1.2.3 for what starts something */
bool judge_route_set(struct judge *j);

#endif
