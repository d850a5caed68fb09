/* SPDX-License-Identifier: BSD-3-Clause */
/* The facts as the writer starts and takes them over. Private to config/policy. */
#ifndef CONFIG_POLICY_FACT_WRITE_H
#define CONFIG_POLICY_FACT_WRITE_H

#include "config/policy/writer.h"

/* an empty table of `max` facts; 0 or -EAGAIN */
int policy_fact_make(struct policy_writer *w, uint32_t max, struct keyhash_key key);
/* marks and counts what is there; 0 or -EBADMSG */
int policy_fact_takeover(struct policy_writer *w);

#endif
