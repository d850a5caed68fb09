/* SPDX-License-Identifier: BSD-3-Clause */
/* the entry points of the kernels: one symbol a file */
#ifndef DATAPLANE_SIP_SIP_KERNEL_H
#define DATAPLANE_SIP_SIP_KERNEL_H

#include "dataplane/sip/sip_scan.h"

void sip_scan_fallback(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from);
void sip_scan_sse42(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from);
void sip_scan_avx2(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from);
void sip_scan_avx512(struct sip_scan *s, const uint8_t *buf, uint32_t len, uint32_t from);

#endif
