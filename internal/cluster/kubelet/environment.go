package kubelet

import (
	"fmt"
	"path"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/api/v1/resource"
	podshelper "k8s.io/kubernetes/pkg/apis/core/pods"
	"k8s.io/kubernetes/pkg/fieldpath"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	volumevalidation "k8s.io/kubernetes/pkg/volume/validation"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// variables returns the environment variables of a container, except those of Services.
func (m *machine) variables(c *v1.Container) map[string]string {
	all := map[string]string{}
	for _, from := range c.EnvFrom {
		var data map[string]string
		if r := from.ConfigMapRef; r != nil {
			data = m.data("configmap", r.Name)
		} else if r := from.SecretRef; r != nil {
			data = m.data("secret", r.Name)
		}
		for key, value := range data {
			all[from.Prefix+key] = value
		}
	}
	for _, e := range c.Env {
		if value, ok := m.variable(c, &e, all); ok {
			all[e.Name] = value
		}
	}
	return all
}

// variable returns the value of a variable, which may refer to earlier ones.
func (m *machine) variable(c *v1.Container, e *v1.EnvVar, before map[string]string) (string, bool) {
	from := e.ValueFrom
	switch {
	case from == nil:
		return expansion.Expand(e.Value, expansion.MappingFuncFor(before)), true
	case from.FieldRef != nil:
		return m.field(from.FieldRef)
	case from.ConfigMapKeyRef != nil:
		value, ok := m.data("configmap", from.ConfigMapKeyRef.Name)[from.ConfigMapKeyRef.Key]
		return value, ok
	case from.SecretKeyRef != nil:
		value, ok := m.data("secret", from.SecretKeyRef.Name)[from.SecretKeyRef.Key]
		return value, ok
	case from.ResourceFieldRef != nil:
		return m.resource(from.ResourceFieldRef, c)
	}
	return "", false
}

// resource returns an amount that the container requests or is limited to.
func (m *machine) resource(r *v1.ResourceFieldSelector, c *v1.Container) (string, bool) {
	allocatable := v1.ResourceList{}
	if n := m.env.node(m.pod.Spec.NodeName); n != nil {
		allocatable = n.Status.Allocatable // what counts where a container has no limit
	}
	if r.ContainerName != "" && r.ContainerName != c.Name {
		value, err := resource.ExtractResourceValueByContainerNameAndNodeAllocatable(
			r, m.pod, r.ContainerName, allocatable,
		)
		return value, err == nil
	}
	c = c.DeepCopy()
	resource.MergeContainerResourceLimits(c, allocatable)
	value, err := resource.ExtractContainerResourceValue(r, c)
	return value, err == nil
}

// field returns the value of a field of the pod.
func (m *machine) field(r *v1.ObjectFieldSelector) (string, bool) {
	name, _, err := podshelper.ConvertDownwardAPIFieldLabel(r.APIVersion, r.FieldPath, "")
	if err != nil {
		return "", false
	}
	switch name {
	case "spec.nodeName":
		return m.pod.Spec.NodeName, true
	case "spec.serviceAccountName":
		return m.pod.Spec.ServiceAccountName, true
	case "status.podIP", "status.podIPs":
		return m.state.IP, true
	case "status.hostIP", "status.hostIPs":
		return hostIP(m.env.node(m.pod.Spec.NodeName)), true
	}
	value, err := fieldpath.ExtractFieldPathAsString(m.pod, name)
	return value, err == nil
}

// data returns the data of a ConfigMap or Secret.
func (m *machine) data(kind, name string) map[string]string {
	if kind == "configmap" {
		if c := m.env.configMap(m.pod.Namespace, name); c != nil {
			return c.Data
		}
		return nil
	}
	s := m.env.secret(m.pod.Namespace, name)
	if s == nil {
		return nil
	}
	all := map[string]string{}
	for key, value := range s.Data {
		all[key] = string(value)
	}
	return all
}

// subPath returns the path in its volume that the variables of a container give a mount.
func (m *machine) subPath(c *v1.Container, mount *v1.VolumeMount) (string, error) {
	var variables []kubecontainer.EnvVar
	for name, value := range m.variables(c) {
		variables = append(variables, kubecontainer.EnvVar{Name: name, Value: value})
	}
	return kubecontainer.ExpandContainerVolumeMounts(*mount, variables)
}

// badMount returns an error about a mount whose path in its volume is invalid, empty if there is none.
func (m *machine) badMount(c *v1.Container) string {
	for _, mount := range c.VolumeMounts {
		inside := mount.SubPath
		if mount.SubPathExpr != "" {
			var err error
			if inside, err = m.subPath(c, &mount); err != nil {
				return err.Error()
			}
		}
		if path.IsAbs(inside) {
			return fmt.Sprintf("error SubPath `%s` must not be an absolute path", inside)
		}
		if err := volumevalidation.ValidatePathNoBacksteps(inside); err != nil {
			return fmt.Sprintf("unable to provision SubPath `%s`: %v", inside, err)
		}
	}
	return ""
}
