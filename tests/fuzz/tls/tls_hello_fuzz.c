/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes from a stranger to a server that waits for a ClientHello, whole and byte by byte. */
#include "tests/unit/tls/kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kit_side side;
static struct kit_cert ca;

static void prepare(void)
{
	struct tls_pair pair = {kit_blob(ca.pem), kit_blob(ca.key_pem), {0}};
	struct tls_identity_spec ids[2] = {{.name = "a", .sni = {"a.test"}, .server = {pair}},
					   {.name = "b", .sni = {"*.b.test"}, .server = {pair}}};
	struct tls_profile_spec p = tls_profile_compat;
	struct tls_world_spec spec = {.identities = ids, .n_identities = 2, .profiles = &p, .n_profiles = 1};

	p.trust = kit_blob(ca.pem);
	kit_side_init(&side, NULL);
	kit_world(&side, &spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!side.core) {
		tls_memory_init();
		ca = kit_cert(NULL, (struct kit_ask){.cn = "ca", .ca = true});
		prepare();
	}
	if (size < 2 || size > 4096)
		return 0;
	side.seg_size = data[0] & 1 ? 0 : 1 + data[0];
	kit_accept(&side, 0);
	kit_give(&side, data + 1, size - 1);
	while (tls_turn(side.core))
		;
	if (side.app.ready)
		__builtin_trap(); /* nobody without a certificate gets in */
	kit_side_reset(&side);
	while (tls_turn(side.core))
		;
	if (tls_stats_get(side.core)->sessions || tls_stats_get(side.core)->ssl_objects)
		__builtin_trap();
	return 0;
}
