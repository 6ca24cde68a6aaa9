package pages

import (
	"maps"
	"slices"
	"strings"
)

// category is a part of the left side, named as in the official reference.
type category struct {
	name  string
	kinds []string
}

var categories = []category{
	{
		"Workloads",
		[]string{
			"CronJob", "DaemonSet", "Deployment", "Job", "Pod", "PodGroup", "CompositePodGroup", "ReplicaSet",
			"ReplicationController", "StatefulSet", "Workload",
		},
	},
	{"Services", []string{"Endpoints", "EndpointSlice", "Ingress", "IngressClass", "Service"}},
	{
		"Config and storage",
		[]string{
			"ConfigMap", "CSIDriver", "CSINode", "CSIStorageCapacity", "PersistentVolumeClaim", "Secret",
			"StorageClass", "StorageVersionMigration", "VolumeAttachment", "VolumeAttributesClass",
		},
	},
	{"Metadata",
		[]string{"ClusterTrustBundle", "ControllerRevision", "CustomResourceDefinition", "DeviceClass",
			"DeviceTaintRule", "Event", "Eviction", "EvictionRequest", "HorizontalPodAutoscaler", "LimitRange",
			"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
			"PodCertificateRequest", "PodDisruptionBudget", "PodPreset", "PodScheduling", "PodSchedulingContext",
			"PodSecurityPolicy", "PodTemplate",
			"PriorityClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceClass", "ResourceClaimParameters",
			"ResourceClassParameters", "ResourcePoolStatusRequest", "ResourceSlice",
			"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"}},
	{"Cluster",
		[]string{"APIService", "Binding", "CertificateSigningRequest", "ClusterCIDR", "ClusterRole",
			"ClusterRoleBinding", "ComponentStatus", "FlowSchema", "IPAddress", "Lease", "LeaseCandidate",
			"LocalSubjectAccessReview", "Namespace", "NetworkPolicy", "Node", "PersistentVolume",
			"PriorityLevelConfiguration", "ResourceQuota", "Role", "RoleBinding", "RuntimeClass",
			"SelfSubjectAccessReview",
			"SelfSubjectReview", "SelfSubjectRulesReview", "ServiceAccount", "ServiceCIDR", "StorageVersion",
			"SubjectAccessReview", "TokenReview"}},
}

const (
	custom = "Custom resources"
	others = "Other API versions"

	projectPrefix = "project " // no other part begins with it
)

// category returns the part of the left side that a kind stands in.
func (k *kind) category() string {
	if k.project != "" {
		return projectPrefix + k.project
	}
	if k.Custom() {
		return custom
	}
	for _, c := range categories {
		if slices.Contains(c.kinds, k.GVK.Kind) {
			return c.name
		}
	}
	return others
}

// section is a part of the left side.
type section struct {
	Name    string
	Links   []link
	Closed  bool
	Project bool // an operator
}

type link struct {
	Text, Note, File string
	In               mask
	Doc              string // the first sentence
}

// sections puts the kinds into the parts of the left side. What the newest version serves in a better
// API version, or not at all, comes last.
func (s *Site) sections() []section {
	links := map[string][]link{}
	for _, k := range s.kinds {
		name, l := k.category(), link{Text: k.GVK.Kind, File: k.file, In: k.in}
		if k.project == "" {
			l.Doc = k.Summary()
		}
		if !k.preferred && name != custom && k.project == "" {
			name = others
		}
		if name == others || name == custom || !k.preferred {
			l.Note = k.GroupVersion().String()
		}
		if n := len(links[name]); n > 0 && links[name][n-1].Text == l.Text { // two groups have such a kind
			before := &links[name][n-1]
			before.Note, l.Note = s.byFile[before.File].GroupVersion().String(), k.GroupVersion().String()
		}
		links[name] = append(links[name], l)
	}
	var out []section
	for _, c := range append(slices.Clone(categories), category{name: custom}, category{name: others}) {
		if len(links[c.name]) > 0 {
			out = append(out, section{Name: c.name, Links: links[c.name], Closed: c.name == others})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(links)) {
		if project, ok := strings.CutPrefix(name, projectPrefix); ok {
			out = append(out, section{Name: project, Links: links[name], Closed: true, Project: true})
		}
	}
	return out
}
