package api

import (
	"path"
	"slices"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// headsetMethods are the methods of the Headset chapter.
func headsetMethods() []rpc.Method[*Call] {
	const chapter = "Headset"
	return []rpc.Method[*Call]{
		{
			Name: "controlDevice", Chapter: chapter, Doc: "Scans for headsets, connects or disconnects one.", Handle: controlDevice,
			Params: []rpc.Param{
				{Name: "command", Type: rpc.TypeString, Required: true, Enum: []string{"connect", "disconnect", "refresh"}},
				{Name: "headset", Type: rpc.TypeString, EmptyIsAbsent: true},
				{Name: "mappings", Type: rpc.TypeAny, Doc: "Flex: an object of locations by electrode, or the name or uuid of a stored mapping."},
				{
					Name: "connectionType", Type: rpc.TypeString, EmptyIsAbsent: true, Since: "2.2.1",
					Enum: []string{"dongle", "bluetooth", sessionstore.USBCable},
				},
			},
			Errors:   []int{CodeHeadsetUnavailable},
			Guessed:  "messages of refresh and disconnect; a stored mapping as the value of mappings; 104 for a headset that is connected already",
			Warnings: []int{WarnHeadsetWrongInfo, WarnHeadsetCannot, WarnConnectTimeout, WarnHeadsetConnected, WarnHeadsetNoMotion, WarnHeadsetScanFinish},
		},
		{
			Name: "queryHeadsets", Chapter: chapter, Doc: "Lists the headsets in reach.", Handle: queryHeadsets,
			Params:   []rpc.Param{{Name: "id", Type: rpc.TypeString, EmptyIsAbsent: true}, {Name: "includeFlexMappings", Type: rpc.TypeBool, Since: "2.3"}},
			Warnings: []int{WarnBluetoothDenied}, Guessed: "an entry stays after the scan that found it",
		},
		{
			Name: "syncWithHeadsetClock", Chapter: chapter, Doc: "Tells what to add to the client's clock.", Handle: syncWithHeadsetClock,
			Params: []rpc.Param{
				{Name: "headset", Type: rpc.TypeString, Required: true}, {Name: "monotonicTime", Type: rpc.TypeNumber, Required: true},
				{Name: "systemTime", Type: rpc.TypeNumber, Required: true},
			},
			Errors: []int{CodeHeadsetUnavailable},
		},
	}
}

func controlDevice(c *Call, a rpc.Args) (any, error) {
	command := a.String("command")
	if command == "refresh" {
		c.startScan(c.peer)
		return rpc.Object{"command": command, "message": "Start discovering headsets"}, nil
	}
	if !a.Has("headset") {
		return nil, c.missing("headset")
	}
	id := a.String("headset")
	d, err := c.inReach(id)
	if err != nil {
		return nil, err
	}
	if command == "disconnect" {
		c.disconnect(d)
		return rpc.Object{"command": command, "message": "Start disconnecting from headset " + id}, nil
	}
	switch {
	case c.world.Disk == DiskCritical:
		return nil, c.fault(CodeHeadsetUnavailable, "the disk is full: no headset connects until there is space")
	case d.headset.Flaky:
		return nil, c.fault(CodeHeadsetUnavailable, "the link of headset "+id+" is bad: plug its dongle in again")
	}
	var mappings map[string]string
	if d.model.Flex {
		if mappings, err = c.mappingsToConnect(a, d); err != nil {
			return nil, err
		}
	}
	c.connect(d, mappings, a.String("connectionType"))
	return rpc.Object{"command": command, "message": "Start connecting to headset " + id}, nil
}

func queryHeadsets(c *Call, a rpc.Args) (any, error) {
	list := rpc.Array{}
	for _, h := range c.Store.Headsets() {
		if h.Status == sessionstore.HeadsetAbsent {
			continue
		}
		if a.Has("id") {
			// The page shows INSIGHT-*; any glob of an id is taken.
			if ok, err := path.Match(a.String("id"), h.ID); err != nil || !ok {
				continue
			}
		}
		list = append(list, c.headsetObject(h, false, a.Bool("includeFlexMappings", false)))
	}
	c.polled()
	if c.world.BluetoothDenied {
		code, message := c.finalWarning(WarnBluetoothDenied, c.warningText(WarnBluetoothDenied, ""))
		c.extra = rpc.Object{"attention": rpc.Object{"code": code, "message": message}}
	}
	return list, nil
}

func syncWithHeadsetClock(c *Call, a rpc.Args) (any, error) {
	d := c.devices[a.String("headset")]
	if d == nil || d.source == nil || d.headset.Status != sessionstore.HeadsetConnected {
		return nil, c.fault(CodeHeadsetUnavailable, "headset "+a.String("headset")+" is not connected")
	}
	adjustment := d.source.HeadsetTime(c.sched.Now()) - a.Number("monotonicTime")
	return rpc.Object{"adjustment": rpc.Float(adjustment), "headset": d.headset.ID}, nil
}

// scanState is the scan that controlDevice refresh starts. A second refresh
// joins the running scan.
type scanState struct {
	end     *streams.Event
	callers []*Peer
}

func (s *Service) startScan(p *Peer) {
	if !slices.Contains(s.scan.callers, p) {
		s.scan.callers = append(s.scan.callers, p)
	}
	if s.scan.end.Pending() {
		return
	}
	s.event("scanStarted")
	s.sched.After(int64(s.world.ScanFindAfter), s.discover)
	s.scan.end = s.sched.After(int64(s.world.ScanDuration), func() {
		s.discover()
		callers := s.scan.callers
		s.scan = scanState{}
		s.event("scanFinished")
		for _, p := range callers {
			s.warn(p, WarnHeadsetScanFinish, rpc.Object{"behavior": s.warningText(WarnHeadsetScanFinish, ""), "headsetId": ""})
		}
		s.flushWarnings()
	})
}

// discover lists every headset that is on and in reach. No warning tells of it.
func (s *Service) discover() {
	for _, h := range s.Store.Headsets() {
		if d := s.devices[h.ID]; d.on && !s.outOfBluetooth(d) && h.Status == sessionstore.HeadsetAbsent {
			s.apply(s.Store.SetHeadsetStatus(h, sessionstore.HeadsetDiscovered, s.Now()))
		}
	}
}
