package api

import (
	"fmt"
	"time"

	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// This file is what a scenario, the control API and tests do to headsets. An
// empty id means the first headset of the world.

// deviceOf returns the device of an id, the first one for "".
func (s *Service) deviceOf(id string) (*device, error) {
	if list := s.Store.Headsets(); id == "" && len(list) > 0 {
		id = list[0].ID
	}
	if d := s.devices[id]; d != nil {
		return d, nil
	}
	return nil, s.unknownHeadset(id)
}

func (s *Service) unknownHeadset(id string) error {
	var have []string
	for _, h := range s.Store.Headsets() {
		have = append(have, h.ID)
	}
	return unknown("headset", id, have)
}

// maxHeadsets bounds the headsets that are added to a running world.
const maxHeadsets = 1000

// AddHeadset adds a headset to the world. No warning tells of it, but one that
// another application has connected already sends 104.
func (s *Service) AddHeadset(spec HeadsetSpec) error {
	if s.devices[spec.ID] != nil {
		return fmt.Errorf("headset id %q: the world has it already", spec.ID)
	}
	if len(s.devices) >= maxHeadsets {
		return fmt.Errorf("headset id %q: the world has %d headsets already", spec.ID, len(s.devices))
	}
	connected := spec.Status == StartConnected && s.world.Disk != DiskCritical
	if connected {
		spec.Status = StartOn
	}
	if err := s.addDevice(spec); err != nil {
		return err
	}
	if connected {
		return s.ConnectHeadset(spec.ID)
	}
	return nil
}

// RemoveHeadset takes a headset out of the world at once, and its sessions with
// it: warnings 0 and 1, no 103.
func (s *Service) RemoveHeadset(id string) error {
	d, err := s.deviceOf(id)
	if err != nil {
		return err
	}
	s.leave(d)
	s.apply(s.Store.RemoveHeadset(d.headset, s.Now()))
	s.forgetVirtual(d.headset)
	delete(s.devices, d.headset.ID)
	return nil
}

// leave ends what runs for a headset that is not there any more.
func (s *Service) leave(d *device) {
	d.stop()
	d.on = false
}

// ConnectHeadset is another application that connects a headset: 104 comes to
// every client unasked (cortex-example #127, #195). It is connected at once.
func (s *Service) ConnectHeadset(id string) error {
	d, err := s.deviceOf(id)
	switch {
	case err != nil:
		return err
	case !d.on:
		return fmt.Errorf("headset %s: it is switched off or out of reach", d.headset.ID)
	case d.headset.Status == sessionstore.HeadsetConnected:
		return nil
	case s.world.Disk == DiskCritical:
		return fmt.Errorf("headset %s: no headset connects while the disk is full", d.headset.ID)
	}
	s.sched.Cancel(d.attempt.end)
	d.attempt = attempt{number: d.attempt.number, mappings: d.headset.Mappings}
	if d.model.Flex && len(d.attempt.mappings) == 0 {
		d.attempt.mappings = streams.DefaultMappings()
	}
	return s.connected(d)
}

// DisconnectHeadset is another application that disconnects a headset: warnings
// 0 and 1, no 103.
func (s *Service) DisconnectHeadset(id string) error {
	d, err := s.deviceOf(id)
	if err != nil {
		return err
	}
	if d.headset.Status != sessionstore.HeadsetAbsent {
		s.disconnect(d)
	}
	return nil
}

// SetUSBCable plugs the cable of a headset in or out. In, it cannot have
// sessions, and updateHeadset works.
func (s *Service) SetUSBCable(id string, plugged bool) error {
	d, err := s.deviceOf(id)
	if err != nil {
		return err
	}
	h := d.headset
	switch {
	case plugged == (h.ConnectedBy == sessionstore.USBCable):
	case plugged:
		d.wireless = h.ConnectedBy
		d.setConnectedBy(sessionstore.USBCable)
		if !s.world.SessionsOverUSBCable {
			s.apply(s.Store.CloseSessionsOf(h, sessionstore.ClosedByHeadset, s.Now()))
		}
	default:
		by := d.wireless
		if by == "" {
			by = "bluetooth"
			if d.spec.Dongle != "0" {
				by = "dongle"
			}
		}
		d.setConnectedBy(by)
	}
	return nil
}

// SetConnect changes how the next attempts to connect a headset end, and
// whether its link is flaky.
func (s *Service) SetConnect(id string, spec ConnectSpec) error {
	d, err := s.deviceOf(id)
	if err != nil {
		return err
	}
	d.spec.Connect, d.attempt.number = spec, 0
	d.headset.Flaky = spec.Flaky
	return nil
}

// NotReadyUntil makes createSession answer -32152 for a connected headset until
// that instant, or with the zero time until SetReady.
func (s *Service) NotReadyUntil(id string, until time.Time) error {
	d, err := s.deviceOf(id)
	if err != nil {
		return err
	}
	d.headset.Ready = false
	s.sched.Cancel(d.ready)
	if !until.IsZero() {
		d.ready = s.sched.After(until.UnixNano()-s.sched.Now(), func() { d.headset.Ready = true })
	}
	return nil
}

// SetReady ends NotReadyUntil.
func (s *Service) SetReady(id string) error {
	d, err := s.deviceOf(id)
	if err != nil {
		return err
	}
	s.sched.Cancel(d.ready)
	d.headset.Ready = true
	return nil
}

// dropSinks sends no more samples to a client.
func (s *Service) dropSinks(p *Peer) {
	for _, h := range s.Store.Headsets() {
		d := s.devices[h.ID]
		if d == nil {
			continue
		}
		if d.source != nil {
			d.advance()
		}
		for kind := range d.sinks {
			kept := d.sinks[kind][:0]
			for _, k := range d.sinks[kind] {
				if k.peer != p {
					kept = append(kept, k)
				}
			}
			clear(d.sinks[kind][len(kept):])
			d.sinks[kind] = kept
		}
		d.listen()
	}
}
