package live

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// ContextName is the name of the cluster, its context and its user in a kubeconfig.
const ContextName = "seatrial"

// RESTConfig returns the configuration of a client of the cluster of the folder, as an administrator.
func (f Folder) RESTConfig() (*rest.Config, error) {
	config, err := f.kubeconfig()
	if err != nil {
		return nil, err
	}
	return clientcmd.NewDefaultClientConfig(*config, &clientcmd.ConfigOverrides{}).ClientConfig()
}

// kubeconfig returns the configuration of the cluster of the folder, keys included.
func (f Folder) kubeconfig() (*api.Config, error) {
	facts, err := f.Facts()
	if err != nil {
		return nil, err
	}
	ids := identities(f.pki())
	var ca, cert, key []byte
	for name, data := range map[string]*[]byte{ids.ca.cert: &ca, ids.admin.cert: &cert, ids.admin.key: &key} {
		if *data, err = os.ReadFile(name); err != nil {
			return nil, fmt.Errorf("reading the keys of the cluster: %w", err)
		}
	}
	config := api.NewConfig()
	config.Clusters[ContextName] = &api.Cluster{Server: facts.URL, CertificateAuthorityData: ca}
	config.AuthInfos[ContextName] = &api.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}
	config.Contexts[ContextName] = &api.Context{Cluster: ContextName, AuthInfo: ContextName}
	config.CurrentContext = ContextName
	return config, nil
}

// AddContext writes the context of the cluster to the user's kubeconfig, and returns the name of the file. It becomes
// the current context only if there was none.
func (f Folder) AddContext() (file string, err error) {
	ours, err := f.kubeconfig()
	if err != nil {
		return "", err
	}
	return changeKubeconfig(func(all *api.Config) bool {
		changed := !holds(all, ours)
		all.Clusters[ContextName] = keepOrigin(ours.Clusters[ContextName], all.Clusters[ContextName])
		all.AuthInfos[ContextName] = ours.AuthInfos[ContextName]
		all.Contexts[ContextName] = ours.Contexts[ContextName]
		if all.CurrentContext == "" {
			all.CurrentContext, changed = ContextName, true
		}
		return changed
	})
}

// RemoveContext removes the context of the cluster from the user's kubeconfig, unless it has become that of another
// cluster.
func (f Folder) RemoveContext() error {
	ours, err := f.kubeconfig()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has never been up
	}
	if err != nil {
		return err
	}
	_, err = changeKubeconfig(func(all *api.Config) bool {
		there := all.Clusters[ContextName]
		if there == nil ||
			!bytes.Equal(there.CertificateAuthorityData, ours.Clusters[ContextName].CertificateAuthorityData) {
			return false
		}
		delete(all.Clusters, ContextName)
		delete(all.AuthInfos, ContextName)
		delete(all.Contexts, ContextName)
		if all.CurrentContext == ContextName {
			all.CurrentContext = ""
		}
		return true
	})
	return err
}

// holds reports whether a kubeconfig describes the cluster already.
func holds(all, ours *api.Config) bool {
	c, u := all.Clusters[ContextName], all.AuthInfos[ContextName]
	return c != nil && u != nil && all.Contexts[ContextName] != nil &&
		c.Server == ours.Clusters[ContextName].Server &&
		bytes.Equal(c.CertificateAuthorityData, ours.Clusters[ContextName].CertificateAuthorityData) &&
		bytes.Equal(u.ClientCertificateData, ours.AuthInfos[ContextName].ClientCertificateData) &&
		bytes.Equal(u.ClientKeyData, ours.AuthInfos[ContextName].ClientKeyData)
}

// keepOrigin leaves an entry in the file that it came from, if there are several.
func keepOrigin(ours, there *api.Cluster) *api.Cluster {
	if there != nil {
		ours.LocationOfOrigin = there.LocationOfOrigin
	}
	return ours
}

// changeKubeconfig applies change to the user's kubeconfig, and writes it if it has changed, as kubectl config does. A
// file that holds a key becomes readable for the user alone.
func changeKubeconfig(change func(*api.Config) bool) (file string, err error) {
	access := clientcmd.NewDefaultPathOptions()
	file = access.GetDefaultFilename()
	config, err := access.GetStartingConfig()
	if err != nil {
		return file, fmt.Errorf("reading the kubeconfig: %w; KUBECONFIG names another file", err)
	}
	if !change(config) {
		return file, nil
	}
	if err := clientcmd.ModifyConfig(access, *config, false); err != nil {
		return file, fmt.Errorf("writing the kubeconfig: %w; KUBECONFIG names another file", err)
	}
	if c := config.Clusters[ContextName]; c != nil && c.LocationOfOrigin != "" {
		file = c.LocationOfOrigin
	}
	if err := os.Chmod(file, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return file, fmt.Errorf("others can read %s, which holds a key: %w", file, err)
	}
	return file, nil
}
