package wire

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// standIns are the values replaced so far and what stands for them.
type standIns struct {
	addrs  map[netip.Addr]netip.Addr
	texts  map[string]int    // the number of a value, by kind and value
	counts map[string]int    // numbers given, by kind
	words  map[string]string // learned values that are replaced wherever they stand
	order  []string          // of words
}

func newStandIns() *standIns {
	return &standIns{
		addrs: make(map[netip.Addr]netip.Addr), texts: make(map[string]int),
		counts: make(map[string]int), words: make(map[string]string),
	}
}

// count gives the next number of a kind, from 1.
func (v *standIns) count(kind string) int {
	v.counts[kind]++
	return v.counts[kind]
}

// number is the number of a value: the same for the same value, however it is spelled.
func (v *standIns) number(kind, value string) int {
	key := kind + " " + value
	if v.texts[key] == 0 {
		v.texts[key] = v.count(kind)
	}
	return v.texts[key]
}

func (v *standIns) addrPort(ap netip.AddrPort) netip.AddrPort {
	if !ap.IsValid() {
		return ap
	}
	return netip.AddrPortFrom(v.addr(ap.Addr()), ap.Port())
}

// addr is the stand-in of an address, and an address that tells nothing itself. It takes as many
// characters as the address does.
func (v *standIns) addr(a netip.Addr) netip.Addr {
	if a.Is4In6() {
		if s := v.addr(a.Unmap()); s != a.Unmap() {
			return netip.AddrFrom16(s.As16()).WithZone(a.Zone())
		}
		return a
	}
	plain := a.WithZone("")
	if !isPublic(plain) && !hasMAC(plain) {
		return a
	}
	s, known := v.addrs[plain]
	if !known {
		s = v.newAddr(plain)
		v.addrs[plain] = s
	}
	return s.WithZone(a.Zone())
}

var (
	notPublic = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("2001:db8::/32"),
	}
	global6 = netip.MustParsePrefix("2000::/3")
)

// isPublic reports whether an address can be somebody's on the Internet.
func isPublic(a netip.Addr) bool {
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsGlobalUnicast() && !a.IsPrivate() && (a.Is4() || global6.Contains(a))
}

// hasMAC reports whether an IPv6 address was made from a MAC address (RFC 4291, A).
func hasMAC(a netip.Addr) bool {
	b := a.As16()
	return a.Is6() && b[11] == 0xff && b[12] == 0xfe
}

// A digits is a number, and the lowest and highest with as many digits.
type digits struct{ value, low, high uint32 }

// newAddr makes the next stand-in of the form of a. What is fixed in it is that it is public, or
// where its network is.
func (v *standIns) newAddr(a netip.Addr) netip.Addr {
	if a.Is4() {
		return v.newAddr4(a.As4())
	}
	b := a.As16()
	var fields [8]digits
	for i := range fields {
		group := uint32(binary.BigEndian.Uint16(b[2*i:]))
		fields[i] = digits{value: group, low: lowest(group, 16), high: min(0xffff, lowest(group, 16)*16-1)}
	}
	from := 4
	if isPublic(a) {
		fields[0].value, from = 0x2fff, 1
	}
	v.fill(fields[from:])
	for i, f := range fields {
		binary.BigEndian.PutUint16(b[2*i:], uint16(f.value))
	}
	return netip.AddrFrom16(b)
}

func (v *standIns) newAddr4(b [4]byte) netip.Addr {
	var fields [4]digits
	for i, octet := range b {
		fields[i] = digits{low: lowest(uint32(octet), 10), high: min(249, lowest(uint32(octet), 10)*10-1)}
	}
	fields[0].value = map[uint32]uint32{1: 9, 10: 55, 100: 203}[fields[0].low]
	v.fill(fields[1:])
	for i := range b {
		b[i] = byte(fields[i].value)
	}
	return netip.AddrFrom4(b)
}

// lowest is the lowest number of as many digits.
func lowest(n, base uint32) uint32 {
	low := uint32(1)
	for n/low >= base {
		low *= base
	}
	return low
}

// fill counts: the last field goes up fastest. A field of an IPv6 address that is zero stays so,
// which keeps its :: where it is.
func (v *standIns) fill(fields []digits) {
	form := ""
	for _, f := range fields {
		form += strconv.Itoa(int(f.high)) + "." + strconv.FormatBool(isZero(f)) + " "
	}
	n := uint32(v.count("address "+form)) - 1
	for i := len(fields) - 1; i >= 0; i-- {
		if f := &fields[i]; !isZero(*f) {
			size := f.high - f.low + 1
			f.value, n = f.low+n%size, n/size
		}
	}
}

func isZero(f digits) bool { return f.value == 0 && f.high == 15 }

// numbered is a value with its letters and digits replaced, and its number in the last of them.
func numbered(value string, letter, digit byte, n int) string {
	b := []byte(value)
	number := strconv.Itoa(n)
	for i := len(b) - 1; i >= 0; i-- {
		switch c := b[i]; {
		case !isWordByte(c):
		case number != "":
			b[i], number = number[len(number)-1], number[:len(number)-1]
		case c >= '0' && c <= '9':
			b[i] = digit
		case c >= 'A' && c <= 'Z':
			b[i] = strings.ToUpper(string(letter))[0]
		default:
			b[i] = letter
		}
	}
	return string(b)
}

// isWordByte reports what of a value says something; what is not ASCII does.
func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// word is the stand-in of a value that has no form.
func (v *standIns) word(value string) string {
	return numbered(value, 'x', '0', v.number("word "+strconv.Itoa(len(value)), value))
}

// hex is the stand-in of a UUID or a MAC address in one of its spellings.
func (v *standIns) hex(value string) string {
	plain := strings.ToLower(strings.NewReplacer("-", "", ":", "", ".", "").Replace(value))
	if len(plain) == 12 { // 02 is an address that nobody was given
		return "02" + numbered(value, '0', '0', v.number("MAC", plain))[2:]
	}
	return numbered(value, '0', '0', v.number("UUID", plain))
}
