/* SPDX-License-Identifier: BSD-3-Clause */
/* Certificates and keys: what is taken from files, what is refused and stays as it was, what is published of
 * them; keys that rotate. Longer than other files: one folder of certificates, made once, serves all of it.
 */
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
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/policy/small.h"
#include "config/schema/schema_file.h"
#include "controlplane/publish/records.h"

enum { DAY = 86400 };

static char dir[64];

/* certificates of the test, once; the shell's quoting stays out of C */
static const char make[] =
	"cd '%s' && exec 2>/dev/null\n"
	"one() { openssl req -x509 -newkey $2 -nodes -days $3 -keyout $1.key -out $1.pem -subj /CN=$1.test"
	" -addext subjectAltName=DNS:sip.ours.test,DNS:ours.test,URI:sip:ours.test"
	" -addext extendedKeyUsage=serverAuth,clientAuth; }\n"
	"EC='ec -pkeyopt ec_paramgen_curve:P-256'\n"
	"one ec \"$EC\" 30 && one rsa rsa:2048 30 && one other \"$EC\" 60 && one weak rsa:1024 30 &&\n"
	"openssl pkey -in ec.key -aes256 -passout pass:x -out locked.key &&\n"
	"openssl x509 -in ec.pem -outform DER -out ec.der && cat ec.pem rsa.pem >wrong-order.pem &&\n"
	"touch index.txt && printf '[ca]\\ndefault_ca=a\\n[a]\\ndatabase=index.txt\\ndefault_md=sha256\\n"
	"default_crl_days=10\\n' >ca.cnf && openssl ca -config ca.cnf -gencrl -keyfile ec.key -cert ec.pem "
	"-out crl.pem &&\n"
	"printf 'V\\t301231000000Z\\t\\t%%s\\tunknown\\t/CN=ec.test\\n' $(openssl x509 -in ec.pem -noout "
	"-serial |"
	" cut -d= -f2) >ocsp.txt &&\n"
	"openssl ocsp -index ocsp.txt -rsigner ec.pem -rkey ec.key -CA ec.pem -issuer ec.pem -cert ec.pem"
	" -respout ocsp.der -ndays 5 -noverify >/dev/null &&\n"
	/* a leaf of an authority that its chain file does not hold; the response speaks in SHA-256 */
	"openssl req -new -key rsa.key -subj /CN=leaf.test -out leaf.csr && openssl x509 -req -in leaf.csr "
	"-CA ec.pem"
	" -CAkey ec.key -set_serial 77 -days 30 -out leaf.pem && cat leaf.pem ec.pem >whole.pem && cat "
	"leaf.pem other.pem"
	" >stray.pem && printf 'V\t301231000000Z\t\t4D\tunknown\t/CN=leaf.test\n' >leaf.txt &&\n"
	"openssl ocsp -sha256 -index leaf.txt -rsigner ec.pem -rkey ec.key -CA ec.pem -issuer ec.pem -cert "
	"leaf.pem"
	" -respout leaf.der -ndays 5 -noverify >/dev/null\n";

static int set_up(void **state)
{
	char command[4096];

	strcpy(dir, "/tmp/secret-test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(command, sizeof(command), make, dir);
	return system(command);
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static size_t slurp(const char *name, char *out, size_t cap)
{
	char path[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s", path);
	n = fread(out, 1, cap, f);
	fclose(f);
	return n;
}

static void put(const char *name, const char *text, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
}

static int copy(const char *from, const char *to)
{
	static char text[65536];

	put(to, text, slurp(from, text, sizeof(text)));
	return 0;
}

static int pair(const char *chain, const char *key, int64_t now, struct pem_info *info, char *why)
{
	static char a[65536], b[65536];
	size_t n = slurp(chain, a, sizeof(a)), m = slurp(key, b, sizeof(b));

	why[0] = '\0';
	return pem_pair(a, n, b, m, now, info, why);
}

static void pairs(void **state)
{
	int64_t now = (int64_t)time(NULL);
	static const struct {
		const char *chain, *key;
		int days;
		const char *why;
	} bad[] = {
		{"ec.pem", "rsa.key", 0, "does not belong"},
		{"ec.pem", "other.key", 0, "does not belong"},
		{"ec.pem", "ec.pem", 0, "no private key"},
		{"ec.key", "ec.key", 0, "no certificate"},
		{"ec.pem", "ec.key", 31, "has expired on"},
		{"ec.pem", "ec.key", -2, "not good before"},
		{"weak.pem", "weak.key", 0, "1024 bits"},
		{"ec.pem", "locked.key", 0, "encrypted"},
		{"ec.der", "ec.key", 0, "DER"},
	};
	struct pem_info info;
	char why[PEM_WHY_MAX];

	assert_int_equal(pair("ec.pem", "ec.key", now, &info, why), 0);
	assert_true(info.ec);
	assert_string_equal(info.key, "EC prime256v1");
	assert_string_equal(info.names, "sip.ours.test ours.test sip:ours.test");
	assert_string_equal(info.usage, "serverAuth clientAuth");
	assert_string_equal(info.warning, "");
	assert_in_range(info.not_after, now + 29 * DAY, now + 31 * DAY);
	assert_int_equal(pair("rsa.pem", "rsa.key", now, &info, why), 0);
	assert_false(info.ec);
	assert_string_equal(info.key, "RSA 2048");
	assert_int_equal(pair("wrong-order.pem", "ec.key", now, &info, why), 0);
	assert_non_null(strstr(info.warning, "did not issue"));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (pair(bad[i].chain, bad[i].key, now + bad[i].days * DAY, &info, why) != -EINVAL ||
		    !strstr(why, bad[i].why))
			fail_msg("%s with %s: %s", bad[i].chain, bad[i].key, why);
}

/* a file that is being written is refused at every length */
static void halves(void **state)
{
	static char chain[65536], key[65536], crl[65536], ocsp[65536];
	size_t n = slurp("rsa.pem", chain, sizeof(chain)), m = slurp("rsa.key", key, sizeof(key)), l, o;
	int64_t now = (int64_t)time(NULL);
	struct pem_info info;
	char why[PEM_WHY_MAX];

	/* the last line break may be missing */
	for (size_t i = 0; i < n - 1; i++)
		assert_int_equal(pem_pair(chain, i, key, m, now, &info, why), -EINVAL);
	for (size_t i = 0; i < m - 1; i++)
		assert_int_equal(pem_pair(chain, n, key, i, now, &info, why), -EINVAL);
	for (size_t i = 0; i < n - 1; i += 7)
		assert_int_equal(pem_anchors(chain, i, now, &info, why), -EINVAL);
	/* one byte that is another one: refused, or a certificate that does not fit its key */
	for (size_t i = 30; i < n - 30; i += 5) {
		char was = chain[i];

		chain[i] = (char)(was ^ 1);
		(void)pem_pair(chain, n, key, m, now, &info, why);
		chain[i] = was;
	}
	l = slurp("crl.pem", crl, sizeof(crl));
	assert_int_equal(pem_lists(crl, l, now, &info, why), 0);
	assert_int_equal(info.chain, 1);
	assert_string_equal(info.warning, "");
	assert_int_equal(pem_lists(crl, l, now + 11 * DAY, &info, why), 0);
	assert_non_null(strstr(info.warning, "out of date"));
	for (size_t i = 0; i < l - 1; i += 3)
		assert_int_equal(pem_lists(crl, i, now, &info, why), -EINVAL);
	n = slurp("ec.pem", chain, sizeof(chain));
	o = slurp("ocsp.der", ocsp, sizeof(ocsp));
	if (pem_ocsp(ocsp, o, chain, n, now, &info, why))
		fail_msg("%s", why);
	assert_int_equal(pem_ocsp(ocsp, o, chain, n, now + 6 * DAY, &info, why), -EINVAL);
	assert_non_null(strstr(why, "out of date"));
	for (size_t i = 0; i < o; i++)
		assert_int_equal(pem_ocsp(ocsp, i, chain, n, now, &info, why), -EINVAL);
	n = slurp("other.pem", chain, sizeof(chain));
	assert_int_equal(pem_ocsp(ocsp, o, chain, n, now, &info, why), -EINVAL);
}

/* whose response it is: with the issuer in the chain file or without, in the digest that the responder took
 */
static void response_of(void **state)
{
	static const struct {
		const char *chain, *response;
		int expect;
	} of[] = {{"leaf.pem", "leaf.der", 0},	      {"whole.pem", "leaf.der", 0},
		  {"stray.pem", "leaf.der", -EINVAL}, {"ec.pem", "leaf.der", -EINVAL},
		  {"leaf.pem", "ocsp.der", -EINVAL},  {"ec.pem", "ocsp.der", 0}};
	static char chain[65536], response[65536];
	struct pem_info info;
	char why[PEM_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		size_t n = slurp(of[i].chain, chain, sizeof(chain));
		size_t m = slurp(of[i].response, response, sizeof(response));

		if (pem_ocsp(response, m, chain, n, (int64_t)time(NULL), &info, why) != of[i].expect ||
		    (of[i].expect && !strstr(why, "another certificate")))
			fail_msg("%s with %s: %s", of[i].chain, of[i].response, why);
	}
}

/* A block that says that it is encrypted is refused; libcrypto would ask for the password, on the terminal
 * or, as here where there is none, on standard input. */
static void asks_nobody(void **state)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
	char chain[8192], text[8192 + 256], why[PEM_WHY_MAX];
	struct pem_info info;
	int in[2], left = 0, status;
	size_t n = slurp("ec.pem", chain, sizeof(chain) - 1);
	pid_t child;

	chain[n] = '\0';
	snprintf(text, sizeof(text),
		 "%sProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n%s",
		 begin, chain + strlen(begin));
	assert_int_equal(pipe(in), 0);
	assert_int_equal(write(in[1], "secret\n", 7), 7);
	child = fork();
	if (child == 0) {
		setsid();
		dup2(in[0], 0);
		close(in[1]);
		alarm(10);
		if (pem_anchors(text, strlen(text), time(NULL), &info, why) != -EINVAL ||
		    pem_pair(text, strlen(text), chain, n, time(NULL), &info, why) != -EINVAL)
			_exit(1);
		_exit(ioctl(0, FIONREAD, &left) || left != 7 ? 2 : 0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(in[0]);
	close(in[1]);
	assert_int_equal(status, 0);
}

static bool no(void *ctx, const char *hash)
{
	return ctx && strcmp(ctx, hash) == 0;
}

static void vaults(void **state)
{
	char a[VAULT_HASH], b[VAULT_HASH], path[256];
	struct stat st;
	struct vault v;

	assert_int_equal(vault_open(&v, dir, (gid_t)-1), 0);
	assert_int_equal(vault_put(&v, "secret", 6, a), 0);
	assert_int_equal(vault_put(&v, "secret", 6, b), 0);
	assert_string_equal(a, b);
	assert_string_equal(a, "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
	snprintf(path, sizeof(path), "%s/secrets/%s", dir, a);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0440);
	snprintf(path, sizeof(path), "%s/secrets", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_true(vault_has(&v, a));
	assert_false(vault_has(&v, "../../etc/passwd"));
	assert_int_equal(vault_put(&v, "other", 5, b), 0);
	/* young ones stay, wanted ones too */
	assert_int_equal(vault_sweep(&v, no, NULL, time(NULL)), 0);
	assert_int_equal(vault_sweep(&v, no, a, time(NULL) + 2 * VAULT_KEEP_S), 1);
	assert_true(vault_has(&v, a));
	assert_false(vault_has(&v, b));
	vault_close(&v);
}

/* what is written anew again and again does not pile up for an hour */
static void vaults_fill(void **state)
{
	enum { N = 5, EACH = VAULT_OLD_BYTES / 2 - 10 };
	char hash[N][VAULT_HASH], small[VAULT_HASH], *bytes = calloc(1, EACH);
	time_t now = time(NULL);
	struct vault v;

	assert_non_null(bytes);
	assert_int_equal(vault_open(&v, dir, (gid_t)-1), 0);
	vault_sweep(&v, no, NULL, now + 2 * VAULT_KEEP_S);
	for (unsigned i = 0; i < N; i++) {
		/* the first is the oldest; the last three are young */
		struct timespec when[2] = {{.tv_nsec = UTIME_OMIT},
					   {.tv_sec = now - (i < 2 ? 300 - (time_t)i * 60 : 30)}};

		bytes[0] = (char)i;
		assert_int_equal(vault_put(&v, bytes, EACH, hash[i]), 0);
		assert_int_equal(utimensat(v.dir, hash[i], when, 0), 0);
	}
	assert_int_equal(vault_put(&v, "small", 5, small), 0);
	/* one is wanted, and the young ones are too much but young */
	assert_int_equal(vault_sweep(&v, no, hash[0], now), 1);
	assert_true(vault_has(&v, hash[0]));
	assert_false(vault_has(&v, hash[1]));
	for (unsigned i = 2; i < N; i++)
		assert_true(vault_has(&v, hash[i]));
	assert_int_equal(vault_sweep(&v, no, NULL, now), 1);
	assert_false(vault_has(&v, hash[0]));
	/* two of them fit */
	assert_int_equal(vault_sweep(&v, no, NULL, now + 300), 1);
	assert_true(vault_has(&v, small));
	assert_int_equal(vault_sweep(&v, no, NULL, now + 300), 0);
	assert_int_equal(vault_sweep(&v, no, NULL, now + 2 * VAULT_KEEP_S), 3);
	vault_close(&v);
	free(bytes);
}

static void rotates(void **state)
{
	enum { LIFE = 43200 };
	struct rotation r, again;
	uint8_t next[ROTATION_KEY_MAX], current[ROTATION_KEY_MAX], route[ROTATION_KEY_MAX];
	const int64_t t0 = 1000000;
	uint8_t byte;
	char path[128];
	int fd;

	assert_int_equal(rotation_load(&r, dir), -ENOENT);
	rotation_init(&r, t0);
	memcpy(next, r.kind[0].key[POLICY_SLOT_NEXT - 1], sizeof(next));
	memcpy(current, r.kind[0].key[POLICY_SLOT_CURRENT - 1], sizeof(current));
	memcpy(route, r.kind[1].key[POLICY_SLOT_CURRENT - 1], sizeof(route));
	assert_memory_not_equal(next, current, POLICY_TICKET_LEN);
	assert_int_equal(rotation_due(&r, POLICY_SECRET_TICKET, LIFE, t0 + 1), LIFE - 1);
	assert_false(rotation_turn(&r, POLICY_SECRET_TICKET, LIFE, t0 + LIFE - 1));
	assert_true(rotation_turn(&r, POLICY_SECRET_TICKET, LIFE, t0 + LIFE));
	assert_memory_equal(r.kind[0].key[POLICY_SLOT_CURRENT - 1], next, sizeof(next));
	assert_memory_equal(r.kind[0].key[POLICY_SLOT_PREVIOUS - 1], current, sizeof(current));
	/* the other kind has its own time */
	assert_memory_equal(r.kind[1].key[POLICY_SLOT_CURRENT - 1], route, sizeof(route));
	assert_int_equal(rotation_save(&r, dir), 0);
	assert_int_equal(rotation_load(&again, dir), 0);
	assert_memory_equal(&r, &again, sizeof(r));
	/* asleep for long: nothing that was known then is left */
	assert_true(rotation_turn(&r, POLICY_SECRET_TICKET, LIFE, t0 + 40 * LIFE));
	for (unsigned s = 0; s < ROTATION_SLOTS; s++)
		for (unsigned k = 0; k < ROTATION_SLOTS; k++)
			assert_memory_not_equal(r.kind[0].key[s], again.kind[0].key[k], POLICY_TICKET_LEN);
	/* the clock was set back: it turns in its time from now on */
	assert_true(rotation_turn(&again, POLICY_SECRET_TICKET, LIFE, 5));
	assert_memory_equal(again.kind[0].key[POLICY_SLOT_CURRENT - 1], next, sizeof(next));
	assert_int_equal(rotation_due(&again, POLICY_SECRET_TICKET, LIFE, 5), LIFE);
	/* a damaged file is not believed */
	snprintf(path, sizeof(path), "%s/rotation", dir);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, 100), 1);
	byte ^= 1; /* whatever chance put there */
	assert_int_equal(pwrite(fd, &byte, 1, 100), 1);
	close(fd);
	assert_int_equal(rotation_load(&again, dir), -EBADMSG);
	assert_int_equal(truncate(path, 20), 0);
	assert_int_equal(rotation_load(&again, dir), -EBADMSG);
}

/* ---- shelf ---- */

struct told {
	unsigned n, had;
	char text[2048];
};

static void tell(void *ctx, const char *noun, const char *name, const char *text, bool had)
{
	struct told *t = ctx;

	t->n++;
	t->had += had;
	snprintf(t->text, sizeof(t->text), "%s %s: %s", noun, name, text);
}

static bool no_error(void *ctx, const struct schema_error *e)
{
	fail_msg("%u: %s", e->line, e->why);
	return false;
}

static void configure(struct schema_map *map, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* $ stands for the directory of the test */
static void configure(struct schema_map *map, const char *format, ...)
{
	struct schema_reader reader = {.map = map};
	char text[8192], out[16384];
	size_t n = 0;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	for (const char *p = text; *p; p++)
		n += *p == '$' ? (size_t)snprintf(out + n, sizeof(out) - n, "%s", dir)
			       : (size_t)snprintf(out + n, sizeof(out) - n, "%c", *p);
	assert_int_equal(schema_file_read(&reader, out, n, no_error, NULL, NULL, NULL), 0);
	schema_reader_fini(&reader);
}

static void shelves(void **state)
{
	struct schema_map map = {0};
	struct schema_source source;
	struct shelf *a, *b, *c;
	const struct shelf_item *it;
	int64_t now = (int64_t)time(NULL);
	struct told told = {0};
	struct vault v;
	char hash[VAULT_HASH], text[4096];
	size_t n;

	assert_int_equal(vault_open(&v, dir, (gid_t)-1), 0);
	copy("ec.pem", "live.pem");
	copy("ec.key", "live.key");
	configure(&map, "set certificate main chain $/live.pem key $/live.key\n"
			"set certificate stapled chain $/ec.pem key $/ec.key ocsp $/ocsp.der\n"
			"set trust lab ca $/ec.pem ca $/rsa.pem crl $/crl.pem\n");
	source = schema_source_map(&map);
	assert_int_equal(shelf_load(&v, &source, NULL, now, tell, &told, &a), 0);
	if (told.n)
		fail_msg("%s", told.text);
	it = shelf_find(a, SHELF_CERTIFICATE, "main");
	assert_true(it && it->good);
	n = slurp("ec.pem", text, sizeof(text));
	vault_hash(text, n, hash);
	assert_string_equal(it->chain, hash);
	assert_true(vault_has(&v, it->chain) && vault_has(&v, it->key));
	assert_true(shelf_find(a, SHELF_CERTIFICATE, "stapled")->ocsp[0]);
	it = shelf_find(a, SHELF_TRUST, "lab");
	assert_int_equal(it->info.chain, 2);
	assert_int_equal(it->more.chain, 1);
	assert_true(vault_has(&v, it->key));
	/* renewed half-way: the old pair stays, and what is wrong is said */
	copy("other.pem", "live.pem");
	assert_int_equal(shelf_load(&v, &source, a, now, tell, &told, &b), 0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.had, 1);
	assert_non_null(strstr(told.text, "does not belong"));
	assert_true(shelf_same(a, b));
	assert_true(shelf_find(b, SHELF_CERTIFICATE, "main")->problem[0]);
	/* gone altogether */
	snprintf(text, sizeof(text), "%s/live.pem", dir);
	unlink(text);
	assert_int_equal(shelf_load(&v, &source, b, now, tell, &told, &c), 0);
	assert_non_null(strstr(told.text, "No such file"));
	assert_true(shelf_same(a, c));
	shelf_drop(c);
	/* without anything before there is nothing to stay */
	memset(&told, 0, sizeof(told));
	assert_int_equal(shelf_load(&v, &source, NULL, now, tell, &told, &c), 0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.had, 0);
	assert_false(shelf_find(c, SHELF_CERTIFICATE, "main")->good);
	shelf_drop(c);
	/* whole again */
	memset(&told, 0, sizeof(told));
	copy("other.pem", "live.pem");
	copy("other.key", "live.key");
	assert_int_equal(shelf_load(&v, &source, b, now, tell, &told, &c), 0);
	assert_int_equal(told.n, 0);
	assert_false(shelf_same(a, c));
	shelf_drop(b);
	/* time passes: what has expired is shown no more, so that the others can be built */
	assert_int_equal(shelf_load(&v, &source, c, now + 31 * DAY, tell, &told, &b), 0);
	assert_true(shelf_find(b, SHELF_CERTIFICATE, "main")->good);
	assert_false(shelf_find(b, SHELF_CERTIFICATE, "stapled")->good);
	shelf_drop(a);
	shelf_drop(b);
	shelf_drop(c);
	schema_map_fini(&map);
	vault_close(&v);
}

static void fits(void **state)
{
	static const struct {
		const char *identity, *finding;
	} rows[] = {
		{"public-fqdn sip.ours.test server-certificate ec server-certificate rsa", NULL},
		{"public-fqdn sip.ours.test server-certificate rsa", NULL},
		{"public-fqdn sip.ours.test server-certificate ec", "EC key alone"},
		{"public-fqdn edge.ours.test server-certificate rsa", "does not name edge.ours.test"},
		{"public-fqdn sip.ours.test server-certificate rsa client-certificate ec client-certificate "
		 "other",
		 "same kind of key"},
	};
	int64_t now = (int64_t)time(NULL);

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct schema_map map = {0};
		struct schema_source source;
		struct told told = {0};
		struct shelf *s;

		configure(&map,
			  "set certificate ec chain $/ec.pem key $/ec.key\n"
			  "set certificate other chain $/other.pem key $/other.key\n"
			  "set certificate rsa chain $/rsa.pem key $/rsa.key\nset identity edge %s\n",
			  rows[i].identity);
		source = schema_source_map(&map);
		assert_int_equal(shelf_load(NULL, &source, NULL, now, tell, &told, &s), 0);
		assert_int_equal(told.n, 0);
		shelf_fitness(s, &source, tell, &told);
		if (rows[i].finding ? told.n != 1 || !strstr(told.text, rows[i].finding) : told.n)
			fail_msg("%s: %u: %s", rows[i].identity, told.n, told.text);
		shelf_drop(s);
		schema_map_fini(&map);
	}
}

/* ---- records ---- */

static const void *find(const struct records_table *t, size_t name_at, const char *name)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct policy_str s;
		uint32_t size;

		memcpy(&size, t->record[i], 4);
		memcpy(&s, (const char *)t->record[i] + name_at, sizeof(s));
		if (policy_name_equal(policy_str_get(t->record[i], size, s), policy_name_of(name)))
			return t->record[i];
	}
	return NULL;
}

static bool text_is(const void *record, uint32_t size, struct policy_str s, const char *text)
{
	return policy_name_equal(policy_str_get(record, size, s), policy_name_of(text));
}

static void published(void **state)
{
	struct records_table t[POLICY_SMALLS] = {0};
	struct records_ids ids = {0};
	struct records_keys keys;
	struct schema_map map = {0};
	struct schema_source source;
	struct told told = {0};
	struct shelf *shelf;
	const struct policy_tls_profile *modern, *compat, *strict;
	const struct policy_identity *identity, *plain;
	const struct policy_certificate *ec, *rsa;
	const struct policy_listener *l;
	const struct policy_trust *lab;
	const struct policy_inner *pool, *fe;
	const struct policy_box *box;
	unsigned sides[3] = {0}, xmpp = 0;

	configure(
		&map,
		"set certificate ec chain $/ec.pem key $/ec.key\n"
		"set certificate rsa chain $/rsa.pem key $/rsa.key\n"
		"set certificate broken chain $/ec.pem key $/rsa.key\n"
		"set trust lab ca $/ec.pem crl $/crl.pem\n"
		"set tls-profile strict trust lab version 1.3 eku strict revocation crl-required depth 2 "
		"peer-subject a.test peer-subject b.test groups X25519\n"
		"set identity edge public-fqdn sip.ours.test external-listen 198.18.0.1 external-listen "
		"[2001:db8::1]:5071 internal-listen 198.18.1.1 xmpp-listen 198.18.0.1 server-certificate ec "
		"server-certificate rsa client-certificate rsa\n"
		"set identity plain public-fqdn sip.two.test server-certificate broken\n"
		"set internal-server pool.ours.test certificate-name fe1.ours.test certificate-name "
		"fe2.ours.test\n"
		"set federation connections-per-partner 2 diagnostics-to-partners yes tls-profile strict "
		"eku any refused-alarm-warn 7 refused-alarm-error 70\n");
	source = schema_source_map(&map);
	assert_int_equal(shelf_load(NULL, &source, NULL, (int64_t)time(NULL), tell, &told, &shelf), 0);
	assert_int_equal(told.n, 1);
	for (unsigned i = 0; i < ROTATION_KINDS * ROTATION_SLOTS; i++)
		memset(keys.hash[i / ROTATION_SLOTS][i % ROTATION_SLOTS], 'a' + (int)i, POLICY_HASH_LEN);
	for (unsigned i = 0; i < ROTATION_KINDS * ROTATION_SLOTS; i++)
		keys.hash[i / ROTATION_SLOTS][i % ROTATION_SLOTS][POLICY_HASH_LEN] = '\0';
	assert_int_equal(records_small(&source, &(struct records_secrets){shelf, &keys}, &ids, t), 0);

	/* certificates: those that are good, by hash */
	assert_int_equal(t[POLICY_SMALL_CERTIFICATES].n, 2);
	ec = find(&t[POLICY_SMALL_CERTIFICATES], offsetof(struct policy_certificate, name), "ec");
	rsa = find(&t[POLICY_SMALL_CERTIFICATES], offsetof(struct policy_certificate, name), "rsa");
	assert_true(ec && rsa && ec->id != rsa->id);
	assert_true(text_is(ec, ec->size, ec->chain, shelf_find(shelf, SHELF_CERTIFICATE, "ec")->chain));
	assert_int_equal(ec->key.len, POLICY_HASH_LEN);
	assert_int_equal(ec->ocsp.len, 0);
	/* identities: both side by side, what was left out is filled in */
	identity = find(&t[POLICY_SMALL_IDENTITIES], offsetof(struct policy_identity, name), "edge");
	assert_int_equal(identity->server_certificate[0], ec->id);
	assert_int_equal(identity->server_certificate[1], rsa->id);
	assert_int_equal(identity->client_certificate[0], rsa->id);
	assert_int_equal(identity->client_certificate[1], 0);
	assert_memory_equal(identity->internal_certificate, identity->server_certificate,
			    sizeof(identity->server_certificate));
	plain = find(&t[POLICY_SMALL_IDENTITIES], offsetof(struct policy_identity, name), "plain");
	assert_int_equal(plain->server_certificate[0], 0);
	/* profiles: ours, and the two that are always there */
	assert_int_equal(t[POLICY_SMALL_TLS].n, 3);
	modern = find(&t[POLICY_SMALL_TLS], offsetof(struct policy_tls_profile, name), "modern");
	compat = find(&t[POLICY_SMALL_TLS], offsetof(struct policy_tls_profile, name), "compat");
	strict = find(&t[POLICY_SMALL_TLS], offsetof(struct policy_tls_profile, name), "strict");
	lab = find(&t[POLICY_SMALL_TRUSTS], offsetof(struct policy_trust, name), "lab");
	assert_true(modern && compat && strict && lab);
	assert_true(compat->suites12.len > modern->suites12.len);
	assert_int_equal(modern->version_min, 0x0303);
	assert_int_equal(modern->eku, POLICY_EKU_ANY); /* the box's */
	assert_int_equal(strict->version_min, 0x0304);
	assert_int_equal(strict->eku, POLICY_EKU_STRICT);
	assert_int_equal(strict->flags, POLICY_TLS_CRL | POLICY_TLS_REVOCATION_HARD);
	assert_int_equal(strict->depth, 2);
	assert_int_equal(strict->trust, lab->id);
	assert_int_equal(strict->peer_subjects, 2);
	assert_true(policy_name_equal(policy_tls_peer_subject(strict, 1), policy_name_of("b.test")));
	assert_int_equal(policy_tls_peer_subject(strict, 2).len, 0);
	assert_true(text_is(strict, strict->size, strict->groups, "X25519"));
	assert_true(strict->suites12.len && strict->suites13.len);
	assert_int_equal(lab->crl.len, POLICY_HASH_LEN);
	/* listeners */
	assert_int_equal(t[POLICY_SMALL_LISTENERS].n, 4);
	for (unsigned i = 0; i < 4; i++) {
		l = t[POLICY_SMALL_LISTENERS].record[i];
		assert_int_equal(l->identity, identity->id);
		sides[l->side < 3 ? l->side : 0]++;
		xmpp += l->protocol == POLICY_PROTOCOL_XMPP && l->port == 5269;
	}
	assert_int_equal(sides[POLICY_SIDE_EXTERNAL], 3);
	assert_int_equal(sides[POLICY_SIDE_INTERNAL], 1);
	assert_int_equal(xmpp, 1);
	/* internal servers, each name a record */
	pool = find(&t[POLICY_SMALL_INNER], offsetof(struct policy_inner, name), "pool.ours.test");
	fe = find(&t[POLICY_SMALL_INNER], offsetof(struct policy_inner, name), "fe2.ours.test");
	assert_true(pool && fe && pool->server == pool->id && fe->server == pool->id);
	/* rotating keys */
	assert_int_equal(t[POLICY_SMALL_SECRETS].n, 6);
	for (unsigned i = 0; i < 6; i++) {
		const struct policy_secret *s = t[POLICY_SMALL_SECRETS].record[i];

		assert_true(text_is(s, s->size, s->hash, keys.hash[s->kind - 1][s->slot - 1]));
	}
	box = t[POLICY_SMALL_BOX].record[0];
	assert_int_equal(box->external_tls_profile, strict->id);
	assert_int_equal(box->internal_tls_profile, modern->id);
	assert_int_equal(box->connections_per_partner, 2);
	assert_true(box->flags & POLICY_BOX_DIAGNOSTICS_OUT);
	assert_int_equal(box->refused_warn, 7);
	assert_int_equal(box->refused_error, 70);
	for (unsigned i = 0; i < POLICY_SMALLS; i++) {
		void *table = NULL;

		assert_true(policy_small_build((enum policy_small)i, (const void *const *)t[i].record, t[i].n,
					       &table) > 0);
		free(table);
		records_table_fini(&t[i]);
	}
	records_ids_fini(&ids);
	shelf_drop(shelf);
	schema_map_fini(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),       cmocka_unit_test(halves),  cmocka_unit_test(response_of),
		cmocka_unit_test(asks_nobody), cmocka_unit_test(vaults),  cmocka_unit_test(vaults_fill),
		cmocka_unit_test(rotates),     cmocka_unit_test(shelves), cmocka_unit_test(fits),
		cmocka_unit_test(published),
	};

	if (system("openssl version >/dev/null 2>&1")) {
		puts("skipped: there is no openssl(1) to make certificates with");
		return 77;
	}
	return cmocka_run_group_tests_name("control secrets", tests, set_up, tear_down);
}
