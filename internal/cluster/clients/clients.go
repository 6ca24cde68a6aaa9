package clients

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
type Set struct {
	refs      bool // the server hands objects over
	Config    *rest.Config
	Client    *kubernetes.Clientset
	Dynamic   dynamic.Interface
	Informers informers.SharedInformerFactory // shared by all that act on the stored objects
	prior     *priorEvents                    // of an earlier life; nil: there is none
	onEvent   func(*v1.Event)                 // Config.Told
	Statuses  *StatusRegistries               // that take statuses without a request; nil: the server is somebody else's

	namespaces listers.NamespaceLister // of who tells
}

func New(config *rest.Config, handing bool) (c *Set, err error) {
	c = &Set{Config: config, refs: handing}
	if c.Dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	if c.Client, err = kubernetes.NewForConfig(c.BuiltIn(inprocess.ServerAgent)); err != nil {
		return nil, err
	}
	c.Informers = informers.NewSharedInformerFactory(c.Client, 0)
	return c, nil
}

// builtIn gives the configuration of a client of built-in kinds, which go faster in protobuf, and fastest if they
// are handed over.
func (c *Set) BuiltIn(userAgent string) *rest.Config {
	config := rest.CopyConfig(c.Config)
	config.UserAgent = userAgent
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = inprocess.AcceptSerialized
	if c.refs {
		config.AcceptContentTypes = inprocess.AcceptRefs
	}
	return config
}
