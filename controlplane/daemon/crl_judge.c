/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/crl_judge.h"
#include "controlplane/secret/crl_points.h"
#include "controlplane/secret/vault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Who may sign it for one trust store: its CAs, where the URL is configured, and those below them that peers'
 * chains have shown under it. */
static int gather_one(const struct crl_judging *j, const char *line, char **out, size_t *n)
{
	char path[512], *bytes, *more;
	struct crl_anchors *anchors;
	struct crl_points *points;
	size_t len;
	int r = 0;

	snprintf(path, sizeof(path), "%.256s/secrets/%.64s", j->run_dir, line);
	if (strlen(line) < VAULT_HASH || crl_cache_read(path, &bytes, &len))
		return 0;
	if (line[VAULT_HASH - 1] == '+') {
		more = realloc(*out, *n + len + 1);
		r = more ? 0 : -ENOMEM;
		if (more) {
			*out = more;
			memcpy(more + *n, bytes, len);
			*n += len;
			more[(*n)++] = '\n';
		}
	}
	points = r ? NULL : crl_points_load(j->store_dir, line + VAULT_HASH, (int64_t)time(NULL));
	anchors = points && points->n ? crl_anchors_new(bytes, len) : NULL;
	if (anchors && crl_points_issuers(points, j->url, anchors, (int64_t)time(NULL), out, n) < 0)
		r = -ENOMEM;
	crl_anchors_free(anchors);
	crl_points_free(points);
	free(bytes);
	return r;
}

static int gather_anchors(struct crl_judging *j, char **out, size_t *n)
{
	char *save = NULL;
	int r = 0;

	*out = NULL;
	*n = 0;
	for (char *l = strtok_r(j->anchors, "\n", &save); l && !r; l = strtok_r(NULL, "\n", &save))
		r = gather_one(j, l, out, n);
	return r;
}

void crl_judge(struct crl_judging *j)
{
	char path[CRL_CACHE_PATH], *anchors = NULL, *had = NULL, *bytes = NULL, *pem = NULL, no[PEM_WHY_MAX];
	size_t anchors_n = 0, had_n = 0, n = 0, pem_n = 0;
	struct crl_facts before;
	int64_t now = (int64_t)time(NULL);
	bool have;

	crl_cache_path(j->store_dir, j->url, path);
	j->r = gather_anchors(j, &anchors, &anchors_n);
	j->r = j->r ? j->r : crl_cache_read(j->part, &bytes, &n);
	if (j->r)
		snprintf(j->why, sizeof(j->why), "it cannot be read back: %s", strerror(-j->r));
	/* what is kept is what it must not go back behind, whatever is shown of it */
	have = crl_cache_read(path, &had, &had_n) == 0 &&
	       crl_check(had, had_n, anchors, anchors_n, NULL, now, &before, NULL, NULL, no) == 0;
	if (!j->r)
		j->r = crl_check(bytes, n, anchors, anchors_n, have ? &before : NULL, now, &j->facts, &pem,
				 &pem_n, j->why);
	free(bytes);
	j->changed = !j->r && (!have || pem_n != had_n || memcmp(pem, had, pem_n));
	if (j->changed) {
		j->r = crl_cache_put(j->store_dir, j->url, pem, pem_n);
		if (j->r)
			snprintf(j->why, sizeof(j->why), "it cannot be kept: %s", strerror(-j->r));
	} else if (!j->r) {
		crl_cache_touch(j->store_dir, j->url);
	}
	free(pem);
	free(had);
	free(anchors);
	unlink(j->part);
}
