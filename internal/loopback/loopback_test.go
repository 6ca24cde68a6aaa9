package loopback

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const policy = "default-src 'none'"

// ask asks a handler that answers a long text of a media type.
func ask(kind, method, host string, header http.Header) *http.Response {
	text := strings.Repeat("text ", 1000)
	handler := Handler(policy, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Length", "5000")
		_, _ = io.WriteString(w, text)
	}))
	r := httptest.NewRequest(method, "http://"+host+"/", nil)
	r.Header = header
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

func TestOnlyThisMachineIsAnswered(t *testing.T) {
	for host, want := range map[string]int{
		"localhost:80": 200, "127.0.0.1:80": 200, "[::1]:80": 200, "example.com": 421, "127.0.0.1.example.com:80": 421,
	} {
		r := ask("text/html", "GET", host, http.Header{})
		if r.StatusCode != want || !strings.HasPrefix(r.Header.Get("Content-Security-Policy"), policy) {
			t.Errorf(
				"%s: %d with policy %q, want %d", host, r.StatusCode, r.Header.Get("Content-Security-Policy"), want,
			)
		}
	}
	if r := ask("text/html", "POST", "localhost", http.Header{}); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", r.StatusCode)
	}
}

func TestTextIsCompressedForWhoTakesIt(t *testing.T) {
	takes := http.Header{"Accept-Encoding": {"br, gzip"}}
	r := ask("text/html; charset=utf-8", "GET", "localhost", takes)
	if r.Header.Get("Content-Encoding") != "gzip" || r.Header.Get("Content-Length") != "" {
		t.Fatalf("headers %v", r.Header)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || len(text) != 5000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	for name, r := range map[string]*http.Response{
		"a browser without gzip": ask("text/html", "GET", "localhost", http.Header{}),
		"an archive":             ask("application/gzip", "GET", "localhost", takes),
		"a range": ask(
			"text/html", "GET", "localhost", http.Header{"Accept-Encoding": {"gzip"}, "Range": {"bytes=0-9"}},
		),
	} {
		if r.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s gets %s", name, r.Header.Get("Content-Encoding"))
		}
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := Serve(ctx, 0, Handler(policy, http.NotFoundHandler()), func(address string) {
		if !strings.HasPrefix(address, "127.0.0.1:") {
			t.Errorf("listens on %s", address)
		}
		cancel()
	})
	if err != nil {
		t.Error(err)
	}
}
