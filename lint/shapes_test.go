package lint_test

import (
	"context"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// A slip is a document with one thing wrong: there is one finding, with this in its help. If it has a fix, the fix
// makes the document valid.
type slip struct {
	text, help string
	fix        bool
}

// check compares the findings about a slip with what is wanted.
func (s slip) check(t *testing.T, judge func(text string) []diag.Diagnostic) {
	t.Helper()
	found := judge(s.text)
	if len(found) != 1 {
		for _, d := range found {
			t.Errorf("%s: %s", d.Text(), d.Help)
		}
		t.Fatalf("%d findings", len(found))
	}
	d := found[0]
	if !strings.Contains(d.Help, s.help) || s.help == "" {
		t.Errorf("help %q of %q, want %q", d.Help, d.Message, s.help)
	}
	if strings.Contains(d.Message, "Go struct") || strings.Contains(d.Message, `"Name":`) {
		t.Errorf("Go words: %s", d.Message)
	}
	if (len(d.Fixes) > 0) != s.fix {
		t.Fatalf("fixes: %+v", d.Fixes)
	}
	for _, fix := range d.Fixes {
		fixed := fixedBy(t, s.text, fix)
		for _, left := range judge(fixed) {
			t.Errorf("after %q: %s\n%s", fix.Message, left.Text(), fixed)
		}
	}
}

// fixedBy returns a text with a fix.
func fixedBy(t *testing.T, text string, fix diag.Fix) string {
	t.Helper()
	fixed, err := source.Apply([]byte(text), fix.Edits)
	if err != nil {
		t.Fatal(err)
	}
	return string(fixed)
}

// inPod returns a Pod with a container that has more lines.
func inPod(lines string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: c\n    image: example.com/c:1\n" + indented(
		lines, 4,
	)
}

// podWith returns a Pod whose spec has more lines.
func podWith(lines string) string { return inPod("") + indented(lines, 2) }

func indented(lines string, by int) string {
	if lines == "" {
		return ""
	}
	blanks := strings.Repeat(" ", by)
	return blanks + strings.ReplaceAll(strings.TrimSuffix(lines, "\n"), "\n", "\n"+blanks) + "\n"
}

// objectOf returns an object of a kind with a spec.
func objectOf(apiVersion, kind, spec string) string {
	return "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata:\n  name: a\nspec:\n" + indented(spec, 2)
}

func service(spec string) string { return objectOf("v1", "Service", spec) }

func deployment(spec string) string {
	return objectOf("apps/v1", "Deployment", spec) +
		indented(
			"template:\n  metadata:\n    labels: {app: a}\n  spec:\n    containers: [{name: c, image: \"example.com/c:1\"}]",
			2,
		)
}

func autoscaler(metrics string) string {
	return objectOf("autoscaling/v2", "HorizontalPodAutoscaler",
		"scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}\nmaxReplicas: 3\n"+metrics)
}

func claim(size string) string {
	return objectOf("v1", "PersistentVolumeClaim", "accessModes: [ReadWriteOnce]\n"+size)
}

// TestSlipsHaveAWayOut writes values of the wrong shape, type and place, each as people do.
func TestSlipsHaveAWayOut(t *testing.T) {
	for name, s := range map[string]slip{
		"resource misspelt":        {inPod("resources: {requests: {memmory: 64Mi}}"), "did you mean memory?", true},
		"resource by another word": {inPod("resources: {limits: {mem: 64Mi}}"), "did you mean memory?", true},
		"resource in another case": {inPod("resources: {limits: {CPU: 1}}"), "did you mean cpu?", true},
		"amounts beside requests": {
			inPod("resources:\n  cpu: 100m\n  memory: 64Mi"), "requests: {cpu: 100m, memory: 64Mi}", true,
		},
		"one amount for resources": {inPod("resources: 500m"), "{requests: {cpu: 500m}}", false},
		"quantity with a comma":    {inPod(`resources: {requests: {cpu: "0,5"}}`), "did you mean 0.5?", true},
		"bytes with a comma":       {inPod(`resources: {requests: {memory: "1,5Gi"}}`), "did you mean 1.5Gi?", true},
		"quantity of vCPUs":        {inPod(`resources: {requests: {cpu: 2vCPU}}`), "did you mean 2?", true},
		"unit twice":               {inPod(`resources: {requests: {cpu: 500mm}}`), "did you mean 500m?", true},

		"port by name":     {service("ports:\n- port: http"), "targetPort takes the name", false},
		"two ports in one": {service("ports:\n- port: 80:8080"), "port: 80, targetPort: 8080", false},
		"ports as numbers": {service("ports:\n- 80"), "{port: 80}", true},
		"pairs of ports":   {service("ports:\n- 80:8080"), "{port: 80, targetPort: 8080}", true},
		"node port by a word": {
			service("ports:\n- port: 80\n  nodePort: auto\ntype: NodePort"), "leave the field out", false,
		},
		"no cluster address": {service("clusterIP: none\nports: [{port: 80}]"), "did you mean None?", true},
		"protocol of the web": {
			inPod("ports:\n- containerPort: 80\n  protocol: http"), "did you mean TCP?", true,
		},
		"port with a zero before it": {
			service("ports:\n- port: 80\n  targetPort: \"0443\""), "write the number without quotes", true,
		},
		"count with a zero before it": {
			deployment("selector: {matchLabels: {app: a}}\nreplicas: \"010\""), "did you mean 10?", true,
		},
		"mode in quotes": {
			podWith("volumes:\n- name: v\n  configMap: {name: a, defaultMode: \"440\"}"), "0440", false,
		},
		"port and protocol in one": {
			inPod("livenessProbe: {httpGet: {path: /, port: 8080/tcp}}"), "did you mean 8080?", true,
		},
		"half a port":            {inPod("ports: [{containerPort: 90.5}]"), "90 or 91", false},
		"port with its protocol": {inPod("ports: [{containerPort: 53/UDP}]"), "protocol: UDP", false},

		"size with another unit": {claim("resources:\n  requests:\n    storage: 10GB"), "did you mean 10Gi?", true},
		"size for requests":      {claim("resources:\n  requests: 5Gi"), "{storage: 5Gi}", true},
		"size in the spec":       {claim("storage: 5Gi"), "resources: {requests: {storage: 5Gi}}", true},
		"size in the resources":  {claim("resources:\n  storage: 5Gi"), "requests: {storage: 5Gi}", true},
		"a word for a namespace": {
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: y}\n", "quote the value", true,
		},
		"number for a namespace": {
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: 12}\n", "quote the value", true,
		},
		"capitals in a prefix": {
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: My_Map-}\n", "did you mean my-map-?", true,
		},
		"address for a label": {
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {home: 'http://example.com'}}\n",
			"annotation", false,
		},
		"list for labels": {
			"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels:\n  - app: a\n  - tier: b\n",
			"without dashes: {app: a, tier: b}", true,
		},
		"names for labels": {
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: [web]}\n", "keys with their values", false,
		},
		"text for data": {
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: hello\n", "data: {KEY: ...}", false,
		},
		"time without its zone": {
			objectOf("coordination.k8s.io/v1", "Lease", "renewTime: 2024-01-02T03:04:05"),
			"did you mean 2024-01-02T03:04:05.000000Z?", true,
		},
		"word for a number": {
			deployment("selector: {matchLabels: {app: a}}\nreplicas: two"), "did you mean 2?", true,
		},
		"text for a selector": {deployment("selector: app=a"), "{matchLabels: {app: a}}", true},
		"text for a flat one": {service("selector: app=a\nports: [{port: 80}]"), "{app: a}", true},
		"strategy by half a word": {
			deployment("selector: {matchLabels: {app: a}}\nstrategy: {type: rolling}"), "did you mean RollingUpdate?",
			true,
		},
		"strategy in lower case": {
			deployment("selector: {matchLabels: {app: a}}\nstrategy: recreate"), "{type: Recreate}", true,
		},
		"field beside itself": {
			inPod("imagePulPolicy: Always\nimagePullPolicy: Always"), "remove one of the two", false,
		},
		"number that is not free": {
			podWith(`priority: "10"`), "but even so: the integer value of priority (10) must not be provided", false,
		},

		"variable as a text": {inPod("env: [LOG=debug]"), "{name: LOG, value: debug}", true},
		"variable as a pair": {inPod("env:\n- LOG: debug"), "- name: LOG, value: debug", true},
		"variables as a list": {
			inPod("envFrom: [settings]"), "{configMapRef: {name: settings}} or {secretRef: {name: settings}}", false,
		},
		"key of a secret": {
			inPod("env:\n- name: A\n  valueFrom: {secretKeyRef: db}"), "{name: db, key: ...}", false,
		},
		"key of a secret whole": {
			inPod("env:\n- name: A\n  valueFrom: {secretKeyRef: db/password}"), "{name: db, key: password}", true,
		},
		"name for a container": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [web]\n", "{name: web, image: ...}",
			false,
		},
		"image for a container": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: ['example.com/web:1']\n", "name: web",
			true,
		},
		"list for an image": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: c, image: [web]}]\n",
			"remove the brackets", true,
		},

		"secret by another name": {
			podWith("volumes:\n- name: v\n  secret: {name: data}"), "did you mean secretName?", true,
		},
		"claim by another name": {
			podWith("volumes:\n- name: v\n  persistentVolumeClaim: {name: data}"), "did you mean claimName?", true,
		},
		"a list below its key": {podWith("nodeSelector:\n- disk: ssd"), "{disk: ssd}", true},
		"a class by another name": {
			claim("resources: {requests: {storage: 1Gi}}\nstorageClass: fast"), "did you mean storageClassName?", true,
		},
		"a port in a name": {
			objectOf("networking.k8s.io/v1", "Ingress", "rules: [{host: 'shop.example.com:8080'}]"),
			"did you mean shop.example.com?", true,
		},
		"half of a number": {
			deployment("selector: {matchLabels: {app: a}}\nreplicas: 3,5"), "a whole number", false,
		},
		"too long a prefix": {
			objectOf(
				"networking.k8s.io/v1", "NetworkPolicy",
				"podSelector: {}\ningress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]",
			),
			"at most 32 bits", false,
		},
		"base64 without padding": {
			"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {word: YWRtaW5pc3RyYXRvcnM}\n",
			"with = at its end", true,
		},
		"path of a node": {podWith("volumes:\n- name: v\n  hostPath: /x"), `{path: "/x"}`, true},
		"claim by name": {
			podWith("volumes:\n- name: v\n  persistentVolumeClaim: data"), "{claimName: data}", true,
		},
		"secret by name":   {podWith("volumes:\n- name: v\n  secret: data"), "{secretName: data}", true},
		"path for a mount": {inPod("volumeMounts: /data"), `{name: VOLUME, mountPath: "/data"}`, false},
		"path for the one mount": {
			inPod("volumeMounts: [/data]") + "  volumes: [{name: v, emptyDir: {}}]\n", `{name: v, mountPath: "/data"}`,
			true,
		},
		"volume and path": {
			inPod("volumeMounts: [v:/data]") + "  volumes: [{name: v, emptyDir: {}}]\n",
			`{name: v, mountPath: "/data"}`, true,
		},

		"seconds with their unit": {
			inPod("livenessProbe:\n  periodSeconds: 10s\n  httpGet: {path: /, port: 80}"), "did you mean 10?", true,
		},
		"minutes for seconds": {
			inPod("livenessProbe:\n  periodSeconds: 1m\n  httpGet: {path: /, port: 80}"), "did you mean 60?", true,
		},
		"path of a probe": {
			inPod("livenessProbe: {httpGet: /healthz}"), `{path: "/healthz", port: ...}`, false,
		},
		"port of a probe":    {inPod("livenessProbe: {tcpSocket: 80}"), "{port: 80}", true},
		"command of a probe": {inPod("livenessProbe: {exec: cat /x}"), `{command: [cat, "/x"]}`, true},
		"probe without its kind": {
			inPod("livenessProbe: {path: /healthz, port: 80}"), `httpGet: {path: "/healthz", port: 80}`, true,
		},
		"port alone in a probe": {inPod("livenessProbe:\n  port: 80"), "tcpSocket: {port: 80}", true},
		"command of a probe flat": {
			inPod("livenessProbe:\n  command: [cat]\n  periodSeconds: 3"), "exec: {command: [cat]}", true,
		},
		"command of a hook":    {inPod("lifecycle: {preStop: sleep 5}"), `{exec: {command: [sleep, "5"]}}`, true},
		"true for a context":   {inPod("securityContext: true"), "{runAsNonRoot: true}", false},
		"user by name":         {inPod("securityContext: {runAsUser: root}"), "did you mean 0?", true},
		"toleration by key":    {podWith("tolerations: [gpu]"), "{key: gpu, operator: Exists}", true},
		"node by a label":      {podWith("nodeSelector: disk=ssd"), "{disk: ssd}", true},
		"text for an affinity": {podWith("affinity: zone-a"), "nodeAffinity, podAffinity, podAntiAffinity", false},
		"role by name": {"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: a}\nroleRef: admin\n",
			"kind: ClusterRole, name: admin", true},
		"role of either kind": {"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a}\nroleRef: admin\n",
			"or with kind: ClusterRole", false},
		"bits beyond a prefix": {objectOf(
			"networking.k8s.io/v1", "NetworkPolicy",
			"podSelector: {}\ningress: [{from: [{ipBlock: {cidr: 10.0.0.5/8}}]}]",
		),
			"the range 10.0.0.0/8, or the address 10.0.0.5/32", true},

		"percent of a target": {
			autoscaler(
				"metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80%}}}]",
			),
			"did you mean 80?", true,
		},
		"number for a target": {
			autoscaler("metrics: [{type: Resource, resource: {name: cpu, target: 80}}]"),
			"{type: Utilization, averageUtilization: 80}", true,
		},
		"target without a type": {
			autoscaler("metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilization: 80}}}]"),
			"type: Utilization", true,
		},
		"target of v2beta1": {
			autoscaler("metrics:\n- type: Resource\n  resource:\n    name: cpu\n    targetAverageUtilization: 80"),
			"target: {type: Utilization, averageUtilization: 80}", true,
		},
		"value of v2beta1": {
			autoscaler("metrics:\n- type: Pods\n  pods:\n    metricName: rps\n    targetAverageValue: 1k"),
			"metric: {name: rps}", true,
		},
		"target of v1": {autoscaler("targetCPUUtilizationPercentage: 80"), "metrics: [{type: Resource", true},

		"old default backend": {objectOf(
			"networking.k8s.io/v1", "Ingress", "backend:\n  serviceName: a\n  servicePort: 80",
		),
			"defaultBackend: {service: {name: a, port: {number: 80}}}", true},
		"old backend by name": {objectOf("networking.k8s.io/v1", "Ingress",
			"rules:\n- http:\n    paths:\n    - path: /\n      pathType: Prefix\n      backend:\n        serviceName: a\n        servicePort: \"80\""),
			"service: {name: a, port: {number: 80}}", true},
		"path without its type": {objectOf("networking.k8s.io/v1", "Ingress",
			"rules:\n- http:\n    paths:\n    - path: /\n      backend: {service: {name: a, port: {number: 80}}}"), "pathType: Prefix", true},
		"old definition": {strings.Replace(objectOf("apiextensions.k8s.io/v1", "CustomResourceDefinition",
			"group: example.com\nversion: v1\nnames: {kind: Foo, plural: foos}\nscope: Namespaced\nvalidation:\n  openAPIV3Schema:\n    type: object\nsubresources: {status: {}}"),
			"name: a", "name: foos.example.com", 1), "each of versions has its own", true},
		"version by name": {strings.Replace(objectOf("apiextensions.k8s.io/v1", "CustomResourceDefinition",
			"group: example.com\nversions: v1\nnames: {kind: Foo, plural: foos}\nscope: Namespaced"),
			"name: a", "name: foos.example.com", 1), "{name: v1, served: true, storage: true", false},
		"restart policy in another case": {objectOf("batch/v1", "Job",
			"template:\n  spec:\n    restartPolicy: never\n    containers: [{name: c, image: c}]"), "did you mean Never?", true},
		"two secrets in plain text": {"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  good: Z29vZA==\n  word: s3cret!\n",
			"stringData", true},
	} {
		t.Run(name, func(t *testing.T) {
			s.check(t, func(text string) []diag.Diagnostic { return verdicts(t, text) })
		})
	}
}

const widgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  group: example.com
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer}
              mode: {type: string, enum: [Fast, Slow]}
              tags: {type: array, items: {type: string}}
              labels: {type: object, additionalProperties: {type: string}}
              ports: {type: array, items: {type: object, required: [port], properties: {name: {type: string}, port: {type: integer}}}}
              env: {type: array, items: {type: object, required: [name], properties: {name: {type: string}, value: {type: string}}}}
              ref: {type: object, required: [name], properties: {name: {type: string}, kind: {type: string}}}
              nested: {type: object, properties: {special: {type: string}}}
              res: {type: object, properties: {limits: {type: object, additionalProperties: {x-kubernetes-int-or-string: true}}}}
              keep: {type: integer, maximum: 30}
              bytes: {type: string, pattern: '^[0-9]+(Mi|Gi)$'}
              until: {type: string, format: date-time}
              range: {type: string, format: cidr}
              address:
                type: object
                oneOf:
                - properties: {kind: {enum: [IP]}, value: {anyOf: [{format: ipv4}, {format: ipv6}]}}
                - properties: {kind: {not: {enum: [IP]}}}
                properties:
                  kind: {type: string, default: IP}
                  value: {type: string}
`

// TestSlipsInCustomResources writes values of the wrong shape into a custom resource: what helps is what its definition
// says.
func TestSlipsInCustomResources(t *testing.T) {
	for spec, s := range map[string]slip{
		"{size: two}":         {"", "did you mean 2?", true},
		"{size: '3'}":         {"", "remove the quotes", true},
		"{size: 3.5}":         {"", "3 or 4", false},
		"{mode: fast}":        {"", "did you mean Fast?", true},
		"{tags: 'a,b'}":       {"", "[a, b]", true},
		"{tags: [1]}":         {"", "quote the value", true},
		"{labels: a=b}":       {"", "{a: b}", true},
		"{ports: {port: 80}}": {"", "begin the element with a dash", true},
		"{ports: 80}":         {"", "[{port: 80}]", true},
		"{env: {A: b}}":       {"", "- name: A, and its value", true},
		"{env: [A=b]}":        {"", "{name: A, value: b}", true},
		"{env: [{A: b}]}":     {"", "- name: A, value: b", true},
		"{ref: x}":            {"", "{name: x}", true},
		"{ref: {nmae: x}}":    {"", "did you mean name?", true},
		"{nested: [a]}":       {"", "special", false},
		"{special: x}":        {"", "spec.nested.special", false},
		"{ref: {refName: x}}": {"", "did you mean name?", true},
		"{res: {cpu: 1}}":     {"", "limits: {cpu: 1}", true},
		"{keep: 40}":          {"", "write 30 or less", false},
		"{bytes: 1GB}":        {"", "did you mean 1Gi?", true},
	} {
		s.text = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: " + spec + "\n"
		t.Run(spec, func(t *testing.T) {
			s.check(t, func(text string) []diag.Diagnostic { return withDefinition(t, widgets, text) })
		})
	}
}

// TestFormatsInCustomResources writes texts that do not have the format of their schema: one finding says what is
// wanted.
func TestFormatsInCustomResources(t *testing.T) {
	for spec, want := range map[string]string{
		"{until: tomorrow}":            `spec.until: "tomorrow" is not a time, such as 2026-01-31T12:00:00Z`,
		"{range: 10.0.0.0}":            `spec.range: "10.0.0.0" is not a range of addresses, such as 10.0.0.0/8`,
		"{address: {value: harbour}}":  `spec.address.value: "harbour" is not an IPv4 address`,
		"{address: {value: 10.0.0.7}}": "",
	} {
		text := "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: " + spec + "\n"
		findings := withDefinition(t, widgets, text)
		got := ""
		for _, f := range findings {
			got += f.Path + ": " + f.Message
		}
		if got != want || len(findings) > 1 {
			t.Errorf("%s: got %q in %d findings, want %q", spec, got, len(findings), want)
		}
	}
}

// withDefinition returns the findings about a text, whose kind a definition makes known.
func withDefinition(t *testing.T, definition, text string) []diag.Diagnostic {
	t.Helper()
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	selection, err := lint.Select(lint.OwnRules, "none", nil)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"crd.yaml": definition, "a.yaml": text}
	res, err := lint.Run(context.Background(), lint.Options{
		Files:     []string{"a.yaml", "crd.yaml"},
		Read:      func(name string) ([]byte, error) { return []byte(files[name]), nil },
		Validator: v, Linked: schema.Latest, Rules: selection, All: lint.OwnRules, StrictKinds: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.Diagnostics
}

// TestSeveralFindings writes documents with several things wrong, and wants the places in their order.
func TestSeveralFindings(t *testing.T) {
	for text, want := range map[string]string{
		inPod(
			"resources:\n  limits: {mem: 64Mi, CPU: 1}\n  request: {cpu: 1}",
		): "spec.containers[0].resources.limits[mem] " +
			"spec.containers[0].resources.limits[CPU] spec.containers[0].resources.request",
		inPod("env:\n- LOG=debug\n- X=1"): "spec.containers[0].env[0] spec.containers[0].env[1]",
		deployment("selector: app=web"):   "spec.selector spec.template.metadata.labels",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  user: admin!\n  word: s3cret!\n": "data.user data.word",
	} {
		var got []string
		for _, d := range verdicts(t, text) {
			got = append(got, d.Path)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("found %q, want %q in\n%s", got, want, text)
		}
	}
}

// TestSlipsForOlderVersions looks for the ways out where the schema of an older version judges.
func TestSlipsForOlderVersions(t *testing.T) {
	for name, s := range map[string]slip{
		"element without a dash": {
			objectOf("v1", "Pod", "containers:\n  name: c\n  image: c"), "begin the element with a dash", true,
		},
		"number in quotes": {
			deployment("selector: {matchLabels: {app: a}}\nreplicas: \"2\""), "remove the quotes", true,
		},
		"source as the value": {
			inPod("env:\n- name: A\n  value:\n    secretKeyRef: {name: a, key: b}"), "did you mean valueFrom?", true,
		},
		"limits of the requests": {
			inPod("resources:\n  requests:\n    cpu: 100m\n    limits:\n      cpu: 200m"),
			"move it to spec.containers[0].resources.limits", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.check(t, func(text string) []diag.Diagnostic { return findings(t, text, "none", "1.30") })
		})
	}
}
