package scenarios

import "github.com/fakecortex/fakecortex/scenarios/strict"

// SchemaID is the $id of the schema.
const SchemaID = "https://fakecortex.invalid/scenario-1.schema.json"

// Schema returns the JSON Schema of a scenario, for editors. It is made of the
// types that read the document, so it says what Load says, except for what spans
// several fields.
func Schema() []byte {
	return strict.Schema(Document{}, SchemaID, "A fakecortex scenario")
}

// Schema implements strict.Described: one property for each action.
func (Action) Schema(s *strict.SchemaBuilder) map[string]any {
	properties := map[string]any{}
	var bare []string
	for _, t := range Actions() {
		p := s.Of(t.Args)
		properties[t.Name] = map[string]any{"description": t.Doc, "allOf": []any{p}}
		bare = append(bare, t.Name)
	}
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1, "maxProperties": 1},
		map[string]any{"enum": bare},
	}}
}
