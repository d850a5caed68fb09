/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/wire/testpmd_peer.h"
#include "bench/wire/testpmd_control.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 16, WAIT_MS = 10000 };

static const char prompt[] = "testpmd> ";

/* reads until its prompt; false: it ended or kept silent */
static bool answer_read(struct testpmd_peer *t)
{
	struct pollfd p = {.fd = t->out, .events = POLLIN};
	size_t n = 0;

	while (n < TEXT_MAX - 1 && poll(&p, 1, WAIT_MS) == 1) {
		ssize_t k = read(t->out, t->text + n, TEXT_MAX - 1 - n);

		if (k <= 0)
			return false;
		n += (size_t)k;
		t->text[n] = '\0';
		/* it echoes the command behind the prompt that we have seen already */
		if (n >= sizeof(prompt) - 1 && strcmp(t->text + n - (sizeof(prompt) - 1), prompt) == 0)
			return true;
	}
	return false;
}

static bool command(struct testpmd_peer *t, const char *words)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%s\n", words);

	return write(t->in, line, (size_t)n) == n && answer_read(t);
}

static void child(const struct testpmd_peer *t, int in, int out, unsigned forward_cpu, unsigned generator_cpu)
{
	char lcores[64];

	snprintf(lcores, sizeof(lcores), "--lcores=0@%u,1@%u", generator_cpu, forward_cpu);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	setenv(TESTPMD_CONTROL_ENV, t->path, 1);
	setenv("LD_PRELOAD", BENCH_WIRE_PRELOAD, 1);
	setenv("RUNTIME_DIRECTORY", "/tmp", 1);
	execlp("dpdk-testpmd", "dpdk-testpmd", lcores, "--main-lcore=0", "--no-huge", "--no-shconf",
	       "--no-pci", "--no-telemetry", "-m128", "--", "-i", "--forward-mode=icmpecho",
	       "--total-num-mbufs=4096", "--port-topology=loop", "--no-lsc-interrupt", "--nb-cores=1",
	       (char *)NULL);
	_exit(127);
}

int testpmd_start(struct testpmd_peer *t, unsigned forward_cpu, unsigned generator_cpu, const char **why)
{
	int in[2], out[2], fd;

	*t = (struct testpmd_peer){.pid = -1, .in = -1, .out = -1};
	*why = "no pipes or memory";
	strcpy(t->path, "/tmp/bench-wire.XXXXXX");
	fd = mkstemp(t->path);
	t->text = malloc(TEXT_MAX);
	if (fd < 0 || !t->text || ftruncate(fd, sizeof(*t->control)) < 0 || pipe2(in, O_CLOEXEC) < 0 ||
	    pipe2(out, O_CLOEXEC) < 0)
		return -1;
	t->control = mmap(NULL, sizeof(*t->control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (t->control == MAP_FAILED)
		return -1;
	t->control->cpu = generator_cpu;
	t->pid = fork();
	if (t->pid == 0)
		child(t, in[0], out[1], forward_cpu, generator_cpu);
	close(in[0]);
	close(out[1]);
	t->in = in[1];
	t->out = out[0];
	*why = "dpdk-testpmd is not installed (package dpdk-dev) or does not start";
	if (t->pid < 0 || !answer_read(t) || !atomic_load(&t->control->ready))
		return -1;
	/* mapped on both sides by now: it needs no name, and leaves none behind when the bench ends early */
	unlink(t->path);
	*why = "dpdk-testpmd does not take its commands";
	if (!command(t, "set record-core-cycles on") || !command(t, "start"))
		return -1;
	kill(t->pid, SIGSTOP);
	return 0;
}

double testpmd_sample(struct testpmd_peer *t, unsigned n)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	double value = NAN;
	const char *at;

	kill(t->pid, SIGCONT);
	if (!command(t, "clear fwd stats all"))
		return NAN;
	t->control->requests = n;
	atomic_fetch_add(&t->control->ordered, 1);
	while (atomic_load(&t->control->done) != atomic_load(&t->control->ordered)) {
		siginfo_t ended = {.si_pid = 0};

		/* left as it is, for testpmd_stop to take */
		if (waitid(P_PID, (id_t)t->pid, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 || ended.si_pid != 0)
			return NAN;
		nanosleep(&pause, NULL);
	}
	if (!t->control->failed && command(t, "show fwd stats all")) {
		at = strstr(t->text, "CPU cycles/packet=");
		if (at)
			value = strtod(at + strlen("CPU cycles/packet="), NULL);
	}
	kill(t->pid, SIGSTOP);
	return value;
}

void testpmd_stop(struct testpmd_peer *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, 0);
	}
	unlink(t->path);
	rmdir("/tmp/dpdk/rte");
	rmdir("/tmp/dpdk");
	free(t->text);
}
