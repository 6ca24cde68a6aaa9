package lint_test

import (
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
)

// rbac returns an object of a kind of RBAC.
func rbac(kind, rest string) string {
	return "apiVersion: rbac.authorization.k8s.io/v1\nkind: " + kind + "\nmetadata: {name: a}\n" + rest + "\n"
}

func configMap(rest string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n" + rest + "\n"
}

func secret(rest string) string { return strings.Replace(configMap(rest), "ConfigMap", "Secret", 1) }

// set returns a StatefulSet whose spec has more lines.
func set(more string) string {
	return objectOf("apps/v1", "StatefulSet",
		more+"\nselector: {matchLabels: {app: a}}\ntemplate:\n  metadata: {labels: {app: a}}\n"+
			"  spec: {containers: [{name: c, image: c}]}")
}

func backend(lines string) string {
	return objectOf("networking.k8s.io/v1", "Ingress",
		"rules:\n- http:\n    paths:\n    - path: /\n      pathType: Prefix\n      backend:\n"+
			indented(lines, 8))
}

const podLines = "restartPolicy: Never\ncontainers:\n- name: c # the only one\n  image: example.com/c:1\n"

// TestFieldsAtAnotherLevel writes fields a level or more too high or too deep.
func TestFieldsAtAnotherLevel(t *testing.T) {
	const noSelector = "selector: {matchLabels: {app: a}}\n"
	whole := objectOf(
		"apps/v1", "Deployment",
		noSelector+"template:\n  metadata: {labels: {app: a}}\n  spec:\n    containers: [{name: c, image: c}]",
	)
	for name, s := range map[string]slip{
		"pod in a Job": {
			objectOf("batch/v1", "Job", podLines), "move containers and restartPolicy to spec.template.spec", true,
		},
		"pod in a Deployment": {
			objectOf("apps/v1", "Deployment", noSelector+strings.TrimPrefix(podLines, "restartPolicy: Never\n")),
			"spec.template.spec.containers", true,
		},
		"pod in a CronJob": {
			objectOf("batch/v1", "CronJob", "schedule: '@daily'\n"+podLines), "spec.jobTemplate.spec.template.spec",
			true,
		},
		"pod in a Job's template": {
			objectOf("batch/v1", "CronJob", "schedule: '@daily'\njobTemplate:\n  spec:\n"+indented(podLines, 4)),
			"spec.jobTemplate.spec.template.spec", true,
		},
		"spec without template": {
			objectOf(
				"batch/v1", "CronJob",
				"schedule: '@daily'\njobTemplate:\n  spec:\n    backoffLimit: 2\n    spec:\n"+indented(podLines, 6),
			),
			"put it below spec.jobTemplate.spec.template", true,
		},
		"line of the spec": {
			strings.Replace(whole, "\nspec:", "\n  spec:", 1), "begin the line spec: in column 1", true,
		},
		"spec of a ConfigMap": {
			configMap("spec:\n  data:\n    # how much to say\n    LOG: debug"),
			"a ConfigMap has no spec: move data one level up", true,
		},
		"spec of a Role": {
			rbac("Role", "spec:\n  rules:\n  - {apiGroups: [''], resources: [pods], verbs: [get]}"),
			"a Role has no spec: move rules", true,
		},
		"entries of a ConfigMap": {configMap("LOG: debug\nPORT: 80"), "move LOG and PORT below data:", true},
		"entries of a Secret":    {secret("word: s3cret!"), "move word below stringData:", true},
		"base64 of a Secret":     {secret("word: czNjcmV0"), "move word below data:", true},
		"metric's source": {
			autoscaler(
				"metrics:\n- type: Resource\n  name: cpu\n  target: {type: Utilization, averageUtilization: 70}",
			),
			"move name and target below resource:", true,
		},
		"service of a backend": {
			backend("serviceName: a\nport: 80"), "service: {name: a, port: {number: 80}}", true,
		},
		"name of a backend": {backend("name: a\nport: web"), "service: {name: a, port: {name: web}}", true},
		"service as a text": {backend("service: a\nport: 80"), "service: {name: a, port: {number: 80}}", true},
		"port beside a service": {
			backend("service: {name: a}\nservicePort: 80"), "service: {name: a, port: {number: 80}}", true,
		},
		"port of a container": {inPod("port: 8080"), "ports: [{containerPort: 8080}]", true},
		"port of a Service":   {service("ports:\n- containerPort: 8080"), "write port: 8080", true},
		"address of a probe": {
			inPod("livenessProbe:\n  httpGet:\n    url: http://localhost:8080/ready"), `path: "/ready", port: 8080`,
			true,
		},
		"version of a role": {
			rbac("RoleBinding", "roleRef: {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, name: a}"),
			"apiGroup: rbac.authorization.k8s.io", true,
		},
		"one mode of access": {
			objectOf("v1", "PersistentVolumeClaim", "accessMode: ReadWriteOnce\nresources: {requests: {storage: 1Gi}}"),
			"accessModes: [ReadWriteOnce]", true,
		},
		"one container": {
			objectOf("v1", "Pod", "container:\n  name: c\n  image: example.com/c:1"), "containers", true,
		},
		"metrics of version 1": {strings.Replace(autoscaler(
			"metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]",
		),
			"autoscaling/v2", "autoscaling/v1", 1), "write apiVersion: autoscaling/v2", true},
		"no term": {
			podWith(
				"affinity:\n  podAntiAffinity:\n    preferredDuringSchedulingIgnoredDuringExecution:\n    - weight: 1\n      labelSelector: {matchLabels: {app: a}} # of its own\n      topologyKey: zone",
			),
			"move labelSelector and topologyKey below podAffinityTerm:", true,
		},
		"weight of what must be": {
			podWith(
				"affinity:\n  podAffinity:\n    requiredDuringSchedulingIgnoredDuringExecution:\n    - weight: 1\n      podAffinityTerm:\n        topologyKey: zone",
			),
			"remove weight, and move topologyKey one level up", true,
		},
		"Job in a CronJob": {
			objectOf(
				"batch/v1", "CronJob",
				"schedule: '@daily'\ntemplate:\n  spec:\n    template:\n      spec:\n"+indented(podLines, 8),
			),
			"did you mean jobTemplate?", true,
		},
		"template of a Job": {
			objectOf(
				"batch/v1", "CronJob",
				"schedule: '@daily'\njobTemplate:\n  template:\n    spec:\n"+indented(podLines, 6),
			),
			"spec.jobTemplate.spec.template", true,
		},
		"key in its column": {
			inPod("env:\n- name: A\n  valueFrom:\n    secretKeyRef:\n    name: a # of the shop\n    key: b"),
			"indent key and name deeper than secretKeyRef:", true,
		},
		"source in its column": {
			inPod("envFrom:\n- configMapRef:\n  name: a"), "indent name deeper than configMapRef:", true,
		},
		"backend in its column": {
			backend("service:\nname: a\nport:\n  number: 80"), "indent name and port deeper than service:", true,
		},
		"probe in its column": {
			inPod("livenessProbe:\n  httpGet:\n  path: /\n  port: 80"), "indent path and port deeper than httpGet:",
			true,
		},
		"labels in their column": {
			configMap("  labels:\n  app: a\n  tier: b"), "indent app and tier deeper than labels:", true,
		},
		"spec in its column": {
			"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\nports:\n- port: 80\n",
			"indent ports deeper than spec:", true,
		},
		"limits of the requests": {
			inPod("resources:\n  requests:\n    cpu: 100m\n    limits:\n      cpu: 200m # twice"),
			"move it to spec.containers[0].resources.limits", true,
		},
		"source as the value": {
			inPod("env:\n- name: A\n  value:\n    secretKeyRef: {name: a, key: b}"), "did you mean valueFrom?", true,
		},
		"name as the number": {
			backend("service:\n  name: a\n  port:\n    number: http"), "did you mean name?", true,
		},
		"name of a template": {
			set(
				"volumeClaimTemplates:\n- name: data\n  spec:\n    accessModes: [ReadWriteOnce]\n    resources: {requests: {storage: 1Gi}}",
			),
			"move name below metadata:", true,
		},
		"target of version 1": {
			autoscaler(
				"targetCPUUtilizationPercentage: 80\nmetrics: [{type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 80}}}]",
			),
			"it is a metric", true,
		},
		"two of version 2": {
			strings.Replace(
				autoscaler("metrics: []\nbehavior: {scaleDown: {stabilizationWindowSeconds: 300}}"), "/v2", "/v1", 1,
			),
			"write apiVersion: autoscaling/v2", true,
		},
		"target by another name": {
			strings.Replace(autoscaler(""), "scaleTargetRef", "targetRef", 1), "did you mean scaleTargetRef?", true,
		},
		"probe by another name": {
			inPod("livenessProbe:\n  http: {path: /, port: 80}"), "did you mean httpGet?", true,
		},
		"service of a set": {set("service: a"), "did you mean serviceName?", true},
		"schedule of a Job": {
			objectOf("batch/v1", "Job", "schedule: '@daily'\ntemplate:\n  spec:\n"+indented(podLines, 4)),
			"write kind: CronJob", false,
		},
		"replicas of a Pod": {podWith("replicas: 2"), "kind: Deployment", false},
		"claims of a Deployment": {
			deployment("selector: {matchLabels: {app: a}}\nvolumeClaimTemplates: []"), "kind: StatefulSet", false,
		},
		"port of a Service on it": {
			inPod("ports:\n- containerPort: 80\n  targetPort: 80"), "a container has containerPort alone", false,
		},
		"policy twice": {
			objectOf(
				"batch/v1", "CronJob",
				"schedule: '@daily'\nconcurrencyPolicy: Forbid\njobTemplate:\n  spec:\n    concurrencyPolicy: Allow\n    template:\n      spec:\n"+indented(
					podLines, 8,
				),
			),
			"spec.concurrencyPolicy is set already", false,
		},
		"dashes too many": {
			rbac("Role", "rules:\n- apiGroups: ['']\n- resources: [pods]\n- verbs: [get]"),
			"resources and verbs belong to the element above", true,
		},
		"dash of a path": {
			objectOf(
				"networking.k8s.io/v1", "Ingress",
				"rules:\n- http:\n    paths:\n    - path: /\n    - pathType: Prefix\n      backend: {service: {name: a, port: {number: 80}}}",
			),
			"pathType and backend belong to the element above", true,
		},
		"dash too many": {
			inPod("env:\n- name: LOG\n- value: debug"), "remove the dash: value belongs to the element above", true,
		},
	} {
		t.Run(name, func(t *testing.T) { s.check(t, func(text string) []diag.Diagnostic { return verdicts(t, text) }) })
	}
}

// TestUnknownFieldsAreNoEntriesOfAMap writes texts under names that a Service does not have: its selector could hold
// them.
func TestUnknownFieldsAreNoEntriesOfAMap(t *testing.T) {
	found := verdicts(t, service("ports: [{port: 80}]\ninvalid: one\nodd: two"))
	for _, d := range found {
		if d.Help != "" || len(d.Fixes) > 0 {
			t.Errorf("%s: %s", d.Text(), d.Help)
		}
	}
	if len(found) != 2 {
		t.Errorf("%d findings, want 2", len(found))
	}
}

// TestFixesKeepComments moves fields with the comments that stand among them.
func TestFixesKeepComments(t *testing.T) {
	for text, want := range map[string]string{
		objectOf("batch/v1", "Job", podLines): "spec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      - name: c # the only one\n" +
			"        image: example.com/c:1\n",
		configMap(
			"spec:\n  data:\n    # how much to say\n    LOG: debug",
		): "data:\n  # how much to say\n  LOG: debug\n",
	} {
		found := verdicts(t, text)
		if len(found) != 1 || len(found[0].Fixes) != 1 {
			t.Fatalf("%+v", found)
		}
		if got := fixedBy(t, text, found[0].Fixes[0]); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// TestRefusedValuesHaveAWayOut writes values that validation refuses, or leaves out what it asks for.
func TestRefusedValuesHaveAWayOut(t *testing.T) {
	autoscaled := func(spec string) string {
		return objectOf(
			"autoscaling/v2", "HorizontalPodAutoscaler",
			"scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}\n"+spec,
		)
	}
	policy := func(selector string) string {
		return objectOf(
			"networking.k8s.io/v1", "NetworkPolicy", "podSelector:\n  matchExpressions: [{key: app, "+selector+"}]",
		)
	}
	for name, s := range map[string]slip{
		"ports without names":   {service("ports:\n- port: 80\n- port: 443"), "name: http, name: https", true},
		"keys of a certificate": {secret("type: kubernetes.io/tls"), "tls.crt and tls.key", false},
		"groups of a rule": {
			rbac("Role", "rules:\n- resources: [pods]\n  verbs: [get]"), `apiGroups: [""]`, true,
		},
		"group of a rule": {
			rbac("Role", "rules:\n- resources: [deployments, statefulsets]\n  verbs: [get]"), "apiGroups: [apps]", true,
		},
		"URLs of a Role": {
			rbac("Role", "rules:\n- {apiGroups: [''], resources: [pods], verbs: [get], nonResourceURLs: [/metrics]}"),
			"ClusterRole", false,
		},
		"target by name": {
			objectOf("autoscaling/v2", "HorizontalPodAutoscaler", "scaleTargetRef: {name: a}\nmaxReplicas: 3"),
			"apiVersion: apps/v1 and kind: Deployment", false,
		},
		"more than the most": {autoscaled("minReplicas: 10\nmaxReplicas: 5"), "raise maxReplicas to 10", false},
		"none at least":      {autoscaled("minReplicas: 0\nmaxReplicas: 5"), "minReplicas: 1", true},
		"value of a target": {
			autoscaler("metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, value: 70}}}]"),
			"averageUtilization: 70", true,
		},
		"percents for an amount": {
			autoscaler(
				"metrics:\n- type: Resource\n  resource:\n    name: cpu\n    target:\n      type: Utilization\n      averageValue: 70%",
			),
			"averageUtilization: 70", true,
		},
		"value and source": {
			inPod("env:\n- {name: A, value: b, valueFrom: {configMapKeyRef: {name: a, key: b}}}"),
			"remove value or valueFrom", false,
		},
		"image of nothing": {objectOf("v1", "Pod", "containers: [{name: c, image: }]"), "write image:", false},
		"containers of nothing": {
			objectOf("v1", "Pod", "containers:"), "containers: [{name: ..., image: ...}]", false,
		},
		"order of the pods":  {set("podManagementPolicy: parallel"), "did you mean Parallel?", true},
		"update of the pods": {set("updateStrategy: {type: onDelete}"), "did you mean OnDelete?", true},
		"less than none":     {set("replicas: -1"), "write 0 or more", false},
		"equals sign":        {policy(`operator: "=", values: [a]`), "did you mean In?", true},
		"values that exist":  {policy("operator: Exists, values: [a]"), "remove values", false},
		"zone in lower case": {
			objectOf(
				"batch/v1", "CronJob",
				"schedule: '@daily'\ntimeZone: europe/berlin\njobTemplate:\n  spec:\n    template:\n      spec:\n"+
					indented(podLines, 8),
			),
			"Europe/Berlin", true,
		},
		"day of the week": {
			objectOf(
				"batch/v1", "CronJob",
				"schedule: 0 3 * * Mo\njobTemplate:\n  spec:\n    template:\n      spec:\n"+indented(podLines, 8),
			),
			"0 3 * * MON", true,
		},
		"never at once": {
			objectOf(
				"batch/v1", "CronJob",
				"schedule: '@daily'\nconcurrencyPolicy: Never\njobTemplate:\n  spec:\n    template:\n      spec:\n"+
					indented(podLines, 8),
			),
			"did you mean Forbid?", true,
		},
		"two protocols": {
			service("ports: [{port: 53, protocol: TCP/UDP}]"), "one entry for each: TCP and UDP", false,
		},
		"policy of a Deployment": {
			strings.Replace(
				deployment("selector: {matchLabels: {app: a}}"), "containers:",
				"restartPolicy: OnFailure\n      containers:", 1,
			),
			"write Always", false,
		},
		"node port of a cluster": {service("ports: [{port: 80, nodePort: 30080}]"), "type: NodePort", false},
		"dots in a namespace":    {configMap("  namespace: my.shop"), "did you mean my-shop?", true},
		"size below zero":        {claim("resources: {requests: {storage: -1Gi}}"), "did you mean 1Gi?", true},
		"size with a blank":      {claim("resources:\n  requests:\n    storage: 10G i"), "did you mean 10Gi?", true},
		"limits alone": {
			claim("resources: {limits: {storage: 1Gi}}"), "resources: {requests: {storage: 10Gi}}", false,
		},
		"source without bits": {
			service("type: LoadBalancer\nloadBalancerSourceRanges:\n- 10.0.0.1\nports: [{port: 80}]"), "10.0.0.1/32",
			true,
		},
		"number in a Secret": {secret("data:\n  word: 123456"), "stringData: {word:", true},
		"list for bytes": {strings.Replace(objectOf(
			"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "",
		), "spec:\n",
			"webhooks:\n- name: a.example.com\n  sideEffects: None\n  admissionReviewVersions: [v1]\n  clientConfig: {url: 'https://a.example.com', caBundle: [YWJj]}\n", 1),
			"the field takes one text", true},
		"kind by its short name": {
			strings.Replace(service("ports: [{port: 80}]"), "Service", "svc", 1), "did you mean Service?", true,
		},
		"version before 1.20": {
			strings.Replace(deployment("selector: {matchLabels: {app: a}}"), "apps/v1", "extensions/v1beta1", 1),
			"removed in Kubernetes 1.16", true,
		},
		"option as a mapping":   {inPod("args:\n- --port: 8080"), "--port=8080", true},
		"sentence as a mapping": {inPod("args:\n- echo: hello"), `"echo: hello"`, true},
		"file at the root": {
			podWith("volumes:\n- name: v\n  configMap:\n    name: a\n    items: [{key: a, path: /a.txt}]"),
			"did you mean a.txt?", true,
		},
		"share with a blank": {
			deployment("strategy:\n  rollingUpdate:\n    maxSurge: 25 %\nselector: {matchLabels: {app: a}}"),
			"did you mean 25%?", true,
		},
		"range of ports": {
			objectOf(
				"networking.k8s.io/v1", "NetworkPolicy", "podSelector: {}\ningress:\n- ports:\n  - port: 8080-8090",
			),
			"port: 8080 with endPort: 8090", true,
		},
		"port twice": {
			service("ports: [{name: a, port: 80}, {name: b, port: 80}]"), "write another one", false,
		},
		"port of no request": {inPod("livenessProbe:\n  httpGet: {path: /}"), "add port:", false},
		"selector of a Job": {
			objectOf(
				"batch/v1", "Job", "selector: {matchLabels: {app: a}}\ntemplate:\n  spec:\n"+indented(podLines, 4),
			),
			"remove selector", true,
		},
		"share of one": {
			autoscaler(
				"metrics:\n- type: Resource\n  resource:\n    name: cpu\n    target: {type: Utilization, averageUtilization: 0.7}",
			),
			"did you mean 70?", true,
		},
		"minutes for seconds": {
			objectOf("batch/v1", "Job", "ttlSecondsAfterFinished: 10m\ntemplate:\n  spec:\n"+indented(podLines, 4)),
			"did you mean 600?", true,
		},
		"key with a blank":    {configMap("data:\n  LOG LEVEL: debug"), "did you mean LOG_LEVEL?", true},
		"domain of a Service": {set("serviceName: web.shop.svc"), "did you mean web?", true},
		"value of any": {
			podWith("tolerations:\n- {key: a, operator: Exists, value: b}"), "remove value", false,
		},
		"two peers in one": {
			objectOf(
				"networking.k8s.io/v1", "NetworkPolicy",
				"podSelector: {}\ningress:\n- from:\n  - ipBlock: {cidr: 10.0.0.0/8}\n    podSelector: {}",
			),
			"write two peers", false,
		},
		"no pod more or less": {
			deployment(
				"strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}\nselector: {matchLabels: {app: a}}",
			),
			"maxUnavailable: 1", false,
		},
		"two volumes at a path": {
			strings.Replace(
				podWith("volumes: [{name: v}, {name: w}]"), "example.com/c:1",
				"c\n    volumeMounts: [{name: v, mountPath: /a}, {name: w, mountPath: /a}]", 1,
			),
			"at another path", false,
		},
		"names that are the same": {
			objectOf("v1", "Pod", "containers: [{name: c, image: c}]\ninitContainers: [{name: c, image: c}]"),
			"write another value", false,
		},
	} {
		t.Run(name, func(t *testing.T) { s.check(t, func(text string) []diag.Diagnostic { return verdicts(t, text) }) })
	}
}
