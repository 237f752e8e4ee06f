package admin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"context"

	"mirrorgate/gateway/admin"
)

// hostile is what somebody may have named an object, in the hope that a page takes it for more than a name.
const hostile = `<img src=x onerror="window.owned=1;alert(1)"></td><script>window.owned=1</script>"'&amp;` + "\u202egpj.exe"

// fakeAPI answers as the API does, with hostile names in all places where names are, and counters that rise with each
// look at them: a look is two seconds of its time.
type fakeAPI struct {
	token string // "": nothing can be changed

	mu      sync.Mutex
	locked  bool // reading needs the token, too
	broken  bool // nothing is answered properly
	bare    bool // there is nothing but the gateway
	reload  string
	looks   int64
	guesses int // wrong tokens that were shown
	rules   string
	version int // of the rules
	source  string
	site    admin.Site
	origin  string // its state
	paused  bool
	dead    []admin.QueueItem
	asked   []string // what was changed
}

func newFakeAPI() *fakeAPI {
	return &fakeAPI{token: token, rules: fakeRules, source: "file", site: fakeSite(), origin: "up", dead: fakeDead()}
}

// fakePage serves the real page's files, and this API beside them. It returns the address.
func fakePage(t *testing.T, api *fakeAPI) string {
	t.Helper()
	files, err := url.Parse(servePageFiles(t))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/v1/", api.handler())
	mux.Handle("/", httputil.NewSingleHostReverseProxy(files))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// servePageFiles runs the real listener, for its files.
func servePageFiles(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := admin.New(admin.Options{Config: admin.DefaultConfig(), Queue: newQueue(0), Metrics: http.NotFoundHandler(),
		Ready: func() error { return nil }, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

func (f *fakeAPI) handler() http.Handler {
	mux := http.NewServeMux()
	read := func(path string, answer func(r *http.Request) any) {
		mux.HandleFunc("GET /api/v1/"+path, func(w http.ResponseWriter, r *http.Request) { f.read(w, r, answer) })
	}
	change := func(path string, do func(r *http.Request, body []byte) (int, any)) {
		method, path, _ := strings.Cut(path, " ")
		mux.HandleFunc(method+" /api/v1/"+path, func(w http.ResponseWriter, r *http.Request) { f.change(w, r, do) })
	}
	read("overview", func(*http.Request) any { return f.overview() })
	read("origins", func(*http.Request) any { return f.origins() })
	read("migration", func(*http.Request) any { return f.migration() })
	read("migration/history", func(r *http.Request) any { return f.history(r.FormValue("step")) })
	read("sites", func(*http.Request) any { return []admin.Site{f.site, hostileSite()} })
	read("sites/{site}", func(*http.Request) any { return f.site })
	read("sites/{site}/rules", func(*http.Request) any {
		return admin.RuleSet{Source: f.source, ETag: f.etag(), Rules: json.RawMessage(f.rules)}
	})
	read("queue", func(r *http.Request) any { return f.queue(r.FormValue("state") == "dead") })
	read("explain", func(r *http.Request) any { return fakeExplanation(r.FormValue("url")) })
	read("members", func(*http.Request) any { return fakeMembers() })
	read("config", func(*http.Request) any { return fakeConfig(f.reloadState()) })
	read("log", func(*http.Request) any { return map[string]string{"level": "info"} })
	change("POST trial", func(*http.Request, []byte) (int, any) { return 200, fakeTrial() })
	change("PUT sites/{site}/rules", f.putRules)
	change("DELETE sites/{site}/rules", f.dropRules)
	change("PATCH sites/{site}", f.switchSite)
	change("PATCH sites/{site}/rules/{rule}", f.switchRule)
	change("POST queue/{verb}", f.changeQueue)
	change("POST origins/{verb}", f.steer)
	change("POST pull", func(*http.Request, []byte) (int, any) {
		return 200, map[string]any{"results": []map[string]string{{"key": hostile, "outcome": "pulled"}, {"key": "b", "error": hostile}}}
	})
	change("POST reload", func(*http.Request, []byte) (int, any) { f.reload = ""; return 200, f.reloadState() })
	return mux
}

func (f *fakeAPI) read(w http.ResponseWriter, r *http.Request, answer func(r *http.Request) any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.broken:
		fakeReply(w, http.StatusInternalServerError, map[string]string{"error": "the disk is on fire: " + hostile})
	case f.locked && !f.authorized(w, r):
	case f.bare:
		fakeReply(w, http.StatusOK, bareAnswer(strings.TrimPrefix(r.URL.Path, "/api/v1/"), answer(r)))
	default:
		fakeReply(w, http.StatusOK, answer(r))
	}
}

func (f *fakeAPI) change(w http.ResponseWriter, r *http.Request, do func(r *http.Request, body []byte) (int, any)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.token == "":
		fakeReply(w, http.StatusForbidden, map[string]string{"error": "admin.token is not set: the API is read-only"})
	case !f.authorized(w, r):
	default:
		body, _ := io.ReadAll(r.Body)
		if r.URL.Query().Get("dry_run") == "" {
			f.asked = append(f.asked, fmt.Sprintf("%s %s %s", r.Method, strings.TrimPrefix(r.URL.Path, "/api/v1/"), body))
		}
		status, answer := do(r, body)
		fakeReply(w, status, answer)
	}
}

// authorized has who shows two wrong tokens wait.
func (f *fakeAPI) authorized(w http.ResponseWriter, r *http.Request) bool {
	given := r.Header.Get("Authorization")
	switch {
	case given == "Bearer "+f.token:
		return true
	case given != "":
		f.guesses++
	}
	if f.guesses == 2 {
		w.Header().Set("Retry-After", "7")
		fakeReply(w, http.StatusTooManyRequests, map[string]string{"error": "too many wrong tokens came from this address"})
		return false
	}
	fakeReply(w, http.StatusUnauthorized, map[string]string{"error": "the token is missing or wrong"})
	return false
}

func fakeReply(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// set changes what the API says.
func (f *fakeAPI) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeAPI) changes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.asked...)
}

func (f *fakeAPI) etag() string { return fmt.Sprintf("rules-%d", f.version) }

// stale answers a change that was made from something older.
func (f *fakeAPI) stale(r *http.Request) (bool, int, any) {
	switch r.Header.Get("If-Match") {
	case `"` + f.etag() + `"`:
		return false, 0, nil
	case "":
		return true, http.StatusPreconditionRequired, map[string]string{"error": "If-Match is missing"}
	}
	return true, http.StatusPreconditionFailed, map[string]string{"error": admin.ErrChanged.Error()}
}

func (f *fakeAPI) putRules(r *http.Request, body []byte) (int, any) {
	if stale, status, answer := f.stale(r); stale {
		return status, answer
	}
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return http.StatusBadRequest, map[string]string{"error": "the body is not a list of rules: " + err.Error()}
	}
	if before, _, found := strings.Cut(string(body), "teleport"); found {
		mistake := admin.Mistake{Path: "[0].mode", Line: strings.Count(before, "\n") + 1, Problem: `"teleport" is not a mode: ` + hostile}
		return http.StatusUnprocessableEntity, map[string]any{"error": "the rules are wrong", "mistakes": []admin.Mistake{mistake}}
	}
	change := admin.RulesChange{Changes: []admin.RuleChange{
		{Rule: "images", What: "changed", Diff: []string{"match.prefix: img/ → " + hostile}}, {Rule: "archive", What: "moved"}}}
	if r.URL.Query().Get("dry_run") == "" {
		change.Applied, f.rules, f.source = true, string(body), "api"
		f.version++
	}
	change.ETag = f.etag()
	return http.StatusOK, change
}

func (f *fakeAPI) dropRules(r *http.Request, _ []byte) (int, any) {
	if stale, status, answer := f.stale(r); stale {
		return status, answer
	}
	f.rules, f.source = fakeRules, "file"
	f.version++
	return http.StatusOK, admin.RulesChange{Applied: true, ETag: f.etag(), Changes: []admin.RuleChange{{Rule: "images", What: "changed"}}}
}

func (f *fakeAPI) switchSite(_ *http.Request, body []byte) (int, any) {
	var s admin.Switches
	_ = json.Unmarshal(body, &s)
	if s.Serve != nil {
		f.site.Serve = *s.Serve
	}
	if s.Save != nil {
		f.site.Save = *s.Save
	}
	return http.StatusOK, f.site
}

func (f *fakeAPI) switchRule(_ *http.Request, body []byte) (int, any) {
	var s admin.RuleSwitches
	_ = json.Unmarshal(body, &s)
	if s.State != nil {
		f.site.Rules[0].State = *s.State
	}
	return http.StatusOK, f.site
}

func (f *fakeAPI) changeQueue(r *http.Request, body []byte) (int, any) {
	var req admin.QueueRequest
	_ = json.Unmarshal(body, &req)
	switch r.PathValue("verb") {
	case "pause", "resume":
		f.paused = r.PathValue("verb") == "pause"
		return http.StatusOK, map[string]bool{"paused": f.paused}
	}
	results := []admin.QueueResult{}
	for _, id := range req.IDs {
		results = append(results, admin.QueueResult{ID: id})
		for i, item := range f.dead {
			if item.ID == id {
				f.dead = append(f.dead[:i:i], f.dead[i+1:]...)
				break
			}
		}
	}
	return http.StatusOK, map[string]any{"results": results}
}

func (f *fakeAPI) steer(r *http.Request, _ []byte) (int, any) {
	f.origin = map[string]string{"drain": "draining", "pause": "paused", "resume": "up"}[r.PathValue("verb")]
	return http.StatusOK, map[string]string{}
}

// now is the time of the API: it goes on with each look at the overview.
func (f *fakeAPI) now() time.Time {
	return time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC).Add(time.Duration(f.looks) * 2 * time.Second)
}
