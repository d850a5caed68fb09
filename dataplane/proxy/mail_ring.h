/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages from one core to another: a ring of bytes with one producer and one consumer. A message lies in
 * one piece, so that the consumer reads it where it lies. */
#ifndef DATAPLANE_PROXY_MAIL_RING_H
#define DATAPLANE_PROXY_MAIL_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mail_ring {
	_Alignas(64) _Atomic uint32_t head; /* bytes ever written, modulo 2^32; the producer's */
	uint32_t tail_seen;
	_Alignas(64) _Atomic uint32_t tail; /* bytes ever read; the consumer's */
	_Alignas(64) uint32_t size;	    /* a power of two */
	uint8_t *bytes;
};

struct mail_head {
	uint32_t len; /* of what follows; MAIL_SKIP: the rest of the ring is empty */
	uint16_t kind;
	uint16_t from; /* core */
};

enum { MAIL_SKIP = 0xffffffff };

/* `bytes`: size of them, aligned to 8 */
void mail_ring_init(struct mail_ring *r, uint8_t *bytes, uint32_t size);
/* Producer: room for a message of `len` bytes, or NULL. Nothing is seen before mail_ring_push() with the same
 * `len`. */
uint8_t *mail_ring_room(struct mail_ring *r, uint32_t len);
void mail_ring_push(struct mail_ring *r, uint16_t kind, uint16_t from, uint32_t len);
/* Consumer: the oldest message, aligned to 8, or NULL. It stays until mail_ring_pop(). */
const uint8_t *mail_ring_peek(struct mail_ring *r, struct mail_head *head);
void mail_ring_pop(struct mail_ring *r);
bool mail_ring_empty(const struct mail_ring *r);

#endif
