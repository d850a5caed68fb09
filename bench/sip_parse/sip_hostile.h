/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages made to cost: one construct repeated until the header section has the size asked for. */
#ifndef BENCH_SIP_PARSE_SIP_HOSTILE_H
#define BENCH_SIP_PARSE_SIP_HOSTILE_H

#include <stdint.h>

extern const unsigned sip_hostile_n;
const char *sip_hostile_name(unsigned which);

/* kind `which` into out, about `size` bytes (never 1 KiB more): the length. Legal or not is the kind's
 * affair. */
uint32_t sip_hostile_make(unsigned which, char *out, uint32_t size);

#endif
