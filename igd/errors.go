package igd

import (
	"errors"
	"strconv"
	"strings"

	"upnp/soap"
)

// ErrNoGateway is in the error of a search that ended without a gateway.
var ErrNoGateway = errors.New("no Internet gateway found")

// An Error is a refusal in the sense its service gives the number: 704 is
// ConnectionSetupFailed to WANIPConnection and NoSuchEntry to WANIPv6FirewallControl.
// Errors are comparable, so errors.Is works with the ready-made values below.
type Error struct {
	// Service is the family that defines Code: one of the Family constants, empty for
	// the codes below 700, which mean the same everywhere.
	Service string
	Code    int
}

// Families of services that give error numbers the same meaning.
const (
	FamilyConnection   = "WANConnection" // WANIPConnection and WANPPPConnection
	FamilyFirewall     = "WANIPv6FirewallControl"
	FamilyForwarding   = "Layer3Forwarding"
	FamilyDeviceAccess = "DeviceProtection"
)

// Refusals common to all services (UDA section 3.2.2).
var (
	ErrInvalidAction                = Error{"", 401}
	ErrInvalidArgs                  = Error{"", 402}
	ErrOutOfSync                    = Error{"", 403}
	ErrInvalidVar                   = Error{"", 404}
	ErrActionFailed                 = Error{"", 501}
	ErrArgumentValueInvalid         = Error{"", 600}
	ErrArgumentOutOfRange           = Error{"", 601}
	ErrOptionalActionNotImplemented = Error{"", 602}
	ErrOutOfMemory                  = Error{"", 603}
	ErrHumanInterventionRequired    = Error{"", 604}
	ErrStringTooLong                = Error{"", 605}
	ErrNotAuthorized                = Error{"", 606}
	ErrSignatureFailure             = Error{"", 607}
	ErrSignatureMissing             = Error{"", 608}
	ErrNotEncrypted                 = Error{"", 609}
	ErrInvalidSequence              = Error{"", 610}
	ErrInvalidControlURL            = Error{"", 611}
	ErrNoSuchSession                = Error{"", 612}
)

// Refusals of WANIPConnection:1 and :2 and WANPPPConnection:1.
var (
	ErrInactiveConnectionRequired  = Error{FamilyConnection, 703}
	ErrConnectionSetupFailed       = Error{FamilyConnection, 704}
	ErrConnectionSetupInProgress   = Error{FamilyConnection, 705}
	ErrConnectionNotConfigured     = Error{FamilyConnection, 706}
	ErrDisconnectInProgress        = Error{FamilyConnection, 707}
	ErrInvalidLayer2Address        = Error{FamilyConnection, 708}
	ErrInternetAccessDisabled      = Error{FamilyConnection, 709}
	ErrInvalidConnectionType       = Error{FamilyConnection, 710}
	ErrConnectionAlreadyTerminated = Error{FamilyConnection, 711}
	ErrNoSuchIndex                 = Error{FamilyConnection, 713}
	ErrNoSuchEntry                 = Error{FamilyConnection, 714}
	ErrWildcardSource              = Error{FamilyConnection, 715}
	ErrWildcardExternalPort        = Error{FamilyConnection, 716}
	ErrConflict                    = Error{FamilyConnection, 718}
	ErrAutoConfigured              = Error{FamilyConnection, 719}
	ErrSamePortRequired            = Error{FamilyConnection, 724}
	ErrOnlyPermanentLeases         = Error{FamilyConnection, 725}
	ErrRemoteHostWildcardOnly      = Error{FamilyConnection, 726}
	ErrExternalPortWildcardOnly    = Error{FamilyConnection, 727}
	ErrNoPortsAvailable            = Error{FamilyConnection, 728}
	ErrConflictOther               = Error{FamilyConnection, 729}
	ErrPortMappingNotFound         = Error{FamilyConnection, 730}
	ErrReadOnly                    = Error{FamilyConnection, 731}
	ErrWildcardInternalPort        = Error{FamilyConnection, 732}
	ErrInconsistent                = Error{FamilyConnection, 733}
)

// Refusals of WANIPv6FirewallControl:1.
var (
	ErrPinholeSpaceExhausted  = Error{FamilyFirewall, 701}
	ErrFirewallDisabled       = Error{FamilyFirewall, 702}
	ErrPinholeNotAllowed      = Error{FamilyFirewall, 703}
	ErrNoSuchPinhole          = Error{FamilyFirewall, 704}
	ErrProtocolNotSupported   = Error{FamilyFirewall, 705}
	ErrInternalPortWildcard   = Error{FamilyFirewall, 706}
	ErrProtocolWildcard       = Error{FamilyFirewall, 707}
	ErrInternalClientWildcard = Error{FamilyFirewall, 708}
	ErrNoTrafficReceived      = Error{FamilyFirewall, 709}
)

// Refusals of Layer3Forwarding:1 and DeviceProtection:1.
var (
	ErrInvalidDeviceUUID     = Error{FamilyForwarding, 720}
	ErrInvalidServiceID      = Error{FamilyForwarding, 721}
	ErrInvalidConnSelection  = Error{FamilyForwarding, 723}
	ErrAuthenticationFailure = Error{FamilyDeviceAccess, 701}
	ErrProtectionProcessing  = Error{FamilyDeviceAccess, 704}
	ErrProtectionBusy        = Error{FamilyDeviceAccess, 708}
)

// names are the standard's own words, by which the web is searched.
var names = map[Error]string{
	ErrInvalidAction:                "Invalid Action",
	ErrInvalidArgs:                  "Invalid Args",
	ErrOutOfSync:                    "Out of Sync",
	ErrInvalidVar:                   "Invalid Var",
	ErrActionFailed:                 "Action Failed",
	ErrArgumentValueInvalid:         "Argument Value Invalid",
	ErrArgumentOutOfRange:           "Argument Value Out of Range",
	ErrOptionalActionNotImplemented: "Optional Action Not Implemented",
	ErrOutOfMemory:                  "Out of Memory",
	ErrHumanInterventionRequired:    "Human Intervention Required",
	ErrStringTooLong:                "String Argument Too Long",
	ErrNotAuthorized:                "Action not authorized",
	ErrSignatureFailure:             "Signature Failure",
	ErrSignatureMissing:             "Signature Missing",
	ErrNotEncrypted:                 "Not Encrypted",
	ErrInvalidSequence:              "Invalid Sequence",
	ErrInvalidControlURL:            "Invalid Control URL",
	ErrNoSuchSession:                "No Such Session",
	ErrInactiveConnectionRequired:   "InactiveConnectionStateRequired",
	ErrConnectionSetupFailed:        "ConnectionSetupFailed",
	ErrConnectionSetupInProgress:    "ConnectionSetupInProgress",
	ErrConnectionNotConfigured:      "ConnectionNotConfigured",
	ErrDisconnectInProgress:         "DisconnectInProgress",
	ErrInvalidLayer2Address:         "InvalidLayer2Address",
	ErrInternetAccessDisabled:       "InternetAccessDisabled",
	ErrInvalidConnectionType:        "InvalidConnectionType",
	ErrConnectionAlreadyTerminated:  "ConnectionAlreadyTerminated",
	ErrNoSuchIndex:                  "SpecifiedArrayIndexInvalid",
	ErrNoSuchEntry:                  "NoSuchEntryInArray",
	ErrWildcardSource:               "WildCardNotPermittedInSrcIP",
	ErrWildcardExternalPort:         "WildCardNotPermittedInExtPort",
	ErrConflict:                     "ConflictInMappingEntry",
	ErrAutoConfigured:               "ActionDisallowedWhenAutoConfigEnabled",
	ErrSamePortRequired:             "SamePortValuesRequired",
	ErrOnlyPermanentLeases:          "OnlyPermanentLeasesSupported",
	ErrRemoteHostWildcardOnly:       "RemoteHostOnlySupportsWildcard",
	ErrExternalPortWildcardOnly:     "ExternalPortOnlySupportsWildcard",
	ErrNoPortsAvailable:             "NoPortMapsAvailable",
	ErrConflictOther:                "ConflictWithOtherMechanisms",
	ErrPortMappingNotFound:          "PortMappingNotFound",
	ErrReadOnly:                     "ReadOnly",
	ErrWildcardInternalPort:         "WildCardNotPermittedInIntPort",
	ErrInconsistent:                 "InconsistentParameters",
	ErrPinholeSpaceExhausted:        "PinholeSpaceExhausted",
	ErrFirewallDisabled:             "FirewallDisabled",
	ErrPinholeNotAllowed:            "InboundPinholeNotAllowed",
	ErrNoSuchPinhole:                "NoSuchEntry",
	ErrProtocolNotSupported:         "ProtocolNotSupported",
	ErrInternalPortWildcard:         "InternalPortWildcardingNotAllowed",
	ErrProtocolWildcard:             "ProtocolWildcardingNotAllowed",
	ErrInternalClientWildcard:       "WildCardNotPermittedInSrcIP",
	ErrNoTrafficReceived:            "NoTrafficReceived",
	ErrInvalidDeviceUUID:            "InvalidDeviceUUID",
	ErrInvalidServiceID:             "InvalidServiceID",
	ErrInvalidConnSelection:         "InvalidConnServiceSelection",
	ErrAuthenticationFailure:        "Authentication Failure",
	ErrProtectionProcessing:         "Processing Error",
	ErrProtectionBusy:               "Busy",
}

// Errors returns every error with a name, in no order.
func Errors() []Error {
	all := make([]Error, 0, len(names))
	for e := range names {
		all = append(all, e)
	}
	return all
}

// Name is the standard's name of the code, empty for codes no standard defines.
func (e Error) Name() string { return names[e] }

func (e Error) Error() string {
	return strings.TrimSuffix(strconv.Itoa(e.Code)+" "+e.Name(), " ")
}

// SOAPFault is the refusal as a device sends it.
func (e Error) SOAPFault() *soap.Fault {
	return &soap.Fault{Code: e.Code, Description: e.Name()}
}

// ErrorOf gives a fault's number the meaning it has for a service type. Codes below 700 and
// codes nobody defined keep their number; so -1 and 899, which occur, stay what they are.
func ErrorOf(serviceType string, code int) Error {
	if code < 700 {
		return Error{Code: code}
	}
	return Error{Service: family(serviceType), Code: code}
}

func family(serviceType string) string {
	if isConnection(serviceType) {
		return FamilyConnection
	}
	return typeName(serviceType)
}

// An OpError says which action failed at which gateway, and why. It is the only error type
// that methods of [Gateway] return.
type OpError struct {
	Op      string // the action, such as AddPortMapping
	Gateway string // host of the control URL
	Err     error  // a refusal has an Error and a *soap.Fault in its tree
}

func (e *OpError) Error() string {
	return "igd: " + e.Op + " at " + e.Gateway + ": " + e.Err.Error()
}

func (e *OpError) Unwrap() error { return e.Err }

// A refusal joins what a device said with what it means.
type refusal struct {
	meaning Error
	fault   *soap.Fault
}

func (r *refusal) Error() string   { return r.meaning.Error() }
func (r *refusal) Unwrap() []error { return []error{r.meaning, r.fault} }
