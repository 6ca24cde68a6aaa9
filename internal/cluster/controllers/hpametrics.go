package controllers

import (
	"context"
	"errors"
	"time"

	autoscaling "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	listers "k8s.io/client-go/listers/core/v1"
	hpa "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"

	"github.com/seatrial/seatrial/internal/cluster/kubelet"
)

// usageMetrics provides autoscalers with the usage of simulated containers.
type usageMetrics struct {
	pods  listers.PodLister
	usage func(*corev1.Pod, *corev1.Container, corev1.ResourceName) int64 // nil: kubelet.Usage
}

var _ hpa.MetricsClient = (*usageMetrics)(nil)

var errOnlyResources = errors.New("a simulated cluster has metrics of cpu and memory only")

// GetResourceMetric returns the usage of the running pods that a selector selects.
func (m *usageMetrics) GetResourceMetric(
	_ context.Context, name corev1.ResourceName, namespace string, selector labels.Selector, _ string,
) (hpa.PodMetricsInfo, time.Time, error) {
	pods, err := m.pods.Pods(namespace).List(selector)
	if err != nil {
		return nil, time.Time{}, err
	}
	now, info := time.Now(), hpa.PodMetricsInfo{}
	for _, p := range pods {
		if p.Status.Phase == corev1.PodRunning {
			info[p.Name] = hpa.PodMetric{Timestamp: now, Window: kubelet.UsageWindow, Value: m.of(p, name)}
		}
	}
	return info, now, nil
}

// of returns the usage of a pod.
func (m *usageMetrics) of(p *corev1.Pod, name corev1.ResourceName) (sum int64) {
	if m.usage == nil {
		return kubelet.PodUsage(p, name)
	}
	for i := range p.Spec.Containers {
		sum += m.usage(p, &p.Spec.Containers[i], name)
	}
	return sum
}

func (m *usageMetrics) GetRawMetric(
	string, string, labels.Selector, labels.Selector,
) (hpa.PodMetricsInfo, time.Time, error) {
	return nil, time.Time{}, errOnlyResources
}

func (m *usageMetrics) GetObjectMetric(
	string, string, *autoscaling.CrossVersionObjectReference, labels.Selector,
) (int64, time.Time, error) {
	return 0, time.Time{}, errOnlyResources
}

func (m *usageMetrics) GetExternalMetric(string, string, labels.Selector) ([]int64, time.Time, error) {
	return nil, time.Time{}, errOnlyResources
}
