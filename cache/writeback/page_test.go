package writeback

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Pages go on where the one before ended, also when what that ended with has left meanwhile.
func TestPages(t *testing.T) {
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	want := ""
	for n := range 25 {
		commit(t, s, fmt.Sprint(n), "data")
		want += fmt.Sprint(n) + " "
	}
	got, f := "", Filter{Limit: 10}
	for more := true; more; more = f.After != "" {
		page, err := s.List(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			got += item.Key + " "
			if item.State != StateWaiting || item.Bytes != 4 || item.Site != "assets" || time.Since(item.Pulled) > time.Minute {
				t.Errorf("got %+v", item)
			}
		}
		f.After = page.Next
		if err := takeOut(s, page.Items[len(page.Items)-1].Key); err != nil {
			t.Fatal(err)
		}
	}
	if got != want {
		t.Errorf("got %s", got)
	}
	if page, err := s.List(Filter{Site: "other", Limit: 10}); len(page.Items) != 0 || page.Next != "" || err != nil {
		t.Errorf("got %+v, %v", page, err)
	}
	if page, err := s.List(Filter{After: find(s, "3").hash.String(), Limit: 1}); err != nil || page.Items[0].Key != "4" {
		t.Errorf("got %+v, %v", page, err)
	}
	for _, unknown := range []string{"x", strings.Repeat("0", 32)} {
		if _, err := s.List(Filter{After: unknown}); !errors.Is(err, ErrNoEntry) {
			t.Errorf("after %q: %v", unknown, err)
		}
	}
}
