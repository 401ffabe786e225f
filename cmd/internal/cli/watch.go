package cli

import (
	"context"
	"fmt"

	"upnp/igd"
)

func watchCommand() *Command {
	return &Command{
		Usage: "watch",
		Short: "changes at the gateway, as they happen",
		Long: `Prints what is now, and then a line for each change: of the port mappings, the external address and
the connection, whoever makes it, until interrupted or --timeout ends it.

live     the gateway tells of changes, and each is read back before it is printed
polling  it does not, for the reason given; it is asked every 10 to 30 seconds

A gateway that is gone is looked for, and what has become of it is a line too: it is back, has
rebooted, has moved to another port or address, or was replaced. With --json each change is an
object on a line of its own.`,
		Examples: [2]string{"upnp watch --timeout 1h", "upnp watch --json --timeout 10s"},
		Run:      runWatch,
	}
}

func runWatch(ctx context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	gw, err := s.open(ctx)
	if err != nil {
		return err
	}
	w := &watchPrinter{session: s}
	for c, err := range gw.Changes(ctx) {
		if err != nil {
			return err
		}
		if err := w.print(c); err != nil {
			return err
		}
	}
	return interrupted(ctx)
}

// A watchPrinter prints changes as they come.
type watchPrinter struct {
	*session
	begun bool // the table was printed
}

func (w *watchPrinter) print(c igd.Change) error {
	if w.options.json {
		return w.emitLine(c)
	}
	if c.Kind == igd.MappingsChanged {
		w.table(c)
	} else {
		w.line(c, "%s", changeWords(c))
	}
	return w.stdout.w.Flush()
}

func (w *watchPrinter) line(c igd.Change, format string, args ...any) {
	w.stdout.linef("%s  "+format, append([]any{w.stdout.style(dim, c.Time.Format("15:04:05"))}, args...)...)
}

// table prints what is in the table the first time, and after that what changed.
func (w *watchPrinter) table(c igd.Change) {
	added := "added"
	if !w.begun {
		added = "has"
	}
	for _, m := range c.Removed {
		w.line(c, "%s %s", w.stdout.style(red, "removed"), mappingLine(m))
	}
	for _, m := range c.Added {
		w.line(c, "%s %s", w.stdout.style(green, added), mappingLine(m))
	}
	if !w.begun && len(c.Added) == 0 {
		w.line(c, "no port mappings")
	}
	w.begun = true
}

// changeWords is a change of anything but the table.
func changeWords(c igd.Change) string {
	switch c.Kind {
	case igd.SourceChanged:
		return because(c.Source, c.Reason)
	case igd.ExternalAddressChanged:
		if !c.ExternalAddr.IsValid() {
			return "no external address"
		}
		return "external address " + c.ExternalAddr.String()
	case igd.StatusChanged:
		return "connection " + dash(c.Status)
	case igd.GatewayChanged:
		return because("gateway "+c.Gateway, c.Reason)
	}
	return fmt.Sprint(c.Kind)
}

func because(what, reason string) string {
	if reason == "" {
		return what
	}
	return what + ": " + reason
}
