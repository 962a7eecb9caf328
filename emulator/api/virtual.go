package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// The methods for virtual headsets are those that EMOTIV documents for its
// mobile library; the desktop service does not have them, so that a world must
// ask for them (World.VirtualHeadsetMethods). With them a client's own test
// changes the headset over the socket that it has.

// virtual is one virtual headset as those methods see it.
type virtual struct {
	uuid, name, kind string // kind is the type of the method
	owner            string // EmotivID
	headset          string // id
	serial           string
	battery          int // 0 to 4
	motionRate       int
	powerOn          bool
	samples          string // preRecordedSamples: low, mid, high or ""
	cq               map[string]int
	pm               map[string]float64
	mc               struct {
		action string
		power  float64
	}
	fe struct {
		upper, lower           string
		upperPower, lowerPower float64
	}
}

// maxVirtual bounds the virtual headsets of a world.
const maxVirtual = 64

// virtualTypes are the types of virtual headsets.
func virtualTypes() []string { return []string{"MN8", "INSIGHT", "EPOCPLUS", "EPOCX", "EPOCFLEX"} }

func virtualMethods() []rpc.Method[*Call] {
	const chapter = "Virtual headsets (mobile library)"
	shared := []rpc.Param{
		{Name: "motionRate", Type: rpc.TypeInteger, Doc: "0, 32 or 64."},
		{Name: "name", Type: rpc.TypeString},
		{Name: "powerOn", Type: rpc.TypeBool, Doc: "Default false."},
		{Name: "battery", Type: rpc.TypeInteger, Doc: "0 to 4."},
		{Name: "cq", Type: rpc.TypeObject, Doc: "Contact quality 0 to 4 by sensor."},
		{Name: "preRecordedSamples", Type: rpc.TypeString, Enum: []string{"", "low", "mid", "high"}, Doc: "Level of the performance metrics: 0.2, 0.5, 0.8."},
		{Name: "pm", Type: rpc.TypeObject, Doc: "Levels 0 to 1 by metric: attention, engagement, excitement, stress, relaxation, interest, focus."},
		{Name: "mc", Type: rpc.TypeObject, Doc: "action and power (0 to 1) of the mental command."},
		{Name: "fe", Type: rpc.TypeObject, Doc: "upperFaceAction, upperFacePower, lowerFaceAction, lowerFacePower."},
	}
	id := rpc.Param{Name: "virtualHeadsetId", Type: rpc.TypeString, Required: true}
	const guessed = "names of the members of pm and fe; cqStatus; -32004 for an unknown id; the message of delete"
	return []rpc.Method[*Call]{
		{
			Name: "createVirtualHeadset", Chapter: chapter, Doc: "Makes a virtual headset.", Handle: createVirtualHeadset, Guessed: guessed,
			Params: append([]rpc.Param{tokenParam(), {Name: "type", Type: rpc.TypeString, Required: true, Enum: virtualTypes()}}, shared...),
		},
		{
			Name: "updateVirtualHeadset", Chapter: chapter, Doc: "Changes a virtual headset while it runs.", Handle: updateVirtualHeadset, Guessed: guessed,
			Params: append([]rpc.Param{tokenParam(), id}, shared...), Errors: []int{CodeHeadsetUnavailable}, Warnings: []int{WarnStreamsStopped, WarnSessionClosed},
		},
		{
			Name: "deleteVirtualHeadset", Chapter: chapter, Doc: "Deletes a virtual headset.", Handle: deleteVirtualHeadset, Guessed: guessed,
			Params: []rpc.Param{tokenParam(), id}, Errors: []int{CodeHeadsetUnavailable}, Warnings: []int{WarnStreamsStopped, WarnSessionClosed},
		},
		{Name: "queryVirtualHeadsets", Chapter: chapter, Doc: "Lists the virtual headsets of the user.", Handle: queryVirtualHeadsets, Params: []rpc.Param{tokenParam()}, Guessed: guessed},
		{
			Name: "triggerVirtualHeadsetEvent", Chapter: chapter, Doc: "Blinks or winks.", Handle: triggerVirtualHeadsetEvent, Guessed: guessed,
			Params: []rpc.Param{tokenParam(), id, {Name: "eyeAction", Type: rpc.TypeString, Required: true, Enum: []string{"blink", "winkL", "winkR"}}},
			Errors: []int{CodeHeadsetUnavailable},
		},
	}
}

// newVirtual is the state of a virtual headset that nobody has changed.
func newVirtual(uuid, kind string) *virtual {
	v := &virtual{uuid: uuid, kind: kind, battery: 4, motionRate: 64}
	v.mc.action, v.fe.upper, v.fe.lower = "neutral", "neutral", "neutral"
	return v
}

func createVirtualHeadset(c *Call, a rpc.Args) (any, error) {
	if len(c.virtuals) >= maxVirtual {
		return nil, c.fault(CodeInternal, fmt.Sprintf("there are %d virtual headsets", len(c.virtuals)))
	}
	v := newVirtual("", a.String("type"))
	model, _ := streams.ModelByName(v.kind)
	if model == nil {
		return nil, c.invalid("type", "one of "+strings.Join(virtualTypes(), ", "))
	}
	v.name = model.Title
	sensors := model.Sensors
	if model.Flex {
		sensors = model.MappedSensors(streams.DefaultMappings())
	}
	if err := c.readVirtual(v, a, sensors); err != nil {
		return nil, err
	}
	v.uuid, v.owner = c.newID(), c.token.Username
	v.serial = strings.ToUpper(v.uuid[:8])
	v.headset = model.IDPrefix + v.serial
	settings := v.settings(model)
	spec := HeadsetSpec{ID: v.headset, ConnectedBy: "bluetooth", CustomName: v.name, Virtual: true, VirtualID: v.uuid, Settings: &settings, Status: StartOff}
	if model.Flex {
		spec.Mappings = streams.DefaultMappings()
	}
	if v.powerOn {
		spec.Status = StartOn
	}
	state := streams.DefaultState()
	v.apply(&state)
	spec.Signal = &state
	if err := c.addDevice(spec); err != nil {
		return nil, err
	}
	c.virtuals[len(c.virtuals)-1] = v // instead of what registerVirtual took from the headset
	return c.virtualObject(v), nil
}

// readVirtual reads the parameters that create and update share. Nothing has
// changed after an error. Without sensors it takes any name for one.
func (c *Call) readVirtual(v *virtual, a rpc.Args, sensors []string) error {
	next := *v
	next.cq, next.pm = maps.Clone(v.cq), maps.Clone(v.pm)
	if err := c.checkName(a, "name"); err != nil {
		return err
	}
	if a.Has("name") {
		next.name = a.String("name")
	}
	if a.Has("motionRate") {
		if next.motionRate = a.Int("motionRate"); !slices.Contains([]int{0, 32, 64}, next.motionRate) {
			return c.invalid("motionRate", "0, 32 or 64")
		}
	}
	if a.Has("battery") {
		if next.battery = a.Int("battery"); next.battery < 0 || next.battery > 4 {
			return c.invalid("battery", "0 to 4")
		}
	}
	next.powerOn = a.Bool("powerOn", v.powerOn)
	if a.Has("preRecordedSamples") {
		next.samples = a.String("preRecordedSamples")
	}
	if a.Has("cq") {
		next.cq = make(map[string]int)
		for sensor, raw := range a.Object("cq") {
			var q int
			if json.Unmarshal(raw, &q) != nil || q < 0 || q > 4 || sensors != nil && !slices.Contains(sensors, sensor) {
				return c.invalid("cq", "an object of 0 to 4 by sensor")
			}
			next.cq[sensor] = q
		}
	}
	if a.Has("pm") {
		next.pm = make(map[string]float64)
		for metric, raw := range a.Object("pm") {
			var level float64
			if json.Unmarshal(raw, &level) != nil || level < 0 || level > 1 || levelOf(new(streams.Levels), metric) == nil {
				return c.invalid("pm", "an object of 0 to 1 by metric")
			}
			next.pm[metric] = level
		}
	}
	if a.Has("mc") {
		var mc struct {
			Action string
			Power  float64
		}
		if json.Unmarshal(a.Raw("mc"), &mc) != nil || !slices.Contains(append(streams.MentalActions(), "neutral"), mc.Action) || !share(mc.Power) {
			return c.invalid("mc", "an object with an action and a power of 0 to 1")
		}
		next.mc.action, next.mc.power = mc.Action, mc.Power
	}
	if a.Has("fe") {
		fe := struct {
			UpperFaceAction, LowerFaceAction string
			UpperFacePower, LowerFacePower   float64
		}{UpperFaceAction: "neutral", LowerFaceAction: "neutral", UpperFacePower: 0.8, LowerFacePower: 0.8}
		state := streams.DefaultState()
		err := json.Unmarshal(a.Raw("fe"), &fe)
		next.fe.upper, next.fe.upperPower, next.fe.lower, next.fe.lowerPower = fe.UpperFaceAction, fe.UpperFacePower, fe.LowerFaceAction, fe.LowerFacePower
		next.apply(&state)
		if err != nil || state.Check(nil) != nil {
			return c.invalid("fe", "an object with upperFaceAction, lowerFaceAction and their powers of 0 to 1")
		}
	}
	*v = next
	return nil
}

func share(x float64) bool { return x >= 0 && x <= 1 }

// levelOf returns the level of a metric, or nil for an unknown name.
func levelOf(l *streams.Levels, metric string) *float64 {
	switch metric {
	case "attention":
		return &l.Attention
	case "engagement":
		return &l.Engagement
	case "excitement":
		return &l.Excitement
	case "stress":
		return &l.Stress
	case "relaxation":
		return &l.Relaxation
	case "interest":
		return &l.Interest
	case "focus":
		return &l.Focus
	}
	return nil
}

// percent is the charge in the middle of a battery grade of dev.
func (v *virtual) percent() float64 { return [...]float64{2, 12, 32, 70, 100}[v.battery] }

// settings are the settings of the headset: 128 Hz, and the motion rate as near
// as the model has it.
func (v *virtual) settings(m *streams.Model) streams.Settings {
	s := m.DefaultSettings()
	for _, mode := range m.Modes {
		if mode.Name != s.Mode {
			continue
		}
		best := mode.MemsRates[0]
		for _, rate := range mode.MemsRates {
			if (rate == 0) == (v.motionRate == 0) && math.Abs(float64(rate-v.motionRate)) < math.Abs(float64(best-v.motionRate)) || (best == 0) != (v.motionRate == 0) {
				best = rate
			}
		}
		s.MemsRate = best
	}
	s.EEGRate, s.EEGRes, s.MemsRes = 128, 0, 0
	return m.CompleteSettings(s)
}

// apply puts the virtual headset into the state of its signal.
func (v *virtual) apply(st *streams.State) {
	st.Battery.Percent = v.percent()
	st.Contact = maps.Clone(v.cq)
	if level, ok := map[string]float64{"low": 0.2, "mid": 0.5, "high": 0.8}[v.samples]; ok {
		for _, metric := range []string{"attention", "engagement", "excitement", "stress", "relaxation", "interest", "focus"} {
			*levelOf(&st.Levels, metric) = level
		}
	}
	for metric, level := range v.pm {
		*levelOf(&st.Levels, metric) = level
	}
	// What the panel of a virtual headset says is what com says, trained or not.
	st.MentalCommand = streams.MentalCommand{Action: v.mc.action, Power: v.mc.power, Forced: v.mc.action != "neutral"}
	st.FacialExpression.UAct, st.FacialExpression.UPow = v.fe.upper, v.fe.upperPower
	st.FacialExpression.LAct, st.FacialExpression.LPow = v.fe.lower, v.fe.lowerPower
}

// virtualOf returns a virtual headset of the user.
func (c *Call) virtualOf(a rpc.Args) (*virtual, *device, error) {
	id := a.String("virtualHeadsetId")
	for _, v := range c.virtuals {
		if d := c.devices[v.headset]; v.uuid == id && (v.owner == "" || v.owner == c.token.Username) && d != nil {
			v.powerOn = d.on // a scenario may have switched it
			return v, d, nil
		}
	}
	return nil, nil, c.fault(CodeHeadsetUnavailable, "there is no virtual headset "+id)
}

func updateVirtualHeadset(c *Call, a rpc.Args) (any, error) {
	// Values are checked before the headset is looked for, but for the sensors of cq.
	if err := c.readVirtual(newVirtual("", ""), a, nil); err != nil {
		return nil, err
	}
	v, d, err := c.virtualOf(a)
	if err != nil {
		return nil, err
	}
	rate := v.motionRate
	sensors := d.model.Sensors
	if d.model.Flex {
		sensors = d.model.MappedSensors(d.headset.Mappings)
	}
	if err := c.readVirtual(v, a, sensors); err != nil {
		return nil, err
	}
	state := streams.DefaultState()
	if d.spec.Signal != nil {
		state = d.spec.Signal.Clone()
	}
	v.apply(&state)
	d.spec.Signal = &state
	d.headset.CustomName = v.name
	if d.source != nil {
		if err := c.changeSignal(v.headset, v.apply); err != nil {
			return nil, err
		}
	}
	if v.motionRate != rate {
		if err := c.configure(d, v.settings(d.model)); err != nil {
			return nil, err
		}
	}
	c.SetHeadsetPower(v.headset, v.powerOn)
	return c.virtualObject(v), nil
}

func deleteVirtualHeadset(c *Call, a rpc.Args) (any, error) {
	v, _, err := c.virtualOf(a)
	if err != nil {
		return nil, err
	}
	if err := c.RemoveHeadset(v.headset); err != nil {
		return nil, err
	}
	return rpc.Object{"message": "The virtual headset has been deleted.", "virtualHeadsetId": v.uuid}, nil
}

func queryVirtualHeadsets(c *Call, _ rpc.Args) (any, error) {
	list := rpc.Array{}
	for _, v := range c.virtuals {
		if v.owner == "" || v.owner == c.token.Username {
			list = append(list, c.virtualObject(v))
		}
	}
	return list, nil
}

func triggerVirtualHeadsetEvent(c *Call, a rpc.Args) (any, error) {
	v, d, err := c.virtualOf(a)
	if err != nil {
		return nil, err
	}
	if d.source == nil {
		return nil, c.fault(CodeHeadsetUnavailable, "virtual headset "+v.uuid+" is not connected")
	}
	action := a.String("eyeAction")
	for _, act := range []string{"neutral", action} { // an action happens when it is set anew
		if err := c.changeSignal(v.headset, func(st *streams.State) { st.FacialExpression.EyeAct = act }); err != nil {
			return nil, err
		}
	}
	return rpc.Object{"eyeAction": action, "message": "Action triggered successfully", "virtualHeadsetId": v.uuid}, nil
}

// virtualObject is the object of the documentation of the mobile library.
func (s *Service) virtualObject(v *virtual) rpc.Object {
	owner := v.owner
	if u := s.Store.User(v.owner); u != nil {
		owner = u.ID
	}
	cq, worst := rpc.Object{}, 4
	if d := s.devices[v.headset]; d != nil {
		v.powerOn = d.on
		sensors := d.model.Sensors
		if d.model.Flex {
			sensors = d.model.MappedSensors(d.headset.Mappings)
		}
		for _, sensor := range sensors {
			q, ok := v.cq[sensor]
			if !ok {
				q = 4
			}
			cq[sensor], worst = q, min(worst, q)
		}
	}
	return rpc.Object{
		"battery": v.battery, "connectionType": "bluetooth", "cq": cq, "cqStatus": [...]string{"bad", "bad", "medium", "medium", "good"}[worst], "eegRate": 128,
		"fe": rpc.Object{
			"lowerFaceAction": v.fe.lower, "lowerFacePower": v.fe.lowerPower, "upperFaceAction": v.fe.upper, "upperFacePower": v.fe.upperPower,
		},
		"mc": rpc.Object{"action": v.mc.action, "power": v.mc.power}, "motionRate": v.motionRate, "name": v.name, "ownerId": owner, "pm": v.pm,
		"powerOn": v.powerOn, "preRecordedSamples": v.samples, "serial": v.serial, "type": v.kind, "uuid": v.uuid,
	}
}

// registerVirtual lets the methods see a virtual headset that the world has.
func (s *Service) registerVirtual(d *device) {
	v := newVirtual(d.headset.VirtualID, d.headset.Model)
	v.headset, v.name, v.powerOn, v.motionRate = d.headset.ID, d.headset.CustomName, d.on, d.model.DefaultSettings().MemsRate
	v.serial = strings.TrimPrefix(d.headset.ID, d.model.IDPrefix)
	if d.spec.Settings != nil {
		v.motionRate = d.spec.Settings.MemsRate
	}
	state := streams.DefaultState()
	if d.spec.Signal != nil {
		state = *d.spec.Signal
	}
	for v.battery > 0 && v.percent() > state.Battery.Percent {
		v.battery--
	}
	s.virtuals = append(s.virtuals, v)
}

// forgetVirtual is the other end of a virtual headset.
func (s *Service) forgetVirtual(h *sessionstore.Headset) {
	s.virtuals = slices.DeleteFunc(s.virtuals, func(v *virtual) bool { return v.headset == h.ID })
}
