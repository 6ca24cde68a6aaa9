package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/seatrial/seatrial/internal/modcache"
)

// symbol is something of Kubernetes that seatrial uses: a function, type, variable or constant of a
// package, or a field or method of one of its types.
type symbol struct {
	pkg  string // k8s.io/kubernetes/pkg/controller/job
	name string // NewController, or Controller.Run
}

func (s symbol) String() string { return s.pkg + "." + s.name }

// writeSymbols lists the symbols in use whose declaration differs between the linked Kubernetes and target.
func writeSymbols(w io.Writer, target string) error {
	to, err := parseRelease(target)
	if err != nil {
		return err
	}
	linked, err := modcache.Version(kubernetesModule)
	if err != nil {
		return err
	}
	from, err := parseRelease(linked)
	if err != nil {
		return err
	}
	used, err := usedSymbols(".")
	if err != nil {
		return err
	}
	changes, err := compare(used, func(pkg string) (before, after map[string]string, err error) {
		if before, err = declarations(pkg, from); err == nil {
			after, err = declarations(pkg, to)
		}
		return before, after, err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d symbols of Kubernetes are in use; %s to %s changes %d.\n", len(used), from, to, len(changes))
	for _, c := range changes {
		fmt.Fprintf(w, "\n%s\n  used in %s\n", c.symbol, strings.Join(used[c.symbol], ", "))
		writeDifference(w, c.before, c.after)
	}
	return nil
}

// writeDifference shows the lines that only one of two declarations has.
func writeDifference(w io.Writer, before, after string) {
	old, new := strings.Split(before, "\n"), strings.Split(after, "\n")
	if after == "" {
		new = []string{"(gone)"}
	}
	for _, line := range old {
		if !slices.Contains(new, line) {
			fmt.Fprintln(w, "  - "+strings.TrimSpace(line))
		}
	}
	for _, line := range new {
		if !slices.Contains(old, line) {
			fmt.Fprintln(w, "  + "+strings.TrimSpace(line))
		}
	}
}

// fromKubernetes reports whether a package is of the release: of Kubernetes' module or of a staging module.
func fromKubernetes(pkg string) bool {
	module, _, _ := strings.Cut(strings.TrimPrefix(pkg, "k8s.io/"), "/")
	return strings.HasPrefix(pkg, "k8s.io/") &&
		!slices.Contains([]string{"klog", "utils", "kube-openapi", "gengo"}, module)
}

// usedSymbols returns the symbols of Kubernetes that the packages of the module in dir use, with the files
// that use them.
func usedSymbols(dir string) (map[symbol][]string, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax |
			packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
		Dir: dir, Fset: fset,
	}, "./...")
	if err != nil {
		return nil, err
	}
	files := map[symbol]map[string]bool{}
	for _, p := range pkgs {
		for _, e := range p.Errors {
			return nil, e
		}
		add := func(s symbol, at token.Pos) {
			if files[s] == nil {
				files[s] = map[string]bool{}
			}
			if name, err := filepath.Rel(root, fset.Position(at).Filename); err == nil {
				files[s][filepath.ToSlash(name)] = true
			}
		}
		for id, object := range p.TypesInfo.Uses {
			if s, ok := symbolOf(object); ok {
				add(s, id.Pos())
			}
		}
		for expr, selection := range p.TypesInfo.Selections {
			if s, ok := selectedField(selection); ok {
				add(s, expr.Sel.Pos())
			}
		}
		for _, f := range p.Syntax {
			ast.Inspect(f, func(n ast.Node) bool {
				if lit, ok := n.(*ast.CompositeLit); ok {
					for _, s := range literalFields(p.TypesInfo, lit) {
						add(s, lit.Pos())
					}
				}
				return true
			})
		}
	}
	used := map[symbol][]string{}
	for s, names := range files {
		used[s] = slices.Sorted(maps.Keys(names))
	}
	return used, nil
}

// symbolOf returns the symbol that an object of a package's scope, or a method, is.
func symbolOf(object types.Object) (s symbol, ok bool) {
	if object.Pkg() == nil || !fromKubernetes(object.Pkg().Path()) || !object.Exported() {
		return s, false
	}
	s = symbol{object.Pkg().Path(), object.Name()}
	if f, ok := object.(*types.Func); ok {
		if recv := f.Signature().Recv(); recv != nil {
			owner := typeName(recv.Type())
			if owner == nil || owner.Pkg() == nil {
				return s, false
			}
			s.name = owner.Name() + "." + s.name
			return s, true
		}
	}
	return s, object.Parent() == object.Pkg().Scope()
}

// selectedField returns the field that an expression selects, as a symbol of the type that declares it.
func selectedField(selection *types.Selection) (s symbol, ok bool) {
	if selection.Kind() != types.FieldVal {
		return s, false
	}
	t := selection.Recv()
	for _, i := range selection.Index()[:len(selection.Index())-1] { // through embedded fields
		if st, ok := deref(t).Underlying().(*types.Struct); ok {
			t = st.Field(i).Type()
		}
	}
	return fieldOf(typeName(t), selection.Obj().Name())
}

// literalFields returns the fields that a composite literal sets.
func literalFields(info *types.Info, lit *ast.CompositeLit) (fields []symbol) {
	owner := typeName(info.TypeOf(lit))
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok {
				if s, ok := fieldOf(owner, key.Name); ok {
					fields = append(fields, s)
				}
			}
		}
	}
	return fields
}

func fieldOf(owner *types.TypeName, name string) (s symbol, ok bool) {
	if owner == nil || owner.Pkg() == nil || !fromKubernetes(owner.Pkg().Path()) || !ast.IsExported(name) {
		return s, false
	}
	if _, ok := owner.Type().Underlying().(*types.Struct); !ok {
		return s, false
	}
	return symbol{owner.Pkg().Path(), owner.Name() + "." + name}, true
}

func deref(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

func typeName(t types.Type) *types.TypeName {
	if t == nil {
		return nil
	}
	if n, ok := types.Unalias(deref(t)).(*types.Named); ok {
		return n.Obj()
	}
	return nil
}

// change is a symbol whose declaration two releases do not share. After is empty where it is gone.
type change struct {
	symbol
	before, after string
}

// compare returns the used symbols that read declares differently before and after.
func compare(
	used map[symbol][]string, read func(pkg string) (before, after map[string]string, err error),
) ([]change, error) {
	var changes []change
	byPackage := map[string][]symbol{}
	for s := range used {
		byPackage[s.pkg] = append(byPackage[s.pkg], s)
	}
	for pkg, symbols := range byPackage {
		before, after, err := read(pkg)
		if err != nil {
			return nil, err
		}
		for _, s := range symbols {
			old, ok := before[s.name]
			if !ok || old == after[s.name] {
				continue // generated, or reached through another package
			}
			if owner, _, member := strings.Cut(s.name, "."); member && strings.HasPrefix(after[owner], unread) {
				continue // the owner is listed
			}
			changes = append(changes, change{s, old, after[s.name]})
		}
	}
	slices.SortFunc(
		changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.pkg, b.pkg), cmp.Compare(a.name, b.name)) },
	)
	return changes, nil
}

// declarations returns what a package of a release declares, as source without bodies and comments, by name:
// functions, types, methods and fields. A package that the release does not have declares nothing.
func declarations(pkg string, v release) (map[string]string, error) {
	parts := strings.SplitN(pkg, "/", 3)
	module, wanted := parts[0]+"/"+parts[1], v.staging()
	if module == kubernetesModule {
		wanted = v.String()
	}
	dir, err := modcache.Dir(module + "@" + wanted)
	if err != nil {
		return nil, err
	}
	if len(parts) == 3 {
		dir = filepath.Join(dir, filepath.FromSlash(parts[2]))
	}
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	found := map[string]string{}
	fset := token.NewFileSet()
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(
			fset, filepath.Join(dir, e.Name()), nil, parser.ParseComments|parser.SkipObjectResolution,
		)
		if err != nil {
			return nil, err
		}
		if !builtOnLinux(f, e.Name()) {
			continue
		}
		f.Comments = nil
		for _, d := range f.Decls {
			declare(found, d)
		}
		followAliases(found, f, v)
	}
	return found, nil
}

// unread begins the declaration of an alias whose target cannot be read.
const unread = "declared in "

// followAliases replaces what a file declares as another name for a type or constant of another package of
// Kubernetes by the declaration there: moving a type and leaving an alias changes nothing for its users.
func followAliases(found map[string]string, f *ast.File, v release) {
	imports := map[string]string{}
	for _, i := range f.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		imports[name] = path
	}
	for _, d := range f.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for name, target := range aliases(gen) {
			pkg, other := imports[target.X.(*ast.Ident).Name], target.Sel.Name
			if !fromKubernetes(pkg) {
				continue
			}
			there, err := declarations(pkg, v)
			if err != nil {
				found[name] = unread + pkg + "." + other // a module that the proxy does not serve
				continue
			}
			for member, text := range there {
				if owner, rest, _ := strings.Cut(member, "."); owner == other {
					found[strings.TrimSuffix(name+"."+rest, ".")] = text
				}
			}
		}
	}
}

// aliases returns the names that a declaration gives to types, constants and variables of other packages.
func aliases(d *ast.GenDecl) map[string]*ast.SelectorExpr {
	found := map[string]*ast.SelectorExpr{}
	add := func(name string, e ast.Expr) {
		if s, ok := e.(*ast.SelectorExpr); ok {
			if _, ok := s.X.(*ast.Ident); ok {
				found[name] = s
			}
		}
	}
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Assign.IsValid() {
				add(spec.Name.Name, spec.Type)
			}
		case *ast.ValueSpec:
			for i, value := range spec.Values {
				add(spec.Names[i].Name, value)
			}
		}
	}
	return found
}

// builtOnLinux reports whether a file is part of a build for Linux.
func builtOnLinux(f *ast.File, name string) bool {
	base := strings.TrimSuffix(name, ".go")
	for _, other := range []string{"_windows", "_darwin", "_freebsd", "_others", "_unsupported"} {
		if strings.HasSuffix(base, other) {
			return false
		}
	}
	for _, group := range f.Comments {
		if group.Pos() > f.Package {
			break
		}
		for _, c := range group.List {
			if expr, err := constraint.Parse(c.Text); err == nil {
				return expr.Eval(func(tag string) bool {
					return tag == "linux" || tag == "unix" || tag == "amd64" || strings.HasPrefix(tag, "go1")
				})
			}
		}
	}
	return true
}

func declare(found map[string]string, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil && len(d.Recv.List) > 0 {
			name = receiver(d.Recv.List[0].Type) + "." + name
		}
		found[name] = source(&ast.FuncDecl{Recv: d.Recv, Name: d.Name, Type: d.Type})
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				declareType(found, spec)
			case *ast.ValueSpec:
				for i, name := range spec.Names {
					text := d.Tok.String() + " " + name.Name
					if spec.Type != nil {
						text += " " + source(spec.Type)
					}
					if d.Tok == token.CONST && i < len(spec.Values) {
						text += " = " + source(spec.Values[i])
					}
					found[name.Name] = text
				}
			}
		}
	}
}

// declareType records a type and its fields. Of a struct the name alone counts: its fields are symbols
// of their own.
func declareType(found map[string]string, spec *ast.TypeSpec) {
	name := spec.Name.Name
	switch t := spec.Type.(type) {
	case *ast.StructType:
		found[name] = "type " + name + " struct"
		for _, field := range t.Fields.List {
			for _, n := range field.Names {
				found[name+"."+n.Name] = name + "." + n.Name + " " + source(field.Type)
			}
		}
	case *ast.InterfaceType:
		found[name] = "type " + name + " " + source(withoutDocs(t))
		for _, method := range t.Methods.List {
			for _, n := range method.Names {
				found[name+"."+n.Name] = name + "." + n.Name + strings.TrimPrefix(source(method.Type), "func")
			}
		}
	default:
		found[name] = "type " + name + " " + source(t)
	}
}

func withoutDocs(t *ast.InterfaceType) *ast.InterfaceType {
	methods := &ast.FieldList{}
	for _, m := range t.Methods.List {
		methods.List = append(methods.List, &ast.Field{Names: m.Names, Type: m.Type})
	}
	return &ast.InterfaceType{Methods: methods}
}

func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}

// source prints a node on lines of its own, whatever its layout in the file.
func source(node any) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, token.NewFileSet(), node); err != nil {
		return err.Error()
	}
	return b.String()
}
