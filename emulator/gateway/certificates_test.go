package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func leafOf(t *testing.T, a *Authority, names ...string) *x509.Certificate {
	t.Helper()
	config, err := a.ServerConfig(names)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	require.NoError(t, err)
	return leaf
}

func TestCertificatesCarryWhatStrictClientsWant(t *testing.T) {
	now := time.Now()
	a, err := NewAuthority(now)
	require.NoError(t, err)
	leaf := leafOf(t, a, "10.0.2.2", "cortex.example", "localhost")

	for _, name := range []string{"localhost", "127.0.0.1", "::1", "emotiv-cortex.remote", "host.docker.internal", "fakecortex", "10.0.2.2", "cortex.example"} {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: a.Pool(), DNSName: name, CurrentTime: now})
		assert.NoError(t, err, name)
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: a.Pool(), DNSName: "elsewhere.example", CurrentTime: now})
	assert.Error(t, err)
	assert.Len(t, leaf.DNSNames, 5, "localhost is there once")

	ca := a.cert
	assert.True(t, ca.IsCA)
	assert.True(t, ca.MaxPathLenZero)
	assert.NotZero(t, ca.KeyUsage&x509.KeyUsageCertSign)
	assert.NotEmpty(t, ca.SubjectKeyId)
	assert.Equal(t, ca.SubjectKeyId, leaf.AuthorityKeyId)
	assert.NotEmpty(t, leaf.SubjectKeyId)
	assert.False(t, leaf.IsCA)
	assert.True(t, leaf.NotBefore.Before(now))
	assert.LessOrEqual(t, leaf.NotAfter.Sub(leaf.NotBefore), 825*24*time.Hour)
}

func TestServerConfigNamesTheBadName(t *testing.T) {
	a, err := NewAuthority(time.Now())
	require.NoError(t, err)
	for _, bad := range []string{"", "wss://localhost", "host:6868", "a b", "-x", "a..b"} {
		_, err := a.ServerConfig([]string{bad})
		assert.ErrorContains(t, err, "TLS name", "%q", bad)
	}
}

// OpenSSL's strict mode is the default of Python 3.13.
func TestOpenSSLStrictAcceptsTheChain(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl here")
	}
	dir := t.TempDir()
	a, err := OpenAuthority(dir, time.Now())
	require.NoError(t, err)
	leaf := filepath.Join(dir, "leaf.pem")
	require.NoError(t, os.WriteFile(leaf, encodeCert(leafOf(t, a).Raw), 0o600))
	out, err := exec.Command(openssl, "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost", "-CAfile", a.CertPath(), leaf).CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

func TestAuthorityIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "tls")
	now := time.Now()
	first, err := OpenAuthority(dir, now)
	require.NoError(t, err)
	second, err := OpenAuthority(dir, now.Add(24*time.Hour))
	require.NoError(t, err)
	assert.Equal(t, first.PEM(), second.PEM())
	assert.Equal(t, filepath.Join(dir, "rootCA.pem"), first.CertPath())
	for name, want := range map[string]os.FileMode{"rootCA.key": 0o600, "rootCA.pem": 0o644, ".": 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode().Perm(), name)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "nothing temporary stays")

	require.NoError(t, os.Remove(first.CertPath()))
	third, err := OpenAuthority(dir, now)
	require.NoError(t, err)
	assert.Equal(t, first.PEM(), third.PEM(), "the same certificate comes back, not another one")
}

func TestAuthorityMadeByManyAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	pems := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range pems {
		wg.Go(func() {
			a, err := OpenAuthority(dir, time.Now())
			if assert.NoError(t, err) {
				pems[i] = a.PEM()
			}
		})
	}
	wg.Wait()
	for _, p := range pems {
		assert.Equal(t, string(pems[0]), string(p))
	}
}

func TestAuthorityRefusesAndKeepsBadFiles(t *testing.T) {
	other := t.TempDir()
	_, err := OpenAuthority(other, time.Now())
	require.NoError(t, err)
	read := func(dir, name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return b
	}
	cases := []struct {
		name   string
		break_ func(dir string) error
		now    time.Duration
		file   string
		what   string
	}{
		{"damaged certificate", func(d string) error { return os.WriteFile(filepath.Join(d, "rootCA.pem"), []byte("x"), 0o644) }, 0, "rootCA.pem", "damaged"},
		{"cut certificate", func(d string) error {
			return os.WriteFile(filepath.Join(d, "rootCA.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{0x30, 0x03}}), 0o644)
		}, 0, "rootCA.pem", "damaged"},
		{"damaged key", func(d string) error { return os.WriteFile(filepath.Join(d, "rootCA.key"), []byte("x"), 0o600) }, 0, "rootCA.key", "damaged"},
		{"empty key", func(d string) error { return os.Truncate(filepath.Join(d, "rootCA.key"), 0) }, 0, "rootCA.key", "damaged"},
		{"missing key", func(d string) error { return os.Remove(filepath.Join(d, "rootCA.key")) }, 0, "rootCA.key", "missing"},
		{"another CA's certificate", func(d string) error {
			return os.WriteFile(filepath.Join(d, "rootCA.pem"), read(other, "rootCA.pem"), 0o644)
		}, 0, "rootCA.pem", "does not belong"},
		{"expired", func(string) error { return nil }, caLifetime + time.Hour, "rootCA.pem", "expired"},
		{"from the future", func(string) error { return nil }, -48 * time.Hour, "rootCA.pem", "not valid before"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := OpenAuthority(dir, time.Now())
			require.NoError(t, err)
			require.NoError(t, c.break_(dir))
			list := func() map[string]string {
				m := map[string]string{}
				entries, err := os.ReadDir(dir)
				require.NoError(t, err)
				for _, e := range entries {
					m[e.Name()] = string(read(dir, e.Name()))
				}
				return m
			}
			before := list()
			_, err = OpenAuthority(dir, time.Now().Add(c.now))
			require.ErrorContains(t, err, filepath.Join(dir, c.file))
			assert.ErrorContains(t, err, c.what)
			assert.ErrorContains(t, err, "delete both rootCA.pem and rootCA.key")
			assert.Equal(t, before, list(), "nothing is replaced")
		})
	}
}

func TestAuthorityUnwritableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := OpenAuthority(filepath.Join(file, "tls"), time.Now())
	require.ErrorContains(t, err, filepath.Join(file, "tls"))
	if os.Getuid() != 0 { // root may write anywhere
		dir := t.TempDir()
		require.NoError(t, os.Chmod(dir, 0o500))
		_, err = OpenAuthority(dir, time.Now())
		assert.ErrorContains(t, err, "make the folder writable")
	}
}

func TestTLSVersions(t *testing.T) {
	a, err := NewAuthority(time.Now())
	require.NoError(t, err)
	config, err := a.ServerConfig(nil)
	require.NoError(t, err)
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		near, far := net.Pipe()
		server := tls.Server(far, config)
		done := make(chan error, 1)
		go func() { done <- server.Handshake(); far.Close() }()
		client := tls.Client(near, &tls.Config{RootCAs: a.Pool(), ServerName: "localhost", MinVersion: version, MaxVersion: version})
		clientErr := client.Handshake()
		near.Close()
		serverErr := <-done
		if ok {
			assert.NoError(t, clientErr, tls.VersionName(version))
			assert.NoError(t, serverErr, tls.VersionName(version))
		} else {
			assert.Error(t, clientErr, tls.VersionName(version))
		}
	}
}
