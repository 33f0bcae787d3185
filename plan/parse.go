package plan

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	schemakind "github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// InputSchema and OutputSchema are JSON Schemas (draft 2020-12): of what Parse
// reads, and of a Plan in JSON.
var (
	//go:embed schema/input.json
	InputSchema []byte
	//go:embed schema/output.json
	OutputSchema []byte
)

var inputSchema = sync.OnceValue(func() *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(InputSchema))
	if err != nil {
		panic(err) // it is part of the program
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("input.json", doc); err != nil {
		panic(err)
	}
	return c.MustCompile("input.json")
})

// maxInput bounds what Parse reads: no request is as long, and references in YAML
// can make much of little.
const maxInput = 1 << 20

// top is the one field of a document.
const top = "distributed_context"

// Parse reads a request from YAML or JSON. Everything that is wrong with it is
// returned at once, as a *Refusal: what the schema does not allow, and the rules
// that are broken as far as the rest can be read. Text that is neither YAML nor
// JSON gives another error, with its line.
func Parse(text []byte) (Request, error) {
	if len(text) > maxInput {
		return Request{}, fmt.Errorf("plan: the request is longer than %d bytes", maxInput)
	}
	var document any
	if err := yaml.UnmarshalWithOptions(text, &document); err != nil {
		return Request{}, fmt.Errorf("plan: %s", strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	b, err := json.Marshal(document)
	if err != nil || len(b) > maxInput {
		return Request{}, errors.New("plan: the request is no document of JSON's types, or too long as such")
	}
	var refusal Refusal
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return Request{}, fmt.Errorf("plan: %w", err)
	}
	var invalid *jsonschema.ValidationError
	if errors.As(inputSchema().Validate(value), &invalid) {
		refusal.add(invalid, value)
		slices.SortStableFunc(refusal.Broken, func(a, b Wrong) int { // the library goes through maps
			return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Rule, b.Rule))
		})
	}
	var r struct {
		Context Request `json:"distributed_context"`
	}
	if err := json.Unmarshal(b, &r); err != nil {
		if len(refusal.Broken) == 0 {
			return Request{}, fmt.Errorf("plan: %w", err)
		}
		return Request{}, &refusal // rules cannot be asked of what cannot be read
	}
	if r.Context.Consistency == "" {
		r.Context.Consistency = Eventual
	}
	var broken *Refusal
	if n := r.Context.Cluster.Nodes; n >= 1 && n <= 1000 && errors.As(r.Context.Check(), &broken) {
		refusal.Broken = append(refusal.Broken, broken.Broken...)
	}
	if len(refusal.Broken) > 0 {
		return Request{}, &refusal
	}
	return r.Context, nil
}

// english is how the schema's errors are said.
var english = message.NewPrinter(language.English)

// add adds what the schema does not allow: the innermost causes.
func (r *Refusal) add(e *jsonschema.ValidationError, document any) {
	if len(e.Causes) > 0 {
		for _, c := range e.Causes {
			r.add(c, document)
		}
		return
	}
	if extra, ok := e.ErrorKind.(*schemakind.AdditionalProperties); ok {
		slices.Sort(extra.Properties)
	}
	path := slices.Clone(e.InstanceLocation)
	value := at(document, path)
	if len(path) > 0 && path[0] == top {
		path = path[1:]
	}
	w := Wrong{Path: strings.Join(path, "."), Value: value, Rule: "schema", Error: e.ErrorKind.LocalizedString(english)}
	if k := e.ErrorKind.KeywordPath(); len(k) > 0 {
		w.Rule = "schema: " + strings.Join(k, ".")
	}
	if w.Path == "" {
		w.Path = top
	}
	if _, whole := value.(map[string]any); whole {
		w.Value = "{…}" // what is wrong is inside, or missing
	}
	r.Broken = append(r.Broken, w)
}

// at is what stands at a place in a document.
func at(document any, path []string) any {
	for _, name := range path {
		switch d := document.(type) {
		case map[string]any:
			document = d[name]
		case []any:
			i := 0
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(d) {
				return nil
			}
			document = d[i]
		}
	}
	return document
}
