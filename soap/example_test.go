package soap_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"upnp/soap"
)

// A client calls two actions of a service that has one.
func Example() {
	const service = "urn:schemas-upnp-org:service:WANIPConnection:1"
	server := httptest.NewServer(&soap.Handler{
		Service: service,
		Actions: map[string]soap.ActionFunc{
			"GetExternalIPAddress": func(ctx context.Context, in soap.Args) (soap.Args, error) {
				return soap.Args{{Name: "NewExternalIPAddress", Value: "203.0.113.7"}}, nil
			},
		},
	})
	defer server.Close()

	client := &soap.Client{URL: server.URL + "/ctl/IPConn", Service: service}
	answer, err := client.Call(context.Background(), "GetExternalIPAddress")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Args.Value("NewExternalIPAddress"))

	_, err = client.Call(context.Background(), "ForceTermination")
	fmt.Println(err)
	// Output:
	// 203.0.113.7
	// soap: fault 401 "Invalid Action"
}
