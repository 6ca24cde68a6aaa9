package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/sanitize"
)

// clusterCRDs reads the definitions of custom resources of a context's cluster, or, while it cannot be reached, takes
// those that were kept in a folder.
func clusterCRDs(ctx context.Context, w io.Writer, name, folder string) (*app.ClusterCRDs, error) {
	config, err := contextConfig(name)
	if err != nil {
		return nil, err
	}
	crds, failed, err := app.ReadClusterCRDs(ctx, name, config, folder)
	if err != nil {
		return nil, &exitError{exitFailed, err}
	}
	if failed != nil {
		fmt.Fprintf(
			w, "note: %s: those of %s are used\n", sanitize.Line(failed.Error()), crds.Kept.Format("2006-01-02 15:04"),
		)
	}
	return crds, nil
}

// contextConfig is how a context of the kubeconfig is reached.
func contextConfig(name string) (*rest.Config, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{CurrentContext: name},
	).ClientConfig()
	if err != nil {
		if !strings.Contains(err.Error(), strconv.Quote(name)) { // most errors name the context
			err = fmt.Errorf("context %s: %w", name, err)
		}
		return nil, &exitError{exitFailed, err}
	}
	return config, nil
}
