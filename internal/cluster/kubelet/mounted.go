package kubelet

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/internal/cluster/shell"
)

// mounted returns what is at a path of a container: files that the kubelet writes, and those of ConfigMaps, Secrets,
// the downward API and service accounts. Nobody knows what an image, a disk or another container has written.
func (m *machine) mounted(c *v1.Container, name string) shell.File {
	name = path.Clean(name)
	at := mountOf(c, name)
	replaced := at != nil && path.Clean(at.MountPath) == name // a mount of that very file takes its place
	if text := m.ownFile(name); text != "" && !replaced {
		return shell.File{Known: true, Exists: true, Text: text, Mode: 0o644}
	}
	mount, v := m.volumeAt(c, name)
	if v == nil {
		return shell.File{}
	}
	files, ok := m.volumeFiles(c, v)
	if !ok {
		return shell.File{}
	}
	inside, ok := m.inVolume(c, mount, name)
	if !ok {
		return shell.File{}
	}
	f := fileIn(files, inside)
	f.Mode, f.User, f.Group = modeIn(m.pod, v, inside), "0", groupOf(m.pod)
	if f.Names != nil {
		f.Mode = fs.ModeDir | 0o777
	}
	if v.ConfigMap == nil {
		f.System = tmpfs
	}
	return f
}

// tmpfs is the type of file systems in memory, where the kubelet puts what a node must not keep.
const tmpfs = "tmpfs"

// volumeAt returns the mount that a path lies in, and its volume; nil if there is none.
func (m *machine) volumeAt(c *v1.Container, name string) (*v1.VolumeMount, *v1.Volume) {
	mount := mountOf(c, name)
	if mount == nil {
		return nil, nil
	}
	i := slices.IndexFunc(m.pod.Spec.Volumes, func(v v1.Volume) bool { return v.Name == mount.Name })
	if i < 0 {
		return nil, nil
	}
	return mount, &m.pod.Spec.Volumes[i]
}

// inVolume returns where a path of a container is in the volume of a mount.
func (m *machine) inVolume(c *v1.Container, mount *v1.VolumeMount, name string) (inside string, ok bool) {
	at := path.Clean(mount.MountPath)
	if name != at && !strings.HasPrefix(name, at+"/") {
		return "", false
	}
	inside = mount.SubPath
	if mount.SubPathExpr != "" {
		var err error
		if inside, err = m.subPath(c, mount); err != nil {
			return "", false
		}
	}
	return strings.TrimPrefix(path.Join(inside, strings.TrimPrefix(name, at)), "/"), true
}

// modeIn returns the mode of a file of a volume that the kubelet fills.
func modeIn(pod *v1.Pod, v *v1.Volume, name string) fs.FileMode {
	mode := int32(0o644)
	set := func(values ...*int32) {
		for _, value := range values {
			if value != nil {
				mode = *value
			}
		}
	}
	keys := func(items []v1.KeyToPath) {
		for _, i := range items {
			if i.Path == name {
				set(i.Mode)
			}
		}
	}
	downward := func(items []v1.DownwardAPIVolumeFile) {
		for _, i := range items {
			if i.Path == name {
				set(i.Mode)
			}
		}
	}
	switch {
	case v.ConfigMap != nil:
		set(v.ConfigMap.DefaultMode)
		keys(v.ConfigMap.Items)
	case v.Secret != nil:
		set(v.Secret.DefaultMode)
		keys(v.Secret.Items)
	case v.DownwardAPI != nil:
		set(v.DownwardAPI.DefaultMode)
		downward(v.DownwardAPI.Items)
	case v.Projected != nil:
		set(v.Projected.DefaultMode)
		for _, s := range v.Projected.Sources {
			switch {
			case s.ConfigMap != nil:
				keys(s.ConfigMap.Items)
			case s.Secret != nil:
				keys(s.Secret.Items)
			case s.DownwardAPI != nil:
				downward(s.DownwardAPI.Items)
			}
		}
	}
	if groupOf(pod) != "0" {
		mode |= 0o440 // the group of the pod may read
	}
	return fs.FileMode(mode).Perm()
}

// groupOf returns the group that the files of a pod's volumes belong to.
func groupOf(pod *v1.Pod) string {
	if s := pod.Spec.SecurityContext; s != nil && s.FSGroup != nil {
		return strconv.FormatInt(*s.FSGroup, 10)
	}
	return "0"
}

// ownFile returns a file that the kubelet writes for each pod, empty if it is none.
func (m *machine) ownFile(name string) string {
	switch name {
	case "/etc/hostname":
		return hostnameOf(m.pod) + "\n"
	case "/etc/hosts":
		return m.hosts()
	case "/etc/resolv.conf":
		return m.resolvConf()
	}
	return ""
}

// hosts returns the hosts file of the pod.
func (m *machine) hosts() string {
	if m.pod.Spec.HostNetwork {
		return ""
	}
	var b strings.Builder
	b.WriteString("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" +
		"fe00::\tip6-localnet\nfe00::\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n")
	name := hostnameOf(m.pod)
	if m.pod.Spec.Subdomain != "" {
		name = fmt.Sprintf("%s.%s.%s.svc.cluster.local\t%s", name, m.pod.Spec.Subdomain, m.pod.Namespace, name)
	}
	fmt.Fprintf(&b, "%s\t%s\n", m.state.IP, name)
	if len(m.pod.Spec.HostAliases) > 0 {
		b.WriteString("\n# Entries added by HostAliases.\n")
	}
	for _, a := range m.pod.Spec.HostAliases {
		fmt.Fprintf(&b, "%s\t%s\n", a.IP, strings.Join(a.Hostnames, "\t"))
	}
	return b.String()
}

// clusterDNS is the address of the name server of the cluster.
const clusterDNS = "10.96.0.10"

// resolvConf returns the configuration of name resolution of the pod.
func (m *machine) resolvConf() string {
	var servers, search, options []string
	if p := m.pod.Spec.DNSPolicy; p == "" || p == v1.DNSClusterFirst && !m.pod.Spec.HostNetwork ||
		p == v1.DNSClusterFirstWithHostNet {
		servers, options = []string{clusterDNS}, []string{"ndots:5"}
		search = []string{m.pod.Namespace + ".svc.cluster.local", "svc.cluster.local", "cluster.local"}
	}
	if d := m.pod.Spec.DNSConfig; d != nil {
		servers, search = append(servers, d.Nameservers...), append(search, d.Searches...)
		for _, o := range d.Options {
			text := o.Name
			if o.Value != nil && *o.Value != "" {
				text += ":" + *o.Value
			}
			options = slices.DeleteFunc(options, func(have string) bool { return strings.HasPrefix(have, o.Name+":") })
			options = append(options, text)
		}
	}
	var b strings.Builder
	if len(search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(search, " "))
	}
	for _, s := range servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	if len(options) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(options, " "))
	}
	return b.String()
}

// mountOf returns the mount that a path lies in, nil if there is none.
func mountOf(c *v1.Container, name string) (found *v1.VolumeMount) {
	for i := range c.VolumeMounts {
		at := path.Clean(c.VolumeMounts[i].MountPath)
		if (name == at || strings.HasPrefix(name, at+"/")) &&
			(found == nil || len(at) > len(path.Clean(found.MountPath))) {
			found = &c.VolumeMounts[i]
		}
	}
	return found
}

// fileIn returns what is at a path among files.
func fileIn(files map[string]string, name string) shell.File {
	if text, ok := files[name]; ok {
		return shell.File{Known: true, Exists: true, Text: text}
	}
	prefix, names := "", []string{}
	if name != "" && name != "." {
		prefix = name + "/"
	}
	for _, f := range slices.Sorted(maps.Keys(files)) {
		if rest, ok := strings.CutPrefix(f, prefix); ok {
			first, _, _ := strings.Cut(rest, "/")
			if !slices.Contains(names, first) {
				names = append(names, first)
			}
		}
	}
	if len(names) == 0 && prefix != "" {
		return shell.File{Known: true}
	}
	return shell.File{Known: true, Exists: true, Names: names}
}

// volumeFiles returns the files of a volume by their paths, if they are known.
func (m *machine) volumeFiles(c *v1.Container, v *v1.Volume) (map[string]string, bool) {
	files := map[string]string{}
	switch {
	case v.ConfigMap != nil:
		project(files, m.fileData(v.ConfigMap.Name), v.ConfigMap.Items)
	case v.Secret != nil:
		project(files, m.data("secret", v.Secret.SecretName), v.Secret.Items)
	case v.DownwardAPI != nil:
		m.downward(files, c, v.DownwardAPI.Items)
	case v.Projected != nil:
		for i := range v.Projected.Sources {
			m.projected(files, c, &v.Projected.Sources[i])
		}
	default:
		return nil, false
	}
	return files, true
}

// projected adds the files of a source of a projected volume.
func (m *machine) projected(files map[string]string, c *v1.Container, s *v1.VolumeProjection) {
	switch {
	case s.ConfigMap != nil:
		project(files, m.fileData(s.ConfigMap.Name), s.ConfigMap.Items)
	case s.Secret != nil:
		project(files, m.data("secret", s.Secret.Name), s.Secret.Items)
	case s.DownwardAPI != nil:
		m.downward(files, c, s.DownwardAPI.Items)
	case s.ClusterTrustBundle != nil:
		if bundles, err := m.bundles(s.ClusterTrustBundle); err == nil { // or the volume is not mounted
			files[s.ClusterTrustBundle.Path] = anchors(bundles)
		}
	case s.ServiceAccountToken != nil:
		text := ""
		if m.issue != nil {
			text = m.issue(s.ServiceAccountToken)
		}
		files[s.ServiceAccountToken.Path] = cmp.Or(
			text, "(a token of service account "+cmp.Or(m.pod.Spec.ServiceAccountName, "default")+")",
		)
	}
}

// fileData returns the data of a ConfigMap as files, those that are no text included.
func (m *machine) fileData(name string) map[string]string {
	c := m.env.configMap(m.pod.Namespace, name)
	if c == nil || len(c.BinaryData) == 0 {
		return m.data("configmap", name)
	}
	all := maps.Clone(c.Data)
	if all == nil {
		all = map[string]string{}
	}
	for key, value := range c.BinaryData {
		all[key] = string(value)
	}
	return all
}

// project adds the data of a ConfigMap or Secret: all of it, or some keys under other names.
func project(files, data map[string]string, items []v1.KeyToPath) {
	if len(items) == 0 {
		maps.Copy(files, data)
	}
	for _, i := range items {
		if text, ok := data[i.Key]; ok {
			files[i.Path] = text
		}
	}
}

// downward adds files of the downward API.
func (m *machine) downward(files map[string]string, c *v1.Container, items []v1.DownwardAPIVolumeFile) {
	for _, i := range items {
		switch {
		case i.FieldRef != nil:
			if text, ok := m.field(i.FieldRef); ok {
				files[i.Path] = text
			}
		case i.ResourceFieldRef != nil:
			if text, ok := m.resource(i.ResourceFieldRef, c); ok {
				files[i.Path] = text
			}
		}
	}
}

// identity returns what id prints for a container, empty if its image says who it runs as.
func identity(pod *v1.Pod, c *v1.Container) string {
	var user, group *int64
	if pod != nil && pod.Spec.SecurityContext != nil {
		user, group = pod.Spec.SecurityContext.RunAsUser, pod.Spec.SecurityContext.RunAsGroup
	}
	if c != nil && c.SecurityContext != nil {
		user, group = cmp.Or(c.SecurityContext.RunAsUser, user), cmp.Or(c.SecurityContext.RunAsGroup, group)
	}
	if user == nil {
		return ""
	}
	gid := int64(0)
	if group != nil {
		gid = *group
	}
	return fmt.Sprintf("uid=%d gid=%d groups=%d", *user, gid, gid)
}
