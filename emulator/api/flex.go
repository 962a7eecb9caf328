package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
	"github.com/fakecortex/fakecortex/streams"
)

// FlexRule says what controlDevice connect does with a Flex that has no mapping
// or a wrong one. The documentation only says that CMS and DRL are required.
type FlexRule uint8

// What a Flex without a good mapping gets.
const (
	FlexWarning FlexRule = iota // the call is a success, warning 100 follows
	FlexError                   // -32602
	FlexDefault                 // without mapping the default one is taken; a wrong one is as FlexWarning
)

// defaultMapping is what configMapping get always lists first.
func defaultMapping() *sessionstore.FlexMapping {
	return &sessionstore.FlexMapping{
		Name: "Default Configuration", UUID: madeID("default configuration"), Mappings: streams.DefaultMappings(),
	}
}

// madeID returns a uuid that depends on its purpose only.
func madeID(purpose string) string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://fakecortex.invalid/"+purpose))
	id[6] = id[6]&0x0f | 0x40 // Cortex prints version 4 uuids
	return id.String()
}

// mappingMethods is configMapping of the Headset chapter.
func mappingMethods() []rpc.Method[*Call] {
	return []rpc.Method[*Call]{{
		Name: "configMapping", Chapter: "Headset", Doc: "Stores mappings of Flex headsets for the user.", Since: "4.7", Handle: configMapping,
		Params: []rpc.Param{
			tokenParam(),
			{Name: "status", Type: rpc.TypeString, Required: true, Enum: []string{"create", "get", "read", "update", "delete"}},
			{Name: "uuid", Type: rpc.TypeString, EmptyIsAbsent: true, Doc: "For read, update and delete."},
			{Name: "name", Type: rpc.TypeString, EmptyIsAbsent: true, Doc: "For create; of update, if it changes."},
			{Name: "mappings", Type: rpc.TypeObject, Doc: "Electrode to location. For create; of update, if they change."},
		},
		Guessed: "messages of read and update; -32602 for an unknown uuid and for a wrong mapping; the default configuration cannot be changed; uuid stays over an update",
	}}
}

func configMapping(c *Call, a rpc.Args) (any, error) {
	status, user := a.String("status"), c.token.Username
	if status == "get" {
		return c.listMappings(user), nil
	}
	f := sessionstore.FlexMapping{}
	if status != "create" {
		if !a.Has("uuid") {
			return nil, c.missing("uuid")
		}
		id := a.String("uuid")
		have := c.Store.FlexMapping(user, id)
		if first := defaultMapping(); have == nil && status == "read" && id == first.UUID {
			have = first
		}
		if have == nil {
			return nil, c.invalid("uuid", "that of a stored mapping")
		}
		f = *have
	}
	switch status {
	case "read":
		return rpc.Object{"message": "Read flex mapping config successful", "value": mappingObject(&f)}, nil
	case "delete":
		c.Store.DeleteFlexMapping(user, f.UUID, c.Now())
		return rpc.Object{"message": "Delete flex mapping config successful", "uuid": f.UUID}, nil
	case "create":
		for _, name := range []string{"name", "mappings"} {
			if !a.Has(name) {
				return nil, c.missing(name)
			}
		}
	}
	if err := c.checkName(a, "name"); err != nil {
		return nil, err
	}
	if a.Has("name") {
		f.Name = a.String("name")
	}
	if a.Has("mappings") {
		mappings, err := stringMap(a.Object("mappings"))
		if err == nil {
			err = checkFlex(mappings)
		}
		if err != nil {
			return nil, c.wrongMappings(err)
		}
		f.Mappings = mappings
	}
	message := "Update flex mapping config successful"
	if status == "create" {
		f.UUID, message = c.newID(), "Create flex mapping config successful"
	}
	if err := c.Store.PutFlexMapping(user, f, c.Now()); err != nil {
		return nil, err
	}
	return rpc.Object{"message": message, "value": mappingObject(&f)}, nil
}

// checkFlex checks a mapping by the rules that hold for every Flex.
func checkFlex(mappings map[string]string) error {
	flex, ok := streams.ModelByName("EPOCFLEX")
	if !ok {
		return errors.New("the catalogue has no EPOC Flex")
	}
	return flex.CheckMappings(mappings)
}

// wrongMappings is -32602 for mappings; the log says what is wrong with them.
func (c *Call) wrongMappings(err error) *rpc.Error {
	fault := c.invalid("mappings", "an object of locations by electrode, CMS and DRL among them")
	fault.Op = c.Method + ": " + err.Error()
	return fault
}

func (s *Service) listMappings(user string) rpc.Object {
	list, updated := s.Store.FlexMappings(user)
	if updated.IsZero() {
		updated = s.started
	}
	config := rpc.Array{}
	for _, f := range slices.Insert(list, 0, defaultMapping()) {
		config = append(config, mappingObject(f))
	}
	return rpc.Object{
		"message": "Get flex mapping config successful",
		"value":   rpc.Object{"config": config, "updated": isoMillis(updated.In(s.world.Zone)), "version": "2018-05-08"},
	}
}

// mappingObject is the value of configMapping. What label is for is not known;
// the documentation shows it empty.
func mappingObject(f *sessionstore.FlexMapping) rpc.Object {
	return rpc.Object{"label": rpc.Object{}, "mappings": f.Mappings, "name": f.Name, "uuid": f.UUID}
}

// mappingsToConnect returns the mapping with which controlDevice connects a
// Flex: the one given, a stored one by its name or uuid, or the headset's last
// one. The configMapping page says that a name can be given to connect; how the
// parameter is called is a guess.
func (c *Call) mappingsToConnect(a rpc.Args, d *device) (map[string]string, error) {
	mappings, given := d.headset.Mappings, a.Has("mappings")
	if given {
		raw := a.Raw("mappings")
		var object map[string]json.RawMessage
		var name string
		switch {
		case json.Unmarshal(raw, &name) == nil:
			f := c.Store.FlexMappingByName(c.Store.Login.Username, name)
			if f == nil {
				f = c.Store.FlexMapping(c.Store.Login.Username, name)
			}
			if first := defaultMapping(); f == nil && (name == first.Name || name == first.UUID) {
				f = first
			}
			if f == nil {
				return nil, c.invalid("mappings", "the name or uuid of a stored mapping")
			}
			mappings = f.Mappings
		case json.Unmarshal(raw, &object) == nil:
			var err error
			if mappings, err = stringMap(object); err != nil {
				return nil, c.wrongMappings(err)
			}
		default:
			return nil, c.invalid("mappings", "an object of locations by electrode")
		}
	}
	if len(mappings) == 0 && !given && c.world.FlexWithoutMapping == FlexDefault {
		mappings = streams.DefaultMappings()
	}
	if err := d.model.CheckMappings(mappings); err != nil && c.world.FlexWithoutMapping == FlexError {
		return nil, c.wrongMappings(err)
	}
	return mappings, nil
}

func stringMap(raw map[string]json.RawMessage) (map[string]string, error) {
	out := make(map[string]string, len(raw))
	for k, v := range raw {
		var text string
		if err := json.Unmarshal(v, &text); err != nil {
			return nil, fmt.Errorf("mappings.%s: %w", k, err)
		}
		out[k] = text
	}
	return out, nil
}
