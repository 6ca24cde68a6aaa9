package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
)

// person is an interactive input. The clock of the trial does not move while it is read.
type person struct{ in io.Reader }

func (p *person) Read(b []byte) (n int, err error) {
	virtualtime.Outside(func(func(func())) { n, err = p.in.Read(b) })
	return n, err
}

// bridge is a transport for a command that runs outside of virtual time: it sends requests inside, and returns whole
// responses.
type bridge struct {
	inner  http.RoundTripper
	inside func(func())
}

func (b bridge) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	b.inside(func() {
		if resp, err = b.inner.RoundTrip(req.Clone(context.Background())); err != nil {
			return
		}
		_, err = readWhole(resp)
	})
	return resp, err
}

// readWhole reads the body of a response, which can be read again.
func readWhole(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}
