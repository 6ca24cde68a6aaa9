package app

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIgnored(t *testing.T) {
	top := t.TempDir()
	t.Chdir(top)
	for name, text := range map[string]string{
		".gitignore":            "# built\n/dist/\n*.tmp.yaml\n!kept.tmp.yaml\ncache/\n",
		".git/HEAD":             "",
		"apps/.gitignore":       "local.yaml\n",
		"apps/local.yaml":       "",
		"apps/a.tmp.yaml":       "",
		"apps/kept.tmp.yaml":    "",
		"apps/cache/a.yaml":     "",
		"apps/dist/a.yaml":      "",
		"local.yaml":            "",
		"dist/deep/a.yaml":      "",
		"dist/named.yaml":       "",
		"inner/.git/HEAD":       "",
		"inner/dist/cache.yaml": "",
		"inner/a.tmp.yaml":      "",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, absolute := range []bool{false, true} {
		git := newIgnored([]string{".", "dist/named.yaml"})
		for name, want := range map[string]bool{
			"apps/local.yaml": true, "apps/a.tmp.yaml": true, "apps/kept.tmp.yaml": false, "apps/cache/a.yaml": true,
			"apps/cache": true, "apps/dist/a.yaml": false, "local.yaml": false, "dist": true, "dist/deep/a.yaml": true,
			"dist/named.yaml": false, "inner/dist/cache.yaml": false, "inner/a.tmp.yaml": false, "apps": false,
		} {
			if absolute {
				name = filepath.Join(top, name)
			}
			if git.match(name) != want {
				t.Errorf("%s: ignored is %v, want %v", name, !want, want)
			}
		}
	}
	for _, named := range []string{"dist", "dist/*/*.yaml"} {
		if newIgnored([]string{named}).match("dist/deep/a.yaml") {
			t.Errorf("ignored below %s, which is named", named)
		}
	}
}
