package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"

	"mirrorgate/gateway/admin"
)

// setPaused adds writeback.paused to the configuration.
func (r *queueRig) setPaused(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(r.config)
	if err == nil {
		err = os.WriteFile(r.config, append(text, "writeback: {paused: true}\n"...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A pause by the configuration is shown as such, and a resume says that it does not end it: with and without a gateway.
func TestQueuePausedByTheConfiguration(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.URL.Path[1:]))
	}))
	defer old.Close()
	r := newQueueRig(t, old.URL, steered)
	r.setPaused(t)
	r.fill(t)
	paused := func(by ...string) {
		t.Helper()
		if s := r.ls(t).Summary; !s.Paused || !slices.Equal(s.PausedBy, by) {
			t.Errorf("the summary is %+v, want paused by %q", s, by)
		}
	}
	both := func() {
		t.Helper()
		paused("file")
		r.wantQueue(t, 0, "paused: uploads under way are finished, no further one is begun\n", "", "pause")
		paused("file", "api")
		r.wantQueue(t, 1, "", admin.ErrPausedByFile.Error(), "resume")
		paused("file")
	}
	both()
	stop := r.serve(t)
	r.get(t, "a.txt")
	both()
	stop()
	if page := r.ls(t); !slices.Equal(keysOf(page.Items), []string{"a.txt"}) {
		t.Errorf("waiting are %q: what is pulled is to wait", keysOf(page.Items))
	}
	r.write(t, old.URL, steered) // without the setting
	r.serve(t)
	r.waitSaved(t, "a.txt")
}
