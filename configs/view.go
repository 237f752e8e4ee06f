package configs

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"time"
)

// View is the whole configuration, defaults included, as a JSON object with the names of the file. Secrets that are set
// are "***", and so is what stands before the "@" of a URL.
func (c *Config) View() (json.RawMessage, error) {
	return json.Marshal(viewOf("", reflect.ValueOf(*c)))
}

// authority finds the user and password of a URL. In a value, unlike in a message, they may hold quotes and "@".
var authority = regexp.MustCompile(`//[^/?#]*@`)

// viewOf gives a value as encoding/json takes it.
func viewOf(path string, v reflect.Value) any {
	switch v.Kind() {
	case reflect.Struct:
		object := make(map[string]any)
		for name, field := range fieldsOf(v) {
			object[name] = viewOf(join(path, name), field)
		}
		return object
	case reflect.Map:
		object := make(map[string]any)
		for _, key := range v.MapKeys() {
			object[key.String()] = viewOf(join(path, "*"), v.MapIndex(key)) // no key can make a secret's path another
		}
		return object
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = viewOf(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
		return list
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return viewOf(path, v.Elem())
	case reflect.String:
		return viewOfText(path, v.String())
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return d.String()
	}
	return v.Interface()
}

func viewOfText(path, text string) string {
	if text != "" && secretPath(path) {
		return "***"
	}
	return authority.ReplaceAllString(text, "//***@")
}
