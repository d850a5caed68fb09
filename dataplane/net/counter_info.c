/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/net.h"

#define X(name, help) {#name, help},
const struct net_metric net_drop_info[NET_DROPS] = {
#include "dataplane/net/net_drop.def"
};
const struct net_metric net_output_drop_info[NET_OUTPUT_DROPS] = {
#include "dataplane/net/net_output_drop.def"
};
const struct net_metric net_counter_info[NET_COUNTERS] = {
#include "dataplane/net/net_counter.def"
};
#undef X
