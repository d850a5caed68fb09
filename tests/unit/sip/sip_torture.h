/* SPDX-License-Identifier: BSD-3-Clause */
/* Our own torture set: for each message of RFC 4475 and RFC 5118 one that breaks or bends the same rule,
 * written anew, and what else has smuggled something past a proxy. Unit tests, the differential test and the
 * fuzz corpora share it. */
#ifndef TESTS_UNIT_SIP_SIP_TORTURE_H
#define TESTS_UNIT_SIP_SIP_TORTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "dataplane/sip/sip_reason.h"

struct sip_torture {
	const char *name; /* as the RFC calls it, or our own */
	const char *rule; /* where the rule stands */
	const char *head; /* start line and header fields, each with CRLF, without the empty line */
	size_t head_len;
	const char *body;
	size_t body_len;
	bool own_length; /* the head has its own Content-Length, or none on purpose */
	enum sip_reason verdict;
};

extern const struct sip_torture sip_torture_set[];
extern const size_t sip_torture_n;

/* the message's bytes into out (Content-Length appended unless own_length): its length; aborts if it does not
 * fit */
size_t sip_torture_bytes(const struct sip_torture *t, char *out, size_t size);

#endif
