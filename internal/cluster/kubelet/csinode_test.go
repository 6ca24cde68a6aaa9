package kubelet_test

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seatrial/seatrial/internal/cluster/kubelet"
)

// TestCSINode knows how many volumes machine types take of the drivers of their clouds.
func TestCSINode(t *testing.T) {
	for _, x := range []struct {
		provider, machine string
		want              map[string]int32
	}{
		{"", "", map[string]int32{"ebs.csi.aws.com": 25, "pd.csi.storage.gke.io": 127, "disk.csi.azure.com": 16}},
		{"aws:///a/i-1", "m5.large", map[string]int32{"ebs.csi.aws.com": 25}},
		{"aws:///a/i-1", "m4.large", map[string]int32{"ebs.csi.aws.com": 38}},
		{"aws:///a/i-1", "m7i.2xlarge", map[string]int32{"ebs.csi.aws.com": 31}},
		{"aws:///a/i-1", "r7iz.32xlarge", map[string]int32{"ebs.csi.aws.com": 87}},
		{"gce://p/z/n", "n2-standard-8", map[string]int32{"pd.csi.storage.gke.io": 127}},
		{"gce://p/z/n", "e2-medium", map[string]int32{"pd.csi.storage.gke.io": 15}},
		{"gce://p/z/n", "c4-standard-8", nil},
		{"azure:///subscriptions/s", "Standard_D2s_v5", map[string]int32{"disk.csi.azure.com": 4}},
		{"azure:///subscriptions/s", "Standard_E32ads_v5", map[string]int32{"disk.csi.azure.com": 32}},
		{"azure:///subscriptions/s", "Standard_L8s_v3", map[string]int32{"disk.csi.azure.com": 16}},
		{"kind://docker/kind/worker", "", nil},
	} {
		node := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Spec: v1.NodeSpec{ProviderID: x.provider}}
		node.Labels = map[string]string{v1.LabelInstanceTypeStable: x.machine}
		got := kubelet.CSINode(node)
		if got == nil {
			if x.want != nil {
				t.Errorf("%s %s: nothing is known, want %v", x.provider, x.machine, x.want)
			}
			continue
		}
		if len(got.Spec.Drivers) != len(x.want) {
			t.Errorf("%s %s: %v, want %v", x.provider, x.machine, got.Spec.Drivers, x.want)
		}
		for _, d := range got.Spec.Drivers {
			if *d.Allocatable.Count != x.want[d.Name] {
				t.Errorf(
					"%s %s: %d of %s, want %d", x.provider, x.machine, *d.Allocatable.Count, d.Name, x.want[d.Name],
				)
			}
		}
	}
}
