// Command upnp opens ports on an Internet gateway and shows what the gateway says about itself.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"upnp/cmd/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	os.Exit(cli.Main(ctx, os.Args[1:], cli.System()))
}
