package sanitize_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/sanitize"
)

// hostile sets a terminal's title, clears it, uses an 8-bit introducer, and turns the direction of the text.
const hostile = "web\x1b]0;title\a\x1b[2J\u009b31m\u202e\r\u007fend"

func TestNoMediumLetsCommandsThrough(t *testing.T) {
	for name, f := range map[string]func(string) string{
		"line": sanitize.Line, "lines": sanitize.Lines, "page": sanitize.Page, "markdown": sanitize.Markdown,
		"github data": sanitize.GitHubData, "github property": sanitize.GitHubProperty,
	} {
		got := f(hostile)
		if strings.ContainsAny(
			got, "\x1b\a\r\u009b\u202e\u007f",
		) || !strings.HasPrefix(got, "web") || !strings.HasSuffix(got, "end") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestLinesStayWhereTheyAreWanted(t *testing.T) {
	const text = "a\tb\nc"
	if got := sanitize.Lines(text); got != text {
		t.Errorf("lines: %q", got)
	}
	if got := sanitize.Line(text); got != "a b c" {
		t.Errorf("line: %q", got)
	}
	if got := sanitize.GitHubData("a: 1,\n100%"); got != "a: 1,%0A100%25" {
		t.Errorf("data: %q", got)
	}
	if got := sanitize.GitHubProperty("a:b,c\nd"); got != "a%3Ab%2Cc%0Ad" {
		t.Errorf("property: %q", got)
	}
}

func TestMarkdownStaysText(t *testing.T) {
	got := sanitize.Markdown("<b>[x](http://y)`*_|@team")
	if strings.ContainsAny(got, "<>@") || strings.Contains(got, "[x](") {
		t.Errorf("%q", got)
	}
}

func TestJSONKeepsItsValue(t *testing.T) {
	document, err := json.Marshal(map[string]string{"name": hostile})
	if err != nil {
		t.Fatal(err)
	}
	safe := sanitize.JSON(document)
	if strings.ContainsAny(string(safe), "\x1b\u009b\u202e\u007f") {
		t.Errorf("%q", safe)
	}
	var back map[string]string
	if err := json.Unmarshal(safe, &back); err != nil || back["name"] != hostile {
		t.Errorf("%q, %v", back["name"], err)
	}
	if plain := []byte(`{"a":"é"}`); &sanitize.JSON(plain)[0] != &plain[0] {
		t.Error("a document without such characters is copied")
	}
}

func TestWriter(t *testing.T) {
	var b strings.Builder
	text := hostile + "\n"
	if n, err := sanitize.Writer(&b).Write([]byte(text)); n != len(text) || err != nil ||
		b.String() != sanitize.Lines(text) {
		t.Errorf("%d, %v, %q", n, err, b.String())
	}
}

func TestCopyReachesEveryString(t *testing.T) {
	type inner struct {
		Text *string
		List []string
	}
	type outer struct {
		Inner  []inner
		Number int
		None   []string
	}
	text := "a\x1b"
	v := &outer{Inner: []inner{{&text, []string{"b\x1b"}}}, Number: 3}
	got := sanitize.Copy(v, sanitize.Line)
	if *got.Inner[0].Text != "a\uFFFD" || got.Inner[0].List[0] != "b\uFFFD" || got.Number != 3 || got.None != nil {
		t.Errorf("%+v", got)
	}
	if text != "a\x1b" || v.Inner[0].List[0] != "b\x1b" {
		t.Error("the original has changed")
	}
}
