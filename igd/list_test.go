package igd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"upnp/igd/wire"
)

// A shelf is a table that answers by index, in whatever way a test wants.
type shelf struct {
	Backend
	at    func(call, index int) (Mapping, error)
	calls int
	gone  bool // the router does not answer at all
}

func (s *shelf) MappingAt(_ context.Context, index int) (Mapping, error) {
	s.calls++
	return s.at(s.calls, index)
}

func (s *shelf) ExternalAddr(context.Context) (netip.Addr, error) {
	if s.gone {
		return netip.Addr{}, &wire.ConnectError{Err: io.EOF}
	}
	return netip.Addr{}, nil
}

func numbered(port int) Mapping {
	return Mapping{MappingKey: MappingKey{"", uint16(port), TCP}, InternalClient: netip.MustParseAddr("192.168.1.20"), InternalPort: 80}
}

// ports lists a shelf: the external ports in order, and the errors met.
func ports(s *shelf) (listed []int, failures []error) {
	for m, err := range Mappings(context.Background(), s) {
		if err != nil {
			failures = append(failures, err)
			continue
		}
		listed = append(listed, int(m.ExternalPort))
	}
	return listed, failures
}

func table(list ...Mapping) func(int, int) (Mapping, error) {
	return func(_, index int) (Mapping, error) {
		if index >= len(list) {
			return Mapping{}, ErrNoSuchIndex
		}
		return list[index], nil
	}
}

func TestListEnds(t *testing.T) {
	cut := &OpError{Op: getGeneric, Err: &wire.AnswerError{Err: io.EOF}}
	html := &OpError{Op: getGeneric, Err: &wire.HeadError{Reason: "no HTTP"}}
	for _, row := range []struct {
		name string
		end  error
	}{
		{"713", ErrNoSuchIndex},
		{"714", ErrNoSuchEntry},
		{"402", ErrInvalidArgs},
		{"501", ErrActionFailed},
		{"a code of its own", Error{Code: -911}},
		{"closed connection", cut},
		{"no XML", html},
	} {
		for _, n := range []int{0, 1, 3} {
			t.Run(fmt.Sprintf("%s after %d", row.name, n), func(t *testing.T) {
				s := &shelf{at: func(_, index int) (Mapping, error) {
					if index >= n {
						return Mapping{}, row.end
					}
					return numbered(1000 + index), nil
				}}
				listed, failures := ports(s)
				if len(listed) != n || len(failures) > 0 {
					t.Errorf("listed %v, failures %v", listed, failures)
				}
			})
		}
	}
}

func TestListEndsInRepetition(t *testing.T) {
	s := &shelf{at: func(_, index int) (Mapping, error) { return numbered(1000 + min(index, 4)), nil }}
	listed, failures := ports(s)
	if diff := cmp.Diff([]int{1000, 1001, 1002, 1003, 1004}, listed); diff != "" || len(failures) > 0 {
		t.Error(diff, failures)
	}
	if s.calls > 12 {
		t.Errorf("took %d calls to see it", s.calls)
	}
}

func TestListFailures(t *testing.T) {
	dead := &OpError{Op: getGeneric, Err: &wire.ConnectError{Err: io.EOF}}
	cut := &OpError{Op: getGeneric, Err: &wire.AnswerError{Err: io.EOF}}
	for _, row := range []struct {
		name string
		err  error
		gone bool
	}{
		{"no such action", ErrInvalidAction, false},
		{"not authorized", ErrNotAuthorized, false},
		{"cannot connect", dead, false},
		{"cut off by a router that is gone", cut, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &shelf{gone: row.gone, at: func(_, index int) (Mapping, error) {
				if index == 2 || row.gone && index > 2 {
					return Mapping{}, row.err
				}
				return numbered(1000 + index), nil
			}}
			listed, failures := ports(s)
			if len(listed) != 2 || len(failures) != 1 || !errors.Is(failures[0], row.err) {
				t.Errorf("listed %v, failures %v", listed, failures)
			}
		})
	}
}

func TestListFromOne(t *testing.T) {
	s := &shelf{at: func(_, index int) (Mapping, error) {
		if index == 0 || index > 3 {
			return Mapping{}, ErrInvalidArgs
		}
		return numbered(1000 + index), nil
	}}
	if listed, failures := ports(s); !slices.Equal(listed, []int{1001, 1002, 1003}) || len(failures) > 0 {
		t.Error(listed, failures)
	}
}

func TestListStepsOver(t *testing.T) {
	s := &shelf{at: table(numbered(1), Mapping{}, numbered(3), numbered(4))}
	if listed, failures := ports(s); !slices.Equal(listed, []int{1, 3, 4}) || len(failures) > 0 {
		t.Error("a placeholder:", listed, failures)
	}
	broken := &OpError{Op: getGeneric, Err: &entryError{1, io.ErrUnexpectedEOF}}
	s = &shelf{at: func(_, index int) (Mapping, error) {
		if index == 1 {
			return Mapping{}, broken
		}
		return table(numbered(1), numbered(2), numbered(3))(0, index)
	}}
	if listed, failures := ports(s); !slices.Equal(listed, []int{1, 3}) || len(failures) != 1 {
		t.Error("an unreadable entry:", listed, failures)
	}
}

func TestListStops(t *testing.T) {
	s := &shelf{at: func(_, index int) (Mapping, error) { return numbered(1 + index), nil }}
	for m := range Mappings(context.Background(), s) {
		if m.ExternalPort == 5 {
			break
		}
	}
	if s.calls != 5 {
		t.Errorf("%d calls for five entries", s.calls)
	}
}

func TestListIsBounded(t *testing.T) {
	s := &shelf{at: func(_, index int) (Mapping, error) {
		m := numbered(index)
		m.RemoteHost = fmt.Sprint(index)
		return m, nil
	}}
	for range Mappings(context.Background(), s) {
	}
	if s.calls > maxEntries+100 {
		t.Errorf("%d calls to an endless table", s.calls)
	}
}

// TestListOfMovingTable: a slow walk during which the table shifts still tells every entry that
// was there all along, each once.
func TestListOfMovingTable(t *testing.T) {
	original := []Mapping{numbered(1), numbered(2), numbered(3), numbered(4), numbered(5), numbered(6)}
	for _, row := range []struct {
		name   string
		change func([]Mapping) []Mapping
		want   []int
	}{
		{"one added in front", func(l []Mapping) []Mapping { return slices.Insert(l, 0, numbered(99)) }, []int{1, 2, 3, 4, 5, 6, 99}},
		{"one removed behind the walk", func(l []Mapping) []Mapping { return slices.Delete(l, 1, 2) }, []int{1, 2, 3, 4, 5, 6}},
		{"one removed at the start", func(l []Mapping) []Mapping { return slices.Delete(l, 0, 1) }, []int{1, 2, 3, 4, 5, 6}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				list := slices.Clone(original)
				s := &shelf{at: func(call, index int) (Mapping, error) {
					time.Sleep(50 * time.Millisecond)
					if call == 4 {
						list = row.change(list)
					}
					return table(list...)(call, index)
				}}
				listed, failures := ports(s)
				slices.Sort(listed)
				if diff := cmp.Diff(row.want, listed); diff != "" || len(failures) > 0 {
					t.Error(diff, failures)
				}
			})
		})
	}
}

func TestListOfTableThatNeverRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{at: func(call, index int) (Mapping, error) {
			time.Sleep(50 * time.Millisecond)
			if index > 4 {
				return Mapping{}, ErrNoSuchIndex
			}
			return numbered(call), nil
		}}
		if _, failures := ports(s); len(failures) != 1 || failures[0] != ErrTableChanged {
			t.Errorf("failures %v, want ErrTableChanged", failures)
		}
	})
}
