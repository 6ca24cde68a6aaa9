package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// stubs are the files of modules that do not compile for a browser, or that bring much which a page has no use for, as
// globs, with what stands in for them in playground/wasm/stubs. The code that calls them is linked and never runs.
var stubs = []struct{ module, files, stub string }{
	{"github.com/coreos/go-systemd/v22", "journal/journal_unix.go", "journal.go.txt"},
	{"go.etcd.io/etcd/client/pkg/v3", "fileutil/lock_flock.go", "lock_flock.go.txt"},
	{"github.com/moby/term", "term*_[unb]*.go", "term.go.txt"},
	{"k8s.io/kubectl", "pkg/util/term/resizeevents.go", "resizeevents.go.txt"},
	{"k8s.io/kubectl", "pkg/util/interrupt/interrupt.go", "interrupt.go.txt"},
	{"k8s.io/apiserver", "pkg/storage/storagebackend/factory/etcd3.go", "etcd3.go.txt"}, // it compiles, and is large
}

// patches change files of modules so that the linker can leave out what a page has no use for. Old is a regular
// expression; each has to match.
var patches = []struct {
	module, file string
	edits        [][2]string // old, new
}{
	// Objects come as JSON. The methods that write and read them as protobuf are kept as long as anything calls methods
	// of these names through an interface.
	{"k8s.io/apimachinery", "pkg/runtime/types_proto.go", [][2]string{
		{`(?m)^\tMarshalTo\(data`, "\tProtoMarshalTo(data"}, {`\bb\.MarshalTo\(`, "b.ProtoMarshalTo("},
		{`(?m)^\tMarshalToSizedBuffer\(data`, "\tProtoMarshalToSizedBuffer(data"},
		{`\br\.MarshalToSizedBuffer\(`, "r.ProtoMarshalToSizedBuffer("},
	}},
	{"k8s.io/apimachinery", "pkg/runtime/serializer/protobuf/protobuf.go", [][2]string{
		{`(?m)^\tMarshal\(\) `, "\tprotoMarshal() "}, {`\bt\.Marshal\(`, "t.protoMarshal("},
		{`(?m)^\tUnmarshal\(\[\]byte\) `, "\tprotoUnmarshal([]byte) "},
		{`\bunmarshaler\.Unmarshal\(`, "unmarshaler.protoUnmarshal("},
		{`n, err := t\.MarshalTo`, "n, err := t.ProtoMarshalTo"},
	}},
	{"k8s.io/apiserver", "pkg/server/routes/profiling.go", withoutProfiles},
	{"k8s.io/apiserver", "pkg/server/routes/debugsocket.go", withoutProfiles},
	{"google.golang.org/protobuf", "internal/impl/legacy_message.go", [][2]string{
		{`(?m)^\tMarshal\(\) `, "\tprotoMarshal() "}, {`\bmarshaler\.Marshal\(`, "marshaler.protoMarshal("},
		{`(?m)^\tUnmarshal\(\[\]byte\) `, "\tprotoUnmarshal([]byte) "},
		{`\bunmarshaler\.Unmarshal\(`, "unmarshaler.protoUnmarshal("},
	}},
}

// withoutProfiles takes the handlers of net/http/pprof out of a file.
var withoutProfiles = [][2]string{{`(?m)^\t"net/http/pprof"\n`, ""}, {`(?m)^.*\bpprof\.\w+\)+\n`, ""}}

// standard are changes of the same kind to the standard library. A template that can call any method keeps all exported
// methods of all types; those of the page call none.
var standard = []struct{ file, old, new string }{
	{"text/template/exec.go", `ptr\.MethodByName\(fieldName\)`, "(reflect.Value{})"},
}

// buildWasm compiles playground/wasm to a file. Modules of which a file is changed are copied below work, and replaced
// there in a go.mod of their own: the module cache stays as it is. What is below work is written anew, and at the same
// place each time, so that the build cache knows the packages again.
func buildWasm(out, work string) error {
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	modfile := filepath.Join(work, "go.mod")
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := copyFile(name, filepath.Join(work, name)); err != nil {
			return err
		}
	}
	for _, s := range stubs {
		copied, err := replaceModule(s.module, work, modfile)
		if err != nil {
			return err
		}
		if err := replace(filepath.Join(copied, s.files), filepath.Join("playground/wasm/stubs", s.stub)); err != nil {
			return err
		}
	}
	for _, p := range patches {
		copied, err := replaceModule(p.module, work, modfile)
		if err != nil {
			return err
		}
		name := filepath.Join(copied, p.file)
		if err := patch(name, name, p.edits...); err != nil {
			return err
		}
	}
	overlay, err := overlayStandard(work)
	if err != nil {
		return err
	}
	cmd := exec.Command(
		"go", "build", "-modfile", modfile, "-overlay", overlay, "-ldflags", "-s -w", "-o", out, "./playground/wasm",
	)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	return runCommand(cmd)
}

// replaceModule copies a module below work, once, and returns its folder.
func replaceModule(module, work, modfile string) (string, error) {
	copied := filepath.Join(work, filepath.FromSlash(module))
	if _, err := os.Stat(copied); err == nil {
		return copied, nil
	}
	dir, err := moduleDir(module)
	if err != nil {
		return "", err
	}
	if err := copyModule(dir, copied); err != nil {
		return "", err
	}
	return copied, run("go", "mod", "edit", "-replace", module+"="+copied, modfile)
}

// patch writes a changed copy of a file, and reports an error if a change does not apply.
func patch(name, to string, edits ...[2]string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for _, e := range edits {
		old := regexp.MustCompile(e[0])
		if !old.Match(data) {
			return fmt.Errorf("%s has no %s: see what has become of it", name, e[0])
		}
		data = old.ReplaceAllLiteral(data, []byte(e[1]))
	}
	return os.WriteFile(to, data, 0o644)
}

// overlayStandard writes the changed files of the standard library below work, and returns the name of the overlay file
// that lists them for the go command.
func overlayStandard(work string) (string, error) {
	root, err := goRoot()
	if err != nil {
		return "", err
	}
	files := map[string]string{}
	for _, s := range standard {
		name, to := filepath.Join(root, "src", s.file), filepath.Join(work, strings.ReplaceAll(s.file, "/", "_"))
		if err := patch(name, to, [2]string{s.old, s.new}); err != nil {
			return "", err
		}
		files[name] = to
	}
	data, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(work, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o644)
}

func goRoot() (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	return strings.TrimSpace(string(root)), err
}

// replace puts a stub in the place of the files of a glob.
func replace(glob, stub string) error {
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no files %s: %w", glob, err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	return copyFile(stub, files[0])
}

// moduleDir returns the folder of a module in the module cache.
func moduleDir(module string) (string, error) {
	data, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("finding module %s: %w", module, err)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(data, &m); err != nil {
		return "", fmt.Errorf("finding module %s: %w", module, err)
	}
	return m.Dir, nil
}

// copyModule copies a module without its tests. Files of the module cache are read-only; the copies are not.
func copyModule(from, to string) error {
	return filepath.WalkDir(from, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		return copyFile(name, filepath.Join(to, rel))
	})
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

func run(name string, args ...string) error { return runCommand(exec.Command(name, args...)) }

func runCommand(cmd *exec.Cmd) error {
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return nil
}
