/* SPDX-License-Identifier: BSD-3-Clause */
/* The table itself, longer than other files because it is one list: every noun and every field, once.
 * Defaults are those of federation.md's sources unless a help text says otherwise. */
#include "config/schema/schema.h"
#include "config/policy/limit.h"

#include <string.h>
#include <strings.h>

#define DAY 86400ull

#define VERIFICATION   "always|never|source"
#define EKU	       "strict|accept-serverauth|any"
#define SERVICES       "im|presence|calls|xmpp"
#define IDENTITY_CHECK "lync|rfc5922|either|dnssec|pinned"

static const struct schema_field f_dataplane[] = {
	{"run-dir", SCHEMA_PATH, 0, 0, 0, NULL, "/run/sallyport", NULL, NULL,
	 "segments, counters, pid and ready files"},
	{"workers", SCHEMA_UINT, 0, 1, 64, NULL, "1", NULL, NULL, "number of workers, one thread each"},
	{"cores", SCHEMA_CPUS, 0, 0, 0, NULL, NULL, NULL, NULL,
	 "cores for the workers; several workers may share one; default: any allowed core"},
	{"memory", SCHEMA_UINT, 0, 64, 1048576, NULL, "256", NULL, NULL,
	 "MiB of memory when there are no hugepages"},
	{"hugepages", SCHEMA_ENUM, 0, 0, 0, "auto|off|require", "auto", NULL, NULL, "use of hugepages"},
	{"idle", SCHEMA_ENUM, 0, 0, 0, "adaptive|poll", "adaptive", NULL, NULL,
	 "what a worker without work does: sleep in growing steps, or poll"},
	{"seccomp", SCHEMA_ENUM, 0, 0, 0, "kill|log|off", "kill", NULL, NULL,
	 "what happens on a system call outside of the list; off is for debugging only"},
	{"user", SCHEMA_NAME, 0, 0, 0, NULL, NULL, NULL, NULL, "user to become after start"},
	{"x25519", SCHEMA_ENUM, 0, 0, 0, "own|libcrypto", "own", NULL, NULL,
	 "whose arithmetic makes key pairs and shared secrets of X25519; own is the faster one"},
	{"mbufs", SCHEMA_UINT, 0, 64, 16777216, NULL, "16384", NULL, NULL, "packet buffers"},
	{"reserve-mbufs", SCHEMA_UINT, 0, 1, 16777216, NULL, "4096", NULL, NULL,
	 "packet buffers that held data cannot take"},
	{"accept-ra", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, NULL, "take IPv6 routers from advertisements"},
	{"keylog-folder", SCHEMA_PATH, 0, 0, 0, NULL, NULL, NULL, NULL,
	 "where debug tls keylog writes; the dataplane's user owns it, not all may write; default: run-dir"},
};

static const struct schema_field f_port[] = {
	{"side", SCHEMA_ENUM, SCHEMA_REQUIRED, 0, 0, "external|internal", NULL, NULL, NULL,
	 "the face of this port"},
	{"device", SCHEMA_TEXT, SCHEMA_REQUIRED, 0, 0, NULL, NULL, NULL, NULL,
	 "af_packet:iface=NAME, af_xdp:iface=NAME, tap:iface=NAME, memif:…, ring:… or pci:0000:01:00.0"},
	{"queues", SCHEMA_UINT, 0, 1, 128, NULL, NULL, NULL, NULL,
	 "queue pairs; default: one a worker where it can"},
	{"address", SCHEMA_PREFIX, SCHEMA_MULTI | SCHEMA_ORDERED, 0, 0, NULL, NULL, NULL, NULL,
	 "own address and prefix length"},
	{"gateway", SCHEMA_ADDRESS, SCHEMA_MULTI, 0, 0, NULL, NULL, NULL, NULL, "next hop, one a family"},
	{"vlan", SCHEMA_UINT, 0, 1, 4094, NULL, NULL, NULL, NULL, "802.1Q tag of all frames"},
	{"mtu", SCHEMA_UINT, 0, 1280, 9000, NULL, NULL, NULL, NULL,
	 "largest IP packet; default: the device's"},
	{"mac", SCHEMA_MAC, 0, 0, 0, NULL, NULL, NULL, NULL, "own MAC address; default: the device's"},
	{"capture", SCHEMA_PATH, 0, 0, 0, NULL, NULL, NULL, NULL, "write every frame to this pcap file"},
	{"fault", SCHEMA_FAULT, 0, 0, 0, NULL, NULL, NULL, NULL, "seeded faults for tests"},
};

static const struct schema_field f_control[] = {
	{"read-group", SCHEMA_NAME, 0, 0, 0, NULL, NULL, NULL, NULL, "Unix group whose members may look"},
	{"operate-group", SCHEMA_NAME, 0, 0, 0, NULL, NULL, NULL, NULL,
	 "Unix group whose members may also block, unblock, drain, reset and test"},
	{"configure-group", SCHEMA_NAME, 0, 0, 0, NULL, NULL, NULL, NULL,
	 "Unix group whose members may do everything"},
	{"revisions", SCHEMA_UINT, 0, 50, 100000, NULL, "200", NULL, NULL, "revisions kept for rollback"},
	{"ticket-rotation", SCHEMA_DURATION, 0, 600, 7 * DAY, NULL, "12h", NULL, NULL,
	 "life of a key of TLS session tickets; one before it is still read"},
	{"route-rotation", SCHEMA_DURATION, 0, 3600, 90 * DAY, NULL, "7d", NULL, NULL,
	 "life of a key that signs Record-Route; dialogs live once to twice as long"},
	{"pager", SCHEMA_BOOL, 0, 0, 0, NULL, "yes", NULL, NULL,
	 "long output waits for a key on a terminal, in shells that begin later"},
};

static const struct schema_field f_federation[] = {
	{"allow-federated-users", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, "AllowFederatedUsers",
	 "the main switch: federation at all"},
	{"partner-discovery", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, "EnablePartnerDiscovery",
	 "unlisted domains are found through DNS and admitted, with limits"},
	{"clearing-house", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, "BeClearingHouse",
	 "pass messages between external domains"},
	{"routing", SCHEMA_ENUM, 0, 0, 0, "dns|default-route", "dns", NULL,
	 "UseDnsSrvRouting|UseDefaultRouting", "find partners by DNS, or send everything to default-route"},
	{"default-route", SCHEMA_TARGET, 0, 5061, 0, NULL, NULL, NULL, "DefaultRouteFqdn",
	 "the one next hop when routing is default-route"},
	{"default-route-public", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, "IsPublicProvider",
	 "the default route leads to a public provider"},
	{"default-route-verification", SCHEMA_ENUM, 0, 0, 0, VERIFICATION, "source", NULL,
	 "VerificationLevel", "verification level of what comes through the default route"},
	{"discovered-verification", SCHEMA_ENUM, 0, 0, 0, VERIFICATION, "source", NULL,
	 "DiscoveredPartnerVerificationLevel", "verification level of discovered partners"},
	{"discovered-limits", SCHEMA_NAME, 0, 0, 0, NULL, NULL, "limit-class", NULL,
	 "limit class of discovered partners; default: the figures of limit-class' defaults"},
	{"discovered-service", SCHEMA_ENUM, SCHEMA_MULTI, 0, 0, SERVICES, NULL, NULL, NULL,
	 "what is open for discovered partners; default: everything"},
	{"identity-check", SCHEMA_ENUM, 0, 0, 0, IDENTITY_CHECK, "either", NULL, NULL,
	 "how a certificate has to name its domain"},
	{"eku", SCHEMA_ENUM, 0, 0, 0, EKU, "accept-serverauth", NULL, NULL,
	 "extended key usage asked of a peer's client certificate"},
	{"reject-unmarked", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, NULL,
	 "with verification source: refuse what carries no mark, instead of marking it unverified"},
	{"hold-to-contact", SCHEMA_BOOL, 0, 0, 0, NULL, "yes", NULL, NULL,
	 "in a dialog a partner reaches our SIP domains and the host of its Contact, nothing else inside"},
	{"mark-source-verifiable", SCHEMA_BOOL, 0, 0, 0, NULL, "yes", NULL,
	 "MarkSourceVerifiableOnOutgoingMessages", "mark outgoing messages as verified"},
	{"diagnostics-to-partners", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, "EnableHeaderForFederatedUsers",
	 "let ms-diagnostics pass to partners"},
	{"archiving-disclaimer", SCHEMA_BOOL, SCHEMA_KEPT, 0, 0, NULL, "no", NULL,
	 "EnableArchivingDisclaimer", "tell partners that messages are archived; kept, no effect yet"},
	{"connections-per-partner", SCHEMA_UINT, 0, 1, 4, NULL, "4", NULL,
	 "OutgoingTlsCountForFederatedPartners", "TLS connections that we open to one partner"},
	{"tls-profile", SCHEMA_NAME, 0, 0, 0, NULL, NULL, "tls-profile", NULL,
	 "TLS profile of the external side"},
	{"internal-tls-profile", SCHEMA_NAME, 0, 0, 0, NULL, NULL, "tls-profile", NULL,
	 "TLS profile of the internal side"},
	{"via-default-domain", SCHEMA_DOMAIN, 0, 0, 0, NULL, "aol.com", NULL, "DefaultRoutingDomain",
	 "clearing house that import cisco gives to partners of type AOL"},
	{"refused-alarm-warn", SCHEMA_UINT, 0, 1, 100000, NULL, "5", NULL, NULL,
	 "refused requests of unknown domains a second that raise a warning"},
	{"refused-alarm-error", SCHEMA_UINT, 0, 1, 100000, NULL, "10", NULL, NULL,
	 "refused requests of unknown domains a second that raise an error"},
};

static const struct schema_field f_identity[] = {
	{"public-fqdn", SCHEMA_FQDN, SCHEMA_REQUIRED, 0, 0, NULL, NULL, NULL, "FederationRoutingFqdn",
	 "our name outside: Via, Record-Route, SNI; must be the _sipfederationtls target of its SIP domains"},
	{"external-listen", SCHEMA_ENDPOINT, SCHEMA_MULTI, 5061, 0, NULL, NULL, NULL, NULL,
	 "SIP/TLS outside"},
	{"internal-listen", SCHEMA_ENDPOINT, SCHEMA_MULTI, 5061, 0, NULL, NULL, NULL, NULL, "SIP/TLS inside"},
	{"insecure-listen", SCHEMA_ENDPOINT, SCHEMA_MULTI, 5060, 0, NULL, NULL, NULL, NULL,
	 "SIP inside over TCP without TLS, for insecure-allow-from and for insecure next hops that are "
	 "addresses; said loudly wherever it is shown"},
	{"insecure-allow-from", SCHEMA_PREFIX, SCHEMA_MULTI, 0, 64, NULL, NULL, NULL, NULL,
	 "who may connect to insecure-listen: known by the address alone"},
	{"xmpp-listen", SCHEMA_ENDPOINT, SCHEMA_MULTI | SCHEMA_KEPT, 5269, 0, NULL, NULL, NULL, NULL,
	 "XMPP outside; kept, no effect yet"},
	{"server-certificate", SCHEMA_NAME, SCHEMA_MULTI, 0, 2, NULL, NULL, "certificate", NULL,
	 "certificate shown to those who connect; two: one with an EC key, one with an RSA key"},
	{"client-certificate", SCHEMA_NAME, SCHEMA_MULTI, 0, 2, NULL, NULL, "certificate", NULL,
	 "certificate shown where we connect; default: the server certificate"},
	{"internal-certificate", SCHEMA_NAME, SCHEMA_MULTI, 0, 2, NULL, NULL, "certificate", NULL,
	 "certificate of the internal side; default: the server certificate"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL, "free text"},
};

static const struct schema_field f_certificate[] = {
	{"chain", SCHEMA_PATH, SCHEMA_REQUIRED, 0, 0, NULL, NULL, NULL, NULL,
	 "PEM file: the certificate, then its intermediates"},
	{"private-key", SCHEMA_PATH, SCHEMA_REQUIRED, 0, 0, NULL, NULL, NULL, "key",
	 "PEM file of the private key"},
	{"ocsp", SCHEMA_PATH, 0, 0, 0, NULL, NULL, NULL, NULL,
	 "DER file of an OCSP response to staple; fetched by whoever renews the certificate"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL, "free text"},
};

static const struct schema_field f_trust[] = {
	{"ca", SCHEMA_PATH, SCHEMA_MULTI | SCHEMA_REQUIRED, 0, 0, NULL, NULL, NULL, NULL,
	 "PEM file of trusted CAs"},
	{"crl", SCHEMA_PATH, SCHEMA_MULTI, 0, 0, NULL, NULL, NULL, NULL, "PEM file of revocation lists"},
	{"crl-url", SCHEMA_URL, SCHEMA_MULTI, 0, 0, NULL, NULL, NULL, NULL,
	 "where a revocation list of these CAs is fetched, besides those that certificates name"},
	{"crl-fetch", SCHEMA_BOOL, 0, 0, 0, NULL, "yes", NULL, NULL,
	 "fetch lists from crl-url, and from where these CAs, our certificates and those of peers say"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL, "free text"},
};

static const struct schema_field f_tls_profile[] = {
	{"version", SCHEMA_ENUM, SCHEMA_MULTI, 0, 0, "1.2|1.3", NULL, NULL, NULL,
	 "TLS versions; default: both"},
	{"ciphers", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL, "TLS 1.2 cipher list in OpenSSL's form"},
	{"suites", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL, "TLS 1.3 suites in OpenSSL's form"},
	{"groups", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL, "key exchange groups in OpenSSL's form"},
	{"trust", SCHEMA_NAME, 0, 0, 0, NULL, NULL, "trust", NULL,
	 "trust store; default: the system's own CAs"},
	{"eku", SCHEMA_ENUM, 0, 0, 0, EKU, NULL, NULL, NULL, "extended key usage; default: federation's"},
	{"revocation", SCHEMA_ENUM, 0, 0, 0, "off|crl|crl-required", "crl", NULL, "KeepCrlsUpToDateForPeers",
	 "check of revocation: with the lists at hand, or refuse where no list is"},
	{"peer-subject", SCHEMA_FQDN, SCHEMA_MULTI, 0, 0, NULL, NULL, NULL, "TLSPeerSubject",
	 "only peers with one of these names"},
	{"depth", SCHEMA_UINT, 0, 1, 10, NULL, "4", NULL, NULL, "longest chain"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL, "free text"},
};

static const struct schema_field f_sip_domain[] = {
	{"identity", SCHEMA_NAME, 0, 0, 0, NULL, NULL, "identity", NULL,
	 "its public face; default: the only one"},
	{"next-hop", SCHEMA_TARGET, SCHEMA_MULTI | SCHEMA_ORDERED, 5061, 0, NULL, NULL, NULL, NULL,
	 "where messages for it go inside; several: the first that answers, in the order given"},
	{"insecure", SCHEMA_ENUM, 0, 0, 0, "tcp", NULL, NULL, NULL,
	 "its next hops without TLS; said loudly wherever it is shown"},
	{"allow-federated-users", SCHEMA_BOOL, 0, 0, 0, NULL, NULL, NULL, NULL,
	 "federation for this domain; default: the main switch"},
	{"partner-discovery", SCHEMA_BOOL, 0, 0, 0, NULL, NULL, NULL, NULL,
	 "discovery for this domain; default: the box's"},
	{"shared-address-space", SCHEMA_NAME, 0, 0, 0, NULL, NULL, "provider", NULL,
	 "provider that hosts a part of this domain's users (split domain)"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL, "free text"},
};

static const struct schema_field f_internal_server[] = {
	{"certificate-name", SCHEMA_FQDN, SCHEMA_MULTI, 0, 0, NULL, NULL, NULL, NULL,
	 "further names its certificate may show"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL, "free text"},
};

static const struct schema_field f_partner[] = {
	{"action", SCHEMA_ENUM, SCHEMA_REQUIRED | SCHEMA_BARE, 0, 0, "allow|block", NULL, NULL, "type",
	 "admit or refuse this domain"},
	{"exact", SCHEMA_FLAG, 0, 0, 0, NULL, NULL, NULL, NULL, "block this name only, not what is below it"},
	{"except", SCHEMA_FLAG, 0, 0, 0, NULL, NULL, NULL, NULL, "admit although a shorter name is blocked"},
	{"proxy-fqdn", SCHEMA_FQDN, 0, 0, 0, NULL, NULL, NULL, "ProxyFqdn",
	 "its edge: connect there, without SRV, and ask for this name"},
	{"verification", SCHEMA_ENUM, 0, 0, 0, VERIFICATION, "source", NULL, "VerificationLevel|VerifyLevel",
	 "how far its users' identity counts: always, never, or as the partner marks it"},
	{"peer-name", SCHEMA_FQDN, SCHEMA_MULTI, 0, 0, NULL, NULL, NULL, "TLSPeerSubject",
	 "name in a certificate that stands for this domain without SRV"},
	{"via-domain", SCHEMA_DOMAIN, 0, 0, 0, NULL, NULL, NULL, NULL,
	 "clearing house through which it is reached"},
	{"identity-check", SCHEMA_ENUM, 0, 0, 0, IDENTITY_CHECK, NULL, NULL, NULL,
	 "how its certificate has to name it; default: federation's"},
	{"spki", SCHEMA_SPKI, SCHEMA_MULTI, 0, 0, NULL, NULL, NULL, NULL,
	 "pinned key, for identity-check pinned"},
	{"wildcard", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, NULL, "accept wildcards in its certificate"},
	{"eku", SCHEMA_ENUM, 0, 0, 0, EKU, NULL, NULL, NULL, "extended key usage; default: federation's"},
	{"tls-profile", SCHEMA_NAME, 0, 0, 0, NULL, NULL, "tls-profile", NULL, "default: federation's"},
	{"limits", SCHEMA_NAME, 0, 0, 0, NULL, NULL, "limit-class", NULL, "limit class; default: none"},
	{"trust-asserted-identity", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, NULL,
	 "keep its P-Asserted-Identity (RFC 3325 section 4) if that passes the same tests"},
	{"reject-unmarked", SCHEMA_BOOL, 0, 0, 0, NULL, NULL, NULL, NULL, "default: federation's"},
	{"service", SCHEMA_ENUM, SCHEMA_MULTI, 0, 0, SERVICES, NULL, NULL, NULL,
	 "what is open for it; default: everything"},
	{"monitor", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, "MarkForMonitoring",
	 "count it under its own name"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, "Comment|Description", "free text"},
};

static const struct schema_field f_provider[] = {
	{"type", SCHEMA_ENUM, SCHEMA_REQUIRED | SCHEMA_BARE, 0, 0, "hosting|public", NULL, NULL, NULL,
	 "hosting provider, or public IM provider"},
	{"proxy-fqdn", SCHEMA_FQDN, SCHEMA_REQUIRED, 0, 0, NULL, NULL, NULL, "ProxyFqdn",
	 "its edge: SRV target of the domains that it serves, and name in its certificate"},
	{"enabled", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, "Enabled", "in use"},
	{"verification", SCHEMA_ENUM, SCHEMA_REQUIRED, 0, 0, VERIFICATION, NULL, NULL, "VerificationLevel",
	 "how far its users' identity counts; no default, for Lync's own texts name two"},
	{"shared-address-space", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, "EnabledSharedAddressSpace",
	 "it hosts users of our own SIP domains"},
	{"hosts-ocs-users", SCHEMA_BOOL, SCHEMA_KEPT, 0, 0, NULL, "no", NULL, "HostsOCSUsers",
	 "its users are homed on Lync or Skype for Business; kept, no effect"},
	{"local", SCHEMA_BOOL, SCHEMA_KEPT, 0, 0, NULL, "no", NULL, "IsLocal",
	 "its servers stand in our own forest; kept, no effect"},
	{"eku", SCHEMA_ENUM, 0, 0, 0, EKU, NULL, NULL, NULL, "extended key usage; default: federation's"},
	{"tls-profile", SCHEMA_NAME, 0, 0, 0, NULL, NULL, "tls-profile", NULL, "default: federation's"},
	{"limits", SCHEMA_NAME, 0, 0, 0, NULL, NULL, "limit-class", NULL, "limit class; default: none"},
	{"service", SCHEMA_ENUM, SCHEMA_MULTI, 0, 0, SERVICES, NULL, NULL, NULL,
	 "what is open for it; default: everything"},
	{"name-decoration-domain", SCHEMA_DOMAIN, SCHEMA_MULTI | SCHEMA_KEPT, 0, 0, NULL, NULL, NULL,
	 "NameDecorationDomain", "domains whose user names are decorated; kept, no effect yet"},
	{"name-decoration-routing", SCHEMA_DOMAIN, SCHEMA_KEPT, 0, 0, NULL, NULL, NULL,
	 "NameDecorationRoutingDomain", "domain that decorated names are sent to; kept, no effect yet"},
	{"name-decoration-excluded", SCHEMA_DOMAIN, SCHEMA_MULTI | SCHEMA_KEPT, 0, 0, NULL, NULL, NULL,
	 "NameDecorationExcludedDomainList", "domains that are never decorated; kept, no effect yet"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, "Comment|Description", "free text"},
};

static const struct schema_field f_route[] = {
	{"priority", SCHEMA_UINT, 0, 1, 65535, NULL, "1", NULL, NULL, "lower is tried first"},
	{"weight", SCHEMA_UINT, 0, 1, 65535, NULL, "1", NULL, NULL, "share among equal priorities"},
	{"less-specific", SCHEMA_BOOL, 0, 0, 0, NULL, "yes", NULL, "AllowLessSpecificRoute",
	 "after failure, go on with a shorter pattern"},
	{"in-service", SCHEMA_BOOL, 0, 0, 0, NULL, "yes", NULL, "InService", "in use"},
	{"srv", SCHEMA_FLAG, 0, 0, 0, NULL, NULL, NULL, NULL,
	 "look the host up as a domain (_sipfederationtls) instead of by its address"},
	{"block", SCHEMA_FLAG, 0, 0, 0, NULL, NULL, NULL, "BlockRoute", "refuse what matches the pattern"},
	{"insecure", SCHEMA_ENUM, 0, 0, 0, "tcp", NULL, NULL, NULL,
	 "without TLS; said loudly wherever it is shown"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, "Description", "free text"},
};

static const struct schema_field f_limit_class[] = {
	{"rate", SCHEMA_UINT, 0, 1, 1000000, NULL, "20", NULL, "DiscoveredPartnerStandardRate",
	 "requests a second and peer"},
	{"burst", SCHEMA_UINT, 0, 1, 1000000, NULL, "40", NULL, NULL, "requests above the rate at once"},
	{"suspicious-rate", SCHEMA_UINT, 0, 1, 1000000, NULL, "1", NULL, NULL, "rate of a suspicious peer"},
	{"suspicious-window", SCHEMA_DURATION, 0, 1, DAY, NULL, "1m", NULL, NULL,
	 "span over which answers count"},
	{"suspicious-finals", SCHEMA_UINT, 0, 1, 1000000, NULL, "50", NULL, NULL,
	 "final answers in the window before anybody is suspected"},
	{"suspicious-percent", SCHEMA_UINT, 0, 1, 100, NULL, "50", NULL, NULL,
	 "share of 403, 404, 480 and 604 that makes a peer suspicious"},
	{"calm-window", SCHEMA_DURATION, 0, 1, 30 * DAY, NULL, "10m", NULL, NULL,
	 "span after which suspicion ends"},
	{"calm-percent", SCHEMA_UINT, 0, 0, 100, NULL, "20", NULL, NULL, "share below which suspicion ends"},
	{"contacts-limit", SCHEMA_BOOL, 0, 0, 0, NULL, "yes", NULL, "EnableDiscoveredPartnerContactsLimit",
	 "limit distinct local URIs at all"},
	{"contacts", SCHEMA_UINT, 0, 1, POLICY_URI_MAX, NULL, "1000", NULL, "MaxContactsPerDiscoveredPartner",
	 "distinct local URIs a peer may contact"},
	{"contacts-expire", SCHEMA_DURATION, 0, 3600, 365 * DAY, NULL, "30d", NULL, NULL,
	 "when counts are forgotten"},
	{"pause", SCHEMA_DURATION, 0, 0, 10, NULL, "2s", NULL, NULL,
	 "longest pause of reading before a refusal"},
	{"retry-after", SCHEMA_DURATION, 0, 1, 3600, NULL, "5s", NULL, NULL, "Retry-After of a refusal"},
	{"report-period", SCHEMA_DURATION, SCHEMA_KEPT, 60, 30 * DAY, NULL, "1h", NULL,
	 "DiscoveredPartnerReportPeriodMinutes",
	 "span of the report on discovered partners; kept, no effect yet"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL, "free text"},
};

static const struct schema_field f_access[] = {
	{"federation", SCHEMA_BOOL, 0, 0, 0, NULL, NULL, NULL, "EnableFederationAccess",
	 "talk with federated partners"},
	{"public", SCHEMA_BOOL, 0, 0, 0, NULL, NULL, NULL, "EnablePublicCloudAccess",
	 "talk with public providers"},
	{"xmpp", SCHEMA_BOOL, 0, 0, 0, NULL, NULL, NULL, "EnableXmppAccess", "talk with XMPP partners"},
	{"outside", SCHEMA_BOOL, 0, 0, 0, NULL, NULL, NULL, "EnableOutsideAccess",
	 "be reached from outside; kept for the internal servers, remote users do not pass this box"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, "Description", "free text"},
};

static const struct schema_field f_site[] = {
	{"user", SCHEMA_USER, SCHEMA_MULTI, 0, 0, NULL, NULL, NULL, NULL, "a user of this site"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL, "free text"},
};

static const struct schema_field f_dns[] = {
	{"server", SCHEMA_ENDPOINT, SCHEMA_MULTI | SCHEMA_ORDERED, 53, 0, NULL, NULL, NULL, NULL,
	 "forwarder; default: those of the system; none and recursive yes: ask the root"},
	{"recursive", SCHEMA_BOOL, 0, 0, 0, NULL, "no", NULL, NULL,
	 "resolve from the root, without forwarders"},
	{"trust-anchor", SCHEMA_PATH, 0, 0, 0, NULL, NULL, NULL, NULL, "DNSSEC trust anchor file"},
	{"timeout", SCHEMA_DURATION, 0, 1, 30, NULL, "4s", NULL, NULL,
	 "deadline of one question of the dataplane"},
	{"min-ttl", SCHEMA_DURATION, 0, 0, 3600, NULL, "5s", NULL, NULL, "shorter TTLs are raised to it"},
	{"max-ttl", SCHEMA_DURATION, 0, 60, 30 * DAY, NULL, "1d", NULL, NULL, "longer TTLs are cut to it"},
	{"negative-ttl", SCHEMA_DURATION, 0, 1, 3600, NULL, "1m", NULL, NULL,
	 "longest life of a 'no such name'"},
	{"serve-stale", SCHEMA_DURATION, 0, 0, 7 * DAY, NULL, "1h", NULL, NULL,
	 "how long answers past their TTL serve on while DNS is down"},
	{"prefetch", SCHEMA_UINT, 0, 0, 90, NULL, "10", NULL, NULL,
	 "ask again in the last so many per cent of a TTL"},
	{"cache", SCHEMA_UINT, 0, 100, 10000000, NULL, "100000", NULL, "DnsSrvCacheRecordCount",
	 "names kept, positive and negative"},
	{"ask-rate", SCHEMA_UINT, 0, 1, 100000, NULL, "20", NULL, NULL,
	 "new names a second that one peer may cause to be asked"},
	{"ask-burst", SCHEMA_UINT, 0, 1, 100000, NULL, "100", NULL, NULL, "such names at once"},
	{"private-addresses", SCHEMA_PREFIX, SCHEMA_MULTI, 0, 0, NULL, NULL, NULL, NULL,
	 "private ranges in which partners may live all the same"},
	{"max-targets", SCHEMA_UINT, 0, 1, 256, NULL, "100", NULL, NULL, "SRV targets kept of one answer"},
	{"local-data", SCHEMA_TEXT, SCHEMA_MULTI, 0, 0, NULL, NULL, NULL, NULL,
	 "a record served from inside, for demos and tests: \"NAME [TTL] TYPE DATA\""},
};

static const struct schema_field f_observe[] = {
	{"metrics-listen", SCHEMA_ENDPOINT, SCHEMA_MULTI, 9105, 0, NULL, NULL, NULL, NULL,
	 "address of /metrics and the status page, without a password: keep it inside; default: none"},
	{"metrics-peers", SCHEMA_UINT, 0, 0, 10000, NULL, "500", NULL, NULL,
	 "partners with own labels; the rest is 'other'"},
	{"log-level", SCHEMA_ENUM, 0, 0, 0, "error|warning|notice|info|debug", "info", NULL, NULL,
	 "what the control daemon logs; audit and revisions are in the store whatever it says"},
	{"cdr", SCHEMA_BOOL, 0, 0, 0, NULL, "yes", NULL, NULL,
	 "one journal record at the end of each transaction"},
};

static const struct schema_field f_xmpp[] = {
	{"enabled", SCHEMA_BOOL, SCHEMA_KEPT, 0, 0, NULL, "no", NULL, NULL,
	 "the XMPP gateway; kept, no effect yet"},
	{"stream-setup", SCHEMA_DURATION, SCHEMA_KEPT, 1, 600, NULL, "1m", NULL, "StreamEstablishmentTimeout",
	 "deadline; kept, no effect yet"},
	{"idle", SCHEMA_DURATION, SCHEMA_KEPT, 10, DAY, NULL, "10m", NULL, "StreamInactivityTimeout",
	 "close an idle stream; kept, no effect yet"},
	{"keepalive", SCHEMA_DURATION, SCHEMA_KEPT, 10, DAY, NULL, "5m", NULL, "KeepAliveInterval",
	 "white space ping; kept, no effect yet"},
	{"streams", SCHEMA_UINT, SCHEMA_KEPT, 1, 1000000, NULL, "1000", NULL, "ConnectionLimit",
	 "streams at once; kept, no effect yet"},
	{"partner-streams", SCHEMA_UINT, SCHEMA_KEPT, 1, 10000, NULL, "20", NULL, "PartnerConnectionLimit",
	 "streams at once of one partner; kept, no effect yet"},
	{"subscription-refresh", SCHEMA_DURATION, SCHEMA_KEPT, 60, 30 * DAY, NULL, "8h", NULL,
	 "SubscriptionRefreshInterval", "refresh of presence subscriptions; kept, no effect yet"},
	{"log-bodies", SCHEMA_BOOL, SCHEMA_KEPT, 0, 0, NULL, "no", NULL, "EnableLoggingAllMessageBodies",
	 "bodies in the log; kept, no effect yet"},
};

static const struct schema_field f_xmpp_partner[] = {
	{"action", SCHEMA_ENUM, SCHEMA_REQUIRED | SCHEMA_BARE | SCHEMA_KEPT, 0, 0, "allow|block", NULL, NULL,
	 NULL, "admit or refuse this domain; kept, no effect yet"},
	{"type", SCHEMA_ENUM, SCHEMA_KEPT, 0, 0, "federated|public-verified|public-unverified",
	 "public-unverified", NULL, "PartnerType", "how its users are marked; kept, no effect yet"},
	{"tls", SCHEMA_ENUM, SCHEMA_KEPT, 0, 0, "required|optional|not-supported", "required", NULL,
	 "TlsNegotiation", "TLS on its streams; kept, no effect yet"},
	{"sasl", SCHEMA_ENUM, SCHEMA_KEPT, 0, 0, "required|optional|not-supported", "optional", NULL,
	 "SaslNegotiation", "SASL EXTERNAL on its streams; kept, no effect yet"},
	{"dialback", SCHEMA_BOOL, SCHEMA_KEPT, 0, 0, NULL, "yes", NULL, "SupportDialbackNegotiation",
	 "server dialback; kept, no effect yet"},
	{"insecure", SCHEMA_FLAG, SCHEMA_KEPT, 0, 0, NULL, NULL, NULL, NULL,
	 "permit dialback without TLS; kept, no effect yet"},
	{"additional-domain", SCHEMA_DOMAIN, SCHEMA_MULTI | SCHEMA_KEPT, 0, 0, NULL, NULL, NULL,
	 "AdditionalDomains", "further domains of the same servers; kept, no effect yet"},
	{"proxy-fqdn", SCHEMA_FQDN, SCHEMA_KEPT, 0, 0, NULL, NULL, NULL, "ProxyFqdn",
	 "connect there instead of by SRV; kept, no effect yet"},
	{"keepalive", SCHEMA_BOOL, SCHEMA_KEPT, 0, 0, NULL, "yes", NULL, "EnableKeepAlive",
	 "white space pings; kept, no effect yet"},
	{"comment", SCHEMA_TEXT, 0, 0, 0, NULL, NULL, NULL, "Description", "free text"},
};

#define FIELDS(a) a, sizeof(a) / sizeof(a[0])

/* in the order in which a configuration is printed: what others refer to stands first */
const struct schema_noun schema_nouns[] = {
	{"dataplane", NULL, 0, NULL, NULL, 0, 0, SCHEMA_BOOT, true, FIELDS(f_dataplane), NULL,
	 "what the dataplane needs before it runs"},
	{"port", "NAME", SCHEMA_NAME, NULL, NULL, 0, 0, SCHEMA_BOOT, true, FIELDS(f_port), NULL,
	 "a network port of the dataplane"},
	{"control", NULL, 0, NULL, NULL, 0, 0, SCHEMA_DAEMON, true, FIELDS(f_control), NULL,
	 "who may do what, and what is kept"},
	{"dns", NULL, 0, NULL, NULL, 0, 0, SCHEMA_DAEMON, true, FIELDS(f_dns), "resolver",
	 "how names are resolved"},
	{"observe", NULL, 0, NULL, NULL, 0, 0, SCHEMA_DAEMON, true, FIELDS(f_observe), NULL,
	 "metrics and log"},
	{"certificate", "NAME", SCHEMA_NAME, NULL, NULL, 0, 0, SCHEMA_LIVE, false, FIELDS(f_certificate),
	 NULL, "a certificate of ours with its key"},
	{"trust", "NAME", SCHEMA_NAME, NULL, NULL, 0, 0, SCHEMA_LIVE, false, FIELDS(f_trust), NULL,
	 "a set of trusted CAs"},
	{"tls-profile", "NAME", SCHEMA_NAME, NULL, NULL, 0, 0, SCHEMA_LIVE, false, FIELDS(f_tls_profile),
	 "tls-context", "versions, suites and checks of TLS connections"},
	{"limit-class", "NAME", SCHEMA_NAME, NULL, NULL, 0, 0, SCHEMA_LIVE, false, FIELDS(f_limit_class),
	 NULL, "rates and counts that a peer may use"},
	{"federation", NULL, 0, NULL, NULL, 0, 0, SCHEMA_LIVE, true, FIELDS(f_federation),
	 "CsAccessEdgeConfiguration", "what holds for all partners"},
	{"identity", "NAME", SCHEMA_NAME, NULL, NULL, 0, 0, SCHEMA_LIVE, false, FIELDS(f_identity), NULL,
	 "a public face of ours"},
	{"internal-server", "FQDN", SCHEMA_FQDN, NULL, NULL, 0, 0, SCHEMA_LIVE, false,
	 FIELDS(f_internal_server), NULL, "a server of ours that may connect to the internal side"},
	{"provider", "NAME", SCHEMA_NAME, NULL, NULL, 0, 0, SCHEMA_LIVE, false, FIELDS(f_provider),
	 "CsHostingProvider|CsPublicProvider", "somebody who serves many domains"},
	{"sip-domain", "DOMAIN", SCHEMA_DOMAIN, NULL, NULL, 0, 0, SCHEMA_LIVE, false, FIELDS(f_sip_domain),
	 "CsSipDomain", "a SIP domain of ours"},
	{"route", "PATTERN", SCHEMA_PATTERN, "to", "HOST[:PORT]", SCHEMA_TARGET, 5061, SCHEMA_LIVE, false,
	 FIELDS(f_route), "static-route", "a static route"},
	{"access", "SCOPE", SCHEMA_SCOPE, NULL, NULL, 0, 0, SCHEMA_LIVE, false, FIELDS(f_access),
	 "CsExternalAccessPolicy", "what our users may do: global, domain/NAME, site/NAME, user/USER@DOMAIN"},
	{"site", "NAME", SCHEMA_NAME, NULL, NULL, 0, 0, SCHEMA_LIVE, false, FIELDS(f_site), NULL,
	 "a named set of users, for access"},
	{"xmpp", NULL, 0, NULL, NULL, 0, 0, SCHEMA_LIVE, true, FIELDS(f_xmpp), "CsXmppGatewayConfiguration",
	 "what holds for all XMPP partners; takes effect with the XMPP gateway"},
	{"xmpp-partner", "DOMAIN", SCHEMA_DOMAIN, NULL, NULL, 0, 0, SCHEMA_LIVE, false,
	 FIELDS(f_xmpp_partner), "CsXmppAllowedPartner",
	 "an XMPP domain; takes effect with the XMPP gateway"},
	{"partner", "[*.]DOMAIN", SCHEMA_SUBTREE, NULL, NULL, 0, 0, SCHEMA_LIVE, false, FIELDS(f_partner),
	 "domain|CsAllowedDomain|CsBlockedDomain", "a remote domain, allowed or blocked"},
};
const unsigned schema_nouns_n = sizeof(schema_nouns) / sizeof(schema_nouns[0]);

bool schema_word_in(const char *list, const char *word, size_t len)
{
	if (!list)
		return false;
	for (const char *p = list; *p;) {
		size_t n = strcspn(p, "|");

		if (n == len && strncasecmp(p, word, n) == 0)
			return true;
		p += n + (p[n] == '|');
	}
	return false;
}

const struct schema_noun *schema_noun_find(const char *word, size_t len, bool *many)
{
	const struct schema_noun *hit = NULL;
	unsigned hits = 0;

	*many = false;
	for (unsigned i = 0; i < schema_nouns_n; i++) {
		const struct schema_noun *n = &schema_nouns[i];

		if ((strlen(n->name) == len && strncasecmp(n->name, word, len) == 0) ||
		    schema_word_in(n->alias, word, len))
			return n;
		if (len && strncasecmp(n->name, word, len) == 0) {
			hit = n;
			hits++;
		}
	}
	*many = hits > 1;
	return hits == 1 ? hit : NULL;
}

const struct schema_noun *schema_noun_named(const char *name)
{
	for (unsigned i = 0; i < schema_nouns_n; i++)
		if (strcmp(schema_nouns[i].name, name) == 0)
			return &schema_nouns[i];
	return NULL;
}

unsigned schema_noun_index(const struct schema_noun *noun)
{
	return (unsigned)(noun - schema_nouns);
}

int schema_field_named(const struct schema_noun *noun, const char *name)
{
	for (unsigned i = 0; i < noun->fields_n; i++)
		if (strcmp(noun->fields[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *schema_field_gone(const struct schema_noun *noun, const char *word, size_t len)
{
	static const struct {
		const char *noun, *field, *why;
	} gone[] = {
		{"observe", "hep", "no copies of messages are made; it never had an effect: leave it away"},
		{"observe", "hep-sample",
		 "no copies of messages are made; it never had an effect: leave it away"},
	};

	for (unsigned i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		if (strcmp(gone[i].noun, noun->name) == 0 && strlen(gone[i].field) == len &&
		    strncasecmp(gone[i].field, word, len) == 0)
			return gone[i].why;
	return NULL;
}

int schema_field_find(const struct schema_noun *noun, const char *word, size_t len)
{
	int hit = -1;
	unsigned hits = 0;

	for (unsigned i = 0; i < noun->fields_n; i++) {
		const struct schema_field *f = &noun->fields[i];

		if ((strlen(f->name) == len && strncasecmp(f->name, word, len) == 0) ||
		    schema_word_in(f->alias, word, len))
			return (int)i;
		if (len && strncasecmp(f->name, word, len) == 0) {
			hit = (int)i;
			hits++;
		}
	}
	return hits > 1 ? -2 : hit;
}

int schema_field_bare(const struct schema_noun *noun, const char *word, size_t len, const char **choice,
		      size_t *choice_len)
{
	for (unsigned i = 0; i < noun->fields_n; i++) {
		const struct schema_field *f = &noun->fields[i];
		unsigned hits = 0;

		if (!(f->flags & SCHEMA_BARE) || !len)
			continue;
		for (const char *p = f->choices; *p;) {
			size_t n = strcspn(p, "|");

			if (n >= len && strncasecmp(p, word, len) == 0) {
				*choice = p;
				*choice_len = n;
				hits++;
			}
			p += n + (p[n] == '|');
		}
		if (hits == 1)
			return (int)i;
	}
	return -1;
}
