/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/secret_page.h"

#include <stddef.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include "dataplane/tls/kdf.h"

/* in ticks */
static const uint64_t wait_max = (uint64_t)1 << 39;

void *tls_secret_page_new(void)
{
	void *page = mmap(NULL, TLS_SECRET_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, TLS_SECRET_PAGE, MADV_WIPEONFORK)) {
		munmap(page, TLS_SECRET_PAGE);
		return NULL;
	}
	madvise(page, TLS_SECRET_PAGE, MADV_DONTDUMP);
	return page;
}

void tls_secret_page_free(void *page)
{
	if (!page)
		return;
	tls_wipe(page, TLS_SECRET_PAGE);
	munmap(page, TLS_SECRET_PAGE);
}

bool tls_secret_old(uint64_t made)
{
	return __rdtsc() - made > wait_max;
}
