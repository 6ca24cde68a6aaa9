package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/seatrial/seatrial/explain/pages"
)

func (o *explainOptions) site() (*pages.Site, error) {
	site, err := pages.New(pages.Options{Versions: o.versions, Open: o.open, Rules: rulesOf})
	if err != nil {
		return nil, &exitError{exitFailed, err}
	}
	return site, nil
}

// writeSite writes the reference as a folder of pages.
func (o *explainOptions) writeSite(text string) error {
	if text != "" {
		return usageError("-o html writes the pages of all kinds: leave %s out", text)
	}
	site, err := o.site()
	if err != nil {
		return err
	}
	n, err := site.Write(o.outputDir)
	if err != nil {
		return &exitError{exitFailed, err}
	}
	_, err = fmt.Fprintf(o.Err, "wrote %d files: open %s/index.html\n", n, o.outputDir)
	return err
}

// serveSite shows the reference to browsers on this machine until it is interrupted.
func (o *explainOptions) serveSite(ctx context.Context, text string) error {
	page := ""
	if text != "" {
		subject, err := o.find(text)
		if err != nil {
			return explainError(err)
		}
		page = pages.Link(subject.Kind, subject.Path)
	}
	site, err := o.site()
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port)))
	if err != nil {
		return &exitError{exitFailed, fmt.Errorf("serving on port %d: %w", o.port, err)}
	}
	server := &http.Server{
		Handler: site.Handler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	fmt.Fprintf(o.Out, "http://%s/%s\n", listener.Addr(), page)
	fmt.Fprintln(o.Err, "serving to this machine only; ctrl-C ends")
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
		return &exitError{exitFailed, fmt.Errorf("serving pages: %w", err)}
	}
	return nil
}
