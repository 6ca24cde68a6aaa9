package inprocess

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatrial/seatrial/internal/memstore"
)

// Plugins of an API server ask before it is there. Whether what they ask has a pace or not, it waits
// for the handler, until it is given up, or refused.
func TestRequestsWaitForTheHandler(t *testing.T) {
	for name, path := range map[string]string{"paced": "/hello?resourceVersion=1", "not paced": "/hello"} {
		for _, end := range []struct {
			how  string
			act  func(t *Transport, giveUp func())
			want string // of the answer
			err  error
		}{
			{"opened", func(t *Transport, _ func()) {
				t.Open(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }), nil)
			}, "/hello", nil},
			{"given up", func(_ *Transport, giveUp func()) { giveUp() }, "", context.Canceled},
			{"refused", func(t *Transport, _ func()) { t.Refuse() }, "", errClosed},
		} {
			t.Run(name+" "+end.how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					way := New(Options{DB: memstore.NewDB(), BatchWindow: 10 * time.Millisecond})
					ctx, giveUp := context.WithCancel(t.Context())
					defer giveUp()
					req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://seatrial"+path, nil)
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("User-Agent", ServerAgent)
					ended := false
					go func() {
						body, err := answerOf(way, req)
						if body != end.want || !errors.Is(err, end.err) {
							t.Errorf("%q, %v; want %q, %v", body, err, end.want, end.err)
						}
						ended = true
					}()
					time.Sleep(time.Second) // the transport itself waits for all to idle
					if ended {
						t.Error("it did not wait")
					}
					end.act(way, giveUp)
					time.Sleep(time.Second)
					if !ended {
						t.Error("it waits for ever")
					}
					way.Close()
				})
			})
		}
	}
}

func answerOf(way http.RoundTripper, req *http.Request) (string, error) {
	answer, err := way.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}
