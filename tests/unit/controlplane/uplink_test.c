/* SPDX-License-Identifier: BSD-3-Clause */
/* The dataplane's side of the rings, played against the real daemon: questions become facts, askers have
 * limits, each side restarts under the other, nonsense harms nobody, events are kept and shown. Longer than
 * other files: one daemon and one played dataplane serve all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/exchange/area.h"
#include "config/exchange/chain.h"
#include "config/exchange/command.h"
#include "config/exchange/event.h"
#include "config/exchange/exchange_table.h"
#include "config/exchange/probe.h"
#include "config/exchange/question.h"
#include "config/policy/fact.h"
#include "config/policy/watch.h"
#include "config/policy/writer.h"

enum { WORKERS = 2, WAIT_MS = 20000 };

struct box {
	char dir[64], run[80], conf[96], log[96];
	pid_t daemon;
	struct exchange_area own, other;
	struct ring_producer ring[2 * WORKERS];
	struct segment seg;
	bool attached;
};

static struct box box;

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* the shell's output, of at most cap - 1 bytes; its exit status */
static int shell(char *out, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int shell(char *out, size_t cap, const char *format, ...)
{
	char line[512], command[1024];
	size_t n = 0, got;
	va_list ap;
	FILE *f;
	int rc;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	snprintf(command, sizeof(command), "SALLYPORT_SOCKET=%s/control.sock %s %s 2>&1", box.run,
		 getenv("SALLYPORT_SHELL"), line);
	f = popen(command, "r");
	assert_non_null(f);
	while (n + 1 < cap && (got = fread(out + n, 1, cap - 1 - n, f)) > 0)
		n += got;
	out[n] = '\0';
	rc = pclose(f);
	return WIFEXITED(rc) ? WEXITSTATUS(rc) : -1;
}

static void daemon_start(void)
{
	char store[96], socket_path[108];
	uint64_t end;

	snprintf(store, sizeof(store), "%s/store", box.dir);
	snprintf(socket_path, sizeof(socket_path), "%s/control.sock", box.run);
	box.daemon = fork();
	assert_true(box.daemon >= 0);
	if (box.daemon == 0) {
		int fd = open(box.log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		dup2(fd, 2);
		execl(getenv("SALLYPORT_CONTROL"), "sallyport-control", "--store", store, "--run", box.run,
		      (char *)NULL);
		_exit(127);
	}
	for (end = now_ms() + WAIT_MS; now_ms() < end; sleep_ms(10)) {
		char out[256];

		if (access(socket_path, F_OK) == 0 && shell(out, sizeof(out), "show status") == 0 &&
		    strstr(out, "segment     gen"))
			return;
	}
	fail_msg("the daemon does not come up");
}

static void daemon_stop(int signal)
{
	int status;

	kill(box.daemon, signal);
	waitpid(box.daemon, &status, 0);
}

/* the dataplane's file, under a new session; control's may be there or not */
static void dataplane_start(uint64_t session)
{
	struct exchange_spec spec[2 * WORKERS];

	for (unsigned i = 0; i < 2 * WORKERS; i++)
		spec[i] = (struct exchange_spec){64, 8 + (i < WORKERS ? sizeof(struct exchange_question)
								      : sizeof(struct policy_watch))};
	exchange_close(&box.own);
	assert_int_equal(exchange_create(&box.own, box.run, EXCHANGE_DATAPLANE, session, (gid_t)-1, spec,
					 2 * WORKERS, 1),
			 0);
	memset(box.ring, 0, sizeof(box.ring));
}

static void attach(void)
{
	enum segment_refusal why;
	uint64_t end = now_ms() + WAIT_MS;
	int r;

	exchange_close(&box.other);
	while ((r = exchange_attach(&box.other, box.run, EXCHANGE_CONTROL)) && now_ms() < end)
		sleep_ms(10);
	assert_int_equal(r, 0);
	for (unsigned i = 0; i < 2 * WORKERS; i++)
		assert_int_equal(exchange_producer(&box.ring[i], &box.own, i, &box.other, i), 0);
	if (!box.attached) {
		assert_int_equal(
			segment_attach(&box.seg, box.run, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why), 0);
		box.attached = true;
	}
}

static void detach_segment(void)
{
	if (box.attached)
		segment_close(&box.seg);
	box.attached = false;
}

/* waits until TEXT is in that file of the daemon's store, or no more: a kill changes nothing of that */
static void stored(const char *file, const char *text, bool there)
{
	uint64_t end = now_ms() + WAIT_MS;
	char command[160];

	snprintf(command, sizeof(command), "%s grep -qsaF '%s' '%s/store/%s'", there ? "" : "!", text,
		 box.dir, file);
	while (system(command)) {
		assert_true(now_ms() < end);
		sleep_ms(20);
	}
}

static const char *box_file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", box.run, name);
	return path;
}

static enum ring_result ask(unsigned worker, const char *name, unsigned kind, uint64_t asker)
{
	struct exchange_question q = {
		.asker = asker, .dns_kind = (uint8_t)kind, .len = (uint8_t)strlen(name)};

	memcpy(q.name, name, strlen(name));
	return ring_produce(&box.ring[worker], EXCHANGE_QUESTION, &q, sizeof(q));
}

/* the state of a fact, once it is known */
static int fact_state(const char *name, unsigned kind, int wait_ms)
{
	uint64_t end = now_ms() + (uint64_t)wait_ms;

	do {
		const struct policy_dns *d;

		segment_poll(&box.seg);
		d = policy_fact_dns(&box.seg, policy_name_of(name), (enum policy_dns_kind)kind);
		if (d)
			return d->state;
		sleep_ms(5);
	} while (now_ms() < end);
	return -1;
}

static int set_up(void **state)
{
	FILE *f;

	if (!getenv("SALLYPORT_CONTROL") || !getenv("SALLYPORT_SHELL"))
		return -1;
	strcpy(box.dir, "/tmp/uplink-test.XXXXXX");
	if (!mkdtemp(box.dir))
		return -1;
	snprintf(box.run, sizeof(box.run), "%s/run", box.dir);
	snprintf(box.conf, sizeof(box.conf), "%s/conf", box.dir);
	snprintf(box.log, sizeof(box.log), "%s/log", box.dir);
	f = fopen(box.conf, "w");
	if (!f)
		return -1;
	fputs("set dns ask-rate 2 ask-burst 4 timeout 1s\n", f);
	/* a line that is none takes nothing from the others */
	fputs("set dns local-data \"mistyped.test 60 AAA 198.18.9.1\"\n", f);
	/* nobody answers there */
	fputs("set dns server 127.0.0.9:9\n", f);
	for (unsigned i = 0; i < 20; i++)
		fprintf(f,
			"set dns local-data \"_sipfederationtls._tcp.d%u.test 60 SRV 0 0 5061 "
			"sip.d%u.test\"\n"
			"set dns local-data \"sip.d%u.test 60 A 198.18.9.%u\"\n",
			i, i, i, i + 1);
	fputs("set identity us public-fqdn sip.us.test\nset sip-domain us.test identity us next-hop "
	      "10.0.0.9\n"
	      "set federation allow-federated-users yes\nset access global federation yes\n"
	      "set partner tried.test allow\n"
	      "set dns local-data \"_sipfederationtls._tcp.tried.test 60 SRV 0 0 5061 sip.tried.test\"\n"
	      "set dns local-data \"sip.tried.test 60 A 198.18.9.201\"\n"
	      "set dns local-data \"sip.tried.test 60 A 198.18.9.202\"\n",
	      f);
	fputs("set dns local-data \"nothing.test 60 A 198.18.9.99\"\n", f);
	fclose(f);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	detach_segment();
	exchange_close(&box.own);
	exchange_close(&box.other);
	if (box.daemon > 0)
		daemon_stop(SIGTERM);
	snprintf(command, sizeof(command), "rm -rf '%s'", box.dir);
	return system(command);
}

static void questions_become_facts(void **state)
{
	char out[4096];
	uint64_t from;
	int rc;

	daemon_start();
	rc = shell(out, sizeof(out), "apply %s", box.conf);
	if (rc != 2)
		fail_msg("apply: %d: %s", rc, out);
	dataplane_start(11);
	attach();
	assert_int_equal(fact_state("d0.test", POLICY_DNS_FEDERATION, 0), -1);
	assert_int_equal(ask(0, "d0.test", POLICY_DNS_FEDERATION, 0), RING_OK);
	assert_int_equal(fact_state("d0.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
	/* under traffic an answer that is at hand takes some milliseconds, on a machine with time for it */
	for (unsigned i = 1, quick = 0; !quick; i++) {
		char name[32];

		assert_true(i < 20);
		snprintf(name, sizeof(name), "sip.d%u.test", i);
		from = now_ms();
		assert_int_equal(ask(1, name, POLICY_DNS_HOST, 0), RING_OK);
		assert_int_equal(fact_state(name, POLICY_DNS_HOST, WAIT_MS), POLICY_DNS_OK);
		quick = now_ms() - from < 500;
	}
	/* what cannot be answered in time is said as well */
	assert_int_equal(ask(0, "far.example", POLICY_DNS_FEDERATION, 0), RING_OK);
	assert_int_equal(fact_state("far.example", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_FAILED);
}

static void askers_have_limits(void **state)
{
	uint64_t from = now_ms();
	char name[32];
	unsigned known = 0;

	/* four at once, then two a second; somebody else is not held up by it */
	for (unsigned i = 2; i < 14; i++) {
		snprintf(name, sizeof(name), "d%u.test", i);
		assert_int_equal(ask(0, name, POLICY_DNS_FEDERATION, 77), RING_OK);
	}
	assert_int_equal(ask(1, "d15.test", POLICY_DNS_FEDERATION, 78), RING_OK);
	assert_int_equal(fact_state("d15.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
	assert_int_equal(fact_state("d5.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
	sleep_ms(100);
	for (unsigned i = 2; i < 14; i++) {
		snprintf(name, sizeof(name), "d%u.test", i);
		known += fact_state(name, POLICY_DNS_FEDERATION, 0) == POLICY_DNS_OK;
	}
	if (known < 4 || known > 6 + 2 * (now_ms() - from) / 1000)
		fail_msg("%u of 12 names were asked for one asker", known);
	/* what is known costs nothing: it is published again for whom has lost it */
	assert_int_equal(ask(0, "d2.test", POLICY_DNS_FEDERATION, 77), RING_OK);
	assert_int_equal(fact_state("d2.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
}

/* parts of chains that do not fit together, are too long, or belong to no trust store: none of it may be read
 * beyond its end (what a sanitizer sees) */
static void chains_of_nobody(void)
{
	static const struct {
		uint32_t bytes, at;
		uint16_t len;
		uint8_t id;
	} parts[] = {
		{EXCHANGE_CHAIN_MAX + 1, 0, 900, 1},
		{UINT32_MAX, 0, 900, 1},
		{2000, 900, 900, 1},
		{2000, 0, 900, 2},
		{2000, 900, 900, 3},
		{2000, 0, 900, 4},
		{1000, 900, 900, 4},
		{2000, 0, 900, 5},
		{2000, 900, 900, 5},
		{2000, 1800, 900, 5},
		{2000, 0, 900, 6},
		{2000, 900, UINT16_MAX, 6},
		{0, 0, 0, 7},
		{10, 0, 0, 7},
		{10, 0, 10, 7},
		{1, 0, 900, 8},
		{2000, 0, 968, 9},
		{2000, 968, 968, 9},
		{2000, 1936, 64, 9},
		{12000, 0, 900, 10},
	};
	struct exchange_chain m = {.data = {0x30, 0x82, 0x07, 0xcc}};

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		m.id = parts[i].id;
		m.bytes = parts[i].bytes;
		m.at = parts[i].at;
		m.len = parts[i].len;
		ring_produce(&box.ring[WORKERS + i % 2], EXCHANGE_CHAIN, &m, sizeof(m));
		ring_produce(&box.ring[WORKERS], EXCHANGE_CHAIN, &m, sizeof(m));
	}
}

static void nonsense_is_counted(void **state)
{
	struct exchange_question q = {.dns_kind = POLICY_DNS_FEDERATION};
	uint8_t junk[200];
	char out[8192];

	memset(junk, 0xff, sizeof(junk));
	q.len = 255;
	ring_produce(&box.ring[0], EXCHANGE_QUESTION, &q, sizeof(q));
	memcpy(q.name, "UPPER.TEST", 10);
	q.len = 10;
	ring_produce(&box.ring[0], EXCHANGE_QUESTION, &q, sizeof(q));
	memcpy(q.name, "198.18.0.1", 10);
	ring_produce(&box.ring[0], EXCHANGE_QUESTION, &q, sizeof(q));
	memcpy(q.name, "more.testx", 10);
	q.dns_kind = POLICY_DNS_MORE;
	ring_produce(&box.ring[0], EXCHANGE_QUESTION, &q, sizeof(q));
	ring_produce(&box.ring[0], EXCHANGE_QUESTION, &q, 40);
	ring_produce(&box.ring[0], EXCHANGE_EVENT, junk, sizeof(junk));
	ring_produce(&box.ring[0], 4711, junk, sizeof(junk));
	ring_produce(&box.ring[0], EXCHANGE_CHAIN, junk, sizeof(junk));
	chains_of_nobody();
	assert_int_equal(ask(0, "d16.test", POLICY_DNS_FEDERATION, 0), RING_OK);
	assert_int_equal(fact_state("d16.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
	assert_int_equal(shell(out, sizeof(out), "show events"), 0);
	if (!strstr(out, "8 made no sense"))
		fail_msg("%s", out);
}

static void events_are_kept(void **state)
{
	struct exchange_event e = {
		.kind = EXCHANGE_EVENT_REFUSED, .side = 1, .status = 403, .reason = 5, .worker = 1};
	uint64_t end = now_ms() + WAIT_MS;
	char out[65536];

	e.domain_len = exchange_event_put(e.domain, sizeof(e.domain), "evil.test", 9);
	e.text_len = exchange_event_put(e.text, sizeof(e.text), "line\nbreak\x1b[31m", 15);
	assert_int_equal(ring_produce(&box.ring[WORKERS], EXCHANGE_EVENT, &e, sizeof(e)), RING_OK);
	do {
		assert_int_equal(shell(out, sizeof(out), "show events with evil.test"), 0);
	} while (!strstr(out, "evil.test") && now_ms() < end);
	if (!strstr(out, "refused external domain evil.test status 403 reason ") ||
	    !strstr(out, "line?break?[31m"))
		fail_msg("%s", out);
	assert_int_equal(shell(out, sizeof(out), "-j show events 1"), 0);
	if (!strstr(out, "\"kind\":\"refused\"") || !strstr(out, "\"domain\":\"evil.test\""))
		fail_msg("%s", out);
	/* more than the journal is given in a second; all are kept */
	for (unsigned i = 0; i < 1000; i++) {
		e.kind = EXCHANGE_EVENT_LIMIT;
		while (ring_produce(&box.ring[WORKERS], EXCHANGE_EVENT, &e, sizeof(e)) != RING_OK)
			sleep_ms(1);
	}
	end = now_ms() + WAIT_MS;
	do {
		char *p = out;
		unsigned n = 0;

		assert_int_equal(shell(out, sizeof(out), "'show events 2000 with limit | count'"), 0);
		n = (unsigned)strtoul(p, NULL, 10);
		/* and the line that says what made no sense */
		if (n == 1001)
			return;
		sleep_ms(50);
	} while (now_ms() < end);
	fail_msg("%s", out);
}

static void either_side_starts_anew(void **state)
{
	struct exchange_event e = {.kind = EXCHANGE_EVENT_PEER_UP};
	uint64_t end;
	char out[65536];

	/* the dataplane: another session, no hint to the daemon but the file */
	dataplane_start(12);
	attach();
	assert_int_equal(ask(0, "d17.test", POLICY_DNS_FEDERATION, 0), RING_OK);
	assert_int_equal(fact_state("d17.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
	assert_int_equal(ring_produce(&box.ring[WORKERS], EXCHANGE_EVENT, &e, sizeof(e)), RING_OK);
	end = now_ms() + WAIT_MS;
	do {
		assert_true(now_ms() < end);
		assert_int_equal(shell(out, sizeof(out), "show events with peer-up"), 0);
	} while (!strstr(out, "peer-up"));
	/* the daemon, killed: what is asked meanwhile waits in the ring */
	daemon_stop(SIGKILL);
	assert_int_equal(ask(0, "d18.test", POLICY_DNS_FEDERATION, 0), RING_OK);
	daemon_start();
	assert_int_equal(exchange_replaced(&box.other, box.run, EXCHANGE_CONTROL), 1);
	assert_int_equal(fact_state("d18.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
	attach();
	/* what the dead one had heard is not heard again */
	assert_int_equal(shell(out, sizeof(out), "show events"), 0);
	if (!strstr(out, "no events"))
		fail_msg("%s", out);
	assert_int_equal(ask(0, "d19.test", POLICY_DNS_FEDERATION, 0), RING_OK);
	assert_int_equal(fact_state("d19.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
}

/* edits that nobody committed, and a configuration as JSON, over kill and restart */
static void what_was_typed_stays(void **state)
{
	char out[16384], path[128];
	FILE *f;

	assert_int_equal(shell(out, sizeof(out), "set partner typed.test allow"), 0);
	stored("candidate", "typed.test", true);
	daemon_stop(SIGKILL);
	daemon_start();
	assert_int_equal(shell(out, sizeof(out), "compare"), 0);
	if (!strstr(out, "+ set partner typed.test allow"))
		fail_msg("%s", out);
	/* a clean end keeps what was typed a moment ago */
	assert_int_equal(shell(out, sizeof(out), "set partner later.test allow"), 0);
	daemon_stop(SIGTERM);
	daemon_start();
	assert_int_equal(shell(out, sizeof(out), "compare"), 0);
	if (!strstr(out, "+ set partner later.test allow"))
		fail_msg("%s", out);
	assert_int_equal(shell(out, sizeof(out), "commit"), 0);
	stored("candidate", "typed.test", false);
	daemon_stop(SIGKILL);
	daemon_start();
	assert_int_equal(shell(out, sizeof(out), "compare"), 0);
	assert_string_equal(out, "");
	/* what -j prints is what apply reads */
	assert_int_equal(shell(out, sizeof(out), "-j show configuration"), 0);
	snprintf(path, sizeof(path), "%s/conf.json", box.dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(out, f);
	fclose(f);
	if (shell(out, sizeof(out), "apply %s", path))
		fail_msg("%s", out);
	assert_non_null(strstr(out, "unchanged"));
	f = fopen(path, "w");
	fputs("[{\"noun\":\"partner\",\"key\":\"b..test\",\"action\":\"allow\"}]", f);
	fclose(f);
	assert_int_equal(shell(out, sizeof(out), "apply %s", path), 1);
	assert_non_null(strstr(out, "empty label"));
	assert_int_equal(shell(out, sizeof(out), "check %s", path), 1);
	assert_non_null(strstr(out, "empty label"));
}

static const struct policy_watch *watch_fact(const uint8_t *key, bool there)
{
	uint64_t end = now_ms() + WAIT_MS;
	const void *p;

	do {
		segment_poll(&box.seg);
		p = policy_fact_get(&box.seg, POLICY_FACT_WATCH, key, POLICY_WATCH_KEY_LEN);
		if ((p != NULL) == there)
			return p;
		sleep_ms(5);
	} while (now_ms() < end);
	return p;
}

/* the next thing that the dataplane is told to do */
static void is_command(struct ring_consumer *commands, const uint8_t *key)
{
	struct exchange_command command;
	uint32_t kind = 0;
	int len = 0;

	for (uint64_t end = now_ms() + WAIT_MS; !len && now_ms() < end; sleep_ms(5))
		len = ring_consume(commands, &kind, &command, sizeof(command));
	assert_int_equal(len, sizeof(command));
	assert_int_equal(kind, EXCHANGE_COMMAND);
	assert_int_equal(command.verb, EXCHANGE_VERB_WATCH_RESET);
	assert_memory_equal(command.key, key, POLICY_WATCH_KEY_LEN);
}

/* a peer under limits is remembered whatever restarts, until an operator forgives it */
static void watched_peers_stay(void **state)
{
	struct policy_watch w = {.why = POLICY_WATCH_URIS | POLICY_WATCH_SUSPICIOUS,
				 .uris = 1000,
				 .uris_refused = 7,
				 .good = 11,
				 .bad = 52,
				 .limit_class = 1,
				 .sample = {0xfeed},
				 .domains_len = 19,
				 .domains = "evil.test\0\x1b[1m.test"};
	struct policy_watch other = {
		.why = POLICY_WATCH_RATE, .over = 3, .domains_len = 10, .domains = "fast.test"};
	struct policy_watch forgiven = {.why = 0};
	static const uint8_t all[POLICY_WATCH_KEY_LEN];
	struct ring_consumer commands = {0};
	const struct policy_watch *seen;
	char out[4096], path[160];

	dataplane_start(21);
	attach();
	for (unsigned i = 0; i < POLICY_WATCH_KEY_LEN; i++)
		w.key[i] = (uint8_t)(i + 1);
	w.since_s = (int64_t)time(NULL) - 100;
	w.why_s = w.since_s;
	assert_int_equal(ring_produce(&box.ring[WORKERS], EXCHANGE_WATCH, &w, sizeof(w)), RING_OK);
	seen = watch_fact(w.key, true);
	assert_non_null(seen);
	assert_int_equal(seen->uris, 1000);
	stored("watch", "evil.test", true);
	/* after a reboot the segment is made anew */
	daemon_stop(SIGKILL);
	detach_segment();
	snprintf(path, sizeof(path), "rm -rf '%s'", box.run);
	assert_int_equal(system(path), 0);
	daemon_start();
	dataplane_start(22);
	attach();
	seen = watch_fact(w.key, true);
	assert_non_null(seen);
	assert_int_equal(seen->uris_refused, 7);
	assert_int_equal(seen->since_s, w.since_s);
	/* who, why, and what was counted; no dataplane is needed for that, and nothing of it is believed */
	assert_int_equal(shell(out, sizeof(out), "show watchlist with evil"), 0);
	if (!strstr(out, "0102030405060708   uris,suspicious ") ||
	    !strstr(out, " 1000     7        0        11       52 ") || !strstr(out, "evil.test,?[1m.test"))
		fail_msg("%s", out);
	assert_int_equal(shell(out, sizeof(out), "-j show watchlist"), 0);
	if (!strstr(out, "\"domains\":[\"evil.test\",\"?[1m.test\"],\"why\":[\"uris\",\"suspicious\"]") ||
	    !strstr(out, "\"uris\":1000,\"uris_refused\":7,\"over\":0,\"good\":11,\"bad\":52") ||
	    !strstr(out, "\"refused_samples\":[\"000000000000feed\"]"))
		fail_msg("%s", out);
	for (unsigned i = 0; i < POLICY_WATCH_KEY_LEN; i++)
		other.key[i] = (uint8_t)(i < 6 ? i + 1 : 0xff);
	other.why_s = w.why_s;
	assert_int_equal(ring_produce(&box.ring[WORKERS], EXCHANGE_WATCH, &other, sizeof(other)), RING_OK);
	assert_non_null(watch_fact(other.key, true));
	/* wait until the daemon reads the new rings: then it also can speak */
	assert_int_equal(exchange_consumer(&commands, &box.own, 0, &box.other, 0), 0);
	assert_int_equal(ask(0, "d3.test", POLICY_DNS_FEDERATION, 0), RING_OK);
	assert_int_equal(fact_state("d3.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
	assert_int_equal(shell(out, sizeof(out), "reset watchlist 00000000"), 1);
	assert_int_equal(shell(out, sizeof(out), "reset watchlist test"), 1);
	assert_int_equal(shell(out, sizeof(out), "reset watchlist 0102030405"), 1);
	if (!strstr(out, "2 keys begin with"))
		fail_msg("%s", out);
	/* one by its domain, the other by its key; the dataplane is told which */
	if (shell(out, sizeof(out), "reset watchlist fast.test") || !strstr(out, "1 peers forgiven"))
		fail_msg("%s", out);
	assert_null(watch_fact(other.key, false));
	assert_non_null(watch_fact(w.key, true));
	is_command(&commands, other.key);
	if (shell(out, sizeof(out), "reset watchlist 010203040506070809") || !strstr(out, "1 peers forgiven"))
		fail_msg("%s", out);
	assert_null(watch_fact(w.key, false));
	is_command(&commands, w.key);
	assert_int_equal(shell(out, sizeof(out), "show watchlist"), 0);
	assert_null(strstr(out, "evil.test"));
	/* what was on its way meanwhile is taken back by the dataplane's own word */
	assert_int_equal(ring_produce(&box.ring[WORKERS], EXCHANGE_WATCH, &w, sizeof(w)), RING_OK);
	assert_non_null(watch_fact(w.key, true));
	memcpy(forgiven.key, w.key, sizeof(forgiven.key));
	assert_int_equal(ring_produce(&box.ring[WORKERS], EXCHANGE_WATCH, &forgiven, sizeof(forgiven)),
			 RING_OK);
	assert_null(watch_fact(w.key, false));
	/* all of them */
	if (shell(out, sizeof(out), "reset watchlist") || !strstr(out, "peers forgiven"))
		fail_msg("%s", out);
	is_command(&commands, all);
}

/* ---- test partner: its handshakes are the dataplane's ---- */

static FILE *partner_begin_in(const char *before, const char *options)
{
	char command[300];
	FILE *f;

	snprintf(command, sizeof(command),
		 "SALLYPORT_SOCKET=%s/control.sock %s %s %s test partner tried.test 2>&1", box.run, before,
		 getenv("SALLYPORT_SHELL"), options);
	f = popen(command, "r");
	assert_non_null(f);
	return f;
}

static FILE *partner_begin(const char *options)
{
	return partner_begin_in("", options);
}

static int partner_end(FILE *f, char *out, size_t cap)
{
	size_t n = fread(out, 1, cap - 1, f);
	int rc = pclose(f);

	out[n] = '\0';
	return WIFEXITED(rc) ? WEXITSTATUS(rc) : -1;
}

/* of the nth address of a test; which of them is the first one is chance */
static uint64_t is_probe(struct ring_consumer *commands, unsigned nth)
{
	static uint8_t before;
	struct exchange_probe probe;
	uint32_t kind = 0;
	int len = 0;

	for (uint64_t end = now_ms() + WAIT_MS; !len && now_ms() < end; sleep_ms(5))
		len = ring_consume(commands, &kind, &probe, sizeof(probe));
	assert_int_equal(len, sizeof(probe));
	assert_int_equal(kind, EXCHANGE_PROBE);
	assert_int_equal(probe.port, 5061);
	assert_int_equal(probe.sni_len, 14);
	assert_memory_equal(probe.sni, "sip.tried.test", 14);
	assert_true(probe.address[15] == 201 || probe.address[15] == 202);
	assert_true(nth == 1 || probe.address[15] != before);
	before = probe.address[15];
	return probe.id;
}

static void probed(struct exchange_probed m)
{
	m.suite_len = (uint8_t)strlen(m.suite);
	m.text_len = (uint8_t)strlen(m.text);
	assert_int_equal(ring_produce(&box.ring[WORKERS], EXCHANGE_PROBED, &m, sizeof(m)), RING_OK);
}

/* the daemon that runs has noticed that somebody reads its policy: it looks once a second */
static bool is_seen(void)
{
	static char text[262144];
	FILE *f = fopen(box.log, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	const char *last = NULL;

	if (f)
		fclose(f);
	text[n] = '\0';
	for (const char *p = text; (p = strstr(p, "control: ready")); p++)
		last = p;
	return last && strstr(last, "reads the segment");
}

static void is_said(const char *out, const char *what)
{
	if (!strstr(out, what))
		fail_msg("not said: %s\n%s", what, out);
}

/* one address after the other, as the dataplane tells it, and no name that is none */
static void handshakes_are_told(void **state)
{
	static const char names[] = "\016sip.tried.test"
				    "\013*.\033[1m.evil"
				    "\012*.a\"}].tld"
				    "\006x\"y.zz"
				    "\013*.good.test";
	struct ring_consumer commands = {0};
	struct exchange_probed first = {.what = EXCHANGE_PROBED_FIRST,
					.state = EXCHANGE_PROBED_REFUSED,
					.has_key = 1,
					.names_n = 5,
					.names_len = sizeof(names) - 1,
					.version = 0x0304,
					.suite = "ONE",
					.text = "so\033it is"};
	struct exchange_probed end = {.what = EXCHANGE_PROBED_END};
	FILE *f, *other;
	char out[8192];
	uint64_t id;

	memcpy(first.names, names, sizeof(names) - 1);
	dataplane_start(31);
	attach();
	assert_int_equal(exchange_consumer(&commands, &box.own, 0, &box.other, 0), 0);
	/* then it reads the new rings, and has seen that somebody reads the policy */
	assert_int_equal(ask(0, "d5.test", POLICY_DNS_FEDERATION, 0), RING_OK);
	assert_int_equal(fact_state("d5.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
	for (uint64_t until = now_ms() + WAIT_MS; !is_seen() && now_ms() < until;)
		sleep_ms(20);
	f = partner_begin("");
	/* nobody there: the next one; what is said under another number is of another time */
	id = is_probe(&commands, 1);
	probed((struct exchange_probed){
		.id = id + 7, .what = EXCHANGE_PROBED_END, .state = EXCHANGE_PROBED_BUSY});
	probed((struct exchange_probed){
		.id = id, .what = EXCHANGE_PROBED_FIRST, .state = EXCHANGE_PROBED_UNREACHABLE});
	probed((struct exchange_probed){.id = id, .what = EXCHANGE_PROBED_END, .state = EXCHANGE_PROBED_CUT});
	first.id = end.id = is_probe(&commands, 2);
	assert_int_not_equal(first.id, id);
	/* one at a time */
	other = partner_begin("");
	assert_int_equal(partner_end(other, out, sizeof(out)), 1);
	is_said(out, "another test is at it");
	probed(first);
	probed((struct exchange_probed){
		.id = first.id, .what = EXCHANGE_PROBED_SUITE, .version = 0x0303, .suite = "DHE-OLD"});
	probed((struct exchange_probed){
		.id = first.id, .what = EXCHANGE_PROBED_SUITE, .version = 0x0304, .suite = "T\"WO"});
	probed(end);
	assert_int_equal(partner_end(f, out, sizeof(out)), 1);
	is_said(out, ": no connection\n");
	is_said(out, "its certificate is refused: so?it is; TLS 1.3, ONE\n");
	is_said(out, "names sip.tried.test, *.good.test\n");
	is_said(out, "  TLS 1.3  ONE:T?WO\n  TLS 1.2  DHE-OLD\n");
	assert_null(strstr(out, "perhaps more"));
	assert_null(strchr(out, '\033'));
	/* the same for programs, and not all of it */
	f = partner_begin("-j");
	first.id = end.id = is_probe(&commands, 1);
	first.state = EXCHANGE_PROBED_FAILED;
	first.alert = 42;
	end.state = EXCHANGE_PROBED_CUT;
	probed(first);
	probed((struct exchange_probed){
		.id = first.id, .what = EXCHANGE_PROBED_SUITE, .version = 0x0304, .suite = "T\"WO"});
	probed(end);
	assert_int_equal(partner_end(f, out, sizeof(out)), 1);
	is_said(out, "\"state\":\"failed\",\"tls\":\"1.3\",\"suite\":\"ONE\"");
	is_said(out, "\"names\":[\"sip.tried.test\",\"*.good.test\"]");
	is_said(out, "it refuses our certificate (alert 42)");
	is_said(out, "\"complete\":false,\"tls13\":[\"ONE\",\"T?WO\"],\"tls12\":[]");
	/* whoever asked and went away holds it until the end, and no longer */
	f = partner_begin("");
	id = is_probe(&commands, 1);
	probed((struct exchange_probed){
		.id = id, .what = EXCHANGE_PROBED_END, .state = EXCHANGE_PROBED_BUSY});
	assert_int_equal(partner_end(f, out, sizeof(out)), 1);
	is_said(out, "the dataplane is still at another one");
	f = partner_begin_in("timeout 0.4", "");
	id = is_probe(&commands, 1);
	partner_end(f, out, sizeof(out));
	assert_null(strstr(out, "handshake with"));
	f = partner_begin("");
	assert_int_equal(partner_end(f, out, sizeof(out)), 1);
	is_said(out, "another test is at it");
	first.id = end.id = id;
	probed(first);
	probed(end);
	/* behind what was just said */
	assert_int_equal(ask(0, "d6.test", POLICY_DNS_FEDERATION, 0), RING_OK);
	assert_int_equal(fact_state("d6.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
	f = partner_begin("");
	id = is_probe(&commands, 1);
	probed((struct exchange_probed){.id = id,
					.what = EXCHANGE_PROBED_FIRST,
					.state = EXCHANGE_PROBED_OK,
					.has_key = 1,
					.version = 0x0304,
					.suite = "ONE"});
	probed((struct exchange_probed){.id = id, .what = EXCHANGE_PROBED_END});
	assert_int_equal(partner_end(f, out, sizeof(out)), 1);
	is_said(out, "names nobody\n");
	is_said(out, "its certificate is not that of the next hop");
}

/* Its lines go to a pipe that nobody reads: it answers as ever. */
static void a_log_that_hangs(void **state)
{
	char fifo[112], was[sizeof(box.log)], out[4096], junk[512] = {0};
	uint64_t from;
	int fd;

	snprintf(fifo, sizeof(fifo), "%s/fifo", box.dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fd = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_SETPIPE_SZ, 4096) > 0);
	while (write(fd, junk, sizeof(junk)) > 0)
		;
	memcpy(was, box.log, sizeof(was));
	snprintf(box.log, sizeof(box.log), "%s/fifo", box.dir);
	daemon_stop(SIGTERM);
	daemon_start();
	from = now_ms();
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(shell(out, sizeof(out), "%s silent.test", i % 2 ? "unblock" : "block"), 0);
	assert_true(now_ms() - from < WAIT_MS);
	memcpy(box.log, was, sizeof(was));
	daemon_stop(SIGTERM);
	close(fd);
	daemon_start();
}

/* Files of the run directory that somebody cuts or removes: the daemon lives, says so, and mends what is its
 * own. */
static void cut_files_are_noticed(void **state)
{
	uint64_t end = now_ms() + WAIT_MS;
	char out[4096], command[160];
	enum segment_refusal why;

	assert_int_equal(truncate(box_file("dataplane.rings"), 100), 0);
	sleep_ms(300);
	assert_int_equal(shell(out, sizeof(out), "show status"), 0);
	dataplane_start(77);
	attach();
	assert_int_equal(ask(0, "d17.test", POLICY_DNS_FEDERATION, 0), RING_OK);
	assert_int_equal(fact_state("d17.test", POLICY_DNS_FEDERATION, WAIT_MS), POLICY_DNS_OK);
	/* as after rm RUN/policy.*: whoever starts next finds a policy again */
	snprintf(command, sizeof(command), "rm %s/policy.*", box.run);
	assert_int_equal(system(command), 0);
	detach_segment();
	while (segment_attach(&box.seg, box.run, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why) &&
	       now_ms() < end)
		sleep_ms(20);
	box.attached = now_ms() < end;
	assert_true(box.attached);
	assert_int_equal(shell(out, sizeof(out), "block back.test"), 0);
	assert_int_equal(shell(out, sizeof(out), "unblock back.test"), 0);
}

struct row {
	char name[32];
	uint8_t address[16];
	uint64_t since, requests;
	uint8_t state, flags, pad[6];
};

static void tables_are_shown(void **state)
{
	static const struct exchange_column columns[] = {
		EXCHANGE_COLUMN(struct row, name, EXCHANGE_TEXT, "peer"),
		EXCHANGE_COLUMN(struct row, address, EXCHANGE_ADDRESS, "at"),
		EXCHANGE_COLUMN(struct row, since, EXCHANGE_SINCE, "age"),
		EXCHANGE_COLUMN(struct row, requests, EXCHANGE_NUMBER, "requests"),
		EXCHANGE_COLUMN(struct row, state, EXCHANGE_STATE, "idle|open|closing"),
		EXCHANGE_COLUMN(struct row, flags, EXCHANGE_FLAGS, "watched|limited"),
	};
	static const struct exchange_table_spec spec = {"peers", "connections",	    columns, 6,
							10,	 sizeof(struct row)};
	struct row r = {.name = "sip.contoso.test",
			.address = {[10] = 0xff, [11] = 0xff, [12] = 198, [13] = 18, [14] = 0, [15] = 7},
			.requests = 42,
			.state = 1,
			.flags = 3};
	struct exchange_tables t;
	int fd = open(box.run, O_RDONLY | O_DIRECTORY);
	char out[4096];

	assert_int_equal(shell(out, sizeof(out), "show peers"), 1);
	assert_non_null(strstr(out, "no dataplane has run here"));
	assert_int_equal(exchange_tables_create(&t, fd, &spec, 1), 0);
	close(fd);
	r.since = now_ms() * 1000000 - 5000000000;
	exchange_row_put(exchange_tables_row(&t, "peers", 4), &r, sizeof(r));
	assert_int_equal(shell(out, sizeof(out), "show peers"), 0);
	if (!strstr(out, "sip.contoso.test") || !strstr(out, "198.18.0.7") || !strstr(out, "open") ||
	    !strstr(out, "watched,limited") || !strstr(out, "5."))
		fail_msg("%s", out);
	assert_null(strstr(out, "there may be more"));
	for (unsigned i = 0; i < 4; i++)
		exchange_row_put(exchange_tables_row(&t, "peers", i), &r, sizeof(r));
	assert_int_equal(shell(out, sizeof(out), "show peers with nobody"), 0);
	if (!strstr(out, "5 of the 10 rows that the dataplane keeps"))
		fail_msg("%s", out);
	for (unsigned i = 0; i < 4; i++)
		exchange_row_clear(exchange_tables_row(&t, "peers", i));
	assert_int_equal(shell(out, sizeof(out), "-j show peers with contoso"), 0);
	if (!strstr(out, "\"requests\":42,\"state\":\"open\",\"flags\":\"watched,limited\""))
		fail_msg("%s", out);
	assert_int_equal(shell(out, sizeof(out), "show limits"), 1);
	assert_non_null(strstr(out, "keeps no table of limits"));
	exchange_tables_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_become_facts),  cmocka_unit_test(askers_have_limits),
		cmocka_unit_test(nonsense_is_counted),	   cmocka_unit_test(events_are_kept),
		cmocka_unit_test(either_side_starts_anew), cmocka_unit_test(tables_are_shown),
		cmocka_unit_test(handshakes_are_told),	   cmocka_unit_test(watched_peers_stay),
		cmocka_unit_test(what_was_typed_stays),	   cmocka_unit_test(cut_files_are_noticed),
		cmocka_unit_test(a_log_that_hangs),
	};

	return cmocka_run_group_tests_name("control uplink", tests, set_up, tear_down);
}
