package gateway

import (
	"maps"
	"net/http"
	"reflect"
	"testing"

	"mirrorgate/cache"
	"mirrorgate/origin"
	"mirrorgate/rules"
)

// What a rule adds stands over what a signed target has; other targets' metadata is not kept.
func TestUserMetadata(t *testing.T) {
	f := func(signed bool, added, want map[string]string) {
		t.Helper()
		h := http.Header{"X-Amz-Meta-Colour": {"red"}, "X-Amz-Meta-Size": {"xl"}, "X-Amz-Meta-Mg-Rule": {"forged"}}
		m := metaOf(&origin.Response{Header: h, Signed: signed}, rules.Config{Store: rules.Store{Metadata: added}}, rules.Plan{})
		if !maps.Equal(m.User, want) {
			t.Errorf("signed %v, added %v: got %v, want %v", signed, added, m.User, want)
		}
	}
	f(false, nil, nil)
	f(true, nil, map[string]string{"colour": "red", "size": "xl"})
	f(true, map[string]string{"colour": "blue", "team": "a"}, map[string]string{"colour": "blue", "size": "xl", "team": "a"})
	f(false, map[string]string{"colour": "blue"}, map[string]string{"colour": "blue"})
}

// All that a rule says of saving reaches the bucket, in the bucket's words.
func TestPutOptions(t *testing.T) {
	tags := map[string]string{"a": "b"}
	got := putOptions(rules.Store{
		StorageClass: "IA", Encryption: rules.EncryptionKMS, KMSKey: "k", ACL: "private", Tags: tags,
	})
	want := cache.PutOptions{StorageClass: "IA", Encryption: cache.EncryptionKMS, KMSKey: "k", ACL: "private", Tags: tags}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := putOptions(rules.Store{Encryption: rules.EncryptionS3}); got.Encryption != cache.EncryptionS3 {
		t.Errorf("got %+v", got)
	}
}
