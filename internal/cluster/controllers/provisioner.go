package controllers

import (
	"context"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	corev1 "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/component-helpers/storage/volume"
	"k8s.io/kubernetes/pkg/controller/volume/persistentvolume"
	"k8s.io/utils/ptr"

	"github.com/seatrial/seatrial/internal/cluster/kubelet"
)

// annProvisionedBy names the provisioner that created a volume, and is to delete it.
const annProvisionedBy = "pv.kubernetes.io/provisioned-by"

// volumeBinder builds the controller that binds claims to volumes.
func (m *manager) volumeBinder() error {
	c, err := persistentvolume.NewController(m.ctx, persistentvolume.ControllerParameters{
		KubeClient:                m.client,
		SyncPeriod:                15 * time.Second,
		VolumeInformer:            m.shared.Core().V1().PersistentVolumes(),
		ClaimInformer:             m.shared.Core().V1().PersistentVolumeClaims(),
		ClassInformer:             m.shared.Storage().V1().StorageClasses(),
		PodInformer:               m.shared.Core().V1().Pods(),
		NodeInformer:              m.shared.Core().V1().Nodes(),
		EnableDynamicProvisioning: true,
	})
	m.add(func(ctx context.Context) { c.Run(ctx) })
	return err
}

// provisioner creates empty volumes for claims, whatever the provisioner of their storage class, since none of a cloud
// runs here. It deletes them when they are released.
type provisioner struct {
	client  kubernetes.Interface
	claims  corev1.PersistentVolumeClaimLister
	volumes corev1.PersistentVolumeLister
	nodes   corev1.NodeLister
	classes storagelisters.StorageClassLister
	queue   workqueue.TypedRateLimitingInterface[work]
}

// work is a claim, or a volume, which has no namespace.
type work struct{ namespace, name string }

func (m *manager) volumeProvisioner() error {
	core := m.shared.Core().V1()
	p := &provisioner{
		client:  m.client,
		claims:  core.PersistentVolumeClaims().Lister(),
		volumes: core.PersistentVolumes().Lister(),
		nodes:   core.Nodes().Lister(),
		classes: m.shared.Storage().V1().StorageClasses().Lister(),
		queue:   workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[work]()),
	}
	look := func(obj any) {
		if o, ok := obj.(metav1.Object); ok {
			p.queue.Add(work{o.GetNamespace(), o.GetName()})
		}
	}
	handler := cache.ResourceEventHandlerFuncs{AddFunc: look, UpdateFunc: func(_, obj any) { look(obj) }}
	for _, informer := range []cache.SharedIndexInformer{
		core.PersistentVolumeClaims().Informer(), core.PersistentVolumes().Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	m.add(p.run)
	return nil
}

func (p *provisioner) run(ctx context.Context) {
	go wait.UntilWithContext(ctx, p.workOff, time.Second)
	<-ctx.Done()
	p.queue.ShutDown()
}

func (p *provisioner) workOff(ctx context.Context) {
	for {
		next, done := p.queue.Get()
		if done {
			return
		}
		if err := p.do(ctx, next); err != nil {
			p.queue.AddRateLimited(next)
		} else {
			p.queue.Forget(next)
		}
		p.queue.Done(next)
	}
}

func (p *provisioner) do(ctx context.Context, w work) error {
	if w.namespace == "" {
		return p.remove(ctx, w.name)
	}
	claim, err := p.claims.PersistentVolumeClaims(w.namespace).Get(w.name)
	switch {
	case err != nil:
		return nil // it is gone
	case claim.Spec.VolumeName != "":
		return p.resize(ctx, claim)
	case !p.wanted(claim):
		return nil // of another provisioner
	}
	if err := p.findAttributes(ctx, claim); err != nil {
		return err
	}
	_, err = p.client.CoreV1().PersistentVolumes().Create(ctx, p.volume(claim), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// findAttributes returns an error while the class of attributes that a claim wants does not exist.
func (p *provisioner) findAttributes(ctx context.Context, claim *v1.PersistentVolumeClaim) error {
	if !named(claim.Spec.VolumeAttributesClassName) {
		return nil
	}
	_, err := p.client.StorageV1().VolumeAttributesClasses().Get(
		ctx, *claim.Spec.VolumeAttributesClassName, metav1.GetOptions{},
	)
	return err
}

func named(class *string) bool { return class != nil && *class != "" }

// resize makes the volume of a claim as large as the claim wants it, with the attributes that it wants, as the resizer
// of a driver does. The API server has found that its class allows that.
func (p *provisioner) resize(ctx context.Context, claim *v1.PersistentVolumeClaim) error {
	pv, err := p.volumes.Get(claim.Spec.VolumeName)
	if err != nil || !simulated(pv) || claim.Status.Phase != v1.ClaimBound || claim.Status.Capacity == nil {
		return nil // not of this provisioner, or not bound yet
	}
	want, class := claim.Spec.Resources.Requests[v1.ResourceStorage], claim.Spec.VolumeAttributesClassName
	has, reported := pv.Spec.Capacity[v1.ResourceStorage], claim.Status.Capacity[v1.ResourceStorage]
	changes := named(class) && !ptr.Equal(class, claim.Status.CurrentVolumeAttributesClassName)
	if want.Cmp(reported) <= 0 && !changes {
		return nil
	}
	if err := p.findAttributes(ctx, claim); err != nil {
		return err
	}
	if want.Cmp(has) > 0 || changes && !ptr.Equal(class, pv.Spec.VolumeAttributesClassName) {
		pv = pv.DeepCopy()
		pv.Spec.Capacity[v1.ResourceStorage] = larger(want, has)
		if pv.Spec.CSI != nil {
			pv.Spec.VolumeAttributesClassName = class
		}
		if _, err := p.client.CoreV1().PersistentVolumes().Update(ctx, pv, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	claim = claim.DeepCopy()
	claim.Status.Capacity[v1.ResourceStorage] = larger(want, reported)
	if changes {
		claim.Status.CurrentVolumeAttributesClassName = class
	}
	_, err = p.client.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, claim, metav1.UpdateOptions{})
	return err
}

func larger(a, b resource.Quantity) resource.Quantity {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

// wanted reports whether a claim waits for a provisioner: at once, or when its pod has a node, as its class says.
func (p *provisioner) wanted(claim *v1.PersistentVolumeClaim) bool {
	return claim.Spec.VolumeName == "" && claim.DeletionTimestamp == nil &&
		claim.Annotations[volume.AnnStorageProvisioner] != ""
}

// affinity binds a volume to the zone of the node that its first pod got, as the disks of clouds are. A volume of many
// nodes is a share in a network, which every zone reaches.
func (p *provisioner) affinity(claim *v1.PersistentVolumeClaim) *v1.VolumeNodeAffinity {
	shared := func(mode v1.PersistentVolumeAccessMode) bool {
		return mode == v1.ReadWriteMany || mode == v1.ReadOnlyMany
	}
	node, err := p.nodes.Get(claim.Annotations[volume.AnnSelectedNode])
	if err != nil || node.Labels[v1.LabelTopologyZone] == "" || slices.ContainsFunc(claim.Spec.AccessModes, shared) {
		return nil
	}
	return &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
		MatchExpressions: []v1.NodeSelectorRequirement{{
			Key: v1.LabelTopologyZone, Operator: v1.NodeSelectorOpIn,
			Values: []string{node.Labels[v1.LabelTopologyZone]},
		}},
	}}}}
}

func (p *provisioner) volume(claim *v1.PersistentVolumeClaim) *v1.PersistentVolume {
	reclaim := v1.PersistentVolumeReclaimDelete
	if claim.Spec.StorageClassName != nil {
		if class, err := p.classes.Get(*claim.Spec.StorageClassName); err == nil && class.ReclaimPolicy != nil {
			reclaim = *class.ReclaimPolicy
		}
	}
	name, size := "pvc-"+string(claim.UID), claim.Spec.Resources.Requests[v1.ResourceStorage]
	source := v1.PersistentVolumeSource{HostPath: &v1.HostPathVolumeSource{Path: simulatedDisks + name}}
	driver := claim.Annotations[volume.AnnStorageProvisioner]
	// only drivers have such classes, and limits
	if named(claim.Spec.VolumeAttributesClassName) || kubelet.AttachLimited(driver) {
		source = v1.PersistentVolumeSource{CSI: &v1.CSIPersistentVolumeSource{
			Driver: driver, VolumeHandle: simulatedDisks + name,
		}}
	}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{
			annProvisionedBy: claim.Annotations[volume.AnnStorageProvisioner],
		}},
		Spec: v1.PersistentVolumeSpec{
			Capacity:                      v1.ResourceList{v1.ResourceStorage: size},
			AccessModes:                   claim.Spec.AccessModes,
			VolumeMode:                    claim.Spec.VolumeMode,
			PersistentVolumeReclaimPolicy: reclaim,
			StorageClassName:              *claim.Spec.StorageClassName,
			NodeAffinity:                  p.affinity(claim),
			ClaimRef: &v1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name,
				UID: claim.UID, ResourceVersion: claim.ResourceVersion,
			},
			PersistentVolumeSource:    source,
			VolumeAttributesClassName: claim.Spec.VolumeAttributesClassName,
		},
	}
}

// simulatedDisks is where the volumes of this provisioner are, by which it knows them.
const simulatedDisks = "/var/local/"

// simulated reports whether a volume is one of this provisioner.
func simulated(pv *v1.PersistentVolume) bool {
	s := &pv.Spec.PersistentVolumeSource
	return s.HostPath != nil && s.HostPath.Path == simulatedDisks+pv.Name ||
		s.CSI != nil && s.CSI.VolumeHandle == simulatedDisks+pv.Name
}

// remove deletes a released volume of this provisioner.
func (p *provisioner) remove(ctx context.Context, name string) error {
	pv, err := p.volumes.Get(name)
	if err != nil || pv.Annotations[annProvisionedBy] == "" || pv.DeletionTimestamp != nil || !simulated(pv) {
		return nil // gone, being deleted, or of somebody else
	}
	reclaim := pv.Spec.PersistentVolumeReclaimPolicy
	if pv.Status.Phase != v1.VolumeReleased || reclaim != v1.PersistentVolumeReclaimDelete {
		return nil
	}
	err = p.client.CoreV1().PersistentVolumes().Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
