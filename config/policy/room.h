/* SPDX-License-Identifier: BSD-3-Clause */
/* What a dataplane has room for, so that `check` can say it. A session knows its identity and its profile by
 * one byte each, with a place for each side; of profiles two are shipped, and one has the internal side too.
 * Listeners are those for SIP, of all identities together. */
#ifndef CONFIG_POLICY_ROOM_H
#define CONFIG_POLICY_ROOM_H

#define POLICY_IDENTITIES_MAX	64u
#define POLICY_TLS_PROFILES_MAX 61u
#define POLICY_LISTENERS_MAX	32u

#endif
