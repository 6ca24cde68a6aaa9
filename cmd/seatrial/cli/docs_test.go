package cli

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/termsvg"
)

// console is a block of the documentation that shows a command and what it prints. An exit code
// other than 0 stands in the last line, as a shell comment.
var console = regexp.MustCompile("(?ms)^```console\n\\$ seatrial ([^\n]*)\n(.*?)^```$")

// TestDocumentationShowsRealOutput runs the commands of README.md and docs/; UPDATE=1 rewrites what
// they print.
func TestDocumentationShowsRealOutput(t *testing.T) {
	t.Chdir("../../..")
	klog.SetLogger(logr.Discard())
	self := os.Args[0]
	os.Args[0] = "seatrial" // as which the program starts itself again
	t.Cleanup(func() { os.Args[0] = self })
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, page := range append(pages, "README.md") {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		env := map[string]string{trialEnv: filepath.Join(t.TempDir(), "trial")} // the commands of a page share a trial
		real := console.ReplaceAllStringFunc(string(data), func(block string) string {
			m := console.FindStringSubmatch(block)
			shown++
			printed := "```console\n$ seatrial " + m[1] + "\n" + transcript(t, strings.Fields(m[1]), env) + "```"
			if printed != block {
				t.Logf("%s shows\n%s\nprinted is\n%s", page, block, printed)
			}
			return printed
		})
		if real == string(data) {
			continue
		}
		if os.Getenv("UPDATE") == "" {
			t.Errorf("%s shows what is not printed: run make update", page)
		} else if err := os.WriteFile(page, []byte(real), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if shown == 0 {
		t.Error("no commands in the documentation")
	}
}

// transcript returns what a command prints, and its exit code where it is not 0.
func transcript(t *testing.T, args []string, env map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	code := Run(
		context.Background(), args,
		Streams{In: strings.NewReader(""), Out: &out, Err: &out, Getenv: func(name string) string { return env[name] }},
	)
	text := out.String()
	if code != exitClean {
		text += "# exit code " + string(rune('0'+code)) + "\n"
	}
	return text
}

// pictures are drawn from what the program prints: the command and how many of its lines.
var pictures = map[string]struct {
	command string
	lines   int
}{
	"docs/images/lint.svg": {"lint --rules none examples/shop.yaml", 43},
}

// TestPicturesShowRealOutput draws the pictures of the documentation; UPDATE=1 rewrites them.
func TestPicturesShowRealOutput(t *testing.T) {
	t.Chdir("../../..")
	for name, p := range pictures {
		args := strings.Fields(p.command)
		out := transcript(t, append(args[:1:1], append([]string{"--color", "always"}, args[1:]...)...), nil)
		lines := strings.SplitAfter(out, "\n")
		checkGenerated(
			t, name, string(termsvg.Draw("$ seatrial "+p.command, strings.Join(lines[:min(p.lines, len(lines))], ""))),
		)
	}
}

var (
	link   = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)
	anchor = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// TestDocumentationLinks checks that links between pages lead somewhere.
func TestDocumentationLinks(t *testing.T) {
	t.Chdir("../../..")
	anchors := map[string][]string{}
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	text := map[string]string{}
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text[page] = string(data)
		for line := range strings.Lines(text[page]) {
			if title, ok := strings.CutPrefix(
				strings.TrimLeft(strings.TrimSpace(line), "#"), " ",
			); ok && strings.HasPrefix(line, "#") {
				anchors[page] = append(
					anchors[page],
					strings.ReplaceAll(anchor.ReplaceAllString(strings.ToLower(title), ""), " ", "-"),
				)
			}
		}
	}
	for _, page := range pages {
		for _, m := range link.FindAllStringSubmatch(text[page], -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			to := page
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(page), m[1])
			}
			if _, err := fs.Stat(os.DirFS("."), filepath.Clean(to)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
			if m[2] != "" && strings.HasSuffix(to, ".md") && !slices.Contains(anchors[to], m[2][1:]) {
				t.Errorf("%s links to %s%s, which is not there", page, m[1], m[2])
			}
		}
	}
}
