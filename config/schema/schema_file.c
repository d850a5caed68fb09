/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/schema_file.h"
#include "config/schema/schema_decode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void schema_reader_fini(struct schema_reader *r)
{
	schema_edit_fini(&r->edit);
	schema_object_fini(&r->object);
	schema_text_fini(&r->body);
}

/* loads the object that r->edit names; 1 exists, 0 not, -errno */
static int load(struct schema_reader *r, struct schema_error *error)
{
	const struct schema_edit *e = &r->edit;
	unsigned noun = schema_noun_index(e->noun);
	const struct schema_entry *have = schema_map_get(r->map, noun, e->key);
	const char *body = have ? have->body : NULL;
	size_t len = have ? have->body_len : 0;
	int found = body != NULL;

	if (!have && r->below) {
		schema_text_reset(&r->body);
		found = r->below(r->below_ctx, noun, e->key, &r->body);
		if (found < 0) {
			snprintf(error->why, sizeof(error->why), "the store cannot be read: %s",
				 strerror(-found));
			return found;
		}
		body = r->body.p;
		len = r->body.n;
	}
	if (!found) {
		schema_object_reset(&r->object, e->noun, e->key);
		return 0;
	}
	if (schema_object_load(&r->object, e->noun, e->key, body ? body : "", len)) {
		snprintf(error->why, sizeof(error->why),
			 "the stored %s %.200s has settings that are not known here", e->noun->name, e->key);
		return -EINVAL;
	}
	return 1;
}

static bool subtree_exists(struct schema_reader *r)
{
	char tree[SCHEMA_KEY_MAX + 2];
	unsigned noun = schema_noun_index(r->edit.noun);
	const struct schema_entry *have;

	if (strcmp(r->edit.noun->name, "partner") || strlen(r->edit.key) + 3 > SCHEMA_KEY_MAX)
		return false;
	snprintf(tree, sizeof(tree), "*.%s", r->edit.key);
	have = schema_map_get(r->map, noun, tree);
	if (have)
		return have->body != NULL;
	schema_text_reset(&r->body);
	return r->below && r->below(r->below_ctx, noun, tree, &r->body) == 1;
}

static int remove_object(struct schema_reader *r, struct schema_error *error)
{
	const struct schema_edit *e = &r->edit;
	unsigned noun = schema_noun_index(e->noun);

	if (schema_map_get(r->map, noun, e->key) && !r->below) {
		schema_map_drop(r->map, noun, e->key);
		return 0;
	}
	if (schema_map_put(r->map, noun, e->key, NULL, 0, 0)) {
		snprintf(error->why, sizeof(error->why), "out of memory");
		return -ENOMEM;
	}
	return 0;
}

int schema_reader_line(struct schema_reader *r, const char *line, unsigned number, struct schema_error *error)
{
	int exists, rc;

	error->line = number;
	error->column = 1;
	if (schema_words_split(&r->words, line, false, error))
		return -EINVAL;
	if (r->words.n == 0)
		return 0;
	if (schema_edit_parse(&r->edit, &r->words, 0, r->idn, error))
		return -EINVAL;
	error->column = r->words.w[0].column;
	exists = load(r, error);
	if (exists < 0)
		return exists;
	if (r->edit.remove && !exists) {
		bool tree = subtree_exists(r);

		error->column = r->words.w[r->words.n > 2 ? 2 : r->words.n - 1].column;
		snprintf(error->why, sizeof(error->why), "there is no %s %.200s%s%.200s%s",
			 r->edit.noun->name, r->edit.key, tree ? "; there is *." : "",
			 tree ? r->edit.key : "", tree ? ", which is meant?" : "");
		return -ENOENT;
	}
	if (r->edit.whole)
		return remove_object(r, error);
	rc = schema_edit_apply(&r->edit, &r->object, exists, error->why);
	if (rc)
		return rc;
	/* what has no key and no settings is not there */
	if (r->object.n == 0 && !r->edit.noun->key_name)
		return remove_object(r, error);
	schema_text_reset(&r->body);
	if (schema_object_body(&r->object, &r->body) ||
	    schema_map_put(r->map, schema_noun_index(r->edit.noun), r->edit.key, r->body.p, r->body.n,
			   number)) {
		snprintf(error->why, sizeof(error->why), "out of memory");
		return -ENOMEM;
	}
	return 0;
}

static bool check_objects(struct schema_reader *r, schema_complain_fn complain, void *ctx)
{
	bool fine = true;

	for (size_t i = 0; i < r->map->n; i++) {
		const struct schema_entry *e = &r->map->entry[i];
		const struct schema_noun *noun = &schema_nouns[e->noun];
		struct schema_error error = {.line = e->line, .column = 1};
		char why[SCHEMA_WHY_MAX];

		if (e->dead || !e->body)
			continue;
		if (schema_object_load(&r->object, noun, e->key, e->body, e->body_len) == 0 &&
		    schema_object_check(&r->object, why) == 0)
			continue;
		fine = false;
		snprintf(error.why, sizeof(error.why), "%s%s%.200s: %.280s", noun->name, *e->key ? " " : "",
			 e->key, why);
		if (!complain(ctx, &error))
			break;
	}
	return fine;
}

int schema_file_read(struct schema_reader *r, const char *text, size_t len, schema_complain_fn complain,
		     void *ctx, schema_progress_fn progress, void *progress_ctx)
{
	char line[SCHEMA_LINE_MAX];
	unsigned number = 0;
	bool fine = true;

	for (size_t at = 0; at < len;) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t n = nl ? (size_t)(nl - text) - at : len - at;
		struct schema_error error = {.line = ++number, .column = 1};
		int rc;

		if (n >= sizeof(line)) {
			snprintf(error.why, sizeof(error.why), "the line is longer than %d bytes",
				 SCHEMA_LINE_MAX - 1);
			rc = -EINVAL;
		} else if (memchr(text + at, '\0', n)) {
			snprintf(error.why, sizeof(error.why),
				 "the line has a NUL byte; this is no text file");
			rc = -EINVAL;
		} else {
			memcpy(line, text + at, n);
			line[n] = '\0';
			rc = schema_reader_line(r, line, number, &error);
		}
		if (rc == -ENOMEM)
			return rc;
		if (rc) {
			fine = false;
			if (!complain(ctx, &error))
				return -EINVAL;
		}
		at += n + 1;
		if (progress && number % 16384 == 0)
			progress(progress_ctx, at, len);
	}
	/* objects of a file with bad lines would complain about what those lines were to say */
	return fine && check_objects(r, complain, ctx) ? 0 : -EINVAL;
}

int schema_file_slurp(const char *path, char **text, size_t *len)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC), r = 0;
	struct stat st;
	enum { ENDLESS = 1 << 30 };
	size_t cap = 65536, n = 0;
	char *p = NULL;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return -EISDIR;
	}
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		cap = (size_t)st.st_size + 1;
	for (;;) {
		char *q = !p || n + 1 >= cap ? realloc(p, p ? cap *= 2 : cap) : p;
		ssize_t got;

		if (!q) {
			r = -ENOMEM;
			break;
		}
		p = q;
		got = read(fd, p + n, cap - n - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			r = -errno;
		if (got <= 0)
			break;
		n += (size_t)got;
		/* a device has no end: whoever names one by mistake has not meant all of the memory */
		if (!S_ISREG(st.st_mode) && n > ENDLESS) {
			r = -EFBIG;
			break;
		}
	}
	close(fd);
	if (r) {
		free(p);
		return r;
	}
	p[n] = '\0';
	*text = p;
	*len = n;
	r = schema_decode(text, len);
	if (r)
		free(*text);
	return r;
}
