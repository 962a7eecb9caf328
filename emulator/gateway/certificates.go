package gateway

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/emulator/atomicfile"
)

// Names of the files in the TLS folder. EMOTIV's examples look for a file called
// rootCA.pem ("Connecting to the Cortex API" page), so ours is called the same.
const (
	caCertFile = "rootCA.pem"
	caKeyFile  = "rootCA.key"
)

const (
	caLifetime = 10 * 365 * 24 * time.Hour
	// Apple's stacks refuse a server certificate that lives longer than 825
	// days, also below a CA that the user has added.
	leafLifetime = 800 * 24 * time.Hour
	// Not-before lies in the past for clients, containers and virtual machines
	// whose clock is behind.
	backdate = 24 * time.Hour
)

// standardNames are in every server certificate: the names under which clients
// reach Cortex (localhost; emotiv-cortex.remote from the Raspberry Pi page) and
// those that lead from a container to the host or to another container.
var standardNames = [...]string{"localhost", "127.0.0.1", "::1", "emotiv-cortex.remote", "host.docker.internal", "fakecortex"}

// Authority is a private CA that issues the certificates of the listener, in the
// place of the real service's "Emotiv CA Root".
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
	path string
	now  time.Time
}

// NewAuthority makes a CA in memory, valid from a day before now for ten years.
func NewAuthority(now time.Time) (*Authority, error) {
	// P-256 rather than RSA: every TLS stack of the last ten years takes it
	// (Schannel, OpenSSL, BoringSSL of Unity, Java 8, rustls), and an RSA key
	// alone would cost more than the time we have to start.
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the CA's key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	// OpenSSL's strict mode, the default of Python 3.13, wants the key usage,
	// the critical basic constraints and both key identifiers.
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "fakecortex CA", Organization: []string{"fakecortex"}},
		NotBefore:             now.Add(-backdate).UTC(),
		NotAfter:              now.Add(caLifetime).UTC(),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
		SubjectKeyId:          keyID(&key.PublicKey),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make the CA's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back the CA's certificate: %w", err)
	}
	return &Authority{cert: cert, key: key, pem: encodeCert(der), now: now}, nil
}

// OpenAuthority loads the CA from rootCA.pem and rootCA.key in dir, and makes
// both when neither is there (the folder 0700, the key 0600). Two processes that
// start at once end up with the same CA.
//
// Files that are damaged, expired or do not belong together are an error that
// says how to renew them. They are never replaced: somebody trusts that CA.
func OpenAuthority(dir string, now time.Time) (*Authority, error) {
	keyPath, certPath := filepath.Join(dir, caKeyFile), filepath.Join(dir, caCertFile)
	keyPEM, err := os.ReadFile(keyPath)
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := os.Lstat(certPath); statErr == nil {
			// The key always comes first, so this is no race. Look once more all
			// the same: it may have come between the two looks.
			if keyPEM, err = os.ReadFile(keyPath); err != nil {
				return nil, renewError(dir, keyPath, "is missing, without it nothing can be issued for "+certPath)
			}
		} else {
			if err := createAuthority(dir, keyPath, now); err != nil {
				return nil, err
			}
			keyPEM, err = os.ReadFile(keyPath)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("TLS folder %s: cannot read the CA's key: %w", dir, err)
	}

	// The key file holds the key and a copy of the certificate, so that the pair
	// comes into being in one step. rootCA.pem is made from that copy.
	key, bundled, err := parseKeyFile(keyPEM)
	if err != nil {
		return nil, renewError(dir, keyPath, err.Error())
	}
	certPEM, err := os.ReadFile(certPath)
	switch {
	case errors.Is(err, fs.ErrNotExist) && bundled != nil:
		certPEM = encodeCert(bundled)
		if err := writeFile(certPath, certPEM, 0o644, os.Rename); err != nil {
			return nil, folderError(dir, err)
		}
	case errors.Is(err, fs.ErrNotExist):
		return nil, renewError(dir, certPath, "is missing, and "+keyPath+" has no copy of it")
	case err != nil:
		return nil, fmt.Errorf("TLS folder %s: cannot read the CA's certificate: %w", dir, err)
	}
	block, _ := pem.Decode(certPEM)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, renewError(dir, certPath, "is damaged: it holds no PEM certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, renewError(dir, certPath, "is damaged: "+err.Error())
	}
	switch {
	case !key.PublicKey.Equal(cert.PublicKey):
		return nil, renewError(dir, certPath, "does not belong to the key in "+keyPath)
	case !cert.IsCA || cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, renewError(dir, certPath, "is not the certificate of a CA")
	case now.After(cert.NotAfter):
		return nil, renewError(dir, certPath, "expired on "+cert.NotAfter.Format(time.DateOnly))
	case now.Before(cert.NotBefore):
		return nil, renewError(dir, certPath, "is not valid before "+cert.NotBefore.Format(time.DateOnly)+" (is the clock of this machine right?)")
	}
	return &Authority{cert: cert, key: key, pem: encodeCert(block.Bytes), path: certPath, now: now}, nil
}

func createAuthority(dir, keyPath string, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return folderError(dir, err)
	}
	a, err := NewAuthority(now)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return fmt.Errorf("encode the CA's key: %w", err)
	}
	bundle := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), a.pem...)
	// A hard link fails when the name is taken: the first process wins and the
	// others load its key. File systems without links get a rename.
	place := func(from, to string) error {
		err := os.Link(from, to)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return nil
		}
		return os.Rename(from, to)
	}
	if err := writeFile(keyPath, bundle, 0o600, place); err != nil {
		return folderError(dir, err)
	}
	return nil
}

// writeFile writes a file in one step, see atomicfile.Write.
func writeFile(path string, data []byte, mode fs.FileMode, place func(from, to string) error) error {
	return atomicfile.Write(path, mode, place, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func renewError(dir, file, what string) error {
	return fmt.Errorf("TLS folder %s: %s %s; to renew the CA delete both %s and %s, start again, and trust the new %s where the old one was trusted",
		dir, file, what, caCertFile, caKeyFile, caCertFile)
}

func folderError(dir string, err error) error {
	return fmt.Errorf("TLS folder %s: cannot make the CA's files: %w; make the folder writable or choose another", dir, err)
}

func parseKeyFile(data []byte) (*ecdsa.PrivateKey, []byte, error) {
	var key *ecdsa.PrivateKey
	var cert []byte
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		switch block.Type {
		case "PRIVATE KEY":
			k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, nil, fmt.Errorf("is damaged: %w", err)
			}
			var ok bool
			if key, ok = k.(*ecdsa.PrivateKey); !ok {
				return nil, nil, fmt.Errorf("holds a %T, want an ECDSA key", k)
			}
		case "CERTIFICATE":
			cert = block.Bytes
		}
	}
	if key == nil {
		return nil, nil, errors.New("is damaged: it holds no PEM private key")
	}
	return key, cert, nil
}

// PEM returns the CA's certificate, for a client's trust store.
func (a *Authority) PEM() []byte { return bytes.Clone(a.pem) }

// CertPath returns the file of the CA's certificate, "" for one in memory.
func (a *Authority) CertPath() string { return a.path }

// Pool returns a pool with the CA, for a Go client's tls.Config.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// CheckName says whether a server certificate can have the name.
func CheckName(name string) error {
	if address(name) == nil && !validHostName(name) {
		return fmt.Errorf("TLS name %q: want a host name such as cortex.example or an IP address, with no scheme and no port", name)
	}
	return nil
}

// address is the IP address that a name is, nil for a host's.
func address(name string) net.IP { return net.ParseIP(strings.Trim(name, "[]")) }

// ServerConfig returns the listener's TLS configuration with a certificate made
// now for localhost, 127.0.0.1, ::1, emotiv-cortex.remote, host.docker.internal,
// fakecortex and the given names, which are host names or IP addresses (such as
// 10.0.2.2, the host as an Android emulator sees it).
//
// TLS 1.2 and 1.3: the Unity and C# clients speak 1.2 only, and Cortex has
// refused less since 3.7 (release notes of October 2025).
func (a *Authority) ServerConfig(names []string) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the server's key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "localhost", Organization: []string{"fakecortex"}},
		NotBefore:             a.now.Add(-backdate).UTC(),
		NotAfter:              a.now.Add(leafLifetime).UTC(),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		SubjectKeyId:          keyID(&key.PublicKey),
	}
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	seen := map[string]bool{}
	for _, name := range append(standardNames[:], names...) {
		if seen[name] {
			continue
		}
		seen[name] = true
		if err := CheckName(name); err != nil {
			return nil, err
		}
		if ip := address(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("make the server's certificate: %w", err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// The CA stands in the chain for clients that print what they were shown.
		Certificates: []tls.Certificate{{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}},
		// Full records from the start: the outbox writes in large pieces.
		DynamicRecordSizingDisabled: true,
	}, nil
}

func validHostName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(name, "*."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
				return false
			}
		}
	}
	return true
}

func newSerial() (*big.Int, error) {
	// 127 bits: positive and at most 20 octets, as RFC 5280 4.1.2.2 wants it.
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	return n.Add(n, big.NewInt(1)), nil
}

func keyID(key *ecdsa.PublicKey) []byte {
	point, err := key.Bytes()
	if err != nil {
		return nil // never for a key that was just made
	}
	sum := sha256.Sum256(point)
	return sum[:20]
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
