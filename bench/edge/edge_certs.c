/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/edge/edge_certs.h"

#include <stdio.h>

#include "tests/unit/tls/kit.h"

static int put(const char *dir, const char *name, const char *end, const char *text)
{
	char path[320];
	FILE *f;
	int bad;

	snprintf(path, sizeof(path), "%s/%s.%s", dir, name, end);
	f = fopen(path, "w");
	if (!f)
		return -1;
	bad = fputs(text, f) < 0;
	return fclose(f) || bad ? -1 : 0;
}

static int make(const char *dir, const struct kit_cert *ca, const char *file, const char *name)
{
	char san[160];
	struct kit_cert c;
	int bad;

	snprintf(san, sizeof(san), "DNS:%s", name);
	c = kit_cert(ca, (struct kit_ask){.cn = name, .san = san, .eku = "serverAuth,clientAuth"});
	bad = put(dir, file, "pem", c.pem) || put(dir, file, "key", c.key_pem);
	kit_cert_free(&c);
	return bad ? -1 : 0;
}

int edge_certs_make(const char *dir, unsigned partners)
{
	struct kit_cert ca = kit_cert(NULL, (struct kit_ask){.cn = "bench ca", .ca = true});
	int bad = put(dir, "ca", "pem", ca.pem) || make(dir, &ca, "box", "sip.contoso.test") ||
		  make(dir, &ca, "inner", "edge.inside.contoso.test") ||
		  make(dir, &ca, "pool", "pool.inside.contoso.test");

	for (unsigned i = 0; !bad && i < partners; i++) {
		char file[16], name[64];

		snprintf(file, sizeof(file), "%u", i);
		snprintf(name, sizeof(name), "edge.p%u.test", i);
		bad = make(dir, &ca, file, name);
	}
	kit_cert_free(&ca);
	return bad ? -1 : 0;
}
