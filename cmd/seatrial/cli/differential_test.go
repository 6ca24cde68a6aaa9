package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/virtualtime"
	"github.com/seatrial/seatrial/internal/modcache"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
	"github.com/seatrial/seatrial/validation/verdict"
)

// absent matches refusals for want of another object, which are no verdict on the document: what it
// names is a matter of the set, and of the rules on references.
var absent = regexp.MustCompile(
	`service account \S+: serviceaccount "[^"]*" not found|no PriorityClass with name|RuntimeClass "?[^"]*"? not found|runtimeclass.*not found|ClusterTrustBundle`,
)

// differences are the documents, as module or folder, file and kind, on which the static verdict and
// the engine disagree, with the reason. A reason without a disagreement fails the test.
var differences = map[string]string{
	"seatrial validation/testdata/updates/builtin.yaml ConfigMap":                      "a dry run does not look at resourceVersion, which a server refuses in what it creates",
	"seatrial validation/testdata/admission.yaml StorageVersionMigration":              "not served unless the server is told to, of which lint warns",
	"seatrial validation/testdata/admission.yaml StorageVersion":                       "not served unless the server is told to, of which lint warns",
	"seatrial validation/testdata/core.yaml Service":                                   "an address outside of the engine's range for Services: each cluster has its own",
	"seatrial validation/testdata/metadata.yaml ConfigMap":                             "a resourceVersion on create, as below",
	"kubernetes test/fixtures/pkg/kubectl/cmd/apply/deploy-serverside.yaml Deployment": "a resourceVersion on create: refused by the storage, which a dry run does not come to",
}

// TestStaticVerdictIsThatOfTheEngine holds the verdict of lint against a whole API server's strict
// dry run, document by document.
func TestStaticVerdictIsThatOfTheEngine(t *testing.T) {
	klog.SetLogger(logr.Discard())
	repo, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	kubernetesModule, err := modcache.Dir("k8s.io/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	sources := []struct {
		name, dir string
		folders   []string
	}{
		{"seatrial", repo, []string{"testdata", "validation/testdata", "rules/examples", "examples"}},
		{"kubernetes", kubernetesModule, []string{"test/e2e/testing-manifests", "cluster/addons", "test/fixtures"}},
	}
	found, compared := map[string]bool{}, 0
	err = withComparison(t, func(c *comparison) error {
		for _, s := range sources {
			for _, name := range manifestsIn(t, s.dir, s.folders) {
				data, err := os.ReadFile(filepath.Join(s.dir, name))
				if err != nil {
					return err
				}
				docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
				for _, d := range docs {
					if d.Object.APIVersion == "" || d.Object.Kind == "" {
						continue
					}
					compared++
					problem := c.compare(d)
					key := s.name + " " + name + " " + d.Object.Kind
					if problem != "" {
						found[key] = true
					}
					if problem != "" && differences[key] == "" {
						t.Errorf("%s: document %d %s %s: %s", key, d.Number, d.Item, d.Object.Name, problem)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range differences {
		if !found[key] {
			t.Errorf("%s: the verdicts agree now: remove the reason", key)
		}
	}
	t.Logf("%d documents compared", compared)
}

type comparison struct {
	config *rest.Config
	judge  *validation.Validator
	client *kubernetes.Clientset
	mapper *restmapper.DeferredDiscoveryRESTMapper
}

// withComparison calls f in virtual time, with an API server.
func withComparison(t *testing.T, f func(c *comparison) error) error {
	return virtualtime.Run(t.Context(), time.Now(), 1, func() error {
		engine, err := cluster.Start(context.Background(), cluster.Config{APIServerOnly: true})
		if err != nil {
			return err
		}
		defer engine.Close()
		c, err := newComparison(engine)
		if err != nil {
			return err
		}
		return f(c)
	})
}

func newComparison(e *cluster.Cluster) (*comparison, error) {
	client, err := kubernetes.NewForConfig(e.RESTConfig())
	if err != nil {
		return nil, err
	}
	judge, err := validation.New()
	if err != nil {
		return nil, err
	}
	return &comparison{
		config: e.RESTConfig(), judge: judge, client: client,
		mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery())),
	}, nil
}

// compare returns the difference between two verdicts on a document; empty if they agree.
func (c *comparison) compare(d *manifest.Document) string {
	ctx := context.Background()
	kind := schema.FromAPIVersionAndKind(d.Object.APIVersion, d.Object.Kind)
	namespace := d.Object.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	var static verdict.Verdict
	if kind.GroupKind().String() == "CustomResourceDefinition.apiextensions.k8s.io" {
		static = c.judge.AddCRD(ctx, d.JSON)
	} else {
		static = c.judge.Create(ctx, kind, d.JSON, namespace)
	}
	err := c.create(ctx, kind, namespace, d)
	if err != nil && static.Accepted() && absent.MatchString(err.Error()) {
		return ""
	}
	if static.Accepted() != (err == nil) {
		return fmt.Sprintf("lint says %+v, the engine says %v", static.Causes, err)
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Reason != metav1.StatusReasonInvalid ||
		status.Status().Details == nil {
		return ""
	}
	for _, cause := range status.Status().Details.Causes {
		if !slices.ContainsFunc(static.Causes, func(o verdict.Cause) bool { return o.Path == cause.Field }) {
			return fmt.Sprintf("the engine alone says %s: %s", cause.Field, cause.Message)
		}
	}
	return ""
}

// create asks the engine. Definitions are created for good, since others depend on them.
func (c *comparison) create(
	ctx context.Context, kind schema.GroupVersionKind, namespace string, d *manifest.Document,
) error {
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	request := c.client.RESTClient().Post().Param("fieldValidation", "Strict").SetHeader(
		"Content-Type", "application/json",
	)
	root := "/apis/" + mapping.Resource.Group + "/" + mapping.Resource.Version
	if mapping.Resource.Group == "" {
		root = "/api/" + mapping.Resource.Version
	}
	path := []string{root}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		if err := c.populate(ctx, namespace); err != nil {
			return err
		}
		path = append(path, "namespaces", namespace)
	}
	request = request.AbsPath(append(path, mapping.Resource.Resource)...)
	definition := kind.Kind == "CustomResourceDefinition"
	if !definition {
		request = request.Param("dryRun", metav1.DryRunAll)
	}
	err = request.Body(d.JSON).Do(ctx).Error()
	if apierrors.IsAlreadyExists(err) {
		return nil // it comes after validation
	}
	if definition && err == nil {
		time.Sleep(5 * time.Second) // until its kind is served
		c.mapper.Reset()
	}
	return err
}

// populate makes a namespace in which pods can be made.
func (c *comparison) populate(ctx context.Context, namespace string) error {
	if strings.ContainsAny(namespace, "/ ") {
		return nil
	}
	_, err := c.client.CoreV1().Namespaces().Create(
		ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{},
	)
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return nil // what is wrong with its name, the document's own answer says
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	if _, err := c.client.CoreV1().ServiceAccounts(namespace).Create(
		ctx, account, metav1.CreateOptions{},
	); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}
