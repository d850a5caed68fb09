/* SPDX-License-Identifier: BSD-3-Clause */
/* A peer that has authenticated and then says anything: the input is a list of (content type, length,
 * plaintext), sealed here with the right keys; a type with its top bit set goes in as it is. What arrives
 * above must be exactly the application data before the first thing that is not allowed. */
#include "dataplane/tls/core.h"
#include "tests/unit/tls/kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kit_side side;
static struct kit_cert ca, us;
static struct tls_aead *aead;
static struct tls_session template;

static void prepare(void)
{
	struct tls_pair pair = {kit_blob(us.pem), kit_blob(us.key_pem), {0}};
	struct tls_identity_spec id = {.name = "a", .server = {pair}};
	struct tls_profile_spec p = tls_profile_modern;
	struct tls_world_spec spec = {.identities = &id, .n_identities = 1, .profiles = &p, .n_profiles = 1};
	struct kit_foreign_ask ask = {.cert = &us, .version = 0x0304};
	struct kit_foreign f;

	p.trust = kit_blob(ca.pem);
	kit_side_init(&side, NULL);
	kit_world(&side, &spec);
	kit_openssl(&f, &ask);
	kit_accept(&side, 0);
	kit_pump(&side, &f);
	template = *tls_session_of(side.core, side.id);
	aead = tls_aead_create(TLS_AEAD_BEST, 4);
	kit_foreign_free(&f);
}

static void back_to_start(struct tls_session *s)
{
	for (unsigned i = side.seg_first; i < side.seg_end; i++)
		free(side.segs[i].data);
	side.seg_first = side.seg_end = 0;
	side.shut = side.closed = side.aborted = false;
	side.out_len = 0;
	side.app.got_len = 0;
	tls_aead_key_drop(side.core->aead, tls_key_id(side.core, s, false));
	tls_aead_key_drop(side.core->aead, tls_key_id(side.core, s, true));
	*s = template;
	tls_aead_key_drop(side.core->aead, tls_key_id(side.core, s, false));
	tls_aead_key_drop(side.core->aead, tls_key_id(side.core, s, true));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_direction d;
	struct tls_session *s;
	uint64_t key = 1;
	size_t sent = 0;

	if (!side.core) {
		tls_memory_init();
		ca = kit_cert(NULL, (struct kit_ask){.cn = "ca", .ca = true});
		us = kit_cert(&ca, (struct kit_ask){.cn = "us", .san = "DNS:us.test"});
		prepare();
	}
	if (size < 2 || size > 4096)
		return 0;
	s = tls_session_of(side.core, side.id);
	back_to_start(s);
	if (data[0] & 1)
		s->flags &= (uint16_t)~TLS_F_SERVER;
	side.seg_size = data[0] & 2 ? 1 + data[0] : 0;
	side.app.take = data[0] & 4 ? 3 : UINT32_MAX;
	d = s->rx;
	tls_aead_key_drop(aead, key);
	for (size_t at = 1; at + 2 <= size && s->state == TLS_S_OPEN;) {
		const struct tls_suite *suite = tls_suite_at(s->suite);
		uint8_t record[512], type = data[at];
		size_t n = data[at + 1], len;

		at += 2;
		if (n > size - at)
			n = size - at;
		if (type & 0x80) {
			kit_give(&side, data + at, n);
		} else {
			memcpy(record + tls_record_front(suite), data + at, n);
			len = tls_record_seal(aead, suite, &d, key, (enum tls_content)type,
					      record + tls_record_front(suite), n);
			kit_give(&side, record, len);
			/* 0 is padding: the plaintext's own end is then the type */
			if (type == TLS_APPLICATION || type == 0)
				sent += n;
			if (type == TLS_HANDSHAKE && n == 5 && data[at] == 24)
				tls_direction_update(aead, suite, &d, key++);
		}
		at += n;
		for (unsigned i = 0; i < 300 && (s->flags & TLS_F_PAUSED); i++)
			tls_resume(side.core, side.id);
	}
	if (side.app.got_len > sent)
		__builtin_trap();
	return 0;
}
