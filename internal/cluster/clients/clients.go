// Package clients has the clients and informers through which controllers, scheduler and kubelets reach an API server,
// in this process or another.
//
// The central type is [Set]. Beside the clients themselves it wraps them:
//   - RecordingEvents and EventSink combine and count events as recorders do, also across restarts of the cluster,
//     or pass them to a function instead of the API server;
//   - WritingStatuses writes statuses to the registries of an API server in memory without a request;
//   - CachedDiscovery remembers which kinds are served until a definition changes.
package clients

import (
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/internal/cluster/inprocess"
	"github.com/seatrial/seatrial/internal/memstore"
)

// Set is how everything in this process reaches one API server.
type Set struct {
	Config    *rest.Config
	Client    *kubernetes.Clientset
	Dynamic   dynamic.Interface
	Informers informers.SharedInformerFactory // shared by all components
	Statuses  *StatusRegistries               // of an API server in memory; nil: statuses are sent as requests
	DB        *memstore.DB                    // of an API server in memory; nil: it is another
	Sequenced bool                            // the transport sequences requests: everything is deterministic

	refs       bool                    // the server passes objects by reference
	prior      *priorEvents            // of the cluster before a restart; nil: it is new
	onEvent    func(*v1.Event)         // see RecordTo
	namespaces listers.NamespaceLister // for onEvent
}

// New returns the clients of an API server. With refs the server passes objects by reference.
func New(config *rest.Config, refs bool) (s *Set, err error) {
	s = &Set{Config: config, refs: refs}
	if s.Dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	if s.Client, err = kubernetes.NewForConfig(s.BuiltIn(inprocess.ServerAgent)); err != nil {
		return nil, err
	}
	s.Informers = informers.NewSharedInformerFactory(s.Client, 0)
	return s, nil
}

// Quiesce waits until all goroutines that can run are idle, where requests are sequenced. A component that polls for
// readiness would otherwise be ready at this poll or the next one, by chance.
func (s *Set) Quiesce() {
	if s.Sequenced {
		time.Sleep(time.Nanosecond)
	}
}

// BuiltIn returns the configuration of a client of built-in kinds, which accepts protobuf, and references where the
// server has them.
func (s *Set) BuiltIn(userAgent string) *rest.Config {
	config := rest.CopyConfig(s.Config)
	config.UserAgent = userAgent
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = inprocess.AcceptSerialized
	if s.refs {
		config.AcceptContentTypes = inprocess.AcceptRefs
	}
	return config
}
