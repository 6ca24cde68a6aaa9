package lint

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// secretOption matches the option by which a program knows the Secret that it creates: --secret-name=certificate.
var secretOption = regexp.MustCompile(`^--(?:[a-z]+-)*secret(?:-name)?(?:=(.*))?$`)

// isJob reports whether the pods of an object run to their end.
func (f facts) isJob() bool { return f.Object.Kind == "Job" || f.Object.Kind == "CronJob" }

// makes adds the Secrets that the programs of a Job are asked to create, such as that with the certificate of a
// webhook. What its kubectl creates is among its calls.
func (f facts) makes(c *corev1.Container) {
	words := slices.Concat(c.Command, c.Args)
	if !f.isJob() || !slices.Contains(words, "create") {
		return
	}
	for i, w := range words {
		m := secretOption.FindStringSubmatch(w)
		switch {
		case m == nil:
		case strings.Contains(w, "="):
			f.provide("Secret", m[1])
		case i+1 < len(words):
			f.provide("Secret", words[i+1])
		}
	}
}
