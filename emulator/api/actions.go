package api

import (
	"fmt"
	"time"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/streams"
)

// What the emulator around a service needs of it, besides gates.go and
// headsetgates.go.

// SwitchHeadset is SetHeadsetPower with the first headset for "".
func (s *Service) SwitchHeadset(id string, on bool) error {
	d, err := s.deviceOf(id)
	if err == nil {
		s.SetHeadsetPower(d.headset.ID, on)
		s.flushWarnings()
	}
	return err
}

// OtherTakes lets another computer take a headset: it leaves the list as after a
// silence.
func (s *Service) OtherTakes(id string) error {
	d, err := s.deviceOf(id)
	if err != nil {
		return err
	}
	d.on = false
	s.lose(d)
	return nil
}

// ConnectSpec returns how the next attempts to connect a headset end.
func (s *Service) ConnectSpec(id string) (ConnectSpec, error) {
	d, err := s.deviceOf(id)
	if err != nil {
		return ConnectSpec{}, err
	}
	return d.spec.Connect, nil
}

// ChangeSignal lets change act on the signal of a connected headset, the first
// one with "", at the present instant.
func (s *Service) ChangeSignal(id string, change func(src *streams.Source, at int64) error) error {
	d, err := s.deviceOf(id)
	if err != nil {
		return err
	}
	if d.source == nil {
		return fmt.Errorf("headset %s is %s: it has no signal", d.headset.ID, d.headset.Status)
	}
	return d.change(func(src *streams.Source) error { return change(src, s.sched.Now()) })
}

// SetClockOffset moves the clock of a headset against the host's.
func (s *Service) SetClockOffset(id string, offset time.Duration) error {
	d, err := s.deviceOf(id)
	if err != nil {
		return err
	}
	d.spec.ClockOffset = offset
	if d.source != nil {
		d.advance()
		d.source.SetClockOffset(int64(offset))
	}
	return nil
}

// Signal returns the state of a headset's signal, ok false when it has none.
func (s *Service) Signal(id string) (state streams.State, ok bool) {
	d, err := s.deviceOf(id)
	if err != nil || d.source == nil {
		return state, false
	}
	return d.source.State(), true
}

// HeadsetID returns the id itself, that of the first headset for "".
func (s *Service) HeadsetID(id string) (string, error) {
	d, err := s.deviceOf(id)
	if err != nil {
		return "", err
	}
	return d.headset.ID, nil
}

// Cloud returns how EMOTIV's cloud is seen from this machine.
func (s *Service) Cloud() Cloud { return s.world.Cloud }

// Methods returns the methods that the service has.
func (s *Service) Methods() []*rpc.Method[*Call] { return s.registry.Methods() }

// Method returns the method of a name.
func (s *Service) Method(name string) (*rpc.Method[*Call], bool) { return s.registry.Lookup(name) }

// ErrorText returns the text of an error code in this world.
func (s *Service) ErrorText(code int) string { return s.texts.Errors[code].Message }
