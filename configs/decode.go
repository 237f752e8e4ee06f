package configs

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// maxValues bounds the values that a file may hold once its aliases are followed.
const maxValues = 200_000

// decoder sets Go values from nodes. What a field may hold follows from its type: int64 is a size in bytes, int a
// count, time.Duration a duration; a type that unmarshals text takes any scalar. Defaults come from SetDefaults of the
// type, called before it is decoded into. A mistake never stops it.
type decoder struct {
	*journal
	env  variables
	left int // values until maxValues is reached
}

// defaulter is implemented by the types of elements and optional parts that have defaults.
type defaulter interface{ SetDefaults() }

// decode sets what to points to.
func (d *decoder) decode(n *node, to any) {
	d.left = maxValues
	d.lines[""] = n.line
	d.value(n, reflect.ValueOf(to).Elem(), "")
	if d.left < 0 {
		d.add("", n.line, fmt.Sprintf("over %d values, aliases followed", maxValues))
	}
}

// field notes where a value stands and sets it.
func (d *decoder) field(n *node, line int, v reflect.Value, path string) {
	if _, known := d.lines[path]; !known {
		d.lines[path] = line
	}
	d.value(n, v, path)
}

func (d *decoder) value(n *node, v reflect.Value, path string) {
	if d.left--; d.left < 0 || d.lost[path] {
		return
	}
	scalar := n.kind == kindBool || n.kind == kindNumber || n.kind == kindText
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok && scalar {
		d.text(n, text, path)
		return
	}
	switch {
	case n.kind == kindNull && nested(v.Type()):
		// A heading with nothing beneath it: everything there is commented out.
	case n.kind == kindNull:
		d.lose(path, d.line(path), `has no value; remove it, or write "" for an empty one`)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		setDefaults(v.Elem())
		d.value(n, v.Elem(), path)
	case v.Kind() == reflect.Struct:
		d.structure(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	case v.Kind() == reflect.Map:
		d.table(n, v, path)
	case !scalar:
		d.wrong(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

// nested tells whether values of the type hold others, so that giving none leaves the defaults.
func nested(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return false
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map, reflect.Pointer:
		return true
	}
	return false
}

func setDefaults(v reflect.Value) {
	if d, ok := v.Addr().Interface().(defaulter); ok {
		d.SetDefaults()
	}
}

func (d *decoder) wrong(n *node, v reflect.Value, path string) {
	d.lose(path, d.line(path), fmt.Sprintf("must be %s, not %s", wanted(v.Type()), n.kind))
}

// wanted says in the words of the configuration what a type takes.
func wanted(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "a duration such as 10s"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Int64:
		return "a size such as 64MiB or a number of bytes"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "a mapping"
	}
	return "a text"
}

func (d *decoder) structure(n *node, v reflect.Value, path string) {
	if n.kind != kindMapping {
		d.wrong(n, v, path)
		return
	}
	fields := fieldsOf(v)
	for _, p := range n.pairs {
		at := join(path, segment(p.key))
		field, ok := fields[p.key]
		if !ok {
			d.add(at, p.line, "unknown field"+suggest(p.key, fields))
			continue
		}
		d.field(p.value, p.line, field, at)
	}
}

// fieldsOf gives the settable fields of a struct by their names in the configuration, those of inlined structs among
// them.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := make(map[string]reflect.Value)
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case slices.Contains(strings.Split(options, ","), "inline"):
			for name, inner := range fieldsOf(v.Field(i)) {
				fields[name] = inner
			}
		case name != "" && name != "-":
			fields[name] = v.Field(i)
		}
	}
	return fields
}

func (d *decoder) list(n *node, v reflect.Value, path string) {
	if n.kind != kindList {
		d.wrong(n, v, path)
		return
	}
	list := reflect.MakeSlice(v.Type(), 0, 0)
	for i, item := range n.items {
		if d.left < 0 {
			return
		}
		element := reflect.New(v.Type().Elem()).Elem()
		setDefaults(element)
		d.field(item, item.line, element, fmt.Sprintf("%s[%d]", path, i))
		list = reflect.Append(list, element)
	}
	v.Set(list)
}

// table decodes a mapping whose keys are the user's.
func (d *decoder) table(n *node, v reflect.Value, path string) {
	if n.kind != kindMapping {
		d.wrong(n, v, path)
		return
	}
	table := reflect.MakeMap(v.Type())
	for _, p := range n.pairs {
		value := reflect.New(v.Type().Elem()).Elem()
		setDefaults(value)
		d.field(p.value, p.line, value, join(path, segment(p.key)))
		table.SetMapIndex(reflect.ValueOf(p.key).Convert(v.Type().Key()), value)
	}
	v.Set(table)
}
