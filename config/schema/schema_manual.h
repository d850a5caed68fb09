/* SPDX-License-Identifier: BSD-3-Clause */
/* The table in other forms: manual pages, completion of bash, JSON. Each appends to `out`: 0 or -ENOMEM. */
#ifndef CONFIG_SCHEMA_SCHEMA_MANUAL_H
#define CONFIG_SCHEMA_SCHEMA_MANUAL_H

#include "config/schema/schema_command.h"

int schema_manual_file(struct schema_text *out);      /* sallyport.conf(5) */
int schema_manual_commands(struct schema_text *out);  /* sallyport(1) */
int schema_manual_control(struct schema_text *out);   /* sallyport-control(8) */
int schema_manual_dataplane(struct schema_text *out); /* sallyport-dataplane(8) */
int schema_manual_bash(struct schema_text *out);
int schema_manual_json(struct schema_text *out);
int schema_manual_foreign(struct schema_text *out); /* where other products' parameters went */

#endif
