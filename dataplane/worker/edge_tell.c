/* SPDX-License-Identifier: BSD-3-Clause */
/* What the edge tells control: peers that came and went, handshakes that failed. A flood of these is counted
 * in one of them. */
#include <stdio.h>
#include <string.h>

#include "dataplane/tls/peer.h"
#include "dataplane/worker/edge_link.h"

enum { FAILURES_A_SECOND = 20, SECOND_NS = 1000000000 };

static struct exchange_event begin(const struct edge_link *l, enum exchange_event_kind kind)
{
	struct exchange_event ev = {.kind = (uint8_t)kind,
				    .wall_ns = l->edge->wall_ns,
				    .worker = (uint16_t)l->edge->worker->core,
				    .side = l->side,
				    .port = l->remote_port};

	memcpy(ev.address, l->remote.b, sizeof(ev.address));
	return ev;
}

static void put_peer(struct exchange_event *ev, const struct tls_peer *peer)
{
	struct policy_name name;

	if (!peer)
		return;
	memcpy(&ev->peer, peer->spki, sizeof(ev->peer));
	if (peer->names) {
		name = tls_peer_name(peer, 0);
		ev->peer_len = exchange_event_put(ev->peer_name, sizeof(ev->peer_name), name.ptr, name.len);
	}
}

static void say(struct exchange_event *ev, const char *text)
{
	ev->text_len = exchange_event_put(ev->text, sizeof(ev->text), text, (uint32_t)strlen(text));
}

void edge_tell_up(struct edge_link *l, const struct tls_peer *peer, const struct tls_info *info)
{
	struct exchange_event ev = begin(l, EXCHANGE_EVENT_PEER_UP);

	put_peer(&ev, peer);
	say(&ev, info->suite_name ? info->suite_name : "");
	edge_tell(l->edge, &ev);
}

/* the verdict when there is a bad one, else how it ended; and what libcrypto or the peer said of it */
static void say_why(struct exchange_event *ev, enum tls_end end, const struct tls_info *info)
{
	bool bad = info->verdict > TLS_VERDICT_good;
	const char *text = bad ? tls_verdict_info[info->verdict].help : tls_end_info[end].help;
	char line[EXCHANGE_EVENT_TEXT + 1];

	if (bad && info->x509_error)
		snprintf(line, sizeof(line), "%s (error %d, certificate %d)", text, info->x509_error,
			 info->depth);
	else if (!bad && info->alert)
		snprintf(line, sizeof(line), "%s (alert %u)", text, info->alert);
	else
		snprintf(line, sizeof(line), "%s", text);
	say(ev, line);
}

void edge_tell_failed(struct edge_link *l, const struct tls_peer *peer, enum tls_end end,
		      const struct tls_info *info, const char *why)
{
	struct edge *e = l->edge;
	struct exchange_event ev = begin(l, EXCHANGE_EVENT_TLS_FAILED);

	if (l->told)
		return;
	l->told = true;
	if (e->now_ns - e->failed_ns >= SECOND_NS) {
		e->failed_ns = e->now_ns;
		e->failed = 1;
		ev.count = e->failed_untold + 1;
		e->failed_untold = 0;
	} else if (++e->failed > FAILURES_A_SECOND) {
		e->failed_untold++;
		return;
	}
	put_peer(&ev, peer);
	if (why)
		say(&ev, why);
	else
		say_why(&ev, end, info);
	edge_tell(e, &ev);
}

void edge_tell_down(struct edge_link *l, const struct tls_peer *peer, enum tls_end end,
		    const struct tls_info *info)
{
	struct exchange_event ev = begin(l, EXCHANGE_EVENT_PEER_DOWN);

	put_peer(&ev, peer);
	say_why(&ev, end, info);
	edge_tell(l->edge, &ev);
}
