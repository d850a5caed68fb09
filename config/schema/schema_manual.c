/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/schema_manual.h"
#include "config/schema/schema_value.h"

#include <stdio.h>
#include <string.h>

static const char *const applies_text[] = {
	[SCHEMA_LIVE] = "Takes effect at commit, with the next message.",
	[SCHEMA_BOOT] = "Takes effect when the dataplane starts.",
	[SCHEMA_DAEMON] = "Takes effect at commit, in the control daemon.",
};

/* text for roff: backslashes, and dots or quotes that would begin a request, are escaped */
static void roff(struct schema_text *out, const char *s)
{
	if (*s == '.' || *s == '\'')
		schema_text_puts(out, "\\&");
	for (; *s; s++) {
		if (*s == '\\')
			schema_text_puts(out, "\\e");
		else if (*s == '-')
			schema_text_puts(out, "\\-");
		else
			schema_text_add(out, s, 1);
	}
}

static void field_form(const struct schema_field *f, struct schema_text *t)
{
	char form[256];

	schema_text_reset(t);
	if (f->flags & SCHEMA_BARE)
		schema_text_puts(t, f->choices);
	else if (f->type == SCHEMA_FLAG)
		schema_text_puts(t, f->name);
	else
		schema_text_printf(t, "%s %s", f->name,
				   f->type == SCHEMA_ENUM || f->type == SCHEMA_UINT ||
						   f->type == SCHEMA_DURATION
					   ? schema_value_form(f, form, sizeof(form))
					   : schema_type_word(f->type));
}

int schema_manual_file(struct schema_text *out)
{
	struct schema_text t = {0};

	schema_text_puts(out, ".TH SALLYPORT.CONF 5 \"\" \"Sallyport\"\n.SH NAME\nsallyport.conf \\- "
			      "everything that a Sallyport "
			      "box is told\n.SH DESCRIPTION\nThe file is a list of lines, each one a command "
			      "of the shell\n.BR "
			      "sallyport (1):\n.PP\n.nf\nset NOUN [KEY] SETTING [VALUE] [SETTING "
			      "[VALUE]]…\ndelete NOUN [KEY] "
			      "[SETTING [VALUE]]\n.fi\n.PP\nBlanks separate words, double quotes keep blanks "
			      "inside of a word, a "
			      "word that begins with # begins a comment. The order of lines does not matter, "
			      "except that a later line "
			      "replaces a single value of an earlier one. What\n.B show "
			      "configuration\nprints can be pasted back. "
			      "Everything is read and checked before anything takes effect.\n");
	for (unsigned i = 0; i < schema_nouns_n; i++) {
		const struct schema_noun *n = &schema_nouns[i];

		schema_text_printf(out, ".SH \"%s%s%s%s%s%s%s\"\n", n->name, n->key_name ? " " : "",
				   n->key_name ? n->key_name : "", n->key2_word ? " " : "",
				   n->key2_word ? n->key2_word : "", n->key2_word ? " " : "",
				   n->key2_word ? n->key2_name : "");
		roff(out, n->help);
		schema_text_printf(out, ".\n%s\n", applies_text[n->applies]);
		if (n->alias) {
			schema_text_puts(out, "Also understood: ");
			roff(out, n->alias);
			schema_text_puts(out, ".\n");
		}
		for (unsigned k = 0; k < n->fields_n; k++) {
			const struct schema_field *f = &n->fields[k];

			field_form(f, &t);
			schema_text_puts(out, ".TP\n.B \"");
			roff(out, t.p ? t.p : "");
			schema_text_puts(out, "\"\n");
			roff(out, f->help);
			if (f->flags & SCHEMA_MULTI)
				schema_text_puts(out, "; may be given several times");
			if (f->flags & SCHEMA_REQUIRED)
				schema_text_puts(out, "; required");
			if (f->fallback) {
				schema_text_puts(out, "; default: ");
				roff(out, f->fallback);
			}
			schema_text_puts(out, ".");
			if (f->alias) {
				schema_text_puts(out, " Also understood: ");
				roff(out, f->alias);
				schema_text_puts(out, ".");
			}
			schema_text_puts(out, "\n");
		}
	}
	schema_text_fini(&t);
	return schema_text_puts(out, ".SH SEE ALSO\n.BR sallyport (1),\n.BR sallyport\\-control (8),\n.BR "
				     "sallyport\\-dataplane (8)\n");
}

int schema_manual_commands(struct schema_text *out)
{
	struct schema_text t = {0};

	schema_text_puts(
		out,
		".TH SALLYPORT 1 \"\" \"Sallyport\"\n.SH NAME\nsallyport \\- the shell of a Sallyport box\n"
		".SH SYNOPSIS\n.B sallyport\n[\\fB\\-jxe\\fR] [\\fB\\-s\\fR SOCKET] [\\fB\\-f\\fR FILE] "
		"[COMMAND…]\n"
		".SH DESCRIPTION\nWithout a command and on a terminal, an interactive shell; without a "
		"command and "
		"with input from elsewhere, a batch of lines; else one command. All three have one grammar. "
		"Words may "
		"be abbreviated while they stay unique.\n.SH OPTIONS\n"
		".TP\n.B \\-j\nJSON instead of text, errors too.\n"
		".TP\n.B \\-x\nPrint each line of a batch before it is done.\n"
		".TP\n.B \\-e\nEnd a batch at the first error.\n"
		".TP\n.B \\-f FILE\nRead the batch from FILE.\n"
		".TP\n.B \\-s SOCKET\nSocket of the daemon; default /run/sallyport/control.sock, or "
		"$SALLYPORT_SOCKET.\n"
		".TP\n.B \\-\\-version\nPrint the version.\n.TP\n.B \\-\\-help\nPrint the options.\n"
		".SH COMMANDS\n.TP\n.B set NOUN [KEY] SETTING [VALUE]…\nChange the candidate; see\n.BR "
		"sallyport.conf (5).\n.TP\n.B delete NOUN [KEY] [SETTING [VALUE]]\nTake something out of it; "
		"also "
		"written\n.BR no .\n");
	for (unsigned i = 0; i < schema_commands_n; i++) {
		const struct schema_command *c = &schema_commands[i];

		schema_text_reset(&t);
		schema_command_usage(c, &t);
		schema_text_puts(out, ".TP\n.B \"");
		roff(out, t.p);
		schema_text_puts(out, "\"\n");
		roff(out, c->help);
		schema_text_puts(out, ".\n");
		for (unsigned k = 0; k < c->args_n; k++) {
			schema_text_puts(out, ".br\n\\fI");
			roff(out, c->args[k].name);
			schema_text_puts(out, "\\fR: ");
			roff(out, c->args[k].help);
			schema_text_puts(out, "\n");
		}
	}
	schema_text_fini(&t);
	return schema_text_puts(
		out,
		".SH FILTERS\nA command may end with\n.BR \"| include TEXT\" ,\n.BR \"| exclude TEXT\" "
		",\n.BR "
		"\"| begin TEXT\" ,\n.B | count\nor\n.BR \"| no\\-more\" .\nTEXT is an extended regular "
		"expression, see\n.BR regex (7),\nor stands in the line as it is; "
		"letters' case does not matter. Quote it when it holds a |.\n"
		".SH THE INTERACTIVE SHELL\nTAB completes, ? says what may stand here, \\(ha R searches the "
		"history. "
		"In\n.B configure\nthe prompt shows that the candidate is edited;\n.B do\nbefore a command "
		"is "
		"passed over.\n"
		".SH EXIT STATUS\n.TP\n.B 0\nDone; for apply, load and import: unchanged.\n.TP\n.B "
		"1\nRefused "
		"or failed; the reason is on standard error (with \\-j in the object on standard output).\n"
		".TP\n.B 2\nFor apply, load and import: changed.\n.TP\n.B 3\nThe daemon cannot be "
		"reached.\n.TP\n.B 4\nNot permitted.\n.TP\n.B 64\nThe line is wrong: a word that nobody "
		"knows, a "
		"value out of its range, something missing; of set and delete too. Something that is written "
		"well and not there is 1.\n.PP\nA batch ends with the status of the first line that failed, "
		"else with 2 when one changed something.\n"
		".SH ENVIRONMENT\n.TP\n.B SALLYPORT_SOCKET\nSocket of the daemon.\n.TP\n.B NO_COLOR\nNo "
		"colours, "
		"as without a terminal.\n"
		".SH FILES\n.TP\n.B ~/.sallyport_history\nWhat was typed.\n.TP\n.B ~/.editrc\nKeys of the "
		"line "
		"editor, see\n.BR editrc (5).\n"
		".SH EXAMPLES\n.nf\nsallyport apply site.conf comment \"CHG\\-1234\"\nsallyport commit "
		"confirmed "
		"5\nsallyport block fabrikam.test comment \"stolen key\"\nsallyport explain from "
		"a@fabrikam.test to "
		"b@contoso.test peer sip.fabrikam.test\nsallyport \\-j show peers | jq .rows\n.fi\n"
		".SH SEE ALSO\n.BR sallyport.conf (5),\n.BR sallyport\\-control (8),\n.BR "
		"sallyport\\-dataplane (8)\n");
}

int schema_manual_bash(struct schema_text *out)
{
	return schema_text_puts(out,
				"# bash completion of sallyport: the shell itself says what may follow\n"
				"_sallyport() {\n"
				"\tlocal IFS=$'\\n' line\n"
				"\tline=\"${COMP_LINE:0:COMP_POINT}\"\n"
				"\tline=\"${line#* }\"\n"
				"\twhile [[ $line == -* ]]; do\n"
				"\t\tcase $line in\n"
				"\t\t'-s '* | '-f '*) line=\"${line#* }\"; line=\"${line#* }\" ;;\n"
				"\t\t*' '*) line=\"${line#* }\" ;;\n"
				"\t\t*) return ;;\n"
				"\t\tesac\n"
				"\tdone\n"
				"\tCOMPREPLY=($(\"${COMP_WORDS[0]}\" --complete \"$line\" 2>/dev/null))\n"
				"}\n"
				"complete -o default -F _sallyport sallyport\n");
}

int schema_manual_foreign(struct schema_text *out)
{
	for (unsigned i = 0; i < schema_foreigns_n; i++) {
		const struct schema_foreign *f = &schema_foreigns[i];

		if (f->noun)
			schema_text_printf(out, "%s %s: %s%s%s%s%s%s\n", f->where, f->name, f->noun,
					   *f->field ? " " : "", f->field, f->note ? " (" : "",
					   f->note ? f->note : "", f->note ? ")" : "");
		else
			schema_text_printf(out, "%s %s: not ours: %s\n", f->where, f->name, f->note);
	}
	return 0;
}

static void json_member(struct schema_text *out, const char *name, const char *value)
{
	if (!value)
		return;
	schema_text_printf(out, ",\"%s\":", name);
	schema_json_string(out, value);
}

int schema_manual_json(struct schema_text *out)
{
	static const char *const applies[] = {"live", "boot", "daemon"};
	static const char *const roles[] = {"read", "operate", "configure"};
	char form[256];

	schema_text_puts(out, "{\"nouns\":[");
	for (unsigned i = 0; i < schema_nouns_n; i++) {
		const struct schema_noun *n = &schema_nouns[i];

		schema_text_printf(out, "%s{\"name\":\"%s\",\"applies\":\"%s\"", i ? "," : "", n->name,
				   applies[n->applies]);
		json_member(out, "key", n->key_name);
		json_member(out, "second", n->key2_word);
		json_member(out, "help", n->help);
		schema_text_puts(out, ",\"fields\":[");
		for (unsigned k = 0; k < n->fields_n; k++) {
			const struct schema_field *f = &n->fields[k];

			schema_text_printf(out, "%s{\"name\":\"%s\",\"multi\":%s,\"required\":%s",
					   k ? "," : "", f->name, f->flags & SCHEMA_MULTI ? "true" : "false",
					   f->flags & SCHEMA_REQUIRED ? "true" : "false");
			json_member(out, "form",
				    f->type == SCHEMA_FLAG ? "flag"
							   : schema_value_form(f, form, sizeof(form)));
			json_member(out, "default", f->fallback);
			json_member(out, "refers", f->refers);
			json_member(out, "alias", f->alias);
			json_member(out, "help", f->help);
			schema_text_puts(out, "}");
		}
		schema_text_puts(out, "]}");
	}
	schema_text_puts(out, "],\"commands\":[");
	for (unsigned i = 0; i < schema_commands_n; i++) {
		const struct schema_command *c = &schema_commands[i];
		struct schema_text usage = {0};

		schema_command_usage(c, &usage);
		schema_text_printf(out, "%s{\"words\":\"%s\",\"role\":\"%s\"", i ? "," : "", c->words,
				   roles[c->role]);
		json_member(out, "usage", usage.p);
		json_member(out, "help", c->help);
		schema_text_puts(out, "}");
		schema_text_fini(&usage);
	}
	return schema_text_puts(out, "]}\n");
}
