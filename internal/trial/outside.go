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

// person is an input that comes when it comes. The clock of the trial stands still until then.
type person struct{ in io.Reader }

func (p *person) Read(b []byte) (n int, err error) {
	virtualtime.Outside(func(func(func())) { n, err = p.in.Read(b) })
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
		_, err = readWhole(resp)
	})
	return resp, err
}

// readWhole reads the body of an answer, and leaves it there to be read once more.
func readWhole(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}
