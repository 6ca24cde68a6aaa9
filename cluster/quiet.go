package cluster

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// resumed is the client of controllers in a cluster that goes on: they would report nodes that
// have been there all along as newly registered.
type resumed struct{ kubernetes.Interface }

func (c resumed) CoreV1() corev1.CoreV1Interface { return &resumedCore{c.Interface.CoreV1()} }

type resumedCore struct{ corev1.CoreV1Interface }

func (c *resumedCore) Events(namespace string) corev1.EventInterface {
	return &resumedEvents{c.CoreV1Interface.Events(namespace)}
}

type resumedEvents struct{ corev1.EventInterface }

func (e *resumedEvents) CreateWithEventNamespaceWithContext(ctx context.Context, event *v1.Event) (*v1.Event, error) {
	if event.Reason == "RegisteredNode" {
		return event, nil
	}
	return e.EventInterface.CreateWithEventNamespaceWithContext(ctx, event)
}

func (e *resumedEvents) CreateWithEventNamespace(event *v1.Event) (*v1.Event, error) {
	return e.CreateWithEventNamespaceWithContext(context.Background(), event)
}
