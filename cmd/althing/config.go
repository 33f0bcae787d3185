package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxConfigBytes bounds a configuration file: every flag, many times over.
const maxConfigBytes = 1 << 20

// A configFile is a flag whose value names a file with values for the other
// flags of its command, under their names. What the command line or the
// environment say comes first.
type configFile string

// BeforeResolve reads the file, when the command line has been read.
func (configFile) BeforeResolve(context *kong.Context, trace *kong.Path) error {
	name, ok := context.FlagValue(trace.Flag).(configFile)
	if !ok || name == "" {
		return nil
	}
	values, err := readConfig(string(name), context.Selected().Flags)
	if err != nil {
		return err
	}
	context.AddResolver(kong.ResolverFunc(
		func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
			for _, e := range flag.Envs {
				if _, ok := os.LookupEnv(e); ok {
					return nil, nil
				}
			}
			if v, ok := values[flag.Name]; ok {
				return v, nil
			}
			return nil, nil
		}))
	return nil
}

func readConfig(name string, flags []*kong.Flag) (map[string]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("--config-file=%s: %w", name, err)
	}
	if info.Size() > maxConfigBytes {
		return nil, fmt.Errorf("--config-file=%s: %d bytes, of %d at most", name, info.Size(), maxConfigBytes)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--config-file=%s: %w", name, err)
	}
	values, err := parseConfig(b, flags)
	if err != nil {
		return nil, fmt.Errorf("--config-file=%s: %w", name, err)
	}
	return values, nil
}

// parseConfig reads the values of flags: one mapping whose keys are names of
// flags, and whose values are what one would write on the command line, or
// lists of it.
func parseConfig(b []byte, flags []*kong.Flag) (map[string]string, error) {
	file, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string)
	if len(file.Docs) > 1 {
		return nil, errors.New("more than one document")
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return values, nil
	}
	var entries []*ast.MappingValueNode
	switch body := file.Docs[0].Body.(type) {
	case *ast.MappingNode:
		entries = body.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{body}
	case *ast.CommentGroupNode:
		return values, nil
	default:
		return nil, at(body, "expected lines of the form flag: value")
	}
	for _, e := range entries {
		key := e.Key.GetToken().Value
		flag := find(flags, key)
		if flag == nil {
			return nil, at(e.Key, "there is no flag %q", key)
		}
		text, err := textOf(e.Value)
		if err != nil {
			return nil, err
		}
		if err := try(flag, text); err != nil {
			return nil, at(e.Value, "%s: %v", key, err)
		}
		values[key] = text
	}
	return values, nil
}

// at is an error with its line and column.
func at(n ast.Node, format string, args ...any) error {
	p := n.GetToken().Position
	return fmt.Errorf("%d:%d: %s", p.Line, p.Column, fmt.Sprintf(format, args...))
}

func find(flags []*kong.Flag, name string) *kong.Flag {
	for _, f := range flags {
		if f.Name == name && name != "config-file" && name != "help" {
			return f
		}
	}
	return nil
}

// textOf returns a value as it is written: it is the flag that makes a number
// or a truth of it, as on the command line.
func textOf(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		text := n.GetToken().Value
		if len(text) > 1 && text[0] == '0' && text[1] != '.' {
			return "", at(n, "expected a number without a zero before it: %s could be meant as octal", text)
		}
		return text, nil
	case *ast.SequenceNode:
		var all []string
		for _, v := range n.Values {
			if _, nested := v.(*ast.SequenceNode); nested {
				return "", at(v, "expected a value, not a list in a list")
			}
			s, err := textOf(v)
			if err != nil {
				return "", err
			}
			all = append(all, s)
		}
		return strings.Join(all, ","), nil
	}
	return "", at(n, "expected a value or a list of values")
}

// try reports whether the flag takes the text.
func try(flag *kong.Flag, text string) error {
	target := reflect.New(flag.Target.Type()).Elem()
	scan := kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: text})
	return flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, target)
}

// environment gives each flag of serve its environment variable: ALTHING_, and
// its name in capitals with _ for -.
func environment(k *kong.Kong) error {
	for _, n := range k.Model.Children {
		if n.Name != "serve" {
			continue
		}
		for _, f := range n.Flags {
			if f.Name == "help" {
				continue
			}
			name := "ALTHING_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
			f.Envs = append(f.Envs, name)
			f.Tag.Envs = append(f.Tag.Envs, name)
		}
	}
	return nil
}
