/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages as two federated edges exchange them, made from a seed: MESSAGE, INVITE with SDP, SUBSCRIBE,
 * NOTIFY with PIDF and responses, with 1 to 6 Vias, in the habits of several implementations (order, names,
 * compact forms, display names), so that no two are alike and a branch predictor cannot learn them by heart.
 */
#ifndef BENCH_SIP_PARSE_SIP_CORPUS_H
#define BENCH_SIP_PARSE_SIP_CORPUS_H

#include <stdint.h>

enum sip_corpus_kind {
	SIP_CORPUS_MESSAGE,
	SIP_CORPUS_INVITE,
	SIP_CORPUS_SUBSCRIBE,
	SIP_CORPUS_NOTIFY,
	SIP_CORPUS_RESPONSE,
	SIP_CORPUS_KINDS
};

struct sip_corpus_message {
	char *bytes; /* NUL behind the end, for parsers that want one */
	uint32_t len, head_len;
	enum sip_corpus_kind kind;
	unsigned vias;
};

struct sip_corpus {
	struct sip_corpus_message *message;
	unsigned n;
	uint64_t bytes;
};

/* n messages; aborts when memory is out */
void sip_corpus_make(struct sip_corpus *c, unsigned n, uint64_t seed);
void sip_corpus_free(struct sip_corpus *c);

#endif
