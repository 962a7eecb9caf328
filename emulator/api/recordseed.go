package api

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/fakecortex/fakecortex/emulator/export"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// RecordSpec is a record that exists when a world begins.
type RecordSpec struct {
	ID          string // uuid; empty: made from title and place in the list
	Title       string
	Description string
	Start       time.Time     // zero: an hour before the world begins
	Duration    time.Duration // zero: a minute
	HeadsetID   string        // of the world; empty: the first
	// ApplicationID is the appId of its application; empty: whichever asks.
	ApplicationID string
	LicenseID     string   // empty: the first license of the owner
	LicenseScope  []string // nil: that license's
	Owner         string   // EmotivID; empty: who is logged in
	Subject       string
	Tags          []string
	ExperimentID  int
	LocalOnly     bool
	Survey        json.RawMessage   // any JSON, told by exportRecord; nil: none
	Sync          sessionstore.Sync // empty: neverUploaded
	// NoData leaves the record without samples: an export answers -32147. Else
	// the first export makes them by running the headset through that time.
	NoData  bool
	Markers []MarkerSpec
}

// MarkerSpec is one marker of a RecordSpec.
type MarkerSpec struct {
	At       time.Duration // from the start of the record
	Duration time.Duration // zero: an instance
	Value    any           // string or json.Number
	Label    string
	Port     string // empty: Software
}

// addRecord adds a record that exists already.
func (s *Service) addRecord(spec RecordSpec, place int) error {
	setDefault(&spec.Owner, s.Store.Login.Username)
	setDefault(&spec.Duration, time.Minute)
	setDefault(&spec.Sync, sessionstore.SyncNeverUploaded)
	setDefault(&spec.Start, s.Now().Add(-time.Hour))
	owner := s.Store.User(spec.Owner)
	if owner == nil {
		return fmt.Errorf("world: record %q: owner %q is not one of its users", spec.Title, spec.Owner)
	}
	if spec.HeadsetID == "" && len(s.world.Headsets) > 0 {
		spec.HeadsetID = s.world.Headsets[0].ID
	}
	d := s.devices[spec.HeadsetID]
	if d == nil {
		return fmt.Errorf("world: record %q: headset %q is not one of its headsets", spec.Title, spec.HeadsetID)
	}
	license, err := s.recordLicense(&spec)
	if err != nil {
		return err
	}
	ids := rand.NewChaCha8(seed32(s.world.Seed, fmt.Sprintf("record %d %s", place, spec.Title)))
	newID := func() string { return uuid.Must(uuid.NewRandomFromReader(ids)).String() } // the reader has no way to fail
	setDefault(&spec.ID, newID())
	settings := d.model.DefaultSettings()
	if d.spec.Settings != nil {
		settings = *d.spec.Settings
	}
	mappings := d.headset.Mappings
	if d.model.Flex && len(mappings) == 0 {
		mappings = streams.DefaultMappings() // it had one then
	}
	r := &sessionstore.Record{
		ID: spec.ID, OwnerID: owner.ID, Owner: owner.Username, ApplicationID: spec.ApplicationID, ApplicationVersion: "1.0", Title: spec.Title,
		Description: spec.Description, Tags: spec.Tags, ExperimentID: spec.ExperimentID, LicenseID: license.ID, LicenseScope: license.Scopes,
		SubjectName: spec.Subject, LocalOnly: spec.LocalOnly, Survey: spec.Survey, Start: spec.Start, End: spec.Start.Add(spec.Duration),
		Modified: spec.Start.Add(spec.Duration), State: sessionstore.RecordReady, Sync: spec.Sync,
		Headset: sessionstore.RecordedHeadset{
			ID: d.headset.ID, Model: d.headset.Model, Firmware: d.headset.Firmware, ConnectedBy: d.headset.ConnectedBy,
			HeadbandPosition: d.headset.HeadbandPosition, Mappings: mappings, Settings: sessionstore.HeadsetSettings(settings),
		},
	}
	for _, m := range spec.Markers {
		setDefault(&m.Port, "Software")
		marker := &sessionstore.Marker{
			ID: newID(), Type: sessionstore.MarkerInstance, Value: m.Value, Label: m.Label, Port: m.Port,
			Start: r.Start.Add(m.At), End: r.Start.Add(m.At + m.Duration),
		}
		switch v := m.Value.(type) {
		case string, json.Number:
		default:
			return fmt.Errorf("world: record %q: marker %q: value %v is neither a string nor a json.Number", spec.Title, m.Label, v)
		}
		if m.Duration > 0 {
			marker.Type = sessionstore.MarkerInterval
		}
		r.Markers = append(r.Markers, marker)
	}
	again := s.world.Keeper.seed("record " + r.ID)
	if s.world.Keeper == nil || s.Store.Record(r.Owner, r.ID) == nil {
		if again {
			return nil // its client has deleted it
		}
		s.Store.AddRecord(r)
	}
	if spec.NoData || s.data[r.ID] != nil {
		return nil
	}
	config := d.sourceConfig(settings, r.Start.UnixNano())
	if d.model.Flex {
		config.Sensors = d.model.MappedSensors(mappings)
	}
	config.Seed = rand.New(rand.NewPCG(s.world.Seed, hashString("record "+r.ID))).Uint64()
	storage := s.world.RecordStorage
	s.data[r.ID] = &recordData{generate: func(ctx context.Context) (*export.Recording, error) {
		return simulate(ctx, config, spec.Duration, license, storage)
	}}
	return nil
}

// recordLicense is the license of a record, with the scopes that it had then.
func (s *Service) recordLicense(spec *RecordSpec) (*sessionstore.License, error) {
	var found *sessionstore.License
	for _, l := range s.Store.Licenses() {
		if l.ID == spec.LicenseID || spec.LicenseID == "" && (l.Owner == "" || l.Owner == spec.Owner) {
			found = l
			break
		}
	}
	license := sessionstore.License{ID: spec.LicenseID, Scopes: spec.LicenseScope}
	if found != nil {
		license.ID = found.ID
		if license.Scopes == nil {
			license.Scopes = found.Scopes
		}
	}
	if license.ID == "" {
		return nil, fmt.Errorf("world: record %q: %s has no license, name one", spec.Title, spec.Owner)
	}
	return &license, nil
}

// populateRecords adds the subjects and records of the world.
func (s *Service) populateRecords() error {
	s.Store.MaxRecords = s.world.MaxRecords
	if err := s.restore(); err != nil {
		return err
	}
	for _, sub := range s.world.Subjects {
		setDefault(&sub.Owner, s.Store.Login.Username)
		again := s.world.Keeper.seed("subject " + sub.Owner + " " + sub.Name)
		if again || s.world.Keeper != nil && s.Store.Subject(sub.Owner, sub.Name) != nil {
			continue // kept, or deleted
		}
		if err := s.Store.CreateSubject(&sub); err != nil {
			return fmt.Errorf("world: %w", err)
		}
	}
	for i, spec := range s.world.Records {
		if err := s.addRecord(spec, i); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) recordDefaults() {
	setDefault(&w.MaxRecords, 1000)
	if w.RecordStorage.Shared == nil {
		w.RecordStorage.Shared = export.NewBudget(export.DefaultBudget)
	}
	setDelay(&w.PostProcessing, time.Second)
	setDelay(&w.DownloadDelay, 2*time.Second)
	setDefault(&w.MarkerTooOld, time.Minute)
	setDefault(&w.MarkerTooNew, time.Minute)
}
