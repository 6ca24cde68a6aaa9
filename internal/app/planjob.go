package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/manifest"
)

// PlanJob is what the pods of a Job plan: the input, and the questions about it.
type PlanJob struct {
	Input      simulate.Input      `json:"input"`
	WhatIf     []string            `json:"whatIf,omitempty"`
	SurgeNodes int                 `json:"surgeNodes,omitempty"`
	Seeds      int                 `json:"seeds"`
	Remedies   bool                `json:"remedies"`
	Risks      []diag.Diagnostic   `json:"risks,omitempty"`
	Sources    []report.SourceFile `json:"sources,omitempty"`
}

const (
	jobName   = "seatrial-plan"
	jobFolder = "/plan"
	// jobFile is the file of a PlanJob in a pod, compressed.
	jobFile = "plan.json.gz"
	// maxJob is how many bytes a ConfigMap holds, with room for what surrounds them.
	maxJob = 1<<20 - 4096
	// jobRetries is how often a pod of the Job is tried again.
	jobRetries = 3
)

// Job writes an Indexed Job whose pods each answer a part of the questions about the plan, with its input in a
// ConfigMap. The result has the findings of manifests that the API server would reject; nothing is written then.
func (o *PlanOptions) Job(ctx context.Context, image string, pods int32, w io.Writer) (*PlanResult, error) {
	if o.PackNodes != nil {
		return nil, usage("--as-job does not work with --pack: give the number of nodes")
	}
	res := &PlanResult{Redactor: redact.New()}
	in, running, err := o.input(ctx, res)
	if err != nil || in == nil {
		return res, err
	}
	risks, err := o.lint(ctx, in, running, res)
	if err != nil || res.Rejected != nil {
		return res, err
	}
	if name := secretWithValues(in); name != "" {
		return nil, usage(
			"--as-job writes the manifests into a ConfigMap: "+
				"take the values out of %s, or leave it out, so that it is assumed", name,
		)
	}
	in.Rest = nil
	data, err := json.Marshal(PlanJob{
		Input: *in, WhatIf: o.WhatIf, SurgeNodes: o.SurgeNodes, Seeds: o.Seeds, Remedies: o.Remedies, Risks: risks,
		Sources: res.Sources,
	})
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err = z.Write(data); err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, err
	}
	if packed.Len() > maxJob {
		return nil, usage(
			"the input has %d bytes, compressed, and a ConfigMap holds %d: run the parts with --shard instead",
			packed.Len(),
			maxJob,
		)
	}
	return res, writeJob(w, packed.Bytes(), image, pods)
}

// secretWithValues returns the name of a Secret of the input that has values, empty if there is none.
func secretWithValues(in *simulate.Input) string {
	docs := slices.Concat(in.Change, in.From)
	if in.Scenario != nil {
		for i := range in.Scenario.Actions {
			docs = append(docs, in.Scenario.Actions[i].Documents...)
		}
	}
	i := slices.IndexFunc(docs, func(d *manifest.Document) bool { return redact.New(d).Known() })
	if i < 0 {
		return ""
	}
	return docs[i].Object.String()
}

// UnpackJob returns the JSON of a compressed PlanJob.
func UnpackJob(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("reading what to plan: %w", err)
	}
	return io.ReadAll(z)
}

// writeJob writes the ConfigMap with the input, and the Job.
func writeJob(w io.Writer, packed []byte, image string, pods int32) error {
	labels := map[string]string{"app.kubernetes.io/name": jobName}
	meta := metav1.ObjectMeta{Name: jobName, Labels: labels}
	files := &corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: meta,
		BinaryData: map[string][]byte{jobFile: packed},
	}
	fmt.Fprintf(w, `# A plan in %d parts. Apply it, wait for the Job, and join what its pods have written:
#   kubectl apply -f FILE && kubectl wait --for=condition=complete --timeout=1h job/%[2]s
#   kubectl logs -l batch.kubernetes.io/job-name=%[2]s --tail=-1 --max-log-requests=%[1]d | seatrial plan merge -
`, pods, jobName)
	for _, object := range []any{files, jobOf(meta, image, pods)} {
		text, err := yaml.Marshal(object)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}

// jobOf returns the Job. Its pods need nothing of the cluster but a processor.
func jobOf(meta metav1.ObjectMeta, image string, pods int32) *batchv1.Job {
	indexed := batchv1.IndexedCompletion
	one := resource.MustParse("1")
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: meta.Labels}, Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(bool),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   new(true),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name: "plan", Image: image,
			Args: []string{"plan", "--" + ShardInputFlag, jobFolder + "/" + jobFile, "--shard", fmt.Sprint(pods)},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{
					corev1.ResourceCPU: one, corev1.ResourceMemory: resource.MustParse("1Gi"),
				},
				Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("4Gi")},
			},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(bool), ReadOnlyRootFilesystem: new(true),
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
			VolumeMounts: []corev1.VolumeMount{
				{Name: "plan", MountPath: jobFolder, ReadOnly: true}, {Name: "tmp", MountPath: "/tmp"},
			},
		}},
		Volumes: []corev1.Volume{
			{Name: "plan", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: meta.Name},
			}}},
			{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
	}}
	return &batchv1.Job{
		TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}, ObjectMeta: meta,
		Spec: batchv1.JobSpec{
			Completions: &pods, Parallelism: &pods, CompletionMode: &indexed,
			BackoffLimitPerIndex:    new(int32(jobRetries)),
			TTLSecondsAfterFinished: new(int32(24 * 60 * 60)), Template: template,
		},
	}
}

// ShardInputFlag is the flag of seatrial plan that names the file of a PlanJob.
const ShardInputFlag = "shard-input"
