package live

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregatorclient "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// usagePriority is the priority of the metrics server's own APIService.
const usagePriority = 100

// registerUsage registers the metrics API among the API services, as a metrics server does. This server serves it
// unless the user registers another APIService.
func registerUsage(ctx context.Context, config *rest.Config) error {
	client, err := aggregatorclient.NewForConfig(config)
	if err != nil {
		return err
	}
	gv := v1beta1.SchemeGroupVersion
	service := &apiregistration.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: gv.Version + "." + gv.Group},
		Spec: apiregistration.APIServiceSpec{
			Group: gv.Group, GroupPriorityMinimum: usagePriority,
			Version: gv.Version, VersionPriority: usagePriority,
		},
	}
	_, err = client.ApiregistrationV1().APIServices().Create(ctx, service, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("API service %s: %w", service.Name, err)
	}
	return nil
}
