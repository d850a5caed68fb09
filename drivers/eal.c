/* SPDX-License-Identifier: BSD-3-Clause */
#include "drivers/eal.h"
#include "drivers/dpdk_compat.h"
#include "drivers/eal_pages.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

enum { ARGS_MAX = 48, ARG_MAX_LEN = 4096 };

struct args {
	char *argv[ARGS_MAX];
	int argc;
};

unsigned driver_hugepages_free(void)
{
	static const char root[] = "/sys/kernel/mm/hugepages";
	unsigned long kib = 0;
	struct dirent *e;
	DIR *d = opendir(root);

	while (d && (e = readdir(d))) {
		unsigned long size, n;
		char path[512];
		FILE *f;

		if (sscanf(e->d_name, "hugepages-%lukB", &size) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", root, e->d_name);
		f = fopen(path, "re");
		if (f && fscanf(f, "%lu", &n) == 1)
			kib += n * size;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return (unsigned)(kib / 1024);
}

__attribute__((format(printf, 2, 3))) static bool arg(struct args *a, const char *fmt, ...)
{
	char text[ARG_MAX_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (a->argc == ARGS_MAX - 1)
		return false;
	a->argv[a->argc] = strdup(text);
	if (!a->argv[a->argc])
		return false;
	a->argv[++a->argc] = NULL;
	return true;
}

static void lcores_text(const struct driver_eal_config *c, char *to, size_t size)
{
	size_t n = (size_t)snprintf(to, size, "0@(");

	for (unsigned i = 0; i < c->n_cold_cpus && n < size; i++)
		n += (size_t)snprintf(to + n, size - n, "%s%u", i ? "," : "", c->cold_cpus[i]);
	if (n < size)
		n += (size_t)snprintf(to + n, size - n, ")");
	for (unsigned i = 0; i < c->n_workers && n < size; i++)
		n += (size_t)snprintf(to + n, size - n, ",%u@%u", i + 1, c->worker_cpus[i]);
}

/* DPDK's own lines get our form: level: component: text. They come whole, with their newline. */
static ssize_t log_write(void *cookie, const char *text, size_t len)
{
	static const char *const levels[] = {"error",	"error",   "error", "error", "error",
					     "warning", "warning", "info",  "debug"};
	int level = rte_log_cur_msg_loglevel();
	size_t n = len;

	while (n && text[n - 1] == '\n')
		n--;
	if (n)
		fprintf(stderr, "%s: dpdk: %.*s\n", levels[level >= 0 && level <= 8 ? level : 7], (int)n,
			text);
	return (ssize_t)len;
}

/* DPDK wants a directory of its own even when it puts nothing there. It may have it for a moment, beside our
 * own files; what is left of /run/dpdk after a crash is what every second installation trips over. */
static int init_without_residue(int argc, char **argv, const char *dir)
{
	static const char variable[] = "RUNTIME_DIRECTORY";
	const char *given = getenv(variable);
	char *before = given ? strdup(given) : NULL;
	char path[PATH_MAX];
	int rc;

	setenv(variable, dir, 1);
	rc = rte_eal_init(argc, argv);
	if (before)
		setenv(variable, before, 1);
	else
		unsetenv(variable);
	free(before);
	snprintf(path, sizeof(path), "%s/dpdk/rte", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/dpdk", dir);
	rmdir(path);
	return rc;
}

int driver_eal_start(const struct driver_eal_config *c, char *why, size_t why_size)
{
	static const cookie_io_functions_t io = {.write = log_write};
	char lcores[2048], *argv[ARGS_MAX];
	struct args a = {.argc = 0};
	FILE *log = fopencookie(NULL, "w", io);
	bool ok;
	int rc;

	lcores_text(c, lcores, sizeof(lcores));
	ok = arg(&a, "%s", c->program) && arg(&a, "--lcores=%s", lcores) && arg(&a, "--main-lcore=0") &&
	     arg(&a, c->hugepages ? "--in-memory" : "--no-huge") && arg(&a, "--no-shconf") &&
	     arg(&a, "--no-telemetry") && arg(&a, "--log-level=*:warning") && arg(&a, "-m%u", c->memory);
	if (ok && c->n_pci == 0)
		ok = arg(&a, "--no-pci") && arg(&a, "--iova-mode=va");
	for (unsigned i = 0; ok && i < c->n_pci; i++)
		ok = arg(&a, "-apci:%s", c->pci[i]);
	if (!ok || !log) {
		rc = -ENOMEM;
		snprintf(why, why_size, "out of memory");
		goto out;
	}
	setlinebuf(log);
	rte_openlog_stream(log);
	/* EAL shuffles its argv: the strings are freed by our own list */
	memcpy(argv, a.argv, sizeof(argv));
	rc = init_without_residue(a.argc, argv, c->runtime_dir);
	if (rc < 0) {
		rc = rte_errno ? -rte_errno : -EIO;
		snprintf(why, why_size,
			 "DPDK does not start (%s): its own lines are above; with little memory lower 'set "
			 "dataplane "
			 "memory'",
			 strerror(-rc));
	} else {
		/* a device that was told where the memory is would go on using what was there */
		rc = !c->hugepages && c->transparent && c->n_pci == 0 ? driver_eal_pages() : 0;
		if (rc == -ENOTRECOVERABLE)
			snprintf(why, why_size, "memory of DPDK cannot be mapped");
		else
			rc = 0;
		/* tap wants a qdisc for flow rules, which nothing here uses, and calls its absence an error
		 */
		rte_log_set_level_pattern("pmd.net.tap*", RTE_LOG_CRIT);
		rte_log_set_level_pattern("pmd.net.memif*", RTE_LOG_ERR);
	}
out:
	for (int i = 0; i < a.argc; i++)
		free(a.argv[i]);
	return rc;
}

void driver_eal_stop(void)
{
	rte_eal_cleanup();
}
