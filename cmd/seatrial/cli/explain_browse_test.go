//go:build unix

package cli

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// TestBrowserOpensInATerminal drives -i in a pseudo-terminal of 80x24: it opens at the place, and q ends it.
func TestBrowserOpensInATerminal(t *testing.T) {
	keyboard, terminal, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	defer keyboard.Close()
	if err := pty.Setsize(terminal, &pty.Winsize{Cols: 80, Rows: 24}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() {
		env := map[string]string{"TERM": "xterm-256color", "NO_COLOR": "1"}
		ended <- Run(
			context.Background(), []string{"explain", "-i", "deploy.spec.replicas"},
			Streams{
				In: terminal, Out: terminal, Err: io.Discard, Getenv: func(name string) string { return env[name] },
			},
		)
		terminal.Close()
	}()
	var shown strings.Builder
	buf := make([]byte, 4096)
	pressed := false
	for {
		n, err := keyboard.Read(buf)
		shown.Write(buf[:n])
		if err != nil {
			break
		}
		if !pressed && strings.Contains(shown.String(), "Number of desired pods") {
			pressed = true
			if _, err := keyboard.WriteString("q"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if code := <-ended; code != exitClean || !pressed {
		t.Errorf("exit code %d; the screen was %q", code, shown.String())
	}
}

// TestServeUntilInterrupted asks the server for the page that it names, and ends it as ctrl-C does.
func TestServeUntilInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- Run(
			ctx, []string{"explain", "--serve", "--kubernetes-version", "1.25,1.37", "deploy.spec.replicas"},
			Streams{In: strings.NewReader(""), Out: in, Err: io.Discard, Getenv: func(string) string { return "" }},
		)
		in.Close()
	}()
	url, err := bufio.NewReader(out).ReadString('\n')
	url = strings.TrimSpace(url)
	if err != nil || !strings.HasPrefix(url, "http://127.0.0.1:") || !strings.HasSuffix(
		url, "/deployment-v1-apps.html#spec.replicas",
	) {
		t.Fatalf("%q, %v", url, err)
	}
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || !strings.Contains(string(page), `id="spec.replicas"`) {
		t.Errorf("%v: %.200s", err, page)
	}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example.com"
	if answer, err = http.DefaultClient.Do(request); err != nil || answer.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a foreign host: %v, %v", answer, err)
	}
	answer.Body.Close()
	interrupt()
	if code := <-ended; code != exitClean {
		t.Errorf("exit code %d", code)
	}
}
