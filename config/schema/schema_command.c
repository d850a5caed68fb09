/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/schema_command.h"
#include "config/schema/schema_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REQ SCHEMA_ARG_REQUIRED

static const struct schema_arg a_words[] = {
	{NULL, "words", SCHEMA_TEXT, NULL, SCHEMA_ARG_REST, NULL, "a command or the beginning of one"}};
static const struct schema_arg a_config[] = {
	{NULL, "noun", SCHEMA_NAME, NULL, 0, "noun", "only objects of this kind"},
	{NULL, "key", SCHEMA_TEXT, NULL, 0, "of-noun",
	 "only this one; with '*' at its end: all that begin so"},
	{"candidate", "candidate", SCHEMA_FLAG, NULL, 0, NULL, "the candidate instead of what is in force"},
	{"revision", "revision", SCHEMA_UINT, NULL, 0, NULL, "as it was at this revision"}};
static const struct schema_arg a_partner[] = {
	{NULL, "domain", SCHEMA_SUBTREE, NULL, REQ, "partner", "a remote domain"}};
static const struct schema_arg a_domain_opt[] = {
	{NULL, "name", SCHEMA_DOMAIN, NULL, 0, "partner", "only this name"}};
static const struct schema_arg a_count[] = {
	{NULL, "count", SCHEMA_UINT, NULL, 0, NULL, "so many, newest first; default 20"}};
static const struct schema_arg a_revision[] = {
	{NULL, "revision", SCHEMA_UINT, NULL, REQ, NULL, "its number"}};
static const struct schema_arg a_rev_opt[] = {
	{NULL, "revision", SCHEMA_UINT, NULL, 0, NULL, "compare with this revision"}};
static const struct schema_arg a_rollback[] = {
	{NULL, "revision", SCHEMA_UINT, NULL, REQ, NULL, "the revision to return to"},
	{"comment", "comment", SCHEMA_TEXT, NULL, 0, NULL, "why"},
	{"dry-run", "dry-run", SCHEMA_FLAG, NULL, 0, NULL, "only say what would change"}};
static const struct schema_arg a_commit[] = {
	{"comment", "comment", SCHEMA_TEXT, NULL, 0, NULL, "why; kept with the revision"},
	{"at-revision", "at-revision", SCHEMA_UINT, NULL, 0, NULL,
	 "only if this is still the revision in force"}};
static const struct schema_arg a_confirmed[] = {
	{NULL, "minutes", SCHEMA_UINT, NULL, REQ, NULL, "minutes until it reverts unless confirmed"},
	{"comment", "comment", SCHEMA_TEXT, NULL, 0, NULL, "why; kept with the revision"},
	{"at-revision", "at-revision", SCHEMA_UINT, NULL, 0, NULL,
	 "only if this is still the revision in force"}};
static const struct schema_arg a_block[] = {
	{NULL, "domain", SCHEMA_DOMAIN, NULL, REQ, "partner", "the domain, with everything below it"},
	{"comment", "comment", SCHEMA_TEXT, NULL, 0, NULL, "why"}};
static const struct schema_arg a_unblock[] = {
	{NULL, "domain", SCHEMA_DOMAIN, NULL, REQ, "block", "a blocked domain"},
	{"comment", "comment", SCHEMA_TEXT, NULL, 0, NULL, "why"}};
static const struct schema_arg a_apply[] = {
	{NULL, "file", SCHEMA_TEXT, NULL, REQ, "file", "the whole configuration, - for standard input"},
	{"comment", "comment", SCHEMA_TEXT, NULL, 0, NULL, "why; kept with the revision"},
	{"dry-run", "dry-run", SCHEMA_FLAG, NULL, 0, NULL, "only say what would change"},
	{"at-revision", "at-revision", SCHEMA_UINT, NULL, 0, NULL,
	 "only if this is still the revision in force"}};
static const struct schema_arg a_check[] = {
	{NULL, "file", SCHEMA_TEXT, NULL, 0, "file", "a file instead of the candidate; needs no daemon"},
	{"no-files", "no-files", SCHEMA_FLAG, NULL, 0, NULL,
	 "without a look at the certificates and keys that it names: away from the box"}};
static const struct schema_arg a_load[] = {
	{NULL, "file", SCHEMA_TEXT, NULL, REQ, "file", "one domain a line: NAME [allow|block] [settings]"},
	{"comment", "comment", SCHEMA_TEXT, NULL, 0, NULL, "why; kept with the revision"},
	{"block", "block", SCHEMA_FLAG, NULL, 0, NULL, "lines that do not say otherwise are blocked"},
	{"replace", "replace", SCHEMA_FLAG, NULL, 0, NULL, "partners that the file does not name go"},
	{"dry-run", "dry-run", SCHEMA_FLAG, NULL, 0, NULL, "only read and check"}};
static const struct schema_arg a_merge[] = {
	{NULL, "file", SCHEMA_TEXT, NULL, REQ, "file", "set and delete lines, into the candidate"}};
static const struct schema_arg a_export[] = {
	{NULL, "file", SCHEMA_TEXT, NULL, REQ, "file", "file to write, - for standard output"}};
static const struct schema_arg a_import[] = {
	{NULL, "file", SCHEMA_TEXT, NULL, REQ | SCHEMA_ARG_REPEAT, "file", "a CSV export"},
	{"report", "report", SCHEMA_TEXT, NULL, 0, "file", "write the report there too"},
	{"dry-run", "dry-run", SCHEMA_FLAG, NULL, 0, NULL, "only print the lines and the report"}};
static const struct schema_arg a_explain[] = {
	{"from", "from", SCHEMA_USER, NULL, REQ, NULL, "the sender"},
	{"to", "to", SCHEMA_USER, NULL, REQ, NULL, "the recipient"},
	{"peer", "peer", SCHEMA_FQDN, NULL, SCHEMA_ARG_REPEAT, NULL,
	 "a name in the certificate of the connection"},
	{"method", "method", SCHEMA_NAME, NULL, 0, NULL, "SIP method; default MESSAGE"},
	{"inbound", "inbound", SCHEMA_FLAG, NULL, 0, NULL, "as arriving from outside"},
	{"outbound", "outbound", SCHEMA_FLAG, NULL, 0, NULL, "as arriving from inside"}};
static const struct schema_arg a_names[] = {
	{NULL, "count", SCHEMA_UINT, NULL, 0, NULL, "so many lines at most"}};
static const struct schema_arg a_rows[] = {
	{NULL, "count", SCHEMA_UINT, NULL, 0, NULL, "so many at most"},
	{"with", "with", SCHEMA_TEXT, NULL, 0, NULL, "only those in which this text stands"}};
static const struct schema_arg a_counters[] = {
	{"with", "with", SCHEMA_TEXT, NULL, 0, NULL, "only those in whose name this text stands"},
	{"all", "all", SCHEMA_FLAG, NULL, 0, NULL, "also those that are 0"}};
static const struct schema_arg a_watch[] = {{NULL, "peer", SCHEMA_TEXT, NULL, 0, NULL,
					     "only this one: its key, or the beginning of it, as show "
					     "watchlist has it; or those that used this domain"}};
static const struct schema_arg a_keylog[] = {
	{"peer", "peer", SCHEMA_FQDN, NULL, REQ, NULL, "a name in the peer's certificate"},
	{"for", "for", SCHEMA_DURATION, NULL, REQ, NULL, "no longer than this; at most 1h"}};
static const struct schema_arg a_output[] = {{NULL, "format", SCHEMA_ENUM,
					      "man1|man5|man8-control|man8-dataplane|bash|json|foreign", REQ,
					      NULL, "what to print"}};

#define A(a) a, sizeof(a) / sizeof(a[0])
#define NO   NULL, 0

const struct schema_command schema_commands[] = {
	{"help", SCHEMA_READ, SCHEMA_SHELL, A(a_words), NULL, "what can be said here"},
	{"exit", SCHEMA_READ, SCHEMA_SHELL, NO, "end", "leave configure, or the shell"},
	{"quit", SCHEMA_READ, SCHEMA_SHELL, NO, NULL, "leave the shell"},
	{"configure", SCHEMA_READ, SCHEMA_SHELL, NO, "configure terminal", "edit the candidate"},
	{"schema", SCHEMA_READ, SCHEMA_SHELL, A(a_output), NULL, "the table itself, in another form"},
	{"show configuration", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_config), "show running-config",
	 "the configuration, as lines that can be pasted back"},
	{"show partner", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_partner), "Get-CsAllowedDomain",
	 "what is known of a remote domain, and what decides about it"},
	{"show acl", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_names), NULL,
	 "who may connect, derived from partners and routes"},
	{"show blocks", SCHEMA_READ, SCHEMA_ANYWHERE, NO, NULL, "emergency blocks in force"},
	{"show revisions", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_count), NULL, "who changed what, when and why"},
	{"show revision", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_revision), NULL,
	 "one revision and its difference"},
	{"show audit", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_count), NULL, "every action, newest first"},
	{"show status", SCHEMA_READ, SCHEMA_ANYWHERE, NO, NULL, "the daemon, the store, the dataplane"},
	{"show dns", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_domain_opt), NULL,
	 "answers that were found, and how long they hold"},
	{"show dns-records", SCHEMA_READ, SCHEMA_ANYWHERE, NO, NULL, "what has to be published in DNS"},
	{"show firewall", SCHEMA_READ, SCHEMA_ANYWHERE, NO, NULL, "what has to be open"},
	{"show certificates", SCHEMA_READ, SCHEMA_ANYWHERE, NO, NULL, "what has to be in our certificates"},
	{"show peers", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_rows), NULL, "connections of the dataplane"},
	{"show partners", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_rows), NULL,
	 "remote domains that the dataplane deals with"},
	{"show transactions", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_rows), NULL, "what is under way"},
	{"show limits", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_rows), NULL,
	 "peers with limits, and how far they are"},
	{"show watchlist", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_rows), NULL,
	 "peers that tried many users, and why they are watched"},
	{"show drops", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_counters), NULL, "what was discarded, by reason"},
	{"show counters", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_counters), NULL, "what the dataplane counts"},
	{"show events", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_rows), NULL,
	 "the last events of the dataplane, newest last"},
	{"show shadow", SCHEMA_READ, SCHEMA_ANYWHERE, NO, NULL,
	 "what the shadowed candidate would have decided otherwise"},
	{"show version", SCHEMA_READ, SCHEMA_SHELL, NO, NULL, "versions"},
	{"compare", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_rev_opt), NULL,
	 "the candidate against what is in force"},
	{"check", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_check), NULL,
	 "is the candidate, or a file, fit to be committed?"},
	{"commit", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, A(a_commit), NULL, "put the candidate in force"},
	{"commit confirmed", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, A(a_confirmed), NULL,
	 "put it in force, and take it back unless confirmed in time"},
	{"commit shadow", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, NO, NULL,
	 "try the candidate against live traffic first"},
	{"confirm", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, NO, NULL, "keep what commit confirmed put in force"},
	{"discard", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, NO, NULL, "drop the candidate, and end a shadow"},
	{"rollback", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, A(a_rollback), NULL,
	 "return to an earlier revision, as a new one"},
	{"apply", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, A(a_apply), NULL,
	 "make the configuration equal to a file: 0 unchanged, 2 changed"},
	{"load domains", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, A(a_load), NULL,
	 "many partners at once, all or nothing"},
	{"load configuration", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, A(a_merge), NULL,
	 "lines of a file into the candidate"},
	{"export configuration", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_export), NULL,
	 "the configuration into a file"},
	{"export domains", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_export), NULL,
	 "the partners, as load domains reads them"},
	{"import lync", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, A(a_import), NULL,
	 "CSV exports of Get-Cs… cmdlets into the candidate"},
	{"import cisco", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, A(a_import), NULL,
	 "CSV exports of federated domains, static routes, TLS peer subjects into the candidate"},
	{"block", SCHEMA_OPERATE, SCHEMA_ANYWHERE, A(a_block), NULL,
	 "cut a domain off at once, whatever else says; until unblock"},
	{"unblock", SCHEMA_OPERATE, SCHEMA_ANYWHERE, A(a_unblock), NULL, "end an emergency block"},
	{"explain", SCHEMA_READ, SCHEMA_ANYWHERE, A(a_explain), NULL, "each rule as it would be judged"},
	{"test partner", SCHEMA_OPERATE, SCHEMA_ANYWHERE, A(a_partner), "Test-CsFederatedPartner",
	 "find a partner in DNS, anew, shake hands with it, and say what stands in the way"},
	{"test dns", SCHEMA_OPERATE, SCHEMA_ANYWHERE, NO, NULL, "which of our own records the world sees"},
	{"reset watchlist", SCHEMA_OPERATE, SCHEMA_ANYWHERE, A(a_watch), NULL,
	 "forgive peers that tried many users or failed too often"},
	{"reset dns", SCHEMA_OPERATE, SCHEMA_ANYWHERE, A(a_domain_opt), NULL, "forget answers"},
	{"debug tls keylog", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, A(a_keylog), NULL,
	 "write the secrets of one peer's new sessions to a file, for Wireshark"},
	{"debug tls keylog off", SCHEMA_CONFIGURE, SCHEMA_ANYWHERE, NO, NULL, "end it before its time"},
};
const unsigned schema_commands_n = sizeof(schema_commands) / sizeof(schema_commands[0]);

void schema_call_fini(struct schema_call *call)
{
	for (unsigned i = 0; i < call->n; i++)
		free(call->arg[i].value);
	call->n = 0;
}

const char *schema_call_get(const struct schema_call *call, const char *name)
{
	for (unsigned i = 0; i < call->n; i++)
		if (strcmp(call->arg[i].arg->name, name) == 0)
			return call->arg[i].value;
	return NULL;
}

/* How many words of `words` the line begins with, abbreviated or not; 0 when it does not match. *exact counts
 * the words written in full. */
static unsigned match(const char *words, const struct schema_words *ws, unsigned first, unsigned end,
		      unsigned *exact)
{
	unsigned n = 0;

	*exact = 0;
	for (const char *p = words; *p; n++) {
		size_t len = strcspn(p, " "), have;

		if (first + n >= end || ws->w[first + n].quoted)
			return 0;
		have = strlen(ws->w[first + n].s);
		if (have == 0 || have > len || strncasecmp(p, ws->w[first + n].s, have))
			return 0;
		*exact += have == len;
		p += len + (p[len] == ' ');
	}
	return n;
}

static int fail(struct schema_error *error, unsigned column, const char *format, const char *what)
{
	char why[SCHEMA_WHY_MAX];

	snprintf(why, sizeof(why), format, what);
	snprintf(error->why, sizeof(error->why), "%s", why);
	error->column = column;
	return -EINVAL;
}

static void fail_family(const struct schema_word *w, const struct schema_word *next, const char *family,
			int n, struct schema_error *error)
{
	if (next)
		snprintf(error->why, sizeof(error->why),
			 "'%.100s' is nothing to %.*s; 'help %.*s' lists what is", next->s, n, family, n,
			 family);
	else
		snprintf(error->why, sizeof(error->why), "%.*s what? 'help %.*s' lists it", n, family, n,
			 family);
	error->column = next ? next->column : w->column + w->raw;
}

/* what to say of a line that is no command, or could be several ones */
static void fail_find(const struct schema_words *ws, unsigned first, unsigned end, unsigned best_n,
		      unsigned best_exact, struct schema_error *error)
{
	const struct schema_word *w = &ws->w[first];
	const char *family = NULL;
	unsigned families = 0;
	size_t have = 0;

	if (first >= end) {
		fail(error, 1, "an empty command%s", "");
		return;
	}
	if (best_n) {
		fail(error, w->column, "'%.100s' could be", w->s);
		for (unsigned i = 0; i < schema_commands_n; i++) {
			const char *words = schema_commands[i].words;
			unsigned exact, n = match(words, ws, first, end, &exact);

			have = strlen(error->why);
			if (n == best_n && exact == best_exact)
				snprintf(error->why + have, sizeof(error->why) - have, "%s %.60s",
					 families++ ? "," : "", words);
		}
		have = strlen(error->why);
		snprintf(error->why + have, sizeof(error->why) - have, "; write more of it");
		return;
	}
	/* "show", "show nonsense": the first word is known, and begins several commands */
	for (unsigned i = 0; i < schema_commands_n; i++) {
		const char *words = schema_commands[i].words;
		size_t n = strcspn(words, " "), len = strlen(w->s);

		if (!words[n] || w->quoted || !len || len > n || strncasecmp(words, w->s, len))
			continue;
		if (family && strncmp(family, words, n + 1) == 0)
			continue;
		family = words;
		have = n;
		families++;
	}
	if (families != 1)
		fail(error, w->column, "'%.100s' is no command; 'help' lists them", w->s);
	else
		fail_family(w, first + 1 < end ? w + 1 : NULL, family, (int)have, error);
}

static const struct schema_command *find(const struct schema_words *ws, unsigned first, unsigned end,
					 unsigned *used, struct schema_error *error)
{
	const struct schema_command *best = NULL;
	unsigned best_n = 0, best_exact = 0, ties = 0;

	for (unsigned i = 0; i < schema_commands_n; i++) {
		const struct schema_command *c = &schema_commands[i];
		unsigned exact, n;

		if (c->alias && ws->n > first && strcasecmp(c->alias, ws->w[first].s) == 0) {
			*used = 1;
			return c;
		}
		n = match(c->words, ws, first, end, &exact);
		if (c->alias) {
			unsigned alias_exact, m = match(c->alias, ws, first, end, &alias_exact);

			/* "conf t" is one, and "conf" could be two */
			if (m > n) {
				n = m;
				exact = alias_exact;
			}
		}
		if (!n || n < best_n || (n == best_n && exact < best_exact))
			continue;
		if (n == best_n && exact == best_exact) {
			ties++;
			continue;
		}
		best = c;
		best_n = n;
		best_exact = exact;
		ties = 0;
	}
	if (best && !ties) {
		*used = best_n;
		return best;
	}
	fail_find(ws, first, end, best_n, best_exact, error);
	return NULL;
}

static int take(struct schema_call *call, const struct schema_arg *a, const char *value, schema_idn_fn idn,
		unsigned column, struct schema_error *error)
{
	const struct schema_field f = {
		.name = a->name, .type = a->type, .choices = a->choices, .max = UINT64_MAX};
	char out[SCHEMA_VALUE_MAX];

	if (call->n == SCHEMA_CALL_ARGS)
		return fail(error, column, "too many arguments%s", "");
	if (a->type == SCHEMA_FLAG)
		out[0] = '\0';
	else if (a->type == SCHEMA_TEXT && strlen(value) < sizeof(out))
		memcpy(out, value, strlen(value) + 1);
	else if (schema_value_canon(&f, value, out, error->why, idn))
		return error->column = column, -EINVAL;
	call->arg[call->n].value = strdup(out);
	if (!call->arg[call->n].value)
		return fail(error, column, "out of memory%s", "");
	call->arg[call->n++].arg = a;
	return 0;
}

static const struct schema_arg *keyword(const struct schema_command *c, const char *word, bool abbreviated)
{
	const struct schema_arg *hit = NULL;
	size_t len = strlen(word);

	for (unsigned i = 0; i < c->args_n; i++) {
		const struct schema_arg *a = &c->args[i];

		if (!a->word || !len || strncasecmp(a->word, word, len))
			continue;
		if (strlen(a->word) == len)
			return a;
		if (hit)
			return NULL;
		if (abbreviated)
			hit = a;
	}
	return hit;
}

static int take_rest(struct schema_call *call, const struct schema_arg *a, const struct schema_words *ws,
		     unsigned at, unsigned end, struct schema_error *error)
{
	struct schema_text t = {0};
	int r;

	for (unsigned i = at; i < end; i++) {
		if (i > at)
			schema_text_add(&t, " ", 1);
		schema_word_print(&t, ws->w[i].s);
	}
	r = take(call, a, t.p ? t.p : "", NULL, ws->w[at].column, error);
	schema_text_fini(&t);
	return r;
}

int schema_call_parse(struct schema_call *call, const struct schema_words *ws, unsigned first, unsigned end,
		      schema_idn_fn idn, struct schema_error *error)
{
	unsigned used = 0, at, position = 0;
	const struct schema_command *c;

	call->n = 0;
	c = call->command = find(ws, first, end, &used, error);
	if (!c)
		return -EINVAL;
	for (at = first + used; at < end;) {
		const struct schema_word *w = &ws->w[at];
		const struct schema_arg *a = w->quoted ? NULL : keyword(c, w->s, false), *p = NULL;

		while (position < c->args_n && c->args[position].word)
			position++;
		if (position < c->args_n)
			p = &c->args[position];
		/* a keyword beats a position when written in full; abbreviated only where no position is left
		 */
		if (!a && !p && !w->quoted)
			a = keyword(c, w->s, true);
		if (a) {
			if (schema_call_get(call, a->name) && !(a->flags & SCHEMA_ARG_REPEAT))
				return fail(error, w->column, "%s stands here twice", a->word);
			at++;
			if (a->type == SCHEMA_FLAG) {
				if (take(call, a, "", idn, w->column, error))
					return -EINVAL;
				continue;
			}
			if (at >= end)
				return fail(error, w->column + w->raw, "%s needs a value", a->word);
			if (take(call, a, ws->w[at].s, idn, ws->w[at].column, error))
				return -EINVAL;
			at++;
			continue;
		}
		if (!p)
			return fail(error, w->column, "'%.100s' is more than this command takes", w->s);
		if (p->flags & SCHEMA_ARG_REST) {
			if (take_rest(call, p, ws, at, end, error))
				return -EINVAL;
			break;
		}
		if (take(call, p, w->s, idn, w->column, error))
			return -EINVAL;
		if (!(p->flags & SCHEMA_ARG_REPEAT))
			position++;
		at++;
	}
	for (unsigned i = 0; i < c->args_n; i++)
		if ((c->args[i].flags & REQ) && !schema_call_get(call, c->args[i].name)) {
			struct schema_text usage = {0};

			schema_command_usage(c, &usage);
			fail(error, end ? ws->w[end - 1].column + ws->w[end - 1].raw : 1,
			     "something is missing: %.300s", usage.p ? usage.p : c->words);
			schema_text_fini(&usage);
			return -EINVAL;
		}
	return 0;
}

bool schema_is_edit(const struct schema_words *ws, unsigned first)
{
	return first < ws->n && schema_is_edit_word(ws->w[first].s);
}

int schema_command_usage(const struct schema_command *c, struct schema_text *out)
{
	int r = schema_text_puts(out, c->words);

	for (unsigned i = 0; i < c->args_n && !r; i++) {
		const struct schema_arg *a = &c->args[i];
		bool must = a->flags & REQ;
		char upper[64];
		size_t n = 0;

		for (; n < sizeof(upper) - 1 && a->name[n]; n++)
			upper[n] =
				(char)(a->name[n] >= 'a' && a->name[n] <= 'z' ? a->name[n] - 32 : a->name[n]);
		upper[n] = '\0';
		r = schema_text_printf(out, " %s%s%s%s%s%s", must ? "" : "[", a->word ? a->word : "",
				       a->word && a->type != SCHEMA_FLAG ? " " : "",
				       a->type == SCHEMA_FLAG ? ""
				       : a->choices	      ? a->choices
							      : upper,
				       must ? "" : "]", a->flags & SCHEMA_ARG_REPEAT ? "…" : "");
	}
	return r;
}
