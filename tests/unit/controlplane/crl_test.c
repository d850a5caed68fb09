/* SPDX-License-Identifier: BSD-3-Clause */
/* Revocation lists that are fetched: which URLs certificates give, which lists may count, when they are asked
 * for again, how they are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/secret/crl_list.h"
#include "controlplane/secret/crl_cache.h"
#include "controlplane/secret/crl_plan.h"

enum { DAY = 86400 };

static char dir[64];

static const char make[] =
	"cd '%s' && exec 2>/dev/null\n"
	"ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout $1.key "
	"-out $1.pem -subj \"/CN=$2\" -addext keyUsage=critical,$3; }\n"
	"ca one 'the authority' keyCertSign,cRLSign && ca other 'another one' cRLSign && "
	"ca twin 'the authority' cRLSign && ca mute 'may not' keyCertSign || exit 1\n"
	"leaf() { openssl req -new -key one.key -subj /CN=$1 -out leaf.csr && openssl x509 -req -in leaf.csr "
	"-CA $2.pem -CAkey $2.key -set_serial 7 -days 9 -extfile $1.ext -out $1.pem; }\n"
	"cat >points.ext <<'E'\n"
	"crlDistributionPoints=a,b,c\n[a]\nfullname=URI:http://one.test/a.crl,URI:ldap://one.test/"
	"x,URI:http://"
	"one.test/b.crl\n[b]\nfullname=URI:http://one.test/"
	"some.crl\nreasons=keyCompromise\n[c]\nfullname=URI:"
	"http://one.test/a.crl\nE\n"
	"leaf points one || exit 1; echo crlDistributionPoints=URI:http://other.test/o.crl >stray.ext\n"
	"leaf stray other || exit 1\n"
	"printf '[ca]\\ndefault_ca=l\\n[l]\\ndatabase=index.txt\\ncrlnumber=number\\ndefault_md=sha256\\n"
	"default_crl_days=9\\n[indirect]\\nissuingDistributionPoint=critical,@i\\n[i]\\nindirectCRL=TRUE\\n"
	"[delta]\\n2.5.29.27=critical,ASN1:INTEGER:1\\n[odd]\\n"
	"1.2.3.4=critical,ASN1:INTEGER:1\\n[mild]\\n1.2.3.4=ASN1:INTEGER:1\\n' >cnf; : >index.txt\n"
	"list() { echo $2 >number; openssl ca -config cnf -cert $3.pem -keyfile $3.key -gencrl -out $1.crl "
	"$4; }\n"
	"list n5 05 one && list n5other 05 other && list n5twin 05 twin && list n5mute 05 mute && "
	"list n6 06 one && list n100 0100 one && list indirect 06 one '-crlexts indirect' && "
	"list odd 06 one '-crlexts odd' && list mild 06 one '-crlexts mild' && "
	"list delta 06 one '-crlexts delta' || exit 1\n"
	"openssl crl -in n6.crl -outform DER -out n6.der && cat n5.crl n6.crl >two.crl && cat one.pem "
	"other.pem "
	">both.pem";

static int set_up(void **state)
{
	char command[4096];

	strcpy(dir, "/tmp/crl-test.XXXXXX");
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

static char *slurp(const char *name, size_t *n)
{
	char path[128], *p = NULL;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(crl_cache_read(path, &p, n), 0);
	return p;
}

static void points(void **state)
{
	static struct crl_urls u;
	size_t n, m;
	char *leaf = slurp("points.pem", &n), *ca = slurp("one.pem", &m), *stray;

	memset(&u, 0, sizeof(u));
	crl_urls_of(&u, leaf, n, ca, m);
	assert_int_equal(u.n, 2);
	assert_string_equal(u.url[0], "http://one.test/a.crl");
	assert_string_equal(u.url[1], "http://one.test/b.crl");
	assert_non_null(strstr(u.said, "ldap://one.test/x"));
	free(leaf);
	/* somebody else's issuer: only without anchors to compare with */
	stray = slurp("stray.pem", &n);
	memset(&u, 0, sizeof(u));
	crl_urls_of(&u, stray, n, ca, m);
	assert_int_equal(u.n, 0);
	crl_urls_of(&u, stray, n, NULL, 0);
	assert_int_equal(u.n, 1);
	free(stray);
	free(ca);
	for (unsigned i = 0; i < 2 * CRL_URLS_MAX; i++) {
		char url[32];

		crl_urls_add(&u, url, (size_t)snprintf(url, sizeof(url), "http://x.test/%u", i));
	}
	assert_int_equal(u.n, CRL_URLS_MAX);
	assert_non_null(strstr(u.said, "more than 32"));
}

/* NULL: it counts */
static void one(const char *list, const char *anchors, const char *had, int64_t at, const char *want)
{
	struct crl_facts before, now;
	char why[PEM_WHY_MAX], *pem = NULL;
	size_t n, m, k, pem_n = 0;
	char *bytes = slurp(list, &n), *ca = slurp(anchors, &m);
	int r;

	if (had) {
		char *old = slurp(had, &k);

		assert_int_equal(
			crl_check(old, k, ca, m, NULL, (int64_t)time(NULL), &before, NULL, NULL, why), 0);
		free(old);
	}
	r = crl_check(bytes, n, ca, m, had ? &before : NULL, (int64_t)time(NULL) + at, &now, &pem, &pem_n,
		      why);
	if (!want && r)
		fail_msg("%s for %s: %s", list, anchors, why);
	if (want && (!r || !strstr(why, want)))
		fail_msg("%s for %s: '%s', and not for '%s'", list, anchors, why, want);
	/* what it becomes is the same list */
	if (!r) {
		struct crl_facts again;

		assert_int_equal(
			crl_check(pem, pem_n, ca, m, &now, (int64_t)time(NULL) + at, &again, NULL, NULL, why),
			0);
		assert_memory_equal(&again, &now, sizeof(now));
	}
	free(pem);
	free(bytes);
	free(ca);
}

/* the number is as good as the one before, the time is not */
static void not_older(void **state)
{
	struct crl_facts had, now;
	char why[PEM_WHY_MAX];
	size_t n, m;
	char *list = slurp("n6.crl", &n), *ca = slurp("one.pem", &m);
	int64_t at = (int64_t)time(NULL);

	assert_int_equal(crl_check(list, n, ca, m, NULL, at, &had, NULL, NULL, why), 0);
	had.this_update++;
	assert_int_not_equal(crl_check(list, n, ca, m, &had, at, &now, NULL, NULL, why), 0);
	assert_non_null(strstr(why, "older"));
	free(list);
	free(ca);
}

static void judged(void **state)
{
	struct crl_facts f;
	char why[PEM_WHY_MAX], *der, *ca;
	size_t n, m;

	one("n5.crl", "one.pem", NULL, 0, NULL);
	one("n6.der", "both.pem", NULL, 0, NULL);
	one("n6.der", "one.pem", "n5.crl", 0, NULL);
	one("n6.crl", "one.pem", "n6.der", 0, NULL);
	one("n100.crl", "one.pem", "n6.crl", 0, NULL);
	/* outdated is its caller's business */
	one("n5.crl", "one.pem", NULL, 10 * DAY, NULL);
	/* another issuer's number counts for nothing */
	one("n5other.crl", "both.pem", "n6.crl", 0, NULL);
	one("n5.crl", "one.pem", "n6.crl", 0, "below");
	one("n6.crl", "one.pem", "n100.crl", 0, "below");
	one("n5.crl", "one.pem", NULL, -CRL_AHEAD_S - 60, "future");
	one("n5.crl", "one.pem", NULL, -CRL_AHEAD_S + 60, NULL);
	one("n5.crl", "other.pem", NULL, 0, "none of the trusted");
	one("n5twin.crl", "one.pem", NULL, 0, "signature");
	one("n5mute.crl", "mute.pem", NULL, 0, "may not sign");
	one("indirect.crl", "one.pem", NULL, 0, "indirect");
	one("delta.crl", "one.pem", NULL, 0, "delta");
	one("odd.crl", "one.pem", NULL, 0, "critical extension");
	one("mild.crl", "one.pem", NULL, 0, NULL);
	one("two.crl", "one.pem", NULL, 0, "more than one");
	one("one.pem", "one.pem", NULL, 0, "no revocation list");
	/* every cut and every octet */
	der = slurp("n6.der", &n);
	ca = slurp("one.pem", &m);
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(crl_check(der, i, ca, m, NULL, (int64_t)time(NULL), &f, NULL, NULL, why),
				     0);
	for (size_t i = 0; i < n; i++) {
		der[i] ^= 0x10;
		assert_int_not_equal(crl_check(der, n, ca, m, NULL, (int64_t)time(NULL), &f, NULL, NULL, why),
				     0);
		der[i] ^= 0x10;
	}
	free(der);
	free(ca);
}

static void planned(void **state)
{
	struct crl_plan p = {0};
	const int64_t now = 1000000000;

	assert_true(crl_plan_is_due(&p, now));
	for (uint32_t chance = 0; chance < 100000; chance += 997) {
		/* a day's list: in its last sixth and not in its last tenth */
		crl_plan_came(&p, now, now + DAY, now, chance);
		assert_in_range(p.due, now + DAY * 84 / 100, now + DAY * 90 / 100);
		/* a year's: each day */
		crl_plan_came(&p, now, now + 365 * DAY, now, chance);
		assert_in_range(p.due, now + DAY * 95 / 100, now + DAY);
		crl_plan_came(&p, now, 0, now, chance);
		assert_in_range(p.due, now + DAY * 95 / 100, now + DAY);
		/* one that lives for a minute, or has ended: not at once */
		crl_plan_came(&p, now, now + 60, now, chance);
		assert_in_range(p.due, now + CRL_PLAN_OFTEN_S, now + 2 * CRL_PLAN_OFTEN_S);
		crl_plan_came(&p, now - 9 * DAY, now - DAY, now, chance);
		assert_in_range(p.due, now + CRL_PLAN_OFTEN_S, now + 2 * CRL_PLAN_OFTEN_S);
	}
	assert_false(crl_plan_is_due(&p, p.due - 1));
	assert_true(crl_plan_is_due(&p, p.due));
	/* the clock was put back by a month */
	assert_true(crl_plan_is_due(&p, now - 30 * DAY));
	for (unsigned i = 0; i < 40; i++) {
		int64_t back = 60ll << (i < 6 ? i : 6);

		back = back < 3600 ? back : 3600;
		assert_int_equal(crl_plan_failed(&p, now, i * 7919), i == 0);
		assert_in_range(p.due, now + back * 9 / 10, now + back);
	}
	crl_plan_came(&p, now, now + DAY, now, 0);
	assert_true(crl_plan_failed(&p, now, 0));
	assert_false(crl_plan_expired(&p, now + 1, now));
	assert_true(crl_plan_expired(&p, now, now));
	assert_false(crl_plan_expired(&p, now, now + 1));
	/* a newer one came, and ended too */
	assert_false(crl_plan_expired(&p, now + 9, now + 2));
	assert_true(crl_plan_expired(&p, now + 9, now + 9));
	assert_false(crl_plan_expired(&p, 0, now));
}

static bool keep_a(void *ctx, const char *hash)
{
	return strcmp(hash, ctx) == 0;
}

static void cached(void **state)
{
	static const char a[] = "http://a.test/", b[] = "http://b.test/";
	char path[CRL_CACHE_PATH], other[CRL_CACHE_PATH], *p = NULL;
	struct stat st;
	size_t n = 0;
	int fd;

	assert_int_equal(crl_cache_open(dir), 0);
	assert_int_equal(crl_cache_open(dir), 0);
	assert_int_equal(crl_cache_date(dir, a), 0);
	assert_int_equal(crl_cache_put(dir, a, "one", 3), 0);
	assert_int_equal(crl_cache_put(dir, a, "three", 5), 0);
	assert_int_equal(crl_cache_put(dir, b, "two", 3), 0);
	crl_cache_path(dir, a, path);
	assert_int_equal(crl_cache_read(path, &p, &n), 0);
	assert_int_equal(n, 5);
	assert_memory_equal(p, "three", 5);
	free(p);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(crl_cache_date(dir, a) > 0);
	fd = crl_cache_part(dir, b, other);
	assert_true(fd >= 0);
	close(fd);
	/* b, and what came of it, go */
	assert_int_equal(crl_cache_sweep(dir, keep_a, strrchr(path, '/') + 1), 2);
	crl_cache_path(dir, b, other);
	assert_int_not_equal(access(other, F_OK), 0);
	assert_int_equal(access(path, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points),  cmocka_unit_test(judged), cmocka_unit_test(not_older),
		cmocka_unit_test(planned), cmocka_unit_test(cached),
	};

	if (system("openssl version >/dev/null 2>&1")) {
		puts("skipped: there is no openssl(1) to make certificates with");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
