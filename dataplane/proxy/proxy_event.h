/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: what an operator may want to know. */
#ifndef DATAPLANE_PROXY_PROXY_EVENT_H
#define DATAPLANE_PROXY_PROXY_EVENT_H

#include "config/exchange/event.h"
#include "dataplane/proxy/proxy_message.h"

void proxy_event_refused(struct proxy *p, const struct proxy_conn *c, const struct sip_msg *m,
			 const struct refusal *r, unsigned status);
/* a connection without TLS from an address that may not */
void proxy_event_source(struct proxy *p, const struct proxy_conn *c);
/* c may be NULL; LIMIT_EVENT_NONE says nothing */
void proxy_event_limit(struct proxy *p, const struct proxy_conn *c, const struct limit_event *event);
/* r->verdict was obeyed, a candidate's would have been another */
void proxy_event_shadow(struct proxy *p, const struct proxy_passing *r, const struct policy_verdict *other);
/* about a conn: up, down, cut, unreachable, forged */
void proxy_event_conn(struct proxy *p, const struct proxy_conn *c, enum exchange_event_kind kind,
		      const char *text);

#endif
