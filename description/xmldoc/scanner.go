package xmldoc

type Token uint8

const (
	StartTag Token = iota + 1
	EndTag
	CharData
)

type Attr struct{ Name, Value string }

type Scanner struct{}

func NewScanner(data []byte, lim Limits) (*Scanner, error) { panic("soon") }
func (s *Scanner) Next() (Token, error)                    { panic("soon") }
func (s *Scanner) Name() string                            { panic("soon") }
func (s *Scanner) Text() string                            { panic("soon") }
func (s *Scanner) Attrs() []Attr                           { panic("soon") }
func (s *Scanner) Notes() []string                         { panic("soon") }
func SplitName(name string) (space, local string)          { panic("soon") }
