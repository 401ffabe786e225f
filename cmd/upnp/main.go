// Command upnp opens ports on an Internet gateway and shows what the gateway says about itself.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"upnp/cmd/internal/cli"
)

func main() {
	// The command waits for the network, one short exchange after another. A second processor
	// would only be woken to find nothing to do, which is a third of the work of a long listing.
	runtime.GOMAXPROCS(1)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	os.Exit(cli.Main(ctx, os.Args[1:], cli.System()))
}
