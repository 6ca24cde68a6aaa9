package trial

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/validation"
)

// ownServer is a factory for a trial, whose API server is known to validate fields. kubectl's looks
// that up in the schemas of each group, which would have to be made for nothing else: a tenth of a command.
type ownServer struct{ util.Factory }

// Validator leaves what the server will validate to the server.
func (f ownServer) Validator(directive string) (validation.Schema, error) {
	usual, err := f.Factory.Validator(directive)
	return serverSide{f.Factory, usual}, err
}

// serverSide validates nothing that the server will. The rest is up to the usual validation.
type serverSide struct {
	factory util.Factory
	usual   validation.Schema
}

func (s serverSide) ValidateBytes(data []byte) error {
	kind, err := json.DefaultMetaFactory.Interpret(data)
	if err == nil && s.served(*kind) {
		return nil
	}
	return s.usual.ValidateBytes(data)
}

// served reports whether the server validates the fields of a kind: of all that can be patched.
func (s serverSide) served(kind schema.GroupVersionKind) bool {
	client, err := s.factory.ToDiscoveryClient()
	if err != nil {
		return false
	}
	known, err := client.ServerResourcesForGroupVersion(kind.GroupVersion().String())
	if err != nil {
		return false
	}
	return slices.ContainsFunc(known.APIResources, func(r metav1.APIResource) bool {
		return r.Kind == kind.Kind && slices.Contains(r.Verbs, "patch")
	})
}
