/* SPDX-License-Identifier: BSD-3-Clause */
/* Every parameter that an operator of Lync, Skype for Business, IM&P or Expressway knows, and where it is
 * here. */
#include "config/schema/schema.h"

#include <string.h>
#include <strings.h>

#define EDGE   "CsAccessEdgeConfiguration"
#define ALLOW  "CsAllowedDomain"
#define BLOCKD "CsBlockedDomain"
#define HOST   "CsHostingProvider"
#define PUBLIC "CsPublicProvider"
#define ACCESS "CsExternalAccessPolicy"
#define SIPDOM "CsSipDomain"
#define XPART  "CsXmppAllowedPartner"
#define XGW    "CsXmppGatewayConfiguration"
#define CDOM   "CiscoFederatedDomain"
#define CROUTE "CiscoStaticRoute"
#define CPEER  "CiscoTlsPeerSubject"

const struct schema_foreign schema_foreigns[] = {
	{EDGE, "AllowFederatedUsers", "federation", "allow-federated-users", NULL},
	{EDGE, "EnablePartnerDiscovery", "federation", "partner-discovery", NULL},
	{EDGE, "BeClearingHouse", "federation", "clearing-house", NULL},
	{EDGE, "UseDnsSrvRouting", "federation", "routing", "True is routing dns"},
	{EDGE, "UseDefaultRouting", "federation", "routing", "True is routing default-route"},
	{EDGE, "RoutingMethod", "federation", "routing",
	 "UseDnsSrvRouting is dns, UseDefaultRouting default-route"},
	{EDGE, "DefaultRouteFqdn", "federation", "default-route", NULL},
	{EDGE, "IsPublicProvider", "federation", "default-route-public", NULL},
	{EDGE, "VerificationLevel", "federation", "default-route-verification", NULL},
	{EDGE, "DiscoveredPartnerVerificationLevel", "federation", "discovered-verification", NULL},
	{EDGE, "DiscoveredPartnerStandardRate", "limit-class", "rate", "of the class discovered"},
	{EDGE, "DiscoveredPartnerReportPeriodMinutes", "limit-class", "report-period",
	 "of the class discovered"},
	{EDGE, "EnableDiscoveredPartnerContactsLimit", "limit-class", "contacts-limit",
	 "of the class discovered"},
	{EDGE, "MaxContactsPerDiscoveredPartner", "limit-class", "contacts", "of the class discovered"},
	{EDGE, "MarkSourceVerifiableOnOutgoingMessages", "federation", "mark-source-verifiable", NULL},
	{EDGE, "OutgoingTlsCountForFederatedPartners", "federation", "connections-per-partner", NULL},
	{EDGE, "EnableArchivingDisclaimer", "federation", "archiving-disclaimer", NULL},
	{EDGE, "KeepCrlsUpToDateForPeers", "tls-profile", "revocation", "True is revocation crl"},
	{EDGE, "DnsSrvCacheRecordCount", "dns", "cache", NULL},
	{EDGE, "AllowAnonymousUsers", NULL, NULL, "anonymous conference users do not pass this box"},
	{EDGE, "AllowOutsideUsers", NULL, NULL, "remote users (REGISTER) do not pass this box"},
	{EDGE, "EnableUserReplicator", NULL, NULL, "replication of users is a matter of the inner servers"},
	{EDGE, "MaxAcceptedCertificatesStored", NULL, NULL,
	 "certificates are judged anew at each handshake; none is stored"},
	{EDGE, "MaxRejectedCertificatesStored", NULL, NULL,
	 "certificates are judged anew at each handshake; none is stored"},
	{EDGE, "CertificatesDeletedPercentage", NULL, NULL,
	 "certificates are judged anew at each handshake; none is stored"},
	{EDGE, "Identity", NULL, NULL, "there is one such object here"},
	{ALLOW, "Domain", "partner", "", NULL},
	{ALLOW, "Identity", "partner", "", NULL},
	{ALLOW, "ProxyFqdn", "partner", "proxy-fqdn", NULL},
	{ALLOW, "Comment", "partner", "comment", NULL},
	{ALLOW, "MarkForMonitoring", "partner", "monitor", NULL},
	{ALLOW, "VerificationLevel", "partner", "verification", NULL},
	{BLOCKD, "Domain", "partner", "", "stored as *.domain, which blocks everything below too"},
	{BLOCKD, "Identity", "partner", "", NULL},
	{BLOCKD, "Comment", "partner", "comment", NULL},
	{HOST, "Identity", "provider", "", NULL},
	{HOST, "Name", "provider", "", NULL},
	{HOST, "ProxyFqdn", "provider", "proxy-fqdn", "may be changed here"},
	{HOST, "Enabled", "provider", "enabled", NULL},
	{HOST, "EnabledSharedAddressSpace", "provider", "shared-address-space", NULL},
	{HOST, "HostsOCSUsers", "provider", "hosts-ocs-users", NULL},
	{HOST, "IsLocal", "provider", "local", NULL},
	{HOST, "VerificationLevel", "provider", "verification", NULL},
	{HOST, "AutodiscoverUrl", NULL, NULL, "clients' autodiscovery is a matter of the web services"},
	{HOST, "SipClientPort", NULL, NULL, "clients connect to their own access edge, not to this box"},
	{PUBLIC, "Identity", "provider", "", NULL},
	{PUBLIC, "Name", "provider", "", NULL},
	{PUBLIC, "ProxyFqdn", "provider", "proxy-fqdn", NULL},
	{PUBLIC, "Enabled", "provider", "enabled", NULL},
	{PUBLIC, "VerificationLevel", "provider", "verification", NULL},
	{PUBLIC, "NameDecorationDomain", "provider", "name-decoration-domain", NULL},
	{PUBLIC, "NameDecorationRoutingDomain", "provider", "name-decoration-routing", NULL},
	{PUBLIC, "NameDecorationExcludedDomainList", "provider", "name-decoration-excluded", NULL},
	{PUBLIC, "IconUrl", NULL, NULL, "icons are a matter of the clients"},
	{PUBLIC, "EnableSkypeIdRouting", NULL, NULL, "Skype identifiers ended with the Skype directory"},
	{ACCESS, "Identity", "access", "",
	 "Global is global; Site:NAME is site/NAME; Tag:NAME has to be given to users"},
	{ACCESS, "EnableFederationAccess", "access", "federation", NULL},
	{ACCESS, "EnablePublicCloudAccess", "access", "public", NULL},
	{ACCESS, "EnableXmppAccess", "access", "xmpp", NULL},
	{ACCESS, "EnableOutsideAccess", "access", "outside", NULL},
	{ACCESS, "Description", "access", "comment", NULL},
	{ACCESS, "EnablePublicCloudAudioVideoAccess", NULL, NULL, "media does not pass this box"},
	{SIPDOM, "Identity", "sip-domain", "", NULL},
	{SIPDOM, "Name", "sip-domain", "", NULL},
	{SIPDOM, "IsDefault", NULL, NULL, "no SIP domain is the default one here"},
	{XPART, "Identity", "xmpp-partner", "", NULL},
	{XPART, "Domain", "xmpp-partner", "", NULL},
	{XPART, "PartnerType", "xmpp-partner", "type", NULL},
	{XPART, "TlsNegotiation", "xmpp-partner", "tls", NULL},
	{XPART, "SaslNegotiation", "xmpp-partner", "sasl", NULL},
	{XPART, "SupportDialbackNegotiation", "xmpp-partner", "dialback", NULL},
	{XPART, "EnableKeepAlive", "xmpp-partner", "keepalive", NULL},
	{XPART, "AdditionalDomains", "xmpp-partner", "additional-domain", NULL},
	{XPART, "ProxyFqdn", "xmpp-partner", "proxy-fqdn", NULL},
	{XPART, "Description", "xmpp-partner", "comment", NULL},
	{XGW, "StreamEstablishmentTimeout", "xmpp", "stream-setup", NULL},
	{XGW, "StreamInactivityTimeout", "xmpp", "idle", NULL},
	{XGW, "KeepAliveInterval", "xmpp", "keepalive", NULL},
	{XGW, "ConnectionLimit", "xmpp", "streams", NULL},
	{XGW, "PartnerConnectionLimit", "xmpp", "partner-streams", NULL},
	{XGW, "SubscriptionRefreshInterval", "xmpp", "subscription-refresh", NULL},
	{XGW, "EnableLoggingAllMessageBodies", "xmpp", "log-bodies", NULL},
	{XGW, "DialbackPassphrase", NULL, NULL,
	 "the dialback key is made here, kept with the other secrets and rotated"},
	{XGW, "Identity", NULL, NULL, "there is one such object here"},
	{CDOM, "Domain", "partner", "", NULL},
	{CDOM, "Description", "partner", "comment", NULL},
	{CDOM, "Type", "partner", "via-domain",
	 "AOL is via-domain with the default routing domain; others need nothing"},
	{CDOM, "DirectFederation", NULL, NULL,
	 "both kinds are one here; a static route or proxy-fqdn makes it direct"},
	{CROUTE, "DestinationPattern", "route", "", NULL},
	{CROUTE, "NextHop", "route", "", NULL},
	{CROUTE, "NextHopPort", "route", "", NULL},
	{CROUTE, "Priority", "route", "priority", NULL},
	{CROUTE, "Weight", "route", "weight", NULL},
	{CROUTE, "AllowLessSpecificRoute", "route", "less-specific", NULL},
	{CROUTE, "InService", "route", "in-service", NULL},
	{CROUTE, "BlockRoute", "route", "block", NULL},
	{CROUTE, "Description", "route", "comment", NULL},
	{CROUTE, "ProtocolType", "route", "insecure",
	 "TLS needs nothing; TCP is insecure tcp; UDP has no place here"},
	{CROUTE, "RouteType", NULL, NULL, "routes are by domain here; user patterns are refused"},
	{CPEER, "PeerSubjectName", "partner", "peer-name",
	 "asked in the SAN first; give it to its partner or route"},
	{CPEER, "Description", NULL, NULL, "goes into the report beside the name"},
};
const unsigned schema_foreigns_n = sizeof(schema_foreigns) / sizeof(schema_foreigns[0]);

const struct schema_foreign *schema_foreign_find(const char *where, const char *name)
{
	for (unsigned i = 0; i < schema_foreigns_n; i++)
		if (strcmp(schema_foreigns[i].where, where) == 0 &&
		    strcasecmp(schema_foreigns[i].name, name) == 0)
			return &schema_foreigns[i];
	return NULL;
}
