package trial

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/rest"
)

// warnings are what the API server warns of while it answers a command. kubectl shows those of every
// client of its process; here controllers have clients in the same one, so each command has its own.
type warnings struct {
	shown    rest.WarningHandler
	count    func() int
	asErrors bool
}

// newWarnings shows warnings, each once.
func newWarnings(w io.Writer) *warnings {
	writer := rest.NewWarningWriter(w, rest.WarningWriterOptions{Deduplicate: true, Color: printers.AllowsColorOutput(w)})
	return &warnings{shown: writer, count: writer.WarningCount}
}

func (w *warnings) bind(flags *pflag.FlagSet) {
	flags.BoolVar(&w.asErrors, "warnings-as-errors", false, "treat warnings of the server as errors, and exit with code 1")
}

// hear lets the clients of a configuration tell of warnings.
func (w *warnings) hear(config *rest.Config) *rest.Config {
	config.WarningHandler = w.shown
	return config
}

// failed is the error that warnings are, if they are to be errors.
func (w *warnings) failed() error {
	switch n := w.count(); {
	case n == 0 || !w.asErrors:
		return nil
	case n == 1:
		return &ExitError{Code: 1, Message: "error: 1 warning received"}
	default:
		return &ExitError{Code: 1, Message: fmt.Sprintf("error: %d warnings received", n)}
	}
}
