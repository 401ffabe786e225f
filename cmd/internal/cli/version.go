package cli

import (
	"context"
	"runtime"
	"runtime/debug"
)

func versionCommand() *Command {
	return &Command{
		Usage:    "version",
		Short:    "what this program is",
		Long:     `Prints the version, the revision it was built from, and the system it was built for.`,
		Examples: [2]string{"upnp version", "upnp version --json"},
		Run:      runVersion,
	}
}

type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func runVersion(_ context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	b := thisBuild()
	if s.options.json {
		return s.emit(b)
	}
	revision := ""
	if b.Revision != "" {
		revision = " " + b.Revision
	}
	s.stdout.linef("upnp %s%s (%s, %s/%s)", b.Version, revision, b.Go, b.OS, b.Arch)
	return nil
}

func thisBuild() build {
	b := build{Version: "devel", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			b.Revision = s.Value[:12]
		}
	}
	return b
}
