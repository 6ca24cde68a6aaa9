package simulate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/internal/plan"
)

var storageTraps = []Trap{
	{
		Name:     "volume-elsewhere",
		Cause:    "The volume of the pod is in a zone or on a node that has no place for the pod.",
		Evidence: "VolumeBinding rejects nodes that are not in the node affinity of the volume",
		WaysOut: []string{
			"make room where the volume is", "run a replica in each zone, and let the application replicate its data",
			"use storage that all zones reach",
		},
		Report: "https://github.com/aws/karpenter-provider-aws/issues/2971",
		kinds:  []string{plan.Unplaced}, explain: volumeElsewhere,
	},
	{
		Name:     "claim-missing",
		Cause:    "The pod uses a claim that does not exist.",
		Evidence: "the scheduler does not find the claim, and it is not in the store",
		WaysOut:  []string{"add PersistentVolumeClaim CLAIM to the manifests"},
		Report:   "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#claims-as-volumes",
		kinds:    []string{plan.Unplaced}, explain: claimMissing,
	},
	{
		Name:     "volume-taken",
		Cause:    "The claim waits for a volume that was made by hand, and all of its class belong to other claims.",
		Evidence: "a pending claim beside volumes of its class that are bound to others",
		WaysOut:  []string{"add a PersistentVolume", "remove the claimRef of a released one"},
		Report:   "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reserving-a-persistentvolume",
		kinds:    []string{plan.Unplaced}, explain: volumeTaken,
	},
	{
		Name:     "volume-missing",
		Cause:    "The claim has an empty storage class, so that nothing provisions a volume, and no volume matches it.",
		Evidence: "a pending claim with storageClassName \"\", and no volume that is available",
		WaysOut:  []string{"leave storageClassName out, for the default class", "add a PersistentVolume"},
		Report:   "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#class-1",
		kinds:    []string{plan.Unplaced}, explain: volumeMissing,
	},
	{
		Name:     "storage-class-missing",
		Cause:    "The claim names a storage class that does not exist.",
		Evidence: "a pending claim whose class is not in the store",
		WaysOut: []string{
			"add StorageClass CLASS", "declare it with --external StorageClass/CLASS", "name a class that exists",
		},
		Report: "https://kubernetes.io/docs/concepts/storage/storage-classes/",
		kinds:  []string{plan.Unplaced}, explain: storageClassMissing,
	},
	{
		Name: "node-name-and-late-binding",
		Cause: "The pod names its node itself, so that the scheduler does not see it; the class binds claims when the scheduler has chosen a " +
			"node, which never happens.",
		Evidence: "a pending claim of a class with WaitForFirstConsumer, of a pod that was created with nodeName",
		WaysOut:  []string{"use nodeSelector: {kubernetes.io/hostname: NODE} instead of nodeName"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/95767",
		kinds:    []string{plan.Mount}, explain: nodeNameAndLateBinding,
	},
	{
		Name:     "disk-of-two-pods",
		Cause:    "Pods on several nodes use one ReadWriteOnce claim: a disk is attached to one node at a time.",
		Evidence: "the disk of a pod that does not start is attached to another node, for a pod that stays",
		WaysOut: []string{
			"use a ReadWriteMany volume", "give each pod its claim (a StatefulSet with volumeClaimTemplates)",
		},
		Report: "https://github.com/digitalocean/csi-digitalocean/issues/375",
		kinds:  []string{plan.Mount}, explain: diskOfTwoPods,
	},
	{
		Name:     "claim-in-use",
		Cause:    "A claim is deleted while a pod uses it, and stays Terminating until the pod is gone.",
		Evidence: "finalizer kubernetes.io/pvc-protection on a deleted claim, and a pod that uses it",
		WaysOut:  []string{"delete WORKLOAD first"},
		Report:   "https://github.com/kubernetes/kubernetes/pull/55824",
		kinds:    []string{plan.Deleting}, explain: claimInUse,
	},
}

func labelSet(m map[string]string) labels.Set { return labels.Set(m) }

// claim returns a claim as it is stored, or nil.
func (r *recorder) claim(namespace, name string) *corev1.PersistentVolumeClaim {
	c, _ := r.objects["/persistentvolumeclaims/"+namespace+"/"+name].(*corev1.PersistentVolumeClaim)
	return c
}

// volumes returns the volumes that are stored, by name.
func (r *recorder) volumes() (all []*corev1.PersistentVolume) {
	for _, o := range r.objects {
		if v, ok := o.(*corev1.PersistentVolume); ok {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b *corev1.PersistentVolume) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// class returns a storage class as it is stored, or nil.
func (r *recorder) class(name string) *storagev1.StorageClass {
	c, _ := r.objects["/storageclasses/"+name].(*storagev1.StorageClass)
	return c
}

// pendingClaim returns the first claim of a pod that is not bound, or nil.
func (d *diagnosis) pendingClaim(pod *corev1.Pod) *corev1.PersistentVolumeClaim {
	for _, name := range claimsOf(pod) {
		if c := d.recorder.claim(pod.Namespace, name); c != nil && c.Spec.VolumeName == "" {
			return c
		}
	}
	return nil
}

func classOf(c *corev1.PersistentVolumeClaim) string {
	if c.Spec.StorageClassName == nil {
		return ""
	}
	return *c.Spec.StorageClassName
}

func volumeElsewhere(d *diagnosis) bool {
	nodes := append(d.rejectedBy("VolumeBinding", "node affinity"), d.rejectedBy("VolumeZone", "")...)
	if d.pod == nil || len(nodes) == 0 {
		return false
	}
	for _, name := range claimsOf(d.pod.pod) {
		c := d.recorder.claim(d.pod.pod.Namespace, name)
		if c == nil {
			continue
		}
		for _, v := range d.recorder.volumes() {
			if v.Name != c.Spec.VolumeName || v.Spec.NodeAffinity == nil {
				continue
			}
			where := volumePlace(v)
			d.seen("volume of claim %s: %s", name, where)
			var others []string
			for _, f := range d.fits {
				if !slices.Contains(nodes, f.Name) {
					others = append(others, f.Name+": "+f.Reason)
				}
			}
			if len(others) == 0 {
				return d.because("the volume of claim %s is in %s, where no node is", name, where)
			}
			return d.because(
				"the volume of claim %s is in %s, where no node takes the pod (%s)", name, where, others[0],
			)
		}
	}
	return false
}

// volumePlace says to which nodes a volume is bound.
func volumePlace(v *corev1.PersistentVolume) string {
	var all []string
	if v.Spec.NodeAffinity.Required != nil {
		for _, term := range v.Spec.NodeAffinity.Required.NodeSelectorTerms {
			for _, e := range term.MatchExpressions {
				all = append(all, e.Key+" "+strings.Join(e.Values, ","))
			}
		}
	}
	return strings.Join(all, "; ")
}

func claimMissing(d *diagnosis) bool {
	if d.pod == nil {
		return false
	}
	for _, name := range claimsOf(d.pod.pod) {
		if d.recorder.claim(d.pod.pod.Namespace, name) == nil {
			d.name("CLAIM", name)
			d.seen("volumes of %s", d.pod.life.Object.Name)
			return d.because("PersistentVolumeClaim %s/%s does not exist", d.pod.pod.Namespace, name)
		}
	}
	return false
}

func volumeTaken(d *diagnosis) bool {
	if d.pod == nil {
		return false
	}
	c := d.pendingClaim(d.pod.pod)
	if c == nil || d.provisions(classOf(c)) {
		return false
	}
	for _, v := range d.recorder.volumes() {
		if v.Spec.StorageClassName == classOf(c) && v.Spec.ClaimRef != nil && v.Spec.ClaimRef.UID != c.UID {
			d.seen(
				"PersistentVolume %s belongs to claim %s/%s", v.Name, v.Spec.ClaimRef.Namespace, v.Spec.ClaimRef.Name,
			)
			return d.because(
				"claim %s waits for a volume of class %q, and all of them belong to other claims", c.Name, classOf(c),
			)
		}
	}
	return false
}

// provisions reports whether a class makes volumes.
func (d *diagnosis) provisions(name string) bool {
	c := d.recorder.class(name)
	return c != nil && c.Provisioner != "kubernetes.io/no-provisioner"
}

func volumeMissing(d *diagnosis) bool {
	if d.pod == nil {
		return false
	}
	c := d.pendingClaim(d.pod.pod)
	if c == nil || classOf(c) != "" || c.Spec.StorageClassName == nil {
		return false
	}
	d.seen("claim %s is %s, storageClassName is empty", c.Name, c.Status.Phase)
	return d.because(
		"claim %s has an empty storage class: nothing provisions a volume for it, and none matches", c.Name,
	)
}

func storageClassMissing(d *diagnosis) bool {
	if d.pod == nil {
		return false
	}
	c := d.pendingClaim(d.pod.pod)
	if c == nil || classOf(c) == "" || d.recorder.class(classOf(c)) != nil {
		return false
	}
	d.name("CLASS", classOf(c))
	d.seen("claim %s is %s", c.Name, c.Status.Phase)
	return d.because("claim %s names StorageClass %s, which does not exist", c.Name, classOf(c))
}

func nodeNameAndLateBinding(d *diagnosis) bool {
	t := d.unready()
	if t == nil || t.pod.Spec.NodeName == "" {
		return false
	}
	c := d.pendingClaim(t.pod)
	if c == nil || c.Annotations["volume.kubernetes.io/selected-node"] != "" {
		return false
	}
	class := d.recorder.class(classOf(c))
	if class == nil || class.VolumeBindingMode == nil ||
		*class.VolumeBindingMode != storagev1.VolumeBindingWaitForFirstConsumer {
		return false
	}
	d.name("NODE", t.pod.Spec.NodeName)
	d.seen("claim %s waits for its first consumer; class %s", c.Name, class.Name)
	return d.because("%s names its node itself, and claim %s is bound only when the scheduler chooses one (WaitForFirstConsumer)",
		t.life.Object.Name, c.Name)
}

func diskOfTwoPods(d *diagnosis) bool {
	t := d.unready()
	if t == nil || !strings.HasPrefix(d.problem.Message, "Waiting for detach") {
		return false
	}
	for _, other := range d.recorder.order {
		if other == t || other.gone || other.life.Node == t.life.Node || other.pod.Namespace != t.pod.Namespace {
			continue
		}
		if shared := sharedClaim(t.pod, other.pod); shared != "" && other.pod.DeletionTimestamp == nil {
			d.seen("claim %s is attached to %s for %s", shared, other.life.Node, other.life.Object.Name)
			return d.because("%s on %s waits for the disk of claim %s, which %s on %s has", t.life.Object.Name,
				t.life.Node, shared,
				other.life.Object.Name, other.life.Node)
		}
	}
	return false
}

func claimInUse(d *diagnosis) bool {
	o := d.problem.Object
	if o.Kind != "PersistentVolumeClaim" {
		return false
	}
	c := d.recorder.claim(o.Namespace, o.Name)
	if c == nil || !slices.Contains(c.Finalizers, "kubernetes.io/pvc-protection") {
		return false
	}
	for _, t := range d.recorder.order {
		if t.gone || t.pod.Namespace != o.Namespace || !slices.Contains(claimsOf(t.pod), o.Name) {
			continue
		}
		owner := t.life.Object
		if !isZero(t.life.Workload) {
			owner = t.life.Workload
		}
		d.name("WORKLOAD", owner.String())
		d.seen("%s has it mounted", t.life.Object.Name)
		return d.because("claim %s is Terminating while %s uses it", o.Name, owner)
	}
	return false
}
