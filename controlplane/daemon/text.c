/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/text.h"
#include "config/schema/schema_decode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int text_slurp(int fd, char **text, size_t *len)
{
	size_t cap = 65536, n = 0;
	struct stat st;
	char *p;
	int r;

	if (fd < 0)
		return -EBADF;
	if (fstat(fd, &st))
		return -errno;
	/* a pipe or a terminal would keep the daemon waiting; the shell reads those itself */
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ESPIPE;
	if (st.st_size > 0)
		cap = (size_t)st.st_size + 2;
	p = malloc(cap);
	for (;;) {
		ssize_t got;

		if (p && n + 1 >= cap) {
			char *q = cap < (1u << 30) ? realloc(p, cap * 2) : NULL;

			if (!q) {
				free(p);
				return cap < (1u << 30) ? -ENOMEM : -EFBIG;
			}
			p = q;
			cap *= 2;
		}
		if (!p)
			return -ENOMEM;
		got = read(fd, p + n, cap - n - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			r = -errno;
			free(p);
			return r;
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	p[n] = '\0';
	*text = p;
	*len = n;
	r = schema_decode(text, len);
	if (r)
		free(*text);
	return r;
}

const char *text_time(uint64_t at, char buf[32])
{
	time_t t = (time_t)at;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(buf, 32, "%Y-%m-%d %H:%M:%S", &tm);
	return buf;
}

int text_revision_json(const struct store_revision *r, struct schema_text *out)
{
	schema_text_printf(out,
			   "{\"revision\":%llu,\"at\":%llu,\"uid\":%u,\"user\":", (unsigned long long)r->id,
			   (unsigned long long)r->at, r->uid);
	schema_json_string(out, r->user);
	schema_text_printf(out, ",\"kind\":\"%s\",\"comment\":", r->kind);
	schema_json_string(out, r->comment);
	schema_text_printf(out, ",\"changes\":%llu,\"objects\":%llu,\"hash\":\"%s\",\"chain\":\"%s\"",
			   (unsigned long long)r->changes, (unsigned long long)r->objects, r->fingerprint,
			   r->chain);
	if (r->revert_at)
		schema_text_printf(out, ",\"reverts_to\":%llu,\"reverts_at\":%llu",
				   (unsigned long long)r->revert_to, (unsigned long long)r->revert_at);
	return schema_text_puts(out, "}");
}

int text_pad(struct schema_text *out, const char *s, unsigned width)
{
	unsigned n = 0;

	for (const char *p = s; *p; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	schema_text_puts(out, s);
	while (n++ < width)
		schema_text_add(out, " ", 1);
	return schema_text_add(out, " ", 1);
}

void text_address(const uint8_t *a, char *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool v4 = memcmp(a, mapped, sizeof(mapped)) == 0;

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a + 12 : a, out, 64);
}
