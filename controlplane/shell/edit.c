/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/shell/edit.h"
#include "config/schema/schema_complete.h"
#include "controlplane/shell/names.h"

#include <ctype.h>
#include <histedit.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { SHOWN_MAX = 60 };

#ifdef __has_feature
#define EDIT_SANITIZED __has_feature(address_sanitizer)
#else
#define EDIT_SANITIZED 0
#endif
#if EDIT_SANITIZED || defined(__SANITIZE_ADDRESS__)
/* libedit keeps the names of added functions for good */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:wcsdup\n";
}
#endif

struct collect {
	struct names names; /* first: its ctx is this struct too */
	char common[SCHEMA_VALUE_MAX];
	unsigned literal, all;
	struct schema_text list;
	bool help;
};

static char *prompt(EditLine *el)
{
	static char operate[] = "sallyport# ", configure[] = "sallyport(c)# ";
	struct shell *s;

	el_get(el, EL_CLIENTDATA, &s);
	return s->configuring ? configure : operate;
}

static void collect(void *ctx, const char *word, const char *help, bool literal)
{
	struct collect *c = ctx;

	c->all++;
	if (literal) {
		if (c->literal++ == 0) {
			snprintf(c->common, sizeof(c->common), "%s", word);
		} else {
			size_t n = 0;

			while (c->common[n] &&
			       tolower((unsigned char)c->common[n]) == tolower((unsigned char)word[n]))
				n++;
			c->common[n] = '\0';
		}
	}
	if (c->all <= SHOWN_MAX)
		schema_text_printf(&c->list, "  %-26s %s\n", word, help);
	else if (c->all == SHOWN_MAX + 1)
		schema_text_puts(&c->list, "  …\n");
}

static unsigned char show(EditLine *el, bool help)
{
	const LineInfo *li = el_line(el);
	size_t n = (size_t)(li->cursor - li->buffer), partial;
	struct collect c = {.help = help};
	struct schema_completion comp = {collect, names_of, &c};
	struct shell *s;
	char line[SCHEMA_LINE_MAX];
	unsigned char result = CC_REFRESH;

	el_get(el, EL_CLIENTDATA, &s);
	if (n >= sizeof(line))
		return CC_ERROR;
	memcpy(line, li->buffer, n);
	line[n] = '\0';
	c.names = (struct names){.link = &s->link, .emit = collect, .ctx = &c};
	schema_complete(line, &comp, &partial);
	if (!help && c.literal && strlen(c.common) > partial) {
		el_deletestr(el, (int)partial);
		el_insertstr(el, c.common);
		if (c.literal == 1 && c.common[strlen(c.common) - 1] != '/')
			el_insertstr(el, " ");
	} else if (!help && c.literal == 1) {
		el_insertstr(el, " ");
	} else if (c.all) {
		printf("\n%s", c.list.p);
		fflush(stdout);
		result = CC_REDISPLAY;
	} else {
		result = CC_REFRESH_BEEP;
	}
	schema_text_fini(&c.list);
	return result;
}

static unsigned char on_tab(EditLine *el, int ch)
{
	return show(el, false);
}

/* inside of quotes a question mark is one */
static unsigned char on_question(EditLine *el, int ch)
{
	const LineInfo *li = el_line(el);
	bool in = false;

	for (const char *p = li->buffer; p < li->cursor; p++)
		in ^= *p == '"';
	if (in) {
		el_insertstr(el, "?");
		return CC_REFRESH;
	}
	return show(el, true);
}

static void history_name(char *out, size_t cap)
{
	const char *home = getenv("HOME");

	snprintf(out, cap, "%s/.sallyport_history", home && *home ? home : "/root");
}

struct pager {
	bool off;
};

static void pager_rows(void *ctx, const char *rows, size_t n)
{
	struct pager *p = ctx;

	p->off |= memmem(rows, n, "\"pager\":false", sizeof("\"pager\":false") - 1) != NULL;
}

static void pager_error(void *ctx, const char *code, const char *message, unsigned line, unsigned column,
			const char *json)
{
}

/* `set control pager no`; without a daemon, or its leave, the pager stays */
static void ask_pager(struct shell *s)
{
	struct pager p = {false};
	const struct link_answer answer = {.rows = pager_rows, .error = pager_error, .ctx = &p};

	link_run(&s->link, "show configuration control", true, -1, &answer);
	s->out.pager &= !p.off;
}

int edit_loop(struct shell *s)
{
	EditLine *el = el_init("sallyport", stdin, stdout, stderr);
	History *h = history_init();
	HistEvent ev;
	char name[4096];
	const char *line;
	int n, status = 0;

	if (!el || !h)
		return RUN_FAILED;
	history(h, &ev, H_SETSIZE, 1000);
	history(h, &ev, H_SETUNIQUE, 1);
	history_name(name, sizeof(name));
	history(h, &ev, H_LOAD, name);
	el_set(el, EL_CLIENTDATA, s);
	el_set(el, EL_PROMPT, prompt);
	el_set(el, EL_EDITOR, "emacs");
	el_set(el, EL_SIGNAL, 1);
	el_set(el, EL_HIST, history, h);
	el_set(el, EL_ADDFN, "sallyport-complete", "complete the word", on_tab);
	el_set(el, EL_ADDFN, "sallyport-help", "what may stand here", on_question);
	el_set(el, EL_BIND, "^I", "sallyport-complete", NULL);
	el_set(el, EL_BIND, "?", "sallyport-help", NULL);
	el_set(el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(el, NULL);
	ask_pager(s);
	while (!s->leaving && (line = el_gets(el, &n)) && n > 0) {
		char copy[SCHEMA_LINE_MAX];

		snprintf(copy, sizeof(copy), "%s", line);
		copy[strcspn(copy, "\n")] = '\0';
		if (copy[strspn(copy, " \t")])
			history(h, &ev, H_ENTER, copy);
		status = run_line(s, copy);
	}
	if (!s->leaving)
		putchar('\n');
	history(h, &ev, H_SAVE, name);
	history_end(h);
	el_end(el);
	return status;
}
