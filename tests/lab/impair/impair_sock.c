/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lab/impair/impair_sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TAG_AT = 12, TAG_LEN = 4, BUFFER = 32 << 20 };

int impair_sock_open(struct impair_sock *s, const char *ifname)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct packet_mreq all = {.mr_type = PACKET_MR_PROMISC};
	int on = 1, room = BUFFER, rc;

	at.sll_ifindex = all.mr_ifindex = (int)if_nametoindex(ifname);
	if (!at.sll_ifindex)
		return -ENODEV;
	/* protocol 0: deaf until it is bound, so that nothing of other interfaces slips in */
	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -errno;
	/* FORCE needs a privilege over the whole machine: a rootless lab takes what it gets */
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		(void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		(void)setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (setsockopt(s->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
	    setsockopt(s->fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
	    setsockopt(s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) ||
	    setsockopt(s->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) ||
	    bind(s->fd, (struct sockaddr *)&at, sizeof(at))) {
		rc = -errno;
		close(s->fd);
		return rc;
	}
	return 0;
}

void impair_sock_close(struct impair_sock *s)
{
	close(s->fd);
}

/* the kernel keeps an outer tag beside the frame: it goes back where it was (the room begins TAG_LEN early
 * for that) */
static uint32_t put_tag_back(struct msghdr *m, uint8_t *room, uint32_t len)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct tpacket_auxdata aux;
		uint16_t tpid, tci;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			continue;
		tpid = htons(aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETH_P_8021Q);
		tci = htons(aux.tp_vlan_tci);
		memmove(room, room + TAG_LEN, TAG_AT);
		memcpy(room + TAG_AT, &tpid, 2);
		memcpy(room + TAG_AT + 2, &tci, 2);
		return len + TAG_LEN;
	}
	return 0;
}

int impair_sock_recv(struct impair_sock *s, struct impair_frame out[IMPAIR_BURST])
{
	struct mmsghdr m[IMPAIR_BURST] = {0};
	struct iovec io[IMPAIR_BURST];
	union {
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct cmsghdr align;
	} control[IMPAIR_BURST];
	int n;

	for (unsigned i = 0; i < IMPAIR_BURST; i++) {
		io[i] = (struct iovec){.iov_base = s->room[i] + TAG_LEN, .iov_len = IMPAIR_ROOM - TAG_LEN};
		m[i].msg_hdr = (struct msghdr){.msg_iov = &io[i],
					       .msg_iovlen = 1,
					       .msg_control = control[i].bytes,
					       .msg_controllen = sizeof(control[i].bytes)};
	}
	n = recvmmsg(s->fd, m, IMPAIR_BURST, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		uint32_t tagged = put_tag_back(&m[i].msg_hdr, s->room[i], m[i].msg_len);

		out[i].data = tagged ? s->room[i] : s->room[i] + TAG_LEN;
		out[i].len = tagged ? tagged : m[i].msg_len;
	}
	return n;
}

bool impair_sock_send(struct impair_sock *s, const uint8_t *frame, uint32_t len)
{
	return send(s->fd, frame, len, MSG_DONTWAIT) == (ssize_t)len;
}
