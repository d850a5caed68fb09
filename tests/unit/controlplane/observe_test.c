/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics and status page: what monitoring reads, and that no text of anybody becomes a line, a label or
 * HTML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "controlplane/observe/metrics.h"
#include "controlplane/observe/status_page.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOW = 1790000000 };

struct world {
	char dir[64];
	int fd;
	struct counters counters;
	struct counters_view view;
	struct observe_partner partner[2];
	struct observe_certificate certificate[2];
	struct observe_event event[1];
	struct observe_facts facts;
	struct schema_text out;
};

static int make(void **state)
{
	static const struct counters_metric tcp[] = {{"in.segments", "segments that came", COUNTERS_SUM},
						     {"drop.no-port", "nobody listens there", COUNTERS_SUM},
						     {"open-now", "\"open\" \\ now", COUNTERS_GAUGE}};
	static const struct counters_metric port[] = {{"link", "down|up|lost", COUNTERS_STATE},
						      {"drop.no-port", "another one", COUNTERS_SUM},
						      {"beat", "last", COUNTERS_TIME}};
	static const char *const workers[] = {"w0", "w1"}, *const ports[] = {"out\"side"};
	static const struct counters_spec specs[] = {{"tcp", tcp, 3, 2, workers},
						     {"port", port, 3, 1, ports}};
	struct world *w = calloc(1, sizeof(*w));
	const char *why;

	if (!w)
		return -1;
	*state = w;
	snprintf(w->dir, sizeof(w->dir), "/tmp/observe-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->fd = open(w->dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(counters_create(&w->counters, w->fd, specs, 2, 1), 0);
	counters_values(&w->counters, "tcp", 0)[0] = 40;
	counters_values(&w->counters, "tcp", 1)[0] = 2;
	counters_values(&w->counters, "tcp", 1)[1] = 7;
	counters_values(&w->counters, "tcp", 0)[2] = 5;
	counters_values(&w->counters, "port", 0)[0] = 2;
	assert_int_equal(counters_read(&w->view, w->dir, &why), 0);
	w->partner[0] = (struct observe_partner){"fabrikam.test", 1, 2, 3};
	w->partner[1] = (struct observe_partner){"other", 10, 20, 30};
	w->certificate[0] = (struct observe_certificate){"edge", true, NOW + 10 * 86400};
	w->certificate[1] = (struct observe_certificate){"old", false, 0};
	snprintf(w->event[0].when, sizeof(w->event[0].when), "2026-11-21 12:00:00.123");
	snprintf(w->event[0].text, sizeof(w->event[0].text),
		 "refused <script>alert('x')</script> & \"more\"");
	w->facts = (struct observe_facts){.version = "1\n\"2\\",
					  .revision = 7,
					  .revision_by = "<b>eve",
					  .heartbeat_age_ms = 1234,
					  .segment = true,
					  .pending = true,
					  .read_only = true,
					  .counters = &w->view,
					  .partner = w->partner,
					  .partners = 2,
					  .certificate = w->certificate,
					  .certificates = 2,
					  .event = w->event,
					  .events_n = 1};
	return 0;
}

static int unmake(void **state)
{
	struct world *w = *state;
	char name[96];

	counters_view_free(&w->view);
	counters_close(&w->counters, 2);
	close(w->fd);
	snprintf(name, sizeof(name), "%s/counters", w->dir);
	unlink(name);
	rmdir(w->dir);
	schema_text_fini(&w->out);
	free(w);
	return 0;
}

static void has(const struct world *w, const char *text)
{
	if (!strstr(w->out.p, text))
		fail_msg("no '%s' in:\n%s", text, w->out.p);
}

static void metrics_say_what_is(void **state)
{
	struct world *w = *state;

	assert_int_equal(metrics_print(&w->facts, &w->out), 0);
	has(w, "sallyport_build_info{version=\"1\\n\\\"2\\\\\"} 1\n");
	has(w, "sallyport_revision 7\n");
	has(w, "sallyport_commit_pending 1\n");
	has(w, "sallyport_store_read_only 1\n");
	has(w, "sallyport_dataplane_heartbeat_age_seconds 1.234\n");
	has(w, "sallyport_tcp_in_segments_total 42\n");
	has(w, "sallyport_tcp_open_now{instance=\"w0\"} 5\n");
	has(w, "sallyport_drops_total{module=\"tcp\",reason=\"no-port\"} 7\n");
	has(w, "sallyport_drops_total{module=\"port\",reason=\"no-port\"} 0\n");
	has(w, "sallyport_port_link{instance=\"out\\\"side\",state=\"lost\"} 1\n");
	has(w, "sallyport_partner_refused_total{partner=\"other\"} 30\n");
	has(w, "# HELP sallyport_tcp_open_now \"open\" \\\\ now\n");
	has(w, "sallyport_certificate_good{certificate=\"old\"} 0\n");
	has(w, "sallyport_certificate_not_after_seconds{certificate=\"edge\"} 1790864000\n");
	/* an end that nobody knows is none: 0 would be one of long ago */
	assert_null(strstr(w->out.p, "not_after_seconds{certificate=\"old\"}"));
	assert_null(strstr(w->out.p, "port_beat"));
}

/* the text format: a family has its two lines once, before its samples, which stand together */
static void metrics_are_well_formed(void **state)
{
	struct world *w = *state;
	char family[128] = "", seen[200][128], type[16];
	unsigned n = 0;

	assert_int_equal(metrics_print(&w->facts, &w->out), 0);
	assert_int_equal(w->out.p[w->out.n - 1], '\n');
	for (char *line = strtok(w->out.p, "\n"); line; line = strtok(NULL, "\n")) {
		size_t len = strlen(family);
		const char *value;

		if (strncmp(line, "# HELP ", 7) == 0)
			continue;
		if (sscanf(line, "# TYPE %127s %15s", family, type) == 2) {
			for (unsigned i = 0; i < n; i++)
				assert_string_not_equal(seen[i], family);
			assert_true(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0);
			assert_int_equal(strcmp(type, "counter") == 0,
					 strlen(family) > 6 &&
						 strcmp(family + strlen(family) - 6, "_total") == 0);
			assert_true(n < 200);
			snprintf(seen[n++], sizeof(seen[0]), "%s", family);
			continue;
		}
		assert_int_equal(strncmp(line, "sallyport_", 10), 0);
		assert_int_equal(strncmp(line, family, len), 0);
		assert_true(line[len] == ' ' || line[len] == '{');
		value = strrchr(line, ' ') + 1;
		assert_true(isdigit((unsigned char)*value));
	}
	assert_true(n > 20);
}

static void without_a_dataplane(void **state)
{
	struct world *w = *state;
	struct observe_facts f = {.version = "1"};

	assert_int_equal(metrics_print(&f, &w->out), 0);
	has(w, "sallyport_dataplane_up 0\n");
	assert_null(strstr(w->out.p, "drops_total"));
	schema_text_reset(&w->out);
	assert_int_equal(status_page_print(&f, NOW, &w->out), 0);
	has(w, "NOT RUNNING");
	has(w, "NONE: nothing is published");
}

static void page_shows_texts_as_texts(void **state)
{
	struct world *w = *state;

	assert_int_equal(status_page_print(&w->facts, NOW, &w->out), 0);
	has(w, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;");
	has(w, "&lt;b&gt;eve");
	assert_null(strstr(w->out.p, "<script"));
	has(w, "10 days left");
	has(w, "CANNOT BE USED");
	has(w, "<tr class=\"bad\"><th>edge</th>");
	has(w, "<th>tcp no-port</th><td class=\"n\">7</td>");
	assert_null(strstr(w->out.p, "<th>port no-port</th>"));
	has(w, "waits for its confirmation");
	has(w, "CAN ONLY BE READ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(metrics_say_what_is, make, unmake),
		cmocka_unit_test_setup_teardown(metrics_are_well_formed, make, unmake),
		cmocka_unit_test_setup_teardown(without_a_dataplane, make, unmake),
		cmocka_unit_test_setup_teardown(page_shows_texts_as_texts, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
