package reach_test

import (
	"context"
	"fmt"

	"upnp/igd"
	"upnp/igd/reach"
)

func ExampleChecker_Check() {
	ctx := context.Background()
	gateway, err := (&igd.Client{}).Discover(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	probe, err := reach.ParseProbe("http://probe.example:9543") // where a ProbeServer runs
	if err != nil {
		fmt.Println(err)
		return
	}
	checker := reach.Checker{Probes: []reach.Probe{probe}, Serve: true, Found: func(l reach.Look, f reach.Finding) {
		fmt.Println(l, f.Verdict, f.Reason)
	}}
	report, err := checker.Check(ctx, gateway, igd.Mapping{MappingKey: igd.MappingKey{ExternalPort: 9542, Protocol: igd.TCP}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Open)
}
