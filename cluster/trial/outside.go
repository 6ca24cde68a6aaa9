package trial

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/seatrial/seatrial/cluster/virtual"
)

// person is an input that comes when it comes. The clock of the trial stands still until then.
type person struct{ in io.Reader }

func (p *person) Read(b []byte) (n int, err error) {
	virtual.Outside(func(func(func())) { n, err = p.in.Read(b) })
	return n, err
}

// bridge takes requests of a command that runs outside of virtual time inside, and brings the whole
// answers back.
type bridge struct {
	inner  http.RoundTripper
	inside func(func())
}

func (b bridge) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	b.inside(func() {
		if resp, err = b.inner.RoundTrip(req.Clone(context.Background())); err != nil {
			return
		}
		defer resp.Body.Close()
		body, failed := io.ReadAll(resp.Body)
		if failed != nil {
			err = fmt.Errorf("reading the answer: %w", failed)
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
	})
	return resp, err
}
