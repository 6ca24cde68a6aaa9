// Package chartrepo fetches helm charts from repositories, which list them in an index over HTTP, and from OCI
// registries, and bases of kustomizations from git repositories and web servers.
//
// [Client.Fetch] resolves the version of a chart and returns its package:
//
//	c, err := chartrepo.New()
//	chart, err := c.Fetch(ctx, render.ChartRef{Repository: "https://charts.example.com", Chart: "web", Version: "^1.2"})
//
// Credentials are those of helm and docker on the machine. helm's own packages for this bring a hundred packages of
// signatures and plugins that nothing here uses.
package chartrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/internal/render"
)

// Limits of what is read.
const (
	maxChart = 64 << 20
	maxIndex = 256 << 20
	timeout  = 5 * time.Minute
)

// Chart is a chart that was fetched.
type Chart struct {
	Version string
	Data    []byte // the package
}

// Client fetches charts. It reads the index of a repository once.
type Client struct {
	HTTP *http.Client
	// PlainHTTP makes registries answer without TLS, as those of tests do.
	PlainHTTP bool

	logins  []login
	indexes map[string]*index
}

// login are the credentials of a repository, as helm repo add keeps them.
type login struct {
	URL      string `json:"url"`
	Username string `json:"username"`
	Password string `json:"password"`
}

// New returns a client with the credentials that helm keeps on this machine.
func New() *Client {
	c := &Client{HTTP: &http.Client{Timeout: timeout}, indexes: map[string]*index{}}
	var file struct {
		Repositories []login `json:"repositories"`
	}
	if data, err := os.ReadFile(
		helmFile("HELM_REPOSITORY_CONFIG", "repositories.yaml"),
	); err == nil && yaml.Unmarshal(data, &file) == nil {
		c.logins = file.Repositories
	}
	return c
}

// helmFile returns the name of a file of helm's configuration: what a variable names, or one in its folder.
func helmFile(variable, name string) string {
	if file := os.Getenv(variable); file != "" {
		return file
	}
	folder := os.Getenv("HELM_CONFIG_HOME")
	if folder == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return ""
		}
		folder = filepath.Join(config, "helm")
	}
	return filepath.Join(folder, name)
}

// Fetch returns the newest version of a chart that a reference allows.
func (c *Client) Fetch(ctx context.Context, ref render.ChartRef) (*Chart, error) {
	fetch := c.fetchFile
	if strings.HasPrefix(ref.Repository, "oci://") {
		fetch = c.fetchImage
	}
	chart, err := fetch(ctx, ref)
	return chart, withoutPassword(err)
}

// withoutPassword returns an error of the HTTP client without the credentials of its address.
func withoutPassword(err error) error {
	var of *url.Error
	if !errors.As(err, &of) {
		return err
	}
	if u, parseErr := url.Parse(of.URL); parseErr == nil {
		of.URL = u.Redacted()
	}
	return err
}

// index lists the charts of a repository.
type index struct {
	Entries map[string][]struct {
		Version string   `json:"version"`
		URLs    []string `json:"urls"`
		Digest  string   `json:"digest"`
	} `json:"entries"`
}

func (c *Client) fetchFile(ctx context.Context, ref render.ChartRef) (*Chart, error) {
	in, err := c.index(ctx, ref.Repository)
	if err != nil {
		return nil, err
	}
	entries, ok := in.Entries[ref.Chart]
	if !ok {
		return nil, fmt.Errorf("the repository has no chart %s", ref.Chart)
	}
	var versions []string
	for _, e := range entries {
		versions = append(versions, e.Version)
	}
	version, err := choose(versions, ref.Version)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Version != version || len(e.URLs) == 0 {
			continue
		}
		address, err := resolve(ref.Repository, e.URLs[0])
		if err != nil {
			return nil, err
		}
		data, err := c.get(ctx, ref.Repository, address, maxChart)
		if err != nil {
			return nil, err
		}
		if got := strings.TrimPrefix(render.ChartDigest(data), "sha256:"); e.Digest != "" &&
			got != strings.TrimPrefix(e.Digest, "sha256:") {
			return nil, fmt.Errorf("version %s has the digest %s, and the index says %s", version, got, e.Digest)
		}
		return &Chart{Version: version, Data: data}, nil
	}
	return nil, fmt.Errorf("the repository names no file for version %s", version)
}

// index reads the index of a repository, once.
func (c *Client) index(ctx context.Context, repository string) (*index, error) {
	if in := c.indexes[repository]; in != nil {
		return in, nil
	}
	data, err := c.get(ctx, repository, strings.TrimSuffix(repository, "/")+"/index.yaml", maxIndex)
	if err != nil {
		return nil, err
	}
	in := &index{}
	if err := yaml.Unmarshal(data, in); err != nil {
		return nil, fmt.Errorf("the index of the repository cannot be read: %w", err)
	}
	c.indexes[repository] = in
	return in, nil
}

// resolve returns the address of a file that an index names, relative to the repository or absolute.
func resolve(repository, file string) (string, error) {
	base, err := url.Parse(strings.TrimSuffix(repository, "/") + "/")
	if err != nil {
		return "", err
	}
	of, err := url.Parse(file)
	if err != nil {
		return "", err
	}
	full := base.ResolveReference(of)
	if full.Scheme != "http" && full.Scheme != "https" {
		return "", fmt.Errorf("the index names %s, which is no address of a file", full.Redacted())
	}
	return full.String(), nil
}

// get reads a file of a repository. Credentials are sent to the host of the repository alone.
func (c *Client) get(ctx context.Context, repository, address string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	home, err := url.Parse(repository)
	if err != nil {
		return nil, err
	}
	if home.Host == req.URL.Host && home.Scheme == req.URL.Scheme {
		c.authorize(req, repository)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", req.URL.Redacted(), resp.Status)
	}
	return read(resp.Body, limit)
}

// authorize adds the credentials that helm keeps for a repository; those of the address itself stay.
func (c *Client) authorize(req *http.Request, repository string) {
	for _, l := range c.logins {
		if strings.TrimSuffix(l.URL, "/") == strings.TrimSuffix(repository, "/") && l.Username != "" {
			req.SetBasicAuth(l.Username, l.Password)
		}
	}
}

// read reads at most limit bytes.
func read(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("it has more than %d MB", limit>>20)
	}
	return data, err
}

// choose returns the newest version that a range allows; an exact version need not be one of semver's.
func choose(versions []string, wanted string) (string, error) {
	for _, v := range versions {
		if v == wanted || v == "v"+wanted {
			return v, nil
		}
	}
	rule := wanted
	if rule == "" {
		rule = "*"
	}
	constraint, err := semver.NewConstraint(rule)
	if err != nil {
		return "", fmt.Errorf("version %q is neither there nor a range of versions", wanted)
	}
	var newest *semver.Version
	name := ""
	for _, text := range versions {
		v, err := semver.NewVersion(text)
		if err != nil || !constraint.Check(v) || newest != nil && !v.GreaterThan(newest) {
			continue
		}
		newest, name = v, text
	}
	if newest == nil {
		return "", fmt.Errorf("no version satisfies %q: there are %d", rule, len(versions))
	}
	return name, nil
}
