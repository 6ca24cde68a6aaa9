package trial

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/validation"
)

// ownServer is a factory for a trial, whose API server validates fields. kubectl's factory finds that out from the
// schemas of each group, which would be built only for that: a tenth of a command.
type ownServer struct{ util.Factory }

// Validator returns a schema that leaves to the server what the server validates.
func (f ownServer) Validator(directive string) (validation.Schema, error) {
	usual, err := f.Factory.Validator(directive)
	return serverSide{f.Factory, usual}, err
}

// serverSide validates only what the server does not.
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
