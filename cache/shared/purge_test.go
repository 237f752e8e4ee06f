package shared

import (
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
)

func TestPurgeMessage(t *testing.T) {
	f := func(text string, want purge) {
		t.Helper()
		got, ok := decodePurge(text)
		if !ok || got != want || got.encode() != text {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
		if _, ok := decodeNews(text); ok {
			t.Errorf("%q is news for a gateway that does not know purges", text)
		}
	}
	f("3 m-1 6 assetsa b/", purge{"m-1", "assets", "a b/"})
	f("3 m-1 6 assets", purge{"m-1", "assets", ""})
	bad := func(text string) {
		t.Helper()
		if got, ok := decodePurge(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
	for _, text := range []string{
		"", "3 m-1", "3 m-1 6", "3 m-1 7 assets", "3 m-1 06 assets", "3 m-1 -1 assets", "3 m-1 0 assets", "3 m/1 6 assets",
		"2 m-1 6 assets", "4 m-1 6 assets", "3 m-1 99999999999999999999 assets", "3 m-1  assets",
	} {
		bad(text)
	}
	bad(purge{"m-1", "s", strings.Repeat("k", maxKey+1)}.encode())
	bad(purge{"m-1", strings.Repeat("s", maxSite+1), "k"}.encode())
}

// purgeAtOthers: the others hear of keys and of a prefix, who says it does not, and what the fleet has noted of the keys
// is gone.
func purgeAtOthers(t *testing.T, f *fleet) {
	one, other := f.run(), f.run()
	id := cache.ID{Site: "assets", Key: "a/1"}
	one.Learnt(id, "scope", &cache.NegativeError{Status: 404}, time.Hour)
	prefix, long := "a b/", strings.Repeat("k", maxKey+1)
	one.Purge("assets", []string{id.Key, "", long}, &prefix)
	if got := <-other.purge; got != "assets a b/" {
		t.Errorf("heard of %q", got)
	}
	if got := <-other.saved; got != id {
		t.Errorf("heard of %v", got)
	}
	if n, err := one.link.rdb.Exists(t.Context(), one.names.negative(id)).Result(); n != 0 || err != nil {
		t.Errorf("it is noted still that the origins lack it: %d, %v", n, err)
	}
	one.Purge("assets", nil, &long)
	one.Purge("assets", nil, nil)
	all := ""
	one.Purge("b", nil, &all)
	if got := <-other.purge; got != "b " {
		t.Errorf("heard of %q", got)
	}
	if len(one.purge) > 0 || len(one.saved) > 0 || len(other.saved) > 0 {
		t.Error("it was heard oneself, or too much was")
	}
}
