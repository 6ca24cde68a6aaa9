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

func backend(lines string) string {
	return objectOf("networking.k8s.io/v1", "Ingress", "rules:\n- http:\n    paths:\n    - path: /\n      pathType: Prefix\n      backend:\n"+
		indented(lines, 8))
}

const podLines = "restartPolicy: Never\ncontainers:\n- name: c # the only one\n  image: example.com/c:1\n"

// TestFieldsAtAnotherLevel writes fields a level or more too high or too deep.
func TestFieldsAtAnotherLevel(t *testing.T) {
	const noSelector = "selector: {matchLabels: {app: a}}\n"
	whole := objectOf("apps/v1", "Deployment", noSelector+"template:\n  metadata: {labels: {app: a}}\n  spec:\n    containers: [{name: c, image: c}]")
	for name, s := range map[string]slip{
		"pod in a Job":            {objectOf("batch/v1", "Job", podLines), "move containers and restartPolicy to spec.template.spec", true},
		"pod in a Deployment":     {objectOf("apps/v1", "Deployment", noSelector+strings.TrimPrefix(podLines, "restartPolicy: Never\n")), "spec.template.spec.containers", true},
		"pod in a CronJob":        {objectOf("batch/v1", "CronJob", "schedule: '@daily'\n"+podLines), "spec.jobTemplate.spec.template.spec", true},
		"pod in a Job's template": {objectOf("batch/v1", "CronJob", "schedule: '@daily'\njobTemplate:\n  spec:\n"+indented(podLines, 4)), "spec.jobTemplate.spec.template.spec", true},
		"spec without template":   {objectOf("batch/v1", "CronJob", "schedule: '@daily'\njobTemplate:\n  spec:\n    backoffLimit: 2\n    spec:\n"+indented(podLines, 6)), "put it below spec.jobTemplate.spec.template", true},
		"line of the spec":        {strings.Replace(whole, "\nspec:", "\n  spec:", 1), "begin the line spec: in column 1", true},
		"spec of a ConfigMap":     {configMap("spec:\n  data:\n    # how much to say\n    LOG: debug"), "a ConfigMap has no spec: move data one level up", true},
		"spec of a Role":          {rbac("Role", "spec:\n  rules:\n  - {apiGroups: [''], resources: [pods], verbs: [get]}"), "a Role has no spec: move rules", true},
		"entries of a ConfigMap":  {configMap("LOG: debug\nPORT: 80"), "move LOG and PORT below data:", true},
		"entries of a Secret":     {secret("word: s3cret!"), "move word below stringData:", true},
		"base64 of a Secret":      {secret("word: czNjcmV0"), "move word below data:", true},
		"metric's source":         {autoscaler("metrics:\n- type: Resource\n  name: cpu\n  target: {type: Utilization, averageUtilization: 70}"), "move name and target below resource:", true},
		"service of a backend":    {backend("serviceName: a\nport: 80"), "service: {name: a, port: {number: 80}}", true},
		"name of a backend":       {backend("name: a\nport: web"), "service: {name: a, port: {name: web}}", true},
		"service as a text":       {backend("service: a\nport: 80"), "service: {name: a, port: {number: 80}}", true},
		"port beside a service":   {backend("service: {name: a}\nservicePort: 80"), "service: {name: a, port: {number: 80}}", true},
		"port of a container":     {inPod("port: 8080"), "ports: [{containerPort: 8080}]", true},
		"port of a Service":       {service("ports:\n- containerPort: 8080"), "write port: 8080", true},
		"address of a probe":      {inPod("livenessProbe:\n  httpGet:\n    url: http://localhost:8080/ready"), `path: "/ready", port: 8080`, true},
		"version of a role":       {rbac("RoleBinding", "roleRef: {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, name: a}"), "apiGroup: rbac.authorization.k8s.io", true},
		"one mode of access":      {objectOf("v1", "PersistentVolumeClaim", "accessMode: ReadWriteOnce\nresources: {requests: {storage: 1Gi}}"), "accessModes: [ReadWriteOnce]", true},
		"one container":           {objectOf("v1", "Pod", "container:\n  name: c\n  image: example.com/c:1"), "containers", true},
		"metrics of version 1": {strings.Replace(autoscaler("metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]"),
			"autoscaling/v2", "autoscaling/v1", 1), "write apiVersion: autoscaling/v2", true},
		"dash too many": {inPod("env:\n- name: LOG\n- value: debug"), "remove the dash: value belongs to the element above", true},
	} {
		t.Run(name, func(t *testing.T) { s.check(t, func(text string) []diag.Diagnostic { return verdicts(t, text) }) })
	}
}

// TestFixesKeepComments moves fields with the comments that stand among them.
func TestFixesKeepComments(t *testing.T) {
	for text, want := range map[string]string{
		objectOf("batch/v1", "Job", podLines): "spec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      - name: c # the only one\n" +
			"        image: example.com/c:1\n",
		configMap("spec:\n  data:\n    # how much to say\n    LOG: debug"): "data:\n  # how much to say\n  LOG: debug\n",
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
		return objectOf("autoscaling/v2", "HorizontalPodAutoscaler", "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}\n"+spec)
	}
	set := func(more string) string {
		return objectOf("apps/v1", "StatefulSet", more+"\nselector: {matchLabels: {app: a}}\ntemplate:\n  metadata: {labels: {app: a}}\n"+
			"  spec: {containers: [{name: c, image: c}]}")
	}
	policy := func(selector string) string {
		return objectOf("networking.k8s.io/v1", "NetworkPolicy", "podSelector:\n  matchExpressions: [{key: app, "+selector+"}]")
	}
	for name, s := range map[string]slip{
		"ports without names":    {service("ports:\n- port: 80\n- port: 443"), "name: http, name: https", true},
		"keys of a certificate":  {secret("type: kubernetes.io/tls"), "tls.crt and tls.key", false},
		"groups of a rule":       {rbac("Role", "rules:\n- resources: [pods]\n  verbs: [get]"), `apiGroups: [""]`, true},
		"group of a rule":        {rbac("Role", "rules:\n- resources: [deployments, statefulsets]\n  verbs: [get]"), "apiGroups: [apps]", true},
		"URLs of a Role":         {rbac("Role", "rules:\n- {apiGroups: [''], resources: [pods], verbs: [get], nonResourceURLs: [/metrics]}"), "ClusterRole", false},
		"target by name":         {objectOf("autoscaling/v2", "HorizontalPodAutoscaler", "scaleTargetRef: {name: a}\nmaxReplicas: 3"), "apiVersion: apps/v1 and kind: Deployment", false},
		"more than the most":     {autoscaled("minReplicas: 10\nmaxReplicas: 5"), "raise maxReplicas to 10", false},
		"none at least":          {autoscaled("minReplicas: 0\nmaxReplicas: 5"), "minReplicas: 1", true},
		"value of a target":      {autoscaler("metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, value: 70}}}]"), "averageUtilization: 70", true},
		"percents for an amount": {autoscaler("metrics:\n- type: Resource\n  resource:\n    name: cpu\n    target:\n      type: Utilization\n      averageValue: 70%"), "averageUtilization: 70", true},
		"value and source":       {inPod("env:\n- {name: A, value: b, valueFrom: {configMapKeyRef: {name: a, key: b}}}"), "remove value or valueFrom", false},
		"image of nothing":       {objectOf("v1", "Pod", "containers: [{name: c, image: }]"), "write image:", false},
		"containers of nothing":  {objectOf("v1", "Pod", "containers:"), "containers: [{name: ..., image: ...}]", false},
		"order of the pods":      {set("podManagementPolicy: parallel"), "did you mean Parallel?", true},
		"update of the pods":     {set("updateStrategy: {type: onDelete}"), "did you mean OnDelete?", true},
		"less than none":         {set("replicas: -1"), "write 0 or more", false},
		"equals sign":            {policy(`operator: "=", values: [a]`), "did you mean In?", true},
		"values that exist":      {policy("operator: Exists, values: [a]"), "remove values", false},
		"zone in lower case":     {objectOf("batch/v1", "CronJob", "schedule: '@daily'\ntimeZone: europe/berlin\njobTemplate:\n  spec:\n    template:\n      spec:\n"+indented(podLines, 8)), "Europe/Berlin", true},
		"day of the week":        {objectOf("batch/v1", "CronJob", "schedule: 0 3 * * Mo\njobTemplate:\n  spec:\n    template:\n      spec:\n"+indented(podLines, 8)), "0 3 * * MON", true},
		"never at once":          {objectOf("batch/v1", "CronJob", "schedule: '@daily'\nconcurrencyPolicy: Never\njobTemplate:\n  spec:\n    template:\n      spec:\n"+indented(podLines, 8)), "did you mean Forbid?", true},
		"two protocols":          {service("ports: [{port: 53, protocol: TCP/UDP}]"), "one entry for each: TCP and UDP", false},
		"policy of a Deployment": {strings.Replace(deployment("selector: {matchLabels: {app: a}}"), "containers:", "restartPolicy: OnFailure\n      containers:", 1), "write Always", false},
		"node port of a cluster": {service("ports: [{port: 80, nodePort: 30080}]"), "type: NodePort", false},
		"dots in a namespace":    {configMap("  namespace: my.shop"), "did you mean my-shop?", true},
		"size below zero":        {claim("resources: {requests: {storage: -1Gi}}"), "did you mean 1Gi?", true},
		"size with a blank":      {claim("resources:\n  requests:\n    storage: 10G i"), "did you mean 10Gi?", true},
		"limits alone":           {claim("resources: {limits: {storage: 1Gi}}"), "resources: {requests: {storage: 10Gi}}", false},
		"source without bits":    {service("type: LoadBalancer\nloadBalancerSourceRanges:\n- 10.0.0.1\nports: [{port: 80}]"), "10.0.0.1/32", true},
		"number in a Secret":     {secret("data:\n  word: 123456"), "stringData: {word:", true},
		"list for bytes": {strings.Replace(objectOf("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", ""), "spec:\n",
			"webhooks:\n- name: a.example.com\n  sideEffects: None\n  admissionReviewVersions: [v1]\n  clientConfig: {url: 'https://a.example.com', caBundle: [YWJj]}\n", 1),
			"the field takes one text", true},
		"kind by its short name":  {strings.Replace(service("ports: [{port: 80}]"), "Service", "svc", 1), "did you mean Service?", true},
		"version before 1.20":     {strings.Replace(deployment("selector: {matchLabels: {app: a}}"), "apps/v1", "extensions/v1beta1", 1), "removed in Kubernetes 1.16", true},
		"option as a mapping":     {inPod("args:\n- --port: 8080"), "--port=8080", true},
		"sentence as a mapping":   {inPod("args:\n- echo: hello"), `"echo: hello"`, true},
		"names that are the same": {objectOf("v1", "Pod", "containers: [{name: c, image: c}]\ninitContainers: [{name: c, image: c}]"), "write another value", false},
	} {
		t.Run(name, func(t *testing.T) { s.check(t, func(text string) []diag.Diagnostic { return verdicts(t, text) }) })
	}
}
