package api

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// device is a simulated headset: the radio and the head behind one entry of the
// store. While somebody listens its event runs at each deadline of the streams
// they listen to; else it only catches up now and then.
type device struct {
	service *Service
	headset *sessionstore.Headset
	model   *streams.Model
	spec    HeadsetSpec
	on      bool // switched on and in reach
	silent  bool // connected, but no sample arrives
	mute    streams.Kinds

	source *streams.Source // nil unless connected
	// connections counts them: a headset that comes back does not repeat its signal.
	connections int
	putOn       int // counts how often it was put on a head
	tick        *streams.Event
	attempt     attempt        // to connect
	ready       *streams.Event // the end of its not being ready
	wireless    string         // connectedBy without the USB cable
	giveUp      *streams.Event // the end of the silence that Cortex bears
	sinks       [streams.NumKinds][]*sink
	recorders   []*recordData        // running records
	taps        []*Tap               // who looks on without being a client
	shadow      *streams.Source      // what they see while no client listens
	config      streams.SourceConfig // of source
	marks       []mark               // markers that wait for the eeg sample of their time, in order
	markText    []byte               // reused: the MARKERS column
	trigger     int64                // for the MARKER_HARDWARE column of the next eeg sample, 0: none
	mask        streams.Kinds        // streams with a sink or a recorder
	head        []byte               // reused: {"eeg":[...]
	tail        []byte               // reused: "time":N}
	parts       [3][]byte            // reused: passing them on costs no allocation
	emit        func(*streams.Sample)
}

// sink is where the samples of one subscription go.
type sink struct {
	sub  *sessionstore.Subscription
	peer *Peer
	sid  []byte // ,"sid":"...",
	meter

	nullUntil int64 // met has no values until then

	leaving bool // unsubscribed: left samples are on their way, until then
	left    int
	until   int64
}

// ended reports that no sample is on its way any more after unsubscribe.
func (k *sink) ended(now int64) bool { return k.leaving && (k.left == 0 || now > k.until) }

// underWay is how long samples can be on their way when unsubscribe is answered.
const underWay = int64(200 * time.Millisecond)

// catchUp is how often a headset that nobody listens to computes its signal.
const catchUp = int64(10 * time.Second)

func (s *Service) addDevice(spec HeadsetSpec) error {
	model, ok := streams.ModelForID(spec.ID)
	if !ok {
		return fmt.Errorf("world: headset id %q: the prefix names no known model", spec.ID)
	}
	setDefault(&spec.Firmware, model.Firmware)
	setDefault(&spec.ConnectedBy, "dongle")
	setDefault(&spec.ClockRatio, 1)
	if spec.Dongle == "" {
		spec.Dongle = "0"
		if spec.ConnectedBy == "dongle" {
			spec.Dongle = "6ff"
		}
	}
	h := &sessionstore.Headset{
		ID: spec.ID, Model: model.Name, ConnectedBy: spec.ConnectedBy, CustomName: spec.CustomName, Dongle: spec.Dongle, Firmware: spec.Firmware,
		HeadbandPosition: spec.HeadbandPosition, Virtual: spec.Virtual, VirtualID: spec.VirtualID, Mappings: spec.Mappings, Flaky: spec.Connect.Flaky,
	}
	if model.Flex && spec.Status == StartConnected && len(h.Mappings) == 0 {
		h.Mappings = streams.DefaultMappings() // another application chose it
	}
	d := &device{service: s, headset: h, model: model, spec: spec, on: spec.Status != StartOff && spec.AppearsAfter == 0}
	for _, m := range s.world.Mute {
		if m.Headset == "" || m.Headset == h.ID {
			d.mute |= streams.KindSet(m.Stream)
		}
		if d.mute.Has(streams.MET) {
			d.mute |= streams.KindSet(streams.METLow)
		}
	}
	d.tick = streams.NewEvent(d.run)
	d.emit = d.send
	s.Store.AddHeadset(h)
	s.devices[h.ID] = d
	if h.Virtual {
		setDefault(&h.VirtualID, madeID("virtual "+h.ID))
		s.registerVirtual(d)
	}
	if spec.AppearsAfter > 0 {
		s.sched.After(int64(spec.AppearsAfter), func() { s.appear(d) })
		return nil
	}
	if spec.Status == StartConnected && s.world.Disk == DiskCritical {
		spec.Status = StartDiscovered // none is connected then
	}
	switch spec.Status {
	case StartDiscovered:
		h.Status = sessionstore.HeadsetDiscovered
	case StartOn:
		if !s.compat.AppDrivenScan && !s.outOfBluetooth(d) {
			h.Status = sessionstore.HeadsetDiscovered
		}
	case StartConnected:
		if err := d.start(nil); err != nil {
			return err
		}
		h.Status, h.ConnectedSince = sessionstore.HeadsetConnected, s.Now()
	}
	return nil
}

// appear switches a headset on that was off at the start. No warning tells of
// it (cortex-example #197), unless another application connects it.
func (s *Service) appear(d *device) {
	if s.devices[d.headset.ID] != d || d.on {
		return // removed, or switched on by hand
	}
	s.SetHeadsetPower(d.headset.ID, true)
	if d.spec.Status == StartDiscovered && d.headset.Status == sessionstore.HeadsetAbsent {
		s.apply(s.Store.SetHeadsetStatus(d.headset, sessionstore.HeadsetDiscovered, s.Now()))
	}
	if d.spec.Status == StartConnected {
		if err := s.ConnectHeadset(d.headset.ID); err != nil {
			s.log.Error("headset not connected", "headset", d.headset.ID, "error", err)
		}
	}
}

// start begins the simulation of a headset that has just been connected, or goes
// on with a state.
func (d *device) start(state *streams.State) error {
	s := d.service
	settings := d.model.DefaultSettings()
	if d.spec.Settings != nil {
		settings = *d.spec.Settings
	}
	d.connections++
	config := d.sourceConfig(settings, s.sched.Now())
	config.Seed = rand.New(rand.NewPCG(s.world.Seed, hashString(fmt.Sprintf("signal %s %d", d.headset.ID, d.connections)))).Uint64()
	if truth := s.hooks.Truth; truth != nil {
		config.Truth = func(t streams.Truth) { truth(d.headset.ID, t) }
	}
	settled := config.State
	settles := state == nil && d.spec.SettleFor > 0
	if state != nil {
		config.State = *state
	}
	if settles {
		unsettle(&config.State)
	}
	source, err := streams.NewSource(config)
	if err != nil {
		return fmt.Errorf("headset %s: %w", d.headset.ID, err)
	}
	d.source, d.silent, d.config, d.shadow = source, false, config, nil
	if state == nil {
		d.putOn++
	}
	if putOn := d.putOn; settles {
		s.sched.After(int64(d.spec.SettleFor), func() { d.settle(putOn, settled) })
	}
	d.headset.Sensors = source.Sensors()
	d.headset.MotionSensors = d.model.MotionSensors(d.headset.Firmware, settings)
	d.headset.Settings = sessionstore.HeadsetSettings(settings)
	d.headset.Ready = true
	d.schedule()
	return nil
}

// unsettle makes a state that of a headset which was just put on.
func unsettle(st *streams.State) {
	st.Contact, st.SignalStrength, st.Battery.Percent = map[string]int{"*": 0}, 0, -1
}

// settle ends that, for what nobody has changed meanwhile.
func (d *device) settle(putOn int, to streams.State) {
	if d.source == nil || d.putOn != putOn {
		return // connected anew
	}
	update := func(st *streams.State) {
		if len(st.Contact) == 1 && st.Contact["*"] == 0 {
			st.Contact = to.Contact
		}
		if st.SignalStrength == 0 {
			st.SignalStrength = to.SignalStrength
		}
		if st.Battery.Percent < 0 {
			st.Battery = to.Battery
		}
	}
	if err := d.change(func(src *streams.Source) error { return src.Update(update) }); err != nil {
		d.service.log.Error("headset does not settle", "headset", d.headset.ID, "error", err)
	}
}

// sourceConfig describes the simulation of a headset from an instant on.
func (d *device) sourceConfig(settings streams.Settings, start int64) streams.SourceConfig {
	config := streams.SourceConfig{
		Model: d.model, HeadsetID: d.headset.ID, Firmware: d.headset.Firmware, Settings: settings, State: streams.DefaultState(),
		Start: start, Dialect: d.service.compat.dialect(), ClockOffset: int64(d.spec.ClockOffset), ClockRatio: d.spec.ClockRatio,
	}
	if d.spec.Signal != nil {
		config.State = *d.spec.Signal
	}
	config.BasicMet = int64(d.service.world.BasicMetPeriod)
	if d.model.Flex {
		config.Sensors = d.model.MappedSensors(d.headset.Mappings)
	}
	return config
}

func (d *device) stop() {
	if d.source != nil {
		d.source.Settle()
	}
	d.service.sched.Cancel(d.tick)
	d.service.sched.Cancel(d.giveUp)
	d.service.sched.Cancel(d.attempt.end)
	d.service.sched.Cancel(d.ready)
	d.attempt.polls = 0
	d.source, d.silent, d.shadow = nil, false, nil
	d.marks, d.trigger = nil, 0
}

func (d *device) schedule() {
	sched := d.service.sched
	at := sched.Now() + catchUp
	if d.mask != 0 {
		at = d.source.NextDue(d.mask)
	}
	if at != math.MaxInt64 {
		sched.Schedule(d.tick, at)
	}
}

func (d *device) run() {
	d.prefetch()
	d.advance()
	for d.mask != 0 && d.service.sched.Pass(d.source.NextDue(d.mask)) {
		d.advance()
	}
	d.schedule()
}

// How long nothing must happen so that it is worth making the samples ahead, and
// how many of them are made at most, by time.
const (
	minAhead = int64(500 * time.Millisecond)
	maxAhead = int64(time.Minute)
)

// prefetch lets the source make its samples beside the loop up to the next thing
// that happens in the world. It changes no byte.
func (d *device) prefetch() {
	s := d.service
	if s.hooks.Ahead == nil || s.hooks.Sampled != nil || d.mask == 0 || d.silent || len(d.taps) > 0 {
		return // who looks on at the samples may want to change what comes next
	}
	now := s.sched.Now()
	if until := min(s.sched.Horizon(), now+maxAhead); until-now >= minAhead && s.hooks.Ahead() {
		d.source.Prefetch(until, d.mask)
	}
}

// advance brings the simulation to now and sends what was due until then.
func (d *device) advance() { d.advanceTo(d.service.sched.Now()) }

// peek is advance for those who look on: it leaves out the present instant,
// whose samples have their place among its other events.
func (d *device) peek() { d.advanceTo(d.service.sched.Now() - 1) }

func (d *device) advanceTo(at int64) {
	mask := d.mask
	if d.silent {
		mask = 0
	}
	if mask != 0 {
		if d.shadow = nil; len(d.taps) > 0 {
			mask |= tapKinds // a source is the same whatever is asked of it, once something is
		}
	}
	d.source.Advance(at, mask, d.emit)
}

// send hands a sample to everybody who wants it.
func (d *device) send(sample *streams.Sample) {
	d.tell(sample)
	if !d.mask.Has(sample.Kind) {
		return // made for a tap only: it takes no marker and no trigger away
	}
	d.deliver(sample)
}

// tell hands a sample to those who look on.
func (d *device) tell(sample *streams.Sample) {
	for _, t := range d.taps {
		t.add(d, sample)
	}
}

// deliver encodes a sample once and hands it to each subscription; only the
// session id in the middle differs.
func (d *device) deliver(sample *streams.Sample) {
	if sample.Kind == streams.EEG && d.trigger != 0 {
		d.withTrigger(sample, d.deliver)
		return
	}
	if sample.Kind == streams.EEG && len(d.marks) > 0 {
		sample.Markers = d.takeMarks(sample)
	}
	for _, r := range d.recorders {
		if r.kinds.Has(sample.Kind) {
			r.recorder.Add(sample)
		}
	}
	if len(d.sinks[sample.Kind]) == 0 || d.mute.Has(sample.Kind) {
		return
	}
	d.head = append(d.head[:0], `{"`...)
	d.head = append(d.head, sample.Kind.String()...)
	d.head = append(d.head, `":`...)
	d.head = d.source.Layout(sample.Kind).AppendSample(d.head, sample)
	d.tail = append(d.tail[:0], `"time":`...)
	d.tail = streams.AppendTime(d.tail, sample.Stamp)
	d.tail = append(d.tail, '}')
	sent, ended, now := false, false, d.service.sched.Now()
	for _, k := range d.sinks[sample.Kind] {
		if k.leaving {
			ended = true
			if k.ended(now) {
				continue
			}
			k.left--
		}
		sent = true
		d.parts = [3][]byte{d.head, k.sid, d.tail}
		k.add(sample.Due)
		if k.nullUntil > now {
			null := d.source.InactiveMet(sample)
			d.parts[0] = d.source.Layout(sample.Kind).AppendSample([]byte(`{"met":`), &null)
		}
		k.peer.link.Send(Frame{Kind: Sample, Stream: sample.Kind, Headset: d.headset.ID}, d.parts[:]...)
	}
	if s := d.service; s.hooks.Sampled != nil && sent {
		s.hooks.Sampled(d.headset.ID, sample.Kind)
	}
	if ended {
		d.dropEnded(sample.Kind)
	}
}

// kindOf returns the stream that a subscription gets: met comes at 2 Hz or 0.1 Hz.
func kindOf(sub *sessionstore.Subscription) streams.Kind {
	kind, _ := streams.ParseKind(sub.Stream)
	if kind == streams.MET && !sub.FullRate {
		return streams.METLow
	}
	return kind
}

func (s *Service) startStream(ch sessionstore.Subscribed) {
	d := s.devices[ch.Session.Headset.ID]
	sub, peer := ch.Session.Subscription(ch.Stream), s.peers[ch.Conn]
	if s.world.DoubleSubscribe != SubscribedTwice {
		s.stopStream(ch.Session, ch.Stream)
	}
	if d == nil || d.source == nil || sub == nil || peer == nil {
		return
	}
	d.advance()
	kind := kindOf(sub)
	k := &sink{sub: sub, peer: peer, sid: []byte(`,"sid":"` + ch.Session.ID + `",`), meter: meter{from: s.sched.Now()}}
	if kind == streams.MET || kind == streams.METLow {
		k.nullUntil = s.sched.Now() + int64(s.world.MetInactive)
	}
	d.sinks[kind] = append(d.sinks[kind], k)
	d.listen()
}

// leaveStream ends one stream of a session as unsubscribe does: samples may be
// on their way.
func (s *Service) leaveStream(sess *sessionstore.Session, stream string) {
	d := s.devices[sess.Headset.ID]
	if s.world.SamplesAfterUnsubscribe == 0 || d == nil || d.source == nil {
		s.stopStream(sess, stream)
		return
	}
	d.advance()
	for kind := range d.sinks {
		for _, k := range d.sinks[kind] {
			if k.sub.Session == sess && k.sub.Stream == stream {
				k.leaving, k.left, k.until = true, s.world.SamplesAfterUnsubscribe, s.sched.Now()+underWay
			}
		}
	}
}

// dropEnded forgets the subscriptions whose last samples have arrived.
func (d *device) dropEnded(kind streams.Kind) {
	now := d.service.sched.Now()
	d.sinks[kind] = slices.DeleteFunc(d.sinks[kind], func(k *sink) bool { return k.ended(now) })
	d.recount()
}

// stopStream ends one stream of a session, or all of them with an empty name.
func (s *Service) stopStream(sess *sessionstore.Session, stream string) {
	d := s.devices[sess.Headset.ID]
	if d == nil {
		return
	}
	if d.source != nil {
		d.advance()
	}
	for kind := range d.sinks {
		kept := d.sinks[kind][:0]
		for _, k := range d.sinks[kind] {
			if k.sub.Session != sess || stream != "" && k.sub.Stream != stream {
				kept = append(kept, k)
			}
		}
		clear(d.sinks[kind][len(kept):])
		d.sinks[kind] = kept
	}
	d.listen()
}

// listen recomputes which streams somebody wants, and when the next is due.
func (d *device) listen() {
	if d.source != nil {
		d.source.Settle() // those who come and go are not foreseen
	}
	d.recount()
	if d.source != nil {
		d.schedule()
	}
}

func (d *device) recount() {
	d.mask = 0
	for kind := range d.sinks {
		if len(d.sinks[kind]) > 0 {
			d.mask |= streams.KindSet(streams.Kind(kind))
		}
	}
	for _, r := range d.recorders {
		d.mask |= r.kinds
	}
}

// attempt is an attempt to connect a headset.
type attempt struct {
	number   int // of those since the start
	polls    int // calls of queryHeadsets that are left until it ends
	mappings map[string]string
	by       string // connectionType, empty: as it is
	end      *streams.Event
}

// connect starts to connect a headset. On one that is connected it is a success
// again, warning 104 included (inferred).
func (s *Service) connect(d *device, mappings map[string]string, by string) {
	switch d.headset.Status {
	case sessionstore.HeadsetConnected:
		s.warnHeadset(WarnHeadsetConnected, d.headset.ID)
		return
	case sessionstore.HeadsetConnecting:
		return
	}
	d.attempt = attempt{number: d.attempt.number + 1, mappings: mappings, by: by}
	s.apply(s.Store.SetHeadsetStatus(d.headset, sessionstore.HeadsetConnecting, s.Now()))
	if d.attempt.polls = d.spec.Connect.Polls; d.attempt.polls > 0 {
		return // see polled
	}
	delay := d.spec.Connect.Delay
	if delay == 0 {
		delay = s.world.ConnectDelay
		if d.outcome() == ConnectTimeout {
			delay = s.world.ConnectTimeout
		}
	}
	d.attempt.end = s.sched.After(int64(max(delay, 0)), func() { s.connectEnds(d) })
}

// polled counts a call of queryHeadsets for the attempts that wait for some.
func (s *Service) polled() {
	for _, h := range s.Store.Headsets() {
		d := s.devices[h.ID]
		if d == nil || h.Status != sessionstore.HeadsetConnecting || d.attempt.polls == 0 {
			continue
		}
		if d.attempt.polls--; d.attempt.polls == 0 {
			d.attempt.end = s.sched.After(0, func() { s.connectEnds(d) })
		}
	}
}

// outcome returns how the running attempt to connect ends.
func (d *device) outcome() ConnectOutcome {
	spec := &d.spec.Connect
	failing := spec.Outcome != ConnectOK && (spec.Times == 0 || d.attempt.number <= spec.Times)
	if spec.Outcome == ConnectNoMotion && d.spec.Settings != nil && d.spec.Settings.MemsRate == 0 {
		failing = false // the user has done what 113 asks for
	}
	switch {
	case !d.on:
		return ConnectTimeout
	case d.service.outOfBluetooth(d):
		return ConnectCannot
	case failing:
		return spec.Outcome
	case d.model.Flex && d.model.CheckMappings(d.attempt.mappings) != nil:
		return ConnectWrong
	}
	return ConnectOK
}

func (s *Service) connectEnds(d *device) {
	failed := func(code int) {
		s.event("connectFailed", "headset", d.headset.ID, "code", strconv.Itoa(code))
		s.warnHeadset(code, d.headset.ID)
		to := sessionstore.HeadsetDiscovered
		if !d.on {
			to = sessionstore.HeadsetAbsent
		}
		s.apply(s.Store.SetHeadsetStatus(d.headset, to, s.Now()))
		s.flushWarnings()
	}
	switch d.outcome() {
	case ConnectStuck:
		return
	case ConnectTimeout:
		failed(WarnConnectTimeout)
		return
	case ConnectCannot:
		failed(WarnHeadsetCannot)
		return
	case ConnectWrong:
		failed(WarnHeadsetWrongInfo)
		return
	case ConnectNoMotion:
		failed(WarnHeadsetNoMotion)
		return
	}
	if err := s.connected(d); err != nil {
		s.log.Error("headset not started", "error", err)
		failed(WarnHeadsetWrongInfo)
	}
}

// connected makes a headset connected, as its attempt says.
func (s *Service) connected(d *device) error {
	if d.model.Flex {
		d.headset.Mappings = d.attempt.mappings
	}
	if d.attempt.by != "" && d.attempt.by != d.headset.ConnectedBy {
		d.setConnectedBy(d.attempt.by)
	}
	if err := d.start(nil); err != nil {
		return err
	}
	if wait := int64(s.world.HeadsetReady); wait > 0 {
		d.headset.Ready = false
		d.ready = s.sched.After(wait, func() { d.headset.Ready = true })
	}
	// The status reads connected when 104 is sent: clients query at once.
	s.apply(s.Store.SetHeadsetStatus(d.headset, sessionstore.HeadsetConnected, s.Now()))
	s.warnHeadset(WarnHeadsetConnected, d.headset.ID)
	s.flushWarnings()
	return nil
}

// outOfBluetooth reports whether the headset needs a Bluetooth that the
// operating system has not granted.
func (s *Service) outOfBluetooth(d *device) bool {
	return s.world.BluetoothDenied && d.headset.ConnectedBy == "bluetooth" && !d.headset.Virtual
}

// setConnectedBy changes the way of the data; a Bluetooth headset has no dongle.
func (d *device) setConnectedBy(by string) {
	d.headset.ConnectedBy, d.headset.Dongle = by, d.spec.Dongle
	if by == "bluetooth" {
		d.headset.Dongle = "0"
	}
}

// disconnect ends the connection of a headset; warnings 0 and 1, not 103.
func (s *Service) disconnect(d *device) {
	d.stop()
	to := sessionstore.HeadsetDiscovered
	if !d.on {
		to = sessionstore.HeadsetAbsent
	}
	s.apply(s.Store.SetHeadsetStatus(d.headset, to, s.Now()))
}

// SetHeadsetPower switches a headset on or off, or moves it in and out of
// reach. Off, a connected headset falls silent: its status is connecting, and
// after the world's silence limit it is given up with warning 103 (a virtual
// headset without it, cortex-example #196). It reports false for an unknown id.
func (s *Service) SetHeadsetPower(id string, on bool) bool {
	d := s.devices[id]
	if d == nil {
		return false
	}
	if d.on == on {
		return true
	}
	if d.source != nil {
		d.advance()
	}
	d.on = on
	switch {
	case on && d.silent:
		d.silent = false
		s.sched.Cancel(d.giveUp)
		s.apply(s.Store.SetHeadsetStatus(d.headset, sessionstore.HeadsetConnected, s.Now()))
	case on:
		if s.scan.end.Pending() {
			// A scan that runs finds it as late as one that begins (guessed).
			s.sched.After(int64(s.world.ScanFindAfter), func() {
				if s.scan.end.Pending() {
					s.discover()
				}
			})
		}
		if !s.compat.AppDrivenScan && d.headset.Status == sessionstore.HeadsetAbsent && !s.outOfBluetooth(d) {
			s.apply(s.Store.SetHeadsetStatus(d.headset, sessionstore.HeadsetDiscovered, s.Now()))
		}
	case d.source != nil && d.headset.Virtual:
		s.lose(d)
	case d.source != nil:
		d.silent = true
		s.apply(s.Store.SetHeadsetStatus(d.headset, sessionstore.HeadsetConnecting, s.Now()))
		limit := d.spec.SilenceLimit
		setDefault(&limit, s.world.SilenceLimit)
		d.giveUp = s.sched.After(int64(limit), func() { s.lose(d) })
	case d.headset.Status == sessionstore.HeadsetDiscovered:
		s.apply(s.Store.SetHeadsetStatus(d.headset, sessionstore.HeadsetAbsent, s.Now()))
	}
	return true
}

// lose gives a headset up.
func (s *Service) lose(d *device) {
	d.stop()
	if !d.headset.Virtual && s.compat.HeadsetWarningFirst {
		s.warnHeadset(WarnHeadsetTimeout, d.headset.ID)
	}
	changes := s.Store.SetHeadsetStatus(d.headset, sessionstore.HeadsetAbsent, s.Now())
	s.apply(changes)
	if !d.headset.Virtual && !s.compat.HeadsetWarningFirst {
		s.warnHeadset(WarnHeadsetTimeout, d.headset.ID)
	}
	s.flushWarnings()
}

// UpdateSignal changes the state of a headset's signal from now on. The error
// names the field that is wrong; nothing has changed then.
func (s *Service) UpdateSignal(id string, change func(*streams.State)) error {
	d := s.devices[id]
	if d == nil || d.source == nil {
		return fmt.Errorf("headset %q is not connected", id)
	}
	if err := d.change(func(src *streams.Source) error { return src.Update(change) }); err != nil {
		return fmt.Errorf("signal of headset %s: %w", id, err)
	}
	return nil
}

// change changes the signal at the present instant.
func (d *device) change(fn func(*streams.Source) error) error {
	d.advance()
	err := fn(d.source)
	if err == nil && d.shadow != nil {
		d.shadow.Advance(d.service.sched.Now(), tapKinds, d.tell)
		err = fn(d.shadow)
	}
	return err
}

// stimulus shows a stimulus to the wearer at an instant.
func (d *device) stimulus(at int64, label string) {
	_ = d.change(func(src *streams.Source) error {
		src.Stimulus(at, label)
		return nil
	})
}

// Stimulus shows a stimulus to the wearer of a headset now: what it evokes is
// said by the State of the signal. It reports false for one not connected.
func (s *Service) Stimulus(id, label string) bool {
	d := s.devices[id]
	if d == nil || d.source == nil {
		return false
	}
	d.stimulus(s.sched.Now(), label)
	return true
}
