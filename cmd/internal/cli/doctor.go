package cli

import (
	"context"
	"flag"
	"strings"

	"upnp/cmd/internal/machine"
	"upnp/igd"
)

type doctorOptions struct {
	readOnly bool
	bundle   string
}

func doctorCommand() *Command {
	o := &doctorOptions{}
	return &Command{
		Usage: "doctor",
		Short: "why does it not work?",
		Long: `Looks at all that stands between a program and an open port: this machine, its network, who answers,
the router, its Internet connection, its table, a mapping, its events. Names the cause in a sentence, and
says of each finding what was seen and what to do.

problem  a port cannot be opened, or not be reached from the Internet
warning  it works, but not as well as one may think
note     good to know

A mapping is made for the test, at a port from 55000 up that leads nowhere, and removed again, on ^C too;
--read-only makes none. Whether a port of yours is really open is told by upnp check.

--bundle writes an archive to attach to a bug report: the report, every message sent and received, and
the version. Addresses of yours, serial numbers and the like are replaced in it by stand-ins; names of
devices and descriptions of mappings are not. Look through it before you give it away.

It ends with exit code 0 if there is no problem, 3 if there is no gateway, else 1.`,
		Examples: [2]string{"upnp doctor", "upnp doctor --read-only --bundle upnp-report.tar.gz"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *doctorOptions) flags(fs *flag.FlagSet) {
	fs.BoolVar(&o.readOnly, "read-only", false, "try no mapping, change nothing on the router")
	fs.StringVar(&o.bundle, "bundle", "", "write an archive for a bug report to `FILE`, .tar.gz or .zip")
}

func (o *doctorOptions) run(ctx context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	b, err := s.newBundle(ctx, o.bundle)
	if err != nil {
		return err
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	p := &doctorPrinter{session: s}
	survey := igd.Survey{Client: client, Target: s.options.gateway, Write: !o.readOnly, Words: s.advice, Doing: p.doing, Found: p.found}
	if s.base == nil && !s.options.emulated.on {
		survey.Machine = machine.System{}
	}
	report := survey.Run(ctx)
	p.done()
	if err := p.report(report); err != nil {
		return err
	}
	if err := b.write(s, report); err != nil {
		return err
	}
	return diagnosis(ctx, report)
}

// advice puts an error into words for a report.
func (s *session) advice(err error) igd.Advice {
	e := s.explain(err)
	return igd.Advice{What: e.Error(), Do: sentence(e.Hint)}
}

// sentence makes one of a hint, which stands behind a semicolon elsewhere.
func sentence(hint string) string {
	if hint == "" {
		return ""
	}
	return strings.ToUpper(hint[:1]) + hint[1:] + "."
}

// diagnosis is how the verb ends; everything has been said.
func diagnosis(ctx context.Context, r *igd.Report) error {
	switch {
	case ctx.Err() != nil && r.Conclusion.ID == igd.FindStopped:
		return &ExitError{Code: exitFailed, Kind: "timeout"}
	case r.Conclusion.Severity != igd.Problem:
		return nil
	case r.Gateway == nil:
		return &ExitError{Code: exitNoGateway, Kind: "noGateway"}
	}
	return &ExitError{Code: exitFailed, Kind: "failed"}
}

// A doctorPrinter tells of an examination: to a terminal of each finding as it is made and of the
// conclusion at the end, where the eye is; to a file of the conclusion first.
type doctorPrinter struct {
	*session
	over func() // takes away the line on what is going on
}

func (p *doctorPrinter) doing(what string) {
	p.done()
	p.over = p.progress(what)
}

func (p *doctorPrinter) done() {
	if p.over != nil {
		p.over()
	}
	p.over = nil
}

func (p *doctorPrinter) found(f igd.Finding) {
	if p.options.json || !p.OutTerminal {
		return
	}
	p.done()
	showFinding(p.stdout, f, p.Columns)
	p.stdout.w.Flush()
}

func (p *doctorPrinter) report(r *igd.Report) error {
	switch {
	case p.options.json:
		return p.emit(r)
	case p.OutTerminal:
		p.stdout.linef("")
		showConclusion(p.stdout, r.Conclusion, p.Columns)
	default:
		showReport(p.stdout, r, p.Columns)
	}
	return nil
}

// showReport prints all of a report for people, the conclusion first.
func showReport(p *printer, r *igd.Report, columns int) {
	showConclusion(p, r.Conclusion, columns)
	p.linef("")
	for _, f := range r.Findings {
		showFinding(p, f, columns)
	}
}

func showConclusion(p *printer, f igd.Finding, columns int) {
	for line := range strings.SplitSeq(fold(clean(f.What), columns), "\n") {
		p.linef("%s", p.style(bold, line))
	}
	showUnder(p, "", "→ ", f.Do, columns)
}

// severityColor is how severities look.
var severityColor = map[igd.Severity]string{igd.OK: green, igd.Note: dim, igd.Warning: yellow, igd.Problem: red}

// findingIndent is where the text of a finding begins.
const findingIndent = "         "

// maxShown is how much evidence of one finding is printed; --json has all.
const maxShown = 12

func showFinding(p *printer, f igd.Finding, columns int) {
	label := pad(string(f.Severity), len(findingIndent), false)
	what := hang(f.What, len(findingIndent), columns)
	p.linef("%s%s", p.style(severityColor[f.Severity], label), styled(what))
	for i, line := range f.Evidence {
		if i == maxShown {
			showUnder(p, findingIndent, "· ", "and "+plural(len(f.Evidence)-i, "more line")+"; --json has all", columns)
			break
		}
		showUnder(p, findingIndent, "· ", line, columns)
	}
	showUnder(p, findingIndent, "→ ", f.Do, columns)
}

// showUnder prints a text behind a sign, if there is one.
func showUnder(p *printer, indent, sign, text string, columns int) {
	if text != "" {
		p.linef("%s%s%s", indent, sign, styled(hang(text, len(indent)+width(sign), columns)))
	}
}

// hang folds a text that begins at a column, so that all its lines do.
func hang(text string, at, columns int) string {
	if columns > 0 {
		columns = max(columns-at, 20)
	}
	return strings.ReplaceAll(fold(clean(text), columns), "\n  ", "\n"+strings.Repeat(" ", at))
}
