/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage 1: one pass over the header section that turns bytes into bitmaps, one bit a byte, one map a question
 * ("is this no token character?"). Every later stage finds the end of a run with a shift and a count of
 * zeros. The pass also finds the end of the header section and everything in it that has no second reading: a
 * CR or LF alone, control characters.
 *
 * Several kernels do the same work with other instructions; the best one that the CPU has is chosen at start,
 * SALLYPORT_SIP_KERNEL in the environment overrides. */
#ifndef DATAPLANE_SIP_SIP_SCAN_H
#define DATAPLANE_SIP_SIP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SIP_HEAD_MAX = 64 * 1024, /* start line and header fields, with the empty line */
	SIP_SCAN_BLOCKS = SIP_HEAD_MAX / 64,
	/* line ends are three bytes apart at least, but in the block that ends the scan */
	SIP_SCAN_LINES = SIP_HEAD_MAX / 3 + 128,
};

/* The maps. All but the last two say "no": a set bit ends a run. Order is that of sip_tables.py. */
enum sip_class {
	SIP_NOT_TOKEN, /* RFC 3261 section 25.1, token */
	SIP_NOT_HOST,  /* letters, digits, '.', '-' */
	SIP_NOT_USER,  /* user of a URI, without '%' */
	SIP_NOT_PARAM, /* paramchar of a URI, without '%' */
	SIP_NOT_QTEXT, /* inside of a quoted string: also HTAB, never '"' or '\' */
	SIP_NOT_WORD,  /* half of a Call-ID */
	SIP_PUNCT,     /* '.' and '-' */
	SIP_LF,	       /* goes into line[], not into a map */
	SIP_CLASSES,
	SIP_MAPS = SIP_LF
};

struct sip_scan {
	/* Two words more than the head has: a window reads eight bytes from any byte on, and the last words
	 * are all ones. Eight, so that eight words can be written at once, and the maps, an odd number of
	 * cache lines long, stay off each other's cache sets. */
	uint64_t bits[SIP_MAPS][SIP_SCAN_BLOCKS + 8];
	uint32_t head_len;	       /* 0: no empty line seen yet, else the offset behind it */
	uint32_t bare_at;	       /* offset + 1 of the first CR without LF or LF without CR; 0: none */
	uint32_t lines;		       /* entries of line[] */
	bool ctl;		       /* a control character: legal only as quoted-pair */
	bool high;		       /* a byte above 0x7f */
	uint16_t line[SIP_SCAN_LINES]; /* offset of every LF, that of the empty line too */
};

/* Scans buf[from, len) as far as the empty line; `from` is a multiple of 64, and 0 or where an earlier call
 * on the same bytes stopped. Reads nothing outside of buf[0, len). len ≤ SIP_HEAD_MAX. */
typedef void (*sip_scan_fn)(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from);

struct sip_kernel {
	const char *name;
	const char *isa; /* what the CPU must have, for humans */
	sip_scan_fn scan;
};

/* all that were built, best first; the last one runs everywhere */
extern const struct sip_kernel sip_kernels[];
extern const unsigned sip_kernels_n;

/* can this CPU run it? */
bool sip_kernel_usable(const struct sip_kernel *k);
/* by name; NULL: unknown or not usable here */
const struct sip_kernel *sip_kernel_find(const char *name);
/* the best usable one, or the one that SALLYPORT_SIP_KERNEL names; a name that cannot be had is ignored,
 * which the caller sees by comparing. Cold: reads the environment. */
const struct sip_kernel *sip_kernel_choose(void);

#endif
