/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "dataplane/base/rng.h"
#include "drivers/linkwatch.h"

struct log {
	unsigned n, port;
	enum linkwatch_state state;
};

struct message {
	struct nlmsghdr nh;
	struct ifinfomsg info;
};

static void note(void *ctx, unsigned port, enum linkwatch_state state)
{
	struct log *l = ctx;

	l->n++;
	l->port = port;
	l->state = state;
}

static struct message message(uint16_t type, int ifindex, unsigned flags)
{
	return (struct message){.nh = {.nlmsg_len = sizeof(struct message), .nlmsg_type = type},
				.info = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex, .ifi_flags = flags}};
}

static struct log feed(struct linkwatch *w, struct message m)
{
	struct log l = {.n = 0};

	linkwatch_input(w, &m, sizeof(m), note, &l);
	return l;
}

static void down_and_up_are_survived(void **state)
{
	struct linkwatch w = {.fd = -1};
	struct log l;

	assert_int_equal(linkwatch_add(&w, 5), 0);
	assert_int_equal(linkwatch_add(&w, 9), 1);
	l = feed(&w, message(RTM_NEWLINK, 9, IFF_UP | IFF_RUNNING));
	assert_int_equal(l.n, 1);
	assert_int_equal(l.port, 1);
	assert_int_equal(l.state, LINKWATCH_UP);
	assert_int_equal(feed(&w, message(RTM_NEWLINK, 9, IFF_UP | IFF_RUNNING)).n, 0);
	assert_int_equal(feed(&w, message(RTM_NEWLINK, 9, IFF_UP)).state, LINKWATCH_DOWN); /* no carrier */
	assert_int_equal(feed(&w, message(RTM_NEWLINK, 9, IFF_UP | IFF_RUNNING)).state, LINKWATCH_UP);
	assert_int_equal(feed(&w, message(RTM_NEWLINK, 7, IFF_UP)).n, 0);
	assert_int_equal(w.ports[0].state, LINKWATCH_DOWN);
	assert_int_equal(w.ports[1].downs, 1);
}

static void gone_is_gone(void **state)
{
	struct linkwatch w = {.fd = -1};

	linkwatch_add(&w, 5);
	feed(&w, message(RTM_NEWLINK, 5, IFF_UP | IFF_RUNNING));
	assert_int_equal(feed(&w, message(RTM_DELLINK, 5, 0)).state, LINKWATCH_LOST);
	/* the number may come again, the device below the port does not */
	assert_int_equal(feed(&w, message(RTM_NEWLINK, 5, IFF_UP | IFF_RUNNING)).n, 0);
	assert_int_equal(w.ports[0].state, LINKWATCH_LOST);
}

static void a_bridge_speaking_of_its_member_is_not_the_link(void **state)
{
	struct linkwatch w = {.fd = -1};
	struct message m = message(RTM_DELLINK, 5, 0);

	linkwatch_add(&w, 5);
	m.info.ifi_family = AF_BRIDGE;
	assert_int_equal(feed(&w, m).n, 0);
}

static void what_a_dump_does_not_show_is_lost(void **state)
{
	struct linkwatch w = {.fd = -1};
	struct log l;

	linkwatch_add(&w, 5);
	linkwatch_add(&w, 6);
	feed(&w, message(NLMSG_DONE, 0, 0));
	assert_int_equal(w.ports[1].state, LINKWATCH_DOWN); /* nobody asked */
	w.dumping = true;
	feed(&w, message(RTM_NEWLINK, 5, IFF_UP | IFF_RUNNING));
	l = feed(&w, message(NLMSG_DONE, 0, 0));
	assert_int_equal(l.n, 1);
	assert_int_equal(l.port, 1);
	assert_int_equal(l.state, LINKWATCH_LOST);
	assert_int_equal(w.ports[0].state, LINKWATCH_UP);
}

static void broken_lengths_are_survived(void **state)
{
	struct linkwatch w = {.fd = -1};
	struct base_rng r;
	struct log l = {.n = 0};

	linkwatch_add(&w, 5);
	base_rng_seed(&r, 1);
	for (unsigned i = 0; i < 20000; i++) {
		struct message many[4];
		size_t len = base_rng_below(&r, sizeof(many) + 1);

		for (unsigned m = 0; m < 4; m++) {
			many[m] = message(RTM_NEWLINK, 5, IFF_UP);
			many[m].nh.nlmsg_len = base_rng_below(&r, 80);
		}
		linkwatch_input(&w, many, len, note, &l);
	}
	struct message cut = message(RTM_DELLINK, 5, 0);

	cut.nh.nlmsg_len = sizeof(struct nlmsghdr);
	assert_int_equal(feed(&w, cut).n, 0);
	cut.nh.nlmsg_len = 0;
	assert_int_equal(feed(&w, cut).n, 0);
}

static void no_more_than_fit(void **state)
{
	struct linkwatch w = {.fd = -1};

	for (int i = 0; i < LINKWATCH_MAX; i++)
		assert_int_equal(linkwatch_add(&w, i + 1), i);
	assert_true(linkwatch_add(&w, 99) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(down_and_up_are_survived),
		cmocka_unit_test(gone_is_gone),
		cmocka_unit_test(a_bridge_speaking_of_its_member_is_not_the_link),
		cmocka_unit_test(what_a_dump_does_not_show_is_lost),
		cmocka_unit_test(broken_lengths_are_survived),
		cmocka_unit_test(no_more_than_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
