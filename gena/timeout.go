package gena

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// How long subscriptions last.
const (
	DefaultTimeout = 30 * time.Minute // asked for, and taken when nothing usable was said
	MinTimeout     = time.Minute      // the least and most a Publisher grants
	MaxTimeout     = 24 * time.Hour
)

func formatTimeout(d time.Duration) string {
	return "Second-" + strconv.FormatInt(int64(d/time.Second), 10)
}

// parseTimeout reads a TIMEOUT header: "Second-300", or just 300, in a list or alone. What has
// no number, "Second-infinite" above all, is DefaultTimeout, as version 1.1 has it for absence.
func parseTimeout(header string) time.Duration {
	for part := range strings.SplitSeq(header, ",") {
		digits := part[strings.LastIndexByte(part, '-')+1:]
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 63)
		if err == nil && n > 0 || errors.Is(err, strconv.ErrRange) {
			return time.Duration(min(n, uint64(MaxTimeout/time.Second))) * time.Second
		}
	}
	return DefaultTimeout
}
