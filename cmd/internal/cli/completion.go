package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"upnp/igd/emulator"
)

func completionCommand() *Command {
	return &Command{
		Usage: "completion bash|zsh|fish",
		Short: "make the shell complete verbs and flags",
		Long: `Prints a script that teaches a shell the verbs, their flags and what goes with them.

bash   source <(upnp completion bash)                               in ~/.bashrc
zsh    source <(upnp completion zsh)                                in ~/.zshrc
fish   upnp completion fish > ~/.config/fish/completions/upnp.fish  once`,
		Examples: [2]string{"upnp completion bash", "upnp completion fish"},
		Run:      runCompletion,
	}
}

func runCompletion(_ context.Context, s *session, args []string) error {
	if len(args) != 1 {
		return usagef("for which shell? bash, zsh or fish")
	}
	switch args[0] {
	case "bash":
		bashCompletion(s.stdout.w)
	case "zsh": // has its own complete and compgen for scripts of bash
		fmt.Fprintln(s.stdout.w, "autoload -Uz bashcompinit && bashcompinit")
		bashCompletion(s.stdout.w)
	case "fish":
		fishCompletion(s.stdout.w)
	default:
		return usagef("%q: bash, zsh or fish", args[0])
	}
	return nil
}

// A flagValue is what may follow a flag.
type flagValue struct {
	words []string // a choice
	file  bool     // or a file
	none  bool     // or nothing at all
}

func valueOf(f *flag.Flag) flagValue {
	if isBool(f) {
		return flagValue{none: true}
	}
	switch f.Name {
	case "color":
		return flagValue{words: []string{"auto", "always", "never"}}
	case "profile":
		return flagValue{words: profileNames()}
	case "quirk":
		return flagValue{words: quirkNames()}
	case "wire", "f", "journal", "bundle":
		return flagValue{file: true}
	}
	return flagValue{}
}

// argumentsOf are the words a verb takes, as far as they are known beforehand.
func argumentsOf(c *Command) (words []string, file bool) {
	switch c.Name() {
	case "completion":
		return []string{"bash", "zsh", "fish"}, false
	case "help":
		return verbNames(), false
	case "apply":
		return nil, true
	}
	return nil, false
}

func profileNames() []string {
	var names []string
	for _, p := range emulator.Profiles() {
		names = append(names, p.Name)
	}
	return names
}

func quirkNames() []string {
	var names []string
	for _, q := range emulator.Quirks() {
		names = append(names, q.Name)
	}
	slices.Sort(names)
	return names
}

// allFlags are a verb's own flags and the global ones; of no verb only those.
func allFlags(c *Command) *flag.FlagSet {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	(&options{}).declare(fs)
	if c != nil && c.Flags != nil {
		c.Flags(fs)
	}
	return fs
}

func flagWords(fs *flag.FlagSet) string {
	var words []string
	fs.VisitAll(func(f *flag.Flag) { words = append(words, dashed(f.Name)) })
	return strings.Join(append(words, "--help"), " ")
}

// valueFlags are the flags of all verbs that take a value, with what it may be.
func valueFlags() (names []string, values map[string]flagValue) {
	values = map[string]flagValue{}
	for _, c := range commands() {
		allFlags(c).VisitAll(func(f *flag.Flag) {
			if v := valueOf(f); !v.none {
				values[dashed(f.Name)] = v
			}
		})
	}
	for n := range values {
		names = append(names, n)
	}
	slices.Sort(names)
	return names, values
}

func bashCompletion(w io.Writer) {
	fmt.Fprint(w, `_upnp() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= i words= files=
    COMPREPLY=()
`)
	bashVerb(w)
	bashValues(w)
	fmt.Fprintln(w, "    case $verb in")
	fmt.Fprintf(w, "    '') words='%s %s' ;;\n", strings.Join(verbNames(), " "), flagWords(allFlags(nil)))
	for _, c := range commands() {
		arguments, file := argumentsOf(c)
		words := strings.TrimSpace(strings.Join(arguments, " ") + " " + flagWords(allFlags(c)))
		set := fmt.Sprintf("words='%s'", words)
		if file {
			set += " files=1"
		}
		fmt.Fprintf(w, "    %s) %s ;;\n", c.Name(), set)
	}
	fmt.Fprint(w, `    esac
    if [[ $files && $cur != -* ]]; then
        COMPREPLY=($(compgen -f -- "$cur"))
    else
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
    fi
}
complete -o filenames -F _upnp upnp
`)
}

// bashVerb writes the loop that finds the verb among the words before the cursor.
func bashVerb(w io.Writer) {
	names, _ := valueFlags()
	fmt.Fprintf(w, `    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        %s) ((i++)) ;;
        -*) ;;
        *) verb=${COMP_WORDS[i]}; break ;;
        esac
    done
`, strings.Join(names, "|"))
}

// bashValues writes what completes the value of the flag before the cursor.
func bashValues(w io.Writer) {
	names, values := valueFlags()
	var free []string
	fmt.Fprintln(w, "    case $prev in")
	for _, n := range names {
		switch v := values[n]; {
		case v.file:
			fmt.Fprintf(w, "    %s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", n)
		case len(v.words) > 0:
			fmt.Fprintf(w, "    %s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", n, strings.Join(v.words, " "))
		default:
			free = append(free, n)
		}
	}
	fmt.Fprintf(w, "    %s) return ;;\n    esac\n", strings.Join(free, "|"))
}

func fishCompletion(w io.Writer) {
	verbs := strings.Join(verbNames(), " ")
	fmt.Fprintln(w, "complete -c upnp -f")
	allFlags(nil).VisitAll(func(f *flag.Flag) { fishFlag(w, "", f) })
	for _, c := range commands() {
		fmt.Fprintf(w, "complete -c upnp -n 'not __fish_seen_subcommand_from %s' -a %s -d %s\n", verbs, c.Name(), fishQuote(c.Short))
		in := fmt.Sprintf(" -n '__fish_seen_subcommand_from %s'", c.Name())
		words, file := argumentsOf(c)
		switch {
		case file:
			fmt.Fprintf(w, "complete -c upnp%s -F\n", in)
		case len(words) > 0:
			fmt.Fprintf(w, "complete -c upnp%s -a '%s'\n", in, strings.Join(words, " "))
		}
		if c.Flags != nil {
			fs := flag.NewFlagSet("", flag.ContinueOnError)
			c.Flags(fs)
			fs.VisitAll(func(f *flag.Flag) { fishFlag(w, in, f) })
		}
	}
}

func fishFlag(w io.Writer, condition string, f *flag.Flag) {
	kind := "-l"
	if len(f.Name) == 1 {
		kind = "-s"
	}
	_, usage := flag.UnquoteUsage(f)
	line := fmt.Sprintf("complete -c upnp%s %s %s -d %s", condition, kind, f.Name, fishQuote(usage))
	switch v := valueOf(f); {
	case v.none:
	case v.file:
		line += " -r -F"
	case len(v.words) > 0:
		line += " -x -a '" + strings.Join(v.words, " ") + "'"
	default:
		line += " -x"
	}
	fmt.Fprintln(w, line)
}

// fishQuote quotes a text for fish, which knows two escapes inside single quotes.
func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
