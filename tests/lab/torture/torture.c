/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints the torture set for tests of the lab: name, reason, status and action of the verdict, and the
 * message in hexadecimal, one a line. */
#include <stdio.h>

#include "tests/unit/sip/sip_torture.h"

static const struct {
	const char *name;
	unsigned status;
	const char *action;
} verdicts[] = {
#define X(id, status, action, text) {#id, status, #action},
#include "dataplane/sip/sip_reason.def"
#undef X
};

int main(void)
{
	static char bytes[1 << 17];

	for (size_t i = 0; i < sip_torture_n; i++) {
		const struct sip_torture *t = &sip_torture_set[i];
		size_t len = sip_torture_bytes(t, bytes, sizeof(bytes));

		printf("%s %s %u %s ", t->name, verdicts[t->verdict].name, verdicts[t->verdict].status,
		       verdicts[t->verdict].action);
		for (size_t k = 0; k < len; k++)
			printf("%02x", (unsigned char)bytes[k]);
		putchar('\n');
	}
	return 0;
}
