package controllers

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	extensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/runtime/schema"
	policy "k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	k8sscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/klog/v2"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/controller/certificates/approver"
	"k8s.io/kubernetes/pkg/controller/certificates/cleaner"
	"k8s.io/kubernetes/pkg/controller/certificates/signer"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/controller/endpointslicemirroring"
	"k8s.io/kubernetes/pkg/controller/resourceclaim"
	serviceaccountcontroller "k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/controller/servicecidrs"
	"k8s.io/kubernetes/pkg/controller/ttl"
	"k8s.io/kubernetes/pkg/controller/validatingadmissionpolicystatus"
	"k8s.io/kubernetes/pkg/controller/volume/ephemeral"
	"k8s.io/kubernetes/pkg/controller/volume/vacprotection"
	"k8s.io/kubernetes/pkg/generated/openapi"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

// Authority names the files, in PEM, with which a cluster signs certificates and tokens.
type Authority struct {
	Cert, Key  string // of the certificate authority
	AccountKey string // of the tokens of service accounts
}

// liveControllers run in addition where there are real clients, with certificates and tokens.
var liveControllers = []controllerInit{
	{"serviceaccount-token", (*manager).accountTokens},
	{"certificatesigningrequest", (*manager).certificates},
	{"service-cidr", (*manager).serviceRanges},
	{"ttl", (*manager).ttl},
	{"volumeattributesclass-protection", (*manager).attributesProtection},
}

// certificateLife is how long signed certificates are valid, as by default.
const certificateLife = 365 * 24 * time.Hour

func (m *manager) accountTokens() error {
	key, err := keyutil.PrivateKeyFromFile(m.authority.AccountKey)
	if err != nil {
		return err
	}
	generator, err := serviceaccount.JWTTokenGenerator(serviceaccount.LegacyIssuer, key)
	if err != nil {
		return err
	}
	ca, err := m.authority.root()
	if err != nil {
		return err
	}
	c, err := serviceaccountcontroller.NewTokensController(
		klog.FromContext(m.ctx), m.shared.Core().V1().ServiceAccounts(), m.shared.Core().V1().Secrets(), m.client,
		serviceaccountcontroller.TokensControllerOptions{TokenGenerator: generator, RootCA: ca})
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return err
}

// rootCertificate is what pods find as the certificate of the API server. No process reads it.
var rootCertificate = []byte("# simulated cluster: there is no certificate authority\n")

// root returns the certificate of the authority, by which clients verify the API server.
func (a *Authority) root() ([]byte, error) {
	if a == nil {
		return rootCertificate, nil
	}
	data, err := os.ReadFile(a.Cert)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate authority: %w", err)
	}
	return data, nil
}

// certificates approves requests of nodes, and signs and removes approved requests.
func (m *manager) certificates() error {
	requests := m.shared.Certificates().V1().CertificateSigningRequests()
	cert, key := m.authority.Cert, m.authority.Key
	servers, err := signer.NewKubeletServingCSRSigningController(m.ctx, m.client, requests, cert, key, certificateLife)
	if err != nil {
		return err
	}
	kubelets, err := signer.NewKubeletClientCSRSigningController(m.ctx, m.client, requests, cert, key, certificateLife)
	if err != nil {
		return err
	}
	clients, err := signer.NewKubeAPIServerClientCSRSigningController(
		m.ctx, m.client, requests, cert, key, certificateLife,
	)
	if err != nil {
		return err
	}
	legacy, err := signer.NewLegacyUnknownCSRSigningController(m.ctx, m.client, requests, cert, key, certificateLife)
	if err != nil {
		return err
	}
	m.add(func(ctx context.Context) { servers.Run(ctx, 1) })
	m.add(func(ctx context.Context) { kubelets.Run(ctx, 1) })
	m.add(func(ctx context.Context) { clients.Run(ctx, 1) })
	m.add(func(ctx context.Context) { legacy.Run(ctx, 1) })
	approve := approver.NewCSRApprovingController(m.ctx, m.client, requests)
	m.add(func(ctx context.Context) { approve.Run(ctx, 1) })
	clean := cleaner.NewCSRCleanerController(m.client.CertificatesV1().CertificateSigningRequests(), requests)
	m.add(func(ctx context.Context) { clean.Run(ctx, 1) })
	return nil
}

func (m *manager) roleAggregation() error {
	c := clusterroleaggregation.NewClusterRoleAggregation(m.shared.Rbac().V1().ClusterRoles(), m.client.RbacV1())
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return nil
}

func (m *manager) sliceMirroring() error {
	c := endpointslicemirroring.NewController(
		m.ctx, m.shared.Core().V1().Endpoints(), m.shared.Discovery().V1().EndpointSlices(),
		m.shared.Core().V1().Services(), 1000, m.client, 0,
	)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return nil
}

func (m *manager) ephemeralVolumes() error {
	c, err := ephemeral.NewController(
		m.ctx, m.client, m.shared.Core().V1().Pods(), m.shared.Core().V1().PersistentVolumeClaims(),
	)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return err
}

func (m *manager) resourceClaims() error {
	c, err := resourceclaim.NewController(
		klog.FromContext(m.ctx), m.client, m.shared.Core().V1().Pods(), m.shared.Scheduling().V1beta1().PodGroups(),
		m.shared.Resource().V1().ResourceClaims(), m.shared.Resource().V1().ResourceClaimTemplates(),
	)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return err
}

func (m *manager) serviceRanges() error {
	c := servicecidrs.NewController(
		m.ctx, m.shared.Networking().V1().ServiceCIDRs(), m.shared.Networking().V1().IPAddresses(), m.client,
	)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return nil
}

func (m *manager) ttl() error {
	c := ttl.NewTTLController(m.ctx, m.shared.Core().V1().Nodes(), m.client)
	m.add(func(ctx context.Context) { c.Run(ctx, 1) })
	return nil
}

// lazySchemas builds the schemas of all kinds when the first policy is checked.
type lazySchemas func() resolver.SchemaResolver

func (f lazySchemas) ResolveSchema(gvk schema.GroupVersionKind) (*spec.Schema, error) {
	return f().ResolveSchema(gvk)
}

func (m *manager) policyStatus() error {
	schemas := lazySchemas(sync.OnceValue(func() resolver.SchemaResolver {
		return resolver.NewDefinitionsSchemaResolver(
			openapi.GetOpenAPIDefinitions, k8sscheme.Scheme, extensions.Scheme,
		).
			Combine(&resolver.ClientDiscoveryResolver{Discovery: m.client.Discovery()})
	}))
	c, err := validatingadmissionpolicystatus.NewController(
		m.shared.Admissionregistration().V1().ValidatingAdmissionPolicies(),
		m.client.AdmissionregistrationV1().ValidatingAdmissionPolicies(),
		&policy.TypeChecker{SchemaResolver: schemas, RestMapper: m.mapper})
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return err
}

func (m *manager) attributesProtection() error {
	core := m.shared.Core().V1()
	c, err := vacprotection.NewVACProtectionController(
		klog.FromContext(m.ctx), m.client, core.PersistentVolumeClaims(), core.PersistentVolumes(),
		m.shared.Storage().V1().VolumeAttributesClasses(),
	)
	m.add(func(ctx context.Context) { c.Run(ctx, 1) })
	return err
}
