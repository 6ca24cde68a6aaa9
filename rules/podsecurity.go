package rules

import (
	"cmp"
	"fmt"

	"k8s.io/pod-security-admission/api"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

var podSecurityRules = []*lint.Rule{
	{
		Name:     "pod-security-enforced",
		Title:    "pods that their namespace refuses",
		Severity: diag.Warning,
		Category: "security",
		URL:      podSecurityURL,
		Doc: "A Namespace of the set enforces a level of the Pod Security Standards (label " +
			"pod-security.kubernetes.io/enforce), and the API server refuses pods that do not keep to it. " +
			"It accepts their Deployment all the same, which then makes none. Namespaces that pin an older version " +
			"of the standards are not judged. The message is that of the admission plugin.",
		CheckSet: checkEnforced,
	},
	standard(
		api.LevelBaseline,
		diag.Warning,
		"monokle PSS1xx, polaris linuxHardening",
		"Baseline forbids what gives power over the node: privileges, host namespaces, host paths and ports, "+
			"capabilities, AppArmor, SELinux, seccomp and sysctls out of the ordinary.",
	),
	standard(
		api.LevelRestricted,
		diag.Info,
		"monokle PSS2xx",
		"Restricted asks for today's best practice on top of baseline: no root, no privilege escalation, no "+
			"capabilities, a seccomp profile, ordinary volumes.",
	),
}

// standard makes the rule that holds pods against a level of the standards, by the admission plugin's own checks.
func standard(level api.Level, severity diag.Severity, peers, doc string) *lint.Rule {
	return &lint.Rule{
		Name: "pod-security-" + string(
			level,
		), Title: fmt.Sprintf("pods that break the %s level of the Pod Security Standards", level), Severity: severity, Category: "security", Optional: true, URL: podSecurityURL,
		Equivalents: peers, Doc: doc + " The checks, and the words, are those of the API server's admission plugin.",
		Check: func(p *lint.Pass) error {
			if p.Pods == nil {
				return nil
			}
			v := p.Pods.Violations(level)
			for i, reason := range v.ForbiddenReasons {
				p.Report(lint.Finding{Path: p.Pods.SpecPath, OnKey: true, Message: reason, Help: v.ForbiddenDetails[i]})
			}
			return nil
		},
	}
}

func checkEnforced(p *lint.SetPass) error {
	r := p.Resource
	namespace := p.Set.Get("", "Namespace", "", r.Object.Namespace)
	if namespace == nil || cmp.Or(namespace.Labels[api.EnforceVersionLabel], "latest") != "latest" {
		return nil
	}
	level := namespace.Labels[api.EnforceLevelLabel]
	for _, refusal := range r.Violations {
		if refusal.Level == level {
			p.Report(lint.Finding{
				Path:    r.SpecPath,
				OnKey:   true,
				Message: fmt.Sprintf("namespace %s enforces %s: %s", r.Object.Namespace, level, refusal.Help),
				Help:    "fix the pods, or label the namespace for another level",
				Related: []lint.RelatedPath{
					{
						Of:      namespace,
						Path:    "metadata.labels[" + api.EnforceLevelLabel + "]",
						Message: "enforced here",
					},
				},
			})
		}
	}
	return nil
}
