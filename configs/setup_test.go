package configs

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// alike lists what all gateways of a fleet should have alike. A new field is in this list or in ofMachine: somebody has
// to decide.
func alike() []string {
	return []string{
		"limits", "memory", "server.drain", "server.grace", "server.health_path", "server.idle_timeout", "sites", "spool", "writeback",
	}
}

func TestEachFieldIsOfTheMachineOrTheFleet(t *testing.T) {
	var all []string
	var c Config
	for name, field := range fieldsOf(reflect.ValueOf(&c).Elem()) {
		if name != "server" && name != "shared" {
			all = append(all, name)
			continue
		}
		for inner := range fieldsOf(field) {
			all = append(all, name+"."+inner)
		}
	}
	slices.Sort(all)
	decided := slices.Sorted(slices.Values(append(alike(), ofMachine()...)))
	if !slices.Equal(all, decided) {
		t.Errorf("the fields are\n%q, decided is on\n%q", all, decided)
	}
}

// A change of any field gives another hash, unless it belongs to the machine.
func TestSetupChangesWithEachField(t *testing.T) {
	c := fullConfig()
	base := c.Setup()
	if len(base) != 16 || c.Setup() != base {
		t.Fatalf("%q, %q", base, c.Setup())
	}
	seen, changed := make(map[string]string), 0
	changeEach("", reflect.ValueOf(c).Elem(), func(path string) {
		changed++
		field, _, _ := strings.Cut(path, "[")
		machine := slices.ContainsFunc(ofMachine(), func(p string) bool { return field == p || strings.HasPrefix(field, p+".") })
		got := c.Setup()
		switch {
		case path == "shared.secret":
		case machine != (got == base):
			t.Errorf("%s: the hash is another: %v", path, got != base)
		case !machine && seen[got] != "":
			t.Errorf("%s: the hash is that of %s", path, seen[got])
		case !machine:
			seen[got] = path
		}
	})
	if len(seen) < 100 || changed < len(seen)+10 {
		t.Errorf("%d fields were changed, %d hashes", changed, len(seen))
	}
	if c.Setup() != base {
		t.Error("the test does not undo its changes")
	}
	c.Shared.Secret = "another secret, long enough"
	if c.Setup() == base {
		t.Error("the hash does not depend on the secret")
	}
	if c.Shared.Secret = ""; c.Setup() != "" {
		t.Error("a hash without a secret")
	}
}

// Without a secret, the hash tells nothing of what nobody may see, and all the rest.
func TestHash(t *testing.T) {
	c := fullConfig()
	if c.Hash() != c.Setup() {
		t.Errorf("with a secret: %s, %s", c.Hash(), c.Setup())
	}
	c.Shared.Secret = ""
	base, told := c.Hash(), 0
	changeEach("", reflect.ValueOf(c).Elem(), func(path string) {
		hidden := secretPath(path) || strings.HasSuffix(path, "headers.set")
		switch field, _, _ := strings.Cut(path, "["); {
		case hidden != (c.Hash() == base) && slices.Contains(alike(), strings.Split(field, ".")[0]):
			t.Errorf("%s: the hash is another: %v", path, !hidden)
		case c.Hash() != base:
			told++
		}
	})
	if told < 100 || len(base) != 16 {
		t.Errorf("%q tells of %d fields", base, told)
	}
}

// fullConfig has one of everything.
func fullConfig() *Config {
	c := DefaultConfig()
	fill(reflect.ValueOf(&c).Elem())
	c.Shared.Secret = "a secret that is long enough"
	return &c
}

// fill puts one element into each list and mapping, and something behind each pointer.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range fieldsOf(v) {
			fill(field)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k").Convert(v.Type().Key()), reflect.Zero(v.Type().Elem()))
	}
}

// changeEach changes one field at a time, and undoes it behind check.
func changeEach(path string, v reflect.Value, check func(path string)) {
	try := func(other reflect.Value) {
		was := reflect.New(v.Type()).Elem()
		was.Set(v)
		v.Set(other.Convert(v.Type()))
		check(path)
		v.Set(was)
	}
	switch v.Kind() {
	case reflect.Struct:
		fields := fieldsOf(v)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			changeEach(join(path, name), fields[name], check)
		}
	case reflect.Pointer:
		changeEach(path, v.Elem(), check)
		try(reflect.Zero(v.Type()))
	case reflect.Slice:
		changeEach(fmt.Sprintf("%s[0]", path), v.Index(0), check)
		try(reflect.AppendSlice(v, v))
	case reflect.Map:
		other := reflect.MakeMap(v.Type())
		other.SetMapIndex(reflect.ValueOf("another").Convert(v.Type().Key()), reflect.Zero(v.Type().Elem()))
		try(other)
	case reflect.Bool:
		try(reflect.ValueOf(!v.Bool()))
	case reflect.String:
		try(reflect.ValueOf(v.String() + "x"))
	default:
		try(reflect.ValueOf(7).Convert(v.Type()))
	}
}
