/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/schema/boot.h"
#include "dataplane/base/log.h"
#include "dataplane/worker/box.h"
#include "dataplane/worker/counters_view.h"
#include "dataplane/worker/edge.h"
#include "drivers/devargs.h"
#include "drivers/fault_plan.h"

enum { FILES_MIN = 128, FILES_WORKER = 8 };

static const char usage[] =
	"usage: sallyport-dataplane --config FILE [--check]\n"
	"       sallyport-dataplane counters RUNDIR [--all] [--json] [--once] [--watch [SECONDS]]\n"
	"       sallyport-dataplane --version | --help\n"
	"\n"
	"  --config FILE  run with the settings of FILE until SIGTERM or SIGINT\n"
	"  --check        only say what is wrong with FILE, as FILE:LINE:COLUMN: text\n"
	"  counters       print what the dataplane of RUNDIR counts or counted\n"
	"\n"
	"Exit status: 0; 1: wrong settings or no start; 75: every port of a side is lost, start again.\n";

/* What the schema cannot know: the words inside of device and fault. Returns the number of complaints. */
static unsigned ports_check(const struct boot_config *config, const char *file)
{
	unsigned complaints = 0;

	for (unsigned i = 0; i < config->n_ports; i++) {
		const struct boot_port *p = &config->ports[i];
		struct driver_devargs device;
		struct fault_spec fault;
		char why[512];

		if (driver_devargs_parse(&device, p->device, why, sizeof(why))) {
			fprintf(stderr, "%s:%u:%u: %s\n", file, p->device_line, p->device_column, why);
			complaints++;
		}
		if (*p->fault && fault_spec_parse(&fault, p->fault, why, sizeof(why))) {
			fprintf(stderr, "%s:%u:%u: %s\n", file, p->fault_line, p->fault_column, why);
			complaints++;
		}
	}
	return complaints;
}

/* A file of the run directory was cut under its mapping: there is nothing left to judge by. Said, then the
 * same access ends the process. */
static void on_bus(int signal)
{
	static const char words[] =
		"critical: box: a file in its run directory was cut while in use: it ends (SIGBUS)\n";

	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
		return;
}

/* Files, sockets, epolls and shared memory of so many workers; each that is missing would be told where it
 * happens to be missed. */
static int files_enough(unsigned workers)
{
	rlim_t need = FILES_MIN + (rlim_t)FILES_WORKER * workers;
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur >= need)
		return 0;
	l.rlim_cur = l.rlim_max < need ? l.rlim_max : need;
	if (setrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur >= need)
		return 0;
	base_log(BASE_LOG_ERROR, "box",
		 "it may open %llu files and needs %llu: raise 'ulimit -Hn', or LimitNOFILE= of its unit",
		 (unsigned long long)l.rlim_cur, (unsigned long long)need);
	return -EMFILE;
}

static int run(const char *file, bool check)
{
	static struct boot_config config; /* large; one process, one box */
	static struct box box;
	static struct edge_setup edge;
	sigset_t set;
	const struct sigaction bus = {.sa_handler = on_bus, .sa_flags = SA_RESETHAND};
	int code = BOX_EXIT_FAILED;

	if (boot_load(&config, file) || ports_check(&config, file))
		return BOX_EXIT_FAILED;
	if (check)
		return BOX_EXIT_OK;
	if (files_enough(config.workers))
		return BOX_EXIT_FAILED;
	/* before DPDK starts its threads: all of them inherit this, the cold thread reads a signalfd */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGBUS, &bus, NULL);
	if (edge_setup_init(&edge, &config) == 0 && box_open(&box, &config, &edge_app, &edge) == 0)
		code = box_run(&box);
	box_close(&box);
	return code;
}

static int complain(const char *what, const char *word)
{
	fprintf(stderr, "sallyport-dataplane: %s '%s', see --help\n", what, word);
	return BOX_EXIT_FAILED;
}

static int counters_main(int argc, char **argv)
{
	struct counters_view_options o = {.dir = NULL};

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			o.json = true;
		} else if (strcmp(argv[i], "--all") == 0) {
			o.all = true;
		} else if (strcmp(argv[i], "--once") == 0) {
			o.watch = 0;
		} else if (strcmp(argv[i], "--watch") == 0) {
			o.watch = 1;
			if (i + 1 < argc && argv[i + 1][0] >= '1' && argv[i + 1][0] <= '9')
				o.watch = (unsigned)strtoul(argv[++i], NULL, 10);
		} else if (argv[i][0] == '-' || o.dir) {
			return complain("counters does not know", argv[i]);
		} else {
			o.dir = argv[i];
		}
	}
	if (!o.dir)
		return complain("name a run-dir behind", "counters");
	return counters_view_run(&o);
}

int main(int argc, char **argv)
{
	const char *file = NULL;
	bool check = false;

	/* before anything of OpenSSL has allocated */
	if (tls_memory_init())
		return BOX_EXIT_FAILED;
	if (argc > 1 && strcmp(argv[1], "counters") == 0)
		return counters_main(argc, argv);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return BOX_EXIT_OK;
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts("sallyport-dataplane " SALLYPORT_VERSION);
			return BOX_EXIT_OK;
		}
		if (strcmp(argv[i], "--check") == 0)
			check = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			file = argv[++i];
		else
			return complain("does not know", argv[i]);
	}
	if (!file)
		return complain("needs", "--config FILE");
	return run(file, check);
}
