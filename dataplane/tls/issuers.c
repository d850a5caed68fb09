/* SPDX-License-Identifier: BSD-3-Clause */
/* What the issuers of a chain may not vouch for, where libcrypto does not look. */
#include "dataplane/tls/issuers.h"

#include <string.h>
#include <strings.h>

#include <openssl/x509v3.h>

/* A CA that issues for mail or for code alone is watched as such, and may issue to anybody: usages that it
 * does not have itself are not its to give. */
void tls_issuers_usage(const STACK_OF(X509) * chain, struct tls_peer *peer)
{
	static const uint8_t every = POLICY_EKU_CLIENT | POLICY_EKU_SERVER | POLICY_EKU_SIP_DOMAIN;

	/* the anchor's own is nobody's to say: it was configured */
	for (int i = 1; i < sk_X509_num(chain) - 1; i++) {
		uint8_t of_ca;

		if (tls_peer_usage(sk_X509_value(chain, i), &of_ca))
			of_ca = 0;
		if (of_ca & (POLICY_EKU_ABSENT | POLICY_EKU_ANY_USAGE))
			continue;
		if (peer->eku & (POLICY_EKU_ABSENT | POLICY_EKU_ANY_USAGE))
			peer->eku = every;
		peer->eku &= of_ca;
	}
}

/* RFC 5280 4.2.1.10: the base itself, and all that has more labels in front of it */
static bool within(const char *host, size_t len, const GENERAL_SUBTREE *tree)
{
	const char *base = (const char *)ASN1_STRING_get0_data(tree->base->d.ia5);
	size_t base_len = (size_t)ASN1_STRING_length(tree->base->d.ia5);

	if (base_len > len)
		return false;
	if (base_len && base_len < len && base[0] != '.' && host[len - base_len - 1] != '.')
		return false;
	return strncasecmp(host + len - base_len, base, base_len) == 0;
}

static bool permits(const NAME_CONSTRAINTS *c, const char *host, size_t len)
{
	bool limited = false, in = false;

	for (int i = 0; i < sk_GENERAL_SUBTREE_num(c->excludedSubtrees); i++) {
		const GENERAL_SUBTREE *t = sk_GENERAL_SUBTREE_value(c->excludedSubtrees, i);

		if (t->base->type == GEN_DNS && within(host, len, t))
			return false;
	}
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(c->permittedSubtrees); i++) {
		const GENERAL_SUBTREE *t = sk_GENERAL_SUBTREE_value(c->permittedSubtrees, i);

		if (t->base->type != GEN_DNS)
			continue;
		limited = true;
		in |= within(host, len, t);
	}
	return in || !limited;
}

static bool names_permitted(const NAME_CONSTRAINTS *c, const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		const char *host;
		size_t len;

		if (g->type != GEN_URI ||
		    !tls_peer_uri_host((const char *)ASN1_STRING_get0_data(g->d.ia5),
				       (size_t)ASN1_STRING_length(g->d.ia5), &host, &len))
			continue;
		if (len && host[len - 1] == '.')
			len--;
		if (!permits(c, host, len))
			return false;
	}
	return true;
}

bool tls_issuers_permit(const STACK_OF(X509) * chain)
{
	GENERAL_NAMES *names = NULL;
	bool good = true;

	for (int i = 1; good && i < sk_X509_num(chain); i++) {
		NAME_CONSTRAINTS *c =
			X509_get_ext_d2i(sk_X509_value(chain, i), NID_name_constraints, NULL, NULL);

		if (c && !names)
			names = X509_get_ext_d2i(sk_X509_value(chain, 0), NID_subject_alt_name, NULL, NULL);
		good = !c || names_permitted(c, names);
		NAME_CONSTRAINTS_free(c);
	}
	GENERAL_NAMES_free(names);
	return good;
}

bool tls_issuers_key_signs(X509 *x, bool client)
{
	uint32_t usage = X509_get_key_usage(x); /* all ones when nothing is said */
	uint32_t good = KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT | (client ? 0 : KU_KEY_ENCIPHERMENT);

	return (usage & good) != 0;
}
