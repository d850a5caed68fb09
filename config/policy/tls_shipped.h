/* SPDX-License-Identifier: BSD-3-Clause */
/* The two TLS profiles that are always there: control publishes them, whoever has no policy starts from them.
 * `modern` has forward secrecy throughout; `compat` is for peers that know no elliptic curve, neither in the
 * certificate nor in the key exchange (Lync on older Windows). Strings as OpenSSL writes them. */
#ifndef CONFIG_POLICY_TLS_SHIPPED_H
#define CONFIG_POLICY_TLS_SHIPPED_H

#define POLICY_TLS_MODERN "modern"
#define POLICY_TLS_COMPAT "compat"

#define POLICY_TLS_SUITES13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

#define POLICY_TLS_SUITES12_MODERN                                   \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define POLICY_TLS_SUITES12_COMPAT                              \
	POLICY_TLS_SUITES12_MODERN                              \
	":DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:" \
	"AES128-GCM-SHA256:AES256-GCM-SHA384:"                  \
	"DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:AES128-SHA:AES256-SHA"

#define POLICY_TLS_GROUPS_MODERN "X25519:P-256:P-384"
#define POLICY_TLS_GROUPS_COMPAT "X25519:P-256:P-384:ffdhe2048:ffdhe3072"

#endif
