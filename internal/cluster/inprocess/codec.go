package inprocess

import (
	"net/http"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	"github.com/seatrial/seatrial/internal/kubernetes/hooks/codecs"
	"github.com/seatrial/seatrial/internal/kubernetes/registry"
)

// The API server in memory and its clients share a process: responses and the events of watches are passed by
// reference. Requests are still serialized: they may be sent again, and their order depends on their content.

// RefCodecs returns the codecs of the built-in kinds.
var RefCodecs = sync.OnceValue(func() serializer.CodecFactory { return registry.WithRefCodec(legacyscheme.Scheme) })

// Clients decode references.
func init() { codecs.Set(registry.WithRefCodec(scheme.Scheme)) }

// Values of the Accept header of clients of built-in kinds.
const (
	AcceptSerialized = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	AcceptRefs       = registry.RefMediaType + "," + AcceptSerialized
)

// withoutRefs makes a request whose response may never be read accept only serialized objects: an object that is not
// decoded would stay in the table of references.
func withoutRefs(req *http.Request) {
	if req.Method == http.MethodDelete && req.Header.Get("Accept") == AcceptRefs {
		req.Header.Set("Accept", AcceptSerialized)
	}
}
