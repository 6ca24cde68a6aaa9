// Package codecs changes the codecs of the typed clients of client-go.
package codecs

import (
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
)

// Set makes typed clients that are created from now on use the codecs. A client has no setting for them: it reads
// this variable. Risk: clients that take their codecs from elsewhere do not know our media type, and get
// serialized objects, which is slower, and nothing else.
func Set(codecs serializer.CodecFactory) { scheme.Codecs = codecs }
