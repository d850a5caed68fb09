/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_scan.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/sip/sip_kernel.h"

const struct sip_kernel sip_kernels[] = {
#ifdef __x86_64__
	{"avx512", "avx512f avx512bw avx512vbmi avx512vbmi2 gfni bmi bmi2 popcnt", sip_scan_avx512},
	{"avx2", "avx2 bmi bmi2 popcnt", sip_scan_avx2},
	{"sse42", "sse4.2 popcnt", sip_scan_sse42},
#endif
	{"fallback", "any", sip_scan_fallback},
};
const unsigned sip_kernels_n = sizeof(sip_kernels) / sizeof(sip_kernels[0]);

bool sip_kernel_usable(const struct sip_kernel *k)
{
#ifdef __x86_64__
	__builtin_cpu_init();
	/* the compiler's own test looks at XCR0 too: what the system does not save must not be used */
	if (k->scan == sip_scan_avx512)
		return __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
		       __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
		       __builtin_cpu_supports("gfni");
	if (k->scan == sip_scan_avx2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
		       __builtin_cpu_supports("bmi2");
	if (k->scan == sip_scan_sse42)
		return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
#endif
	return k->scan == sip_scan_fallback;
}

const struct sip_kernel *sip_kernel_find(const char *name)
{
	for (unsigned i = 0; i < sip_kernels_n; i++)
		if (strcmp(sip_kernels[i].name, name) == 0)
			return sip_kernel_usable(&sip_kernels[i]) ? &sip_kernels[i] : NULL;
	return NULL;
}

const struct sip_kernel *sip_kernel_choose(void)
{
	const char *name = getenv("SALLYPORT_SIP_KERNEL");
	const struct sip_kernel *k = name ? sip_kernel_find(name) : NULL;

	if (k)
		return k;
	for (unsigned i = 0; i + 1 < sip_kernels_n; i++)
		if (sip_kernel_usable(&sip_kernels[i]))
			return &sip_kernels[i];
	return &sip_kernels[sip_kernels_n - 1];
}
