package inprocess

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatrial/seatrial/internal/memstore"
)

// Plugins of an API server send requests before its handler exists. Sequenced or not, a request waits for the handler
// until its context ends or it is refused.
func TestRequestsWaitForTheHandler(t *testing.T) {
	for name, path := range map[string]string{"sequenced": "/hello?resourceVersion=1", "not sequenced": "/hello"} {
		for _, end := range []struct {
			how  string
			act  func(t *Transport, cancel func())
			want string // of the response
			err  error
		}{
			{"opened", func(t *Transport, _ func()) {
				t.Open(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.WriteString(w, r.URL.Path)
				}), nil)
			}, "/hello", nil},
			{"canceled", func(_ *Transport, cancel func()) { cancel() }, "", context.Canceled},
			{"refused", func(t *Transport, _ func()) { t.Refuse() }, "", errClosed},
		} {
			t.Run(name+" "+end.how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					way := New(Options{DB: memstore.NewDB(), BatchWindow: 10 * time.Millisecond})
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://seatrial"+path, nil)
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("User-Agent", ServerAgent)
					ended := false
					go func() {
						body, err := bodyOf(way, req)
						if body != end.want || !errors.Is(err, end.err) {
							t.Errorf("%q, %v; want %q, %v", body, err, end.want, end.err)
						}
						ended = true
					}()
					time.Sleep(time.Second) // the transport itself waits for all to idle
					if ended {
						t.Error("the request did not wait")
					}
					end.act(way, cancel)
					time.Sleep(time.Second)
					if !ended {
						t.Error("the request still waits")
					}
					way.Close()
				})
			})
		}
	}
}

func bodyOf(way http.RoundTripper, req *http.Request) (string, error) {
	answer, err := way.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}

// The requests of a window are served in the order of their content, whichever goroutine comes first.
func TestRequestsOfAWindowAreServedInOrder(t *testing.T) {
	for _, sent := range [][]string{{"a", "b", "c"}, {"c", "b", "a"}} {
		synctest.Test(t, func(t *testing.T) {
			way := New(Options{DB: memstore.NewDB(), BatchWindow: 10 * time.Millisecond})
			var served []string
			way.Open(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				served = append(served, r.URL.Path)
			}), nil)
			for i, name := range sent {
				go func() {
					time.Sleep(time.Duration(i) * time.Millisecond)
					req, err := http.NewRequest(http.MethodGet, "http://seatrial/"+name, nil)
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := bodyOf(way, req); err != nil {
						t.Error(err)
					}
				}()
			}
			time.Sleep(time.Second)
			if want := []string{"/a", "/b", "/c"}; !slices.Equal(served, want) {
				t.Errorf("sent %v, served %v, want %v", sent, served, want)
			}
			way.Close()
		})
	}
}
