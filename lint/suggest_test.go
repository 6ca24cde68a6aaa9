package lint_test

import (
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
)

// applied returns a text with the first fix of a finding made.
func applied(t *testing.T, text string, d diag.Diagnostic) string {
	t.Helper()
	if len(d.Fixes) == 0 {
		t.Fatalf("%s has no fix", d.Text())
	}
	return fixedBy(t, text, d.Fixes[0])
}

// TestSuggestedFixes makes the fixes of findings one after another, and compares the text that comes of them. The API
// server accepts it.
func TestSuggestedFixes(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n"
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n"
	const pods = "  template:\n    metadata: {labels: {app: a}}\n    spec: {containers: [{name: c, image: c:1}]}\n"
	const ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec:\n  rules:\n  - http:\n      paths:\n      - path: /\n        pathType: Prefix\n"
	for name, c := range map[string]struct{ text, want string }{
		"from the pod into its container": {
			pod +
				"  containers:\n  - name: c\n    image: c:1\n  readinessProbe:\n    httpGet:\n      path: /\n      port: 80\n",
			pod +
				"  containers:\n  - name: c\n    image: c:1\n    readinessProbe:\n      httpGet:\n        path: /\n        port: 80\n",
		},
		"from the container into the pod": {
			pod +
				"  containers:\n  - name: c\n    image: c:1\n    volumeMounts: [{name: v, mountPath: /v}]\n    volumes:\n    - name: v\n      emptyDir: {}\n",
			pod +
				"  containers:\n  - name: c\n    image: c:1\n    volumeMounts: [{name: v, mountPath: /v}]\n  volumes:\n  - name: v\n    emptyDir: {}\n",
		},
		"into a security context that is missing": {
			pod + "  containers:\n  - name: c\n    image: c:1\n    runAsNonRoot: true\n    command: [a]",
			pod +
				"  containers:\n  - name: c\n    image: c:1\n    command: [a]\n    securityContext:\n      runAsNonRoot: true",
		},
		"into a security context that exists": {
			pod +
				"  containers:\n  - name: c\n    image: c:1\n    securityContext:\n      runAsUser: 1\n    privileged: false\n",
			pod +
				"  containers:\n  - name: c\n    image: c:1\n    securityContext:\n      runAsUser: 1\n      privileged: false\n",
		},
		"from the pod's security context into a new one": {
			pod +
				"  securityContext:\n    runAsUser: 1\n    fsGroup: 1\n    capabilities:\n      drop: [ALL]\n  containers:\n  - name: c\n    image: c:1\n",
			pod +
				"  securityContext:\n    runAsUser: 1\n    fsGroup: 1\n  containers:\n  - name: c\n    image: c:1\n    securityContext:\n      capabilities:\n        drop: [ALL]\n",
		},
		"labels for a selector": {
			deployment + "  selector:\n    app: a\n" + pods,
			deployment + "  selector:\n    matchLabels:\n      app: a\n" + pods,
		},
		"labels for a selector in brackets": {
			deployment + "  selector: {app: a}\n" + pods,
			deployment + "  selector: {matchLabels: {app: a}}\n" + pods,
		},
		"a selector for labels": {
			"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports: [{port: 80}]\n  selector:\n    matchLabels:\n      app: a\n      tier: b\n",
			"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports: [{port: 80}]\n  selector:\n    app: a\n    tier: b\n",
		},
		"variables for a list": {
			pod + "  containers:\n  - name: c\n    image: c:1\n    env:\n      A: b\n      PORT: 80\n",
			pod +
				"  containers:\n  - name: c\n    image: c:1\n    env:\n      - name: A\n        value: b\n      - name: PORT\n        value: \"80\"\n",
		},
		"a port": {
			pod + "  containers:\n  - name: c\n    image: c:1\n    ports: [80]\n",
			pod + "  containers:\n  - name: c\n    image: c:1\n    ports: [{containerPort: 80}]\n",
		},
		"a command line": {
			pod + "  containers:\n  - name: c\n    image: c:1\n    command: sh -c 'a b'\n",
			pod + "  containers:\n  - name: c\n    image: c:1\n    command: [sh, \"-c\", \"a b\"]\n",
		},
		"an old backend": {
			ingress + "        backend:\n          serviceName: a\n          servicePort: 80\n",
			ingress + "        backend:\n          service: {name: a, port: {number: 80}}\n",
		},
		"an old backend in brackets": {
			ingress + "        backend: {serviceName: a, servicePort: http}\n",
			ingress + "        backend: {service: {name: a, port: {name: http}}}\n",
		},
		"a port in quotes": {
			pod + "  containers:\n  - name: c\n    image: c:1\n    livenessProbe: {tcpSocket: {port: \"80\"}}\n",
			pod + "  containers:\n  - name: c\n    image: c:1\n    livenessProbe: {tcpSocket: {port: 80}}\n",
		},
		"an address for a range": {
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1}}]}]}\n",
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: \"10.0.0.1/32\"}}]}]}\n",
		},
		"a key": {
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a b: \"1\"\n",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a-b: \"1\"\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := verdicts(t, c.text)
			if len(found) == 0 {
				t.Fatal("no findings")
			}
			got := applied(t, c.text, found[0])
			if got != c.want {
				t.Errorf("made\n%s\nwant\n%s", got, c.want)
			}
			for _, d := range verdicts(t, got) {
				t.Errorf("found afterwards: %s", d.Text())
			}
		})
	}
}

// TestInvalidValuesHaveAWayOut breaks values in ways that validation refuses, and wants a part of the help.
func TestInvalidValuesHaveAWayOut(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: "
	container := func(rest string) string { return pod + "{containers: [{name: c, image: c:1, " + rest + "}]}\n" }
	cron := func(rest string) string {
		return "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {" + rest +
			", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: c:1}]}}}}}\n"
	}
	for text, want := range map[string]string{
		cron(`schedule: "* * *"`):                                                                                         "this one has 3",
		cron(`schedule: "@dayly"`):                                                                                        "did you mean @daily?",
		cron(`schedule: "99 * * * *"`):                                                                                    "minutes are 0-59",
		cron(`schedule: "* * * * *", timeZone: Europe/Nowhere`):                                                           "Europe/Berlin",
		cron(`schedule: "* * * * *", timeZone: Europe/Berln`):                                                             "did you mean Europe/Berlin?",
		cron(`schedule: "* * * * *", timeZone: berlin`):                                                                   "did you mean Europe/Berlin?",
		cron(`schedule: "* * * * *", timeZone: America/New_Yrok`):                                                         "did you mean America/New_York?",
		container(`ports: [{containerPort: 80, name: Web_1}]`):                                                            "did you mean web-1?",
		container(`ports: [{containerPort: 80, name: "80"}]`):                                                             "port-80",
		container(`ports: [{containerPort: 80000}]`):                                                                      "from 1 to 65535",
		container(`ports: [{containerPort: 80, name: a-very-long-port-name}]`):                                            "it has 21 characters",
		container(`env: [{name: A=b}]`):                                                                                   "name: A, value: b",
		container(`env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIp}}}]`):                                   "did you mean status.podIP?",
		container(`volumeMounts: [{name: v, mountPath: /v}]`):                                                             "add a volume of this name to spec.volumes",
		container(`resources: {requests: {cpu: 2}, limits: {cpu: 1}}`):                                                    "lower the request to 1, or raise the limit to 2",
		pod + "{containers: [{name: c, image: c:1}], volumes: [{name: v, configMap: {name: v, defaultMode: 777}}]}\n":     "write 0777 for the mode 777",
		pod + "{containers: [{name: c, image: c:1}], hostAliases: [{ip: a.example.com}]}\n":                               "write an address, not a name",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {a: b c}}\nspec: {containers: [{name: c, image: c:1}]}\n": "did you mean b-c?",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, creationTimestamp: 2024-05-06}\n":                           "did you mean 2024-05-06T00:00:00Z?",
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: c:1}]}}}\n":       "selector: {matchLabels: {app: a}}",
		"apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: c, image: c:1}]}}}\n":                                           "restartPolicy: OnFailure or restartPolicy: Never",
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/255.0.0.0}}]}]}\n": "did you mean 10.0.0.0/8?",
		"apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: a}\nspec: {minAvailable: \"50\", selector: {}}\n":                                               "50 without quotes for a number of pods, or 50%",
	} {
		found := verdicts(t, text)
		var help []string
		for _, d := range found {
			help = append(help, d.Help)
		}
		if !strings.Contains(strings.Join(help, "\n"), want) {
			t.Errorf("%s\nhelp: %q\nwant: %s", text, help, want)
		}
	}
}

// TestLookalikes makes the certain fix of each finding about characters that look like others, and compares the text.
func TestLookalikes(t *testing.T) {
	const plain = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: c\n    image: c:1\n    args: [\"-c\"]\n"
	for name, c := range map[string]struct{ old, with, message string }{
		"indentation": {"  containers", "\u00a0 containers", "no-break space (U+00A0)"},
		"indentation of all": {
			"\n  - name: c\n    image", "\n\u00a0\u00a0- name: c\n\u00a0\u00a0\u00a0\u00a0image",
			"no-break space (U+00A0), in 6 places",
		},
		"after a colon":         {"name: a", "name:\u00a0a", "no-break space (U+00A0)"},
		"inside of a key":       {"image:", "im\u200bage:", "zero-width character (U+200B)"},
		"inside of a value":     {"c:1", "c:\u200b1", "zero-width character (U+200B)"},
		"end of a name":         {"name: a", "name: a\u200b", "zero-width character (U+200B)"},
		"direction in a name":   {"name: a", "name: a\u202e", "character that changes the direction of text (U+202E)"},
		"end of an image":       {"c:1", "c:1\u00a0", "no-break space (U+00A0)"},
		"API version":           {"v1", "v1\u200b", "no matches for kind \"Pod\" in version"},
		"full-width colon":      {"  name: a\nspec", "  name\uff1a a\nspec", "full-width colon (U+FF1A)"},
		"curly quotes":          {"\"-c\"", "\u201c-c\u201d", "curly quote \u201c (U+201C)"},
		"curly quotes of image": {"c:1", "\u2018c:1\u2019", "curly quote \u2018 (U+2018)"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(plain, c.old) {
				t.Fatalf("%q is not in the text", c.old)
			}
			text := strings.Replace(plain, c.old, c.with, 1)
			found := findings(t, text, "none,lookalike-character")
			if len(found) != 1 || !strings.HasPrefix(found[0].Message, c.message) {
				t.Fatalf("found %+v", found)
			}
			if !found[0].Fixes[0].Safe {
				t.Error("the fix is not certain")
			}
			if got := strings.ReplaceAll(applied(t, text, found[0]), `"c:1"`, "c:1"); got != plain {
				t.Errorf("made\n%s", got)
			}
		})
	}
	const quoted = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {app: \u201cweb\u201d}}\nspec: {containers: [{name: c, image: \"\u201cc:1\u201d\"}]}\n"
	for _, d := range findings(t, quoted, "none,lookalike-character") {
		if d.Severity != diag.Error || !strings.HasPrefix(d.Message, "curly quote") || !d.Fixes[0].Safe {
			t.Errorf("quotes inside of quotes: %+v", d)
		}
	}
	const atEnd = "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: c, image: c:1}]}\nmetadata:\n  name\uff1a"
	if found := findings(t, atEnd, "none"); len(found) != 1 ||
		!strings.HasPrefix(found[0].Message, "full-width colon") {
		t.Errorf("colon at the end of the file: %+v", found)
	}
	prose := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {note: 5\u00a0kg}}\ndata: {title: \u201cHello\u201d}\n"
	for _, d := range findings(t, prose, "none,lookalike-character") {
		t.Errorf("text for people: %s", d.Text())
	}
}
