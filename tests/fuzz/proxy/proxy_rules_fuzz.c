/* SPDX-License-Identifier: BSD-3-Clause */
/* A message of a stranger through every rule: facts, routes, branches, header rules in both directions,
 * refusals. What leaves is one message that is taken again; what was stripped is not in it; the trust header
 * is there once on the way in and never on the way out; refusals are responses. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/proxy/facts_from.h"
#include "dataplane/proxy/header_rules.h"
#include "dataplane/proxy/refusal.h"
#include "dataplane/proxy/via_branch.h"
#include "dataplane/sip/sip_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_msg m, again;
static struct sip_core core;
static char joined[2 * 1024 * 1024];
static const struct policy_name names[] = {{"sip.ours.com", 12}, {"edge.inside.ours.com", 20}};
static const struct policy_peer peer;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void emit(const struct sip_edit *e)
{
	struct iovec iov[SIP_EDIT_IOV_MAX];
	struct sip_frame f = {0};
	const struct sip_limits lim = {SIP_HEAD_MAX, SIP_HEADERS_MAX, SIP_BODY_MAX};
	int n = sip_edit_emit(e, iov, SIP_EDIT_IOV_MAX);
	size_t len = 0;
	struct sip_frame_result r;

	must(n > 0);
	for (int i = 0; i < n; i++) {
		memcpy(joined + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	r = sip_frame_next(&f, &again, sip_kernel_choose(), &lim, (const uint8_t *)joined, (uint32_t)len);
	/* at the very limits of size one more line is one too many: refused, not misread */
	if (r.what != SIP_FRAME_MESSAGE) {
		must(len > SIP_HEAD_MAX / 2 || m.n_headers + 4 > SIP_HEADERS_MAX);
		memset(&again, 0, sizeof(again));
		return;
	}
	must(again.len == len && again.body_len == m.body_len);
}

static unsigned count(enum sip_header_id id)
{
	unsigned n = 0;

	for (const struct sip_header *h = sip_msg_first(&again, id); h; h = sip_msg_next(&again, h))
		n++;
	return n;
}

static void rules(uint8_t arrived, bool external, uint8_t bits)
{
	static const enum sip_header_id gone[] = {SIP_HDR_P_ASSERTED_IDENTITY, SIP_HDR_P_ASSERTED_SERVICE,
						  SIP_HDR_P_PREFERRED_IDENTITY, SIP_HDR_REMOTE_PARTY_ID,
						  SIP_HDR_MS_SPLIT_DOMAIN_INFO};
	const struct policy_verdict v = {.source = bits & 3, .mark = bits >> 2 & 1, .domain = names[0]};
	struct header_rules r = {.edge = names[0],
				 .arrived = arrived,
				 .leaves_external = external,
				 .verdict = &v,
				 .peer = names[1],
				 .max_forwards = core.max_forwards};
	static char scratch[4096];
	struct sip_edit e;

	sip_edit_init(&e, &m, scratch, sizeof(scratch));
	if (header_rules_apply(&e, &r) < 0)
		return;
	emit(&e);
	if (!again.len)
		return;
	for (unsigned i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		must(count(gone[i]) == 0);
	must(count(SIP_HDR_MS_EDGE_PROXY_MESSAGE_TRUST) == (arrived == POLICY_INBOUND && !external));
	must(!external || count(SIP_HDR_MS_DIAGNOSTICS) == 0);
}

static void routes(uint8_t side)
{
	static const uint8_t secret[ROUTE_SLOTS][ROUTE_SECRET_LEN] = {{1}, {2}, {3}};
	struct route_self self = {.names = names, .names_n = 2, .side = side};
	static struct route_found found;
	static struct facts_from facts;
	struct facts_in in = {.m = &m, .core = &core, .direction = side, .peer = &peer, .route = &found};
	struct route_keys keys;
	static char scratch[70000];
	struct sip_edit e;

	route_keys_load(&keys, secret);
	route_read(&keys, &self, &m, &core, &found);
	must(found.pops + found.left + found.strict == core.n_routes || m.response);
	must(found.state == POLICY_ROUTE_OURS || found.state == POLICY_ROUTE_EDGE ||
	     found.state == POLICY_ROUTE_FOREIGN || found.state == POLICY_ROUTE_STALE || !found.left);
	facts_from_message(&in, &facts);
	must(facts.facts.pais <= 3 && policy_name_check(facts.facts.from_domain) <= POLICY_NAME_EMPTY &&
	     policy_name_check(facts.facts.to_domain) <= POLICY_NAME_EMPTY &&
	     policy_name_check(facts.facts.ruri_domain) <= POLICY_NAME_EMPTY);
	must(facts.facts.edge_route.len == 0 ||
	     policy_name_check(facts.facts.edge_route) != POLICY_NAME_CASE);
	if (m.response || (found.state == POLICY_ROUTE_STALE))
		return;
	sip_edit_init(&e, &m, scratch, sizeof(scratch));
	if (route_edit(&e, &core, &found) == 0)
		emit(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sip_limits lim = {SIP_HEAD_MAX, SIP_HEADERS_MAX, SIP_BODY_MAX};
	static char out[REFUSAL_MAX];
	struct refusal refusal = {.edge = names[0]};
	struct via_key key;
	struct via_scan scan;
	struct sip_frame f = {0};
	int n;

	if (size < 2 ||
	    sip_frame_next(&f, &m, sip_kernel_choose(), &lim, data + 1, (uint32_t)size - 1).what !=
		    SIP_FRAME_MESSAGE)
		return 0;
	refusal.sip_reason = sip_validate(&m, NULL, &core);
	refusal.side = data[0] >> 4 & 1;
	refusal.diagnostics_out = data[0] >> 5 & 1;
	if (refusal.sip_reason == SIP_REASON_OK)
		refusal.reason = 3 + data[0] % (POLICY_REASONS - 3);
	n = refusal_build(&m, &refusal, out, sizeof(out));
	if (n > 0) {
		must(sip_msg_index(&again, sip_kernel_choose(), &lim, (uint8_t *)out, (uint32_t)n) !=
			     SIP_REASON_START_LINE &&
		     again.response && again.status == refusal_status(&refusal));
	}
	if (refusal.sip_reason != SIP_REASON_OK)
		return 0;
	via_key_load(&key, (const uint8_t *)"0123456789abcdef", 1);
	if (!m.response)
		via_scan(&key, &m, via_loop_hash(&key, &m, &core), &scan);
	via_server_key(&key.mac, &m, &core, m.response ? SIP_METHOD_INVITE : m.method, 1);
	for (uint8_t side = 0; side < 2; side++) {
		routes(side);
		rules(side, side == POLICY_OUTBOUND, data[0]);
	}
	rules(POLICY_INBOUND, true, data[0]);
	return 0;
}
