/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/shell/run.h"
#include "config/schema/schema_complete.h"
#include "config/schema/schema_manual.h"
#include "controlplane/shell/names.h"
#include "controlplane/store/idn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct answer {
	struct shell *s;
	const char *file;
	FILE *copy; /* a report or an export goes there */
	bool to_copy_only;
};

static void on_text(void *ctx, const char *text)
{
	struct answer *a = ctx;

	if (a->copy)
		fputs(text, a->copy);
	if (!a->to_copy_only)
		output_text(&a->s->out, text);
}

static void on_rows(void *ctx, const char *rows, size_t n)
{
	struct answer *a = ctx;

	output_rows(&a->s->out, rows, n);
}

static void on_error(void *ctx, const char *code, const char *message, unsigned line, unsigned column,
		     const char *json)
{
	struct answer *a = ctx;

	output_error(&a->s->out, a->file ? a->file : "", line, column, code, message);
}

/* its own line on the error output, so that no reader of the answer meets it */
static void on_silence(void *ctx)
{
	fputs("the daemon took the line and has not answered for 5 s; ^C ends the waiting, not what it "
	      "does\n",
	      stderr);
}

static void on_progress(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
	struct answer *a = ctx;

	output_progress(&a->s->out, phase, done, total);
}

static int complain(struct shell *s, unsigned column, const char *code, const char *message, int status)
{
	s->out.filters = 0; /* there is nothing to count */
	output_begin(&s->out);
	output_error(&s->out, "", 0, column, code, message);
	output_end(&s->out, status);
	return status;
}

/* ---- what needs no daemon ---- */

struct help {
	struct shell *s;
	struct schema_text t;
};

static void help_word(void *ctx, const char *word, const char *help, bool literal)
{
	struct help *h = ctx;

	if (!h->s->json) {
		schema_text_printf(&h->t, "  %-26s %s\n", word, help);
		return;
	}
	schema_text_puts(&h->t, h->t.n ? ",{\"word\":" : "{\"word\":");
	schema_json_string(&h->t, word);
	schema_text_puts(&h->t, ",\"help\":");
	schema_json_string(&h->t, help);
	schema_text_puts(&h->t, "}");
}

static int run_help(struct shell *s, const char *words)
{
	struct help h = {.s = s};
	const struct schema_completion c = {help_word, NULL, &h};
	struct schema_text line = {0};
	size_t partial;

	schema_text_printf(&line, "%s ", words ? words : "");
	if (!words)
		schema_text_reset(&line);
	schema_complete(line.p ? line.p : "", &c, &partial);
	schema_text_fini(&line);
	if (!h.t.n) {
		char text[400];

		schema_text_fini(&h.t);
		snprintf(text, sizeof(text), "nothing is known of '%.300s'; 'help' lists what is",
			 words ? words : "");
		return complain(s, 0, "syntax", text, RUN_USAGE);
	}
	output_begin(&s->out);
	if (s->json)
		output_rows(&s->out, h.t.p, h.t.n);
	else
		output_text(&s->out, h.t.p);
	output_end(&s->out, 0);
	schema_text_fini(&h.t);
	return RUN_OK;
}

static int run_schema(struct shell *s, const char *what)
{
	struct schema_text t = {0};
	bool json = s->out.json;

	if (strcmp(what, "bash") == 0)
		schema_manual_bash(&t);
	else if (strcmp(what, "json") == 0)
		schema_manual_json(&t);
	else if (strcmp(what, "foreign") == 0)
		schema_manual_foreign(&t);
	else if (strcmp(what, "man1") == 0)
		schema_manual_commands(&t);
	else if (strcmp(what, "man8-control") == 0)
		schema_manual_control(&t);
	else if (strcmp(what, "man8-dataplane") == 0)
		schema_manual_dataplane(&t);
	else
		schema_manual_file(&t);
	/* the table's own JSON is a document by itself */
	s->out.json = false;
	output_begin(&s->out);
	output_text(&s->out, t.p);
	output_end(&s->out, 0);
	s->out.json = json;
	schema_text_fini(&t);
	return RUN_OK;
}

static int run_local(struct shell *s, const struct schema_call *call)
{
	const char *w = call->command->words;

	if (strcmp(w, "help") == 0)
		return run_help(s, schema_call_get(call, "words"));
	if (strcmp(w, "schema") == 0)
		return run_schema(s, schema_call_get(call, "format"));
	if (strcmp(w, "configure") == 0) {
		s->configuring = true;
	} else if (strcmp(w, "exit") == 0) {
		s->leaving = !s->configuring;
		s->configuring = false;
	} else if (strcmp(w, "quit") == 0) {
		s->leaving = true;
	} else if (strcmp(w, "show version") == 0) {
		output_begin(&s->out);
		if (s->json)
			output_rows(&s->out, "{\"version\":\"" SALLYPORT_VERSION "\"}",
				    sizeof("{\"version\":\"" SALLYPORT_VERSION "\"}") - 1);
		else
			output_text(&s->out, "sallyport " SALLYPORT_VERSION "\n");
		output_end(&s->out, 0);
		return RUN_OK;
	}
	if (s->json) {
		output_begin(&s->out);
		output_end(&s->out, 0);
	}
	return RUN_OK;
}

/* ---- what the daemon answers ---- */

static int no_daemon(struct shell *s, int error)
{
	char text[512];

	snprintf(text, sizeof(text), "the daemon cannot be reached at %.300s: %s", s->link.path,
		 strerror(-error));
	output_error(&s->out, "", 0, 0, "no-daemon", text);
	return RUN_NO_DAEMON;
}

static int exchange_lines(struct shell *s, const char *line, struct answer *a, int fd, bool json)
{
	const struct link_answer answer = {on_text, on_rows, on_error, on_progress, on_silence, a};
	int r = link_run(&s->link, line, json, fd, &answer);

	return r < 0 ? no_daemon(s, r) : r;
}

static int ask_daemon(struct shell *s, const char *line, struct answer *a, int fd)
{
	int r;

	output_begin(&s->out);
	r = exchange_lines(s, line, a, fd, s->json);
	output_end(&s->out, r);
	return r;
}

/* What is no plain file (a pipe, a terminal) is read here, to its end: the daemon waits for nobody's typing.
 * Gives the descriptor to pass on, or -errno; takes `fd`. */
static int plain_file(int fd)
{
	struct stat st;
	char buf[65536];
	ssize_t n = 0;
	int copy, r = 0;

	if (fd < 0 || fstat(fd, &st) || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return fd < 0 ? -errno : fd;
	copy = memfd_create("sallyport-input", MFD_CLOEXEC);
	if (copy < 0)
		r = -errno;
	while (!r && ((n = read(fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)))
		for (ssize_t at = 0, put; !r && at < n; at += put)
			if ((put = write(copy, buf + at, (size_t)(n - at))) < 0)
				r = -errno;
	if (!r && (n < 0 || lseek(copy, 0, SEEK_SET) < 0))
		r = -errno;
	close(fd);
	if (r && copy >= 0)
		close(copy);
	return r ? r : copy;
}

/* One file of a command, opened here with the caller's own rights and passed on; the caller begins and ends
 * the output. */
static int ask_with_file(struct shell *s, const struct schema_call *call, const char *path)
{
	struct answer a = {.s = s, .file = strcmp(path, "-") ? path : "standard input"};
	const char *report = schema_call_get(call, "report");
	struct schema_text line = {0};
	int fd = plain_file(strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO)), r;

	if (fd < 0) {
		output_error(&s->out, path, 0, 0, "file", strerror(-fd));
		return RUN_FAILED;
	}
	schema_text_puts(&line, call->command->words);
	schema_text_puts(&line, " ");
	schema_word_print(&line, path);
	for (unsigned i = 0; i < call->n; i++) {
		const struct schema_arg *arg = call->arg[i].arg;

		if (!arg->word || strcmp(arg->name, "report") == 0)
			continue;
		schema_text_printf(&line, " %s", arg->word);
		if (arg->type != SCHEMA_FLAG) {
			schema_text_puts(&line, " ");
			schema_word_print(&line, call->arg[i].value);
		}
	}
	if (report) {
		a.copy = fopen(report, "a");
		if (!a.copy)
			output_error(&s->out, report, 0, 0, "file", strerror(errno));
	}
	/* a report that cannot be written is said before anything is done */
	r = report && !a.copy ? RUN_FAILED : exchange_lines(s, line.p, &a, fd, s->json);
	if (a.copy && fclose(a.copy)) {
		output_error(&s->out, report, 0, 0, "file", strerror(errno));
		r = RUN_FAILED;
	}
	close(fd);
	schema_text_fini(&line);
	return r;
}

static int run_export(struct shell *s, const struct schema_call *call)
{
	const char *path = schema_call_get(call, "file");
	struct answer a = {.s = s, .to_copy_only = true};
	const char *line = strcmp(call->command->words, "export domains") ? "export configuration -"
									  : "export domains -";
	char temp[4096];
	int r;

	if (strcmp(path, "-") == 0) {
		a.to_copy_only = false;
		return ask_daemon(s, line, &a, -1);
	}
	output_begin(&s->out);
	/* beside its place and then into it: nobody reads a half of it */
	snprintf(temp, sizeof(temp), "%.4000s.part", path);
	a.copy = fopen(temp, "w");
	if (!a.copy) {
		output_error(&s->out, path, 0, 0, "file", strerror(errno));
		output_end(&s->out, RUN_FAILED);
		return RUN_FAILED;
	}
	r = exchange_lines(s, line, &a, -1, false);
	errno = 0;
	if ((fflush(a.copy) || fsync(fileno(a.copy)) || ferror(a.copy)) && r == 0) {
		output_error(&s->out, path, 0, 0, "file", strerror(errno ? errno : EIO));
		r = RUN_FAILED;
	}
	fclose(a.copy);
	if (r == 0 && rename(temp, path)) {
		output_error(&s->out, path, 0, 0, "file", strerror(errno));
		r = RUN_FAILED;
	}
	if (r)
		unlink(temp);
	output_end(&s->out, r);
	return r;
}

static int run_call(struct shell *s, const struct schema_call *call, const char *line)
{
	const struct schema_command *c = call->command;
	const char *file = schema_call_get(call, "file");
	struct answer a = {.s = s};
	int r = 0;

	if (c->place == SCHEMA_SHELL)
		return run_local(s, call);
	if (strncmp(c->words, "export", 6) == 0)
		return run_export(s, call);
	if (strcmp(c->words, "check") == 0 && file)
		return run_check_file(s, file, schema_call_get(call, "no-files") == NULL);
	if (!file)
		return ask_daemon(s, line, &a, -1);
	/* one answer, of however many files */
	output_begin(&s->out);
	for (unsigned i = 0; i < call->n; i++)
		if (strcmp(call->arg[i].arg->name, "file") == 0) {
			int one = ask_with_file(s, call, call->arg[i].value);

			if (one && (r == 0 || r == RUN_CHANGED))
				r = one;
		}
	output_end(&s->out, r);
	return r;
}

int run_line(struct shell *s, const char *line)
{
	struct schema_words *ws = &s->words;
	struct schema_error error = {0};
	struct schema_text whole = {0};
	unsigned end, first = 0;
	bool pager = s->out.pager;
	int r;

	s->out.json = s->json;
	if (schema_words_split(ws, line, false, &error))
		return complain(s, error.column, "syntax", error.why, RUN_USAGE);
	if (ws->n == 0)
		return RUN_OK;
	/* the habit of others: "do show …" */
	if (strcasecmp(ws->w[0].s, "do") == 0 && ws->n > 1)
		first = 1;
	for (end = first; end < ws->n && (strcmp(ws->w[end].s, "|") || ws->w[end].quoted); end++)
		;
	if (output_filters(&s->out, ws, end, &error))
		return complain(s, error.column, "syntax", error.why, RUN_USAGE);
	if (s->json && s->out.filters)
		return complain(s, ws->w[end].column, "syntax",
				"filters are for text; with -j let jq choose from the rows", RUN_USAGE);
	for (unsigned i = first; i < end; i++) {
		if (i > first)
			schema_text_puts(&whole, " ");
		schema_word_print(&whole, ws->w[i].s);
	}
	if (!whole.n) {
		r = complain(s, 1, "syntax", "there is no command before '|'", RUN_USAGE);
	} else if (schema_is_edit(ws, first)) {
		struct answer a = {.s = s};

		r = ask_daemon(s, whole.p, &a, -1);
	} else {
		struct schema_call call = {0};

		if (schema_call_parse(&call, ws, first, end, idn_to_ascii, &error))
			r = complain(s, error.column, "syntax", error.why, RUN_USAGE);
		else
			r = run_call(s, &call, whole.p);
		schema_call_fini(&call);
	}
	schema_text_fini(&whole);
	s->out.filters = 0;
	s->out.pager = pager;
	return r;
}

static void print_word(void *ctx, const char *word, const char *help, bool literal)
{
	if (literal)
		puts(word);
}

void run_complete(struct shell *s, const char *line)
{
	struct names n = {.link = &s->link, .emit = print_word};
	const struct schema_completion c = {print_word, names_of, &n};
	size_t partial;

	schema_complete(line, &c, &partial);
}
