/* SPDX-License-Identifier: BSD-3-Clause */
#include "drivers/linkwatch.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int linkwatch_open(struct linkwatch *w)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int rc;

	*w = (struct linkwatch){
		.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
	if (w->fd < 0)
		return -errno;
	if (bind(w->fd, (struct sockaddr *)&nl, sizeof(nl)) < 0) {
		rc = -errno;
		linkwatch_close(w);
		return rc;
	}
	return 0;
}

void linkwatch_close(struct linkwatch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

int linkwatch_add(struct linkwatch *w, int ifindex)
{
	if (w->n == LINKWATCH_MAX)
		return -ENOSPC;
	w->ports[w->n] = (struct linkwatch_port){.ifindex = ifindex, .state = LINKWATCH_DOWN};
	return (int)w->n++;
}

int linkwatch_dump(struct linkwatch *w)
{
	struct {
		struct nlmsghdr nh;
		struct ifinfomsg info;
	} ask = {.nh = {.nlmsg_len = sizeof(ask),
			.nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		 .info = {.ifi_family = AF_UNSPEC}};

	memset(w->seen, 0, sizeof(w->seen));
	w->dumping = true;
	return send(w->fd, &ask, sizeof(ask), 0) < 0 ? -errno : 0;
}

static void state_set(struct linkwatch *w, unsigned i, enum linkwatch_state state, linkwatch_fn changed,
		      void *ctx)
{
	struct linkwatch_port *p = &w->ports[i];

	if (p->state == LINKWATCH_LOST || p->state == state)
		return;
	if (state != LINKWATCH_UP)
		p->downs++;
	p->state = state;
	changed(ctx, i, state);
}

static void link_message(struct linkwatch *w, const struct nlmsghdr *nh, linkwatch_fn changed, void *ctx)
{
	const struct ifinfomsg *info = NLMSG_DATA(nh);
	bool gone = nh->nlmsg_type == RTM_DELLINK;
	bool up = (info->ifi_flags & IFF_UP) && (info->ifi_flags & IFF_RUNNING);

	if (nh->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
		return;
	/* bridges speak of their members in the same words, with a family of their own */
	if (info->ifi_family != AF_UNSPEC)
		return;
	for (unsigned i = 0; i < w->n; i++) {
		if (w->ports[i].ifindex != info->ifi_index)
			continue;
		w->seen[i] = true;
		state_set(w, i, gone ? LINKWATCH_LOST : up ? LINKWATCH_UP : LINKWATCH_DOWN, changed, ctx);
	}
}

static void dump_done(struct linkwatch *w, linkwatch_fn changed, void *ctx)
{
	if (!w->dumping)
		return;
	w->dumping = false;
	for (unsigned i = 0; i < w->n; i++)
		if (!w->seen[i])
			state_set(w, i, LINKWATCH_LOST, changed, ctx);
}

void linkwatch_input(struct linkwatch *w, const void *bytes, size_t len, linkwatch_fn changed, void *ctx)
{
	const struct nlmsghdr *nh = bytes;

	while (len >= sizeof(*nh) && nh->nlmsg_len >= sizeof(*nh) && nh->nlmsg_len <= len) {
		size_t step = NLMSG_ALIGN(nh->nlmsg_len);

		if (nh->nlmsg_type == RTM_NEWLINK || nh->nlmsg_type == RTM_DELLINK)
			link_message(w, nh, changed, ctx);
		else if (nh->nlmsg_type == NLMSG_DONE)
			dump_done(w, changed, ctx);
		if (step >= len)
			break;
		len -= step;
		nh = (const struct nlmsghdr *)((const char *)nh + step);
	}
}

int linkwatch_read(struct linkwatch *w, linkwatch_fn changed, void *ctx)
{
	uint32_t buf[8192]; /* 32 KiB: what the kernel gives in one dump datagram at most */

	for (;;) {
		struct sockaddr_nl from = {.nl_family = 0};
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(w->fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);

		if (n < 0 && errno == ENOBUFS) {
			int rc = linkwatch_dump(w);

			if (rc)
				return rc;
			continue;
		}
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (from.nl_pid == 0)
			linkwatch_input(w, buf, (size_t)n, changed, ctx);
	}
}
