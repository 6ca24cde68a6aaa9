package validation

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjsonserializer "k8s.io/apimachinery/pkg/runtime/serializer/json"

	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/internal/kubernetes/registry"
	"github.com/seatrial/seatrial/validation/custom"
	"github.com/seatrial/seatrial/validation/verdict"
)

// Definitions keeps what was made of CustomResourceDefinitions, by their content, for validators with the same
// settings. It may be used from many goroutines.
type Definitions struct {
	// Folder is where definitions are kept that nothing is wrong with, for other processes; empty: nowhere.
	Folder string
	// Build identifies the program and its settings.
	Build string

	judged byContent[*definition]        // by their JSON
	texts  byContent[*custom.Definition] // that nothing is wrong with, by their text
}

type contentKey [sha256.Size]byte

// byContent keeps what was used lately.
type byContent[V any] struct {
	mu             sync.Mutex
	recent, before map[contentKey]V // before has what was not used since recent was begun
}

// maxRecent is how many values are begun before those are forgotten that were not used meanwhile.
const maxRecent = 512

// get returns the value of a key. If there is none, make makes it; a nil make makes none.
func (b *byContent[V]) get(key contentKey, make func() V) (value V, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if value, ok = b.recent[key]; ok {
		return value, true
	}
	if value, ok = b.before[key]; !ok {
		if make == nil {
			return value, false
		}
		value = make()
	}
	if b.recent == nil || len(b.recent) >= maxRecent {
		b.recent, b.before = map[contentKey]V{}, b.recent
	}
	b.recent[key] = value
	return value, true
}

// of returns what is known of the JSON of a definition. A nil Definitions knows nothing.
func (d *Definitions) of(doc []byte) *definition {
	if d == nil {
		return &definition{}
	}
	known, _ := d.judged.get(sha256.Sum256(doc), func() *definition { return &definition{} })
	return known
}

// key returns the key of the text of a definition.
func (d *Definitions) key(text []byte) (key contentKey) {
	if d == nil {
		return key
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s", len(d.Build), d.Build)
	h.Write(text)
	return contentKey(h.Sum(nil))
}

// read returns the definition that nothing is wrong with; nil if that is not known.
func (d *Definitions) read(key contentKey) *custom.Definition {
	if d == nil {
		return nil
	}
	if made, ok := d.texts.get(key, nil); ok || d.Folder == "" {
		return made
	}
	data, err := os.ReadFile(d.path(key))
	if err != nil || len(data) < sha256.Size || sha256.Sum256(data[sha256.Size:]) != [sha256.Size]byte(data) {
		return nil
	}
	made, err := custom.UnmarshalDefinition(data[sha256.Size:])
	if err != nil {
		return nil
	}
	d.texts.get(key, func() *custom.Definition { return made })
	return made
}

// write keeps a definition that nothing is wrong with. Failing to is not an error: it will be judged again.
func (d *Definitions) write(key contentKey, made *custom.Definition) {
	if d == nil {
		return
	}
	d.texts.get(key, func() *custom.Definition { return made })
	if d.Folder == "" {
		return
	}
	data, err := made.Marshal()
	if err != nil {
		return
	}
	sum := sha256.Sum256(data)
	if os.MkdirAll(d.Folder, 0o700) == nil &&
		atomicfile.WriteUnsynced(d.path(key), append(sum[:], data...), 0o600) == nil {
		d.prune()
	}
}

func (d *Definitions) path(key contentKey) string {
	return filepath.Join(d.Folder, hex.EncodeToString(key[:16]))
}

// maxKept is how many definitions are kept in the folder at most.
const maxKept = 512

// prune removes the definitions that were written first, when there are too many.
func (d *Definitions) prune() {
	entries, err := os.ReadDir(d.Folder)
	if err != nil || len(entries) <= maxKept {
		return
	}
	written := func(e os.DirEntry) int64 {
		info, err := e.Info()
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return cmp.Compare(written(a), written(b)) })
	for _, e := range entries[:len(entries)-maxKept*3/4] {
		os.Remove(filepath.Join(d.Folder, e.Name()))
	}
}

// definition is what was made of the JSON of a definition.
type definition struct {
	once   sync.Once
	answer verdict.Verdict
	made   *custom.Definition // nil: the server refuses it
}

// KeepDefinitions lets the validator use, and add to, what others have made of definitions.
func (v *Validator) KeepDefinitions(d *Definitions) { v.definitions = d }

// Custom lists the kinds that definitions have made known, or will, in order.
func (v *Validator) Custom() []verdict.Kind {
	kinds := v.custom.Kinds()
	known := make(map[schema.GroupVersionKind]bool, len(kinds))
	for _, k := range kinds {
		known[k.GVK] = true
	}
	for _, k := range v.promises.kinds() {
		if !known[k.GVK] {
			known[k.GVK] = true
			kinds = append(kinds, k)
		}
	}
	slices.SortFunc(kinds, func(a, b verdict.Kind) int { return strings.Compare(a.GVK.String(), b.GVK.String()) })
	return kinds
}

// AddCRD judges a CustomResourceDefinition and, as far as it is usable, makes its kinds known. One of
// apiextensions.k8s.io/v1beta1 is refused as any server since 1.22 does, but its kinds are
// known afterwards, for the sake of older targets.
func (v *Validator) AddCRD(ctx context.Context, doc []byte) (answer verdict.Verdict) {
	d := v.definitions.of(doc)
	d.once.Do(func() { d.answer, d.made = v.judgeDefinition(ctx, doc) })
	if d.made != nil {
		if kind, ok := d.made.Kind(); ok {
			v.promises.keep(ctx, kind) // this one comes after it
		}
		v.custom.Add(d.made)
		if made, ok := ctx.Value(keepingKey{}).(**custom.Definition); ok {
			*made = d.made
		}
	}
	answer = d.answer
	answer.Causes, answer.Warnings = slices.Clone(answer.Causes), slices.Clone(answer.Warnings)
	if v.definitions != nil && answer.Object != nil {
		answer.Object = answer.Object.DeepCopyObject()
	}
	return answer
}

// judgeDefinition judges a definition; made is nil if its kinds cannot be used.
func (v *Validator) judgeDefinition(ctx context.Context, doc []byte) (answer verdict.Verdict, made *custom.Definition) {
	defer answer.Recover()
	var meta metav1.TypeMeta
	if err := json.Unmarshal(doc, &meta); err != nil {
		return failed(err), nil
	}
	gvk := meta.GroupVersionKind()
	answer = v.Create(ctx, gvk, doc, "")
	current := answer
	if gvk != definitionKind {
		converted, err := toCurrent(doc)
		if err != nil {
			return answer, nil
		}
		current = v.Create(ctx, definitionKind, converted, "")
	}
	if !current.Accepted() {
		return answer, nil
	}
	made, err := custom.NewDefinition(current.Object)
	if err != nil {
		return failed(err), nil
	}
	return answer, made
}

// AddCRDLater makes kinds known by a definition, which is written as text. When one of them is judged, or a kind of
// their group that nothing defines, add passes the definition to [Validator.AddCRD] with the context that it receives,
// and reports whether nothing is wrong with the text. It is not called if that is known.
func (v *Validator) AddCRDLater(kinds []verdict.Kind, text []byte, add func(context.Context) bool) {
	v.promises.add(&promise{kinds: kinds, keep: func(ctx context.Context) {
		var made *custom.Definition
		key := v.definitions.key(text)
		if made = v.definitions.read(key); made != nil {
			v.custom.Add(made)
			return
		}
		if add(context.WithValue(ctx, keepingKey{}, &made)) && made != nil {
			v.definitions.write(key, made)
		}
	}})
}

// promise is a definition that has not been read as a whole.
type promise struct {
	kinds []verdict.Kind // the served versions of one kind
	keep  func(context.Context)
	once  sync.Once
	kept  atomic.Bool
}

// promises are definitions that are added when they are needed.
type promises struct {
	mu  sync.RWMutex
	all []*promise
	of  map[schema.GroupKind][]*promise
}

func (p *promises) add(one *promise) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[schema.GroupKind][]*promise{}
	}
	p.all = append(p.all, one)
	kind := one.kinds[0].GVK.GroupKind()
	p.of[kind] = append(p.of[kind], one)
}

// kinds lists the kinds of the definitions that were not added yet.
func (p *promises) kinds() (kinds []verdict.Kind) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, one := range p.all {
		if !one.kept.Load() {
			kinds = append(kinds, one.kinds...)
		}
	}
	return kinds
}

// keep adds the definitions of a kind. It returns when that has been done, by whomever.
func (p *promises) keep(ctx context.Context, kind schema.GroupKind) {
	p.mu.RLock()
	list := p.of[kind]
	p.mu.RUnlock()
	keepAll(ctx, list)
}

// keepGroup adds the definitions of all kinds of a group.
func (p *promises) keepGroup(ctx context.Context, group string) {
	p.mu.RLock()
	var list []*promise
	for _, one := range p.all {
		if one.kinds[0].GVK.Group == group {
			list = append(list, one)
		}
	}
	p.mu.RUnlock()
	keepAll(ctx, list)
}

// keepingKey is that of a **custom.Definition in the context of a call that adds a definition which was promised: it
// receives what is made of it.
type keepingKey struct{}

func keepAll(ctx context.Context, list []*promise) {
	if ctx.Value(keepingKey{}) != nil {
		return
	}
	for _, one := range list {
		one.once.Do(func() {
			one.keep(ctx)
			one.kept.Store(true)
		})
	}
}

// preserveInSchemas says in the schemas that unknown fields are kept, where the definition says it as a
// whole: the default of the older version, which the current one refuses.
func preserveInSchemas(crd *apiextensionsv1.CustomResourceDefinition) {
	if !crd.Spec.PreserveUnknownFields {
		return
	}
	crd.Spec.PreserveUnknownFields = false
	for i := range crd.Spec.Versions {
		v := &crd.Spec.Versions[i]
		if v.Schema == nil || v.Schema.OpenAPIV3Schema == nil {
			v.Schema = &apiextensionsv1.CustomResourceValidation{
				OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object"},
			}
		}
		v.Schema.OpenAPIV3Schema.XPreserveUnknownFields = new(true)
	}
}

// toCurrent converts a definition of an older API version.
func toCurrent(doc []byte) ([]byte, error) {
	old, _, err := kjsonserializer.NewSerializerWithOptions(
		kjsonserializer.DefaultMetaFactory, registry.ExtensionScheme, registry.ExtensionScheme,
		kjsonserializer.SerializerOptions{}).
		Decode(doc, nil, nil)
	if err != nil {
		return nil, err
	}
	registry.ExtensionScheme.Default(old)
	internal, err := registry.ExtensionScheme.ConvertToVersion(old, apiextensions.SchemeGroupVersion)
	if err != nil {
		return nil, err
	}
	current, err := registry.ExtensionScheme.ConvertToVersion(internal, definitionKind.GroupVersion())
	if err != nil {
		return nil, err
	}
	if crd, ok := current.(*apiextensionsv1.CustomResourceDefinition); ok {
		crd.Status = apiextensionsv1.CustomResourceDefinitionStatus{}
		preserveInSchemas(crd)
	}
	return json.Marshal(current)
}

var definitionKind = schema.GroupVersionKind{
	Group:   "apiextensions.k8s.io",
	Version: "v1",
	Kind:    "CustomResourceDefinition",
}
