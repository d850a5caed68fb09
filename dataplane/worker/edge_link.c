/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions that came up. Nobody takes what they carry yet: bytes are counted, and the session is closed. */
#include "dataplane/tls/peer.h"
#include "dataplane/worker/edge_core.h"

void *edge_link_accept(void *listener, uint64_t id, const struct net_tuple *tuple)
{
	return listener;
}

static bool subject_fits(const struct edge *e, uint64_t id, unsigned profile)
{
	const struct edge_place *p = &e->config->profiles[profile];
	const struct tls_peer *peer = tls_peer_get(e->tls.core, id);

	for (unsigned i = 0; peer && i < peer->names; i++)
		for (unsigned k = 0; k < p->subjects; k++)
			if (policy_name_equal(tls_peer_name(peer, i), p->subject[k]))
				return true;
	return p->subjects == 0;
}

static void on_ready(void *user, uint64_t id)
{
	struct edge_listener *l = user;
	struct edge *e = l->edge;
	struct tls_info info;

	tls_info_get(e->tls.core, id, &info);
	if (!subject_fits(e, id, info.profile)) {
		e->counters[EDGE_COUNTER_refused_subject]++;
		tls_close(e->tls.core, id);
		return;
	}
	e->counters[l->side == POLICY_SIDE_EXTERNAL ? EDGE_COUNTER_accepted_external
						    : EDGE_COUNTER_accepted_internal]++;
}

static uint32_t on_data(void *user, uint64_t id, uint8_t *plain, uint32_t len)
{
	struct edge_listener *l = user;

	l->edge->counters[EDGE_COUNTER_bytes_in] += len;
	l->edge->counters[EDGE_COUNTER_bytes_refused] += len;
	tls_close(l->edge->tls.core, id);
	return len;
}

static void on_eof(void *user, uint64_t id)
{
	struct edge_listener *l = user;

	tls_close(l->edge->tls.core, id);
}

const struct tls_ops edge_link_ops = {.ready = on_ready, .data = on_data, .eof = on_eof};
