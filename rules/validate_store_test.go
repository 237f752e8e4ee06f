package rules

import (
	"strings"
	"testing"
)

func TestValidateStore(t *testing.T) {
	f := func(name string, s Store, want ...string) {
		t.Helper()
		c := mirror("r", Match{})
		c.Store = s
		checkReported(t, name, mistakes(func(r func(string, string)) { c.Validate(OrderFirstMatch, r) }), want)
	}
	tags := func(name, value string) Store { return Store{Tags: map[string]string{name: value}} }
	metadata := func(name, value string) Store { return Store{Metadata: map[string]string{name: value}} }
	arn := "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

	f("s3", Store{Encryption: EncryptionS3})
	f("kms", Store{Encryption: EncryptionKMS})
	f("kms with a key", Store{Encryption: EncryptionKMS, KMSKey: arn})
	f("unknown encryption", Store{Encryption: "aws:kms"}, "store.encryption")
	f("a key for nothing", Store{KMSKey: arn}, "store.kms_key")
	f("a key for s3", Store{Encryption: EncryptionS3, KMSKey: arn}, "store.kms_key")
	f("a key with a space", Store{Encryption: EncryptionKMS, KMSKey: "a b"}, "store.kms_key")
	f("a long key", Store{Encryption: EncryptionKMS, KMSKey: strings.Repeat("k", 2049)}, "store.kms_key")

	f("acl", Store{ACL: "bucket-owner-full-control"})
	f("unknown acl", Store{ACL: "public"}, "store.acl")

	f("tag", tags("Team (x)", ""), "store.tags.Team (x)")
	f("tags", Store{Tags: map[string]string{"a b+c-d=e.f_g:h/i@j": "A b+c-d=e.f_g:h/i@j", "empty": ""}})
	f("long tag", tags(strings.Repeat("n", 128), strings.Repeat("v", 256)))
	f("too long name", tags(strings.Repeat("n", 129), ""), "store.tags."+strings.Repeat("n", 129))
	f("too long value", tags("n", strings.Repeat("v", 257)), "store.tags.n")
	f("no name", tags("", "v"), "store.tags.")
	f("odd value", tags("n", "a&b"), "store.tags.n")
	f("odd letters", tags("n", "é"), "store.tags.n")
	f("Amazon's own", tags("AWS:x", ""), "store.tags.AWS:x")
	many := make(map[string]string)
	for _, name := range make10("t") {
		many[name] = "v"
	}
	f("ten tags", Store{Tags: many})
	many["eleventh"] = "v"
	f("eleven tags", Store{Tags: many}, "store.tags")

	f("metadata", metadata("colour-2", `red, or "blue"`))
	for _, name := range []string{"", "Colour", "a_b", "a b", "é", "mg-rule"} {
		f("metadata "+name, metadata(name, "v"), "store.metadata."+name)
	}
	for _, value := range []string{"", " a", "a ", "a  b", "é", "a\nb"} {
		f("metadata with "+value, metadata("n", value), "store.metadata.n")
	}
	f("1 KiB", metadata("n", strings.Repeat("v", 1024-len("x-amz-meta-n"))), "store.metadata")
	f("less than 1 KiB", metadata("n", strings.Repeat("v", 1023-len("x-amz-meta-n"))))
}
