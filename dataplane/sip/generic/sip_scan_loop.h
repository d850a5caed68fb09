/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of stage 1 that kernels share: an includer gives sip_classify() over 64 bytes and gets the loop,
 * or defines SIP_OWN_LOOP and has its own. Everything is static: a copy built for one instruction set must
 * never be linked into another. */
#ifndef DATAPLANE_SIP_GENERIC_SIP_SCAN_LOOP_H
#define DATAPLANE_SIP_GENERIC_SIP_SCAN_LOOP_H

#include <string.h>

#include "dataplane/sip/sip_scan.h"

/* what the empty line, a bare CR and a bare LF look like across the border of two blocks */
static inline void sip_scan_carry(const uint8_t *buf, uint32_t from, uint64_t *cr, uint64_t *lf)
{
	*cr = from >= 1 && buf[from - 1] == '\r';
	*lf = 0;
	if (from >= 2)
		*lf = (uint64_t)(buf[from - 2] == '\n') | (uint64_t)(buf[from - 1] == '\n') << 1;
}

#ifndef SIP_OWN_LOOP
struct sip_block {
	uint64_t map[SIP_CLASSES];
	uint64_t cr, high;
};

static inline void sip_classify(struct sip_block *out, const uint8_t *p);
/* writes base + the index of every set bit, and may write up to 64 entries whatever their number */
static inline void sip_flatten(uint16_t *out, uint64_t set, uint32_t base);

static inline void sip_flatten(uint16_t *out, uint64_t set, uint32_t base)
{
	/* three lines a block are rare, so no branch is taken for fewer */
	for (unsigned i = 0; i < 3; i++) {
		out[i] = (uint16_t)(base + (unsigned)__builtin_ctzll(set | UINT64_C(1) << 63));
		set &= set - 1;
	}
	for (unsigned i = 3; __builtin_expect(set != 0, 0); i++) {
		out[i] = (uint16_t)(base + (unsigned)__builtin_ctzll(set));
		set &= set - 1;
	}
}

static inline uint32_t sip_count(uint64_t x)
{
	/* the usual halving; the compiler makes it one instruction where the kernel's set has it */
	return (uint32_t)__builtin_popcountll(x);
}

static inline void sip_scan_loop(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from)
{
	uint64_t cr_carry, lf_carry, ctl_seen = 0, high_seen = 0;
	uint32_t block = from / 64, lines = 0;

	s->head_len = 0;
	s->bare_at = 0;
	if (from == 0)
		s->ctl = s->high = false;
	sip_scan_carry(buf, from, &cr_carry, &lf_carry);
	for (uint32_t pos = from; pos < len; pos += 64, block++) {
		struct sip_block b;
		uint64_t valid = ~UINT64_C(0), lf, bare, ctl, end;

		if (__builtin_expect(len - pos >= 64, 1)) {
			sip_classify(&b, buf + pos);
		} else {
			uint8_t tail[64] = {0};

			memcpy(tail, buf + pos, len - pos);
			sip_classify(&b, tail);
			valid = (UINT64_C(1) << (len - pos)) - 1;
		}
		for (unsigned c = 0; c < SIP_MAPS; c++)
			s->bits[c][block] = b.map[c];
		lf = b.map[SIP_LF];
		sip_flatten(s->line + lines, lf, pos);
		lines += sip_count(lf);
		/* LF exactly behind every CR, and nowhere else */
		bare = (lf ^ (b.cr << 1 | cr_carry)) & valid;
		/* printable bytes are in one of these two classes; what is in none is a control character */
		ctl = b.map[SIP_NOT_QTEXT] & b.map[SIP_NOT_WORD] & ~(lf | b.cr | b.high) & valid;
		/* LF, any byte, LF: with every LF behind a CR that byte is the CR of the empty line */
		end = lf & (lf << 2 | lf_carry);
		cr_carry = b.cr >> 63;
		lf_carry = lf >> 62;
		if (__builtin_expect((end | bare) != 0, 0)) {
			uint64_t stop = end | bare, low = stop & -stop;

			ctl_seen |= ctl & (low - 1);
			high_seen |= b.high & (low - 1);
			if (bare & low)
				s->bare_at = pos + (uint32_t)__builtin_ctzll(low) + 1;
			else
				s->head_len = pos + (uint32_t)__builtin_ctzll(low) + 1;
			block++;
			break;
		}
		ctl_seen |= ctl;
		high_seen |= b.high;
	}
	for (unsigned c = 0; c < SIP_MAPS; c++)
		s->bits[c][block] = s->bits[c][block + 1] = ~UINT64_C(0);
	s->lines = lines;
	s->ctl |= ctl_seen != 0;
	s->high |= high_seen != 0;
}
#endif

#endif
