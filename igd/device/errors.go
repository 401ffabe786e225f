package device

import (
	"errors"
	"fmt"
	"strings"

	"upnp/description"
	"upnp/igd/wire"
)

var (
	// ErrNotFound is in the error of an Open that found no such device.
	ErrNotFound = errors.New("no such device")

	// ErrTarget is in the error of an Open whose target is nothing that can be opened.
	ErrTarget = errors.New("neither an http URL with an IP address for a host, a UDN, an IP address nor a name")

	// ErrNoURL is a service whose description gives no URL that may be used.
	ErrNoURL = errors.New("the description has no usable URL for it")

	// ErrNoAddress is a device that no address of this host is known to face, so that it could not
	// send events here.
	ErrNoAddress = errors.New("this host has no address on the device's network")
)

// A TargetError is an Open without a result, or with more than one. It is [ErrNotFound] to errors.Is
// where nothing matched.
type TargetError struct {
	Target     string
	Candidates []*Device // those that matched, or without a match all that answered
	Ambiguous  bool      // more than one matched
	Failures   []error   // devices that could not be read, interfaces that could not take part
}

func (e *TargetError) Error() string {
	if e.Ambiguous {
		return fmt.Sprintf("device: %q could be %s", e.Target, e.list())
	}
	text := fmt.Sprintf("device: %v: %q", ErrNotFound, e.Target)
	if len(e.Candidates) > 0 {
		text += "; there is " + e.list()
	}
	return text
}

func (e *TargetError) list() string {
	var all []string
	for _, d := range e.Candidates {
		all = append(all, fmt.Sprintf("%q (%s at %s)", d.Named.FriendlyName, d.Named.UDN, d.Root.Location))
	}
	return some(all)
}

// How much of what devices call themselves is in a message.
const (
	maxListed = 40
	maxWord   = 200 // runes
)

// some is a list that is not endless, whatever is in it.
func some(words []string) string {
	more := ""
	if len(words) > maxListed {
		more = fmt.Sprintf(", and %d more", len(words)-maxListed)
		words = words[:maxListed]
	}
	short := make([]string, len(words))
	for i, word := range words {
		short[i] = wire.Sanitize(word, maxWord)
	}
	return strings.Join(short, ", ") + more
}

func (e *TargetError) Unwrap() []error {
	if e.Ambiguous {
		return e.Failures
	}
	return append([]error{ErrNotFound}, e.Failures...)
}

// An UnreadableError is a device that answered, and whose description could not be read.
type UnreadableError struct {
	UDN      string // as the answer has it
	Location string
	Err      error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("device: %s at %s: %v", e.UDN, e.Location, e.Err)
}

func (e *UnreadableError) Unwrap() error { return e.Err }

// A ServiceError is a name that no service of a device has, or more than one.
type ServiceError struct {
	Name      string
	Known     []*Service // those it could be
	Ambiguous bool       // all of Known have the name
}

func (e *ServiceError) Error() string {
	var all []string
	for _, s := range e.Known {
		all = append(all, s.Short()+" ("+lastPart(s.ID)+")")
	}
	switch {
	case e.Ambiguous:
		return fmt.Sprintf("device: service %q could be %s", e.Name, some(all))
	case len(all) == 0:
		return fmt.Sprintf("device: no service %q, nor any other", e.Name)
	}
	return fmt.Sprintf("device: no service %q; there is %s", e.Name, some(all))
}

// An ActionError is an action that a service description does not have. Nothing was sent.
type ActionError struct {
	Service string // in short
	Action  string
	Known   []string
}

func (e *ActionError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("device: %s has no actions", e.Service)
	}
	return fmt.Sprintf("device: %s has no action %q; it has %s", e.Service, e.Action, some(e.Known))
}

// A Mistake is what is wrong with an argument.
type Mistake int

const (
	Missing  Mistake = iota + 1 // an argument of the action that was not given
	Unknown                     // one the action does not have
	Repeated                    // one that was given more than once
	Invalid                     // its value is not one of the argument's
)

// An ArgumentError is an argument that a service description does not allow. Nothing was sent.
type ArgumentError struct {
	Action   string
	Argument string
	Mistake  Mistake
	Allowed  string                  // what would do: type and values, or the names of the arguments there are
	Err      *description.ValueError // of an Invalid one
}

func (e *ArgumentError) Error() string { return "device: " + e.Action + ": " + e.Words() }

// Words is the error without the action. The value of a credential is not in it.
func (e *ArgumentError) Words() string {
	name := wire.Sanitize(e.Argument, maxWord)
	switch e.Mistake {
	case Missing:
		return fmt.Sprintf("%s is missing (%s)", name, e.Allowed)
	case Unknown:
		return fmt.Sprintf("no argument %q; there is %s", name, e.Allowed)
	case Repeated:
		return name + " is given more than once"
	}
	if IsSecret(e.Argument) {
		return fmt.Sprintf("%s: %s (%s)", name, e.Err.Reason, e.Allowed)
	}
	return fmt.Sprintf("%s %.100q: %s (%s)", name, e.Err.Text, e.Err.Reason, e.Allowed)
}

// Unwrap is the reason an Invalid value is none, except for a credential, whose value it holds.
func (e *ArgumentError) Unwrap() error {
	if e.Err == nil || IsSecret(e.Argument) {
		return nil
	}
	return e.Err
}

// ArgumentErrors are all that is wrong with the arguments of one call.
type ArgumentErrors []*ArgumentError

func (e ArgumentErrors) Error() string {
	var all []string
	for _, one := range e {
		all = append(all, one.Words())
	}
	return "device: " + e[0].Action + ": " + strings.Join(all, "; ")
}

func (e ArgumentErrors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// A CallError says which action failed at which device, and why. A refusal has a *soap.Fault in its
// tree.
type CallError struct {
	Action  string
	Service string // its type
	Device  string // its address
	Err     error
}

func (e *CallError) Error() string {
	return "device: " + e.Action + " at " + e.Device + ": " + e.Err.Error()
}

func (e *CallError) Unwrap() error { return e.Err }

// IsSecret reports whether an argument or variable is a credential, by its name, as NewPassword is.
func IsSecret(name string) bool {
	lower := strings.ToLower(name)
	for _, part := range [...]string{"password", "passphrase", "secret", "credential", "presharedkey", "wepkey", "authkey", "pincode"} {
		if strings.Contains(lower, part) {
			return true
		}
	}
	return lower == "pin" || strings.HasSuffix(name, "PIN")
}
