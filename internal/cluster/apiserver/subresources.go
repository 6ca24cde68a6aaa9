package apiserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/webhook"
	client "k8s.io/client-go/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	api "k8s.io/kubernetes/pkg/apis/core"
	apiv1 "k8s.io/kubernetes/pkg/apis/core/v1"
)

// unsupportedSubresource answers requests that need a process: logs, exec, attach, port-forward.
type unsupportedSubresource struct{}

var _ rest.Connecter = unsupportedSubresource{}

func (unsupportedSubresource) New() runtime.Object { return &api.Pod{} }
func (unsupportedSubresource) Destroy()            {}
func (unsupportedSubresource) ConnectMethods() []string {
	return []string{http.MethodGet, http.MethodPost}
}
func (unsupportedSubresource) NewConnectOptions() (runtime.Object, bool, string) {
	return nil, false, ""
}

func (unsupportedSubresource) Connect(
	_ context.Context, pod string, _ runtime.Object, _ rest.Responder,
) (http.Handler, error) {
	return nil, noProcess(pod)
}

func noProcess(pod string) error {
	const format = "the containers of pod %q are simulated: " +
		"no process runs in them, so there is nothing to read from or connect to"
	return apierrors.NewBadRequest(fmt.Sprintf(format, pod))
}

// Containers answers for the containers of pods.
type Containers interface {
	// Exec returns what a command prints, to be written in JSON.
	Exec(namespace, pod, container string, command []string) (any, error)
	// Log returns what of the log of a container is asked for.
	Log(namespace, pod string, options *v1.PodLogOptions) (string, error)
}

// ExecHeader marks a request to exec that takes its answer in JSON: no connection is upgraded in a process.
const ExecHeader = "X-Seatrial-Exec"

// commandREST answers requests to run a command.
type commandREST struct{ containers Containers }

var _ rest.Connecter = commandREST{}

func (commandREST) New() runtime.Object { return &api.Pod{} }
func (commandREST) Destroy()            {}
func (commandREST) ConnectMethods() []string {
	return []string{http.MethodGet, http.MethodPost}
}
func (commandREST) NewConnectOptions() (runtime.Object, bool, string) {
	return &api.PodExecOptions{}, false, ""
}

func (c commandREST) Connect(
	ctx context.Context, pod string, options runtime.Object, _ rest.Responder,
) (http.Handler, error) {
	o, ok := options.(*api.PodExecOptions)
	if !ok || c.containers == nil {
		return nil, noProcess(pod)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get(ExecHeader) == "" {
			writeError(w, req, noProcess(pod))
			return
		}
		out, err := c.containers.Exec(request.NamespaceValue(ctx), pod, o.Container, o.Command)
		if err != nil {
			writeError(w, req, apierrors.NewBadRequest(err.Error()))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // whoever has gone needs no answer
	}), nil
}

// logREST answers requests for what containers have printed.
type logREST struct{ containers Containers }

var _ rest.Connecter = logREST{}

func (logREST) New() runtime.Object      { return &api.Pod{} }
func (logREST) Destroy()                 {}
func (logREST) ConnectMethods() []string { return []string{http.MethodGet} }
func (logREST) NewConnectOptions() (runtime.Object, bool, string) {
	return &api.PodLogOptions{}, false, ""
}

func (l logREST) Connect(
	ctx context.Context, pod string, options runtime.Object, _ rest.Responder,
) (http.Handler, error) {
	o, ok := options.(*api.PodLogOptions)
	if !ok || l.containers == nil {
		return nil, noProcess(pod)
	}
	asked := &v1.PodLogOptions{}
	if err := apiv1.Convert_core_PodLogOptions_To_v1_PodLogOptions(o, asked, nil); err != nil {
		return nil, err
	}
	text, err := l.containers.Log(request.NamespaceValue(ctx), pod, asked)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, text) // whoever has gone needs no answer
	}), nil
}

// writeError writes the status of an error.
func writeError(w http.ResponseWriter, req *http.Request, err error) {
	responsewriters.ErrorNegotiated(err, legacyscheme.Codecs, schema.GroupVersion{Version: "v1"}, w, req)
}

// noServices resolves no conversion webhooks: they are outside of the simulation.
type noServices struct{}

func (noServices) ResolveEndpoint(namespace, name string, _ int32) (*url.URL, error) {
	return nil, fmt.Errorf("service %s/%s is simulated: webhooks are not called", namespace, name)
}

// authResolver returns clients for conversion webhooks that fail.
func authResolver(webhook.AuthenticationInfoResolver) webhook.AuthenticationInfoResolver {
	config := func() (*client.Config, error) {
		c := &client.Config{}
		c.Wrap(func(http.RoundTripper) http.RoundTripper { return noWebhooks{} })
		return c, nil
	}
	return &webhook.AuthenticationInfoResolverDelegator{
		ClientConfigForFunc:        func(string) (*client.Config, error) { return config() },
		ClientConfigForServiceFunc: func(string, string, int) (*client.Config, error) { return config() },
	}
}

// noWebhooks is a transport that fails.
type noWebhooks struct{}

func (noWebhooks) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New(
		"webhooks are not called in a simulated cluster: the storage version alone can be read and written",
	)
}
