/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry points of the kernels behind wire_sum_kernels[]; call them through that table. */
#ifndef DATAPLANE_WIRE_ISA_SUM_KERNELS_H
#define DATAPLANE_WIRE_ISA_SUM_KERNELS_H

#include <stddef.h>
#include <stdint.h>

uint32_t wire_sum_scalar(const void *data, size_t len);
uint32_t wire_sum_sse2(const void *data, size_t len);
uint32_t wire_sum_avx2(const void *data, size_t len);
uint32_t wire_sum_avx512(const void *data, size_t len);

/* A vector lane takes two 16-bit words a step, so 2^14 steps keep it below 2^32. */
enum { SUM_STEPS_MAX = 1 << 14 };

#endif
