package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/internal/plan/simulate"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// checkStart refuses flags that name more than one thing to start from.
func (o *planOptions) checkStart() error {
	var named []string
	for flag, given := range map[string]bool{"--from": len(o.from) > 0, "--trial": o.trial != "", "--context": o.context != ""} {
		if given {
			named = append(named, flag)
		}
	}
	switch {
	case len(named) > 1:
		return usageError("only one of --from, --trial and --context says what runs already")
	case o.save != "" && (len(named) == 0 || len(o.from) > 0):
		return usageError("nothing to save: --save keeps what --context or --trial reads")
	}
	return nil
}

// start gives what runs already, and the paths of the files in which it stands; what was read from
// a cluster stands in memory alone.
func (o *planOptions) start(ctx context.Context) (docs []*manifest.Document, paths []string, err error) {
	if o.trial == "" && o.context == "" {
		docs, err = o.read(o.from)
		return docs, o.from, err
	}
	name, snapshot, err := o.snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	if o.save != "" {
		if err := o.keep(snapshot); err != nil {
			return nil, nil, err
		}
	}
	data, err := snapshot.YAML(true)
	if err != nil {
		return nil, nil, &exitError{exitFailed, err}
	}
	docs, findings := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	if len(findings) > 0 {
		return nil, nil, &exitError{exitFailed, fmt.Errorf("%s: %s: %s", name, findings[0].Range, findings[0].Message)}
	}
	o.lint.overlay[name] = data
	return docs, []string{name}, nil
}

// snapshot reads the trial or the cluster.
func (o *planOptions) snapshot(ctx context.Context) (name string, s *simulate.Snapshot, err error) {
	if o.trial != "" {
		t, err := openTrial(o.Streams, o.trial)
		if err != nil {
			return "", nil, err
		}
		err = t.Look(ctx, func(config *rest.Config) error {
			s, err = simulate.ReadSnapshot(context.Background(), config) // a context from outside would not end in virtual time
			return err
		})
		if err != nil {
			return "", nil, &exitError{exitFailed, err}
		}
		return "trial " + o.trial, s, nil
	}
	name = "context " + o.context
	config, err := contextConfig(o.context)
	if err != nil {
		return "", nil, err
	}
	config.QPS, config.Burst = 50, 100
	if s, err = simulate.ReadSnapshot(ctx, config); err != nil {
		return "", nil, &exitError{exitFailed, fmt.Errorf("reading the cluster of %s: %w", name, err)}
	}
	if len(s.Missing) > 0 {
		fmt.Fprintf(o.Err, "seatrial: %s does not let you list %s: the plan does without\n", name, strings.Join(s.Missing, ", "))
	}
	return name, s, nil
}

// keep writes a snapshot without the values of Secrets and ConfigMaps.
func (o *planOptions) keep(s *simulate.Snapshot) error {
	data, err := s.YAML(false)
	if err == nil {
		err = os.WriteFile(o.save, data, 0o600)
	}
	if err != nil {
		return &exitError{exitFailed, fmt.Errorf("saving the snapshot: %w", err)}
	}
	return nil
}
