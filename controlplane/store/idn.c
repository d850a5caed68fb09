/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/store/idn.h"

#include <errno.h>
#include <idn2.h>
#include <stdio.h>

int idn_to_ascii(const char *in, char *out, size_t cap)
{
	char *ascii = NULL;
	/* non-transitional: what registries do today (UTS #46 section 4) */
	int rc = idn2_to_ascii_8z(in, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT), n;

	if (rc != IDN2_OK)
		return -EINVAL;
	n = snprintf(out, cap, "%s", ascii);
	idn2_free(ascii);
	return n < 0 || (size_t)n >= cap ? -EINVAL : 0;
}
