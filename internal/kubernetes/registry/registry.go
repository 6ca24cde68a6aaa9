// Package registry is the table of the REST storages of the API server, which the validator and the
// embedded cluster share.
//
// [Groups] returns one provider for each built-in API group. What a server shares with its storages is in
// [Options]; where the storages keep their objects is the business of the generic.RESTOptionsGetter that
// NewRESTStorage takes.
package registry

import (
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	admissionregistrationrest "k8s.io/kubernetes/pkg/registry/admissionregistration/rest"
	apiserverinternalrest "k8s.io/kubernetes/pkg/registry/apiserverinternal/rest"
	appsrest "k8s.io/kubernetes/pkg/registry/apps/rest"
	authenticationrest "k8s.io/kubernetes/pkg/registry/authentication/rest"
	authorizationrest "k8s.io/kubernetes/pkg/registry/authorization/rest"
	autoscalingrest "k8s.io/kubernetes/pkg/registry/autoscaling/rest"
	batchrest "k8s.io/kubernetes/pkg/registry/batch/rest"
	certificatesrest "k8s.io/kubernetes/pkg/registry/certificates/rest"
	coordinationrest "k8s.io/kubernetes/pkg/registry/coordination/rest"
	discoveryrest "k8s.io/kubernetes/pkg/registry/discovery/rest"
	eventsrest "k8s.io/kubernetes/pkg/registry/events/rest"
	flowcontrolrest "k8s.io/kubernetes/pkg/registry/flowcontrol/rest"
	networkingrest "k8s.io/kubernetes/pkg/registry/networking/rest"
	noderest "k8s.io/kubernetes/pkg/registry/node/rest"
	policyrest "k8s.io/kubernetes/pkg/registry/policy/rest"
	rbacrest "k8s.io/kubernetes/pkg/registry/rbac/rest"
	resourcerest "k8s.io/kubernetes/pkg/registry/resource/rest"
	schedulingrest "k8s.io/kubernetes/pkg/registry/scheduling/rest"
	storagerest "k8s.io/kubernetes/pkg/registry/storage/rest"
	svmrest "k8s.io/kubernetes/pkg/registry/storagemigration/rest"
)

// EventTTL is how long events are kept, as by default.
const EventTTL = time.Hour

// Options are what the storages share with the server that serves them.
type Options struct {
	Config        *restclient.Config // of a client of the server itself
	Client        kubernetes.Interface
	Informers     informers.SharedInformerFactory
	Authenticator authenticator.Request
	Authorizer    authorizer.Authorizer
	RuleResolver  authorizer.RuleResolver
	Allocators    *Allocators             // of Services
	Processes     map[string]rest.Storage // serve the subresources of pods that need a running container
	Gated         bool                    // adds the kinds behind feature gates that are off by default
}

// Provider makes the REST storages of an API group, as those of k8s.io/kubernetes/pkg/registry do.
type Provider interface {
	GroupName() string
	NewRESTStorage(
		served serverstorage.APIResourceConfigSource, options generic.RESTOptionsGetter,
	) (genericapiserver.APIGroupInfo, error)
}

// Groups returns the providers of the built-in API groups, in the order in which clients prefer them.
func Groups(o *Options) []Provider {
	groups := []Provider{
		&coreGroup{o},
		authenticationrest.RESTStorageProvider{Authenticator: o.Authenticator},
		authorizationrest.RESTStorageProvider{Authorizer: o.Authorizer, RuleResolver: o.RuleResolver},
		autoscalingrest.RESTStorageProvider{},
		batchrest.RESTStorageProvider{},
		certificatesrest.RESTStorageProvider{Authorizer: o.Authorizer},
		coordinationrest.RESTStorageProvider{},
		discoveryrest.StorageProvider{},
		networkingrest.RESTStorageProvider{},
		noderest.RESTStorageProvider{},
		policyrest.RESTStorageProvider{},
		rbacrest.RESTStorageProvider{Authorizer: o.Authorizer},
		scheduling(o.Gated),
		storagerest.RESTStorageProvider{},
		flowcontrolrest.RESTStorageProvider{InformerFactory: o.Informers},
		appsrest.StorageProvider{},
		admissionregistrationrest.RESTStorageProvider{Authorizer: o.Authorizer, DiscoveryClient: o.Client.Discovery()},
		eventsrest.RESTStorageProvider{TTL: EventTTL},
		resourcerest.RESTStorageProvider{NamespaceClient: o.Client.CoreV1().Namespaces(), Authorizer: o.Authorizer},
		svmrest.RESTStorageProvider{},
		apiserverinternalrest.StorageProvider{},
	}
	if o.Gated {
		groups = append(groups, lifecycleGroup{})
	}
	return groups
}

// scheduling returns the provider of the scheduling group.
func scheduling(gated bool) Provider {
	if gated {
		return gatedScheduling{}
	}
	return schedulingrest.RESTStorageProvider{}
}

// AllResources enables all resources of all versions, alpha and beta too.
type AllResources struct{}

// ResourceEnabled reports true.
func (AllResources) ResourceEnabled(schema.GroupVersionResource) bool { return true }

// ResourceExplicitlyEnabled reports true.
func (AllResources) ResourceExplicitlyEnabled(schema.GroupVersionResource) bool { return true }

// VersionExplicitlyEnabled reports true.
func (AllResources) VersionExplicitlyEnabled(schema.GroupVersion) bool { return true }

// AnyResourceForGroupEnabled reports true.
func (AllResources) AnyResourceForGroupEnabled(string) bool { return true }

// Anonymous authenticates nobody: the answer to a TokenReview of an unknown token.
type Anonymous struct{}

// AuthenticateRequest reports that the user is not authenticated.
func (Anonymous) AuthenticateRequest(*http.Request) (*authenticator.Response, bool, error) {
	return nil, false, nil
}
