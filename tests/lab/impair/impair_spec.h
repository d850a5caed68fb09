/* SPDX-License-Identifier: BSD-3-Clause */
/* How bad a line is, as one word of text: "loss=5%,burst=3,delay=5ms/dir=in,mtu=1400" (tests/lab/README.md).
 */
#ifndef TESTS_LAB_IMPAIR_IMPAIR_SPEC_H
#define TESTS_LAB_IMPAIR_IMPAIR_SPEC_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* probabilities are out of 2^32, so that a draw of 32 bits is compared as it is */
struct impair_spec {
	uint32_t loss, dup, reorder, corrupt;
	uint32_t burst; /* frames lost in one go */
	uint64_t delay_ns, jitter_ns;
	uint64_t hold_ns;	 /* how much later a reordered frame goes */
	uint64_t up_ns, down_ns; /* link flap: so long up, so long down, for ever */
	uint64_t rate_bps;	 /* 0: as fast as it comes */
	uint64_t queue_ns;	 /* what waits longer for its turn at that rate is lost */
	uint32_t mtu;		 /* 0: no hole. Of layer 3 */
	bool icmp4, icmp6;	 /* the hole answers, from these addresses */
	struct in_addr from4;
	struct in6_addr from6;
	uint64_t seed;
};

enum impair_dir { IMPAIR_IN, IMPAIR_OUT, IMPAIR_DIRS }; /* towards the box, from the box */

/* parses `text` into both directions. 0, or -EINVAL with what is wrong in `why`. */
int impair_spec_parse(const char *text, struct impair_spec out[IMPAIR_DIRS], char *why, size_t why_len);

#endif
