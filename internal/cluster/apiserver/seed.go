package apiserver

import (
	"context"
	"fmt"
	"net"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	schedulingapiv1 "k8s.io/kubernetes/pkg/apis/scheduling/v1"
	"k8s.io/kubernetes/pkg/controlplane/reconcilers"
)

// systemNamespaces are the namespaces of every new cluster.
var systemNamespaces = []string{
	metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease,
}

// seed creates the other objects that every new cluster has.
func (s *Server) seed(ctx context.Context) error {
	for _, name := range systemNamespaces {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := s.Client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("namespace %s: %w", name, err)
		}
	}
	if !s.options.SkipBootstrapRBAC {
		if err := s.seedPolicies(ctx); err != nil {
			return err
		}
	}
	for _, class := range schedulingapiv1.SystemPriorityClasses() {
		if err := seedPriorityClass(ctx, s.Client, class.Name, class.Value, class.Description); err != nil {
			return err
		}
	}
	return s.seedService(ctx)
}

func seedPriorityClass(
	ctx context.Context, client kubernetes.Interface, name string, value int32, description string,
) error {
	class := &schedulingv1.PriorityClass{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value, Description: description,
	}
	_, err := client.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{})
	return named("priority class", name, err)
}

// Advertised is the address of the API server in the simulation: that of the node demo-control-plane. A loopback
// address is rejected as an endpoint.
var Advertised = net.IPv4(172, 18, 0, 2)

const (
	apiPort    = 6443 // on Advertised
	apiService = "kubernetes"
)

// seedService creates the Service of the API server, and its endpoints.
func (s *Server) seedService(ctx context.Context) error {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Name: apiService, Labels: map[string]string{"component": "apiserver", "provider": "kubernetes"},
		},
		Spec: corev1.ServiceSpec{
			ClusterIP: "10.96.0.1",
			Ports: []corev1.ServicePort{{
				Name: "https", Port: 443, TargetPort: intstr.FromInt32(apiPort), Protocol: corev1.ProtocolTCP,
			}},
		},
	}
	if _, err := s.Client.CoreV1().Services(metav1.NamespaceDefault).Create(
		ctx, service, metav1.CreateOptions{},
	); err != nil {
		return fmt.Errorf("service kubernetes: %w", err)
	}
	if s.options.SkipBootstrapRBAC {
		return nil
	}
	adapter := reconcilers.NewEndpointsAdapter(s.Client.CoreV1(), s.Client.DiscoveryV1())
	ports := []corev1.EndpointPort{{Name: "https", Port: apiPort, Protocol: corev1.ProtocolTCP}}
	if err := reconcilers.NewMasterCountEndpointReconciler(1, adapter).ReconcileEndpoints(
		service.Name, Advertised, ports, true,
	); err != nil {
		return fmt.Errorf("endpoints of the service kubernetes: %w", err)
	}
	return nil
}
