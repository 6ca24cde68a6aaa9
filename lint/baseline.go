package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/atomicfile"
)

// Baseline is a list of findings that are known: they do not fail a run. A finding is known by rule, object and field,
// not by its line.
type Baseline struct {
	Known []KnownFinding
}

// KnownFinding is a finding of a baseline.
type KnownFinding struct {
	Fingerprint string `json:"fingerprint"`
	Count       int    `json:"count,omitempty"` // how many findings share the fingerprint; 0: one
	Rule        string `json:"rule"`
	File        string `json:"file"`
	Object      string `json:"object,omitempty"`
	Path        string `json:"path,omitempty"`
	Message     string `json:"message"`
}

// baselineFile is a baseline as it is written.
type baselineFile struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Findings   []KnownFinding `json:"findings"`
}

const (
	baselineVersion = "seatrial/v1"
	baselineKind    = "LintBaseline"
)

// Fingerprint identifies a finding by rule, object, container and field, so that it stays the same when lines or
// elements of lists move. The file counts only for findings that are about no object.
func Fingerprint(d *diag.Diagnostic) string {
	file := ""
	if d.Object.Kind == "" {
		file = d.Range.File
	}
	field := elementIndex.ReplaceAllString(d.Path, "[]")
	sum := sha256.Sum256([]byte(strings.Join([]string{
		d.Rule, groupOf(d.Object.APIVersion), d.Object.Kind, d.Object.Namespace, d.Object.Name, d.Container, field,
		d.Reason, file,
	}, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// elementIndex is the index of an element of a list, which changes when others come and go.
var elementIndex = regexp.MustCompile(`\[[0-9]+\]`)

// NewBaseline returns a baseline of findings.
func NewBaseline(findings []diag.Diagnostic) *Baseline {
	b := &Baseline{Known: []KnownFinding{}}
	at := map[string]int{}
	for i := range findings {
		d := &findings[i]
		print := Fingerprint(d)
		if n, ok := at[print]; ok {
			b.Known[n].Count = max(b.Known[n].Count, 1) + 1
			continue
		}
		at[print] = len(b.Known)
		b.Known = append(b.Known, KnownFinding{
			Fingerprint: print, Rule: d.Rule, File: d.Range.File, Object: d.Object.String(), Path: d.Path,
			Message: d.Message,
		})
	}
	slices.SortStableFunc(b.Known, func(a, b KnownFinding) int {
		return strings.Compare(
			a.File+"\x00"+a.Object+"\x00"+a.Rule+"\x00"+a.Path, b.File+"\x00"+b.Object+"\x00"+b.Rule+"\x00"+b.Path,
		)
	})
	return b
}

// LoadBaseline reads a baseline.
func LoadBaseline(name string) (*Baseline, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the baseline: %w", err)
	}
	var f baselineFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%s is not a baseline: it cannot be read as JSON: %w", name, err)
	}
	if f.APIVersion != baselineVersion || f.Kind != baselineKind {
		return nil, fmt.Errorf("%s is not a baseline: it is not of kind %s of %s", name, baselineKind, baselineVersion)
	}
	return &Baseline{f.Findings}, nil
}

// Write writes the baseline to a file, in the place of an earlier one.
func (b *Baseline) Write(name string) error {
	if _, err := os.Stat(name); err == nil {
		if _, err := LoadBaseline(name); err != nil {
			return fmt.Errorf("%s exists, and is not replaced: %w", name, err)
		}
	}
	data, err := json.MarshalIndent(baselineFile{baselineVersion, baselineKind, b.Known}, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.Write(name, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the baseline: %w", err)
	}
	return nil
}

// Apply returns the findings that the baseline does not know, how many it knows, and what of it did not occur.
func (b *Baseline) Apply(findings []diag.Diagnostic) (unknown []diag.Diagnostic, known int, gone []KnownFinding) {
	left := map[string]int{}
	for _, k := range b.Known {
		left[k.Fingerprint] += max(k.Count, 1)
	}
	occurred := map[string]bool{}
	for i := range findings {
		print := Fingerprint(&findings[i])
		if left[print] == 0 {
			unknown = append(unknown, findings[i])
			continue
		}
		left[print]--
		occurred[print] = true
		known++
	}
	for _, k := range b.Known {
		if !occurred[k.Fingerprint] {
			gone = append(gone, k)
		}
	}
	return unknown, known, gone
}
