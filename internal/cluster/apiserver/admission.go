package apiserver

import (
	"context"
	"fmt"

	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	mutatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/mutating"
	validatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/validating"
	quota "k8s.io/apiserver/pkg/quota/v1"
	genericapiserver "k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"
	kubeadmission "k8s.io/kubernetes/pkg/kubeapiserver/admission"
	"k8s.io/kubernetes/pkg/kubeapiserver/options"
	"k8s.io/kubernetes/pkg/quota/v1/install"

	"github.com/seatrial/seatrial/internal/cluster/clients"
	"github.com/seatrial/seatrial/internal/cluster/inprocess"
)

// webhooks are the admission plugins that would send requests out of the simulation.
var webhooks = []string{mutatingwebhook.PluginName, validatingwebhook.PluginName}

// admission returns the chain of plugins that are on by default, without webhooks.
func (s *Server) admission(ctx context.Context) (admission.Interface, error) {
	plugins := admission.NewPlugins()
	options.RegisterAllAdmissionPlugins(plugins)
	genericapiserver.RegisterAllAdmissionPlugins(plugins)
	off := options.DefaultOffAdmissionPlugins().Insert(webhooks...)
	var names []string
	for _, name := range options.AllOrderedPlugins {
		if !off.Has(name) {
			names = append(names, name)
		}
	}
	config, err := admission.ReadAdmissionConfiguration(names, "", nil)
	if err != nil {
		return nil, err
	}
	quotas, err := install.NewQuotaConfigurationForAdmission(s.Informers, s.resources)
	if err != nil {
		return nil, err
	}
	var client kubernetes.Interface = s.Client
	if s.Sequenced {
		client = clients.NewCachedDiscovery(client, s.options.DB)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(s.Client.Discovery()))
	return plugins.NewFromPlugins(names, config, admission.PluginInitializers{
		initializer.New(client, s.Dynamic, s.Informers, s.generic.Authorization.Authorizer,
			utilfeature.DefaultFeatureGate, s.generic.EffectiveVersion, ctx.Done(), mapper),
		kubeadmission.NewPluginInitializer(),
		quotaInitializer{quotas},
		waiters{&s.admitting},
	}, admission.DecoratorFunc(s.inOrder))
}

// inOrder has requests that wait for the same update of a quota go on one after another.
func (s *Server) inOrder(plugin admission.Interface, name string) admission.Interface {
	if quotas, ok := plugin.(admission.ValidationInterface); ok && name == resourcequota.PluginName && s.Sequenced {
		return orderedQuotas{quotas, s.transport}
	}
	return plugin
}

// orderedQuotas is the plugin that checks quotas. It admits the requests of a namespace together, and their goroutines
// would race.
type orderedQuotas struct {
	admission.ValidationInterface
	transport *inprocess.Transport
}

func (q orderedQuotas) Validate(ctx context.Context, a admission.Attributes, o admission.ObjectInterfaces) error {
	defer q.transport.Waiting()()
	return q.ValidationInterface.Validate(ctx, a, o)
}

// waiter is a plugin that is ready when its caches are.
type waiter interface{ WaitForReady() bool }

// waiters collects the plugins that become ready later.
type waiters struct{ all *[]waiter }

func (w waiters) Initialize(plugin admission.Interface) {
	if p, ok := plugin.(waiter); ok {
		*w.all = append(*w.all, p)
	}
}

// awaitPlugins waits until the caches of the admission plugins are filled.
func (s *Server) awaitPlugins() error {
	for _, p := range s.admitting {
		if !p.WaitForReady() {
			return fmt.Errorf("admission plugin %T does not get ready", p)
		}
	}
	return nil
}

// quotaInitializer passes the quota configuration to the plugin that needs it.
type quotaInitializer struct{ config quota.Configuration }

func (q quotaInitializer) Initialize(plugin admission.Interface) {
	if wants, ok := plugin.(initializer.WantsQuotaConfiguration); ok {
		wants.SetQuotaConfiguration(q.config)
	}
}
