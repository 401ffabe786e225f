package soap

import (
	"fmt"
	"strings"

	"upnp/description/xmldoc"
)

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

func (a Args) has(name string) bool {
	for i := range a {
		if a[i].Name == name {
			return true
		}
	}
	return false
}

func (a Args) appendText(dst []byte) ([]byte, error) {
	for _, arg := range a {
		if err := checkName("argument name", arg.Name); err != nil {
			return dst, err
		}
		dst = append(dst, '<')
		dst = append(dst, arg.Name...)
		dst = append(dst, '>')
		dst = xmldoc.AppendText(dst, arg.Value)
		dst = append(dst, "</"...)
		dst = append(dst, arg.Name...)
		dst = append(dst, '>')
	}
	return dst, nil
}

// readArgs reads the elements inside the one s is at. Values are copies, so that keeping one
// does not keep the document. An argument that the end of the document has cut is left out:
// 80 may be what is left of 8080.
func readArgs(s *xmldoc.Scanner) (args Args, notes []string, err error) {
	args = make(Args, 0, 8)
	for depth := s.Depth(); s.Depth() >= depth; {
		token, err := s.Next()
		if err != nil {
			return nil, nil, err
		}
		if token != xmldoc.StartTag {
			continue
		}
		arg, note, err := readArg(s)
		switch {
		case err != nil:
			return nil, nil, err
		case len(args) == maxArgs:
			return nil, nil, &xmldoc.SyntaxError{Element: arg.Name, Reason: fmt.Sprintf("more than %d arguments", maxArgs)}
		case note == "" && args.has(arg.Name):
			note = arg.Name + " is there more than once"
		}
		if note != "" {
			notes = append(notes, note)
		}
		if !s.Truncated() {
			args = append(args, arg)
		}
	}
	return args, notes, nil
}

func readArg(s *xmldoc.Scanner) (arg Arg, note string, err error) {
	arg.Name = s.Local()
	value, nested, err := s.Content()
	switch {
	case s.Truncated():
		note = arg.Name + " is cut off and left out"
	case nested:
		note = arg.Name + " holds elements that should be escaped"
	}
	arg.Value = strings.Clone(unpad(value))
	return arg, note, err
}

// unpad removes space around a value if a line break is part of it: that is how devices
// indent, while a mere blank may belong to the value.
func unpad(value string) string {
	if strings.IndexByte(value, '\n') < 0 {
		return value
	}
	return strings.TrimSpace(value)
}
