package validation

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// noNetwork is the transport of the clients that the storages are given. Nothing is asked over a network.
type noNetwork struct{}

var errOffline = errors.New("the validator asks nothing over a network")

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) { return nil, errOffline }

// offlineClient is the client of the storages. It has the namespaces that were added to the validator.
type offlineClient struct {
	kubernetes.Interface
	namespaces *namespaces
}

func (c offlineClient) CoreV1() corev1client.CoreV1Interface {
	return offlineCore{c.Interface.CoreV1(), c.namespaces}
}

type offlineCore struct {
	corev1client.CoreV1Interface
	namespaces *namespaces
}

func (c offlineCore) Namespaces() corev1client.NamespaceInterface { return c.namespaces }

// namespaces answers for namespaces in the process.
type namespaces struct {
	corev1client.NamespaceInterface // nil: nothing but Get is asked

	mu     sync.RWMutex
	labels map[string]map[string]string
}

// add makes a namespace known.
func (n *namespaces) add(name string, labels map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.labels == nil {
		n.labels = map[string]map[string]string{}
	}
	n.labels[name] = maps.Clone(labels)
}

// forget makes no namespace known.
func (n *namespaces) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.labels = nil
}

// Get returns a namespace. One that was not added to the validator is assumed to carry the labels that it needs.
func (n *namespaces) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.Namespace, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	labels, known := n.labels[name]
	if !known {
		labels = map[string]string{resourcev1.DRAAdminNamespaceLabelKey: "true"}
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, nil
}
