package main

import (
	"fmt"
	"time"

	"github.com/fakecortex/fakecortex/emulator/gateway"
)

type caCmd struct {
	Out    string `type:"path" placeholder:"FILE" help:"File to write to instead of standard output."`
	TLSDir string `name:"tls-dir" type:"path" placeholder:"DIR" help:"Folder that keeps the CA between runs; default: fakecortex in the user's state folder."`
}

// Run prints the CA that the next serve will use, and makes it if there is none.
func (c *caCmd) Run(s system) error {
	dir, err := tlsDir(c.TLSDir, s.getenv)
	if err != nil {
		return err
	}
	authority, err := gateway.OpenAuthority(dir, time.Now())
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := writeAtomically(c.Out, authority.PEM(), 0o644); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		return nil
	}
	_, err = s.stdout.Write(authority.PEM())
	return err
}
