/* SPDX-License-Identifier: BSD-3-Clause */
/* A piece of a message: offset and length into the buffer that was parsed. Nothing of the parser holds a
 * pointer, so that a view survives a move of the buffer. */
#ifndef DATAPLANE_SIP_SIP_VIEW_H
#define DATAPLANE_SIP_SIP_VIEW_H

#include <stdint.h>

struct sip_view {
	uint32_t off, len;
};

static inline struct sip_view sip_view_of(uint32_t from, uint32_t to)
{
	return (struct sip_view){from, to - from};
}

static inline uint32_t sip_view_end(struct sip_view v)
{
	return v.off + v.len;
}

#endif
