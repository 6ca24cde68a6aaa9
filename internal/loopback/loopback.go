// Package loopback serves pages to browsers on this machine, and to nobody else.
//
// There is no central type: [Handler] wraps what answers requests, and [Serve] listens until a context ends.
//
//	err := loopback.Serve(ctx, 0, loopback.Handler(policy, files), func(address string) { fmt.Println(address) })
package loopback

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// headers are sent with every answer.
var headers = map[string]string{
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	"Cache-Control":                "no-cache",
}

// Handler returns a handler that answers GET and HEAD under a content security policy, compressed where the browser
// takes that. Requests that name another host are refused, so that a page of the Internet cannot read the answers
// under a name of its own (DNS rebinding).
func Handler(policy string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy+"; frame-ancestors 'none'")
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		switch {
		case !local(r.Host):
			http.Error(w, "this server answers to localhost only", http.StatusMisdirectedRequest)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD are answered", http.StatusMethodNotAllowed)
		default:
			compressed(w, r, next)
		}
	})
}

// local reports whether a Host header names this machine.
func local(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return ip != nil && ip.IsLoopback()
}

// compressed answers a request, and compresses text for a browser that accepts it.
func compressed(w http.ResponseWriter, r *http.Request, next http.Handler) {
	w.Header().Add("Vary", "Accept-Encoding")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || r.Header.Get("Range") != "" {
		next.ServeHTTP(w, r)
		return
	}
	z := &compressor{ResponseWriter: w}
	next.ServeHTTP(z, r)
	if z.gzip != nil {
		_ = z.gzip.Close() // the browser is gone
	}
}

// compressor compresses what is written if it is text.
type compressor struct {
	http.ResponseWriter
	gzip  *gzip.Writer // nil: it is passed on as it is
	begun bool
}

// WriteHeader decides by the media type.
func (c *compressor) WriteHeader(code int) {
	if !c.begun {
		c.begun = true
		kind := c.Header().Get("Content-Type")
		text := strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "image/svg")
		if text && code == http.StatusOK && c.Header().Get("Content-Encoding") == "" {
			c.Header().Set("Content-Encoding", "gzip")
			c.Header().Del("Content-Length")
			c.gzip = gzip.NewWriter(c.ResponseWriter)
		}
	}
	c.ResponseWriter.WriteHeader(code)
}

func (c *compressor) Write(data []byte) (int, error) {
	if !c.begun {
		c.WriteHeader(http.StatusOK)
	}
	if c.gzip != nil {
		return c.gzip.Write(data)
	}
	return c.ResponseWriter.Write(data)
}

// Serve listens on a port of the loopback interface, 0 being any that is free, until ctx ends. Ready is called with the
// address, host and port.
func Serve(ctx context.Context, port int, handler http.Handler, ready func(address string)) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("serving on port %d: %w", port, err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	ready(listener.Addr().String())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if err = server.Shutdown(within); err != nil {
			err = server.Close()
		}
		<-ended
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving pages: %w", err)
	}
	return nil
}
