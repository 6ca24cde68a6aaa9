package render

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	"sigs.k8s.io/yaml"
)

// IsArchive reports whether a file may be a packaged chart by its name.
func IsArchive(name string) bool {
	return strings.HasSuffix(name, ".tgz") || strings.HasSuffix(name, ".tar.gz")
}

// archiveFiles reads the files of a packaged chart, by names below its folder. Helm's loader refuses names that lead
// out of it, links, and what is too large.
func (read Reader) archiveFiles(name string) ([]*archive.BufferedFile, error) {
	if info, err := os.Stat(name); err == nil && info.Size() > maxChartBytes {
		return nil, fmt.Errorf("the archive has more than %d MB", maxChartBytes>>20)
	}
	data, err := read(name)
	if err != nil {
		return nil, err
	}
	files, err := archive.LoadArchiveFiles(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the archive of the chart cannot be read: %w", err)
	}
	total := 0
	for _, f := range files {
		total += len(f.Data)
	}
	if total > maxChartBytes {
		return nil, fmt.Errorf("the chart has more than %d MB", maxChartBytes>>20)
	}
	return files, nil
}

// within returns a reader that also reads the files in an archive, by names as if it were a folder.
func (read Reader) within(name string) Reader {
	files := sync.OnceValue(func() []*archive.BufferedFile {
		files, _ := read.archiveFiles(name) // rendering reports what is wrong
		return files
	})
	return func(file string) ([]byte, error) {
		below, ok := strings.CutPrefix(file, name+string(filepath.Separator))
		if !ok {
			return read(file)
		}
		all := files()
		is := func(f *archive.BufferedFile) bool { return f.Name == filepath.ToSlash(below) }
		if i := slices.IndexFunc(all, is); i >= 0 {
			return all[i].Data, nil
		}
		return nil, os.ErrNotExist
	}
}

// archiveSource returns the source that a packaged chart is, with its default values; nil for another archive. One that
// cannot be read is a source as well if it was named, so that this is reported.
func (read Reader) archiveSource(name string, named bool) *Source {
	s := &Source{Kind: Chart, Path: name, File: name, Variants: []Variant{{}}, read: read.within(name)}
	s.Name = strings.TrimSuffix(strings.TrimSuffix(name, ".tgz"), ".tar.gz") // what it renders to is no archive
	files, err := read.archiveFiles(name)
	if err != nil {
		if named {
			return s
		}
		return nil
	}
	i := slices.IndexFunc(files, func(f *archive.BufferedFile) bool { return f.Name == "Chart.yaml" })
	if i < 0 && named {
		return s
	}
	var c struct{ Type string }
	if i < 0 || yaml.Unmarshal(files[i].Data, &c) == nil && c.Type == "library" {
		return nil
	}
	return s
}
