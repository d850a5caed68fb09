/* SPDX-License-Identifier: BSD-3-Clause */
/* The secrets directory beside the segments: files that are named by the SHA-256 of what they hold. The
 * dataplane reads them; control alone writes. What nobody names any more is removed after a while, so that a
 * reader of an older generation still finds it. Any thread. */
#ifndef CONTROLPLANE_SECRET_VAULT_H
#define CONTROLPLANE_SECRET_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	VAULT_HASH = 65, /* 64 hex digits and the NUL */
	VAULT_KEEP_S = 3600,
	/* A list of 50 MB that is written anew every few seconds must not fill the memory: of what nobody
	 * names any more so much is kept, and whatever is younger than a minute. */
	VAULT_OLD_BYTES = 64 << 20,
	VAULT_YOUNG_S = 60,
};

struct vault {
	int dir;
	_Atomic(gid_t) group; /* who may read; (gid_t)-1: as it comes; a commit may change it */
	const char *store;    /* where fetched lists are kept (crl_cache.h); NULL: nowhere */
};

/* RUN/secrets, mode 0750; v->store is the caller's to set afterwards. 0 or -errno */
int vault_open(struct vault *v, const char *run_dir, gid_t group);
void vault_close(struct vault *v);
/* Puts content in and says its name. Complete and synced before it has it. 0 or -errno */
int vault_put(const struct vault *v, const void *bytes, size_t len, char hash[VAULT_HASH]);
/* is there a file of that name? (It is what it says: nobody else writes here, and readers sum it up.) */
bool vault_has(const struct vault *v, const char *hash);
/* Of what `keep` does not want, removes what is older than VAULT_KEEP_S, and the oldest while it is more than
 * VAULT_OLD_BYTES; how many went. */
unsigned vault_sweep(const struct vault *v, bool (*keep)(void *ctx, const char *hash), void *ctx, time_t now);
void vault_hash(const void *bytes, size_t len, char hash[VAULT_HASH]);

#endif
