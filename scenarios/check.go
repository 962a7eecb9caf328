package scenarios

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fakecortex/fakecortex/emulator/faults"
	"github.com/fakecortex/fakecortex/scenarios/strict"
	"github.com/fakecortex/fakecortex/streams"
)

// ModelOf returns the model that the prefix of a headset's id names, or "".
func ModelOf(id string) string {
	if m, ok := streams.ModelForID(id); ok {
		return m.Name
	}
	return ""
}

// checker finds what the types of single fields cannot say.
type checker struct {
	d   *strict.Decoder
	doc *Document
}

func check(d *strict.Decoder, doc *Document) {
	c := checker{d, doc}
	c.world()
	c.timeline()
	for i := range doc.Faults {
		checkRule(d, &doc.Faults[i], fmt.Sprintf("faults[%d]", i))
		c.methods(fmt.Sprintf("faults[%d].on.method", i), doc.Faults[i].On.Method...)
	}
	for i := range doc.Expectations {
		c.expectation(fmt.Sprintf("expectations[%d]", i), &doc.Expectations[i])
	}
	c.refs() // those of where, too
	for code, t := range doc.Texts.Errors {
		if len(t.Message) > 0 && t.Message[0] != '"' {
			c.bad(fmt.Sprintf("texts.errors.%d", code), "", "the message of an error is a text", "a text")
		}
		c.errorCode(fmt.Sprintf("texts.errors.%d", code), code)
		if t.Code != nil {
			c.errorCode(fmt.Sprintf("texts.errors.%d.code", code), *t.Code)
		}
	}
	for code := range doc.Texts.Warnings {
		if code < 0 {
			c.bad(fmt.Sprintf("texts.warnings.%d", code), strconv.Itoa(code), "is not the code of a warning", "0 or more, such as 104")
		}
	}
}

// errorCode tells of a number that no error of Cortex has, such as one without
// its minus.
func (c *checker) errorCode(path string, code int) {
	told := slices.ContainsFunc(c.d.Errors, func(e Error) bool { return e.Path == path }) // of another type
	if !told && (code < -33000 || code > -32000) {
		c.bad(path, strconv.Itoa(code), "is not the code of an error", "a number from -33000 to -32000")
	}
}

func (c *checker) bad(path, value, problem, allowed string) {
	c.d.At(path, Error{Value: value, Problem: problem, Allowed: allowed})
}

func (c *checker) unknown(path, value, what string, known []string) {
	e := Error{Value: strconv.Quote(value), Problem: "is not " + what, Nearest: strict.Nearest(value, known)}
	if len(known) > 0 && len(known) <= 40 {
		e.Allowed = strict.Words(known)
	} else if len(known) == 0 {
		e.Problem += ", there is none"
	}
	c.d.At(path, e)
}

// unique tells of names that stand twice.
func unique[T any](c *checker, path, field string, items []T, name func(*T) string) []string {
	seen := map[string]int{}
	var out []string
	for i := range items {
		n := name(&items[i])
		if n == "" {
			continue
		}
		if first, ok := seen[n]; ok {
			c.bad(fmt.Sprintf("%s[%d].%s", path, i, field), strconv.Quote(n), fmt.Sprintf("is the %s of %s[%d] already", field, path, first), "")
			continue
		}
		seen[n] = i
		out = append(out, n)
	}
	return out
}

var versionForm = regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]{1,4}){1,2}$`)

func (c *checker) world() {
	w := &c.doc.World
	if !versionForm.MatchString(w.CortexVersion) {
		c.bad("world.cortexVersion", strconv.Quote(w.CortexVersion), "is not a version", "such as 4.8.32 or 2.7")
	} else if major, _, _ := strings.Cut(w.CortexVersion, "."); major == "0" || major == "1" {
		c.bad("world.cortexVersion", strconv.Quote(w.CortexVersion), "is not simulated", "2.0 or later")
	}
	if w.Clock != "" {
		if _, err := streams.ParseScale(w.Clock); err != nil {
			c.bad("world.clock", strconv.Quote(w.Clock), "is not a clock", "real, manual, or xN such as x10")
		}
	}
	// The host's clock says some year from 2026 on.
	if s := w.StartTime; !s.Relative && !s.IsZero() && s.T.Year() < 2000 || s.Relative && s.D < -25*365*24*time.Hour {
		c.bad("world.startTime", text(s), "is too long ago", "2000 or later, or at most 9125d ago")
	}
	for i := range w.Applications {
		c.application(fmt.Sprintf("world.applications[%d]", i), &w.Applications[i])
	}
	for i := range w.Licenses {
		c.license(fmt.Sprintf("world.licenses[%d]", i), &w.Licenses[i])
	}
	for i := range w.Headsets {
		c.headset(fmt.Sprintf("world.headsets[%d]", i), &w.Headsets[i])
	}
	for i := range w.Profiles {
		c.profile(fmt.Sprintf("world.profiles[%d]", i), &w.Profiles[i])
	}
	for i := range w.FlexMappings {
		c.mappings(fmt.Sprintf("world.flexMappings[%d].mappings", i), w.FlexMappings[i].Mappings)
	}
	for i := range w.Records {
		r := &w.Records[i]
		c.record(fmt.Sprintf("world.records[%d]", i), r)
		for j, m := range r.Markers {
			path := fmt.Sprintf("world.records[%d].markers[%d]", i, j)
			if end := m.At + deref(m.Duration); end > r.Duration {
				c.bad(path+".at", end.String(), "is after the end of the record", "at most its duration, "+r.Duration.String())
			}
			if len(m.Value) == 0 || !strings.ContainsRune(`"-0123456789`, rune(m.Value[0])) {
				c.bad(path+".value", "", "is not a marker value", "a text or a number")
			}
		}
	}
}

func deref(d *Duration) Duration {
	if d == nil {
		return 0
	}
	return *d
}

func (c *checker) application(path string, a *Application) {
	if a.ApproveAfter != nil && a.DeclineAfter != nil {
		c.bad(path+".declineAfter", "", "the user either approves or declines", "approveAfter or declineAfter")
	}
	for name, after := range map[string]*Duration{"approveAfter": a.ApproveAfter, "declineAfter": a.DeclineAfter} {
		if after != nil && a.Status != "pending" {
			c.bad(path+"."+name, "", "comes too late, the application is "+a.Status+" from the start", "status: pending")
		}
	}
}

func (c *checker) license(path string, l *License) {
	order := func(from, to Instant, first, second string) {
		if from.Relative == to.Relative && !from.IsZero() && !to.IsZero() && (from.D > to.D || from.T.After(to.T)) {
			c.bad(path+"."+second, text(to), "is before "+first+"", "later than "+text(from))
		}
	}
	order(l.ValidFrom, l.ValidTo, "validFrom", "validTo")
	order(l.BillingFrom, l.BillingTo, "billingFrom", "billingTo")
	order(l.SoftLimitTime, l.HardLimitTime, "softLimitTime", "hardLimitTime")
	for i, s := range l.Scopes {
		if s != "eeg" && s != "pm" && s != "" {
			c.unknown(fmt.Sprintf("%s.scopes[%d]", path, i), s, "a scope", []string{"eeg", "pm"})
		}
	}
}

func text(i Instant) string {
	b, _ := i.MarshalText()
	return string(b)
}

func (c *checker) mappings(path string, m map[string]string) {
	known := slices.Sorted(maps.Keys(streams.DefaultMappings()))
	used := map[string]string{}
	for _, e := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(known, e) {
			c.unknown(path+"."+e, e, "an electrode of a Flex", known)
		}
		switch place := m[e]; {
		case !streams.IsLocation(place):
			c.bad(path+"."+e, strconv.Quote(place), "is not a location of the 10-20 system", "one such as Cz or AF3")
		case used[place] != "":
			c.bad(path+"."+e, strconv.Quote(place), "is the location of "+used[place]+" already", "")
		default:
			used[place] = e
		}
	}
	for _, ref := range []string{"CMS", "DRL"} {
		if _, ok := m[ref]; !ok {
			c.bad(path, "", ref+" is missing", "CMS and DRL in every mapping")
		}
	}
}

func (c *checker) headset(path string, h *Headset) {
	if h.ID == "" {
		return // the decoder has told
	}
	name := ModelOf(h.ID)
	var prefixes []string
	for _, m := range streams.Models() {
		prefixes = append(prefixes, m.IDPrefix)
	}
	switch {
	case name == "":
		c.bad(path+".id", strconv.Quote(h.ID), "does not say the model", "an id that begins with "+strict.Words(prefixes))
	case h.Model == "":
		h.Model = name
	case name != h.Model:
		c.bad(path+".model", strconv.Quote(h.Model), "does not go with the id "+h.ID, name)
	}
	model, ok := streams.ModelByName(h.Model)
	if !ok {
		return
	}
	if h.Mappings != nil {
		if !model.Flex {
			c.bad(path+".mappings", "", "an "+h.Model+" has no mapping", "an EPOCFLEX or a FLEX2")
		} else {
			c.mappings(path+".mappings", h.Mappings)
		}
	}
	if h.Settings != nil {
		c.said(path, model.CheckSettings(h.StreamSettings()))
	}
	if !h.Signal.IsZero() {
		state := streams.DefaultState()
		if err := h.Signal.Apply(&state); err == nil { // the decoder tells of other errors
			c.said(path+".signal", state.Check(c.sensors(h)))
		}
	}
	if h.HeadbandPosition != "" && h.Model != "EPOCX" {
		c.bad(path+".headbandPosition", strconv.Quote(h.HeadbandPosition), "only an EPOC X has one", "")
	}
	if h.AppearsAfter != nil && h.Status == "off" {
		c.bad(path+".appearsAfter", "", "a headset whose status is off never appears", "status: on, discovered or connected")
	}
}

// said turns an error of package streams, "field: problem, want this", into one
// with a place.
func (c *checker) said(path string, err error) {
	if err == nil {
		return
	}
	field, problem, ok := strings.Cut(err.Error(), ": ")
	if !ok || strings.Contains(field, " ") {
		c.bad(path, "", err.Error(), "")
		return
	}
	problem, allowed, _ := strings.Cut(problem, ", want ")
	c.bad(path+"."+field, "", problem, allowed)
}

// sensors returns the sensors of a headset, nil when they are not known.
func (c *checker) sensors(h *Headset) []string {
	m, ok := streams.ModelByName(h.Model)
	if !ok || m.Flex && h.Mappings == nil {
		return nil
	}
	return m.MappedSensors(h.Mappings)
}

// headsetOf returns the headset that an action means, nil when it comes later.
func (c *checker) headsetOf(id string) *Headset {
	list := c.doc.World.Headsets
	for i := range list {
		if list[i].ID == id || id == "" {
			return &list[i]
		}
	}
	return nil
}

func (c *checker) profile(path string, p *Profile) {
	trained := func(path string, actions map[string]int, known []string) {
		for _, a := range slices.Sorted(maps.Keys(actions)) {
			if !slices.Contains(known, a) {
				c.unknown(path+"."+a, a, "an action that can be trained", known)
			} else if n := actions[a]; n < 0 || n > 10000 {
				c.bad(path+"."+a, strconv.Itoa(n), "is out of range", "a number of trainings from 0 to 10000")
			}
		}
	}
	trained(path+".mentalCommand", p.MentalCommand, streams.MentalActions())
	trained(path+".facialExpression", p.FacialExpression, streams.TrainableExpressions())
	for i, a := range p.ActiveActions {
		switch at := fmt.Sprintf("%s.activeActions[%d]", path, i); {
		case a == "neutral" || !slices.Contains(streams.MentalActions(), a):
			c.unknown(at, a, "an action that can be active", streams.MentalActions()[1:])
		case slices.Contains(p.ActiveActions[:i], a):
			c.bad(at, strconv.Quote(a), "is in the list already", "")
		}
	}
	if p.Sensitivity != nil && len(p.Sensitivity) != 4 {
		c.bad(path+".sensitivity", "", "has not four numbers", "four whole numbers from 1 to 10")
	}
	for i, s := range p.Sensitivity {
		if s < 1 || s > 10 {
			c.bad(fmt.Sprintf("%s.sensitivity[%d]", path, i), strconv.Itoa(s), "is out of range", "a whole number from 1 to 10")
		}
	}
	for _, a := range slices.Sorted(maps.Keys(p.FacialThresholds)) {
		if n := p.FacialThresholds[a]; n < 0 || n > 1000 {
			c.bad(path+".facialThresholds."+a, strconv.Itoa(n), "is out of range", "a whole number from 0 to 1000")
		}
		if known := streams.FacialActions(); !slices.Contains(known, a) {
			c.unknown(path+".facialThresholds."+a, a, "a facial expression", known)
		}
	}
	c.loaded(path, p)
}

// loaded checks that a profile can be loaded from the start on.
func (c *checker) loaded(path string, p *Profile) {
	h := c.headsetOf(p.LoadedOn)
	if p.LoadedOn == "" || h == nil {
		c.later(path+".loadedOn", p.LoadedOn)
		return
	}
	path += ".loadedOn"
	if h.Status != "connected" || h.AppearsAfter != nil {
		c.bad(path, strconv.Quote(h.ID), "is not connected at the start", "a headset whose status is connected")
	}
	for i := range c.doc.World.Profiles {
		other := &c.doc.World.Profiles[i]
		if other == p {
			break
		}
		if other.LoadedOn == p.LoadedOn {
			c.bad(path, strconv.Quote(h.ID), "has "+other.Name+" loaded already", "")
		}
	}
	channels, has := p.EEGChannels, c.sensors(h)
	if channels == nil {
		channels = c.sensors(&c.doc.World.Headsets[0])
	}
	if len(channels) > 0 && has != nil && !slices.Equal(channels, has) {
		c.bad(path, strconv.Quote(h.ID), "has other sensors than the profile", "eegChannels: "+strings.Join(has, ", "))
	}
}

// later tells of a headset that the world has only when the timeline adds it,
// where it is needed from the start on.
func (c *checker) later(path, id string) {
	for _, s := range c.doc.Timeline {
		for _, a := range s.Do {
			if h, ok := a.Args.(*Headset); ok && id != "" && h.ID == id {
				c.bad(path, strconv.Quote(id), "is added only by the timeline", "a headset of the world")
				return
			}
		}
	}
}

// record checks that a record has a headset and a license.
func (c *checker) record(path string, r *Record) {
	w := &c.doc.World
	switch {
	case len(w.Headsets) == 0:
		c.bad(path, "", "there is no headset that has made it", "a headset of the world")
	case c.headsetOf(r.Headset) == nil:
		c.later(path+".headset", r.Headset)
	}
	owner := r.Owner
	if owner == "" && len(w.Users) > 0 {
		owner = w.Users[0].Username
	}
	if owner == "" {
		c.bad(path, "", "there is no user who could own it", "a user of the world")
	} else if r.License == "" && !slices.ContainsFunc(w.Licenses, func(l License) bool { return l.Owner == "" || l.Owner == owner }) {
		c.bad(path, "", owner+" has no license with which it could be made", "license, or a license of the world")
	}
}

// refs looks up the names of things.
func (c *checker) refs() {
	w := &c.doc.World
	names := map[string][]string{
		"user":        unique(c, "world.users", "username", w.Users, func(u *User) string { return u.Username }),
		"application": unique(c, "world.applications", "clientId", w.Applications, func(a *Application) string { return a.ClientID }),
		"license":     unique(c, "world.licenses", "id", w.Licenses, func(l *License) string { return l.ID }),
		"headset":     unique(c, "world.headsets", "id", w.Headsets, func(h *Headset) string { return h.ID }),
		"profile":     unique(c, "world.profiles", "name", w.Profiles, func(p *Profile) string { return p.Name }),
		"subject":     unique(c, "world.subjects", "subjectName", w.Subjects, func(s *Subject) string { return s.SubjectName }),
		"fault":       unique(c, "faults", "id", c.doc.Faults, func(r *faults.Rule) string { return r.ID }),
	}
	unique(c, "world.records", "uuid", w.Records, func(r *Record) string { return r.UUID })
	for i := range c.doc.Timeline {
		for _, a := range c.doc.Timeline[i].Do {
			switch args := a.Args.(type) {
			case *Headset:
				names["headset"] = append(names["headset"], args.ID)
			case *faults.Rule:
				names["fault"] = append(names["fault"], args.ID)
			}
		}
	}
	what := map[string]string{
		"user": "a user of the world", "application": "an application of the world", "license": "a license of the world",
		"headset": "a headset of the world", "profile": "a profile of the world", "subject": "a subject of the world", "fault": "the id of a fault",
	}
	for _, r := range c.d.Refs {
		if r.Kind == "application" && (slices.Contains(names[r.Kind], "*") || w.AnyApplication && len(w.Applications) == 0) {
			continue // it comes with the client
		}
		if !slices.Contains(names[r.Kind], r.Value) {
			c.unknown(r.Path, r.Value, what[r.Kind], names[r.Kind])
		}
	}
}

func (c *checker) methods(path string, methods ...string) {
	known := Methods()
	for i, m := range methods {
		if m != "*" && !slices.Contains(known, m) {
			p := path
			if _, ok := c.d.Positions[fmt.Sprintf("%s[%d]", path, i)]; ok {
				p = fmt.Sprintf("%s[%d]", path, i)
			}
			c.unknown(p, m, "a Cortex method", known)
		}
	}
}

func (c *checker) event(path, name string, where map[string]string) {
	events := Events()
	i := slices.IndexFunc(events, func(e EventType) bool { return e.Name == name })
	if i < 0 {
		known := make([]string, len(events))
		for i := range events {
			known[i] = events[i].Name
		}
		c.unknown(path+".event", name, "an event", known)
		return
	}
	for _, k := range slices.Sorted(maps.Keys(where)) {
		if !slices.Contains(events[i].Fields, k) {
			c.unknown(path+".where."+k, k, "a field of "+name, events[i].Fields)
		} else if where[k] != "*" {
			c.fieldValue(path+".where."+k, k, where[k])
		}
	}
}

// fieldValue checks what where asks of a field of an event.
func (c *checker) fieldValue(path, field, value string) {
	var known []string
	switch field {
	case "headset":
		if !c.doc.World.VirtualHeadsetMethods { // with which clients make some
			c.d.Refs = append(c.d.Refs, strict.Ref{Kind: field, Value: value, Path: path})
		}
		return
	case "user", "license", "application":
		c.d.Refs = append(c.d.Refs, strict.Ref{Kind: field, Value: value, Path: path})
		return
	case "method":
		c.methods(path, value)
		return
	case "code", "connection":
		if _, err := strconv.Atoi(value); err != nil {
			c.bad(path, strconv.Quote(value), "is not a number", "a number, or *")
		}
		return
	case "stream":
		known = streams.Names()
	case "detection":
		known = []string{"mentalCommand", "facialExpression"}
	case "event":
		known = streams.SysEvents()
	case "reason":
		known = []string{"client", "headset", "connection", "logout", "cortex"}
	default:
		return // sessions, records, profiles and labels are the client's
	}
	if !slices.Contains(known, value) {
		c.unknown(path, value, "a value of "+field, known)
	}
}

// one tells when not exactly one of several keys is set; what is their plural.
func (c *checker) one(path, what string, set map[string]bool, names ...string) {
	n := 0
	for _, isSet := range set {
		if isSet {
			n++
		}
	}
	if n != 1 {
		c.bad(path, "", fmt.Sprintf("has %d %s", n, what), "exactly one of "+strict.Words(names))
	}
}

func (c *checker) timeline() {
	steps := c.doc.Timeline
	names := unique(c, "timeline", "name", steps, func(s *Step) string { return s.Name })
	next := map[string]string{} // step to the step it waits for
	for i := range steps {
		s, path := &steps[i], fmt.Sprintf("timeline[%d]", i)
		c.one(path, "triggers", map[string]bool{
			"at": s.At != nil, "after": s.After != nil, "onCall": s.OnCall != nil, "onSample": s.OnSample != nil, "every": s.Every != nil,
		}, "at", "after", "onCall", "onSample", "every")
		if s.Count > 0 && s.Every == nil {
			c.bad(path+".count", "", "only every has a count", "")
		}
		if a := s.After; a != nil {
			c.one(path+".after", "things to come after", map[string]bool{"event": a.Event != "", "step": a.Step != ""}, "event", "step")
			if a.Event != "" {
				c.event(path+".after", a.Event, a.Where)
			}
			if a.Step != "" {
				if !slices.Contains(names, a.Step) {
					c.unknown(path+".after.step", a.Step, "the name of a step", names)
				} else if s.Name != "" {
					next[s.Name] = a.Step
				}
				if len(a.Where) > 0 {
					c.bad(path+".after.where", "", "only an event has fields", "")
				}
			}
		}
		if s.OnCall != nil {
			c.methods(path+".onCall.method", s.OnCall.Method)
		}
		if len(s.Do) == 0 {
			if _, ok := c.d.Positions[path+".do"]; ok {
				c.bad(path+".do", "", "is empty", "at least one action")
			}
		}
		for j := range s.Do {
			p := fmt.Sprintf("%s.do[%d]", path, j)
			if _, ok := c.d.Positions[p]; !ok {
				p = path + ".do"
			}
			c.action(p+"."+s.Do[j].Name, s.Do[j])
		}
	}
	for i := range steps {
		if steps[i].After == nil || steps[i].After.Step == "" {
			continue // of a name that stands twice
		}
		name, seen := steps[i].Name, 0
		for at := next[name]; name != "" && at != ""; at = next[at] {
			if at == name {
				c.bad(fmt.Sprintf("timeline[%d].after", i), strconv.Quote(name), "waits for itself: it can never come", "")
				break
			}
			if seen++; seen > len(steps) {
				break
			}
		}
	}
	c.presence()
	c.lifetimes()
}

// preparing reports whether an action can be done to a headset before it is there.
func preparing(path string) bool {
	return slices.ContainsFunc([]string{DoConnectOutcome, DoClock, DoUSBCable}, func(name string) bool { return strings.Contains(path, "."+name+".") })
}

// lifetimes finds actions on headsets and faults that are not there yet, or not
// any more, as far as the times of the timeline are fixed.
func (c *checker) lifetimes() {
	type life struct {
		there          bool // from the start
		off            bool // until appearsAfter, or until it is switched on
		unsure         bool // it comes or goes at a time that nobody knows
		added, removed []Duration
	}
	lives := map[string]*life{}
	of := func(kind, id string) *life {
		key := kind + " " + id
		if lives[key] == nil {
			lives[key] = &life{}
		}
		return lives[key]
	}
	for _, h := range c.doc.World.Headsets {
		if l := of("headset", h.ID); deref(h.AppearsAfter) > 0 {
			l.off, l.added = true, append(l.added, *h.AppearsAfter)
		} else {
			l.there = true
		}
	}
	for _, r := range c.doc.Faults {
		of("fault", r.ID).there = true
	}
	for _, s := range c.doc.Timeline {
		for _, a := range s.Do {
			var l *life
			added := false
			switch x := a.Args.(type) {
			case *Headset:
				l, added = of("headset", x.ID), true
			case *faults.Rule:
				l, added = of("fault", x.ID), true
			case *ClearFault:
				l = of("fault", x.ID)
			case *OnHeadset:
				switch on := of("headset", x.Headset); {
				case a.Name == DoRemoveHeadset:
					l = on
				case a.Name == DoHeadsetOn && on.off:
					l, added = on, true
				}
			}
			switch {
			case l == nil:
			case s.At == nil || s.Probability != nil:
				l.unsure = true
			case added:
				l.added = append(l.added, *s.At)
			default:
				l.removed = append(l.removed, *s.At)
			}
		}
	}
	for _, r := range c.d.Refs {
		var i int
		if _, err := fmt.Sscanf(r.Path, "timeline[%d].do", &i); err != nil || i >= len(c.doc.Timeline) || c.doc.Timeline[i].At == nil {
			continue
		}
		at, l := *c.doc.Timeline[i].At, lives[r.Kind+" "+r.Value]
		if l == nil || l.unsure || l.off && preparing(r.Path) {
			continue
		}
		came, gone := Duration(-1), Duration(-1)
		for _, t := range l.added {
			if t <= at {
				came = max(came, t)
			}
		}
		for _, t := range l.removed {
			if t < at {
				gone = max(gone, t)
			}
		}
		switch {
		case !l.there && came < 0 && len(l.added) > 0:
			c.bad(r.Path, strconv.Quote(r.Value), fmt.Sprintf("comes only at %s: the order is impossible", slices.Min(l.added)), "")
		case gone >= 0 && came < gone:
			c.bad(r.Path, strconv.Quote(r.Value), fmt.Sprintf("is gone since %s: the order is impossible", gone), "")
		}
	}
}

// presence tells of headsets that are switched on or off again at a time when
// they are already.
func (c *checker) presence() {
	type change struct {
		at   Duration
		on   bool
		path string
	}
	changes := map[string][]change{}
	sure := map[string]bool{}
	for _, h := range c.doc.World.Headsets {
		sure[h.ID] = h.Status != "off" && h.AppearsAfter == nil
	}
	first := ""
	if len(c.doc.World.Headsets) > 0 {
		first = c.doc.World.Headsets[0].ID
	}
	for i, s := range c.doc.Timeline {
		for j, a := range s.Do {
			args, ok := a.Args.(*OnHeadset)
			if !ok {
				continue
			}
			id := args.Headset
			if id == "" {
				id = first
			}
			switch a.Name {
			case DoHeadsetOff, DoHeadsetOutOfRange, DoHeadsetOn, DoHeadsetBack:
				if s.At == nil || s.Probability != nil {
					sure[id] = false
					continue
				}
				changes[id] = append(changes[id], change{*s.At, a.Name == DoHeadsetOn || a.Name == DoHeadsetBack, fmt.Sprintf("timeline[%d].do[%d]", i, j)})
			case DoRemoveHeadset, DoOtherTakesHeadset:
				sure[id] = false
			}
		}
	}
	for id, list := range changes {
		if !sure[id] {
			continue
		}
		slices.SortStableFunc(list, func(a, b change) int { return int(min(max(a.at-b.at, -1), 1)) })
		on := true
		for _, ch := range list {
			if ch.on == on {
				state := map[bool]string{true: "on", false: "off"}[on]
				c.bad(ch.path, "", fmt.Sprintf("%s is %s at %s already: the order is impossible", id, state, ch.at), "")
				break
			}
			on = ch.on
		}
	}
}

func (c *checker) action(path string, a Action) {
	switch args := a.Args.(type) {
	case *Headset:
		c.headset(path, args)
	case *faults.Rule:
		checkRule(c.d, args, path)
		c.methods(path+".on.method", args.On.Method...)
	case *Send:
		c.one(path, "frames", map[string]bool{"frame": args.Frame != nil, "text": args.Text != "", "hex": args.Hex != ""}, "frame", "text", "hex")
		if _, err := hex.DecodeString(args.Hex); err != nil {
			c.bad(path+".hex", strconv.Quote(args.Hex), "is not hexadecimal", "an even number of the digits 0 to 9 and a to f")
		}
	case *Battery:
		if args.Percent == nil && args.DrainPerHour == nil {
			c.bad(path, "", "says not what", "percent or drainPerHour")
		}
	case *Stimulus:
		if args.Label != "" && args.Frequency > 0 {
			c.bad(path+".frequency", "", "is another stimulus than label", "label or frequency")
		}
		if f := args.Frequency; f > 0 && f < 1 {
			c.bad(path+".frequency", "", "is out of range", "0, or a number from 1 to 45")
		}
	case *Contact:
		if h := c.headsetOf(args.Headset); h != nil {
			for i, name := range args.Sensors {
				if known := c.sensors(h); known != nil && !slices.Contains(known, name) {
					p := fmt.Sprintf("%s.sensors[%d]", path, i)
					c.unknown(p, name, "a sensor of "+h.ID, known)
				}
			}
		}
	case *Signal:
		state := streams.DefaultState()
		if err := args.State.Apply(&state); err == nil {
			var known []string
			if h := c.headsetOf(args.Headset); h != nil {
				known = c.sensors(h)
			}
			c.said(path+".state", state.Check(known))
		}
	case *SendWarning:
		if m := args.Message; len(m) > 0 && m[0] != '"' && m[0] != '{' {
			c.bad(path+".message", string(m), "is not the message of a warning", "a text or a mapping")
		}
	case *Cut:
		for _, p := range (&faults.Rule{On: faults.Match{Direction: "out"}, Close: &faults.Close{Code: args.Code, Reason: args.Reason}}).Check() {
			c.bad(path+strings.TrimPrefix(p.Path, "close"), "", p.Text, p.Allowed)
		}
	}
}

func checkRule(d *strict.Decoder, r *faults.Rule, path string) {
	for _, p := range r.Check() {
		at := path
		if p.Path != "" {
			at = strings.TrimPrefix(path+"."+p.Path, ".")
		}
		d.At(at, Error{Problem: p.Text, Allowed: p.Allowed})
	}
}

func (c *checker) expectation(path string, e *Expectation) {
	c.one(path, "things to expect", map[string]bool{"must": e.Must != nil, "mustNot": e.MustNot != nil, "order": e.Order != nil}, "must", "mustNot", "order")
	if e.Count != nil {
		if e.Must == nil {
			c.bad(path+".count", "", "only must has a count", "")
		}
		n := e.Count
		switch {
		case n.Exactly == nil && n.Min == nil && n.Max == nil:
			c.bad(path+".count", "", "says not how many", "a number, min or max")
		case n.Exactly != nil && (n.Min != nil || n.Max != nil):
			c.bad(path+".count", "", "is either exactly a number or a span", "exactly, or min and max")
		case n.Min != nil && n.Max != nil && *n.Min > *n.Max:
			c.bad(path+".count.max", strconv.Itoa(*n.Max), "is less than min", "at least "+strconv.Itoa(*n.Min))
		}
	}
	if e.Order != nil && len(e.Order) < 2 {
		c.bad(path+".order", "", "is no order", "at least two patterns")
	}
	patterns := map[string]*Pattern{"must": e.Must, "mustNot": e.MustNot, "after": e.After, "before": e.Before}
	for i := range e.Order {
		patterns[fmt.Sprintf("order[%d]", i)] = &e.Order[i]
	}
	for _, name := range slices.Sorted(maps.Keys(patterns)) {
		if patterns[name] != nil {
			c.pattern(path+"."+name, patterns[name])
		}
	}
	if e.After != nil && e.Before != nil {
		a, _ := json.Marshal(e.After)
		b, _ := json.Marshal(e.Before)
		if string(a) == string(b) {
			c.bad(path+".before", "", "is the same as after: nothing can come between", "")
		}
	}
}

func (c *checker) pattern(path string, p *Pattern) {
	c.one(path, "things to match", map[string]bool{
		"call": p.Call != "", "answer": p.Answer != "", "error": p.Error != "", "warning": p.Warning != nil,
		"sample": p.Sample != "", "event": p.Event != "", "opened": p.Opened, "closed": p.Closed,
	}, "call", "answer", "error", "warning", "sample", "event", "opened", "closed")
	for name, m := range map[string]string{"call": p.Call, "answer": p.Answer, "error": p.Error} {
		if m != "" {
			c.methods(path+"."+name, m)
		}
	}
	if p.Sample != "" {
		if _, ok := streams.ParseKind(p.Sample); !ok {
			c.unknown(path+".sample", p.Sample, "a stream", streams.Names())
		}
	}
	if p.Event != "" {
		c.event(path, p.Event, p.Where)
	} else if len(p.Where) > 0 {
		c.bad(path+".where", "", "only an event has fields", "")
	}
	if p.Code != nil && p.Error == "" && !p.Closed {
		c.bad(path+".code", "", "only error and closed have a code", "")
	}
	if p.Params != nil && p.Call == "" && p.Answer == "" && p.Error == "" {
		c.bad(path+".params", "", "only a call has parameters", "")
	}
	if p.Result != nil && p.Answer == "" {
		c.bad(path+".result", "", "only answer has a result", "")
	}
}
