/* SPDX-License-Identifier: BSD-3-Clause */
/* A-labels from U-labels, IDNA2008 through libidn2: what the schema's hook is filled with. */
#ifndef CONTROLPLANE_STORE_IDN_H
#define CONTROLPLANE_STORE_IDN_H

#include <stddef.h>

int idn_to_ascii(const char *in, char *out, size_t cap); /* 0 or -EINVAL */

#endif
