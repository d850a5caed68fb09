/* SPDX-License-Identifier: BSD-3-Clause */
/* Manual pages of the two daemons: their options, which a test holds against what --help prints, and what of
 * the table is theirs. */
#include "config/schema/schema_manual.h"

#include <string.h>

struct entry {
	const char *term, *text; /* roff */
};

static const struct entry control_options[] = {
	{"\\-\\-store DIR", "Revisions, blocks, audit, the open candidate, rotating keys and the watch list; "
			    "mode 0700. Default /var/lib/sallyport."},
	{"\\-\\-run DIR",
	 "What the dataplane reads: the policy segment, rings, secrets. Default /run/sallyport."},
	{"\\-\\-socket FILE", "Where the shell connects. Default RUN/control.sock."},
	{"\\-\\-version", "Print the version."},
	{"\\-\\-help", "Print the options."},
};

static const struct entry control_signals[] = {
	{"SIGTERM, SIGINT", "An orderly end: a change under way is finished or taken back first, the open "
			    "candidate is kept."},
	{"SIGHUP",
	 "Files of certificates and trust stores are looked at now instead of within a minute, and "
	 "revocation "
	 "lists are fetched anew. "
	 "Settings are not read from any file at the start: they are in the store, and\n.B sallyport "
	 "apply FILE\nchanges them."},
};

static const struct entry control_files[] = {
	{"/var/lib/sallyport/config.db", "Objects and revisions (SQLite, WAL)."},
	{"/var/lib/sallyport/journal.db", "Blocks and audit."},
	{"/run/sallyport/control.sock",
	 "The socket; roles go by the credentials of who connects: set control read\\-group, "
	 "operate\\-group, configure\\-group."},
	{"/run/sallyport/secrets/", "Certificates and keys for the dataplane, named by their content."},
};

static const struct entry control_exit[] = {
	{"0", "After a signal."},
	{"1", "No start, or the segment cannot be made; the reason is on standard error."},
	{"64", "The command line is wrong."},
};

static const struct entry dataplane_options[] = {
	{"\\-\\-config FILE", "Run with the settings of FILE until a signal comes. Of them\n.B set "
			      "dataplane\nand\n.B set port\ncount here; all others come from\n.BR "
			      "sallyport\\-control (8)\nand change while it runs."},
	{"\\-\\-check", "With \\-\\-config: only say what is wrong with FILE, as FILE:LINE:COLUMN: text."},
	{"counters RUNDIR [\\-\\-all] [\\-\\-json] [\\-\\-once] [\\-\\-watch [SECONDS]]",
	 "Print what the dataplane of RUNDIR counts, or counted before it ended."},
	{"\\-\\-version", "Print the version."},
	{"\\-\\-help", "Print the options."},
};

static const struct entry dataplane_signals[] = {
	{"SIGTERM, SIGINT", "End. Sessions end with it."},
	{"SIGHUP", "Is passed over: what may change while it runs comes from control."},
};

static const struct entry dataplane_exit[] = {
	{"0", "After a signal."},
	{"1", "Wrong settings, or no start; the reason is on standard error."},
	{"75", "Every port of a side is lost: start again."},
};

static void list(struct schema_text *out, const char *heading, const struct entry *e, size_t n)
{
	schema_text_printf(out, ".SH %s\n", heading);
	for (size_t i = 0; i < n; i++)
		schema_text_printf(out, ".TP\n.B \"%s\"\n%s\n", e[i].term, e[i].text);
}

#define LIST(out, heading, a) list(out, heading, a, sizeof(a) / sizeof((a)[0]))

/* the nouns of one daemon, which sallyport.conf(5) explains */
static void nouns(struct schema_text *out, const char *sentence, unsigned mask)
{
	unsigned n = 0;

	schema_text_printf(out, ".SH SETTINGS\n%s\n", sentence);
	for (unsigned i = 0; i < schema_nouns_n; i++)
		if (mask >> schema_nouns[i].applies & 1)
			schema_text_printf(out, "%s\\fB%s\\fR", n++ ? ", " : "", schema_nouns[i].name);
	schema_text_puts(out, ". See\n.BR sallyport.conf (5).\n");
}

int schema_manual_control(struct schema_text *out)
{
	schema_text_puts(
		out,
		".TH SALLYPORT\\-CONTROL 8 \"\" \"Sallyport\"\n.SH NAME\nsallyport\\-control \\- the control "
		"daemon of a Sallyport box\n.SH SYNOPSIS\n.B sallyport\\-control\n[\\fB\\-\\-store\\fR DIR] "
		"[\\fB\\-\\-run\\fR DIR] [\\fB\\-\\-socket\\fR FILE]\n.SH DESCRIPTION\nIt owns what the box "
		"is "
		"told: settings, policy and their revisions, DNS answers, certificates. Publishes them to "
		"the dataplane over shared memory and answers the shell. It may be stopped, started and "
		"upgraded at any time: the dataplane goes on with what it was shown. Says to systemd when it "
		"is ready, and feeds its watchdog.\n");
	LIST(out, "OPTIONS", control_options);
	nouns(out, "Take effect here at commit:", 1u << SCHEMA_DAEMON);
	LIST(out, "SIGNALS", control_signals);
	LIST(out, "FILES", control_files);
	LIST(out, "\"EXIT STATUS\"", control_exit);
	return schema_text_puts(out, ".SH SEE ALSO\n.BR sallyport (1),\n.BR sallyport.conf (5),\n.BR "
				     "sallyport\\-dataplane (8)\n");
}

int schema_manual_dataplane(struct schema_text *out)
{
	schema_text_puts(out,
			 ".TH SALLYPORT\\-DATAPLANE 8 \"\" \"Sallyport\"\n.SH "
			 "NAME\nsallyport\\-dataplane \\- the dataplane of a Sallyport box\n.SH "
			 "SYNOPSIS\n.B sallyport\\-dataplane\n\\fB\\-\\-config\\fR FILE "
			 "[\\fB\\-\\-check\\fR]\n.br\n.B sallyport\\-dataplane counters\nRUNDIR "
			 "[\\fB\\-\\-all\\fR] [\\fB\\-\\-json\\fR] [\\fB\\-\\-once\\fR] "
			 "[\\fB\\-\\-watch\\fR [SECONDS]]\n.SH DESCRIPTION\nIt owns the ports, and on them "
			 "TCP, TLS and SIP of its own, one worker a core. Starts as root and gives its "
			 "rights up before the first frame.\n");
	LIST(out, "OPTIONS", dataplane_options);
	nouns(out, "Read from FILE at its start:", 1u << SCHEMA_BOOT);
	LIST(out, "SIGNALS", dataplane_signals);
	LIST(out, "\"EXIT STATUS\"", dataplane_exit);
	return schema_text_puts(out, ".SH SEE ALSO\n.BR sallyport (1),\n.BR sallyport.conf (5),\n.BR "
				     "sallyport\\-control (8)\n");
}
