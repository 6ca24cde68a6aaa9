package review

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/lint"
)

// restarts finds the workloads whose pods are replaced, and those whose pods should be and are not.
func restarts(e *environment) (found []Consequence) {
	for _, p := range e.both("apps", "Deployment", "StatefulSet", "DaemonSet") {
		if p.action == Rename && !noReplicas(p.old) {
			found = append(found, replaced(p))
		}
		if p.action != Update {
			continue
		}
		why := slices.DeleteFunc(slices.Clone(p.fields), func(f Field) bool { return !under(f.Path, "spec.template") })
		if len(why) == 0 || p.new.Typed == nil || p.old.Typed == nil {
			continue
		}
		reasons := e.reasons(why)
		c := about(p.new, "restart", Low, "pods are replaced: %s", reasons[0])
		c.Details = reasons[1:]
		switch held, interrupted := heldBack(p.new); {
		case held != "":
			c.Kind, c.Risk = "no-rollout", Medium
			c.Message = fmt.Sprintf("pods keep the old template: %s", held)
			c.Details = reasons
		case noReplicas(p.new):
			continue
		default:
			e.restarted[p.new] = true
			if interrupted != "" {
				c.Risk = Medium
				c.Message += "; " + interrupted
			}
		}
		found = append(found, c)
	}
	return found
}

// replaced says what becomes of the pods of a workload that gets another name or namespace.
func replaced(p *pair) Consequence {
	if p.fate.Outcome == Left {
		return about(p.new, "restart", Medium, "runs beside %s, which stays", p.old.shown())
	}
	return about(
		p.new, "restart", Medium, "takes the place of %s, whose pods are deleted: that is no rolling update",
		p.old.shown(),
	)
}

// heldBack says what keeps a workload from replacing its pods, or how they are missed while it does.
func heldBack(o *Object) (held, interrupted string) {
	switch w := o.Typed.(type) {
	case *appsv1.Deployment:
		if w.Spec.Paused {
			held = "the Deployment is paused"
		}
		if w.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
			interrupted = "strategy Recreate stops all pods before new ones start"
		}
	case *appsv1.StatefulSet:
		strategy := w.Spec.UpdateStrategy
		switch {
		case strategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
			held = "updateStrategy is OnDelete"
		case strategy.RollingUpdate != nil && strategy.RollingUpdate.Partition != nil && w.Spec.Replicas != nil &&
			*strategy.RollingUpdate.Partition >= *w.Spec.Replicas && *w.Spec.Replicas > 0:
			held = fmt.Sprintf("updateStrategy.rollingUpdate.partition is %d", *strategy.RollingUpdate.Partition)
		case w.Spec.Replicas != nil && *w.Spec.Replicas == 1:
			interrupted = "its only pod stops before the new one starts"
		}
	case *appsv1.DaemonSet:
		if w.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
			held = "updateStrategy is OnDelete"
		}
	}
	return held, interrupted
}

func noReplicas(o *Object) bool { return o.Resource.Replicas != nil && *o.Resource.Replicas == 0 }

var (
	imageField     = regexp.MustCompile(`^spec\.template\.spec\.(?:initContainers|containers)\[(.+)\]\.image$`)
	referenceField = regexp.MustCompile(
		`(configMapRef\.name|configMapKeyRef\.name|configMap\.name|secretRef\.name|secretKeyRef\.name|secret\.secretName|secret\.name)$`,
	)
	checksumField = regexp.MustCompile(
		`^spec\.template\.metadata\.annotations\[(.*(?:checksum|hash|sha).*)\]$|^spec\.template\.metadata\.annotations\.(.*(?:checksum|hash|sha).*)$`,
	)
)

// reasons says in words why pods are replaced, what a reader looks for first.
func (e *environment) reasons(fields []Field) (all []string) {
	var images, configs, others []string
	for _, f := range fields {
		switch m := imageField.FindStringSubmatch(f.Path); {
		case m != nil && f.Before != "" && f.After != "":
			images = append(images, fmt.Sprintf("image of container %s: %s -> %s", m[1], f.Before, f.After))
			continue
		}
		switch {
		case referenceField.MatchString(f.Path) && e.generated(f):
			configs = append(
				configs, fmt.Sprintf("the content of %s changes, and with it its generated name", stemOfName(f.After)),
			)
		case checksumField.MatchString(f.Path):
			configs = append(configs, fmt.Sprintf("annotation %s changes", strings.Trim(
				strings.TrimPrefix(f.Path, "spec.template.metadata.annotations"), ".[]")))
		default:
			others = append(others, shortField(f))
		}
	}
	for _, list := range [][]string{images, configs, others} {
		for _, reason := range list {
			all = addOnce(all, reason)
		}
	}
	return all
}

// generated reports whether a reference leads to the same generated object under the name of its new content.
func (e *environment) generated(f Field) bool {
	return slices.ContainsFunc(e.pairs, func(p *pair) bool {
		return p.action == Rename && p.old.Name() == f.Before && p.new.Name() == f.After
	})
}

func stemOfName(name string) string { return generatedSuffix.ReplaceAllString(name, "") }

// shortField tells a field in one line.
func shortField(f Field) string {
	const most = 60
	path := strings.TrimPrefix(strings.TrimPrefix(f.Path, "spec.template."), "spec.")
	cut := func(s string) string {
		if r := []rune(s); len(r) > most {
			return string(r[:most]) + "…"
		}
		return s
	}
	switch {
	case f.Before == "":
		return fmt.Sprintf("%s is added: %s", path, cut(f.After))
	case f.After == "":
		return fmt.Sprintf("%s is removed", path)
	case len(f.Lines) > 0:
		return fmt.Sprintf("%s changes", path)
	}
	return fmt.Sprintf("%s: %s -> %s", path, cut(f.Before), cut(f.After))
}

// staleConfig finds pods that keep old values of a ConfigMap or Secret, because nothing restarts them.
func staleConfig(e *environment) (found []Consequence) {
	for _, config := range e.both("", "ConfigMap", "Secret") {
		keys := changedKeys(config)
		if config.action != Update || len(keys) == 0 {
			continue
		}
		for _, p := range e.both("apps", "Deployment", "StatefulSet", "DaemonSet") {
			if e.restarted[p.new] || noReplicas(p.new) ||
				p.new.Resource.Object.Namespace != config.new.Resource.Object.Namespace ||
				restartedByOthers(p.new) {
				continue
			}
			use, ok := usageOf(lint.PodTemplateOf(p.old.Typed), config.old)
			if !ok {
				continue
			}
			if fixed := use.fixed(keys); len(fixed) > 0 {
				c := about(p.new, "stale-config", Medium, "pods keep the old values of %s until they are restarted: %s",
					config.new, names(fixed))
				c.Details = use.how(fixed)
				found = append(found, c)
			} else if files := use.files(keys); len(files) > 0 {
				found = append(found, about(p.new, "stale-config", Low,
					"files of %s change in running pods, which are not restarted: %s", config.new, names(files)))
			}
		}
	}
	return found
}

// changedKeys lists the keys of a ConfigMap or Secret whose values differ.
func changedKeys(p *pair) (keys []string) {
	for _, field := range []string{"data", "binaryData"} {
		before, _ := p.old.Stored()[field].(map[string]any)
		after, _ := p.new.Stored()[field].(map[string]any)
		for key := range before {
			if value, ok := after[key]; !ok || value != before[key] {
				keys = append(keys, key)
			}
		}
		for key := range after {
			if _, ok := before[key]; !ok {
				keys = append(keys, key)
			}
		}
	}
	keys = slices.DeleteFunc(keys, func(key string) bool {
		return !slices.ContainsFunc(p.fields, func(f Field) bool {
			return under(f.Path, join("data", key)) || under(f.Path, join("binaryData", key))
		})
	})
	slices.Sort(keys)
	return keys
}

// restarters are annotations with which a controller restarts a workload when its configuration changes.
var restarters = []string{
	"reloader.stakater.com/", "configmap.reloader.stakater.com/", "secret.reloader.stakater.com/", "wave.pusher.com/",
}

// restartedByOthers reports whether a controller is asked to restart the workload.
func restartedByOthers(o *Object) bool {
	metadata, _ := o.Stored()["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	for key := range annotations {
		if slices.ContainsFunc(restarters, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			return true
		}
	}
	return false
}

// usage is how pods use a ConfigMap or Secret.
type usage struct {
	whole    []string            // containers that take all keys into their environment
	env      map[string][]string // variables, by key
	mounted  bool                // as files that follow the object
	subPaths map[string]string   // keys that are mounted as single files, with the container
}

// usageOf returns how pods use an object; ok is false if they do not.
func usageOf(pods *lint.PodTemplate, config *Object) (u usage, ok bool) {
	if pods == nil {
		return u, false
	}
	u = usage{env: map[string][]string{}, subPaths: map[string]string{}}
	name, secret := config.Name(), config.isSecret()
	volumes := map[string]map[string]string{} // by name: files and their keys
	for _, v := range pods.Spec.Volumes {
		for _, source := range configsOf(v) {
			if source.name == name && source.secret == secret {
				volumes[v.Name] = source.items
			}
		}
	}
	for _, c := range slices.Concat(pods.Spec.InitContainers, pods.Spec.Containers) {
		u.environment(c, name, secret)
		for _, mount := range c.VolumeMounts {
			items, mine := volumes[mount.Name]
			switch {
			case !mine:
			case mount.SubPath == "":
				u.mounted = true
			default:
				key, renamed := items[mount.SubPath]
				if !renamed {
					key = mount.SubPath
				}
				u.subPaths[key] = c.Name
			}
		}
	}
	return u, len(u.whole)+len(u.env)+len(u.subPaths) > 0 || u.mounted
}

func (u *usage) environment(c corev1.Container, name string, secret bool) {
	for _, e := range c.EnvFrom {
		if !secret && e.ConfigMapRef != nil && e.ConfigMapRef.Name == name ||
			secret && e.SecretRef != nil && e.SecretRef.Name == name {
			u.whole = append(u.whole, c.Name)
		}
	}
	for _, e := range c.Env {
		switch from := e.ValueFrom; {
		case from == nil:
		case !secret && from.ConfigMapKeyRef != nil && from.ConfigMapKeyRef.Name == name:
			u.env[from.ConfigMapKeyRef.Key] = append(u.env[from.ConfigMapKeyRef.Key], e.Name)
		case secret && from.SecretKeyRef != nil && from.SecretKeyRef.Name == name:
			u.env[from.SecretKeyRef.Key] = append(u.env[from.SecretKeyRef.Key], e.Name)
		}
	}
}

// configSource is a ConfigMap or Secret in a volume.
type configSource struct {
	name   string
	secret bool
	items  map[string]string // keys by file
}

func configsOf(v corev1.Volume) (all []configSource) {
	items := func(list []corev1.KeyToPath) map[string]string {
		files := map[string]string{}
		for _, i := range list {
			files[i.Path] = i.Key
		}
		return files
	}
	if v.ConfigMap != nil {
		all = append(all, configSource{v.ConfigMap.Name, false, items(v.ConfigMap.Items)})
	}
	if v.Secret != nil {
		all = append(all, configSource{v.Secret.SecretName, true, items(v.Secret.Items)})
	}
	if v.Projected != nil {
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				all = append(all, configSource{s.ConfigMap.Name, false, items(s.ConfigMap.Items)})
			}
			if s.Secret != nil {
				all = append(all, configSource{s.Secret.Name, true, items(s.Secret.Items)})
			}
		}
	}
	return all
}

// fixed returns those of some keys whose values a container keeps until it is restarted.
func (u *usage) fixed(keys []string) (fixed []string) {
	for _, key := range keys {
		if len(u.whole) > 0 || len(u.env[key]) > 0 || u.subPaths[key] != "" {
			fixed = append(fixed, key)
		}
	}
	return fixed
}

// files returns those of some keys that are files in running pods, and follow the object.
func (u *usage) files(keys []string) []string {
	if !u.mounted {
		return nil
	}
	return keys
}

// how says by what the values of keys come into a container.
func (u *usage) how(keys []string) (how []string) {
	if len(u.whole) > 0 {
		how = append(how, "envFrom of container "+names(u.whole))
	}
	for _, key := range keys {
		if vars := u.env[key]; len(vars) > 0 {
			how = append(how, fmt.Sprintf("env %s", names(vars)))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(u.subPaths)) {
		if slices.Contains(keys, key) {
			how = append(how, fmt.Sprintf("subPath %s of container %s", key, u.subPaths[key]))
		}
	}
	return how
}
