package cli

import "strings"

// A column of a table. Its width only grows, because rows are printed as they come.
type column struct {
	head  string
	width int
	right bool // numbers stand at the right
}

// A table prints aligned rows as they come, the header before the first of them. The last
// column takes what is left of the line and is cut there.
type table struct {
	p       *printer
	columns []column
	limit   int  // columns of the terminal; 0 cuts nothing
	bare    bool // no header: the rows are all there is
	begun   bool
}

func (t *table) row(cells ...string) {
	if !t.begun {
		t.begun = true
		if heads := t.heads(); !t.bare {
			t.print(bold, heads)
		}
	}
	for i, c := range cells {
		cells[i] = clean(c)
		if w := width(cells[i]); i < len(t.columns)-1 && w > t.columns[i].width {
			t.columns[i].width = w
		}
	}
	t.print("", cells)
}

func (t *table) heads() []string {
	heads := make([]string, len(t.columns))
	for i, c := range t.columns {
		heads[i] = c.head
		t.columns[i].width = max(c.width, width(c.head))
	}
	return heads
}

func (t *table) print(sgr string, cells []string) {
	var b strings.Builder
	at, last := 0, len(t.columns)-1
	for i, c := range t.columns[:last] {
		b.WriteString(pad(cells[i], c.width, c.right) + "  ")
		at += c.width + 2
	}
	text := cells[last]
	if t.limit > 0 {
		text = cut(text, max(8, t.limit-at))
	}
	line := strings.TrimRight(b.String()+text, " ")
	if sgr == "" {
		t.p.linef("%s", styled(line))
		return
	}
	t.p.linef("%s", t.p.style(sgr, line))
}
