/* SPDX-License-Identifier: BSD-3-Clause */
/* A peer's certificate: whatever is read from it is canonical and inside of its bounds. */
#include <openssl/x509.h>

#include "dataplane/tls/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *p = data;
	X509 *x = d2i_X509(NULL, &p, (long)size);
	struct tls_peer peer;

	if (x && tls_peer_read(x, &peer) == 0) {
		for (unsigned i = 0; i < peer.names; i++) {
			struct policy_name n = tls_peer_name(&peer, i);

			if (n.ptr + n.len > peer.text + peer.text_len)
				__builtin_trap();
			if (n.ptr[0] == '*')
				n = (struct policy_name){n.ptr + 2, n.len - 2};
			if (policy_name_check(n) != POLICY_NAME_OK)
				__builtin_trap();
		}
	}
	X509_free(x);
	return 0;
}
