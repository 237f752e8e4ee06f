package configs

import "testing"

// What is secret is told by the path alone, also where the name of a header holds dots.
func TestSecretPath(t *testing.T) {
	f := func(path string, want bool) {
		t.Helper()
		if got := secretPath(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	f("admin.token", true)
	f("shared.secret", true)
	f("sites[0].bucket.s3.access_key", true)
	f("sites[0].rules[1].origin.primary.s3.session_token", true)
	f("sites[0].rules[1].forward.headers.set.Authorization", true)
	f("sites[0].rules[1].forward.headers.set.X.Api.Key", true)
	f("sites[0].rules[1].forward.headers.set", false)
	f("sites[0].rules[1].forward.headers.pass[0]", false)
	f("sites[0].rules[1].match.prefix", false)
	f("secret", true)
	f("", false)
}
