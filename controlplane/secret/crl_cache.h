/* SPDX-License-Identifier: BSD-3-Clause */
/* Fetched revocation lists on disk: STORE/crl/HASH, HASH being the SHA-256 of the URL. They are checked anew
 * whenever they are read: a name says nothing. Any thread. */
#ifndef CONTROLPLANE_SECRET_CRL_CACHE_H
#define CONTROLPLANE_SECRET_CRL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRL_CACHE_PATH = 360, CRL_CACHE_FILE_MAX = 64 << 20 };

/* makes STORE/crl, 0700; 0 or -errno */
int crl_cache_open(const char *store_dir);
void crl_cache_path(const char *store_dir, const char *url, char path[CRL_CACHE_PATH]);
/* where the bytes of one that is being fetched go: 0600, made anew; the descriptor or -errno */
int crl_cache_part(const char *store_dir, const char *url, char path[CRL_CACHE_PATH]);
/* whole and synced before it has its name; 0 or -errno */
int crl_cache_put(const char *store_dir, const char *url, const void *bytes, size_t len);
/* it was asked for and is the same: seconds since the epoch as its date; crl_cache_date 0: there is none */
void crl_cache_touch(const char *store_dir, const char *url);
int64_t crl_cache_date(const char *store_dir, const char *url);
/* reads a whole file of at most CRL_CACHE_FILE_MAX; the caller frees. 0 or -errno */
int crl_cache_read(const char *path, char **out, size_t *len);
/* removes what `keep` (a name of 64 hex digits) does not want; how many went */
unsigned crl_cache_sweep(const char *store_dir, bool (*keep)(void *ctx, const char *hash), void *ctx);

#endif
