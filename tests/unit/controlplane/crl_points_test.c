/* SPDX-License-Identifier: BSD-3-Clause */
/* Where revocation lists are that certificates of peers name: from whom that is learned, for whom it counts,
 * how much of it is kept and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/secret/crl_cache.h"
#include "controlplane/secret/crl_points.h"

enum { DAY = 86400 };

static char dir[64];
static int64_t now;

static const char make[] =
	"cd '%s' && exec 2>/dev/null\n"
	"key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $1.key; }\n"
	"root() { key $1 && openssl req -x509 -new -key $1.key -days 30 -out $1.pem -subj '/CN=the root' "
	"-addext "
	"keyUsage=critical,keyCertSign,cRLSign; }\n"
	"sign() { printf \"$4\" >$1.ext; openssl req -new -key ${5:-$1}.key -subj \"/CN=$2\" -out $1.csr && "
	"openssl x509 "
	"-req -in $1.csr -CA $3.pem -CAkey $3.key -set_serial 0x1$RANDOM$RANDOM -days 9 -extfile $1.ext -out "
	"$1.pem && "
	"openssl x509 -in $1.pem -outform DER -out $1.der; }\n"
	"CA='basicConstraints=critical,CA:TRUE\\nkeyUsage=keyCertSign,cRLSign\\n'\n"
	"at() { echo \"crlDistributionPoints=URI:$1\\n\"; }\n"
	"root one && root twin && key mid && key leaf && key stray && key mid2 && key leaf2 || exit 1\n"
	"sign mid 'the one below' one \"$CA$(at http://crl.test/root.crl)\" &&\n"
	"sign again 'the one below' one \"$CA$(at http://crl.test/root.crl)\" mid &&\n"
	"sign leaf 'a partner' mid \"$(at http://crl.test/mid.crl,URI:ldap://x/y,URI:http://crl.test:8080/z,"
	"URI:http://me@crl.test/z)\" &&\n"
	"sign stray 'a stranger' twin \"$(at http://crl.test/stray.crl)\" &&\n"
	"sign mid2 'the one below' one \"$CA$(at http://crl.test/root.crl)\" &&\n"
	"sign leaf2 'a partner' mid2 \"$(at http://crl.test/mid.crl)\" && cat leaf2.der mid2.der >other-key "
	"&&\n"
	"cat leaf.der mid.der >chain && cat leaf.der again.der >renewed || exit 1\n"
	"printf '[ca]\\ndefault_ca=l\\n[l]\\ndatabase=index.txt\\ncrlnumber=number\\ndefault_md=sha256\\n"
	"default_crl_days=9\\n' >cnf; : >index.txt; echo 01 >number\n"
	"openssl ca -config cnf -cert mid.pem -keyfile mid.key -gencrl -out mid.crl\n";

static int set_up(void **state)
{
	char script[4000], command[4096];
	int r;

	strcpy(dir, "/tmp/crl-points.XXXXXX");
	if (!mkdtemp(dir) || crl_cache_open(dir))
		return -1;
	snprintf(script, sizeof(script), make, dir);
	snprintf(command, sizeof(command), "bash <<'E'\n%s\nE", script);
	r = system(command);
	/* no certificate is from the future */
	now = (int64_t)time(NULL) + 1;
	return r;
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
	if (crl_cache_read(path, &p, n))
		fail_msg("no %s", path);
	return p;
}

static struct crl_anchors *anchors(const char *name)
{
	struct crl_anchors *a;
	size_t n;
	char *pem = slurp(name, &n);

	a = crl_anchors_new(pem, n);
	free(pem);
	assert_non_null(a);
	return a;
}

static int learn(struct crl_points *p, const char *chain, const struct crl_anchors *a, int64_t at, bool *save,
		 char *why)
{
	size_t n;
	char *der = slurp(chain, &n);
	int r = crl_points_learn(p, (const uint8_t *)der, n, a, at, save, why);

	free(der);
	return r;
}

static void urls(void **state)
{
	static const char *const good[] = {"http://a.test/x",		"HTTP://a.test",
					   "http://a.test:80/x",	"http://[2001:db8::1]/x",
					   "http://[2001:db8::1]:80/x", "http://a.test/x:8080",
					   "http://a.test?u@v:9"};
	static const char *const bad[] = {"https://a.test/x",
					  "http://",
					  "http:///x",
					  "http://a.test:8080/x",
					  "http://a.test:/x",
					  "http://u@a.test/x",
					  "http://u:p@a.test:80/x",
					  "http://[::1]:8080/x",
					  "http://[::1/x",
					  "ldap://a.test/x",
					  "http://:80/x",
					  "http://a.test:080/x"};

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!crl_points_url(good[i]))
			fail_msg("%s is refused", good[i]);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (crl_points_url(bad[i]))
			fail_msg("%s is taken", bad[i]);
}

static void learned(void **state)
{
	struct crl_points *p = calloc(1, sizeof(*p));
	struct crl_anchors *one = anchors("one.pem"), *twin = anchors("twin.pem");
	struct crl_facts facts;
	char why[PEM_WHY_MAX], *pem = NULL, *list;
	size_t len = 0, n;
	bool save;

	assert_int_equal(learn(p, "chain", one, now, &save, why), 2);
	assert_true(save);
	assert_int_equal(p->n, 2);
	assert_string_equal(p->point[0].url, "http://crl.test/mid.crl");
	assert_string_equal(p->point[0].from, "CN=a partner");
	assert_string_equal(p->point[1].url, "http://crl.test/root.crl");
	assert_string_equal(p->point[1].from, "CN=the one below");
	/* told again: nothing to keep, before a day is over */
	assert_int_equal(learn(p, "chain", one, now + DAY - 1, &save, why), 0);
	assert_false(save);
	assert_int_equal(learn(p, "chain", one, now + DAY, &save, why), 0);
	assert_true(save);
	assert_true(p->point[0].used == now + DAY);
	/* the same key under another certificate takes the place of the one before */
	assert_int_equal(learn(p, "renewed", one, now, &save, why), 1);
	assert_true(save);
	assert_int_equal(p->n, 2);
	/* who signs: not for other anchors, and not for another URL */
	assert_int_equal(crl_points_issuers(p, "http://crl.test/mid.crl", one, now, &pem, &len), 1);
	list = slurp("mid.crl", &n);
	assert_int_equal(crl_check(list, n, pem, len, NULL, now, &facts, NULL, NULL, why), 0);
	free(pem);
	pem = NULL;
	len = 0;
	assert_int_equal(crl_points_issuers(p, "http://crl.test/root.crl", one, now, &pem, &len), 1);
	assert_int_equal(crl_check(list, n, pem, len, NULL, now, &facts, NULL, NULL, why), -EINVAL);
	len = 0;
	assert_int_equal(crl_points_issuers(p, "http://crl.test/mid.crl", twin, now, &pem, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(crl_check(list, n, pem, len, NULL, now, &facts, NULL, NULL, why), -EINVAL);
	/* two who bear one name, and say one URL, are two */
	assert_int_equal(learn(p, "other-key", one, now, &save, why), 1);
	assert_int_equal(p->n, 3);
	assert_int_equal(crl_points_issuers(p, "http://crl.test/mid.crl", one, now, &pem, &len), 2);
	p->n--;
	free(p->point[p->n].path);
	/* nor when its certificate has ended */
	assert_int_equal(crl_points_issuers(p, "http://crl.test/mid.crl", one, now + 10 * DAY, &pem, &len),
			 0);
	free(pem);
	free(list);
	/* strangers, and what is no chain at all */
	assert_int_equal(learn(p, "stray.der", one, now, &save, why), -EINVAL);
	assert_int_equal(learn(p, "leaf.der", one, now, &save, why), -EINVAL);
	assert_int_equal(learn(p, "chain", twin, now, &save, why), -EINVAL);
	assert_int_equal(learn(p, "chain", one, now + 10 * DAY, &save, why), -EINVAL);
	assert_int_equal(learn(p, "one.pem", one, now, &save, why), -EINVAL);
	assert_false(save);
	assert_int_equal(p->n, 2);
	crl_anchors_free(one);
	crl_anchors_free(twin);
	crl_points_free(p);
}

/* every cut and every octet of a chain */
static void damaged_chains(void **state)
{
	struct crl_points *p = calloc(1, sizeof(*p));
	struct crl_anchors *one = anchors("one.pem");
	char why[PEM_WHY_MAX];
	bool save;
	size_t n;
	uint8_t *der = (uint8_t *)slurp("chain", &n);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(crl_points_learn(p, der, i, one, now, &save, why), -EINVAL);
	for (size_t i = 0; i < n; i += 3) {
		der[i] ^= 0x10;
		assert_int_equal(crl_points_learn(p, der, n, one, now, &save, why), -EINVAL);
		der[i] ^= 0x10;
	}
	assert_int_equal(p->n, 0);
	free(der);
	crl_anchors_free(one);
	crl_points_free(p);
}

/* a full one: the longest unused makes room */
static void bounded(void **state)
{
	struct crl_points *p = calloc(1, sizeof(*p));
	struct crl_anchors *one = anchors("one.pem");
	char why[PEM_WHY_MAX];
	bool save, there = false;

	assert_int_equal(learn(p, "chain", one, now, &save, why), 2);
	for (; p->n < CRL_POINTS_MAX; p->n++) {
		struct crl_point *q = &p->point[p->n];

		*q = p->point[0];
		q->path = malloc(q->path_len);
		memcpy(q->path, p->point[0].path, q->path_len);
		snprintf(q->url, sizeof(q->url), "http://crl.test/%u", p->n);
		q->used = now - (p->n == 77 ? 3 * DAY : DAY);
	}
	/* both are known: nobody has to go */
	assert_int_equal(learn(p, "chain", one, now, &save, why), 0);
	snprintf(p->point[0].url, sizeof(p->point[0].url), "http://crl.test/other");
	assert_int_equal(learn(p, "chain", one, now, &save, why), 1);
	assert_int_equal(p->n, CRL_POINTS_MAX);
	for (unsigned i = 0; i < p->n; i++) {
		assert_string_not_equal(p->point[i].url, "http://crl.test/77");
		there |= strcmp(p->point[i].url, "http://crl.test/mid.crl") == 0;
	}
	assert_true(there);
	crl_anchors_free(one);
	crl_points_free(p);
}

static void kept(void **state)
{
	struct crl_points *p = calloc(1, sizeof(*p)), *q;
	struct crl_anchors *one = anchors("one.pem");
	char why[PEM_WHY_MAX], path[CRL_CACHE_PATH], *bytes, *pem = NULL;
	size_t n, len = 0;
	bool save;

	q = crl_points_load(dir, "none", now);
	assert_int_equal(q->n, 0);
	crl_points_free(q);
	assert_int_equal(learn(p, "chain", one, now, &save, why), 2);
	p->point[1].used = now - CRL_POINTS_UNUSED_S - 1;
	assert_int_equal(crl_points_save(p, dir, "lab"), 0);
	q = crl_points_load(dir, "lab", now - 2);
	assert_int_equal(q->n, 2);
	assert_string_equal(q->point[0].url, p->point[0].url);
	assert_string_equal(q->point[0].from, p->point[0].from);
	assert_memory_equal(q->point[0].issuer, p->point[0].issuer, 32);
	assert_true(q->point[0].used == now);
	assert_int_equal(crl_points_issuers(q, "http://crl.test/mid.crl", one, now, &pem, &len), 1);
	free(pem);
	crl_points_free(q);
	/* unused for too long; and another store's are not these */
	q = crl_points_load(dir, "lab", now);
	assert_int_equal(q->n, 1);
	crl_points_free(q);
	q = crl_points_load(dir, "lab2", now);
	assert_int_equal(q->n, 0);
	crl_points_free(q);
	/* a file that was cut or overwritten harms nobody: what is left is verified before it counts */
	{
		char key[80];

		crl_points_key("lab", key);
		crl_cache_path(dir, key, path);
		assert_int_equal(crl_cache_read(path, &bytes, &n), 0);
		for (size_t i = 0; i < n; i += 7) {
			assert_int_equal(crl_cache_put(dir, key, bytes, i), 0);
			q = crl_points_load(dir, "lab", now);
			assert_true(q->n <= 1);
			crl_points_free(q);
		}
		for (size_t i = 0; i < n; i += 5) {
			bytes[i] ^= 0x5a;
			assert_int_equal(crl_cache_put(dir, key, bytes, n), 0);
			q = crl_points_load(dir, "lab", now - 2);
			assert_true(q->n <= 2);
			pem = NULL;
			len = 0;
			for (unsigned k = 0; k < q->n; k++)
				assert_true(crl_points_issuers(q, q->point[k].url, one, now, &pem, &len) <=
					    1);
			free(pem);
			crl_points_free(q);
			bytes[i] ^= 0x5a;
		}
		free(bytes);
	}
	crl_anchors_free(one);
	crl_points_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),	   cmocka_unit_test(learned), cmocka_unit_test(damaged_chains),
		cmocka_unit_test(bounded), cmocka_unit_test(kept),
	};

	if (system("openssl version >/dev/null 2>&1")) {
		puts("skipped: there is no openssl(1) to make certificates with");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
