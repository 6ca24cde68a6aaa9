package cli

import (
	"context"
	"fmt"

	"github.com/seatrial/seatrial/explain/pages"
	"github.com/seatrial/seatrial/internal/loopback"
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
	err = loopback.Serve(ctx, o.port, site.Handler(), func(address string) {
		fmt.Fprintf(o.Out, "http://%s/%s\n", address, page)
		fmt.Fprintln(o.Err, "serving to this machine only; ctrl-C ends")
	})
	if err != nil {
		return &exitError{exitFailed, err}
	}
	return nil
}
