/* SPDX-License-Identifier: BSD-3-Clause */
/* edgepolicy RUN: writes the policy segment and the secrets of a run-dir as its standard input says, one
 * command a line, and answers each commit with a line. What is said before a commit is the whole policy:
 *   trust NAME CA [CRL]                      files, PEM
 *   profile NAME TRUST modern|compat|hard    hard: modern, and no revocation data is a refusal
 *   certificate NAME CHAIN KEY [OCSP]
 *   identity NAME FQDN PROFILE CERT[,CERT] [INTERNAL]
 *   listen IDENTITY external|internal ADDRESS PORT
 *   sides EXTERNAL-PROFILE INTERNAL-PROFILE
 *   subject PROFILE NAME                     before that profile
 *   rotate                                   the ticket keys move on
 *   commit                                   "committed GENERATION"
 *   taken                                    "taken N" once every worker has taken another configuration
 * since Ticket keys live in RUN/tickets, so that it may be started again. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "config/exchange/counters.h"
#include "config/policy/transfer.h"
#include "dataplane/tls/tls_world.h"

enum { WORDS = 8, NAMED = 64, HEX = 65 };

static struct {
	char run[200], secrets[240];
	struct policy_writer *w;
	struct policy_draft *draft;
	struct named {
		char kind, name[64];
		uint32_t id;
	} named[NAMED];
	unsigned n_named;
	struct policy_name subjects[16];
	char subject_of[64];
	unsigned n_subjects;
	uint8_t tickets[3][POLICY_TICKET_LEN];
	bool published;
	uint64_t taken;
} t;

static void die(const char *what, const char *which)
{
	fprintf(stderr, "edgepolicy: %s %s (%s)\n", what, which, strerror(errno));
	exit(1);
}

/* the content under its hash; the name in `hex` */
static struct policy_name put_secret(const void *bytes, size_t len, char hex[HEX])
{
	uint8_t digest[32];
	char path[320], fresh[330];
	int fd;

	EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL);
	for (unsigned i = 0; i < 32; i++)
		snprintf(hex + (size_t)2 * i, 3, "%02x", digest[i]);
	snprintf(path, sizeof(path), "%s/%s", t.secrets, hex);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (access(path, F_OK)) {
		fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0640);
		if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || close(fd) || rename(fresh, path))
			die("cannot write", path);
	}
	return (struct policy_name){hex, POLICY_HASH_LEN};
}

static struct policy_name put_file(const char *path, char hex[HEX])
{
	static char bytes[1 << 20];
	FILE *f;
	size_t n;

	if (!path)
		return (struct policy_name){"", 0};
	f = fopen(path, "r");
	if (!f)
		die("cannot read", path);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	return put_secret(bytes, n, hex);
}

static void name_it(char kind, const char *name, int id)
{
	struct named *n = &t.named[t.n_named++];

	if (id <= 0 || t.n_named > NAMED) {
		errno = id < 0 ? -id : EINVAL;
		die("cannot take", name);
	}
	n->kind = kind;
	n->id = (uint32_t)id;
	snprintf(n->name, sizeof(n->name), "%s", name);
}

static uint32_t id_of(char kind, const char *name)
{
	for (unsigned i = 0; i < t.n_named; i++)
		if (t.named[i].kind == kind && strcmp(t.named[i].name, name) == 0)
			return t.named[i].id;
	errno = ENOENT;
	die("nobody is called", name);
	return 0;
}

static void add_profile(char **w)
{
	const struct tls_profile_spec *s = strcmp(w[3], "compat") ? &tls_profile_modern : &tls_profile_compat;
	struct policy_tls_profile p = {.version_min = s->version_min,
				       .version_max = s->version_max,
				       .flags = POLICY_TLS_CRL,
				       .depth = 5,
				       .trust = id_of('t', w[2])};
	struct policy_tls_parts parts = {.suites12 = policy_name_of(s->suites_12),
					 .suites13 = policy_name_of(s->suites_13),
					 .groups = policy_name_of(s->groups),
					 .name = policy_name_of(w[1])};

	if (strcmp(w[3], "hard") == 0)
		p.flags |= POLICY_TLS_REVOCATION_HARD;
	if (strcmp(t.subject_of, w[1]) == 0) {
		parts.peer_subjects = t.subjects;
		parts.peer_subjects_n = t.n_subjects;
	}
	name_it('p', w[1], policy_draft_tls_profile(t.draft, &p, &parts));
}

static void add_identity(char **w)
{
	struct policy_identity i = {.tls_profile = (uint8_t)id_of('p', w[3])};
	char *second = strchr(w[4], ',');

	if (second)
		*second++ = 0;
	i.server_certificate[0] = id_of('c', w[4]);
	i.server_certificate[1] = second ? id_of('c', second) : 0;
	memcpy(i.client_certificate, i.server_certificate, sizeof(i.client_certificate));
	i.internal_certificate[0] = w[5] ? id_of('c', w[5]) : i.server_certificate[0];
	name_it('i', w[1], policy_draft_identity(t.draft, &i, policy_name_of(w[1]), policy_name_of(w[2])));
}

static void add_listener(char **w)
{
	struct policy_listener l = {.identity = id_of('i', w[1]),
				    .side = strcmp(w[2], "internal") ? POLICY_SIDE_EXTERNAL
								     : POLICY_SIDE_INTERNAL,
				    .protocol = POLICY_PROTOCOL_SIP,
				    .port = (uint16_t)strtoul(w[4], NULL, 10)};
	char record[256];

	if (inet_pton(AF_INET, w[3], l.ip + 12) == 1)
		l.ip[10] = l.ip[11] = 0xff;
	else if (inet_pton(AF_INET6, w[3], l.ip) != 1)
		die("no address:", w[3]);
	if (policy_pack_listener(&l, record, sizeof(record)) < 0 ||
	    policy_draft_small(t.draft, POLICY_SMALL_LISTENERS, record) < 0)
		die("cannot listen on", w[3]);
}

static void add_files(char **w)
{
	char record[1024], a[HEX], b[HEX], c[HEX];
	struct policy_name name = policy_name_of(w[1]), first = put_file(w[2], a), second = put_file(w[3], b);

	if (strcmp(w[0], "trust") == 0) {
		struct policy_trust none = {0};

		if (policy_pack_trust(&none, name, first, second, record, sizeof(record)) < 0)
			die("cannot pack", w[1]);
		name_it('t', w[1], policy_draft_small(t.draft, POLICY_SMALL_TRUSTS, record));
	} else {
		struct policy_certificate none = {0};

		if (policy_pack_certificate(&none, name, first, second, put_file(w[4], c), record,
					    sizeof(record)) < 0)
			die("cannot pack", w[1]);
		name_it('c', w[1], policy_draft_small(t.draft, POLICY_SMALL_CERTIFICATES, record));
	}
}

static void tickets_keep(void)
{
	char path[240];
	int fd;

	snprintf(path, sizeof(path), "%s/tickets", t.run);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, t.tickets, sizeof(t.tickets)) != sizeof(t.tickets) || close(fd))
		die("cannot write", path);
}

static void rotate(void)
{
	memcpy(t.tickets[2], t.tickets[1], POLICY_TICKET_LEN);
	memcpy(t.tickets[1], t.tickets[0], POLICY_TICKET_LEN);
	if (getrandom(t.tickets[0], POLICY_TICKET_LEN, 0) < 0)
		die("no", "randomness");
	tickets_keep();
}

static void add_tickets(void)
{
	for (unsigned i = 0; i < 3; i++) {
		struct policy_secret s = {.kind = POLICY_SECRET_TICKET,
					  .slot = (uint8_t)(POLICY_SLOT_NEXT + i)};
		char record[256], hex[HEX];

		if (policy_pack_secret(&s, put_secret(t.tickets[i], POLICY_TICKET_LEN, hex), record,
				       sizeof(record)) < 0 ||
		    policy_draft_small(t.draft, POLICY_SMALL_SECRETS, record) < 0)
			die("cannot take", "a ticket key");
	}
}

static void fresh_draft(void)
{
	policy_draft_free(t.draft);
	t.draft = policy_draft_new();
	t.n_named = t.n_subjects = 0;
	t.subject_of[0] = 0;
}

static uint64_t configs(void)
{
	struct counters_view v;
	const char *why;
	uint64_t least = 0;

	if (counters_read(&v, t.run, &why))
		return 0;
	for (unsigned i = 0; i < v.super->n_tables; i++) {
		const struct counters_table *table = &v.super->tables[i];

		if (strcmp(table->name, "edge"))
			continue;
		for (unsigned r = 0; r < table->n_rows; r++) {
			if (strcmp(counters_view_row(&v, table, r)->name, "configs"))
				continue;
			least = UINT64_MAX;
			for (unsigned k = 0; k < table->n_instances; k++)
				if (counters_view_value(&v, table, k, r) < least)
					least = counters_view_value(&v, table, k, r);
		}
	}
	counters_view_free(&v);
	return least;
}

static void commit(void)
{
	struct policy_txn *txn;
	int err;

	add_tickets();
	t.taken = configs();
	txn = policy_txn_begin(t.w, false);
	err = txn ? policy_transfer(txn, t.w, t.draft, NULL, NULL) : -ENOMEM;
	while (!err && (err = policy_txn_commit(txn)) == -EAGAIN)
		err = policy_writer_step(t.w, POLICY_WRITER_UNITS) < 0;
	if (!err && !t.published)
		err = policy_writer_publish(t.w);
	if (err) {
		errno = -err;
		die("cannot", "commit");
	}
	t.published = true;
	policy_writer_step(t.w, POLICY_WRITER_UNITS);
	printf("committed %u\n", policy_writer_generation(t.w));
	fresh_draft();
}

static void taken(void)
{
	const struct timespec nap = {.tv_nsec = 2000000};
	uint64_t now;

	for (unsigned i = 0; (now = configs()) <= t.taken; i++) {
		policy_writer_step(t.w, POLICY_WRITER_UNITS);
		nanosleep(&nap, NULL);
		if (i > 3000)
			die("nobody takes", "what was committed");
	}
	printf("taken %llu\n", (unsigned long long)now);
}

static void command(char *line)
{
	char *w[WORDS + 1] = {NULL}, *save;
	unsigned n = 0;

	for (char *p = strtok_r(line, " \n", &save); p && n < WORDS; p = strtok_r(NULL, " \n", &save))
		w[n++] = p;
	if (n == 0)
		return;
	if (strcmp(w[0], "commit") == 0) {
		commit();
	} else if (strcmp(w[0], "taken") == 0) {
		taken();
	} else if (strcmp(w[0], "rotate") == 0) {
		rotate();
	} else if ((strcmp(w[0], "trust") == 0 && n >= 3) || (strcmp(w[0], "certificate") == 0 && n >= 4)) {
		add_files(w);
	} else if (strcmp(w[0], "profile") == 0 && n == 4) {
		add_profile(w);
	} else if (strcmp(w[0], "identity") == 0 && n >= 5) {
		add_identity(w);
	} else if (strcmp(w[0], "listen") == 0 && n == 5) {
		add_listener(w);
	} else if (strcmp(w[0], "sides") == 0 && n == 3) {
		policy_draft_box(t.draft)->external_tls_profile = (uint8_t)id_of('p', w[1]);
		policy_draft_box(t.draft)->internal_tls_profile = (uint8_t)id_of('p', w[2]);
	} else if (strcmp(w[0], "subject") == 0 && n == 3 && t.n_subjects < 16) {
		snprintf(t.subject_of, sizeof(t.subject_of), "%s", w[1]);
		t.subjects[t.n_subjects++] = policy_name_of(strdup(w[2]));
	} else {
		errno = EINVAL;
		die("cannot read", w[0]);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct policy_writer_config config = {
		.segment = {.name = POLICY_SEGMENT_NAME, .group = (gid_t)-1}, .domains = 64, .users = 64};
	enum segment_refusal why;
	char line[1024], path[240];
	int fd, err;

	if (argc != 2)
		return 2;
	snprintf(t.run, sizeof(t.run), "%s", argv[1]);
	snprintf(t.secrets, sizeof(t.secrets), "%s/secrets", t.run);
	if (mkdir(t.secrets, 0750) && errno != EEXIST)
		die("cannot make", t.secrets);
	snprintf(path, sizeof(path), "%s/tickets", t.run);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, t.tickets, sizeof(t.tickets)) != sizeof(t.tickets)) {
		if (getrandom(t.tickets, sizeof(t.tickets), 0) < 0)
			die("no", "randomness");
		tickets_keep();
	}
	if (fd >= 0)
		close(fd);
	config.segment.dir = t.run;
	if (getrandom(&config.segment.id, sizeof(config.segment.id), 0) < 0 ||
	    getrandom(&config.key, sizeof(config.key), 0) < 0)
		die("no", "randomness");
	config.segment.id |= 1;
	err = policy_writer_open(&t.w, &config, &why);
	t.published = err == 0;
	if (err)
		err = policy_writer_create(&t.w, &config, &why);
	if (err) {
		errno = -err;
		die("cannot make", "the segment");
	}
	fresh_draft();
	while (fgets(line, sizeof(line), stdin))
		command(line);
	policy_draft_free(t.draft);
	policy_writer_close(t.w);
	return 0;
}
