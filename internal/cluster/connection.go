package cluster

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/internal/cluster/inprocess"
)

// connection is how everything in this process reaches an API server: ours in memory, or another.
type connection struct {
	handing    bool // the server hands objects over
	config     *rest.Config
	client     *kubernetes.Clientset
	dynamic    dynamic.Interface
	informers  informers.SharedInformerFactory // shared by all that act on the stored objects
	earlier    *earlierEvents                  // of an earlier life; nil: there is none
	told       func(*v1.Event)                 // Config.Told
	registries *registries                     // that take statuses without a request; nil: the server is somebody else's

	namespaces listers.NamespaceLister // of who tells
}

func connect(config *rest.Config, handing bool) (c *connection, err error) {
	c = &connection{config: config, handing: handing}
	if c.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	if c.client, err = kubernetes.NewForConfig(c.builtIn(inprocess.ServerAgent)); err != nil {
		return nil, err
	}
	c.informers = informers.NewSharedInformerFactory(c.client, 0)
	return c, nil
}

// builtIn gives the configuration of a client of built-in kinds, which go faster in protobuf, and fastest if they
// are handed over.
func (c *connection) builtIn(userAgent string) *rest.Config {
	config := rest.CopyConfig(c.config)
	config.UserAgent = userAgent
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = inprocess.AcceptSerialized
	if c.handing {
		config.AcceptContentTypes = inprocess.AcceptRefs
	}
	return config
}
