package cli

import (
	"context"
	"errors"
)

var errNoPages = &exitError{exitFailed, errors.New("pages are not there yet")}

func (o *explainOptions) serveSite(context.Context, string) error { return errNoPages }
func (o *explainOptions) writeSite(string) error                  { return errNoPages }
