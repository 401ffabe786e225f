//go:build !linux

package lab_test

import "testing"

func TestLab(t *testing.T) { t.Skip("needs Linux: network namespaces") }
