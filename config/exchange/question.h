/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker asks control for: the answer comes as a fact of the policy segment (config/policy/fact.h). */
#ifndef CONFIG_EXCHANGE_QUESTION_H
#define CONFIG_EXCHANGE_QUESTION_H

#include <stdint.h>

enum { EXCHANGE_QUESTION = 1 }; /* the kind of the message in its ring */

struct exchange_question {
	uint64_t asker;	   /* who is charged: a hash of the peer's key; 0 nobody */
	uint64_t asked_ns; /* CLOCK_MONOTONIC */
	uint8_t dns_kind;  /* enum policy_dns_kind */
	uint8_t len;
	char name[254]; /* canonical */
};

_Static_assert(sizeof(struct exchange_question) == 272, "one message of the question ring");

#endif
