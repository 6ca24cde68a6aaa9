package chartrepo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/retry"

	"github.com/seatrial/seatrial/internal/render"
)

// chartLayer is the type of the layer that holds the package of a chart.
const chartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// fetchImage fetches a chart from a registry. Digests are those of the registry's own manifest, and are checked.
func (c *Client) fetchImage(ctx context.Context, ref render.ChartRef) (*Chart, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(ref.Repository, "oci://"), "/") + "/" + ref.Chart
	repository, err := remote.NewRepository(name)
	if err != nil {
		return nil, err
	}
	repository.PlainHTTP = c.PlainHTTP
	repository.Client = c.registryClient()
	tag, err := c.tag(ctx, repository, ref.Version)
	if err != nil {
		return nil, err
	}
	described, err := repository.Resolve(ctx, tag)
	if err != nil {
		return nil, err
	}
	if described.Size > maxChart {
		return nil, errors.New("its manifest is too large")
	}
	data, err := content.FetchAll(ctx, repository, described)
	if err != nil {
		return nil, err
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	for _, layer := range m.Layers {
		if layer.MediaType != chartLayer {
			continue
		}
		if layer.Size > maxChart {
			return nil, fmt.Errorf("the chart has more than %d MB", maxChart>>20)
		}
		stream, err := repository.Fetch(ctx, layer)
		if err != nil {
			return nil, err
		}
		defer stream.Close()
		packaged, err := content.ReadAll(stream, layer)
		if err != nil {
			return nil, err
		}
		return &Chart{Version: strings.ReplaceAll(tag, "_", "+"), Data: bytes.Clone(packaged)}, nil
	}
	return nil, errors.New("it is an image, and no chart")
}

// tag returns the tag or digest that a version means. Tags write the + of a version as _.
func (c *Client) tag(ctx context.Context, repository *remote.Repository, wanted string) (string, error) {
	if strings.HasPrefix(wanted, "sha256:") {
		return wanted, nil
	}
	if _, err := semver.StrictNewVersion(wanted); err == nil {
		return strings.ReplaceAll(wanted, "+", "_"), nil
	}
	var tags []string
	if err := repository.Tags(ctx, "", func(some []string) error {
		tags = append(tags, some...)
		return nil
	}); err != nil {
		return "", err
	}
	for i, t := range tags {
		tags[i] = strings.ReplaceAll(t, "_", "+")
	}
	version, err := choose(tags, wanted)
	return strings.ReplaceAll(version, "+", "_"), err
}

// registryClient logs in with the credentials that helm registry login and docker login keep.
func (c *Client) registryClient() *auth.Client {
	client := &auth.Client{Client: retry.DefaultClient, Cache: auth.NewCache()}
	var stores []credentials.Store
	if file := helmFile("HELM_REGISTRY_CONFIG", "registry/config.json"); file != "" {
		if s, err := credentials.NewStore(file, credentials.StoreOptions{}); err == nil {
			stores = append(stores, s)
		}
	}
	if s, err := credentials.NewStoreFromDocker(credentials.StoreOptions{}); err == nil {
		stores = append(stores, s)
	}
	if len(stores) > 0 {
		client.Credential = credentials.Credential(credentials.NewStoreWithFallbacks(stores[0], stores[1:]...))
	}
	return client
}
