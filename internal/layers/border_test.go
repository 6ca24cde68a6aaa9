package layers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// public are the packages that other programs may import; what lies below them is public, too.
var public = []string{"diag", "explain", "lint", "manifest", "rules", "schema", "source", "validation"}

// TestPublicPackagesNameNothingInternal keeps the public packages usable: what they export is spelt with types that
// other programs can name.
func TestPublicPackagesNameNothingInternal(t *testing.T) {
	files := 0
	for _, root := range public {
		err := filepath.WalkDir(filepath.Join("..", "..", root), func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() && (d.Name() == "testdata" || d.Name() == "gen") {
				return skip(err)
			}
			if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return nil
			}
			files++
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, name, nil, 0)
			if err != nil {
				return err
			}
			for _, place := range internalNames(f) {
				t.Errorf("%s: an exported declaration names a type of an internal package", fset.Position(place))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 80 {
		t.Errorf("only %d files of public packages", files)
	}
}

func skip(err error) error {
	if err != nil {
		return err
	}
	return filepath.SkipDir
}

func TestInternalNamesAreFound(t *testing.T) {
	const head = "package p\nimport (\"" + module + "internal/x\"; y \"" + module + "internal/z\"; \"fmt\")\n"
	for text, found := range map[string]int{
		"func F(a x.A) y.B":                                    2,
		"func f(a x.A) y.B":                                    0,
		"type T struct { A x.A; b y.B }":                       1,
		"type T struct { x.A }":                                1,
		"type t struct { A x.A }":                              0,
		"type T interface { M(x.A) }":                          1,
		"type T = x.A":                                         1,
		"type T[A x.A] struct{}":                               1,
		"type T struct{}\nfunc (T) M() x.A { panic(0) }":       1,
		"type t struct{}\nfunc (t) M() x.A { panic(0) }":       0,
		"var V = x.V()":                                        1,
		"var V int = x.V()":                                    0,
		"var V fmt.Stringer\nfunc F() { x.V(); y.W() }":        0,
		"type T struct { F func(map[string][]*x.A) chan y.B }": 2,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "p.go", head+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(internalNames(f)); n != found {
			t.Errorf("%s: %d names found, want %d", text, n, found)
		}
	}
}

// internalNames returns the places where exported declarations of a file name something of an internal package.
func internalNames(f *ast.File) (places []token.Pos) {
	internal := map[string]bool{}
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		if !strings.Contains(path, module+"internal/") && !strings.Contains(path, "/internal/") {
			continue
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		internal[name] = true
	}
	look := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.StructType:
				n.Fields.List = exported(n.Fields.List)
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && internal[x.Name] {
					places = append(places, n.Pos())
				}
			}
			return true
		})
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || receiver(d).IsExported()) {
				look(d.Type)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				lookAt(s, look)
			}
		}
	}
	return places
}

// lookAt looks at what decides the types of an exported declaration.
func lookAt(s ast.Spec, look func(ast.Node)) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() {
			look(s)
		}
	case *ast.ValueSpec:
		if !s.Names[0].IsExported() {
			return
		}
		if s.Type != nil {
			look(s.Type)
			return
		}
		for _, v := range s.Values {
			look(v)
		}
	}
}

// exported returns the fields that other packages see: those with exported names, and embedded ones.
func exported(fields []*ast.Field) (seen []*ast.Field) {
	for _, f := range fields {
		if len(f.Names) == 0 || f.Names[0].IsExported() {
			seen = append(seen, f)
		}
	}
	return seen
}

func receiver(d *ast.FuncDecl) *ast.Ident {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x
		default:
			return ast.NewIdent("_")
		}
	}
}
