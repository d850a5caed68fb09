/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for tables that are looked into at random: where every look goes to another page, what it waits for
 * is mostly the page's walk. One thread. */
#ifndef DATAPLANE_BASE_PAGES_H
#define DATAPLANE_BASE_PAGES_H

#include <stddef.h>

/* At least *bytes of zeroed memory, *bytes says how much it is, from a quarter of a huge page on in huge ones
 * where the kernel has them to give. Else it is touched as it is used. NULL: errno. */
void *base_pages_map(size_t *bytes);
/* what base_pages_map() gave, with the size that it said; NULL: nothing */
void base_pages_unmap(void *pages, size_t bytes);

#endif
