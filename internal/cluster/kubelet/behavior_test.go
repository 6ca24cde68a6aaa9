package kubelet

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
)

// A container of a Job ends after its work, unless its program is one that never does.
func TestSomeImagesNeverEnd(t *testing.T) {
	for _, c := range []struct {
		container v1.Container
		want      time.Duration // until it ends; 0: never
	}{
		{v1.Container{Image: "busybox"}, defaultWork},
		{v1.Container{Image: "registry.k8s.io/pause:3.10"}, 0},
		{v1.Container{Image: "pause@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}, 0},
		{v1.Container{Image: "registry.k8s.io/pause:3.10", Command: []string{"sleep", "3"}}, 3 * time.Second},
		{v1.Container{Image: "registry.k8s.io/e2e-test-images/agnhost:2.53"}, 0},
		{v1.Container{Image: "registry.k8s.io/e2e-test-images/agnhost:2.53", Args: []string{"pause"}}, 0},
		{v1.Container{Image: "registry.k8s.io/e2e-test-images/agnhost:2.53", Args: []string{"mounttest"}}, time.Second},
		{
			v1.Container{Image: "registry.k8s.io/e2e-test-images/agnhost:2.53", Args: []string{"net", "--serve"}},
			defaultWork,
		},
		{v1.Container{Image: "example.com/pause-menu"}, defaultWork},
		{v1.Container{Image: "Not An Image"}, defaultWork},
	} {
		pod := &v1.Pod{Spec: v1.PodSpec{RestartPolicy: v1.RestartPolicyNever, Containers: []v1.Container{c.container}}}
		if got := DefaultBehavior(pod, &c.container).RunFor; got != c.want {
			t.Errorf(
				"%s %v %v ends after %v, want %v", c.container.Image, c.container.Command, c.container.Args, got,
				c.want,
			)
		}
	}
}
