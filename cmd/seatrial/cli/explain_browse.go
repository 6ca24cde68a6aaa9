package cli

import (
	"context"
	"os"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/explain/tui"
	"github.com/seatrial/seatrial/schema"
)

// browse shows the full-screen browser at a place, until the user quits.
func (o *explainOptions) browse(ctx context.Context, text string) error {
	in, ok := o.In.(*os.File)
	if !ok || !isTerminal(in) || !isTerminal(o.Out) {
		return usageError(
			"-i needs a terminal for input and output: without one use explain RESOURCE, --search, or -o json",
		)
	}
	if o.Getenv("TERM") == "dumb" {
		return usageError("-i cannot draw on this terminal (TERM=dumb): use explain RESOURCE or --search")
	}
	start := ""
	if text != "" {
		subject, err := o.find(text)
		if err != nil {
			return explainError(err)
		}
		start = subject.Address()
	}
	err := tui.Run(
		ctx,
		tui.Options{
			Version: o.store.Version, Start: start, In: in, Out: o.Out, Color: o.paint, Example: exampleOf,
			Open: o.open,
		},
	)
	if err != nil && ctx.Err() == nil {
		return &exitError{exitFailed, err}
	}
	return nil
}

// exampleOf returns the minimal manifest of a kind; "" when there is none.
func exampleOf(k *schema.Kind) string {
	text, err := (&explain.Subject{Kind: k}).Example()
	if err != nil {
		return ""
	}
	return text
}
