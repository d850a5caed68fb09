/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes as an entry of a signed route: what is taken apart is put together to the same bytes, as far as it
 * says the same; as text it has one spelling. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/proxy/route_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct route_entry e, back;
	uint8_t bytes[ROUTE_OPAQUE_MAX], read[ROUTE_OPAQUE_MAX];
	char text[ROUTE_OPAQUE_TEXT + 1];
	uint32_t n;
	int len;

	len = route_text_read((const char *)data, size > 4096 ? 4096 : (uint32_t)size, read, sizeof(read));
	if (len >= 0 &&
	    (route_text_write(read, (uint32_t)len, text) != size || memcmp(text, data, size) != 0))
		abort();
	if (size > ROUTE_OPAQUE_MAX || !route_entry_unpack(data, (uint32_t)size, &e))
		return 0;
	n = route_entry_pack(&e, data[0], bytes);
	if (!n || !route_entry_unpack(bytes, n, &back))
		abort();
	if (back.side != e.side || back.flags != e.flags || back.port != e.port ||
	    back.own_identity != e.own_identity || back.minted_s != e.minted_s || back.rest != e.rest ||
	    back.aim != e.aim || memcmp(&back.hop, &e.hop, sizeof(e.hop)) != 0 ||
	    back.stored.type != e.stored.type || back.stored.by_key != e.stored.by_key ||
	    back.stored.discovered != e.stored.discovered ||
	    memcmp(back.stored.spki, e.stored.spki, POLICY_SPKI_LEN) != 0 ||
	    !policy_name_equal(back.stored.domain, e.stored.domain) ||
	    !policy_name_equal(back.stored.identity, e.stored.identity))
		abort();
	return 0;
}
