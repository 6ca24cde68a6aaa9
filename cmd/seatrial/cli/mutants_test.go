package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/manifest"
	apischema "github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// mutantsOfKind is how many mutants are made of each of the two examples of a kind; the variable MUTANTS names another
// number.
const mutantsOfKind = 12

// unmutated are kinds that are left out: definitions are created for good, and a Binding asks for a pod that exists.
var unmutated = []string{"CustomResourceDefinition", "Binding"}

// TestStaticVerdictOnMutants breaks examples of all kinds at random, by a fixed seed, and holds the verdict of lint
// against a whole API server's strict dry run.
func TestStaticVerdictOnMutants(t *testing.T) {
	klog.SetLogger(logr.Discard())
	store, err := apischema.Open(apischema.Latest)
	if err != nil {
		t.Fatal(err)
	}
	compared, refused, each := 0, 0, mutantsOfKind
	if text := os.Getenv("MUTANTS"); text != "" {
		if each, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	err = withComparison(t, func(c *comparison) error {
		for i, k := range store.Kinds() {
			if !slices.Contains(k.Verbs, "create") || slices.Contains(unmutated, k.Kind) ||
				strings.HasSuffix(k.Kind, "Review") {
				continue
			}
			if _, err := c.mapper.RESTMapping(gvkOfKind(k).GroupKind(), k.Version); err != nil {
				continue // not served by default
			}
			subject, err := explain.Find(store, k.Resource, k.GroupVersion().String())
			if err != nil {
				return err
			}
			minimal, err := subject.Example()
			if err != nil {
				return err
			}
			for j, text := range []string{minimal, subject.Full()} {
				docs, _ := manifest.Read(source.NewFile("example.yaml", []byte(text)), manifest.DefaultLimits)
				if len(docs) != 1 {
					return fmt.Errorf("example of %s: %d documents", k.Kind, len(docs))
				}
				random := rand.New(rand.NewPCG(uint64(i), uint64(j)))
				for n := range each {
					value := runtime.DeepCopyJSON(docs[0].Value())
					what := mutate(random, value)
					if n%4 == 3 {
						what += ", " + mutate(random, value) // some crashes need two mistakes
					}
					data, err := json.Marshal(value)
					if err != nil {
						return err
					}
					mutants, _ := manifest.Read(source.NewFile("mutant.json", data), manifest.DefaultLimits)
					if len(mutants) != 1 || mutants[0].Object.Kind != k.Kind ||
						mutants[0].Object.APIVersion != k.GroupVersion().String() {
						continue
					}
					compared++
					problem := c.compare(mutants[0])
					if problem != "" {
						t.Errorf("%s %s: %s: %s", k.GroupVersion(), k.Kind, what, problem)
					}
					if v := c.judge.Create(
						context.Background(), gvkOfKind(k), mutants[0].JSON, "default",
					); !v.Accepted() {
						refused++
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d mutants compared, %d refused", compared, refused)
	if compared < 1000 || refused < compared/4 {
		t.Errorf("%d mutants, %d refused: too few to say anything", compared, refused)
	}
}

func gvkOfKind(k *apischema.Kind) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind}
}

// spot is a value in an object, which can be replaced or removed.
type spot struct {
	path string
	get  any
	set  func(any)
	drop func()
}

// placesOf lists the values in an object, but for its kind, from the outside inwards.
func placesOf(root map[string]any) (places []spot) {
	var visit func(path string, v any)
	visit = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				at := strings.TrimPrefix(path+"."+key, ".")
				if at == "apiVersion" || at == "kind" {
					continue
				}
				places = append(places, spot{at, v[key], func(n any) { v[key] = n }, func() { delete(v, key) }})
				visit(at, v[key])
			}
		case []any:
			for i := range v {
				at := fmt.Sprintf("%s[%d]", path, i)
				places = append(places, spot{at, v[i], func(n any) { v[i] = n }, func() { v[i] = nil }})
				visit(at, v[i])
			}
		}
	}
	visit("", root)
	return places
}

// mutate breaks a value at one place, and says how.
func mutate(random *rand.Rand, root map[string]any) string {
	places := placesOf(root)
	if len(places) == 0 {
		return "nothing"
	}
	p := places[random.IntN(len(places))]
	name, value := "", any(nil)
	switch v := p.get.(type) {
	case string:
		name, value = pick(
			random,
			[]any{
				"", strings.ToUpper(v) + "_X", strings.Repeat("long", 100), int64(7), true, "-" + v, "1e3",
				map[string]any{}, []any{v},
			},
		)
	case int64, float64:
		name, value = pick(random, []any{int64(-1), int64(1) << 40, "7", 1.5, false, []any{int64(1)}, int64(0)})
	case bool:
		name, value = pick(random, []any{"true", int64(1), !v, []any{}})
	case map[string]any:
		unknown := maps.Clone(v)
		unknown["thisFieldIsUnknown"] = "x"
		name, value = pick(random, []any{[]any{v}, "text", unknown, map[string]any{}, int64(3)})
	case []any:
		name, value = pick(
			random, []any{append(slices.Clone(v), v...), map[string]any{"a": "b"}, "text", []any{}, []any{nil}},
		)
	default:
		name, value = pick(random, []any{"text", int64(1), map[string]any{}})
	}
	if random.IntN(6) == 0 {
		p.drop()
		return "without " + p.path
	}
	if random.IntN(8) == 0 {
		name, value = "null", nil
	}
	p.set(value)
	return p.path + " becomes " + name
}

func pick(random *rand.Rand, values []any) (string, any) {
	v := values[random.IntN(len(values))]
	text, _ := json.Marshal(v)
	return string(text[:min(len(text), 60)]), v
}
