package render

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"helm.sh/helm/v4/pkg/chart/loader/archive"

	"github.com/seatrial/seatrial/internal/platform"
)

// Bounds of a chart that is rendered in a process of its own.
const (
	maxRenderTime   = 60 * time.Second
	maxRenderMemory = 1 << 30  // bytes of the heap
	maxRenderStack  = 16 << 20 // bytes of a goroutine's stack
)

// unbounded matches templates and values whose rendering may not end, or grow without bound: long lists and texts,
// and templates in values, which may render themselves.
var unbounded = regexp.MustCompile(`\{\{[^}]*\b(?:until|untilStep|seq|repeat|tpl)\b[^}]*\}\}`)

// isolated is a chart that another process renders.
type isolated struct {
	Path    string
	Kind    Kind
	Values  map[string]any
	Variant Variant
	Options Options
	Files   []isolatedFile    // of the chart
	Read    map[string][]byte // values files
}

type isolatedFile struct {
	Name string
	Data []byte
}

// isolatedResult is what became of it.
type isolatedResult struct {
	Rendered chartOutput
	Missing  []string // dependencies
	Error    string
}

// needsIsolation reports whether a chart may not end, or take all memory. Helm's engine ends recursion by include;
// that by tpl needs a value that calls it.
func (r *Rendering) needsIsolation(files []*archive.BufferedFile) bool {
	for _, f := range files {
		for _, m := range unbounded.FindAll(f.Data, -1) {
			if !isTemplate(f.Name) || !bytes.Contains(m, []byte("tpl")) {
				return true
			}
		}
	}
	for _, name := range r.Variant.Values {
		if data, err := r.Source.reader()(name); err == nil && unbounded.Match(data) {
			return true
		}
	}
	values, _ := json.Marshal([]any{r.Source.values, r.set})
	return unbounded.Match(values)
}

// template renders the files of a chart by the name of the template, in another process where that is safer.
func (r *Rendering) template(files []*archive.BufferedFile, o Options) (out chartOutput, err error) {
	if len(o.Child) == 0 || !r.needsIsolation(files) {
		return r.templateHere(files, o)
	}
	in := isolated{
		Path: r.Source.Path, Kind: r.Source.Kind, Values: r.Source.values, Variant: r.Variant, Options: o,
		Read: map[string][]byte{},
	}
	for _, f := range files {
		in.Files = append(in.Files, isolatedFile{f.Name, f.Data})
	}
	for _, name := range r.Variant.Values {
		data, err := r.Source.reader()(name)
		if err != nil {
			return out, err
		}
		in.Read[name] = data
	}
	result, err := ask(o.Child, &in)
	if err != nil {
		return out, err
	}
	switch {
	case len(result.Missing) > 0:
		return out, &dependencyError{result.Missing}
	case result.Error != "":
		return out, errors.New(result.Error)
	}
	return result.Rendered, nil
}

// ask lets another process of this program render a chart.
func ask(command []string, chart *isolated) (out isolatedResult, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), maxRenderTime)
	defer cancel()
	err = platform.CallSelf(ctx, command, chart, &out)
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("the chart is not rendered after %s: its templates do not end", maxRenderTime)
	case err != nil:
		err = errors.New("the templates of the chart call themselves without end")
	}
	return out, err
}

// watchMemory calls exceeded when the heap takes more than maxRenderMemory from the system. The runtime does not
// collect garbage by itself from then on, since it would interrupt a template that copies a long list all the time, and
// delay the watch.
func watchMemory(exceeded func()) {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(math.MaxInt64)
	go func() {
		for ; ; time.Sleep(10 * time.Millisecond) {
			objects, all := heapSize()
			switch {
			case all > maxRenderMemory:
				exceeded()
			case objects > maxRenderMemory/2:
				runtime.GC()
			}
		}
	}()
}

// heapSize returns the bytes of the heap that objects take, collected or not, and those that it takes from the system.
func heapSize() (objects, all uint64) {
	classes := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(classes)
	for _, c := range classes {
		all += c.Value.Uint64()
	}
	return classes[0].Value.Uint64(), all
}

// Isolated renders the chart that a process of this program describes on in, and answers on out.
func Isolated(in io.Reader, out io.Writer) error {
	debug.SetMaxStack(maxRenderStack)
	answer := json.NewEncoder(out)
	watchMemory(func() {
		_ = answer.Encode(isolatedResult{
			Error: fmt.Sprintf("rendering the chart takes more than %d GB of memory", maxRenderMemory>>30),
		})
		os.Exit(0)
	})
	var chart isolated
	if err := json.NewDecoder(in).Decode(&chart); err != nil {
		return err
	}
	quiet()
	read := func(name string) ([]byte, error) {
		if data, ok := chart.Read[name]; ok {
			return data, nil
		}
		return ReadFile(name)
	}
	r := &Rendering{
		Source: &Source{Kind: chart.Kind, Path: chart.Path, values: chart.Values, read: read}, Variant: chart.Variant,
	}
	var files []*archive.BufferedFile
	for _, f := range chart.Files {
		files = append(files, &archive.BufferedFile{Name: f.Name, Data: f.Data})
	}
	rendered, err := r.templateHere(files, chart.Options)
	result := isolatedResult{Rendered: rendered}
	var missing *dependencyError
	if errors.As(err, &missing) {
		result.Missing = missing.names
	} else if err != nil {
		result.Error = err.Error()
	}
	return answer.Encode(result)
}
