package app

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	apischema "github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// isComponents reports whether a file holds nothing but configuration that a component of the linked Kubernetes reads.
func isComponents(name string, data []byte) bool {
	docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	for _, d := range docs {
		gv, err := schema.ParseGroupVersion(d.Object.APIVersion)
		if err != nil || d.Object.Kind == "" || !(validation.Components{}).Known(gv) {
			return false
		}
	}
	return len(docs) > 0
}

// runComponents lints the configuration files of Kubernetes' own components, for the linked version.
func (j *LintJob) runComponents(ctx context.Context) (*lint.Result, error) {
	o := j.Options
	o.Files, o.Versions = j.workspace.Components, []string{apischema.Minor(o.Linked)}
	o.Cache, o.Progress, o.Base, o.DryRun = nil, nil, nil, nil
	o.Validator = validation.Components{}
	return lint.Run(ctx, o)
}
