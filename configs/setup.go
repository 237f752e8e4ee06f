package configs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// ofMachine lists what belongs to one gateway of a fleet; all others of the configuration's fields should be alike at
// all of them. The secret is alike, too: those with another one are another fleet.
func ofMachine() []string {
	return []string{
		"server.listen", "server.trusted_proxies", "admin", "log", "telemetry", "data_dir", "shared.redis",
		"shared.advertise", "shared.secret",
	}
}

// Setup is a hash of what all gateways of a fleet should have alike. It is keyed with shared.secret, so that it gives
// nothing away to those who cannot know the configuration; without a secret it is "".
func (c *Config) Setup() string {
	if c.Shared.Secret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte("mirrorgate setup "+c.Shared.Secret))
	writeValue(mac, "", reflect.ValueOf(*c), isOfMachine)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// Hash is Setup, or without a secret a hash of the same but for what nobody may see. Everybody may see it.
func (c *Config) Hash() string {
	if setup := c.Setup(); setup != "" {
		return setup
	}
	sum := sha256.New()
	writeValue(sum, "", reflect.ValueOf(*c), func(path string) bool {
		return isOfMachine(path) || secretPath(path) || strings.HasSuffix(path, "headers.set")
	})
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

func isOfMachine(path string) bool { return slices.Contains(ofMachine(), path) }

// writeValue writes the fields that are not left out, each with its path and a text that no other value has.
func writeValue(w io.Writer, path string, v reflect.Value, left func(path string) bool) {
	if left(path) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		fields := fieldsOf(v)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			writeValue(w, join(path, name), fields[name], left)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			writeValue(w, path, v.Elem(), left)
		}
	case reflect.Slice:
		for i := range v.Len() {
			writeValue(w, fmt.Sprintf("%s[%d]", path, i), v.Index(i), left)
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			writeValue(w, fmt.Sprintf("%s[%q]", path, key.String()), v.MapIndex(key), left)
		}
	default:
		_, _ = fmt.Fprintf(w, "%s=%q\n", path, fmt.Sprint(v.Interface())) // hashes never fail
	}
}
