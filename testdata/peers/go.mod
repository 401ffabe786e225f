module upnp/testdata/peers

go 1.26.0

require (
	github.com/huin/goupnp v1.3.1
	golang.org/x/sync v0.0.0-20210220032951-036812b2e83c
)
