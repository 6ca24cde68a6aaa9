package render

import (
	"path/filepath"

	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// overlay is a kustomization as somebody else changes it before it is built.
type overlay struct {
	file   string
	fields map[string]any
}

// overlaid is a file system with the kustomization of an overlay in it.
type overlaid struct {
	filesys.FileSystem
	file string // with links resolved
	text []byte
}

// on returns a file system with the overlay in it.
func (o *overlay) on(fs filesys.FileSystem) (filesys.FileSystem, error) {
	text, err := yaml.Marshal(o.fields)
	if err != nil {
		return nil, err
	}
	return overlaid{fs, resolved(o.file), text}, nil
}

// resolved returns the absolute name of a file that need not exist, without links in its folder.
func resolved(name string) string {
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return name
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return filepath.Join(dir, filepath.Base(name))
}

// ReadFile reads the overlay in place of the kustomization.
func (o overlaid) ReadFile(name string) ([]byte, error) {
	if resolved(name) == o.file {
		return o.text, nil
	}
	return o.FileSystem.ReadFile(name)
}

// Exists reports whether there is a file; that of the overlay need not be on disk.
func (o overlaid) Exists(name string) bool {
	return resolved(name) == o.file || o.FileSystem.Exists(name)
}

// CleanedAbs returns the folder and the name of a file.
func (o overlaid) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	if resolved(name) == o.file {
		dir, _, err := o.FileSystem.CleanedAbs(filepath.Dir(o.file))
		return dir, filepath.Base(o.file), err
	}
	return o.FileSystem.CleanedAbs(name)
}
