package rules

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

const secretsURL = "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"

var secretRules = []*lint.Rule{
	{
		Name:     "env-plain-secret",
		Title:    "password in plain sight",
		Severity: diag.Warning,
		Category: "security",
		URL:      secretsURL,
		Params:   []lint.Param{anywhere},
		Equivalents: "kube-linter env-var-secret, polaris sensitiveContainerEnvVar, monokle KBP111, kubescape " +
			"C-0012 and C-0259",
		Doc: "The variable's name says that its value is a password, a token or a key, and the value stands in the " +
			"manifest: in version control, and in every answer to kubectl get. " +
			"Variables that hold the name of a file, a Secret or a place, switches and numbers are passed over.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			for i, e := range c.Env {
				if e.ValueFrom == nil && secretPair(p, e.Name, e.Value) {
					p.Report(lint.Finding{
						Path: fmt.Sprintf("%s.env[%d].value", path, i),
						Message: fmt.Sprintf(
							"environment variable %s of container %s holds a secret in plain text",
							e.Name,
							c.Name,
						),
						Help: "put it into a Secret and use valueFrom.secretKeyRef",
					})
				}
			}
		}),
	},
	{
		Name:     "env-from-secret",
		Title:    "Secret in environment variables",
		Severity: diag.Info,
		Category: "security",
		Optional: true,
		URL:      secretsURL,
		Equivalents: "kube-linter read-secret-from-env-var, datree 98, monokle KBP112, checkov CKV_K8S_35, " +
			"kubescape C-0207",
		Doc: "Variables are inherited by every process and end up in crash reports, and a new value of the Secret " +
			"does not reach them. Mount it as a file.",
		Check: eachContainer(checkEnvFromSecret),
	},
	{
		Name:        "config-map-sensitive",
		Title:       "ConfigMap with a key that speaks of secrets",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"ConfigMap"},
		URL:         secretsURL,
		Params:      []lint.Param{anywhere},
		Equivalents: "polaris sensitiveConfigmapContent, kubescape C-0012",
		Doc:         "ConfigMaps are read by more people and programs than Secrets are, and are not encrypted at rest.",
		Check: func(p *lint.Pass) error {
			o, ok := p.Object.(*corev1.ConfigMap)
			if !ok {
				return nil
			}
			for _, key := range sortedKeys(o.Data) {
				if secretPair(p, key, o.Data[key]) {
					p.Report(lint.Finding{
						Path:    "data[" + key + "]",
						OnKey:   true,
						Message: fmt.Sprintf("key %s speaks of a secret", key),
						Help:    "put it into a Secret",
					})
				}
			}
			return nil
		},
	},
	{
		Name:        "credential-exposed",
		Title:       "credential that can be told by its form",
		Severity:    diag.Warning,
		Category:    "security",
		URL:         secretsURL,
		Equivalents: "datree 62 to 79, kubescape C-0012 and C-0259",
		Doc: "A private key, or a token in the format of a well-known service, stands in a ConfigMap, a variable " +
			"or a command. Whoever reads the repository can use it: revoke it, and put the new one into a Secret.",
		Check: checkCredentials,
	},
}

// words of a variable's name that mean a secret, when they come last: API_TOKEN, and not TOKEN_URL.
var secretWords = regexp.MustCompile(
	`(?i)(^|[^a-z])(password|passwd|passphrase|secret|token|api_?key|access_?key|secret_?key|private_?key|credentials?)$`,
)

var secretWordsAnywhere = regexp.MustCompile(
	`(?i)passw(or)?d|passphrase|secret|token|_pwd$|^pwd$|_key($|_)|api_?key|credential|private_?key`,
)

// secretLine is a line of a file of settings that gives a password.
var secretLine = regexp.MustCompile(
	`(?im)^\s*[\w.-]*(password|passwd|secret|token)\s*[=:]\s*[^\s$<{*]|-{3,}BEGIN [A-Z ]*PRIVATE KEY`,
)

var secretPath = regexp.MustCompile(`^\.{0,2}/[^ ]*$`)

// anywhere makes a rule look for words of secrets anywhere in a name.
var anywhere = lint.Param{
	Name: "anywhere", Doc: "a word such as password counts anywhere in a name, whatever the value", Default: false,
}

// secretPair reports whether a name says that its value is a secret, and the value looks like one.
func secretPair(p *lint.Pass, name, value string) bool {
	name = strings.NewReplacer("-", "_", ".", "_").Replace(name)
	if p.Params.Bool(anywhere.Name) {
		return value != "" && !secretPath.MatchString(value) && secretWordsAnywhere.MatchString(name) ||
			secretLine.MatchString(value)
	}
	return secretWords.MatchString(name) && secretValue(value)
}

// harmless values are no secrets: switches, numbers, paths, URLs without a password, references to
// other variables, placeholders, and names as Secrets have them (webhook-server-cert).
var harmless = regexp.MustCompile(
	`(?i)^(|true|false|yes|no|on|off|none|null|enabled|disabled|[0-9.]+[smhd]?|\.?/[^ ]*|[a-z+]+://[^@ ]*|\$\(.*\)|\$\{.*\}|\{\{.*\}\}|<.*>|\*+|x+|[a-z0-9]+(-[a-z0-9]+)*-(secret|certs?|tls|creds|credentials|token|keys?|password))$`,
)

func secretValue(value string) bool { return !harmless.MatchString(strings.TrimSpace(value)) }

func checkEnvFromSecret(p *lint.Pass, c *corev1.Container, path string) {
	for i, e := range c.Env {
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			p.Report(lint.Finding{
				Path:    fmt.Sprintf("%s.env[%d].valueFrom.secretKeyRef", path, i),
				OnKey:   true,
				Message: fmt.Sprintf("environment variable %s of container %s holds a Secret", e.Name, c.Name),
				Help:    "mount the Secret as a file",
			})
		}
	}
	for i, e := range c.EnvFrom {
		if e.SecretRef != nil {
			p.Report(lint.Finding{
				Path:  fmt.Sprintf("%s.envFrom[%d].secretRef", path, i),
				OnKey: true,
				Message: fmt.Sprintf(
					"environment variables of container %s hold Secret %s",
					c.Name,
					e.SecretRef.Name,
				),
				Help: "mount the Secret as a file",
			})
		}
	}
}

// credentials are formats that nothing else has.
var credentials = []struct {
	what string
	form *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}`)},
	{"an access key of AWS", regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`)},
	{"a token of GitHub", regexp.MustCompile(`\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{82})\b`)},
	{"a token of GitLab", regexp.MustCompile(`\bglpat-[0-9A-Za-z_-]{20}\b`)},
	{"a key of Google", regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}\b`)},
	{"a token of Slack", regexp.MustCompile(`\bxox[baprs]-[0-9A-Za-z-]{20,}\b`)},
	{"a key of Stripe", regexp.MustCompile(`\b[sr]k_live_[0-9A-Za-z]{24,}\b`)},
	{"a token of npm", regexp.MustCompile(`\bnpm_[0-9A-Za-z]{36}\b`)},
	{
		"a bearer token",
		regexp.MustCompile(`^\s*(?:[Aa]uthorization: *)?[Bb]earer +[A-Za-z._~+/-]*[0-9][0-9A-Za-z._~+/=-]{5,}\s*$`),
	},
	{"a token of Vault", regexp.MustCompile(`\bhvs\.[0-9A-Za-z_-]{24,}`)},
}

// markers are what each credential has in it: a cheap look before the expressions.
var markers = []string{
	"PRIVATE KEY-----",
	"AKIA",
	"ASIA",
	"ghp_",
	"gho_",
	"ghu_",
	"ghs_",
	"ghr_",
	"github_pat_",
	"glpat-",
	"AIza",
	"xox",
	"k_live_",
	"npm_",
	"hvs.",
	"earer ",
}

func credential(text string) string {
	for _, m := range markers {
		if !strings.Contains(text, m) {
			continue
		}
		for _, c := range credentials {
			if found := c.form.FindString(text); found != "" && !strings.Contains(found, "EXAMPLE") {
				return c.what
			}
		}
	}
	return ""
}

func checkCredentials(p *lint.Pass) error {
	eachText(p, func(text, path string, key bool) {
		if what := credential(text); what != "" {
			p.Report(lint.Finding{
				Path:    path,
				OnKey:   key,
				Message: fmt.Sprintf("the value holds %s", what),
				Help:    "revoke it, and put the new one into a Secret",
			})
		}
	})
	return nil
}

// eachText calls look for each text that a ConfigMap, a variable, a command or an argument holds; key says that the key
// is to be shown, and not the value.
func eachText(p *lint.Pass, look func(text, path string, key bool)) {
	if o, ok := p.Object.(*corev1.ConfigMap); ok {
		for _, key := range sortedKeys(o.Data) {
			look(o.Data[key], "data["+key+"]", true)
		}
	}
	p.Containers(func(c *corev1.Container, path string, _ bool) {
		for i, e := range c.Env {
			look(e.Value, fmt.Sprintf("%s.env[%d].value", path, i), false)
		}
		for i, text := range c.Command {
			look(text, fmt.Sprintf("%s.command[%d]", path, i), false)
		}
		for i, text := range c.Args {
			look(text, fmt.Sprintf("%s.args[%d]", path, i), false)
		}
	})
}
