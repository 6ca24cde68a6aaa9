package app

import "testing"

func TestClassify(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want fileKind
	}{
		"an object":              {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", manifestFile},
		"indented":               {"  apiVersion: v1\n  kind: Pod\n", manifestFile},
		"after other documents":  {"a: b\n---\napiVersion: v1\nkind: Pod\n", manifestFile},
		"without its kind":       {"apiVersion: v1\nmetadata: {name: a}\n", manifestFile},
		"without an API version": {"kind: Pod\nspec: {}\n", manifestFile},
		"without both":           {"metadata: {name: a}\nspec: {}\n", manifestFile},
		"JSON":                   {`{"apiVersion": "v1", "kind": "Pod"}`, manifestFile},
		"flow":                   {"{apiVersion: v1, kind: Pod}\n", manifestFile},
		"values":                 {"image: nginx\ndeployment:\n  kind: Deployment\n", otherFile},
		"a pipeline":             {"kind: pipeline\ntype: docker\n", otherFile},
		"a workflow":             {"on: push\njobs: {}\n", otherFile},
		"package.json":           {`{"name": "a", "version": "1.0.0"}`, otherFile},
		"a list":                 {"- a\n- b\n", otherFile},
		"CloudFormation":         {"AWSTemplateFormatVersion: 2010-09-09\nResources: {}\n", otherFile},
		"a cluster of kind":      {"kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n", toolFile},
		"a kubeconfig":           {"apiVersion: v1\nkind: Config\nclusters: []\n", toolFile},
		"known findings": {
			"{\"apiVersion\": \"seatrial/v1\", \"kind\": \"LintBaseline\", \"findings\": []}", toolFile,
		},
		"skaffold": {"apiVersion: skaffold/v4beta6\nkind: Config\nmetadata: {name: a}\n", toolFile},
		"a tool's among manifests": {
			"apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n---\napiVersion: v1\nkind: Pod\n",
			manifestFile,
		},
		"a group that is none":      {"apiVersion: release-notes/v2\nkind: bug-fix\n", toolFile},
		"a kind on its own line":    {"apiVersion: release-notes/v2\nkind:\n  bug-fix\n", toolFile},
		"a group that is misspelt":  {"apiVersion: app/v1\nkind: bug-fix\n", manifestFile},
		"a wrong group":             {"apiVersion: core/v1\nkind: Service\n", manifestFile},
		"a wrong group and kind":    {"apiVersion: networking/v1\nkind: Ingres\n", manifestFile},
		"a wrong group and no kind": {"apiVersion: core/v1\nmetadata: {name: a}\n", manifestFile},
		"nothing":                   {"", manifestFile},
		"comments":                  {"# nothing\n", otherFile},
	} {
		if got := classify([]byte(c.text)); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}
