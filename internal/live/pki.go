package live

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apiserver/pkg/authentication/user"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"

	"github.com/seatrial/seatrial/internal/atomicfile"
)

const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 365 * 24 * time.Hour
	renewIn  = 30 * 24 * time.Hour // before a certificate ends
)

// identity is a certificate and its key, in files.
type identity struct{ cert, key string }

// pki are the identities of a cluster.
type pki struct {
	ca      identity
	server  identity
	admin   identity
	account identity // signs the tokens of service accounts; a key alone
}

// newPKI reads the identities of a folder, and creates those that are missing or expire soon.
func newPKI(folder string) (*pki, error) {
	if err := makeFolder(folder); err != nil {
		return nil, err
	}
	p := identities(folder)
	ca, caKey, err := p.authority()
	if err != nil {
		return nil, err
	}
	if err := p.server.ensure(ca, caKey, serverTemplate()); err != nil {
		return nil, err
	}
	if err := p.admin.ensure(ca, caKey, adminTemplate()); err != nil {
		return nil, err
	}
	_, err = keyutil.PrivateKeyFromFile(p.account.key)
	if errors.Is(err, os.ErrNotExist) {
		_, err = writeKey(p.account.key)
	} else if err != nil {
		err = unreadable(p.account.key, err)
	}
	return p, err
}

// identities returns the file names in a folder.
func identities(folder string) *pki {
	pair := func(name string) identity {
		return identity{filepath.Join(folder, name+".crt"), filepath.Join(folder, name+".key")}
	}
	return &pki{ca: pair("ca"), server: pair("apiserver"), admin: pair("admin"), account: pair("service-account")}
}

// authority returns the certificate authority of the cluster.
func (p *pki) authority() (*x509.Certificate, crypto.Signer, error) {
	cert, key, err := p.ca.read()
	if err == nil && time.Now().Before(cert.NotAfter) {
		return cert, key, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, err
	}
	if key, err = writeKey(p.ca.key); err != nil {
		return nil, nil, err
	}
	template := newTemplate(pkix.Name{CommonName: "seatrial"}, caLife)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	if err := writeCert(p.ca.cert, template, template, key.Public(), key); err != nil {
		return nil, nil, err
	}
	return p.ca.read()
}

func newTemplate(subject pkix.Name, life time.Duration) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // it does not fail
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: subject, NotBefore: now.Add(-time.Minute), NotAfter: now.Add(life),
	}
}

func serverTemplate() *x509.Certificate {
	t := newTemplate(pkix.Name{CommonName: "kube-apiserver"}, leafLife)
	t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	t.DNSNames = []string{
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc.cluster.local",
	}
	t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), serviceIP}
	return t
}

func adminTemplate() *x509.Certificate {
	t := newTemplate(
		pkix.Name{CommonName: "kubernetes-admin", Organization: []string{user.SystemPrivilegedGroup}}, leafLife,
	)
	t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return t
}

// ensure creates the certificate, unless there is one that is valid for a while.
func (i identity) ensure(ca *x509.Certificate, caKey crypto.Signer, template *x509.Certificate) error {
	cert, _, err := i.read()
	if err == nil && time.Now().Add(renewIn).Before(cert.NotAfter) && cert.CheckSignatureFrom(ca) == nil {
		return nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	key, err := writeKey(i.key)
	if err != nil {
		return err
	}
	return writeCert(i.cert, template, ca, key.Public(), caKey)
}

func (i identity) read() (*x509.Certificate, crypto.Signer, error) {
	certs, err := certutil.CertsFromFile(i.cert)
	if err != nil {
		return nil, nil, unreadable(i.cert, err)
	}
	key, err := keyutil.PrivateKeyFromFile(i.key)
	if err != nil {
		return nil, nil, unreadable(i.key, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, unreadable(i.key, errors.New("the key cannot sign"))
	}
	return certs[0], signer, nil
}

func unreadable(name string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return err
	}
	return fmt.Errorf("reading %s: %w; delete the file, and a new one is made", name, err)
}

func writeKey(name string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	data, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return key, atomicfile.Write(name, data, 0o600)
}

func writeCert(name string, template, parent *x509.Certificate, public any, signer crypto.Signer) error {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return fmt.Errorf("making the certificate of %s: %w", template.Subject.CommonName, err)
	}
	return atomicfile.Write(
		name, pem.EncodeToMemory(&pem.Block{Type: certutil.CertificateBlockType, Bytes: der}), 0o600,
	)
}
