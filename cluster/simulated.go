package cluster

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/webhook"
	api "k8s.io/kubernetes/pkg/apis/core"
)

// noContainers answers what would need a process: logs, exec, attach, port-forward.
type noContainers struct{}

var _ rest.Connecter = noContainers{}

func (noContainers) New() runtime.Object      { return &api.Pod{} }
func (noContainers) Destroy()                 {}
func (noContainers) ConnectMethods() []string { return []string{http.MethodGet, http.MethodPost} }
func (noContainers) NewConnectOptions() (runtime.Object, bool, string) {
	return nil, false, ""
}

func (noContainers) Connect(_ context.Context, pod string, _ runtime.Object, _ rest.Responder) (http.Handler, error) {
	return nil, apierrors.NewBadRequest(fmt.Sprintf("the containers of pod %q are simulated: no process runs in them, so there is nothing to read from or connect to", pod))
}

// noServices answers conversion webhooks, which are outside of the simulation.
type noServices struct{}

func (noServices) ResolveEndpoint(namespace, name string, _ int32) (*url.URL, error) {
	return nil, fmt.Errorf("service %s/%s is simulated: webhooks are not called", namespace, name)
}

func authResolver(webhook.AuthenticationInfoResolver) webhook.AuthenticationInfoResolver {
	return &webhook.AuthenticationInfoResolverDelegator{}
}
