/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/store/candidate_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "sallyport candidate 1 USER", then "NOUN KEYLEN BODYLEN" (-1: deleted) with key and body, then "end COUNT"
 */
static const char magic[] = "sallyport candidate 1";

static int write_file(int dir, const struct schema_text *t)
{
	static const char fresh[] = "candidate.new";
	int fd, r = 0;

	unlinkat(dir, fresh, 0);
	fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	for (size_t at = 0; at < t->n && !r;) {
		ssize_t n = write(fd, t->p + at, t->n - at);

		if (n <= 0 && errno != EINTR)
			r = n < 0 ? -errno : -EIO;
		at += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	/* not synced: what was typed is worth a rename, not a disk's turn */
	if (!r && renameat(dir, fresh, dir, "candidate"))
		r = -errno;
	return r;
}

int candidate_save(const struct candidate *c, const char *dir, const char *edited_by)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct schema_text t = {0};
	size_t n = 0;

	if (fd < 0)
		return -errno;
	if (!schema_map_count(&c->map)) {
		if (unlinkat(fd, "candidate", 0) && errno != ENOENT)
			r = -errno;
		close(fd);
		return r;
	}
	r = schema_text_printf(&t, "%s %s\n", magic, *edited_by ? edited_by : "-");
	for (size_t i = 0; i < c->map.n && !r; i++) {
		const struct schema_entry *e = &c->map.entry[i];

		if (e->dead)
			continue;
		n++;
		r = schema_text_printf(&t, "%s %zu %ld\n", schema_nouns[e->noun].name, strlen(e->key),
				       e->body ? (long)e->body_len : -1L);
		r = r ? r : schema_text_puts(&t, e->key);
		r = r ? r : schema_text_puts(&t, "\n");
		if (e->body && !r)
			r = schema_text_add(&t, e->body, e->body_len);
		r = r ? r : schema_text_puts(&t, "\n");
	}
	r = r ? r : schema_text_printf(&t, "end %zu\n", n);
	r = r ? r : write_file(fd, &t);
	schema_text_fini(&t);
	close(fd);
	return r;
}

struct restoring {
	struct schema_map map;
	size_t unknown, n;
};

/* the entry at `p`; where the next begins, NULL when there is none, `*end` when it is the last line */
static const char *take(struct restoring *r, const char *p, const char *stop, bool *end)
{
	const struct schema_noun *noun;
	struct schema_object o = {0};
	char name[64], key[SCHEMA_KEY_MAX];
	const char *line = memchr(p, '\n', (size_t)(stop - p));
	size_t key_len, count;
	long body_len;
	int used = 0;

	*end = false;
	if (!line || line - p > 120)
		return NULL;
	if (sscanf(p, "end %zu%n", &count, &used) == 1 && p + used == line) {
		*end = count == r->n;
		return NULL;
	}
	if (sscanf(p, "%63s %zu %ld%n", name, &key_len, &body_len, &used) != 3 || p + used != line ||
	    key_len >= sizeof(key) || body_len < -1)
		return NULL;
	p = line + 1;
	if ((size_t)(stop - p) < key_len + (size_t)(body_len < 0 ? 0 : body_len) + 2)
		return NULL;
	memcpy(key, p, key_len);
	key[key_len] = '\0';
	p += key_len;
	if (*p++ != '\n')
		return NULL;
	r->n++;
	noun = schema_noun_named(name);
	/* what this version does not know is not carried along */
	if (!noun || (body_len >= 0 && schema_object_load(&o, noun, key, p, (size_t)body_len)))
		r->unknown++;
	else if (schema_map_put(&r->map, schema_noun_index(noun), key, body_len < 0 ? NULL : p,
				body_len < 0 ? 0 : (size_t)body_len, 0))
		p = NULL;
	schema_object_fini(&o);
	if (!p)
		return NULL;
	p += body_len < 0 ? 0 : body_len;
	return *p == '\n' ? p + 1 : NULL;
}

int candidate_restore(struct candidate *c, const char *dir, char edited_by[STORE_USER_MAX], size_t *unknown)
{
	struct restoring r = {{0}, 0, 0};
	char path[512], *text = NULL;
	const char *p;
	size_t len;
	bool end = false;
	int rc;

	*unknown = 0;
	if (snprintf(path, sizeof(path), "%s/candidate", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	rc = schema_file_slurp(path, &text, &len);
	if (rc)
		return rc;
	p = len > sizeof(magic) && memcmp(text, magic, sizeof(magic) - 1) == 0 ? memchr(text, '\n', len)
									       : NULL;
	if (p && (size_t)(p - text) > sizeof(magic) - 1) {
		snprintf(edited_by, STORE_USER_MAX, "%.*s", (int)(p - text - (long)sizeof(magic)),
			 text + sizeof(magic));
		if (strcmp(edited_by, "-") == 0)
			edited_by[0] = '\0';
	}
	for (p = p ? p + 1 : NULL; p;)
		p = take(&r, p, text + len, &end);
	if (end) {
		schema_map_fini(&c->map);
		c->map = r.map;
		*unknown = r.unknown;
	} else {
		schema_map_fini(&r.map);
		edited_by[0] = '\0';
		rc = -EBADMSG;
	}
	free(text);
	return rc;
}
