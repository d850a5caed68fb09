/* SPDX-License-Identifier: BSD-3-Clause */
/* What the operator has to publish, open and install for a configuration: the DNS, port and certificate
 * summaries, filled in. Pure over a source, so that "test dns" walks the same list. */
#ifndef CONTROLPLANE_DAEMON_DUTY_H
#define CONTROLPLANE_DAEMON_DUTY_H

#include "config/schema/schema_cross.h"

struct duty_record {
	char name[SCHEMA_KEY_MAX]; /* owner */
	const char *type;	   /* SRV, A, AAAA */
	char data[SCHEMA_KEY_MAX]; /* "0 0 5061 sip.contoso.com" or an address */
	char why[256];
};

/* every DNS record that has to exist; 0 or -errno */
int duty_dns(const struct schema_source *source, void (*each)(void *ctx, const struct duty_record *r),
	     void *ctx);

struct duty_port {
	const char *side, *way; /* external | internal; in | out */
	char proto[16], local[80], remote[80], why[160];
};

int duty_firewall(const struct schema_source *source, void (*each)(void *ctx, const struct duty_port *p),
		  void *ctx);

struct duty_certificate {
	char identity[SCHEMA_KEY_MAX];
	const char *slot;	   /* server, client, internal */
	char name[SCHEMA_KEY_MAX]; /* of the certificate object, or "(missing)" */
	char subject[SCHEMA_KEY_MAX];
	struct schema_text san; /* blank separated */
	bool private_name;	/* these are a proposal: any name will do that our own servers are told */
	const char *eku;
};

int duty_certificates(const struct schema_source *source,
		      void (*each)(void *ctx, const struct duty_certificate *c), void *ctx);

#endif
