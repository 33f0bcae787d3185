package plan

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write the schema of plans anew")

// schemaOf is the JSON Schema of what a type is in JSON.
func schemaOf(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for f := range t.Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "-" || !f.IsExported() {
				continue
			}
			properties[name] = schemaOf(f.Type)
			if !strings.Contains(options, "omit") {
				required = append(required, name)
			}
		}
		return map[string]any{"type": "object", "properties": properties, "required": required,
			"additionalProperties": false}
	}
	return map[string]any{"type": "string"}
}

// The schema that ships is that of Plan, and plans keep it.
func TestOutputSchema(t *testing.T) {
	s := schemaOf(reflect.TypeFor[Plan]())
	s["$schema"], s["title"] = "https://json-schema.org/draft/2020-12/schema", "What althing plan answers"
	want, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("schema/output.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		OutputSchema = want
	}
	if !bytes.Equal(want, OutputSchema) {
		t.Fatal("schema/output.json is not that of Plan: go test ./plan -run OutputSchema -update")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(OutputSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("output.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("output.json")
	plans := 0
	everyRequest(func(r Request) {
		if plans++; plans%7 != 0 {
			return
		}
		p, err := Make(r)
		if err != nil {
			return
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	})
	// What is common to planners of this kind is there, and as they have it.
	for path, kind := range map[string]string{
		"protocol.name": "string", "protocol.description": "string", "protocol.correctness_guarantee": "string",
		"configuration.quorum_size": "integer", "configuration.timeout_ms": "integer",
		"configuration.heartbeat_ms": "integer", "failure_scenarios": "array",
	} {
		at := s
		for name := range strings.SplitSeq(path, ".") {
			if !slices.Contains(at["required"].([]string), name) {
				t.Errorf("%s is not required", path)
			}
			at = at["properties"].(map[string]any)[name].(map[string]any)
		}
		if at["type"] != kind {
			t.Errorf("%s is %v, not %s", path, at["type"], kind)
		}
	}
}

// The input's schema names just the fields of a Request.
func TestInputSchema(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(InputSchema, &doc); err != nil {
		t.Fatal(err)
	}
	named := doc["properties"].(map[string]any)[top].(map[string]any)
	sameFields(t, top, schemaOf(reflect.TypeFor[Request]()), named)
}

func sameFields(t *testing.T, path string, is, named map[string]any) {
	fields, _ := is["properties"].(map[string]any)
	names, _ := named["properties"].(map[string]any)
	for name := range names {
		if fields[name] == nil {
			t.Errorf("%s.%s is in the schema alone", path, name)
		}
	}
	for name, f := range fields {
		if names[name] == nil {
			t.Errorf("%s.%s is not in the schema", path, name)
			continue
		}
		sameFields(t, path+"."+name, f.(map[string]any), names[name].(map[string]any))
	}
}
