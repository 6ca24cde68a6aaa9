package clients

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/openapi"

	"github.com/seatrial/seatrial/internal/memstore"
)

// definitionsTable holds what says which kinds there are beside the built-in ones.
const definitionsTable = "/apiextensions.k8s.io/customresourcedefinitions"

// settled is how long after a change of a definition all that depends on it knows.
const settled = 30 * time.Second

// knowing is a client that asks only once what kinds there are, until a definition changes. The garbage
// collector asks twice a minute, the mutating policies every five seconds: over a day of 100 CronJobs
// that is a fifth of all requests.
type CachedDiscovery struct {
	kubernetes.Interface
	Kinds CachedKinds
}

func NewCachedDiscovery(client kubernetes.Interface, db *memstore.DB) CachedDiscovery {
	d := client.Discovery()
	began := time.Now()
	changed := func() time.Time {
		if written := db.Written(definitionsTable); written.After(began) {
			return written
		}
		return began
	}
	return CachedDiscovery{client, CachedKinds{
		DiscoveryInterfaces: d,
		preferred:           remember(d.ServerPreferredResources, changed),
		namespaced:          remember(d.ServerPreferredNamespacedResources, changed),
		paths:               remember(d.OpenAPIV3().Paths, changed),
	}}
}

func (s CachedDiscovery) Discovery() discovery.DiscoveryInterfaces { return s.Kinds }

type CachedKinds struct {
	discovery.DiscoveryInterfaces
	preferred, namespaced func() ([]*metav1.APIResourceList, error)
	paths                 cachedPaths // what the server has schemas of
}

func (d CachedKinds) ServerPreferredResources() ([]*metav1.APIResourceList, error) {
	return d.preferred()
}

func (d CachedKinds) ServerPreferredNamespacedResources() ([]*metav1.APIResourceList, error) {
	return d.namespaced()
}

func (d CachedKinds) ServerPreferredResourcesWithContext(context.Context) ([]*metav1.APIResourceList, error) {
	return d.preferred()
}

func (d CachedKinds) ServerPreferredNamespacedResourcesWithContext(context.Context) ([]*metav1.APIResourceList, error) {
	return d.namespaced()
}

func (d CachedKinds) OpenAPIV3() openapi.Client { return d.paths }

type cachedPaths func() (map[string]openapi.GroupVersion, error)

func (p cachedPaths) Paths() (map[string]openapi.GroupVersion, error) { return p() }

// remember gives an answer again that was given long enough after the last change. Whoever is given one
// must not change it.
func remember[T any](ask func() (T, error), changed func() time.Time) func() (T, error) {
	var mu sync.Mutex // not held while asking: who waits for it would keep virtual time from passing
	var answer T
	var given time.Time
	known := func() (T, bool) {
		mu.Lock()
		defer mu.Unlock()
		return answer, given.After(changed().Add(settled))
	}
	return func() (T, error) {
		if a, ok := known(); ok {
			return a, nil
		}
		asked := time.Now()
		a, err := ask()
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			answer, given = a, asked
		}
		return a, err
	}
}
