package trial

import (
	"io"
	"net/http"
	"sync"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// connection is the RESTClientGetter with which kubectl's commands reach a trial. Its flags are those of kubectl that
// make sense on a trial.
type connection struct {
	namespace string
	as        string
	groups    []string

	config    *rest.Config // set when the cluster runs
	watches   *watches     // of commands that watch for ever, or nil
	inside    func(func()) // of commands that run outside of virtual time, or nil
	warnings  *warnings
	discovery func() (discovery.CachedDiscoveryInterface, error)
}

var _ genericclioptions.RESTClientGetter = (*connection)(nil)

func (c *connection) bind(flags *pflag.FlagSet) {
	flags.StringVarP(&c.namespace, "namespace", "n", "", "namespace of the request")
	flags.StringVar(&c.as, "as", "", "user to act as")
	flags.StringArrayVar(&c.groups, "as-group", nil, "group to act as a member of; may be repeated")
	// These two are taken out of the arguments before a command is made; here they are for its help.
	flags.String("trial", "", "`file` of the trial")
	flags.String("context", "", "context of the kubeconfig: work on a real cluster")
	c.discovery = sync.OnceValues(c.discover)
}

// ToRESTConfig returns the configuration of a client.
func (c *connection) ToRESTConfig() (*rest.Config, error) {
	config := rest.CopyConfig(c.config)
	config.ContentConfig = rest.ContentConfig{} // kubectl fills in its own
	config.UserAgent = "kubectl"
	config.Impersonate = rest.ImpersonationConfig{UserName: c.as, Groups: c.groups}
	config.Wrap(func(inner http.RoundTripper) http.RoundTripper { return uncalled{inner} })
	if c.watches != nil {
		config.Wrap(c.watches.wrap)
	}
	if c.inside != nil {
		config.Wrap(func(inner http.RoundTripper) http.RoundTripper { return bridge{inner, c.inside} })
	}
	return c.warnings.handle(config), nil
}

func (c *connection) discover() (discovery.CachedDiscoveryInterface, error) {
	config, err := c.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	return memory.NewMemCacheClient(client), nil
}

// ToDiscoveryClient returns a client that discovers once.
func (c *connection) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return c.discovery()
}

// ToRESTMapper returns the mapping of resources and their short names.
func (c *connection) ToRESTMapper() (meta.RESTMapper, error) {
	client, err := c.discovery()
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(client)
	return restmapper.NewShortcutExpander(mapper, client, nil), nil
}

// ToRawKubeConfigLoader returns a configuration with the namespace.
func (c *connection) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	const name = "trial"
	namespace := c.namespace
	if namespace == "" {
		namespace = "default"
	}
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: "http://seatrial"}
	config.Contexts[name] = &api.Context{Cluster: name, Namespace: "default"}
	config.CurrentContext = name
	overrides := &clientcmd.ConfigOverrides{}
	if c.namespace != "" {
		overrides.Context.Namespace = namespace
	}
	return clientcmd.NewDefaultClientConfig(*config, overrides)
}

// watches are the open watches of a command that would not end by itself.
type watches struct {
	mu   sync.Mutex
	open []*body
}

// body is the stream of a watch.
type body struct {
	io.ReadCloser
	mu    sync.Mutex
	ended bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil && b.ended {
		err = io.EOF
	}
	return n, err
}

func (b *body) end() {
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	_ = b.Close() // its reader sees the end instead
}

func (w *watches) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err != nil || req.URL.Query().Get("watch") == "" {
			return resp, err
		}
		b := &body{ReadCloser: resp.Body}
		resp.Body = b
		w.mu.Lock()
		w.open = append(w.open, b)
		w.mu.Unlock()
		return resp, nil
	})
}

// end ends the stream of a watch.
func (w *watches) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.open {
		b.end()
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
