package api

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/fakecortex/fakecortex/emulator/rpc"
	"github.com/fakecortex/fakecortex/sessionstore"
)

// subjectMethods are the methods of the Subjects chapter.
func subjectMethods() []rpc.Method[*Call] {
	const chapter, since = "Subjects", "2.1"
	params := func() []rpc.Param {
		return []rpc.Param{
			tokenParam(), {Name: "subjectName", Type: rpc.TypeString, Required: true},
			{Name: "dateOfBirth", Type: rpc.TypeString}, {Name: "sex", Type: rpc.TypeString},
			{Name: "countryCode", Type: rpc.TypeString}, {Name: "state", Type: rpc.TypeString},
			{Name: "city", Type: rpc.TypeString}, {Name: "attributes", Type: rpc.TypeObjectArray},
		}
	}
	return []rpc.Method[*Call]{
		{
			Name: "createSubject", Chapter: chapter, Since: since, Doc: "Creates a subject for records.", Handle: createSubject,
			Params: params(), Errors: []int{CodeSubjectExists}, Guessed: "the code for a name that is taken is invented",
		},
		{
			Name: "updateSubject", Chapter: chapter, Since: since, Doc: "Changes a subject; what is left out stays.", Handle: updateSubject,
			Params: params(), Errors: []int{CodeSubjectUnknown}, Guessed: "the code for an unknown subject is invented",
		},
		{
			Name: "deleteSubjects", Chapter: chapter, Since: since, Doc: "Deletes subjects by name.", Handle: deleteSubjects,
			Params: []rpc.Param{tokenParam(), {Name: "subjects", Type: rpc.TypeStringArray, Required: true}}, Errors: []int{CodeSubjectUnknown},
			Guessed: "records keep the name",
		},
		{
			Name: "querySubjects", Chapter: chapter, Since: since, Doc: "Finds subjects of the user.", Handle: querySubjects,
			Params: []rpc.Param{
				tokenParam(), {Name: "query", Type: rpc.TypeObject, Required: true}, {Name: "orderBy", Type: rpc.TypeObjectArray, Required: true},
				{Name: "limit", Type: rpc.TypeInteger}, {Name: "offset", Type: rpc.TypeInteger},
			},
			Guessed: "the keys of query and orderBy, after the Subject object",
		},
		{
			Name: "getDemographicAttributes", Chapter: chapter, Since: since, Doc: "Lists the attributes that a subject may have.", Handle: getDemographicAttributes,
			Params: []rpc.Param{tokenParam()}, Guessed: "the values; the names are those of exported files",
		},
	}
}

// demographicAttributes are the attributes with the values that they may have.
// The names are those in exported JSON files; the values are guessed.
func demographicAttributes() []struct {
	Name   string
	Values []string
} {
	return []struct {
		Name   string
		Values []string
	}{
		{"education", []string{"Primary", "Secondary", "Vocational", "Bachelor", "Master", "Doctorate", "Other"}},
		{"handedness", []string{"Left", "Right", "Ambidextrous"}},
		{"languageAbility", []string{"Monolingual", "Bilingual", "Multilingual"}},
		{"meditation", []string{"Never", "Sometimes", "Regularly"}},
		{"musicalAbility", []string{"None", "Beginner", "Intermediate", "Advanced", "Professional"}},
		{"profession", []string{"Student", "Employee", "Self-employed", "Researcher", "Retired", "Other"}},
	}
}

func getDemographicAttributes(*Call, rpc.Args) (any, error) {
	list := rpc.Array{}
	for _, a := range demographicAttributes() {
		list = append(list, rpc.Object{"name": a.Name, "value": a.Values})
	}
	return list, nil
}

// subjectObject is the Subject object of the documentation.
func (s *Service) subjectObject(sub *sessionstore.Subject) rpc.Object {
	country, _ := countryName(sub.CountryCode)
	attributes := rpc.Array{}
	for _, a := range sub.Attributes {
		attributes = append(attributes, rpc.Object{"name": a.Name, "value": a.Value})
	}
	return rpc.Object{
		"attributes": attributes, "city": sub.City, "countryCode": sub.CountryCode, "countryName": country, "dateOfBirth": sub.DateOfBirth,
		"experimentsCount": s.Store.ExperimentsCount(sub), "sex": sub.Sex, "state": sub.State, "subjectName": sub.Name,
	}
}

// Bounds of a subject: the name's is documented (createSubject page), the others
// are ours.
const (
	maxSubjectName = 30
	maxAttributes  = 100
	maxPlace       = 200
)

// subjectOf reads the parameters of a subject and returns what they change.
func (c *Call) subjectOf(a rpc.Args) (change func(*sessionstore.Subject), err error) {
	name, born, sex, country := a.String("subjectName"), a.String("dateOfBirth"), a.String("sex"), a.String("countryCode")
	if name == "" || utf8.RuneCountInString(name) > maxSubjectName {
		return nil, c.invalid("subjectName", fmt.Sprintf("a string of 1 to %d characters", maxSubjectName))
	}
	if born != "" {
		if _, err := time.Parse(time.DateOnly, born); err != nil {
			return nil, c.invalid("dateOfBirth", "a date such as 1990-12-31")
		}
	}
	switch sex {
	case "", "M", "F", "U":
	default:
		return nil, c.invalid("sex", "M, F or U")
	}
	if _, ok := countryName(country); country != "" && !ok {
		return nil, c.invalid("countryCode", "an ISO 3166-1 alpha-2 code such as AU")
	}
	for _, place := range []string{"state", "city"} {
		if len(a.String(place)) > maxPlace {
			return nil, c.invalid(place, fmt.Sprintf("a string of at most %d bytes", maxPlace))
		}
	}
	var attributes []sessionstore.SubjectAttribute
	for _, object := range a.Objects("attributes") {
		var one sessionstore.SubjectAttribute
		if json.Unmarshal(object["name"], &one.Name) != nil || json.Unmarshal(object["value"], &one.Value) != nil || one.Name == "" {
			return nil, c.invalid("attributes", "an array of objects of name and value, both strings")
		}
		if len(one.Name) > maxPlace || len(one.Value) > maxPlace {
			return nil, c.invalid("attributes", fmt.Sprintf("strings of at most %d bytes", maxPlace))
		}
		attributes = append(attributes, one)
	}
	if len(attributes) > maxAttributes {
		return nil, c.invalid("attributes", fmt.Sprintf("an array of at most %d objects", maxAttributes))
	}
	return func(sub *sessionstore.Subject) {
		for param, field := range map[string]*string{
			"dateOfBirth": &sub.DateOfBirth, "sex": &sub.Sex, "countryCode": &sub.CountryCode, "state": &sub.State, "city": &sub.City,
		} {
			if a.Has(param) {
				*field = a.String(param)
			}
		}
		if a.Has("attributes") {
			sub.Attributes = attributes
		}
	}, nil
}

func createSubject(c *Call, a rpc.Args) (any, error) {
	change, err := c.subjectOf(a)
	if err != nil {
		return nil, err
	}
	sub := &sessionstore.Subject{Owner: c.token.Username, Name: a.String("subjectName")}
	change(sub)
	if err := c.Store.CreateSubject(sub); err != nil {
		return nil, err
	}
	return c.subjectObject(sub), nil
}

func updateSubject(c *Call, a rpc.Args) (any, error) {
	change, err := c.subjectOf(a)
	if err != nil {
		return nil, err
	}
	sub, err := c.Store.UpdateSubject(c.token.Username, a.String("subjectName"), change)
	if err != nil {
		return nil, err
	}
	return c.subjectObject(sub), nil
}

func deleteSubjects(c *Call, a rpc.Args) (any, error) {
	success, failure := rpc.Array{}, rpc.Array{}
	for _, name := range a.Strings("subjects") {
		if err := c.Store.DeleteSubject(c.token.Username, name); err != nil {
			entry := c.recordFailure(name, err)
			delete(entry, "recordId")
			entry["subjectName"] = name
			failure = append(failure, entry)
			continue
		}
		success = append(success, rpc.Object{"subjectName": name})
	}
	return rpc.Object{"failure": failure, "success": success}, nil
}

func querySubjects(c *Call, a rpc.Args) (any, error) {
	query := a.Object("query")
	q := sessionstore.SubjectQuery{Owner: c.token.Username, CountryName: func(code string) string {
		name, _ := countryName(code)
		return name
	}}
	for _, text := range []struct {
		name string
		to   *string
	}{
		{"keyword", &q.Keyword}, {"subjectName", &q.Name}, {"sex", &q.Sex}, {"countryCode", &q.CountryCode}, {"state", &q.State}, {"city", &q.City},
	} {
		v, ok := textOf(query, text.name)
		if !ok {
			return nil, c.invalid("query."+text.name, "a string")
		}
		*text.to = v
	}
	var ok bool
	if q.Born, ok = spanOf(query, "dateOfBirth", parseDay); !ok {
		return nil, c.invalid("query.dateOfBirth", "an object of from and to, such as 1990-12-31")
	}
	if raw, ok := query["attributes"]; ok {
		var list []struct{ Name, Value string }
		if json.Unmarshal(raw, &list) != nil {
			return nil, c.invalid("query.attributes", "an array of objects of name and value")
		}
		for _, one := range list {
			q.Attributes = append(q.Attributes, sessionstore.SubjectAttribute(one))
		}
	}
	var err error
	if q.OrderBy, err = c.orderOf(a, sessionstore.SubjectOrderKeys()); err != nil {
		return nil, err
	}
	if q.Limit, q.Offset, err = c.page(a); err != nil {
		return nil, err
	}
	page, count := c.Store.QuerySubjects(q)
	list := rpc.Array{}
	for _, sub := range page {
		list = append(list, c.subjectObject(sub))
	}
	return rpc.Object{"count": count, "limit": q.Limit, "offset": q.Offset, "subjects": list}, nil
}

func parseDay(raw json.RawMessage) (day string, ok bool) {
	if json.Unmarshal(raw, &day) != nil {
		return "", false
	}
	_, err := time.Parse(time.DateOnly, day)
	return day, err == nil
}

// demographics are what an export tells of a record's subject, in the shape of
// exported JSON files; nil if the user is the subject.
func (s *Service) demographics(r *sessionstore.Record) any {
	sub := s.Store.Subject(r.Owner, r.SubjectName)
	if sub == nil {
		return nil
	}
	out := rpc.Object{}
	for _, a := range sub.Attributes {
		out[a.Name] = a.Value
	}
	out["birthday"], out["gender"] = sub.DateOfBirth, sub.Sex
	if country, ok := countryName(sub.CountryCode); ok {
		out["countryOfResidence"] = rpc.Object{"iso": sub.CountryCode, "printable": country}
	}
	return out
}
