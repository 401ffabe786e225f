package soap

import "upnp/description/xmldoc"

// An Arg is one argument of an action, as text.
type Arg struct{ Name, Value string }

// Args are the arguments of a call or of its answer, in the order of the wire.
type Args []Arg

// Get returns the value of the argument with that name, the first if there are several. If
// none is spelt exactly so, the case of ASCII letters is ignored: some devices answer in
// upper case.
func (a Args) Get(name string) (value string, ok bool) {
	for i := range a {
		if a[i].Name == name {
			return a[i].Value, true
		}
	}
	for i := range a {
		if xmldoc.EqualName(a[i].Name, name) {
			return a[i].Value, true
		}
	}
	return "", false
}

// Value returns what [Args.Get] returns, and "" for an argument that is not there.
func (a Args) Value(name string) string {
	value, _ := a.Get(name)
	return value
}
