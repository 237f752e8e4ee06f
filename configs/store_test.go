package configs

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestStoreInDirectory: what only an S3 bucket can do with an object is a mistake for a directory.
func TestStoreInDirectory(t *testing.T) {
	f := func(bucket, store string, want ...string) {
		t.Helper()
		_, err := Parse([]byte("data_dir: /nowhere/data\nsites:\n- name: s\n  hosts: [s.example]\n  bucket: "+bucket+
			"\n  rules:\n  - id: r\n    origin: {primary: \"http://old.example\"}\n    store: "+store+"\n"), noEnv)
		var got []string
		var mistakes Mistakes
		errors.As(err, &mistakes)
		for _, m := range mistakes {
			got = append(got, strings.TrimPrefix(m.Path, "sites[0].rules[0].store."))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s in %s: got mistakes %q, want %q", store, bucket, err, want)
		}
	}
	const dir, s3 = "{dir: /nowhere/b}", `{s3: {endpoint: "http://s3.example", name: bucketa}}`
	for store, field := range map[string]string{
		"{storage_class: COLD}": "storage_class", "{encryption: sse-s3}": "encryption", "{acl: private}": "acl",
		"{tags: {a: b}}": "tags",
	} {
		f(dir, store, field)
		f(s3, store)
	}
	f(dir, "{encryption: sse-kms, kms_key: k}", "encryption", "kms_key")
	f(s3, "{encryption: sse-kms, kms_key: k}")
	f(dir, "{metadata: {a: b}}")
	f(s3, "{metadata: {a: b}}")
	f(s3, `{metadata: {A: b}, tags: {"aws:x": y}}`, "metadata.A", "tags.aws:x")
}
