package wire

import (
	"regexp"
	"sync"
)

// pattern is a regular expression, compiled at its first use: to compile those of this package
// takes half a millisecond, which every start of the command would pay and hardly one needs.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
