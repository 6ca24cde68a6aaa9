package termsvg

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

func TestDraw(t *testing.T) {
	picture := string(Draw("$ run <x>", "\x1b[31;1merror\x1b[0;22m: a & b\n\n  plain\n"))
	for _, want := range []string{
		`<tspan fill="#ff7b72" font-weight="bold">error</tspan>: a &amp; b`, "$ run &lt;x&gt;", "  plain",
	} {
		if !strings.Contains(picture, want) {
			t.Errorf("no %q in\n%s", want, picture)
		}
	}
	if strings.Contains(picture, "\x1b") {
		t.Error("an escape sequence is left")
	}
	for dec := xml.NewDecoder(strings.NewReader(picture)); ; {
		if _, err := dec.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
