/* SPDX-License-Identifier: BSD-3-Clause */
/* What the edge tells control: handshakes that failed. A flood of these is counted in one of them. */
#include <string.h>

#include "dataplane/worker/edge_link.h"

enum { FAILURES_A_SECOND = 20, SECOND_NS = 1000000000 };

void edge_tell_failed(struct edge_link *l, enum tls_end end, const struct tls_info *info)
{
	struct edge *e = l->edge;
	const char *text = info->verdict > TLS_VERDICT_good ? tls_verdict_info[info->verdict].help
							    : tls_end_info[end].help;
	struct exchange_event ev = {.kind = EXCHANGE_EVENT_TLS_FAILED,
				    .wall_ns = e->wall_ns,
				    .worker = (uint16_t)e->worker->core,
				    .side = l->side,
				    .port = l->remote_port};

	if (e->now_ns - e->failed_ns >= SECOND_NS) {
		e->failed_ns = e->now_ns;
		e->failed = 1;
		ev.count = e->failed_untold + 1;
		e->failed_untold = 0;
	} else if (++e->failed > FAILURES_A_SECOND) {
		e->failed_untold++;
		return;
	}
	memcpy(ev.address, l->remote.b, sizeof(ev.address));
	ev.text_len = exchange_event_put(ev.text, sizeof(ev.text), text, (uint32_t)strlen(text));
	edge_tell(e, &ev);
}
