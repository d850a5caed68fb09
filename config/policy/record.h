/* SPDX-License-Identifier: BSD-3-Clause */
/* Every object of the policy as it lies in memory: plain, fixed layout, the same in the shared segment, in a
 * draft and in a test. No pointers: objects name each other by id (0 = none), and a record that has strings
 * carries them inside itself (struct policy_str is relative to the start of its record). Sizes and offsets
 * are asserted below; a change of any is a change of the segment's ABI version.
 *
 * Readers treat a record as untrusted: policy_str_get() and the accessors beside it check every offset
 * against `size`, so a damaged record yields empty names and never a read outside of it. */
#ifndef CONFIG_POLICY_RECORD_H
#define CONFIG_POLICY_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/policy/name.h"

/* ---- words shared by several records. Numbers are ABI: append, never renumber. ---- */

enum policy_verification {
	POLICY_VERIFY_DEFAULT = 0, /* what the box says */
	POLICY_VERIFY_ALWAYS,
	POLICY_VERIFY_NEVER,
	POLICY_VERIFY_SOURCE,
};

enum policy_identity_check {
	POLICY_IDENTITY_DEFAULT = 0, /* what the box says; there 0 = either */
	POLICY_IDENTITY_LYNC,
	POLICY_IDENTITY_RFC5922,
	POLICY_IDENTITY_EITHER,
	POLICY_IDENTITY_DNSSEC,
	POLICY_IDENTITY_PINNED,
};

enum policy_eku_mode {
	POLICY_EKU_DEFAULT = 0, /* what the box says; there 0 = accept-serverauth */
	POLICY_EKU_STRICT,
	POLICY_EKU_ACCEPT_SERVERAUTH,
	POLICY_EKU_ANY,
};

enum policy_service {
	POLICY_SERVICE_IM = 1,
	POLICY_SERVICE_PRESENCE = 2,
	POLICY_SERVICE_CALLS = 4,
	POLICY_SERVICE_XMPP = 8,
	POLICY_SERVICE_ALL = 15,
};

enum policy_right {
	POLICY_RIGHT_FEDERATION = 1,
	POLICY_RIGHT_PUBLIC = 2,
	POLICY_RIGHT_XMPP = 4,
	POLICY_RIGHT_OUTSIDE = 8,
	POLICY_RIGHT_ALL = 15,
};

/* One scope of external-access policy: which rights it speaks of, and which of those it grants. */
struct policy_rights {
	uint8_t stated;
	uint8_t granted;
};

/* Which small table a record lies in: everything of the policy but domains, users and DNS answers. */
enum policy_small {
	POLICY_SMALL_BOX, /* one struct policy_box */
	POLICY_SMALL_SITES,
	POLICY_SMALL_OWN_DOMAINS,
	POLICY_SMALL_IDENTITIES,
	POLICY_SMALL_PROVIDERS,
	POLICY_SMALL_ROUTES,
	POLICY_SMALL_LIMITS,
	POLICY_SMALL_TLS,
	POLICY_SMALL_LISTENERS,
	POLICY_SMALL_CERTIFICATES,
	POLICY_SMALL_TRUSTS,
	POLICY_SMALL_INNER,
	POLICY_SMALL_SECRETS,
	POLICY_SMALL_REVISION, /* the writer's own: what it published last */
	POLICY_SMALL_PINS,     /* keys that partners with identity-check pinned are known by */
	POLICY_SMALL_SPARE,    /* for what a later version adds without another layout */
	POLICY_SMALLS
};

/* A string inside a record. len 0 = none. */
struct policy_str {
	uint16_t off;
	uint16_t len;
};

/* ---- domain entry: what the big table holds per pattern, beside its own name, birth and death ---- */

enum policy_domain_type {
	POLICY_DOMAIN_NONE = 0,
	POLICY_DOMAIN_ALLOWED, /* Enhanced */
	POLICY_DOMAIN_SERVER,  /* Direct: the partner record has proxy_fqdn */
	POLICY_DOMAIN_BLOCKED,
	POLICY_DOMAIN_HARD, /* an emergency block: beats everything, lives beside the entry that it overrides
			     */
};

enum policy_domain_flag {
	POLICY_DOMAIN_SUBTREE = 1,	    /* *.name: the name and all below it */
	POLICY_DOMAIN_EXCEPT = 2,	    /* an allow that means to stand below a block */
	POLICY_DOMAIN_CERT_WILDCARD = 4,    /* *.contoso.com in a certificate counts */
	POLICY_DOMAIN_TRUST_PAI = 8,	    /* RFC 3325: P-Asserted-Identity of this partner is kept */
	POLICY_DOMAIN_REJECT_UNMARKED = 16, /* with use-source: no mark is refused instead of unverified */
	POLICY_DOMAIN_MONITOR = 32,	    /* MarkForMonitoring */
};

struct policy_domain {
	uint8_t type;  /* enum policy_domain_type */
	uint8_t flags; /* enum policy_domain_flag */
	uint8_t verification;
	uint8_t identity_check;
	uint8_t eku;
	uint8_t services;    /* enum policy_service bits that are open */
	uint8_t limit_class; /* 0 = no limit */
	uint8_t tls_profile; /* 0 = the identity's */
	uint32_t partner;    /* id of the partner record, 0 = none */
	uint32_t comment;    /* id of a comment, 0 = none */
};

/* One name may have up to four entries, one per slot; the table's key is (name, slot). */
static inline unsigned policy_domain_slot(const struct policy_domain *d)
{
	return (d->type == POLICY_DOMAIN_HARD ? 2u : 0u) | (d->flags & POLICY_DOMAIN_SUBTREE ? 1u : 0u);
}

/* ---- partner: settings that few entries have ---- */

#define POLICY_SPKI_LEN 32u /* SHA-256 of the SubjectPublicKeyInfo */

struct policy_partner {
	uint32_t size; /* of the whole record, strings included */
	uint32_t id;
	uint32_t route_set; /* own static route, 0 = none (patterns apply) */
	struct policy_str proxy_fqdn;
	struct policy_str via_domain;
	uint16_t proxy_port; /* 0 = 5061 */
	uint16_t peer_names; /* count; struct policy_str each, at peer_name_at */
	uint16_t peer_name_at;
	uint16_t pins; /* count; POLICY_SPKI_LEN bytes each, at pin_at */
	uint16_t pin_at;
	uint16_t reserved;
};

/* ---- user of ours: payload of the big user table, keyed by address ---- */

struct policy_user {
	struct policy_rights rights;
	uint16_t site;	/* 0 = none */
	uint32_t email; /* id of a string, 0 = none */
};

/* ---- small tables ---- */

struct policy_site {
	uint32_t size;
	uint32_t id;
	struct policy_rights rights;
	struct policy_str name;
	uint16_t reserved;
};

enum policy_own_flag {
	POLICY_OWN_NO_FEDERATION = 1, /* closes this SIP domain or identity only */
	/* a SIP domain: are there discovered partners for it? Neither: as the box says */
	POLICY_OWN_NO_DISCOVERY = 2,
	POLICY_OWN_DISCOVERY = 4,
};

/* a SIP domain of ours (exact name) */
struct policy_own_domain {
	uint32_t size;
	uint32_t identity;
	uint32_t inside_route;	  /* route set to the pool, 0 = the identity's */
	uint32_t shared_provider; /* the provider that shares this address space, 0 = the box's */
	struct policy_rights rights;
	uint16_t flags; /* enum policy_own_flag */
	struct policy_str name;
};

#define POLICY_CERTIFICATES 2u /* EC and RSA side by side; the peer's offer chooses */

/* What an identity shows. Where the operator named none, control has put the next one in its place (client
 * and internal: the server's), so that a reader needs no rule. */
struct policy_identity {
	uint32_t size;
	uint32_t id;
	uint32_t inside_route; /* 0 = none */
	uint16_t flags;	       /* enum policy_own_flag */
	uint8_t tls_profile;   /* default of connections under this identity */
	uint8_t reserved;
	struct policy_str public_fqdn;
	struct policy_str name;
	/* ids, 0 = none; the ones that there are stand first */
	uint32_t server_certificate[POLICY_CERTIFICATES];
	uint32_t client_certificate[POLICY_CERTIFICATES];
	uint32_t internal_certificate[POLICY_CERTIFICATES];
};

enum policy_side {
	POLICY_SIDE_EXTERNAL = 1,
	POLICY_SIDE_INTERNAL,
};

enum policy_protocol {
	POLICY_PROTOCOL_SIP = 1, /* over TLS */
	POLICY_PROTOCOL_XMPP,
	POLICY_PROTOCOL_SIP_TCP, /* without TLS: inside alone, for sources that are named (source.h) */
};

/* An address of ours on which an identity answers. Behind one of POLICY_PROTOCOL_SIP_TCP, to the end of the
 * record: struct policy_prefix of who may connect. */
struct policy_listener {
	uint32_t size;
	uint32_t id;
	uint32_t identity;
	uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	uint8_t side;	  /* enum policy_side */
	uint8_t protocol; /* enum policy_protocol */
};

struct policy_prefix {
	uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d; bits behind the prefix may be set */
	uint8_t bits;	/* of 128 */
	uint8_t reserved[3];
};

/* Secrets are named by what they hold: the SHA-256 of the content in lower-case hex is the name of the file
 * in the secrets directory. */
#define POLICY_HASH_LEN 64u

struct policy_certificate {
	uint32_t size;
	uint32_t id;
	struct policy_str name;
	struct policy_str chain; /* hash: PEM, the certificate and then its intermediates */
	struct policy_str key;	 /* hash: PEM */
	struct policy_str ocsp;	 /* hash: DER of a response to staple; empty = none */
};

struct policy_trust {
	uint32_t size;
	uint32_t id;
	struct policy_str name;
	struct policy_str ca;  /* hash: PEM, all anchors */
	struct policy_str crl; /* hash: PEM, all lists; empty = none */
};

/* A name that a trusted internal server may show in its certificate. A server with several has a record a
 * name. */
struct policy_inner {
	uint32_t size;
	uint32_t id;
	uint32_t server; /* id of the record with the server's own name */
	struct policy_str name;
};

enum policy_secret_kind {
	POLICY_SECRET_TICKET = 1, /* 80 bytes: name 16, AES key 32, MAC key 32 */
	POLICY_SECRET_ROUTE,	  /* 64 bytes: key of the signatures in Record-Route */
};

/* A rotating key is known everywhere (next) before anything is made with it (current), and still read when it
 * no more is (previous). */
enum policy_secret_slot {
	POLICY_SLOT_NEXT = 1,
	POLICY_SLOT_CURRENT,
	POLICY_SLOT_PREVIOUS,
};

#define POLICY_TICKET_LEN    80u
#define POLICY_ROUTE_KEY_LEN 64u

struct policy_secret {
	uint32_t size;
	uint32_t id;
	uint8_t kind; /* enum policy_secret_kind */
	uint8_t slot; /* enum policy_secret_slot */
	uint16_t reserved;
	struct policy_str hash;
};

/* One key of one partner, found by it (policy_small_named() with its bytes as a name): whoever finishes a
 * handshake asks whether anybody pins this key, decide() which partner does. */
struct policy_pin {
	uint32_t size;
	uint32_t id;
	struct policy_str spki;	   /* POLICY_SPKI_LEN bytes */
	struct policy_str partner; /* as the configuration names it */
};

enum policy_provider_kind {
	POLICY_PROVIDER_HOSTING = 1,
	POLICY_PROVIDER_PUBLIC,
	POLICY_PROVIDER_DEFAULT_ROUTE, /* DefaultRouteFqdn of UseDefaultRouting */
};

enum policy_provider_flag {
	POLICY_PROVIDER_ENABLED = 1,
	POLICY_PROVIDER_SHARED = 2, /* EnabledSharedAddressSpace */
	POLICY_PROVIDER_HOSTS_OCS = 4,
	POLICY_PROVIDER_LOCAL = 8,
	POLICY_PROVIDER_IS_PUBLIC = 16, /* IsPublicProvider of a default route */
	POLICY_PROVIDER_TRUST_PAI = 32,
	POLICY_PROVIDER_CERT_WILDCARD = 64,
	POLICY_PROVIDER_REJECT_UNMARKED = 128,
};

struct policy_provider {
	uint32_t size;
	uint32_t id;
	uint8_t kind;
	uint8_t flags;
	uint8_t verification;
	uint8_t eku;
	uint8_t services;
	uint8_t limit_class;
	uint8_t tls_profile;
	uint8_t reserved;
	uint16_t port; /* 0 = 5061 */
	struct policy_str fqdn;
	struct policy_str name; /* Identity, unique over both kinds */
	uint16_t reserved2;
};

enum policy_hop_flag {
	POLICY_HOP_IN_SERVICE = 1,
	POLICY_HOP_BLOCK = 2,
	POLICY_HOP_LESS_SPECIFIC = 4, /* after failure a shorter pattern may be tried */
	POLICY_HOP_INSECURE = 8,      /* no TLS: said aloud by the operator */
	POLICY_HOP_IP = 16,	      /* `ip` counts, `host` is empty */
	POLICY_HOP_SRV = 32,	      /* port 0: `host` is looked up as _sipfederationtls */
};

struct policy_hop {
	uint16_t priority; /* 1 is best */
	uint16_t weight;
	uint16_t port; /* 0 = 5061 */
	uint16_t flags;
	struct policy_str host;
	uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d */
};

#define POLICY_ROUTE_HOPS 100u /* routes of one identical pattern (Cisco's bound) */

enum policy_route_flag {
	POLICY_ROUTE_SUBTREE = 1,
	POLICY_ROUTE_ANY = 2,	/* ".*": the default route */
	POLICY_ROUTE_NAMED = 4, /* has no pattern: partners and SIP domains refer to it by id */
};

struct policy_route_set {
	uint32_t size;
	uint32_t id;
	uint16_t flags;
	uint16_t hops; /* count; struct policy_hop each, at hop_at, aligned to 2 */
	uint16_t hop_at;
	struct policy_str pattern;
	struct policy_str name;
	uint16_t reserved;
};

/* limits of discovered partners, and of whom the operator puts into a class */
struct policy_limit_class {
	uint32_t size;
	uint32_t id;
	uint32_t rate; /* messages per second */
	uint32_t burst;
	uint32_t suspicious_rate; /* once suspicious */
	uint32_t window_s;	  /* finals are counted over this */
	uint32_t min_finals;	  /* below this many there is no suspicion */
	uint32_t enter_percent;	  /* failed finals that make suspicious */
	uint32_t leave_percent;
	uint32_t leave_s;
	uint32_t uri_max; /* distinct local URIs, 0 = not counted */
	uint32_t uri_warn;
	uint32_t uri_reset_s;
	uint32_t pause_ms; /* reading pauses this long before 503 */
	uint32_t retry_after_s;
	struct policy_str name;
};

enum policy_tls_flag {
	POLICY_TLS_CRL = 1,
	POLICY_TLS_OCSP = 2,
	POLICY_TLS_REVOCATION_HARD = 4, /* no revocation data = refused */
};

struct policy_tls_profile {
	uint32_t size;
	uint32_t id;
	uint16_t version_min; /* 0x0303, 0x0304 */
	uint16_t version_max;
	uint8_t eku;   /* enum policy_eku_mode */
	uint8_t flags; /* enum policy_tls_flag; neither CRL nor OCSP: revocation is not asked */
	uint8_t depth; /* certificates of a chain, the peer's own included */
	uint8_t reserved;
	uint32_t trust;		/* id, 0 = nobody is trusted */
	uint16_t peer_subjects; /* count; struct policy_str each, at peer_subject_at. 0 = any name */
	uint16_t peer_subject_at;
	struct policy_str suites12, suites13, groups; /* as OpenSSL writes them; never empty */
	struct policy_str name;
};

/* switches of the box: one record per generation */
enum policy_box_flag {
	POLICY_BOX_FEDERATION = 1, /* AllowFederatedUsers */
	POLICY_BOX_DISCOVERY = 2,  /* EnablePartnerDiscovery */
	POLICY_BOX_CLEARING_HOUSE = 4,
	POLICY_BOX_DEFAULT_ROUTING = 8, /* UseDefaultRouting instead of UseDnsSrvRouting */
	POLICY_BOX_MARK_OUTGOING = 16,	/* MarkSourceVerifiableOnOutgoingMessages */
	POLICY_BOX_REJECT_UNMARKED = 32,
	POLICY_BOX_PUBLIC_PROVIDER = 64,   /* at least one public provider is enabled */
	POLICY_BOX_HOSTING_PROVIDER = 128, /* at least one hosting provider is enabled */
	POLICY_BOX_DIAGNOSTICS_OUT = 256, /* EnableHeaderForFederatedUsers: ms-diagnostics goes to partners */
	POLICY_BOX_ARCHIVING = 512,	  /* EnableArchivingDisclaimer */
	POLICY_BOX_ANY_CONTACT = 1024,	  /* hold-to-contact no */
};

struct policy_box {
	uint32_t size;
	uint32_t flags;
	uint8_t allowed_verification;	 /* 0 = use-source */
	uint8_t discovered_verification; /* 0 = use-source */
	uint8_t identity_check;
	uint8_t eku;
	uint8_t discovered_limit_class;
	uint8_t discovered_services;  /* enum policy_service bits */
	struct policy_rights rights;  /* the global scope */
	uint32_t default_route;	      /* id of the provider record of kind default-route */
	uint32_t shared_provider;     /* id of the shared-address-space provider */
	uint8_t external_tls_profile; /* ids; where neither partner nor provider says another */
	uint8_t internal_tls_profile;
	uint8_t connections_per_partner;
	uint8_t reserved;
	uint32_t refused_warn; /* refused requests of unknown domains a second that raise a warning */
	uint32_t refused_error;
};

/* ---- DNS answers: facts beside the policy, fixed size, replaced as a whole ---- */

enum policy_dns_kind {
	POLICY_DNS_FEDERATION = 1, /* SRV _sipfederationtls._tcp.<name>, with the addresses of its targets */
	POLICY_DNS_HOST,	   /* A/AAAA of <name>: one target */
	POLICY_DNS_XMPP,	   /* SRV _xmpp-server._tcp.<name> */
	/* what of the FEDERATION answer did not fit into it: parts MORE, MORE + 1, … as many as its `more`
	 * says, each with its `serial`. Nobody asks for a part: who misses one asks for FEDERATION. */
	POLICY_DNS_MORE,
	POLICY_DNS_KINDS = 16
};

#define POLICY_DNS_PARTS ((unsigned)POLICY_DNS_KINDS - (unsigned)POLICY_DNS_MORE)

enum policy_dns_state {
	POLICY_DNS_UNKNOWN = 0, /* never asked, or asked and not answered yet */
	POLICY_DNS_OK,
	POLICY_DNS_NOTHING, /* the name or the record does not exist (also SRV target ".") */
	POLICY_DNS_FAILED,  /* SERVFAIL, timeout: may be better later */
	POLICY_DNS_BOGUS,   /* DNSSEC says forged */
};

/* Of one record; a domain may publish more (policy_dns_next walks all of them, parts included). */
#define POLICY_DNS_TARGETS 8u
#define POLICY_DNS_ADDRS   16u
#define POLICY_DNS_NAMES   600u

struct policy_dns_target {
	uint16_t priority;
	uint16_t weight;
	uint16_t port;
	uint16_t name_off; /* into names[] */
	uint8_t name_len;
	uint8_t addr_first; /* into addrs[] */
	uint8_t addr_count; /* 0 = the target has no address */
	uint8_t reserved;
};

struct policy_dns {
	uint64_t expires_ns; /* CLOCK_MONOTONIC; later it still serves, and is asked for again */
	uint8_t kind;
	uint8_t state;
	uint8_t secure; /* validated with DNSSEC */
	uint8_t cut;	/* some targets or addresses did not fit, not into the parts either */
	uint8_t targets;
	uint8_t more; /* so many parts follow */
	uint8_t reserved[2];
	struct policy_dns_target target[POLICY_DNS_TARGETS];
	uint8_t addr[POLICY_DNS_ADDRS][16]; /* IPv4 as ::ffff:a.b.c.d */
	char names[POLICY_DNS_NAMES];
	uint32_t serial; /* of the whole answer: a part with another one is no part of it */
	uint8_t reserved2[52];
};

_Static_assert(sizeof(struct policy_rights) == 2, "abi");
_Static_assert(sizeof(struct policy_str) == 4, "abi");
_Static_assert(sizeof(struct policy_domain) == 16, "half of a 32-byte table entry");
_Static_assert(sizeof(struct policy_user) == 8, "abi");
_Static_assert(sizeof(struct policy_partner) == 32, "abi");
_Static_assert(sizeof(struct policy_site) == 16, "abi");
_Static_assert(sizeof(struct policy_own_domain) == 24, "abi");
_Static_assert(sizeof(struct policy_identity) == 48, "abi");
_Static_assert(sizeof(struct policy_listener) == 32, "abi");
_Static_assert(sizeof(struct policy_prefix) == 20, "abi");
_Static_assert(sizeof(struct policy_certificate) == 24, "abi");
_Static_assert(sizeof(struct policy_trust) == 20, "abi");
_Static_assert(sizeof(struct policy_inner) == 16, "abi");
_Static_assert(sizeof(struct policy_secret) == 16, "abi");
_Static_assert(sizeof(struct policy_provider) == 28, "abi");
_Static_assert(sizeof(struct policy_hop) == 28, "abi");
_Static_assert(sizeof(struct policy_route_set) == 24, "abi");
_Static_assert(sizeof(struct policy_limit_class) == 64, "abi");
_Static_assert(sizeof(struct policy_tls_profile) == 40, "abi");
_Static_assert(sizeof(struct policy_box) == 36, "abi");
_Static_assert(sizeof(struct policy_dns_target) == 12, "abi");
_Static_assert(POLICY_DNS_TARGETS *(1 + POLICY_DNS_PARTS) >= 100,
	       "a domain with 100 SRV targets is judged whole");
_Static_assert(sizeof(struct policy_dns) == 1024, "one slot of the facts");

/* ---- accessors: bounds are checked here and nowhere else ---- */

/* `record` must be readable over `size` bytes (the table's promise); a string outside of it is empty. */
static inline struct policy_name policy_str_get(const void *record, uint32_t size, struct policy_str s)
{
	if (s.off > size || s.len > size - s.off)
		return (struct policy_name){"", 0};
	return (struct policy_name){(const char *)record + s.off, s.len};
}

static inline struct policy_name policy_partner_peer_name(const struct policy_partner *p, unsigned i)
{
	struct policy_str s;

	if (i >= p->peer_names || p->peer_name_at + (size_t)(i + 1) * sizeof(s) > p->size)
		return (struct policy_name){"", 0};
	memcpy(&s, (const char *)p + p->peer_name_at + (size_t)i * sizeof(s), sizeof(s));
	return policy_str_get(p, p->size, s);
}

static inline struct policy_name policy_tls_peer_subject(const struct policy_tls_profile *p, unsigned i)
{
	struct policy_str s;

	if (i >= p->peer_subjects || p->peer_subject_at + (size_t)(i + 1) * sizeof(s) > p->size)
		return (struct policy_name){"", 0};
	memcpy(&s, (const char *)p + p->peer_subject_at + (size_t)i * sizeof(s), sizeof(s));
	return policy_str_get(p, p->size, s);
}

/* NULL when there is no i-th pin */
static inline const uint8_t *policy_partner_pin(const struct policy_partner *p, unsigned i)
{
	if (i >= p->pins || p->pin_at + (size_t)(i + 1) * POLICY_SPKI_LEN > p->size)
		return NULL;
	return (const uint8_t *)p + p->pin_at + (size_t)i * POLICY_SPKI_LEN;
}

/* false when there is no i-th hop */
static inline bool policy_route_hop(const struct policy_route_set *r, unsigned i, struct policy_hop *out)
{
	if (i >= r->hops || i >= POLICY_ROUTE_HOPS || r->hop_at + (size_t)(i + 1) * sizeof(*out) > r->size)
		return false;
	memcpy(out, (const char *)r + r->hop_at + (size_t)i * sizeof(*out), sizeof(*out));
	return true;
}

static inline unsigned policy_dns_count(const struct policy_dns *d)
{
	return d->targets < POLICY_DNS_TARGETS ? d->targets : POLICY_DNS_TARGETS;
}

static inline struct policy_name policy_dns_target_name(const struct policy_dns *d, unsigned i)
{
	uint16_t off = d->target[i].name_off;
	uint8_t len = d->target[i].name_len;

	if (off > POLICY_DNS_NAMES || len > POLICY_DNS_NAMES - off)
		return (struct policy_name){"", 0};
	return (struct policy_name){d->names + off, len};
}

/* NULL when the i-th target has no j-th address */
static inline const uint8_t *policy_dns_target_addr(const struct policy_dns *d, unsigned i, unsigned j)
{
	const struct policy_dns_target *t = &d->target[i];

	if (j >= t->addr_count || t->addr_first + j >= POLICY_DNS_ADDRS)
		return NULL;
	return d->addr[t->addr_first + j];
}

#endif
