package igd

// A Memory keeps what worked with a router, so that the next call goes straight there.
// Implementations must be safe for concurrent use.
type Memory interface {
	Load(key string) (Remembered, bool)
	Store(key string, r Remembered)
}

// Remembered is what a Memory keeps of one network or router model.
type Remembered struct {
	Location string            `json:"location,omitempty"`
	UDN      string            `json:"udn,omitempty"`
	Worked   map[string]string `json:"worked,omitempty"` // rung kind to what worked
}
