/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that an operator names as certificates, keys, lists, OCSP responses: whatever is in them, the answer
 * is yes or a reason, never a crash. The first byte says what it is read as; a zero line parts a chain from
 * its key. */
#include "controlplane/secret/pem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char parting[] = "\n---\n";
	char why[PEM_WHY_MAX] = "", *text;
	const int64_t now = 1795250815;
	struct pem_info info;
	const char *key;
	size_t n;
	int r;

	if (size < 1)
		return 0;
	n = size - 1;
	text = malloc(n + 1);
	if (!text)
		return 0;
	memcpy(text, data + 1, n);
	text[n] = '\0';
	key = memmem(text, n, parting, sizeof(parting) - 1);
	switch (data[0] % 4) {
	case 0:
		r = key ? pem_pair(text, (size_t)(key - text), key + 5, n - (size_t)(key + 5 - text), now,
				   &info, why)
			: pem_pair(text, n, text, n, now, &info, why);
		break;
	case 1:
		r = pem_anchors(text, n, now, &info, why);
		break;
	case 2:
		r = pem_lists(text, n, now, &info, why);
		break;
	default:
		r = key ? pem_ocsp(key + 5, n - (size_t)(key + 5 - text), text, (size_t)(key - text), now,
				   &info, why)
			: pem_ocsp(text, n, text, n, now, &info, why);
	}
	/* who refuses says why; strings end */
	if (r && !why[0])
		abort();
	if (!memchr(info.subject, '\0', sizeof(info.subject)) ||
	    !memchr(info.names, '\0', sizeof(info.names)) ||
	    !memchr(info.warning, '\0', sizeof(info.warning)))
		abort();
	free(text);
	return 0;
}
