package live

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// ExternalEtcd is a running etcd cluster.
type ExternalEtcd struct {
	Endpoints                 []string
	CAFile, CertFile, KeyFile string
	Prefix                    string // of all keys
}

// Validate returns an error if the etcd cannot be reached as configured.
func (e ExternalEtcd) Validate() error {
	for _, endpoint := range e.Endpoints {
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Port() == "" {
			return fmt.Errorf("%q is no address of an etcd: want https://HOST:PORT", endpoint)
		}
	}
	return nil
}

func (e ExternalEtcd) addresses() string { return strings.Join(e.Endpoints, ",") }

// storePatience is how long an external etcd may take to respond.
const storePatience = 10 * time.Second

// connect connects to the etcd. One member that responds is enough.
func (e ExternalEtcd) connect(ctx context.Context) (*clientv3.Client, error) {
	config := clientv3.Config{Endpoints: e.Endpoints, DialTimeout: storePatience, Logger: zap.NewNop()}
	var err error
	if config.TLS, err = e.tls(); err != nil {
		return nil, fmt.Errorf("reading the certificates for etcd: %w", err)
	}
	client, err := clientv3.New(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to etcd: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	answers := make(chan error, len(e.Endpoints))
	for _, endpoint := range e.Endpoints {
		go func() { answers <- ask(ctx, client, endpoint) }()
	}
	var failed []error
	for range e.Endpoints {
		err := <-answers
		if err == nil {
			return client, nil
		}
		failed = append(failed, err)
	}
	err = fmt.Errorf(
		"etcd at %s does not answer: %w; --etcd-endpoints, --etcd-ca, --etcd-cert and --etcd-key say how to reach it",
		e.addresses(), errors.Join(failed...),
	)
	return nil, errors.Join(err, client.Close())
}

// ask sends a request to one member. It fails at once if the member does not listen.
func ask(ctx context.Context, client *clientv3.Client, endpoint string) error {
	if u, err := url.Parse(endpoint); err == nil {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
		if err != nil {
			return err
		}
		if err := connection.Close(); err != nil {
			return err
		}
	}
	_, err := client.Status(ctx, endpoint)
	return err
}

// tls returns the TLS configuration for the etcd; nil: without TLS.
func (e ExternalEtcd) tls() (*tls.Config, error) {
	if e.CertFile == "" && e.KeyFile == "" && e.CAFile == "" {
		return nil, nil
	}
	return transport.TLSInfo{CertFile: e.CertFile, KeyFile: e.KeyFile, TrustedCAFile: e.CAFile}.ClientConfig()
}
