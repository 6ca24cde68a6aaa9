// Package lint says what a Kubernetes API server, and a good reviewer, would say of a set of manifests.
//
// The central type is [Options], whose [Run] gives a [Result]: findings with places. The
// server's own verdict comes from a [Validator]; advice comes from [Rule] values.
//
//	res, err := lint.Run(ctx, lint.Options{Files: files, Validator: judge, Rules: selection})
//	for _, d := range res.Diagnostics {
//		fmt.Println(d.Range, d.Message)
//	}
package lint

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// Options are the inputs of a run.
type Options struct {
	Files     []string                          // names as Inputs gives them
	Read      func(name string) ([]byte, error) // nil: files by name, Stdin of source from os.Stdin
	CRDs      []string                          // files of CustomResourceDefinitions that exist already
	Validator Validator
	Linked    string   // minor version of the Validator's Kubernetes: 1.37
	Versions  []string // target minor versions; empty: the linked one
	Rules     *Selection
	All       []*Rule // every rule that exists, for suppressions; OwnRules and DryRunRules are added
	External  External
	Base      *Base    // objects as they were before; nil: none
	Policies  Policies // nil: admission policies are not evaluated
	// PolicyFiles are files of admission policies that hold for the set, beside its own.
	PolicyFiles []string
	// IgnoreMissing lists kinds whose schema may be missing, as globs of Kind or group/Kind; "*" is any.
	IgnoreMissing []string
	// NoSuppressions leaves comments and annotations that silence findings without effect.
	NoSuppressions bool
	Honor          []string // tools whose suppressions hold as well: see HonoredTools
	// Settings are those of the Validator, as far as they decide its answers: a part of the key of the Cache.
	Settings []string
	// StrictKinds makes an object of a foreign kind without a definition an error. Without it such objects are
	// counted. Kinds in Kubernetes' own groups are always known, or errors.
	StrictKinds bool
	Limits      manifest.Limits
	DryRun      DryRun // nil: each object is judged without admission
	Cache       *Cache // nil: none
	Jobs        int    // documents judged at the same time; 0: one for each CPU
	Progress    func(done, total int)
}

// Summary counts what a run saw.
type Summary struct {
	Files, Documents        int
	Errors, Warnings, Infos int
	Suppressed              int // findings silenced with a reason
	Skipped                 int // objects accepted unjudged, since no schema is known for their kind

	// Of the files below the paths: how many hold no objects, and which files and folders were passed over since their
	// names begin with a dot.
	WithoutObjects int
	Hidden         []string

	// how many of these objects there are of each kind: ServiceMonitor.monitoring.coreos.com
	SkippedKinds map[string]int
}

// Result is what a run found.
type Result struct {
	Versions    []string // the targets
	Summary     Summary
	Diagnostics []diag.Diagnostic // in the order of reports
	Problems    []error           // inputs that could not be read
	Known       int               // findings that a baseline knows, and that are left out
	Gone        []KnownFinding    // findings of a baseline that do not occur
	Assumed     []string          // namespaces that the set does not define, and that DryRun took to exist
}

// ErrNoDocuments is returned by [Run] when the inputs hold no document at all.
var ErrNoDocuments = errors.New("no documents found")

// Run lints a set of files. An error means that the run itself failed; what is wrong with
// the manifests is in the result.
func Run(ctx context.Context, o Options) (*Result, error) {
	if o.Read == nil {
		o.Read = readFile
	}
	if o.Jobs == 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	o.Linked = schema.Minor(o.Linked)
	if len(o.Versions) == 0 {
		o.Versions = []string{o.Linked}
	}
	if o.Limits == (manifest.Limits{}) {
		o.Limits = manifest.DefaultLimits
	}
	r, err := newRun(o)
	if err != nil {
		return nil, err
	}
	return r.run(ctx)
}

func readFile(name string) ([]byte, error) {
	data, err := []byte(nil), error(nil)
	if name == source.Stdin {
		data, err = io.ReadAll(os.Stdin)
	} else {
		data, err = os.ReadFile(name)
	}
	data, _ = source.Decode(data)
	return data, err
}

// Count counts the findings by severity, after some were added or removed.
func (res *Result) Count() {
	s := &res.Summary
	s.Errors, s.Warnings, s.Infos = 0, 0, 0
	for i := range res.Diagnostics {
		switch res.Diagnostics[i].Severity {
		case diag.Error:
			s.Errors++
		case diag.Warning:
			s.Warnings++
		case diag.Info:
			s.Infos++
		}
	}
}

// identity is what distinguishes findings.
type identity struct {
	rule, path, message string
	at                  source.Range
	document            int
}

func identityOf(d *diag.Diagnostic) identity {
	return identity{d.Rule, d.Path, d.Message, d.Range, d.Document}
}

// ordered returns findings in the order of reports, each once. It clears all.
func ordered(all []*finding) []diag.Diagnostic {
	byFile := map[string][]*finding{}
	for _, f := range all {
		byFile[f.Range.File] = append(byFile[f.Range.File], f)
	}
	clear(all) // what was copied may go
	sorted := make([]diag.Diagnostic, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(byFile)) {
		slices.SortStableFunc(byFile[name], diag.Compare)
		for i, f := range byFile[name] {
			if i == 0 || !same(byFile[name][i-1], f) {
				sorted = append(sorted, *f)
			}
		}
		delete(byFile, name)
	}
	return sorted
}

// same reports whether two findings have one identity.
func same(a, b *diag.Diagnostic) bool {
	return a.Range.Start.Offset == b.Range.Start.Offset && a.Rule == b.Rule && identityOf(a) == identityOf(b)
}

// Source returns the text of a file of the run, for reports.
func (o *Options) Source(name string) (*source.File, error) {
	read := o.Read
	if read == nil {
		read = readFile
	}
	data, err := read(name)
	if err != nil {
		return nil, err
	}
	return source.NewFile(name, data), nil
}
