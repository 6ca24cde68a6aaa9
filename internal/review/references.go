package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/lint"
)

// services finds Services that were there and that select other workloads than before.
func services(e *environment) (found []Consequence) {
	for _, p := range e.both("", "Service") {
		if p.old.Resource.Selector == nil || p.new.Resource.Selector == nil {
			continue
		}
		before, after := e.selected(e.old, p.old), e.selected(e.new, p.new)
		lost, gained := minus(before, after), minus(after, before)
		stay := e.staying(lost)
		switch {
		case len(before) > 0 && len(after) == 0 && !e.new.MayCreatePods(p.new.Resource.Object.Namespace) &&
			!e.moved(lost):
			c := about(
				p.new, "service-pods", High, "selects no pods any more: it selected those of %s",
				names(shownKeys(lost)),
			)
			c.Details = e.whyNot(p, lost)
			found = append(found, c)
		case len(stay) > 0 && len(after) > 0:
			c := about(p.new, "service-pods", Medium, "no longer selects the pods of %s", names(shownKeys(stay)))
			c.Details = e.whyNot(p, stay)
			if len(gained) > 0 {
				c.Message += fmt.Sprintf(", but those of %s", names(shownKeys(gained)))
			}
			found = append(found, c)
		case len(gained) > 0 && len(before) > 0 && len(lost) == 0:
			found = append(
				found, about(p.new, "service-pods", Low, "selects the pods of %s as well", names(shownKeys(gained))),
			)
		}
	}
	return found
}

// workloads are what a Service selects, by identity.
type workloads map[Identity]*lint.Resource

// selected returns what an object with a selector selects. What makes pods without any replicas counts as well.
func (e *environment) selected(set *lint.Set, o *Object) workloads {
	all := workloads{}
	for r := range set.Selected(o.Resource) {
		all[identityOf(r)] = r
	}
	return all
}

func identityOf(r *lint.Resource) Identity {
	gk := r.GroupKind()
	return Identity{gk.Group, gk.Kind, r.Object.Namespace, r.Object.Name}
}

func minus(a, b workloads) workloads {
	rest := maps.Clone(a)
	maps.DeleteFunc(rest, func(id Identity, _ *lint.Resource) bool { return b[id] != nil })
	return rest
}

// staying returns those of some workloads that are there after the change as well.
func (e *environment) staying(all workloads) workloads {
	stay := maps.Clone(all)
	maps.DeleteFunc(stay, func(id Identity, _ *lint.Resource) bool {
		return e.new.Get(id.Group, id.Kind, id.Namespace, id.Name) == nil
	})
	return stay
}

func shownKeys(w workloads) (list []string) {
	for id := range w {
		list = append(list, id.Kind+" "+id.Name)
	}
	return list
}

// moved reports whether another environment has the workloads.
func (e *environment) moved(lost workloads) bool {
	if e.Elsewhere == nil {
		return false
	}
	for id := range lost {
		if e.Elsewhere(lint.Ref{Group: id.Group, Kind: id.Kind, Namespace: id.Namespace, Name: id.Name}) {
			return true
		}
	}
	return false
}

// whyNot says why a Service does not select workloads any more.
func (e *environment) whyNot(p *pair, lost workloads) (why []string) {
	for _, f := range p.fields {
		if under(f.Path, "spec.selector") {
			why = append(why, shortField(f))
		}
	}
	for _, other := range e.pairs {
		if other.old == nil || lost[other.old.Identity()] == nil {
			continue
		}
		if other.action == Delete {
			why = append(why, other.old.String()+" is deleted")
			continue
		}
		for _, f := range other.fields {
			if strings.Contains(f.Path, "metadata.labels") {
				why = append(why, fmt.Sprintf("%s: %s", other.old, shortField(f)))
			}
		}
	}
	return why
}

// references finds what refers to objects that go, and objects to which nothing refers any more.
func references(e *environment) (found []Consequence) {
	for _, p := range e.pairs {
		if p.new == nil {
			continue
		}
		seen := map[string]bool{}
		for _, ref := range p.new.Resource.Refs {
			if broken, risk := e.broken(p, ref); broken != "" && !seen[broken] {
				seen[broken] = true
				found = append(found, about(p.new, "reference-broken", risk, "%s", broken))
			}
		}
	}
	for _, p := range e.both("", "ConfigMap", "Secret", "PersistentVolumeClaim", "ServiceAccount") {
		if p.action != Rename && e.old.Referred(p.old.Resource) && !e.new.Referred(p.new.Resource) &&
			!e.new.MayCreatePods(p.new.Resource.Object.Namespace) {
			found = append(
				found, about(p.new, "reference-orphaned", Low, "nothing in this environment refers to it any more"),
			)
		}
	}
	return found
}

// broken says which object or key a reference leads to that was there, and goes.
func (e *environment) broken(p *pair, ref lint.Ref) (what string, risk Risk) {
	was := e.old.Get(ref.Group, ref.Kind, ref.Namespace, ref.Name)
	if was == nil || ref.Optional {
		return "", None
	}
	is := e.new.Get(ref.Group, ref.Kind, ref.Namespace, ref.Name)
	if is == nil {
		if e.new.Has(ref) || e.Elsewhere != nil && e.Elsewhere(ref) {
			return "", None
		}
		return fmt.Sprintf("%s refers to %s, which is removed", ref.Role, ref), High
	}
	for _, key := range ref.Keys {
		if !key.Optional && slices.Contains(was.Keys, key.Name) && !slices.Contains(is.Keys, key.Name) {
			return fmt.Sprintf("%s needs key %s of %s, which is removed", ref.Role, key.Name, ref), High
		}
	}
	if ref.Kind == "Service" && ref.Port != nil && hasPort(was, ref.Port) && !hasPort(is, ref.Port) {
		return fmt.Sprintf("%s needs port %s of %s, which is removed", ref.Role, portText(ref.Port), ref), High
	}
	return "", None
}

func hasPort(service *lint.Resource, port *lint.Port) bool {
	return slices.ContainsFunc(service.Ports, func(p lint.Port) bool {
		return port.Name != "" && p.Name == port.Name || port.Name == "" && p.Number == port.Number
	})
}

func portText(p *lint.Port) string {
	if p.Name != "" {
		return p.Name
	}
	return fmt.Sprint(p.Number)
}

// autoscalers finds workloads whose manifests set the replicas that an autoscaler decides, where that is new.
func autoscalers(e *environment) (found []Consequence) {
	for _, p := range e.pairs {
		if p.new == nil || !p.new.is("autoscaling", "HorizontalPodAutoscaler") {
			continue
		}
		low, high := bounds(p.new)
		for _, ref := range p.new.Resource.Refs {
			target := e.find(ref)
			if target == nil || target.new == nil || !target.new.Resource.ReplicasWritten {
				continue
			}
			changed := p.action == Create || target.action == Create ||
				slices.ContainsFunc(target.fields, func(f Field) bool {
					return f.Path == "spec.replicas"
				}) || target.old != nil && !target.old.Resource.ReplicasWritten
			if changed {
				found = append(found, about(target.new, "autoscaler-conflict", Medium,
					"spec.replicas is %d, and HorizontalPodAutoscaler %s scales between %d and %d: each apply sets it back",
					*target.new.Resource.Replicas, p.new.Name(), low, high))
			}
		}
	}
	return found
}

func bounds(o *Object) (low, high int32) {
	low = 1
	switch h := o.Typed.(type) {
	case *autoscalingv2.HorizontalPodAutoscaler:
		if h.Spec.MinReplicas != nil {
			low = *h.Spec.MinReplicas
		}
		high = h.Spec.MaxReplicas
	case *autoscalingv1.HorizontalPodAutoscaler:
		if h.Spec.MinReplicas != nil {
			low = *h.Spec.MinReplicas
		}
		high = h.Spec.MaxReplicas
	}
	return low, high
}

// find returns the pair of the object that a reference leads to.
func (e *environment) find(ref lint.Ref) *pair {
	id := Identity{ref.Group, ref.Kind, ref.Namespace, ref.Name}
	for _, p := range e.pairs {
		if p.new != nil && p.new.Identity() == id {
			return p
		}
	}
	return nil
}

// volumes finds what data is lost, or out of reach.
func volumes(e *environment) (found []Consequence) {
	for _, p := range e.pairs {
		gone := p.action == Delete && p.fate.Outcome == Pruned
		switch {
		case gone && p.old.is("", "PersistentVolumeClaim"):
			found = append(found, about(p.old, "volume", High,
				"the claim is deleted, and with reclaim policy Delete so is its data (%s)", p.fate.Why))
		case gone && p.old.is("", "PersistentVolume"):
			found = append(found, about(p.old, "volume", High, "the volume is deleted (%s)", p.fate.Why))
		case gone && p.old.is("", "Namespace"):
			found = append(found, about(p.old, "volume", High,
				"the namespace is deleted with everything in it, claims included (%s)", p.fate.Why))
		case gone && p.old.is("apps", "StatefulSet"):
			if s, ok := p.old.Typed.(*appsv1.StatefulSet); ok && deletesClaims(s) {
				found = append(found, about(p.old, "volume", High,
					"the claims of its pods are deleted with it: persistentVolumeClaimRetentionPolicy.whenDeleted is Delete"))
			} else if hasClaims(p.old) {
				found = append(
					found, about(p.old, "volume", Medium, "the claims of its pods stay, and no pod uses them any more"),
				)
			}
		case p.action == Rename && p.old.is("apps", "StatefulSet") && hasClaims(p.old):
			found = append(found, about(p.new, "volume", High,
				"pods of the new name get new, empty volumes; those of StatefulSet %s are not attached to them",
				p.old.Name()))
		case p.action == Update:
			found = append(found, otherVolumes(p)...)
		}
	}
	return found
}

func deletesClaims(s *appsv1.StatefulSet) bool {
	policy := s.Spec.PersistentVolumeClaimRetentionPolicy
	return len(s.Spec.VolumeClaimTemplates) > 0 && policy != nil &&
		policy.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType
}

func hasClaims(o *Object) bool {
	s, ok := o.Typed.(*appsv1.StatefulSet)
	return ok && len(s.Spec.VolumeClaimTemplates) > 0
}

// otherVolumes finds volumes of pods that had the data of a claim, and have it no more.
func otherVolumes(p *pair) (found []Consequence) {
	old, new := lint.PodTemplateOf(p.old.Typed), lint.PodTemplateOf(p.new.Typed)
	if old == nil || new == nil {
		return nil
	}
	for _, v := range old.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		claim := v.PersistentVolumeClaim.ClaimName
		i := slices.IndexFunc(new.Spec.Volumes, func(o corev1.Volume) bool { return o.Name == v.Name })
		switch {
		case i < 0:
		case new.Spec.Volumes[i].PersistentVolumeClaim == nil:
			found = append(
				found, about(p.new, "volume", High, "volume %s no longer holds the data of claim %s", v.Name, claim),
			)
		case new.Spec.Volumes[i].PersistentVolumeClaim.ClaimName != claim:
			found = append(found, about(p.new, "volume", High, "volume %s is claim %s in place of %s",
				v.Name, new.Spec.Volumes[i].PersistentVolumeClaim.ClaimName, claim))
		}
	}
	return found
}

// images finds images that come from another registry than before, and tags that may move.
func images(e *environment) (found []Consequence) {
	for _, p := range e.pairs {
		if p.new == nil || p.action == "" {
			continue
		}
		before := imagesOf(p.old)
		for name, image := range imagesOf(p.new) {
			was, known := before[name]
			if was == image || image == "" {
				continue
			}
			if from, to := registryOf(was), registryOf(image); known && from != "" && to != "" && from != to {
				found = append(
					found, about(p.new, "image", Medium, "container %s pulls from %s in place of %s", name, to, from),
				)
			}
			if floating(image) && !(known && floating(was)) {
				found = append(
					found, about(p.new, "image", Low, "container %s runs %s: what it means may change", name, image),
				)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Consequence) int { return strings.Compare(a.Message, b.Message) })
	return found
}

func imagesOf(o *Object) map[string]string {
	all := map[string]string{}
	if o == nil {
		return all
	}
	if pods := lint.PodTemplateOf(o.Typed); pods != nil {
		for _, c := range slices.Concat(pods.Spec.InitContainers, pods.Spec.Containers) {
			all[c.Name] = c.Image
		}
	}
	return all
}

// registryOf returns the registry that an image is pulled from; empty if it is no reference.
func registryOf(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return ""
	}
	return reference.Domain(named)
}

// floating reports whether an image has no version: the same name may be another image tomorrow.
func floating(image string) bool {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return false
	}
	tagged, ok := reference.TagNameOnly(named).(reference.Tagged)
	_, digested := named.(reference.Digested)
	return ok && tagged.Tag() == "latest" && !digested
}
