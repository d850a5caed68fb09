/* SPDX-License-Identifier: BSD-3-Clause */
/* "check FILE": everything that apply would look at, without a daemon. */
#include "config/schema/boot.h"
#include "config/schema/schema_cross.h"
#include "config/schema/schema_file.h"
#include "controlplane/secret/shelf.h"
#include "controlplane/shell/run.h"
#include "controlplane/store/idn.h"
#include "controlplane/store/json_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct checking {
	struct shell *s;
	const char *path;
	const struct schema_map *map;
	unsigned n;
	long errors;
};

static bool on_file_error(void *ctx, const struct schema_error *e)
{
	struct checking *c = ctx;

	output_error(&c->s->out, c->path, e->line, e->column, "config", e->why);
	return ++c->n < 100;
}

static void on_finding(void *ctx, const struct schema_finding *f)
{
	static const char *const words[] = {"note", "warning", "error"};
	struct checking *c = ctx;
	char text[SCHEMA_WHY_MAX + 300];

	snprintf(text, sizeof(text), "%s%s%.200s: %s", f->noun, *f->key ? " " : "", f->key, f->text);
	if (f->severity == SCHEMA_ERROR) {
		output_error(&c->s->out, c->path, f->line ? f->line : 1, 1, "config", text);
	} else if (c->s->json) {
		struct schema_text t = {0};

		schema_text_printf(&t, "{\"%s\":", words[f->severity]);
		schema_json_string(&t, text);
		schema_text_printf(&t, ",\"line\":%u}", f->line);
		output_rows(&c->s->out, t.p, t.n);
		schema_text_fini(&t);
	} else {
		struct schema_text t = {0};

		if (f->line)
			schema_text_printf(&t, "%s:%u:1: %s: %s\n", c->path, f->line, words[f->severity],
					   text);
		else
			schema_text_printf(&t, "%s: %s: %s\n", c->path, words[f->severity], text);
		output_text(&c->s->out, t.p);
		schema_text_fini(&t);
	}
}

static void say_secret(struct checking *c, enum schema_severity severity, const char *noun, const char *name,
		       const char *text)
{
	const struct schema_noun *n = schema_noun_named(noun);
	const struct schema_entry *e = schema_map_get(c->map, schema_noun_index(n), name);

	on_finding(c, &(struct schema_finding){severity, noun, name, e ? e->line : 0, text});
}

/* a file that cannot be used: apply refuses what names it. The system's own CAs are nobody's line. */
static void on_secret(void *ctx, const char *noun, const char *name, const char *text, bool had)
{
	struct checking *c = ctx;
	bool own = strcmp(name, SHELF_SYSTEM_TRUST) != 0;

	say_secret(c, own ? SCHEMA_ERROR : SCHEMA_WARNING, noun, name, text);
	c->errors += own;
}

static void on_misfit(void *ctx, const char *noun, const char *name, const char *text, bool had)
{
	say_secret(ctx, SCHEMA_WARNING, noun, name, text);
}

/* certificates, keys, CAs and lists that the file names, as apply reads them */
static long check_secrets(struct checking *c, const struct schema_source *source)
{
	struct shelf *shelf = NULL;
	int r = shelf_load(NULL, source, NULL, (int64_t)time(NULL), on_secret, c, &shelf);

	if (r)
		return r;
	for (unsigned i = 0; i < shelf->n; i++) {
		const struct shelf_item *it = &shelf->item[i];
		const char *noun = it->sort == SHELF_CERTIFICATE ? "certificate" : "trust";

		if (strcmp(it->name, SHELF_SYSTEM_TRUST) == 0)
			continue;
		if (it->good && it->info.warning[0])
			say_secret(c, SCHEMA_WARNING, noun, it->name, it->info.warning);
		if (it->good && it->more.warning[0])
			say_secret(c, SCHEMA_WARNING, noun, it->name, it->more.warning);
	}
	shelf_fitness(shelf, source, on_misfit, c);
	shelf_drop(shelf);
	return c->errors;
}

static bool count_object(void *ctx, const char *key, const char *body, size_t len)
{
	++*(size_t *)ctx;
	return true;
}

static void on_boot(void *ctx, unsigned line, unsigned column, const char *text)
{
	struct checking *c = ctx;

	output_error(&c->s->out, c->path, line, column, "dataplane", text);
	c->errors++;
}

/* what the dataplane would refuse at its next start, where the file says anything of ports */
static long check_boot(struct checking *c, const struct schema_source *source, const char *text, size_t len)
{
	struct boot_config *boot;
	size_t ports = 0;

	if (source->each(source->ctx, schema_noun_index(schema_noun_named("port")), count_object, &ports) ||
	    !ports || text[strspn(text, " \t\r\n")] == '{' || text[strspn(text, " \t\r\n")] == '[')
		return 0;
	boot = calloc(1, sizeof(*boot));
	if (!boot)
		return -ENOMEM;
	c->errors = 0;
	boot_parse(boot, text, len, on_boot, c);
	free(boot);
	return c->errors;
}

int run_check_file(struct shell *s, const char *path, bool files)
{
	struct schema_map map = {0};
	struct schema_reader r = {.map = &map, .idn = idn_to_ascii};
	struct checking c = {.s = s, .path = strcmp(path, "-") ? path : "standard input", .map = &map};
	struct schema_source source = schema_source_map(&map);
	const struct schema_entry **e = NULL;
	char *text = NULL;
	size_t len, n;
	int rc = schema_file_slurp(path, &text, &len);
	long errors = 1;

	output_begin(&s->out);
	if (rc) {
		output_error(&s->out, path, 0, 0, "file", strerror(-rc));
	} else if (json_config_file(&r, text, len, on_file_error, &c, NULL, NULL) == 0 &&
		   schema_map_sorted(&map, &e, &n) == 0) {
		errors = schema_cross_check(&source, e, n, on_finding, &c);
		if (!errors)
			errors = check_boot(&c, &source, text, len);
		if (!errors && files)
			errors = check_secrets(&c, &source);
		if (errors < 0)
			output_error(&s->out, path, 0, 0, "check", strerror((int)-errors));
		if (!errors && !s->json) {
			struct schema_text t = {0};

			schema_text_printf(&t, "%s: fit: %zu objects\n", c.path, n);
			output_text(&s->out, t.p);
			schema_text_fini(&t);
		}
	}
	free(e);
	free(text);
	schema_reader_fini(&r);
	schema_map_fini(&map);
	output_end(&s->out, errors ? RUN_FAILED : RUN_OK);
	return errors ? RUN_FAILED : RUN_OK;
}
