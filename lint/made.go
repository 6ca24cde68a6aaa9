package lint

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// makersOf are what containers are told to make, by the kind: an option of a program that is told to create it, or a
// command of kubectl.
var makersOf = map[string][]*regexp.Regexp{
	"Secret": {
		regexp.MustCompile(`--(?:[a-z]+-)*secret(?:-name)?[ =]["']?([a-z0-9][a-z0-9.-]*)`),
		regexp.MustCompile(`\bcreate secret (?:generic|tls|docker-registry) ["']?([a-z0-9][a-z0-9.-]*)`),
	},
	"ConfigMap": {regexp.MustCompile(`\bcreate (?:configmap|cm) ["']?([a-z0-9][a-z0-9.-]*)`)},
}

// makes adds the Secrets and ConfigMaps that the containers of a Job are told to create, such as that with the
// certificate of a webhook.
func (f facts) makes(spec *corev1.PodSpec) {
	if f.Object.Kind != "Job" && f.Object.Kind != "CronJob" {
		return
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		words := strings.Join(slices.Concat(c.Command, c.Args), " ")
		if !strings.Contains(words, "create") {
			continue
		}
		for _, kind := range []string{"ConfigMap", "Secret"} {
			for _, p := range makersOf[kind] {
				for _, m := range p.FindAllStringSubmatch(words, -1) {
					f.provide(kind, m[1])
				}
			}
		}
	}
}
