package layers

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxColumns = 120
	tab        = "    "
	// longText is a string of so many bytes that a line may have more columns for it: texts are not cut into pieces.
	longText = 12
	// longName is the name of a function of Kubernetes that fills a line.
	longName = "Convert_v1_CustomResourceSubresourceScale_To_apiextensions_CustomResourceSubresourceScale"
)

// TestLinesAreShort wants lines of at most 120 columns, but for those that hold a text or an example.
func TestLinesAreShort(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (strings.HasPrefix(e.Name(), ".") && e.Name() != ".." || e.Name() == "node_modules" || e.Name() == "bin"):
			return fs.SkipDir
		case filepath.Ext(name) != ".go":
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		texts := linesWithTexts(data)
		for i, line := range strings.Split(string(data), "\n") {
			if n := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", tab)); n > maxColumns && !texts[i+1] &&
				!strings.Contains(line, "//\t") && !strings.Contains(line, "//  ") && !strings.Contains(line, longName) {
				t.Errorf("%s:%d: %d columns, at most %d are wanted", name, i+1, n, maxColumns)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// linesWithTexts returns the lines of a file that hold a long text, or a part of one.
func linesWithTexts(data []byte) map[int]bool {
	files := token.NewFileSet()
	f := files.AddFile("", files.Base(), len(data))
	var s scanner.Scanner
	s.Init(f, data, nil, 0)
	lines := map[int]bool{}
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return lines
		}
		if tok != token.STRING || len(text) < longText {
			continue
		}
		first := f.Line(pos)
		for n := range strings.Count(text, "\n") + 1 {
			lines[first+n] = true
		}
	}
}
