/* SPDX-License-Identifier: BSD-3-Clause */
/* A plug in an interface: whole frames in bursts, tags included. Of the calling thread. */
#ifndef TESTS_LAB_IMPAIR_IMPAIR_SOCK_H
#define TESTS_LAB_IMPAIR_IMPAIR_SOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { IMPAIR_BURST = 32, IMPAIR_ROOM = 9216 + 22 };

struct impair_sock {
	int fd;
	uint8_t room[IMPAIR_BURST][IMPAIR_ROOM];
};

struct impair_frame {
	const uint8_t *data; /* in the room of the socket, until the next call */
	uint32_t len;
};

/* 0 or -errno */
int impair_sock_open(struct impair_sock *s, const char *ifname);
void impair_sock_close(struct impair_sock *s);
/* what is there now, without waiting: count, or -errno (-ENETDOWN: the interface is down for the moment) */
int impair_sock_recv(struct impair_sock *s, struct impair_frame out[IMPAIR_BURST]);
bool impair_sock_send(struct impair_sock *s, const uint8_t *frame, uint32_t len);

#endif
