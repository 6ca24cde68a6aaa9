package lint

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// ConfigName is the name under which a configuration file is looked for, from the working folder upwards.
const ConfigName = ".seatrial.yaml"

// Config is the file that a project keeps beside its manifests. Flags win over it.
// docs/config.schema.json is its JSON Schema; unknown keys are errors.
type Config struct {
	// Rules is a rule expression, as --rules takes it: names and presets, a leading minus takes away.
	Rules []string `json:"rules,omitempty"`
	// Severities changes how grave a rule's findings are.
	Severities map[string]diag.Severity `json:"severities,omitempty"`
	// Exclude lists globs of files and folders that are not read.
	Exclude []string `json:"exclude,omitempty"`
	// KubernetesVersions are the target versions: "1.25".
	KubernetesVersions []string `json:"kubernetesVersions,omitempty"`
	// CRDs says which CustomResourceDefinitions exist already.
	CRDs Definitions `json:"crds,omitempty"`
	// External lists objects that exist outside the set: Kind/name or Kind/namespace/name, each a glob.
	External []string `json:"external,omitempty"`
	// IgnoreMissingSchemas lists kinds that are accepted without a schema: Kind or group/Kind, each a glob; all, or
	// "*", is any.
	IgnoreMissingSchemas []string `json:"ignoreMissingSchemas,omitempty"`
	// RuntimeConfig and FeatureGates are the settings of the API server that decide what it serves beside its defaults,
	// as its own flags take them: resource.k8s.io/v1beta1=true.
	RuntimeConfig []string `json:"runtimeConfig,omitempty"`
	FeatureGates  []string `json:"featureGates,omitempty"`
	// CustomRules are rules that the project writes itself, and files of them; package internal/policy reads them.
	CustomRules []any `json:"customRules,omitempty"`
	// Policies lists files, folders and globs of admission policies that hold for every set, relative to the file.
	Policies []string `json:"policies,omitempty"`
	// Params are settings of rules, by rule and name.
	Params ParamSettings `json:"params,omitempty"`
	// Extends names configuration files whose settings hold unless this one says otherwise, relative to it. With
	// @sha256: and a digest behind the name the file has to be the one that was read.
	Extends []string `json:"extends,omitempty"`
	// Baseline names a file of known findings, relative to the configuration file.
	Baseline string `json:"baseline,omitempty"`
	// Honor names tools whose suppressions hold as well: kube-linter, kube-score, polaris, checkov, trivy.
	Honor []string `json:"honor,omitempty"`
	// Overrides change what becomes of findings about files, objects or containers.
	Overrides Overrides `json:"overrides,omitempty"`
	// Helm lists variants of charts beside their default values and ci/*-values.yaml.
	Helm []ChartVariants `json:"helm,omitempty"`
	// Environments name and group what a repository applies, for reviews.
	Environments []Environment `json:"environments,omitempty"`
	// Clusters are those that the cluster generators of ApplicationSets make Applications for.
	Clusters []Cluster `json:"clusters,omitempty"`
	// FailOn is the severity from which findings make the run fail: error, warning, info or never.
	FailOn string `json:"failOn,omitempty"`

	files []string // the file, and those that it extends, which come first
}

// ChartVariants are ways to render the charts whose folders a glob matches, relative to the configuration file.
type ChartVariants struct {
	Chart    string         `json:"chart"`
	Variants []ChartVariant `json:"variants"`
}

// ChartVariant is a way to render a chart, with the options of helm.
type ChartVariant struct {
	Name        string   `json:"name"`
	Values      []string `json:"values,omitempty"` // files, relative to the configuration file
	Set         []string `json:"set,omitempty"`
	ReleaseName string   `json:"releaseName,omitempty"`
	Namespace   string   `json:"namespace,omitempty"`
}

// Environment is what is applied to one cluster, or a part of one.
type Environment struct {
	Name string `json:"name"`
	// Sources are globs of sources as seatrial render --list names them, relative to the configuration file.
	Sources []string `json:"sources"`
	// Nodes are those of the cluster, as seatrial plan --nodes takes them.
	Nodes []string `json:"nodes,omitempty"`
	// Snapshot is a file that seatrial plan --save has written: what the cluster runs, with its nodes.
	Snapshot          string `json:"snapshot,omitempty"`
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`
}

// Cluster is a cluster that Argo CD deploys to.
type Cluster struct {
	Name        string            `json:"name"`
	Server      string            `json:"server,omitempty"`
	Project     string            `json:"project,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Files lists the files that the configuration was read from: the one that was named is the last.
func (c *Config) Files() []string { return c.files }

// Definitions are CustomResourceDefinitions that exist already: a list of files, folders and globs, relative to the
// configuration file, and a mapping of projects of the catalogue to the release that is in use, or off. A list may
// hold such mappings.
type Definitions struct {
	Paths    []string
	Releases map[string]string
}

// UnmarshalJSON reads a list or a mapping.
func (d *Definitions) UnmarshalJSON(data []byte) error {
	var items []json.RawMessage
	if json.Unmarshal(data, &items) != nil {
		items = []json.RawMessage{data}
	}
	for _, item := range items {
		var path string
		if len(items) > 0 && json.Unmarshal(item, &path) == nil && !bytes.Equal(data, item) {
			d.Paths = append(d.Paths, path)
			continue
		}
		if err := d.choose(item); err != nil {
			return err
		}
	}
	return nil
}

// choose reads a mapping of projects to releases. YAML reads off as false, and 1.18 as a number.
func (d *Definitions) choose(data []byte) error {
	var releases map[string]json.RawMessage
	if err := json.Unmarshal(data, &releases); err != nil {
		return errors.New("crds must be a list of files, or a mapping of projects to releases: cert-manager: \"1.18\"")
	}
	if d.Releases == nil {
		d.Releases = map[string]string{}
	}
	for name, value := range releases {
		var release any
		_ = json.Unmarshal(value, &release) // it has been read once
		switch release := release.(type) {
		case string:
			d.Releases[name] = release
		case float64:
			d.Releases[name] = string(value)
		case bool:
			if release {
				return fmt.Errorf("crds: %s must be a release or off", name)
			}
			d.Releases[name] = "off"
		default:
			return fmt.Errorf("crds: %s must be a release or off", name)
		}
	}
	return nil
}

// FindConfig looks for a configuration file in a folder and its parents; "" when there is none.
func FindConfig(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		name := filepath.Join(dir, ConfigName)
		_, err := os.Stat(name)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", nil
		}
		dir = up
	}
}

// LoadConfig reads a configuration file, with those that it extends. The error names the file, and the line where it is
// known.
func LoadConfig(name string) (*Config, error) { return loadConfig(name, nil) }

// loadConfig reads a configuration file that others extend.
func loadConfig(name string, extending []string) (*Config, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	c := &Config{}
	if err := yaml.UnmarshalStrict(data, c); err != nil {
		return nil, fmt.Errorf("%s: %s", name, explainConfigError(data, err))
	}
	beside := func(p string) string {
		if filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(filepath.Dir(name), p)
	}
	for i, p := range c.CRDs.Paths {
		c.CRDs.Paths[i] = beside(p)
	}
	for i, p := range c.Policies {
		c.Policies[i] = beside(p)
	}
	if err := c.settle(beside); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if c.Baseline != "" {
		c.Baseline = beside(c.Baseline)
	}
	for _, tool := range c.Honor {
		if !slices.Contains(HonoredTools(), tool) {
			return nil, fmt.Errorf("%s: %sunknown tool %q in honor: known are %s", name, lineOf(data, "honor"), tool,
				strings.Join(HonoredTools(), ", "))
		}
	}
	for i := len(c.Extends) - 1; i >= 0; i-- {
		file, digest, pinned := strings.Cut(c.Extends[i], "@sha256:")
		base := beside(file)
		if slices.Contains(append(extending, name), base) {
			return nil, fmt.Errorf("%s: %s extends itself", name, base)
		}
		if pinned {
			if err := checkDigest(base, digest); err != nil {
				return nil, fmt.Errorf("%s: %s%w", name, lineOf(data, "extends"), err)
			}
		}
		of, err := loadConfig(base, append(slices.Clone(extending), name))
		if err != nil {
			return nil, err
		}
		c.extend(of)
	}
	c.files = append(c.files, name)
	return c, nil
}

// checkDigest reports that a file is not the one that a configuration pins.
func checkDigest(name, want string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("reading configuration: %w", err)
	}
	if have := fmt.Sprintf("%x", sha256.Sum256(data)); have != want {
		return fmt.Errorf(
			"%s has the digest sha256:%s, not sha256:%s: read what changed in it, and write the new digest", name, have,
			want,
		)
	}
	return nil
}

// settle makes the paths of charts and environments relative to the working folder, and checks what has no default.
func (c *Config) settle(beside func(string) string) error {
	for _, h := range c.Helm {
		for j, v := range h.Variants {
			if v.Name == "" {
				return fmt.Errorf("helm: a variant of %s has no name", h.Chart)
			}
			for k, file := range v.Values {
				h.Variants[j].Values[k] = beside(file)
			}
		}
	}
	for i := range c.Helm {
		if c.Helm[i].Chart == "" {
			return errors.New("helm: write chart: and the folder of the chart, or a glob")
		}
		c.Helm[i].Chart = beside(c.Helm[i].Chart)
	}
	for i, e := range c.Environments {
		switch {
		case e.Name == "":
			return errors.New("environments: an environment has no name")
		case len(e.Sources) == 0:
			return fmt.Errorf("environments: %s has no sources: seatrial render --list names them", e.Name)
		}
		for j, glob := range e.Sources {
			c.Environments[i].Sources[j] = beside(glob)
		}
		if e.Snapshot != "" {
			c.Environments[i].Snapshot = beside(e.Snapshot)
		}
	}
	for _, cluster := range c.Clusters {
		if cluster.Name == "" {
			return errors.New("clusters: a cluster has no name")
		}
	}
	return nil
}

// extend adds what another configuration says. Lists of the other one come first, so that this one can take away from
// them; of overrides the first one counts, so that this one's do.
func (c *Config) extend(of *Config) {
	c.Rules = slices.Concat(of.Rules, c.Rules)
	c.Severities = merged(of.Severities, c.Severities)
	c.Exclude = slices.Concat(of.Exclude, c.Exclude)
	if len(c.KubernetesVersions) == 0 {
		c.KubernetesVersions = of.KubernetesVersions
	}
	c.CRDs.Paths = slices.Concat(of.CRDs.Paths, c.CRDs.Paths)
	c.CRDs.Releases = merged(of.CRDs.Releases, c.CRDs.Releases)
	c.External = slices.Concat(of.External, c.External)
	c.IgnoreMissingSchemas = slices.Concat(of.IgnoreMissingSchemas, c.IgnoreMissingSchemas)
	c.RuntimeConfig = slices.Concat(of.RuntimeConfig, c.RuntimeConfig)
	c.FeatureGates = slices.Concat(of.FeatureGates, c.FeatureGates)
	c.CustomRules = slices.Concat(of.CustomRules, c.CustomRules)
	c.Policies = slices.Concat(of.Policies, c.Policies)
	for rule, params := range of.Params {
		if c.Params == nil {
			c.Params = ParamSettings{}
		}
		c.Params[rule] = merged(params, c.Params[rule])
	}
	c.Clusters = slices.Concat(of.Clusters, c.Clusters)
	c.Overrides = slices.Concat(c.Overrides, of.Overrides)
	c.Honor = slices.Concat(of.Honor, c.Honor)
	c.Baseline = cmp.Or(c.Baseline, of.Baseline)
	c.Helm = slices.Concat(of.Helm, c.Helm)
	c.Environments = slices.Concat(c.Environments, of.Environments)
	c.FailOn = cmp.Or(c.FailOn, of.FailOn)
	c.files = slices.Concat(of.files, c.files)
}

// merged returns two mappings as one; the second one wins.
func merged[V any](base, over map[string]V) map[string]V {
	if len(base)+len(over) == 0 {
		return nil
	}
	all := make(map[string]V, len(base)+len(over))
	maps.Copy(all, base)
	maps.Copy(all, over)
	return all
}

// Explain adds to what is wrong with a setting the file and place where it stands.
func (c *Config) Explain(err error) error {
	var param *ParamError
	var override *OverrideError
	path := ""
	switch {
	case errors.As(err, &param):
		path = strings.TrimSuffix("params."+param.Rule+"."+param.Param, ".")
	case errors.As(err, &override):
		path = fmt.Sprintf("overrides[%d]", override.Index)
	default:
		return err
	}
	for _, name := range slices.Backward(c.files) {
		if place := placeInConfig(name, path); place != "" {
			return fmt.Errorf("%s: %w", place, err)
		}
	}
	return err
}

// placeInConfig returns file, line and column of a setting of a configuration file; empty if it has none.
func placeInConfig(name, path string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	if len(docs) == 0 {
		return ""
	}
	place := docs[0].Find(path)
	switch {
	case !place.Exact:
		return ""
	case strings.HasSuffix(path, "]"): // an element has no key
		return place.Value.String()
	}
	return place.Key.String()
}

// configKeys are the keys that a configuration file may hold.
var configKeys = []string{
	"rules",
	"severities",
	"exclude",
	"kubernetesVersions",
	"crds",
	"external",
	"ignoreMissingSchemas",
	"runtimeConfig",
	"featureGates",
	"customRules",
	"policies",
	"params",
	"extends",
	"baseline",
	"honor",
	"overrides",
	"helm",
	"environments",
	"clusters",
	"failOn",
}

// explainConfigError turns the decoder's message into one with a line and a way out.
func explainConfigError(data []byte, err error) string {
	_, rest, ok := strings.Cut(err.Error(), `unknown field "`)
	if !ok {
		return explainConfigType(data, err)
	}
	key, _, _ := strings.Cut(rest, `"`)
	if written := keyReadAsBool(data, key); written != "" {
		return lineOf(data, written) + fmt.Sprintf("unknown key %q, which YAML reads as %s: %s", written, key,
			"rules: takes rules away by a minus (rules: [-image-tag-latest]), overrides: for some objects")
	}
	message := lineOf(data, key) + fmt.Sprintf("unknown key %q", key)
	if best := nearest(key, configKeys); best != "" {
		return message + ": did you mean " + best + "?"
	}
	return message + ": known are " + strings.Join(configKeys, ", ")
}

var boolKey = regexp.MustCompile(`(?mi)^[ \t]*(?:- +)?(off|on|no|yes|n|y)[ \t]*:`)

// keyReadAsBool returns the word of a file that YAML has made a key of true or false from; empty if there is none.
func keyReadAsBool(data []byte, key string) string {
	if key != "true" && key != "false" {
		return ""
	}
	for _, m := range boolKey.FindAllSubmatch(data, -1) {
		word := string(m[1])
		if positive := slices.Contains([]string{"on", "yes", "y"}, strings.ToLower(word)); positive == (key == "true") {
			return word
		}
	}
	return ""
}

var configType = regexp.MustCompile(`cannot unmarshal (\w+) into Go struct field Config\.(\w+) of type (\S+)`)

// explainConfigType says what a key wants where its value is of another type.
func explainConfigType(data []byte, err error) string {
	m := configType.FindStringSubmatch(err.Error())
	if m == nil {
		text := strings.TrimPrefix(err.Error(), "error unmarshaling JSON: while decoding JSON: ")
		if strings.Contains(text, "of type lint.Config") {
			return "the file must be a mapping: known keys are " + strings.Join(configKeys, ", ")
		}
		for _, prefix := range []string{"error converting YAML to JSON: ", "yaml: ", "unmarshal errors:"} {
			text = strings.TrimPrefix(text, prefix)
		}
		return strings.Join(strings.Fields(text), " ")
	}
	want := "a string"
	switch {
	case strings.HasPrefix(m[3], "[]"):
		want = "a list"
	case strings.HasPrefix(m[3], "map["):
		want = "a mapping"
	}
	return lineOf(data, m[2]) + fmt.Sprintf("%s must be %s, not a %s", m[2], want, m[1])
}

// lineOf gives "line 3: " for the line that a key begins, or nothing.
func lineOf(data []byte, key string) string {
	for i, line := range bytes.Split(data, []byte("\n")) {
		if bytes.HasPrefix(bytes.TrimLeft(line, " \t-"), []byte(key)) {
			return fmt.Sprintf("line %d: ", i+1)
		}
	}
	return ""
}
