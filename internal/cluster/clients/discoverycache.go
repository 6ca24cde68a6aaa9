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

// definitionsPrefix is where the store keeps custom resource definitions.
const definitionsPrefix = "/apiextensions.k8s.io/customresourcedefinitions"

// settleTime is how long after a change of a definition everything that depends on it is up to date.
const settleTime = 30 * time.Second

// CachedDiscovery is a client that discovers the served kinds once, until a definition changes. The garbage collector
// asks twice a minute, the mutating admission policies every five seconds: over a day of 100 CronJobs that is a fifth
// of all requests.
type CachedDiscovery struct {
	kubernetes.Interface
	Kinds CachedKinds
}

// NewCachedDiscovery returns a client that caches what it discovers of the API server on a store.
func NewCachedDiscovery(client kubernetes.Interface, db *memstore.DB) CachedDiscovery {
	d := client.Discovery()
	began := time.Now()
	changed := func() time.Time {
		if written := db.Written(definitionsPrefix); written.After(began) {
			return written
		}
		return began
	}
	return CachedDiscovery{client, CachedKinds{
		DiscoveryInterfaces: d,
		preferred:           cached(d.ServerPreferredResources, changed),
		namespaced:          cached(d.ServerPreferredNamespacedResources, changed),
		paths:               cached(d.OpenAPIV3().Paths, changed),
	}}
}

// Discovery returns the cached kinds.
func (s CachedDiscovery) Discovery() discovery.DiscoveryInterfaces { return s.Kinds }

// CachedKinds are the kinds that an API server serves.
type CachedKinds struct {
	discovery.DiscoveryInterfaces
	preferred, namespaced func() ([]*metav1.APIResourceList, error)
	paths                 cachedPaths // of schemas
}

// ServerPreferredResources returns the preferred version of every resource.
func (d CachedKinds) ServerPreferredResources() ([]*metav1.APIResourceList, error) {
	return d.preferred()
}

// ServerPreferredNamespacedResources returns the preferred version of every namespaced resource.
func (d CachedKinds) ServerPreferredNamespacedResources() ([]*metav1.APIResourceList, error) {
	return d.namespaced()
}

// ServerPreferredResourcesWithContext returns the preferred version of every resource.
func (d CachedKinds) ServerPreferredResourcesWithContext(context.Context) ([]*metav1.APIResourceList, error) {
	return d.preferred()
}

// ServerPreferredNamespacedResourcesWithContext returns the preferred version of every namespaced resource.
func (d CachedKinds) ServerPreferredNamespacedResourcesWithContext(
	context.Context,
) ([]*metav1.APIResourceList, error) {
	return d.namespaced()
}

// OpenAPIV3 returns a client that lists schemas.
func (d CachedKinds) OpenAPIV3() openapi.Client { return d.paths }

type cachedPaths func() (map[string]openapi.GroupVersion, error)

func (p cachedPaths) Paths() (map[string]openapi.GroupVersion, error) { return p() }

// cached returns a function that repeats the last result of ask if that is younger than the last change by more than
// settleTime. Callers must not change the result.
func cached[T any](ask func() (T, error), changed func() time.Time) func() (T, error) {
	var mu sync.Mutex // not held during ask: virtual time does not pass while a goroutine waits for a lock
	var result T
	var asked time.Time
	known := func() (T, bool) {
		mu.Lock()
		defer mu.Unlock()
		return result, asked.After(changed().Add(settleTime))
	}
	return func() (T, error) {
		if r, ok := known(); ok {
			return r, nil
		}
		now := time.Now()
		r, err := ask()
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			result, asked = r, now
		}
		return r, err
	}
}
