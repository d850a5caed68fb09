/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may speak without TLS to a listener of ours inside (POLICY_PROTOCOL_SIP_TCP): nothing is proven there
 * but the address that the connection comes from. Pure. */
#ifndef CONFIG_POLICY_SOURCE_H
#define CONFIG_POLICY_SOURCE_H

#include "config/policy/view.h"

/* Does this identity have such a listener, and does it let this address in? It does when a prefix of the
 * listener covers it, or when it is a next hop, inside and insecure, of a SIP domain of this identity: one
 * that is written as an address, for what DNS says of a name proves nobody. */
bool policy_source_admitted(const struct policy_view *view, uint32_t identity, const uint8_t ip[16]);

/* the nth prefix of a listener's record; NULL: there are no more */
const struct policy_prefix *policy_listener_prefix(const struct policy_listener *listener, unsigned n);

#endif
