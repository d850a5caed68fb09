/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/table_kernel.h"

#include <stdlib.h>

struct table_kernel table_kernel_at(unsigned i)
{
#ifdef TABLE_HAVE_AVX512
	bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		    __builtin_cpu_supports("avx512vl");

	if (wide && i == 0)
		return (struct table_kernel){"avx512", table_domains_avx512};
	i -= wide;
#endif
	if (i == 0)
		return (struct table_kernel){"generic", table_domains_generic};
	return (struct table_kernel){NULL, NULL};
}

struct table_kernel table_kernel_best(void)
{
	const char *want = getenv("SALLYPORT_TABLE_KERNEL");
	struct table_kernel k;

	for (unsigned i = 0; want && (k = table_kernel_at(i)).run; i++)
		if (strcmp(k.name, want) == 0)
			return k;
	return table_kernel_at(0);
}
