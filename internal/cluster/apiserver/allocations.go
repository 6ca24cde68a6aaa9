package apiserver

import (
	"context"
	"net"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/internal/kubernetes/registry"
)

// restoreAllocations allocates the addresses and ports of existing Services, and reports whether the Service of the
// API server is among them.
func restoreAllocations(
	ctx context.Context, client kubernetes.Interface, to *registry.Allocators,
) (apiServer bool, err error) {
	services, err := client.CoreV1().Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	for _, s := range services.Items {
		apiServer = apiServer || s.Namespace == metav1.NamespaceDefault && s.Name == apiService
		for _, ip := range s.Spec.ClusterIPs {
			if parsed := net.ParseIP(ip); parsed != nil {
				_ = to.IPv4.Allocate(parsed) // fails if out of range or allocated twice: it was accepted once
			}
		}
		for _, p := range s.Spec.Ports {
			if p.NodePort != 0 {
				_ = to.Ports.Allocate(int(p.NodePort))
			}
		}
	}
	return apiServer, nil
}
