package migration_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"mirrorgate/gateway/admin"
)

// The whole of a migration by one process: the origin alone, then, by a reload, the bucket that fills, rules that are
// retired one by one over the API, the origin that is switched off; and a kill. At each step the view says what is true.
func TestRehearsal(t *testing.T) {
	s := setUp(t)
	s.want(t, "no request has come since counting began less than a minute ago")

	// The name has moved, and nothing else: the gateway is a proxy that keeps nothing.
	for range 2 {
		s.all(t, "images", 1, 10, fromOrigin)
		s.all(t, "video", 1, 5, fromOrigin)
	}
	s.want(t, "100 % of requests still need the old origin: 30 of 30 in the last ")
	s.wantKeys(t, "video", "video/5.bin", "")
	m := s.view(t)
	wantTop(t, rule(&m, "video"), "video/1.bin", 2)
	if m.Sites[0].Left != nil {
		t.Errorf("what is left is known without an inventory: %+v", m.Sites[0].Left)
	}

	// The bucket is in front, and fills.
	s.ask(t, http.MethodPut, "/api/v1/migration/inventory/site", `{"objects": 50, "bytes": 10000000, "copied": 3}`, new(any))
	s.reload(t, "bucket")
	s.all(t, "images", 1, 10, fromOrigin)
	s.all(t, "video", 1, 5, fromOrigin)
	s.wantLeft(t, 50-3-15)
	for range 3 {
		s.all(t, "images", 1, 10, fromBucket)
		s.all(t, "video", 1, 5, fromBucket)
	}
	lack(t, s, "/images/lost.bin")
	s.get(t, "/images/lost.bin", nowhere)
	s.want(t, "49 % of requests still need the old origin: 45 of 91 in the last ")

	// Video is retired: what the bucket has is answered, what it lacks would have needed the origin.
	asked := s.old.Requests("")
	s.set(t, "video", "retired")
	s.all(t, "video", 1, 5, fromBucket)
	s.all(t, "video", 6, 8, retired)
	m = s.want(t, "; 3 requests of the last ", " would have needed it (retired rules)")
	equal(t, "the state of video", rule(&m, "video").State, "retired")
	s.wantKeys(t, "video", "video/5.bin", "video/8.bin")
	s.all(t, "images", 11, 11, fromOrigin) // the other rule is as before
	s.want(t)
	equal(t, "requests to the origin since video is retired", s.old.Requests("")-asked, 1)

	// So are images, and the origin is switched off: nobody notices.
	s.set(t, "images", "retired")
	s.old.Close()
	s.all(t, "images", 1, 11, fromBucket)
	s.all(t, "video", 1, 5, fromBucket)
	s.all(t, "images", 12, 12, retired)
	m = s.want(t, "; 4 requests of the last ")
	if strings.Contains(m.Sentence, "could not be") {
		t.Errorf("nothing has failed, and the sentence is: %s", m.Sentence)
	}
	s.wantKeys(t, "images", "images/11.bin", "images/12.bin")

	// Had it been too early, that would be seen.
	s.set(t, "images", "active")
	s.all(t, "images", 12, 12, failed)
	s.want(t, "; the origin of rule images failed ", "ago: the origin could not be asked; ", "; 1 request of the last ",
		" could not be answered")

	// A kill loses nothing that is on the disk, where the inventory has brought all of it, and what the API has changed
	// holds on.
	s.ask(t, http.MethodPut, "/api/v1/migration/inventory/site", `{"objects": 16, "bytes": 3145728, "copied": 16}`, new(any))
	before := s.view(t)
	s.Kill()
	s.Restart(t)
	after := s.want(t, "; the origin of rule images failed ", "ago: the origin could not be asked; ", "; 1 request of the last ")
	wantSame(t, &before, &after)
	s.wantLeft(t, 0)
	s.wantHistory(t)
	equal(t, "changed over the API", strings.Join(s.site(t).FromAPI, " "), "rules.images.state rules.video.state")
	s.all(t, "video", 9, 9, retired)
	s.all(t, "images", 13, 13, failed)
	s.want(t, "; 2 requests of the last ")
}

// lack makes the origin answer 404.
func lack(t *testing.T, s *stage, path string) {
	t.Helper()
	if err := s.old.SetFault(path, "status,status=404"); err != nil {
		t.Fatal(err)
	}
}

// wantLeft waits until so many objects are left at the origin.
func (s *stage) wantLeft(t *testing.T, objects int64) {
	t.Helper()
	m := s.want(t) // as much as was counted is saved
	if left := m.Sites[0].Left; left == nil || left.Objects != objects || m.Queue.Waiting != 0 {
		t.Errorf("left: %+v, want %d objects; waiting: %d", left, objects, m.Queue.Waiting)
	}
}

// wantTop fails unless the key is the first of those that need the origin, and has been counted so often; and the
// rule's folder is the only one.
func wantTop(t *testing.T, r *admin.MigrationRule, key string, count int64) {
	t.Helper()
	if len(r.TopKeys) == 0 || r.TopKeys[0].Key != key || r.TopKeys[0].Count != count || r.TopKeys[0].Error != 0 {
		t.Errorf("top keys %+v, want %s %d times", r.TopKeys, key, count)
	}
	if len(r.TopPrefixes) != 1 || r.TopPrefixes[0].Key != r.Rule+"/" || r.TopPrefixes[0].Count != 5*count {
		t.Errorf("top folders %+v", r.TopPrefixes)
	}
}

// wantSame compares what a restart must not change.
func wantSame(t *testing.T, before, after *admin.Migration) {
	t.Helper()
	if !after.Since.Equal(before.Since.Truncate(1000)) {
		t.Errorf("counting began %v, before the kill it was %v", after.Since, before.Since)
	}
	for i := range before.Sites[0].Rules {
		b, a := &before.Sites[0].Rules[i], &after.Sites[0].Rules[i]
		if a.LastNeededKey != b.LastNeededKey || a.LastRetiredKey != b.LastRetiredKey || !reflect.DeepEqual(a.NotKept, b.NotKept) ||
			!a.LastNeeded.Equal(b.LastNeeded.Truncate(1000)) || keysOf(a.TopKeys) != keysOf(b.TopKeys) ||
			keysOf(a.TopPrefixes) != keysOf(b.TopPrefixes) {
			t.Errorf("after the kill\n%+v\nbefore\n%+v", a, b)
		}
	}
}

func keysOf(list []admin.HeavyHitter) (text string) {
	for _, h := range list {
		text += fmt.Sprintln(h.Key, h.Count, h.Error)
	}
	return text
}

// wantHistory compares the sums of the site's history with what the clients have counted of both rules.
func (s *stage) wantHistory(t *testing.T) {
	t.Helper()
	var sum, want counts
	for _, c := range s.counted {
		want.Requests += c.Requests
		want.Needed += c.Needed
		want.Saved += c.Saved
	}
	for _, step := range []string{admin.StepMinute, admin.StepHour, admin.StepDay} {
		var h admin.History
		s.ask(t, http.MethodGet, "/api/v1/migration/history?site=site&step="+step, "", &h)
		sum = counts{}
		for _, p := range h.Points {
			sum.Requests += p.Requests
			sum.Needed += p.Needed
			sum.Saved += p.Saved
		}
		equal(t, "the history by "+step, sum, want)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
