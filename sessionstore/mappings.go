package sessionstore

import (
	"maps"
	"slices"
	"time"
)

// FlexMapping is one stored mapping of a Flex (configMapping page). Mappings
// belong to a user and follow that user to other computers.
type FlexMapping struct {
	Name     string
	UUID     string
	Mappings map[string]string // electrode -> location
}

// flexMappings are the stored mappings of one user.
type flexMappings struct {
	list    []*FlexMapping
	updated time.Time
}

// MaxFlexMappings bounds the stored mappings of one user. Cortex has no
// documented bound.
const MaxFlexMappings = 1000

// FlexMappings returns the stored mappings of a user in the order in which they
// were made, and when they last changed, zero for never.
func (s *Store) FlexMappings(username string) ([]*FlexMapping, time.Time) {
	m := s.mappings[username]
	if m == nil {
		return nil, time.Time{}
	}
	return slices.Clone(m.list), m.updated
}

// FlexMapping returns the stored mapping of that uuid, or nil.
func (s *Store) FlexMapping(username, uuid string) *FlexMapping {
	return s.findMapping(username, func(m *FlexMapping) bool { return m.UUID == uuid })
}

// FlexMappingByName returns the first stored mapping of that name, or nil.
func (s *Store) FlexMappingByName(username, name string) *FlexMapping {
	return s.findMapping(username, func(m *FlexMapping) bool { return m.Name == name })
}

func (s *Store) findMapping(username string, is func(*FlexMapping) bool) *FlexMapping {
	if m := s.mappings[username]; m != nil {
		if i := slices.IndexFunc(m.list, is); i >= 0 {
			return m.list[i]
		}
	}
	return nil
}

// PutFlexMapping stores a mapping, or replaces the one of its uuid.
func (s *Store) PutFlexMapping(username string, f FlexMapping, now time.Time) error {
	m := s.mappings[username]
	if m == nil {
		m = new(flexMappings)
		s.mappings[username] = m
	}
	f.Mappings = maps.Clone(f.Mappings)
	i := slices.IndexFunc(m.list, func(have *FlexMapping) bool { return have.UUID == f.UUID })
	switch {
	case i >= 0:
		m.list[i] = &f
	case len(m.list) >= MaxFlexMappings:
		return refuse("configMapping", TooManyMappings, "%s has %d stored mappings", username, len(m.list))
	default:
		m.list = append(m.list, &f)
	}
	m.updated = now
	return nil
}

// DeleteFlexMapping deletes a stored mapping; it reports false when there is none.
func (s *Store) DeleteFlexMapping(username, uuid string, now time.Time) bool {
	f := s.FlexMapping(username, uuid)
	if f == nil {
		return false
	}
	m := s.mappings[username]
	m.list = slices.DeleteFunc(m.list, func(have *FlexMapping) bool { return have == f })
	m.updated = now
	return true
}
