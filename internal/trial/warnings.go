package trial

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/rest"
)

// warnings are the warnings of the API server during a command. kubectl shows those of every client of its process;
// here controllers have clients in the same process, so each command has its own.
type warnings struct {
	shown    rest.WarningHandler
	count    func() int
	asErrors bool
}

// newWarnings returns a handler that shows each warning once.
func newWarnings(w io.Writer) *warnings {
	writer := rest.NewWarningWriter(
		w, rest.WarningWriterOptions{Deduplicate: true, Color: printers.AllowsColorOutput(w)},
	)
	return &warnings{shown: writer, count: writer.WarningCount}
}

func (w *warnings) bind(flags *pflag.FlagSet) {
	flags.BoolVar(
		&w.asErrors, "warnings-as-errors", false, "treat warnings of the server as errors, and exit with code 1",
	)
}

// handle sets the warning handler of a configuration.
func (w *warnings) handle(config *rest.Config) *rest.Config {
	config.WarningHandler = w.shown
	return config
}

// uncalled is a transport that adds a warning when an object is stored that has no effect on a trial, such as a
// webhook.
type uncalled struct{ inner http.RoundTripper }

func (u uncalled) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := u.inner.RoundTrip(req)
	if err != nil || resp.StatusCode >= http.StatusBadRequest || !slices.Contains(writes, req.Method) {
		return resp, err
	}
	switch {
	case strings.Contains(req.URL.Path, "/validatingwebhookconfigurations") ||
		strings.Contains(req.URL.Path, "/mutatingwebhookconfigurations"):
		warn(
			resp,
			"webhooks are not called on a trial, whatever their failurePolicy: the live cluster (`seatrial up`) calls those on this machine",
		)
	case strings.HasPrefix(req.URL.Path, "/apis/kwok.x-k8s.io/"):
		warn(
			resp,
			"KWOK's objects are stored, and nobody follows them: annotations say what simulated containers do (docs/cluster.md)",
		)
	case strings.Contains(req.URL.Path, "/customresourcedefinitions"):
		body, err := readWhole(resp)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(body, []byte(`"strategy":"Webhook"`)) {
			warn(
				resp,
				"conversion webhooks are not called on a trial: objects can be read and written in the storage version alone",
			)
		}
	}
	return resp, nil
}

var writes = []string{http.MethodPost, http.MethodPut, http.MethodPatch}

// warn adds a warning to a response, as a server does.
func warn(resp *http.Response, text string) {
	header, err := utilnet.NewWarningHeader(299, "-", text)
	if err == nil { // it always is: the texts are our own
		resp.Header.Add("Warning", header)
	}
}

// failed returns the warnings as an error, if they are to be errors.
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
