package kubelet

import (
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeletevents "k8s.io/kubernetes/pkg/kubelet/events"
	"k8s.io/kubernetes/pkg/volume"
	volumeutil "k8s.io/kubernetes/pkg/volume/util"
)

// mount waits for the volumes.
func (m *machine) mount() bool {
	s := m.state
	if s.Mounted {
		return true
	}
	if !m.reached(s.NextMount) || !m.attach() {
		return false
	}
	problems := m.missingVolumes()
	if len(problems) == 0 {
		s.Mounted = true
		s.NextTry = m.now.Add(sandboxTime)
		return true
	}
	for _, p := range problems {
		m.warn("", kubeletevents.FailedMountVolume, "MountVolume.SetUp failed for volume %q : %s", p.volume, p.message)
	}
	s.MountWait = min(max(2*s.MountWait, firstMountWait), maxMountWait)
	s.NextMount = m.now.Add(s.MountWait)
	m.at(s.NextMount)
	return false
}

// attachDetach is the name of the controller that attaches disks to nodes.
const attachDetach = "attachdetach-controller"

// attach waits for disks that pods on other nodes still use, as the attach-detach controller does, and records its
// event once.
func (m *machine) attach() bool {
	for _, v := range m.pod.Spec.Volumes {
		claim := claimOf(m.pod, &v)
		disk := m.disk(claim)
		if disk == nil {
			continue
		}
		holders := m.env.holders(m.pod, claim)
		if len(holders) == 0 {
			continue
		}
		if !m.state.Detaching {
			m.state.Detaching = true
			m.events = append(m.events, event{
				kind: v1.EventTypeWarning, reason: kubeletevents.FailedAttachVolume, source: attachDetach,
				message: fmt.Sprintf(
					"Waiting for detach for volume %q Volume is already used by pod(s) %s", disk.Name,
					strings.Join(holders, ", "),
				),
			})
		}
		return false
	}
	m.state.Detaching = false
	return true
}

// claimOf returns the claim of a volume, empty if it has none.
func claimOf(pod *v1.Pod, v *v1.Volume) string {
	switch {
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		return pod.Name + "-" + v.Name
	}
	return ""
}

// disk returns the volume of a claim if it can be attached to one node only, else nil.
func (m *machine) disk(claim string) *v1.PersistentVolume {
	if claim == "" {
		return nil
	}
	c := m.env.claim(m.pod.Namespace, claim)
	if c == nil || c.Spec.VolumeName == "" {
		return nil
	}
	disk := m.env.volume(c.Spec.VolumeName)
	if disk == nil || !isDisk(disk) ||
		volumeutil.IsMultiAttachAllowed(volume.NewSpecFromPersistentVolume(disk, false)) {
		return nil
	}
	return disk
}

// provisionedBy annotates volumes that were provisioned for their claims. Those of the simulation are empty paths on
// nodes, and stand for disks.
const provisionedBy = "pv.kubernetes.io/provisioned-by"

// isDisk reports whether a volume is attached to a node before it is mounted there.
func isDisk(v *v1.PersistentVolume) bool {
	s := &v.Spec.PersistentVolumeSource
	switch {
	case s.HostPath != nil:
		return v.Annotations[provisionedBy] != ""
	case s.CSI != nil, s.AWSElasticBlockStore != nil, s.GCEPersistentDisk != nil, s.AzureDisk != nil, s.Cinder != nil,
		s.VsphereVolume != nil, s.RBD != nil, s.ISCSI != nil, s.FC != nil:
		return true
	}
	return false
}

// volumeProblem is why a volume cannot be mounted.
type volumeProblem struct{ volume, message string }

// missingVolumes returns the volumes whose source is missing. A path on the node always exists, with the required type:
// the disks of simulated nodes hold everything.
func (m *machine) missingVolumes() (all []volumeProblem) {
	for _, v := range m.pod.Spec.Volumes {
		problem := ""
		switch {
		case v.ConfigMap != nil && !isTrue(v.ConfigMap.Optional):
			problem = m.missingKeys("configmap", v.ConfigMap.Name, v.ConfigMap.Items)
		case v.Secret != nil && !isTrue(v.Secret.Optional):
			problem = m.missingKeys("secret", v.Secret.SecretName, v.Secret.Items)
		case v.PersistentVolumeClaim != nil, v.Ephemeral != nil:
			problem = m.missingClaim(claimOf(m.pod, &v))
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
			return fmt.Sprintf(
				"references non-existent %s key: %s",
				map[string]string{"configmap": "config", "secret": "secret"}[kind], i.Key,
			)
		}
	}
	return ""
}

// keys returns a lookup of the keys of a ConfigMap or Secret.
func (m *machine) keys(kind, name string) (func(string) bool, bool) {
	if kind == "configmap" {
		c := m.env.configMap(m.pod.Namespace, name)
		return func(key string) bool { _, a := c.Data[key]; _, b := c.BinaryData[key]; return a || b }, c != nil
	}
	s := m.env.secret(m.pod.Namespace, name)
	return func(key string) bool { _, ok := s.Data[key]; return ok }, s != nil
}

func (m *machine) missingClaim(name string) string {
	c := m.env.claim(m.pod.Namespace, name)
	switch {
	case c == nil:
		return fmt.Sprintf("persistentvolumeclaim %q not found", name)
	case c.Status.Phase != v1.ClaimBound:
		return fmt.Sprintf("PVC %s/%s is not bound", m.pod.Namespace, name)
	}
	return ""
}

// rootCA is published in every namespace shortly after its creation; pods do not wait for it here.
const rootCA = "kube-root-ca.crt"

func (m *machine) missingSource(sources []v1.VolumeProjection) string {
	for _, p := range sources {
		problem := ""
		switch {
		case p.ConfigMap != nil && !isTrue(p.ConfigMap.Optional) && p.ConfigMap.Name != rootCA:
			problem = m.missingKeys("configmap", p.ConfigMap.Name, p.ConfigMap.Items)
		case p.Secret != nil && !isTrue(p.Secret.Optional):
			problem = m.missingKeys("secret", p.Secret.Name, p.Secret.Items)
		case p.ClusterTrustBundle != nil && !isTrue(p.ClusterTrustBundle.Optional):
			problem = m.missingBundle(p.ClusterTrustBundle)
		}
		if problem != "" {
			return problem
		}
	}
	return ""
}

// servingSigner has a bundle in every cluster, with the certificate of the API server; pods do not wait for it here.
const servingSigner = "kubernetes.io/kube-apiserver-serving"

// missingBundle returns what a trust bundle lacks, in the kubelet's words.
func (m *machine) missingBundle(p *v1.ClusterTrustBundleProjection) string {
	if p.Name == nil && (p.SignerName == nil || *p.SignerName == servingSigner) {
		return ""
	}
	bundles, err := m.bundles(p)
	switch {
	case err != nil:
		return fmt.Sprintf("while parsing label selector: %v", err)
	case len(bundles) > 0:
		return ""
	case p.Name != nil:
		return fmt.Sprintf(
			"while getting ClusterTrustBundle: clustertrustbundle.certificates.k8s.io %q not found", *p.Name,
		)
	}
	return "combination of signerName and labelSelector matched zero ClusterTrustBundles"
}

// bundles returns the trust bundles of a source of a projected volume.
func (m *machine) bundles(p *v1.ClusterTrustBundleProjection) ([]*certificatesv1.ClusterTrustBundle, error) {
	switch {
	case p.Name != nil:
		if b := m.env.trustBundle(*p.Name); b != nil {
			return []*certificatesv1.ClusterTrustBundle{b}, nil
		}
	case p.SignerName != nil:
		matching, err := metav1.LabelSelectorAsSelector(p.LabelSelector) // nil selects nothing
		if err != nil {
			return nil, err
		}
		return m.env.trustBundlesOf(*p.SignerName, matching), nil
	}
	return nil, nil
}

// anchors returns the certificates of trust bundles as one file: each once, without comments. Kubelets promise no
// order, and none of their order is kept here.
func anchors(bundles []*certificatesv1.ClusterTrustBundle) string {
	found := map[string]bool{}
	for _, b := range bundles {
		for block, rest := pem.Decode([]byte(b.Spec.TrustBundle)); block != nil; block, rest = pem.Decode(rest) {
			found[string(block.Bytes)] = true
		}
	}
	var text strings.Builder
	for _, der := range slices.Sorted(maps.Keys(found)) {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(der)}))
	}
	return text.String()
}

func isTrue(b *bool) bool { return b != nil && *b }
