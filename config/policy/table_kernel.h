/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernels of the burst look-up, best first, and the choice among them. */
#ifndef CONFIG_POLICY_TABLE_KERNEL_H
#define CONFIG_POLICY_TABLE_KERNEL_H

#include "config/policy/table_read.h"

typedef void (*table_kernel_fn)(struct table_view *v, const struct policy_name *names, unsigned n,
				struct policy_hit *hits);

struct table_kernel {
	const char *name;
	table_kernel_fn run;
};

void table_domains_generic(struct table_view *v, const struct policy_name *names, unsigned n,
			   struct policy_hit *hits);
void table_domains_avx512(struct table_view *v, const struct policy_name *names, unsigned n,
			  struct policy_hit *hits);

/* the i-th kernel that this machine can run; run NULL behind the last */
struct table_kernel table_kernel_at(unsigned i);
/* the first of them, or the one that SALLYPORT_TABLE_KERNEL names */
struct table_kernel table_kernel_best(void);

#endif
