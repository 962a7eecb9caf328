package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// healthTimeout bounds a health check, below the timeout of container runtimes.
const healthTimeout = 2500 * time.Millisecond

type healthcheckCmd struct {
	Control   string   `default:"localhost:6869" placeholder:"HOST:PORT" help:"Address of the control API of the one to check, or off."`
	Listen    []string `default:"localhost:6868" placeholder:"HOST:PORT" help:"Address for Cortex clients of the one to check; used when the control API is off."`
	TLSDir    string   `name:"tls-dir" type:"path" placeholder:"DIR" help:"Folder of its CA; used when the control API is off."`
	ReadyFile string   `type:"path" placeholder:"FILE" help:"Its ready file, to take the addresses from."`
}

// Run asks the control API, or makes a TLS connection when that is off.
func (c *healthcheckCmd) Run(s system) error {
	target := ready{Control: "http://" + loopbackOf(c.Control)}
	if c.Control == "off" {
		dir, err := tlsDir(c.TLSDir, s.getenv)
		if err != nil {
			return err
		}
		target = ready{URL: "wss://" + loopbackOf(c.Listen[0]), CA: filepath.Join(dir, "rootCA.pem")}
	}
	if c.ReadyFile != "" {
		text, err := os.ReadFile(c.ReadyFile)
		if err != nil {
			return fmt.Errorf("not ready: %w", err)
		}
		target = ready{}
		if err := json.Unmarshal(text, &target); err != nil {
			return fmt.Errorf("--ready-file %s: %w", c.ReadyFile, err)
		}
	}
	ctx, cancel := context.WithTimeout(s.ctx, healthTimeout)
	defer cancel()
	if target.Control != "" {
		return askControl(ctx, target.Control)
	}
	return dialTLS(ctx, target.URL, target.CA)
}

func askControl(ctx context.Context, base string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return usageError{fmt.Errorf("--control: %w", err)}
	}
	// No proxy: the one to check is on this machine.
	response, err := (&http.Client{Transport: &http.Transport{DialContext: dialLocal}}).Do(request)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s answers %s", request.URL, response.Status)
	}
	return nil
}

func dialTLS(ctx context.Context, address, caFile string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("url %q: %w", address, err)
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s: no certificate in it", caFile)
	}
	conn, err := dialLocal(ctx, "tcp", u.Host)
	if err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := tls.Client(conn, &tls.Config{RootCAs: pool, ServerName: u.Hostname()}).HandshakeContext(ctx); err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	return nil
}

// dialLocal dials with localhost meaning 127.0.0.1: a root that holds only the
// binary has no hosts file to look the name up in.
func dialLocal(ctx context.Context, network, addr string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(addr); err == nil && host == "localhost" {
		addr = net.JoinHostPort("127.0.0.1", port)
	}
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}
