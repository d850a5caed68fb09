/* SPDX-License-Identifier: BSD-3-Clause */
/* Where secrets wait that were made ahead: a page that the kernel clears in a child and leaves out of core
 * files. */
#ifndef DATAPLANE_TLS_SECRET_PAGE_H
#define DATAPLANE_TLS_SECRET_PAGE_H

#include <stdbool.h>
#include <stdint.h>

enum { TLS_SECRET_PAGE = 4096 };

/* Cold. Zeros. NULL: no memory, or a kernel that does not clear it, who would hand the same secrets to parent
 * and child. */
void *tls_secret_page_new(void);
/* Wiped. Also of NULL. */
void tls_secret_page_free(void *page);

/* Has what was made then (by the CPU's clock) waited for some three minutes? */
bool tls_secret_old(uint64_t made);

#endif
