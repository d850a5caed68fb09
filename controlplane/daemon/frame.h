/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of the control socket: four bytes of length (big endian), then one JSON object. Pure. */
#ifndef CONTROLPLANE_DAEMON_FRAME_H
#define CONTROLPLANE_DAEMON_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX  (1u << 20) /* of a request */
#define FRAME_HEAD 4u

/* Looks at the beginning of `data`: >0 bytes of the whole frame (payload at data + FRAME_HEAD), 0 more is
 * needed, <0 longer than FRAME_MAX or empty. */
static inline long frame_take(const uint8_t *data, size_t n)
{
	uint32_t len;

	if (n < FRAME_HEAD)
		return 0;
	len = (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
	if (len == 0 || len > FRAME_MAX)
		return -1;
	return n < FRAME_HEAD + (size_t)len ? 0 : (long)(FRAME_HEAD + len);
}

static inline void frame_head(uint8_t out[FRAME_HEAD], uint32_t len)
{
	out[0] = (uint8_t)(len >> 24);
	out[1] = (uint8_t)(len >> 16);
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
}

#endif
