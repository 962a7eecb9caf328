package api

import (
	"encoding/json"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// updateMethods are the methods of the Headset chapter that change a headset.
func updateMethods() []rpc.Method[*Call] {
	const chapter = "Headset"
	return []rpc.Method[*Call]{
		{
			Name: "updateHeadset", Chapter: chapter, Doc: "Sets mode and rates of an EPOC+ or EPOC X on its USB cable.", Handle: updateHeadset,
			Params: []rpc.Param{
				tokenParam(), {Name: "headset", Type: rpc.TypeString, Required: true},
				{Name: "setting", Type: rpc.TypeObject, Required: true, Doc: "mode EPOC or EPOCPLUS, eegRate, memsRate."},
			},
			Errors:   []int{CodeHeadsetUnavailable, CodeNotOnUSBCable, CodeHeadsetNotReady},
			Warnings: []int{WarnHeadsetUpdated, WarnHeadsetNotUpdated, WarnNotOverBluetooth},
			Guessed:  "110 is the success and 111 the failure; 112 follows 110; the messages; -32602 for other models; streams of the headset stop",
		},
		{
			Name: "updateHeadsetCustomInfo", Chapter: chapter, Doc: "Sets where the headband of an EPOC X is worn, and its name.", Since: "2.4",
			Handle: updateHeadsetCustomInfo,
			Params: []rpc.Param{
				tokenParam(), {Name: "headsetId", Type: rpc.TypeString, Required: true},
				{Name: "headbandPosition", Type: rpc.TypeString, Required: true, Enum: []string{"back", "top"}},
				{Name: "customName", Type: rpc.TypeString, Doc: "Sent by one client, not documented."},
			},
			Errors:  []int{CodeHeadsetUnavailable},
			Guessed: "-32602 for other models than EPOC X",
		},
	}
}

// inReach returns the device of a headset that is listed.
func (c *Call) inReach(id string) (*device, error) {
	d := c.devices[id]
	if d == nil || d.headset.Status == sessionstore.HeadsetAbsent {
		return nil, c.fault(CodeHeadsetUnavailable, "no headset "+id+" is in reach: call controlDevice refresh")
	}
	return d, nil
}

// updateHeadset answers at once; since 2.4 the result is a warning that comes
// later (updateHeadset page). Before, the answer was the result.
func updateHeadset(c *Call, a rpc.Args) (any, error) {
	wanted, err := c.readSettings(a)
	if err != nil {
		return nil, err
	}
	id := a.String("headset")
	d, err := c.inReach(id)
	if err != nil {
		return nil, err
	}
	settings, err := c.possible(d, wanted)
	if err != nil {
		return nil, err
	}
	switch {
	case d.headset.ConnectedBy != sessionstore.USBCable:
		return nil, c.fault(CodeNotOnUSBCable, "headset "+id+" is connected by "+d.headset.ConnectedBy+", plug its USB cable in")
	case d.headset.Status == sessionstore.HeadsetConnected && !d.headset.Ready:
		return nil, c.fault(CodeHeadsetNotReady, "headset "+id+" has just been connected")
	}
	if !c.compat.AsyncUpdateHeadset {
		if err := c.configure(d, settings); err != nil {
			return nil, err
		}
		return rpc.Object{"headsetId": id, "message": "The headset settings have been updated."}, nil
	}
	s := c.Service // the call is over when the update ends
	s.sched.After(int64(s.world.UpdateDelay), func() {
		if d.headset.Status == sessionstore.HeadsetAbsent || d.headset.ConnectedBy != sessionstore.USBCable || s.configure(d, settings) != nil {
			s.warnHeadset(WarnHeadsetNotUpdated, id)
		} else {
			s.warnHeadset(WarnHeadsetUpdated, id)
			if settings.EEGRate > 128 || settings.MemsRate > 0 {
				s.warnHeadset(WarnNotOverBluetooth, id)
			}
		}
		s.flushWarnings()
	})
	return rpc.Object{"headsetId": id, "message": "The headset settings are being updated."}, nil
}

// readSettings reads the `setting` of updateHeadset. Its members are checked as
// parameters are.
func (c *Call) readSettings(a rpc.Args) (settings streams.Settings, err error) {
	members := &rpc.Method[*Call]{Name: c.Method, Params: []rpc.Param{
		{Name: "setting.mode", Type: rpc.TypeString, Required: true},
		{Name: "setting.eegRate", Type: rpc.TypeInteger, Required: true},
		{Name: "setting.memsRate", Type: rpc.TypeInteger, Required: true},
	}}
	raw := make(map[string]json.RawMessage)
	for name, value := range a.Object("setting") {
		raw["setting."+name] = value
	}
	member, fault := members.Check(raw, c.faults)
	if fault != nil {
		return settings, fault
	}
	return streams.Settings{
		Mode: member.String("setting.mode"), EEGRate: member.Int("setting.eegRate"), MemsRate: member.Int("setting.memsRate"),
	}, nil
}

// possible completes settings for a headset that can have them.
func (c *Call) possible(d *device, wanted streams.Settings) (streams.Settings, error) {
	settings := d.model.CompleteSettings(wanted)
	fault := c.invalid("setting", "one of the combinations of the updateHeadset page")
	if d.model.Name != "EPOCPLUS" && d.model.Name != "EPOCX" {
		fault.Op = c.Method + ": " + d.headset.ID + " is neither an EPOC+ nor an EPOC X"
		return settings, fault
	}
	if err := d.model.CheckSettings(settings); err != nil {
		fault.Op = c.Method + ": " + err.Error()
		return settings, fault
	}
	return settings, nil
}

// configure gives a headset new settings. Its streams have other columns and
// rates from then on, so that its subscriptions and records end. The head and the
// profile that is loaded stay.
func (s *Service) configure(d *device, settings streams.Settings) error {
	d.spec.Settings = &settings
	if d.source == nil {
		return nil
	}
	s.StopRecords(d.headset.ID)
	for _, sess := range s.Store.Sessions() {
		if sess.Headset == d.headset {
			s.apply(s.Store.StopStreams(sess, sessionstore.ClosedByCortex))
		}
	}
	d.advance()
	state := d.source.State()
	state.FacialExpression.EyeAct = "neutral" // it has happened
	ready, silent := d.headset.Ready, d.silent
	err := d.start(&state)
	d.headset.Ready, d.silent = ready, silent
	s.teach(d.headset)
	return err
}

func updateHeadsetCustomInfo(c *Call, a rpc.Args) (any, error) {
	d, err := c.inReach(a.String("headsetId"))
	if err != nil {
		return nil, err
	}
	h := d.headset
	if h.Model != "EPOCX" {
		fault := c.invalid("headsetId", "that of an EPOC X")
		return nil, fault
	}
	if err := c.checkName(a, "customName"); err != nil {
		return nil, err
	}
	h.HeadbandPosition = a.String("headbandPosition")
	if a.Has("customName") {
		h.CustomName = a.String("customName")
	}
	return rpc.Object{
		"customName": h.CustomName, "headbandPosition": h.HeadbandPosition, "headsetId": h.ID,
		"message": "Update headset customized information successfully.",
	}, nil
}
