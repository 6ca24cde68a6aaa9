package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
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
	// RuntimeConfig and FeatureGates are the settings of the API server that decide what it serves beside its defaults, as
	// its own flags take them: resource.k8s.io/v1beta1=true.
	RuntimeConfig []string `json:"runtimeConfig,omitempty"`
	FeatureGates  []string `json:"featureGates,omitempty"`
	// Overrides change what becomes of findings about files, objects or containers.
	Overrides Overrides `json:"overrides,omitempty"`
	// FailOn is the severity from which findings make the run fail: error, warning, info or never.
	FailOn string `json:"failOn,omitempty"`

	path string
}

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

// LoadConfig reads a configuration file. The error names the file, and the line where it is known.
func LoadConfig(name string) (*Config, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	c := &Config{path: name}
	if err := yaml.UnmarshalStrict(data, c); err != nil {
		return nil, fmt.Errorf("%s: %s", name, explainConfigError(data, err))
	}
	for i, p := range c.CRDs.Paths {
		if !filepath.IsAbs(p) {
			c.CRDs.Paths[i] = filepath.Join(filepath.Dir(name), p)
		}
	}
	return c, nil
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
	"overrides",
	"failOn",
}

// explainConfigError turns the decoder's message into one with a line and a way out.
func explainConfigError(data []byte, err error) string {
	_, rest, ok := strings.Cut(err.Error(), `unknown field "`)
	if !ok {
		return explainConfigType(data, err)
	}
	key, _, _ := strings.Cut(rest, `"`)
	message := lineOf(data, key) + fmt.Sprintf("unknown key %q", key)
	if best := nearest(key, configKeys); best != "" {
		return message + ": did you mean " + best + "?"
	}
	return message + ": known are " + strings.Join(configKeys, ", ")
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
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte(key)) {
			return fmt.Sprintf("line %d: ", i+1)
		}
	}
	return ""
}
