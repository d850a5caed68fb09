/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "dataplane/tls/kdf.h"
#include "dataplane/tls/tls_world.h"

enum { SECRET_MAX = 64 << 20 }; /* the largest revocation lists of public CAs are below this */

static int check(const uint8_t *bytes, size_t len, const char *hash)
{
	uint8_t digest[32];
	char hex[65];

	if (!EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL))
		return -ENOMEM;
	for (unsigned i = 0; i < 32; i++) {
		hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	hex[64] = 0;
	return strcmp(hex, hash) ? -EBADMSG : 0;
}

int tls_secret_read(int dir, const char *hash, uint8_t **bytes, size_t *len)
{
	struct stat st;
	uint8_t *p;
	size_t at = 0;
	int fd, err;

	/* the name is data of the policy segment: it may not lead elsewhere */
	if (strlen(hash) != 64 || strspn(hash, "0123456789abcdef") != 64)
		return -EINVAL;
	fd = openat(dir, hash, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_size > SECRET_MAX || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EFBIG;
	}
	p = malloc((size_t)st.st_size + 1);
	while (p && at < (size_t)st.st_size) {
		ssize_t n = read(fd, p + at, (size_t)st.st_size - at);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	close(fd);
	err = p ? check(p, at, hash) : -ENOMEM;
	if (err) {
		tls_secret_free(p, at);
		return err;
	}
	*bytes = p;
	*len = at;
	return 0;
}

void tls_secret_free(uint8_t *bytes, size_t len)
{
	if (bytes)
		tls_wipe(bytes, len);
	free(bytes);
}
