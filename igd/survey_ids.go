package igd

// What a Survey can find: the IDs of findings.
const (
	FindAllWell = "all-well" // only as a conclusion
	FindStopped = "stopped"

	// This host.
	FindNoNetwork  = "no-network"  // no interface can be searched
	FindInterface  = "interface"   // one that is searched
	FindSkipped    = "skipped"     // interfaces that are not, with the reasons
	FindVirtual    = "virtual"     // searched, and leads to no network outside this host
	FindNoIPv4     = "no-ipv4"     // mappings are made for IPv4 addresses
	FindNoDHCP     = "no-dhcp"     // only an address this host gave itself
	FindNoRoute    = "no-route"    // no way to the Internet
	FindMulticast  = "multicast"   // groups joined, searches sent and heard
	FindNotJoined  = "not-joined"  // a group could not be joined
	FindNotSent    = "not-sent"    // the search could not be sent
	FindOwnUnheard = "own-unheard" // our own multicasts do not come back to us
	FindFirewall   = "firewall"    // of this host

	// Who answers.
	FindNoAnswer       = "no-answer"        // nobody, and nothing is known of the default gateway
	FindUPnPOff        = "upnp-off"         // the default gateway is there and does not speak UPnP
	FindRouterSilent   = "router-silent"    // the default gateway does not answer to anything
	FindRepliesLost    = "replies-lost"     // the gateway is there, and its answers do not arrive
	FindMuteRouter     = "router-mute"      // the gateway is there, and does not answer searches as others do
	FindMulticastLost  = "multicast-lost"   // only the direct question was answered
	FindOnlyAnnounced  = "only-announced"   // it announces itself and does not answer
	FindOnlyOthers     = "only-others"      // devices answer, no gateway among them
	FindUnusable       = "gateway-unusable" // a gateway answers the search and cannot be used
	FindTargetNotThere = "target-not-there" // no gateway where Target says
	FindOtherDevices   = "other-devices"    // answered, and are no gateways
	FindTwoGateways    = "two-gateways"     // more than one gateway answers
	FindLateAnswer     = "late-answer"      // the gateway took its time to answer
	FindDropped        = "dropped"          // datagrams that were no answers, or not from here

	// The gateway.
	FindGateway      = "gateway"             // which one, and why
	FindElsewhere    = "not-default-gateway" // the gateway is not the default gateway
	FindRepaired     = "description-repaired"
	FindNoSCPD       = "no-service-document"
	FindSCPDRepaired = "service-document-repaired"
	FindSlow         = "slow"

	// Its way to the Internet.
	FindPublic     = "public-address"
	FindDoubleNAT  = "double-nat"
	FindCGNAT      = "cgnat"
	FindDSLite     = "ds-lite"
	FindOddAddress = "reserved-address"
	FindNoAddress  = "no-external-address"
	FindWANDown    = "wan-down"
	FindOddStatus  = "odd-status" // says it is not connected, and has a public address
	FindNoWANCall  = "no-wan-answer"

	// Its table.
	FindTable     = "table"
	FindBadTable  = "table-unreadable"
	FindFullTable = "table-full"

	// A mapping of our own.
	FindMapping          = "mapping"
	FindRefused          = "mapping-refused"
	FindIgnored          = "mapping-ignored"
	FindNegotiated       = "mapping-negotiated" // not made at the first attempt
	FindAltered          = "mapping-altered"    // other fields than the lease
	FindLost             = "mapping-lost"       // gone before its time
	FindLate             = "mapping-late"       // in the table only after a while
	FindCut              = "answers-cut"        // calls end without an answer
	FindLease            = "lease"
	FindPermanent        = "lease-permanent" // the router keeps no leases
	FindLeaseAltered     = "lease-altered"
	FindRenewalIgnored   = "renewal-ignored"
	FindRenewalRefused   = "renewal-refused"
	FindNotRemoved       = "mapping-not-removed"
	FindNoTrialAddress   = "no-local-address" // this host has no address to map to
	FindEvents           = "events"
	FindNoEvents         = "no-events"
	FindEventsRefused    = "events-refused"
	FindEventsSilent     = "events-silent"
	FindEventsIncomplete = "events-incomplete" // the first came, the next did not
)
