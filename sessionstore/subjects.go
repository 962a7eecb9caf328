package sessionstore

import (
	"cmp"
	"slices"
)

// Subject is one person whose records a user makes (Subject object page). The
// name identifies it within its user.
type Subject struct {
	Owner       string // EmotivID of the user
	Name        string
	DateOfBirth string // YYYY-MM-DD, or empty
	Sex         string // M, F, U, or empty
	CountryCode string // ISO 3166-1 alpha-2, or empty
	State       string
	City        string
	Attributes  []SubjectAttribute
}

// SubjectAttribute is one demographic attribute of a subject.
type SubjectAttribute struct{ Name, Value string }

// Subject returns the subject of a user, or nil.
func (s *Store) Subject(owner, name string) *Subject {
	for _, have := range s.subjects {
		if have.Owner == owner && have.Name == name {
			return have
		}
	}
	return nil
}

// Subjects returns all subjects of all users in the order of their creation.
func (s *Store) Subjects() []*Subject { return slices.Clone(s.subjects) }

// CreateSubject adds a subject.
func (s *Store) CreateSubject(n *Subject) error {
	const op = "createSubject"
	if s.Subject(n.Owner, n.Name) != nil {
		return refuse(op, SubjectExists, "there is a subject %q: call updateSubject", n.Name)
	}
	if s.MaxRecords > 0 && len(s.subjects) >= s.MaxRecords {
		return refuse(op, RecordLimitReached, "there are %d subjects", len(s.subjects))
	}
	s.subjects = append(s.subjects, n)
	return nil
}

// UpdateSubject changes what change sets.
func (s *Store) UpdateSubject(owner, name string, change func(*Subject)) (*Subject, error) {
	have := s.Subject(owner, name)
	if have == nil {
		return nil, refuse("updateSubject", SubjectUnknown, "no subject %q", name)
	}
	change(have)
	return have, nil
}

// DeleteSubject deletes a subject. Its records keep the name (a guess).
func (s *Store) DeleteSubject(owner, name string) error {
	have := s.Subject(owner, name)
	if have == nil {
		return refuse("deleteSubjects", SubjectUnknown, "no subject %q", name)
	}
	s.subjects = slices.DeleteFunc(s.subjects, func(o *Subject) bool { return o == have })
	return nil
}

// ExperimentsCount is in how many experiments the subject took part.
func (s *Store) ExperimentsCount(sub *Subject) int {
	seen := make(map[int]bool)
	for _, r := range s.records {
		if r.Owner == sub.Owner && r.SubjectName == sub.Name && r.ExperimentID != 0 {
			seen[r.ExperimentID] = true
		}
	}
	return len(seen)
}

// SubjectQuery are the filters of querySubjects. The page of the method is not
// public; the filters are those of the subject object (guessed).
type SubjectQuery struct {
	Owner       string
	Keyword     string // in the name
	Name        string
	Sex         string
	CountryCode string
	State       string
	City        string
	Born        Span[string] // YYYY-MM-DD
	Attributes  []SubjectAttribute
	OrderBy     []Order
	Limit       int
	Offset      int
	// CountryName gives the name of a country code, for its order; nil: the code.
	CountryName func(code string) string
}

// SubjectOrderKeys are the keys of querySubjects' orderBy.
func SubjectOrderKeys() []string {
	return []string{"subjectName", "dateOfBirth", "sex", "countryCode", "countryName", "state", "city"}
}

func (q *SubjectQuery) holds(sub *Subject) bool {
	same := func(want, have string) bool { return want == "" || want == have }
	for _, want := range q.Attributes {
		if !slices.Contains(sub.Attributes, want) {
			return false
		}
	}
	if (q.Born.From != nil || q.Born.To != nil) && sub.DateOfBirth == "" {
		return false
	}
	return sub.Owner == q.Owner && contains(sub.Name, q.Keyword) && same(q.Name, sub.Name) && same(q.Sex, sub.Sex) &&
		same(q.CountryCode, sub.CountryCode) && same(q.State, sub.State) && same(q.City, sub.City) &&
		q.Born.holds(sub.DateOfBirth, cmp.Compare[string])
}

func (q *SubjectQuery) compare(a, b *Subject, key string) int {
	switch key {
	case "subjectName":
		return cmp.Compare(a.Name, b.Name)
	case "dateOfBirth":
		return cmp.Compare(a.DateOfBirth, b.DateOfBirth)
	case "sex":
		return cmp.Compare(a.Sex, b.Sex)
	case "countryName":
		if q.CountryName != nil {
			return cmp.Compare(q.CountryName(a.CountryCode), q.CountryName(b.CountryCode))
		}
		return cmp.Compare(a.CountryCode, b.CountryCode)
	case "countryCode":
		return cmp.Compare(a.CountryCode, b.CountryCode)
	case "state":
		return cmp.Compare(a.State, b.State)
	case "city":
		return cmp.Compare(a.City, b.City)
	}
	return 0
}

// QuerySubjects returns one page of the subjects that match, and how many match
// in all.
func (s *Store) QuerySubjects(q SubjectQuery) (page []*Subject, count int) {
	var found []*Subject
	for _, sub := range s.subjects {
		if q.holds(sub) {
			found = append(found, sub)
		}
	}
	sortBy(found, q.OrderBy, q.compare)
	return pageOf(found, q.Limit, q.Offset), len(found)
}
