package controllers

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// suppressNodeRegistered is a transport for controllers that drops events about registered nodes: after a restart the
// controllers would report existing nodes as newly registered, in an order left to chance. A dropped event is answered
// as if it had been stored.
type suppressNodeRegistered struct{ next http.RoundTripper }

func (q suppressNodeRegistered) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodPost || !strings.HasSuffix(req.URL.Path, "/events") || req.GetBody == nil {
		return q.next.RoundTrip(req)
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	event, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(event, []byte("RegisteredNode")) {
		return q.next.RoundTrip(req)
	}
	return &http.Response{
		Status: "201 Created", StatusCode: http.StatusCreated,
		Header:        http.Header{"Content-Type": req.Header.Values("Content-Type")},
		Body:          io.NopCloser(bytes.NewReader(event)),
		ContentLength: int64(len(event)),
		Request:       req,
	}, nil
}
