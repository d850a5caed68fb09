/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/edge/edge_world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static FILE *file(const char *dir, const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return fopen(path, "w");
}

static int policy(const struct edge_world *w)
{
	FILE *f = file(w->dir, "policy.conf");

	if (!f)
		return -1;
	for (unsigned i = 0; i < 2; i++)
		fprintf(f, "set certificate %s chain %s/%s.pem key %s/%s.key\n", i ? "inner" : "box", w->dir,
			i ? "inner" : "box", w->dir, i ? "inner" : "box");
	fprintf(f,
		"set trust bench ca %s/ca.pem\n"
		"set tls-profile outside trust bench\n"
		"set tls-profile inside trust bench\n"
		"set federation tls-profile outside\n"
		"set federation internal-tls-profile inside\n"
		"set identity main public-fqdn sip.contoso.test\n"
		"set identity main external-listen 198.18.1.2\n"
		"set identity main internal-listen 198.18.2.2\n"
		"set identity main server-certificate box\n"
		"set identity main client-certificate box\n"
		"set identity main internal-certificate inner\n"
		"set sip-domain contoso.test identity main next-hop 198.18.2.10\n"
		"set internal-server pool.inside.contoso.test\n"
		"set federation allow-federated-users yes\n"
		"set access global federation yes\n"
		"set access user/carol@contoso.test federation no\n"
		"set dns server 127.0.0.1\n",
		w->dir);
	for (unsigned i = 0; i < w->domains; i++)
		if (i < w->partners)
			fprintf(f, "set partner p%u.test allow proxy-fqdn edge.p%u.test\n", i, i);
		else
			fprintf(f, "set partner p%u.test allow\n", i);
	return fclose(f);
}

static int table(const struct edge_world *w)
{
	char path[320];
	FILE *f;

	snprintf(path, sizeof(path), "%s/db", w->dir);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -1;
	f = file(w->dir, "db/version");
	if (!f || fprintf(f, "table_name(string) table_version(int)\nallowed:2\n") < 0 || fclose(f))
		return -1;
	f = file(w->dir, "db/allowed");
	if (!f)
		return -1;
	fprintf(f, "id(int,auto) key_name(string) key_type(int) value_type(int) key_value(string) "
		   "expires(int)\n");
	for (unsigned i = 0; i < w->domains; i++)
		fprintf(f, "%u:p%u.test:0:0:edge.p%u.test:0\n", i + 1, i, i);
	return fclose(f);
}

int edge_world_make(const struct edge_world *w)
{
	return edge_certs_make(w->dir, w->partners) || policy(w) || table(w) ? -1 : 0;
}

int edge_world_ring(const struct edge_world *w, const char *sub, unsigned workers, unsigned connections)
{
	char path[320], line[512];
	FILE *f, *from;

	if (mkdir(sub, 0755) && errno != EEXIST)
		return -1;
	f = file(sub, "box.conf");
	snprintf(path, sizeof(path), "%s/policy.conf", w->dir);
	from = fopen(path, "r");
	if (!f || !from)
		return -1;
	fprintf(f,
		"set dataplane run-dir %s/run\nset dataplane workers %u\nset dataplane memory 512\n"
		"set dataplane mbufs 32767\nset dataplane seccomp off\n",
		sub, workers);
	for (unsigned i = 0; i < 2; i++)
		fprintf(f,
			"set port %s0 side %s\nset port %s0 device ring:\nset port %s0 address "
			"198.18.%u.2/24\n",
			i ? "int" : "ext", i ? "internal" : "external", i ? "int" : "ext", i ? "int" : "ext",
			i + 1);
	while (fgets(line, sizeof(line), from))
		fputs(line, f);
	fclose(from);
	fprintf(f, "set federation connections-per-partner %u\n", connections);
	return fclose(f);
}
