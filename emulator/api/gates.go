package api

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
)

// This file is what a scenario, the control API and tests do to the world
// besides its headsets: accounts, applications, licenses, the cloud, the machine.
// Every method is called on the loop. An error names what is unknown and what
// there is.

// appsOf returns the applications of a client id, all of them for "".
func (s *Service) appsOf(clientID string) ([]*sessionstore.Application, error) {
	if clientID == "" {
		return s.Store.Applications(), nil
	}
	if a := s.Store.ApplicationByClient(clientID); a != nil {
		return []*sessionstore.Application{a}, nil
	}
	var have []string
	for _, a := range s.Store.Applications() {
		have = append(have, a.ClientID)
	}
	return nil, unknown("application", clientID, have)
}

func unknown(what, name string, have []string) error {
	if len(have) == 0 {
		return fmt.Errorf("%s %q: this world has none", what, name)
	}
	return fmt.Errorf("%s %q: unknown, this world has %s", what, name, strings.Join(have, ", "))
}

// ApproveApp is the approval of an application, by its client id, by the user who
// is logged in, by every user if nobody is: warning 9. An empty id approves all, also those that will call later.
func (s *Service) ApproveApp(clientID string) error {
	return s.decide(clientID, sessionstore.AccessGranted)
}

// DeclineApp is the user's refusal: warning 10. An approved application loses
// its access right.
func (s *Service) DeclineApp(clientID string) error {
	return s.decide(clientID, sessionstore.AccessDenied)
}

func (s *Service) decide(clientID string, access sessionstore.Access) error {
	apps, err := s.appsOf(clientID)
	if err != nil {
		return err
	}
	for _, a := range apps {
		s.apply(s.Store.SetAccess(a, s.Store.Login.Username, access))
	}
	if clientID == "" && s.world.AnyApplication {
		next := sessionstore.Application{Version: "1.0", ApproveAfter: -1, DenyAfter: -1}
		if s.world.NewApplication != nil {
			next = *s.world.NewApplication
		}
		next.Access = access
		s.world.NewApplication = &next
	}
	return nil
}

// RequireAuthorize makes the tokens of an application answer -32170 until it
// calls authorize; an empty id means every application.
func (s *Service) RequireAuthorize(clientID string) error {
	apps, err := s.appsOf(clientID)
	for _, a := range apps {
		a.NeedsAuthorize = true
	}
	return err
}

// ExpireTokens ends the life of every token that an application was given until
// now (-32015); an empty id means every application.
func (s *Service) ExpireTokens(clientID string) error {
	apps, err := s.appsOf(clientID)
	now := s.Now().Unix()
	for _, a := range apps {
		a.TokensExpired = max(now, a.TokensExpired+1)
	}
	if clientID == "" {
		s.tokensExpired = max(now, s.tokensExpired+1)
		for _, a := range apps {
			s.tokensExpired = max(s.tokensExpired, a.TokensExpired)
		}
	}
	return err
}

// LogIn makes a user the one who is logged in, in an account of the operating
// system; nil is the one in which Cortex runs. Warning 3 comes first when another
// user was logged in, then 2, or 16 for another account.
func (s *Service) LogIn(username string, os *sessionstore.OSUser) error {
	if s.Store.User(username) == nil {
		var have []string
		for _, u := range s.Store.Users() {
			have = append(have, u.Username)
		}
		return unknown("user", username, have)
	}
	if os == nil {
		os = &s.Store.CurrentOS
	}
	s.world.Cloud.LoginRefused = false
	s.apply(s.Store.LogIn(username, *os, s.Now()))
	return nil
}

// LogOut logs the user out: warning 3, and 0 and 1 for what was open.
func (s *Service) LogOut() { s.apply(s.Store.LogOut(s.Now())) }

// SwitchOSUser changes the account of the operating system in which Cortex
// runs. A login of another account is not usable then.
func (s *Service) SwitchOSUser(os sessionstore.OSUser) { s.Store.CurrentOS = os }

// AcceptEULA is the user's consent to the EULA and the privacy policy: warning
// 17. An empty name means who is logged in.
func (s *Service) AcceptEULA(username string) error {
	if username == "" {
		username = s.Store.Login.Username
	}
	u := s.Store.User(username)
	if u == nil {
		return unknown("user", username, nil)
	}
	s.apply(s.Store.AcceptEULA(u))
	return nil
}

// licenseOf returns the license of an id, the first one for "".
func (s *Service) licenseOf(id string) (*sessionstore.License, error) {
	var have []string
	for _, l := range s.Store.Licenses() {
		if l.ID == id || id == "" {
			return l, nil
		}
		have = append(have, l.ID)
	}
	return nil, unknown("license", id, have)
}

// ChangeLicense changes a license, the first one for an empty id: its quota,
// scopes, dates, limits. Sessions that are active stay so.
func (s *Service) ChangeLicense(id string, change func(*sessionstore.License)) error {
	l, err := s.licenseOf(id)
	if err != nil {
		return err
	}
	change(l)
	return nil
}

// SetCloud changes how EMOTIV's cloud is seen from this machine.
func (s *Service) SetCloud(c Cloud) {
	s.sched.Cancel(s.refreshed)
	s.world.Cloud = c
}

// Bounds of free space, in bytes (Warning Objects page, codes 19 and 20).
const (
	lowSpace      = 1 << 30
	criticalSpace = 300 << 20
)

// SetDiskFree sets the free space in bytes: below 1 GB warning 19, below 300 MB
// warning 20.
func (s *Service) SetDiskFree(free int64) {
	switch {
	case free < criticalSpace:
		s.SetDisk(DiskCritical)
	case free < lowSpace:
		s.SetDisk(DiskLow)
	default:
		s.SetDisk(DiskOK)
	}
}

// SetDisk sets the state of the disk. When it becomes critical all headsets are
// disconnected, and none connects until there is space again.
func (s *Service) SetDisk(to DiskSpace) {
	if s.world.Disk == to {
		return
	}
	s.world.Disk = to
	switch to {
	case DiskLow:
		s.warnAll(WarnDiskLow, s.warningText(WarnDiskLow, ""))
	case DiskCritical:
		s.warnAll(WarnDiskCritical, s.warningText(WarnDiskCritical, ""))
		for _, h := range s.Store.Headsets() {
			if h.Status == sessionstore.HeadsetConnected || h.Status == sessionstore.HeadsetConnecting {
				s.disconnect(s.devices[h.ID])
			}
		}
	}
	s.flushWarnings()
}

// SetBluetooth grants or takes the permission of the operating system. Without
// it a scan finds no Bluetooth headset, and queryHeadsets carries attention 31.
func (s *Service) SetBluetooth(granted bool) {
	s.world.BluetoothDenied = !granted
	if granted && !s.compat.AppDrivenScan {
		s.discover()
	}
}

// greet does what a new connection meets before it has sent anything.
func (s *Service) greet(p *Peer) {
	switch {
	case s.world.Phase == PhaseZombie:
		s.zombify(p, WarnZombie)
	case s.world.Disk == DiskLow:
		s.warn(p, WarnDiskLow, s.warningText(WarnDiskLow, ""))
	case s.world.Disk == DiskCritical:
		s.warn(p, WarnDiskCritical, s.warningText(WarnDiskCritical, ""))
	}
	s.flushWarnings()
}

// Zombify makes a connection dead: it gets warning 11, or 12, and nothing that
// it sends is answered any more (cortex-example #82).
func (s *Service) Zombify(conn sessionstore.ConnID, code int) error {
	p := s.peers[conn]
	if p == nil {
		return fmt.Errorf("connection %d: it is not open", conn)
	}
	if code != WarnZombie && code != WarnNoOSUsername {
		return fmt.Errorf("warning %d: want 11 or 12", code)
	}
	s.zombify(p, code)
	s.flushWarnings()
	return nil
}

func (s *Service) zombify(p *Peer, code int) {
	s.warn(p, code, s.warningText(code, ""))
	s.dropSinks(p)
	p.zombie, p.held, p.heldBy = true, nil, 0
}

// maxHeld bounds the requests of a connection that wait for a starting service,
// maxHeldBytes their size.
const (
	maxHeld      = 256
	maxHeldBytes = 1 << 20
)

// hold keeps a request for ServiceReady. Beyond the bound it reports false: the
// request is refused at once, with -32122.
func (p *Peer) hold(frame []byte) bool {
	if len(p.held) >= maxHeld || p.heldBy+len(frame) > maxHeldBytes {
		return false
	}
	p.held, p.heldBy = append(p.held, bytes.Clone(frame)), p.heldBy+len(frame)
	return true
}

// ServiceReady ends the start of a starting service, and the death of a dead
// one: warning 23, then the answers to what was asked meanwhile.
func (s *Service) ServiceReady() {
	if s.world.Phase == PhaseReady {
		return
	}
	s.world.Phase = PhaseReady
	s.warnAll(WarnCortexReady, s.warningText(WarnCortexReady, ""))
	s.flushWarnings()
	for _, p := range slices.Clone(s.order) {
		frames := p.held
		p.held, p.heldBy = nil, 0
		for _, frame := range frames {
			s.Receive(p.ID, false, frame)
		}
	}
}

// SendWarning sends a warning of any code to a connection, or to all for 0. A
// nil message is the one of the code, about the first thing of its kind.
func (s *Service) SendWarning(conn sessionstore.ConnID, code int, message any) error {
	peers := s.order
	if conn != 0 {
		p := s.peers[conn]
		if p == nil {
			return fmt.Errorf("connection %d: it is not open", conn)
		}
		peers = []*Peer{p}
	}
	for _, p := range peers {
		text := message
		if text == nil {
			text = s.exampleOf(code, p)
		}
		s.warn(p, code, text)
	}
	s.flushWarnings()
	return nil
}

// exampleOf is the message of a warning that nothing has caused.
func (s *Service) exampleOf(code int, p *Peer) any {
	headset, session := "", ""
	if list := s.Store.Headsets(); len(list) > 0 {
		headset = list[0].ID
	}
	for _, sess := range s.Store.Sessions() {
		if session == "" || sess.Conn == p.ID {
			session = sess.ID
		}
	}
	for _, row := range codeTable {
		if row.Code != code || !row.Warning {
			continue
		}
		switch row.Shape {
		case ShapeSession:
			return rpc.Object{"behavior": s.warningText(code, session), "sessionId": session}
		case ShapeHeadset:
			return rpc.Object{"behavior": s.warningText(code, headset), "headsetId": headset}
		case ShapeBehavior:
			return rpc.Object{"behavior": s.warningText(code, ""), "headsetId": ""}
		case ShapeProfile:
			return rpc.Object{"behavior": s.warningText(code, ""), "headset": headset, "profile": ""}
		case ShapeRecord:
			return rpc.Object{"behavior": s.warningText(code, ""), "recordId": ""}
		}
	}
	return s.warningText(code, s.Store.Login.Username)
}

// CloseConnection ends a connection with a WebSocket close code, or all for 0.
func (s *Service) CloseConnection(conn sessionstore.ConnID, code int, reason string) error {
	if conn != 0 && s.peers[conn] == nil {
		return fmt.Errorf("connection %d: it is not open", conn)
	}
	for _, p := range s.order {
		if conn == 0 || p.ID == conn {
			p.link.Close(code, reason)
		}
	}
	return nil
}

// CloseSessions ends the sessions with a headset, or all for "", by Cortex
// itself: warnings 0 and 1.
func (s *Service) CloseSessions(headset string) error {
	if headset != "" && s.Store.Headset(headset) == nil {
		return s.unknownHeadset(headset)
	}
	for _, sess := range s.Store.Sessions() {
		if headset == "" || sess.Headset.ID == headset {
			s.apply(s.Store.CloseSession(sess, sessionstore.ClosedByCortex, s.Now()))
		}
	}
	return nil
}

// StopStreams cancels the subscriptions of the sessions with a headset, or of
// all for "": warning 0 without 1.
func (s *Service) StopStreams(headset string) error {
	if headset != "" && s.Store.Headset(headset) == nil {
		return s.unknownHeadset(headset)
	}
	for _, sess := range s.Store.Sessions() {
		if headset == "" || sess.Headset.ID == headset {
			s.apply(s.Store.StopStreams(sess, sessionstore.ClosedByCortex))
		}
	}
	return nil
}
