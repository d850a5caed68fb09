/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/wire/checksum.h"

#include "dataplane/wire/isa/sum_kernels.h"

static bool avx512_runs(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl");
}

static bool avx2_runs(void)
{
	return __builtin_cpu_supports("avx2");
}

static bool always_runs(void)
{
	return true;
}

const struct wire_sum_kernel wire_sum_kernels[] = {
	{"avx512", wire_sum_avx512, avx512_runs},
	{"avx2", wire_sum_avx2, avx2_runs},
	{"sse2", wire_sum_sse2, always_runs},
	{"scalar", wire_sum_scalar, always_runs},
	{NULL, NULL, NULL},
};

const struct wire_sum_kernel *wire_sum_pick(const char *name)
{
	for (const struct wire_sum_kernel *k = wire_sum_kernels; k->name != NULL; k++)
		if ((name == NULL || strcmp(name, k->name) == 0) && k->runs_here())
			return k;
	return NULL;
}
