/* SPDX-License-Identifier: BSD-3-Clause */
/* sallyport: the shell. Interactive, one command, or a batch of lines; one grammar. */
#include "controlplane/shell/edit.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void usage(FILE *to)
{
	fputs("sallyport [-jxe] [-s SOCKET] [-f FILE] [COMMAND…]\n"
	      "  -j         JSON instead of text, errors too\n"
	      "  -x         print each line of a batch before it is done\n"
	      "  -e         end a batch at the first error\n"
	      "  -f FILE    read the batch from FILE\n"
	      "  -s SOCKET  the daemon's; default $SALLYPORT_SOCKET or /run/sallyport/control.sock\n"
	      "'sallyport help' lists the commands; 'sallyport check FILE' needs no daemon.\n",
	      to);
}

static int batch(struct shell *s, FILE *from, bool echo, bool stop)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int status = RUN_OK;
	bool first = true;

	while (!s->leaving && (n = getline(&line, &cap, from)) >= 0) {
		int one;

		if (first && n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
			memmove(line, line + 3, (size_t)(n -= 3) + 1);
		first = false;
		if (n && line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (echo && line[strspn(line, " \t")])
			fprintf(s->json ? stderr : stdout, "> %s\n", line);
		fflush(stdout);
		one = run_line(s, line);
		if (one && (status == RUN_OK || status == RUN_CHANGED))
			status = one;
		if (stop && one && one != RUN_CHANGED)
			break;
	}
	free(line);
	return status;
}

/* the words of a command line as one line of the shell */
static int one_shot(struct shell *s, int argc, char **argv)
{
	struct schema_text line = {0};
	int status;

	for (int i = 0; i < argc; i++) {
		bool bar = strcmp(argv[i], "|") == 0 || (argc == 1);

		/* --dry-run and the like: what elsewhere is an option is a word here */
		const char *w = strncmp(argv[i], "--", 2) == 0 && argv[i][2] ? argv[i] + 2 : argv[i];

		if (i)
			schema_text_puts(&line, " ");
		if (bar)
			schema_text_puts(&line, w);
		else
			schema_word_print(&line, w);
	}
	status = run_line(s, line.p);
	schema_text_fini(&line);
	return status;
}

int main(int argc, char **argv)
{
	struct shell shell = {0}, *s = &shell;
	bool echo = false, stop = false;
	const char *file = NULL, *complete = NULL;
	FILE *from = stdin;
	int o, status;

	signal(SIGPIPE, SIG_IGN);
	s->link.fd = -1;
	s->link.path = getenv("SALLYPORT_SOCKET");
	if (!s->link.path)
		s->link.path = "/run/sallyport/control.sock";
	static const struct option longs[] = {{"help", 0, NULL, 'h'},
					      {"version", 0, NULL, 'v'},
					      {"complete", 1, NULL, 'c'},
					      {NULL, 0, NULL, 0}};
	while ((o = getopt_long(argc, argv, "+jxes:f:h", longs, NULL)) != -1) {
		switch (o) {
		case 'j':
			s->json = true;
			break;
		case 'x':
			echo = true;
			break;
		case 'e':
			stop = true;
			break;
		case 's':
			s->link.path = optarg;
			break;
		case 'f':
			file = optarg;
			break;
		case 'c':
			complete = optarg;
			break;
		case 'v':
			puts("sallyport " SALLYPORT_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return RUN_USAGE;
		}
	}
	s->out.to = stdout;
	s->out.json = s->json;
	s->interactive = optind == argc && !file && isatty(STDIN_FILENO);
	s->out.pager = s->interactive;
	s->out.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	if (file && strcmp(file, "-")) {
		from = fopen(file, "r");
		if (!from) {
			output_begin(&s->out);
			output_error(&s->out, file, 0, 0, "file", strerror(errno));
			output_end(&s->out, RUN_USAGE);
			output_fini(&s->out);
			return RUN_USAGE;
		}
	}
	if (complete) {
		run_complete(s, complete);
		status = 0;
	} else if (optind < argc) {
		status = one_shot(s, argc - optind, argv + optind);
	} else if (s->interactive) {
		status = edit_loop(s);
	} else {
		status = batch(s, from, echo, stop);
	}
	link_close(&s->link);
	output_fini(&s->out);
	if (from != stdin)
		fclose(from);
	return status;
}
