package kubelet

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	kubeletevents "k8s.io/kubernetes/pkg/kubelet/events"
)

// mount waits for the volumes.
func (m *machine) mount() bool {
	s := m.state
	if s.Mounted {
		return true
	}
	if s.MountWait == 0 && !m.reached(s.NextMount) {
		return false
	}
	problems := m.missingVolumes()
	if len(problems) == 0 {
		s.Mounted = true
		s.NextTry = m.now.Add(sandboxTime)
		return true
	}
	if m.reached(s.NextMount) {
		for _, p := range problems {
			m.warn("", kubeletevents.FailedMountVolume, "MountVolume.SetUp failed for volume %q : %s", p.volume, p.message)
		}
		s.MountWait = min(max(2*s.MountWait, firstMountWait), maxMountWait)
		s.NextMount = m.now.Add(s.MountWait)
		m.at(s.NextMount)
	}
	return false
}

// volumeProblem says why a volume cannot be mounted.
type volumeProblem struct{ volume, message string }

// missingVolumes looks for what the volumes of the pod take their content from. A path on the node
// is there, of whatever type is asked for: the disks of simulated nodes hold everything.
func (m *machine) missingVolumes() (all []volumeProblem) {
	for _, v := range m.pod.Spec.Volumes {
		problem := ""
		switch {
		case v.ConfigMap != nil && !isTrue(v.ConfigMap.Optional):
			problem = m.missingKeys("configmap", v.ConfigMap.Name, v.ConfigMap.Items)
		case v.Secret != nil && !isTrue(v.Secret.Optional):
			problem = m.missingKeys("secret", v.Secret.SecretName, v.Secret.Items)
		case v.PersistentVolumeClaim != nil:
			problem = m.missingClaim(v.PersistentVolumeClaim.ClaimName)
		case v.Ephemeral != nil:
			problem = m.missingClaim(m.pod.Name + "-" + v.Name)
		case v.Projected != nil:
			problem = m.missingSource(v.Projected.Sources)
		}
		if problem != "" {
			all = append(all, volumeProblem{v.Name, problem})
		}
	}
	return all
}

func (m *machine) missingKeys(kind, name string, items []v1.KeyToPath) string {
	keys, ok := m.keys(kind, name)
	if !ok {
		return fmt.Sprintf("%s %q not found", kind, name)
	}
	for _, i := range items {
		if !keys(i.Key) {
			return fmt.Sprintf("references non-existent %s key: %s", map[string]string{"configmap": "config", "secret": "secret"}[kind], i.Key)
		}
	}
	return ""
}

// keys gives a lookup of the keys of a ConfigMap or Secret.
func (m *machine) keys(kind, name string) (func(string) bool, bool) {
	if kind == "configmap" {
		c := m.world.configMap(m.pod.Namespace, name)
		return func(key string) bool { _, a := c.Data[key]; _, b := c.BinaryData[key]; return a || b }, c != nil
	}
	s := m.world.secret(m.pod.Namespace, name)
	return func(key string) bool { _, ok := s.Data[key]; return ok }, s != nil
}

func (m *machine) missingClaim(name string) string {
	c := m.world.claim(m.pod.Namespace, name)
	switch {
	case c == nil:
		return fmt.Sprintf("persistentvolumeclaim %q not found", name)
	case c.Status.Phase != v1.ClaimBound:
		return fmt.Sprintf("PVC %s/%s is not bound", m.pod.Namespace, name)
	}
	return ""
}

// rootCA is published in every namespace a moment after it is made; no pod has to wait for it here.
const rootCA = "kube-root-ca.crt"

func (m *machine) missingSource(sources []v1.VolumeProjection) string {
	for _, p := range sources {
		problem := ""
		switch {
		case p.ConfigMap != nil && !isTrue(p.ConfigMap.Optional) && p.ConfigMap.Name != rootCA:
			problem = m.missingKeys("configmap", p.ConfigMap.Name, p.ConfigMap.Items)
		case p.Secret != nil && !isTrue(p.Secret.Optional):
			problem = m.missingKeys("secret", p.Secret.Name, p.Secret.Items)
		}
		if problem != "" {
			return problem
		}
	}
	return ""
}

func isTrue(b *bool) bool { return b != nil && *b }
