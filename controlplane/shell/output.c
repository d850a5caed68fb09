/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/shell/output.h"
#include "config/schema/schema_object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static void forget_patterns(struct output *o)
{
	for (unsigned i = 0; i < 8; i++)
		if (o->compiled >> i & 1)
			regfree(&o->regex[i]);
	o->compiled = 0;
	o->filters = 0;
}

/* As a regular expression, or as it stands: what has dots, brackets or stars in it is meant either way. */
static bool matches(const struct output *o, unsigned i, const char *line)
{
	return strcasestr(line, o->pattern[i]) ||
	       (o->compiled >> i & 1 && regexec(&o->regex[i], line, 0, NULL, 0) == 0);
}

int output_filters(struct output *o, const struct schema_words *ws, unsigned at, struct schema_error *error)
{
	static const char *const words[] = {"", "include", "exclude", "begin", "count"};

	forget_patterns(o);
	while (at < ws->n) {
		const char *w = at + 1 < ws->n ? ws->w[at + 1].s : "";
		unsigned kind = 0, n = 0;

		error->column = ws->w[at].column;
		for (unsigned i = OUTPUT_INCLUDE; *w && i <= OUTPUT_COUNT; i++)
			if (strncasecmp(words[i], w, strlen(w)) == 0)
				kind = i;
		if (!kind && strncasecmp("no-more", w, strlen(w)) == 0 && *w) {
			o->pager = false;
			at += 2;
			continue;
		}
		if (!kind || o->filters == 8) {
			snprintf(error->why, sizeof(error->why),
				 "after '|' comes include, exclude, begin, count or no-more");
			return -EINVAL;
		}
		at += 2;
		o->filter[o->filters] = (enum output_filter)kind;
		o->pattern[o->filters][0] = '\0';
		for (; kind != OUTPUT_COUNT && at < ws->n && (strcmp(ws->w[at].s, "|") || ws->w[at].quoted);
		     at++, n++) {
			char *p = o->pattern[o->filters];
			size_t have = strlen(p);

			snprintf(p + have, sizeof(o->pattern[0]) - have, "%s%s", n ? " " : "", ws->w[at].s);
		}
		if (kind != OUTPUT_COUNT && !n) {
			snprintf(error->why, sizeof(error->why), "%s what?", words[kind]);
			return -EINVAL;
		}
		if (kind != OUTPUT_COUNT && regcomp(&o->regex[o->filters], o->pattern[o->filters],
						    REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0)
			o->compiled |= 1u << o->filters;
		o->filters++;
	}
	return 0;
}

void output_begin(struct output *o)
{
	struct winsize w;

	o->rows = o->quit = o->counting = o->errors_any = false;
	o->counted = 0;
	o->shown = 0;
	o->height = 0;
	memset(o->begun, 0, sizeof(o->begun));
	schema_text_reset(&o->partial);
	schema_text_reset(&o->errors);
	if (o->pager && isatty(fileno(o->to)) && ioctl(fileno(o->to), TIOCGWINSZ, &w) == 0 && w.ws_row > 3)
		o->height = w.ws_row - 1u;
	for (unsigned i = 0; i < o->filters; i++)
		o->counting |= o->filter[i] == OUTPUT_COUNT;
	if (o->json)
		fputs("{\"rows\":[", o->to);
}

/* a page is full: space goes on a page, Enter a line, q ends */
static void page(struct output *o)
{
	struct termios old, raw;
	char c = 'q';

	fputs("-- more --", o->to);
	fflush(o->to);
	if (tcgetattr(STDIN_FILENO, &old) == 0) {
		raw = old;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
		if (read(STDIN_FILENO, &c, 1) != 1)
			c = 'q';
		tcsetattr(STDIN_FILENO, TCSANOW, &old);
	}
	fputs("\r          \r", o->to);
	if (c == 'q' || c == 'Q')
		o->quit = true;
	else
		o->shown = c == '\n' || c == '\r' ? o->height - 1 : 0;
}

static void bar_away(struct output *o)
{
	if (!o->bar)
		return;
	fputs("\r\033[K", stderr);
	o->bar = false;
}

/* what has no columns is a row too: JSON is never mixed with text */
static void row_of_text(struct output *o, const char *line)
{
	struct schema_text t = {0};

	schema_text_puts(&t, "{\"text\":");
	schema_json_string(&t, line);
	schema_text_puts(&t, "}");
	output_rows(o, t.p, t.n);
	schema_text_fini(&t);
}

static void one_line(struct output *o, const char *line)
{
	if (o->json) {
		row_of_text(o, line);
		return;
	}
	for (unsigned i = 0; i < o->filters; i++) {
		bool has = o->filter[i] != OUTPUT_COUNT && matches(o, i, line);

		if ((o->filter[i] == OUTPUT_INCLUDE && !has) || (o->filter[i] == OUTPUT_EXCLUDE && has))
			return;
		if (o->filter[i] == OUTPUT_BEGIN && !o->begun[i]) {
			if (!has)
				return;
			o->begun[i] = true;
		}
		if (o->filter[i] == OUTPUT_COUNT) {
			o->counted++;
			return;
		}
	}
	if (o->quit)
		return;
	if (o->height && o->shown >= o->height) {
		page(o);
		if (o->quit)
			return;
	}
	if (o->colour && (line[0] == '+' || line[0] == '-') && line[1] == ' ')
		fprintf(o->to, "\033[%sm%s\033[0m\n", line[0] == '+' ? "32" : "31", line);
	else if (o->colour && strncmp(line, "warning:", 8) == 0)
		fprintf(o->to, "\033[33m%s\033[0m\n", line);
	else
		fprintf(o->to, "%s\n", line);
	o->shown++;
}

void output_text(struct output *o, const char *text)
{
	bar_away(o);
	while (*text) {
		const char *nl = strchr(text, '\n');

		if (!nl) {
			schema_text_puts(&o->partial, text);
			return;
		}
		if (o->partial.n) {
			schema_text_add(&o->partial, text, (size_t)(nl - text));
			one_line(o, o->partial.p);
			schema_text_reset(&o->partial);
		} else if ((size_t)(nl - text) < 4000) {
			char line[4000];

			memcpy(line, text, (size_t)(nl - text));
			line[nl - text] = '\0';
			one_line(o, line);
		} else {
			schema_text_add(&o->partial, text, (size_t)(nl - text));
			one_line(o, o->partial.p);
			schema_text_reset(&o->partial);
		}
		text = nl + 1;
	}
}

void output_rows(struct output *o, const char *rows, size_t n)
{
	bar_away(o);
	if (o->json) {
		if (o->rows)
			fputc(',', o->to);
		fwrite(rows, 1, n, o->to);
	}
	o->rows = true;
}

void output_error(struct output *o, const char *where, unsigned line, unsigned column, const char *code,
		  const char *message)
{
	bar_away(o);
	o->errors_any = true;
	if (o->json) {
		schema_text_printf(&o->errors, "%s{\"code\":\"%s\",\"message\":", o->errors.n ? "," : "",
				   code);
		schema_json_string(&o->errors, message);
		if (*where) {
			schema_text_puts(&o->errors, ",\"file\":");
			schema_json_string(&o->errors, where);
		}
		if (line)
			schema_text_printf(&o->errors, ",\"line\":%u", line);
		if (column)
			schema_text_printf(&o->errors, ",\"column\":%u", column);
		schema_text_puts(&o->errors, "}");
		return;
	}
	fflush(o->to);
	if (*where && line)
		fprintf(stderr, "%s:%u:%u: %s\n", where, line, column, message);
	else
		fprintf(stderr, "%s%s%s\n", *where ? where : "error", ": ", message);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void output_progress(struct output *o, const char *phase, uint64_t done, uint64_t total)
{
	static const char full[] = "##############################";
	uint64_t now = now_ms(), spent;
	unsigned percent = total ? (unsigned)(done * 100 / total) : 0;
	double rate;

	if (o->json || !isatty(STDERR_FILENO))
		return;
	if (strcmp(o->bar_phase, phase) || !o->bar) {
		snprintf(o->bar_phase, sizeof(o->bar_phase), "%s", phase);
		o->bar_began_ms = now;
	}
	spent = now - o->bar_began_ms + 1;
	rate = (double)done * 1000.0 / (double)spent;
	o->bar = true;
	fprintf(stderr, "\r%-8s [%-30.*s] %3u %%", phase, (int)(percent * 30 / 100), full, percent);
	if (done && total >= done)
		fprintf(stderr, "  %.0f/s  %.0f s left\033[K", rate,
			(double)(total - done) / (rate > 0 ? rate : 1));
	else
		fputs("\033[K", stderr);
	fflush(stderr);
}

void output_end(struct output *o, int status)
{
	bar_away(o);
	if (o->partial.n)
		one_line(o, o->partial.p);
	if (o->counting && !o->json)
		fprintf(o->to, "%llu\n", (unsigned long long)o->counted);
	if (o->json)
		fprintf(o->to, "],\"errors\":[%s],\"status\":%d}\n", o->errors.n ? o->errors.p : "", status);
	fflush(o->to);
}

void output_fini(struct output *o)
{
	forget_patterns(o);
	schema_text_fini(&o->partial);
	schema_text_fini(&o->errors);
}
