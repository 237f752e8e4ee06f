package admin_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"mirrorgate/gateway/admin"
)

// What the fake API tells.

const fakeRules = `[
  {"id": "images", "match": {"prefix": "img/", "suffix": ".jpg"},
   "origin": {"primary": "https://old.example.com", "backup": "https://backup.example.com"},
   "forward": {"headers": {"set": {"Authorization": "${OLD_SITE}"}}}},
  {"id": "archive", "match": {"prefix": "archive/"}, "origin": {"primary": "https://archive.example.com"}}
]`

func fakeSite() admin.Site {
	rule := func(id, state, prefix, suffix string) admin.Rule {
		return admin.Rule{ID: id, Enabled: true, State: state, Mode: "mirror", When: "miss", Prefix: prefix, Suffix: suffix,
			Targets: []string{"https://old.example.com", "https://backup.example.com"}}
	}
	return admin.Site{Name: "assets", Hosts: []string{"assets.example.com", "*.assets.example.com"}, Serve: "bucket", Save: true,
		Bucket: "s3 https://s3.example.net, bucket assets", ETag: "rules-0", FromAPI: []string{"rules.images.state"},
		Rules: []admin.Rule{rule("images", "active", "img/", ".jpg"), rule("archive", "retired", "archive/", "")}}
}

func hostileSite() admin.Site {
	return admin.Site{Name: hostile, Hosts: []string{hostile}, Bucket: hostile, Ready: "the probe failed: " + hostile, Serve: "origin",
		FromAPI: []string{}, Rules: []admin.Rule{{ID: hostile, State: hostile, Mode: hostile, Prefix: hostile}}}
}

func fakeDead() []admin.QueueItem {
	at := time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC)
	item := func(id, key, why string) admin.QueueItem {
		return admin.QueueItem{ID: id, Site: "assets", Key: key, Bytes: 48 << 20, State: "dead", Rule: "images", Pulled: at,
			Attempts: 3, Error: why, Died: at.Add(time.Hour)}
	}
	return []admin.QueueItem{
		item("d1", "img/2019/summer/beach.jpg", "bucket put: status 403 AccessDenied: access Denied."),
		item("d2", hostile, "bucket put: "+hostile),
	}
}

// counted is a counter that rises by so many a second, in waves.
func (f *fakeAPI) counted(perSecond, wave float64) int64 {
	t := float64(f.looks) * 2
	return int64(perSecond*t + perSecond*12*(1-math.Cos(t/wave)))
}

func (f *fakeAPI) overview() admin.Overview {
	f.looks++
	o := admin.Overview{Version: "1.4.0", Setup: "8c1f5b0e9d3a", Started: f.now().Add(-time.Duration(f.looks)*2*time.Second - 50*time.Hour), Now: f.now(),
		ReadOnly: f.token == "", Redis: "up", Reload: f.reloadState(), Inflight: 12 + f.looks%5, Flights: int(3 + f.looks%4), Readers: int(5 + f.looks%7),
		Memory: admin.MemoryState{Bytes: 200 << 20, Max: 256 << 20, Entries: 12345}}
	rates := map[string]float64{"memory": 620, "bucket": 240, "spool": 20, "mirrored": 95, "joined": 30, "redirected": 25, "negative": 40, "refused": 12, "error": 6}
	wave := 9.0
	for _, outcome := range []string{"memory", "bucket", "spool", "mirrored", "joined", "redirected", "negative", "refused", "error"} {
		wave += 4
		n := f.counted(rates[outcome], wave)
		o.Requests = append(o.Requests, admin.OutcomeCount{Site: "assets", Rule: "images", Outcome: outcome, Class: "2xx", Requests: n, Bytes: n * 30000})
		o.FirstByte = append(o.FirstByte, fakeTimes(outcome, n, f.looks))
	}
	o.Queue = f.summary()
	return o
}

// fakeTimes is a histogram of n answers, most of them around a place that differs by outcome.
func fakeTimes(outcome string, n, looks int64) admin.Distribution {
	d := admin.Distribution{Outcome: outcome, Bounds: []float64{.0002, .0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}
	d.Counts = make([]int64, len(d.Bounds)+1)
	at := map[string]int{"memory": 0, "bucket": 3, "spool": 2}[outcome]
	if at == 0 && outcome != "memory" {
		at = 8
	}
	d.Counts[at] = n * 70 / 100
	d.Counts[at+1] = n * 25 / 100
	d.Counts[at+3] = n*5/100 + looks/9
	return d
}

func (f *fakeAPI) reloadState() admin.ReloadState {
	return admin.ReloadState{At: f.now().Add(-time.Minute), Loaded: f.now().Add(-3 * time.Hour), Error: f.reload}
}

func (f *fakeAPI) summary() admin.QueueSummary {
	return admin.QueueSummary{Waiting: int(40 + 30*math.Sin(float64(f.looks)/14)), Dead: len(f.dead), Bytes: 3<<30 + f.looks<<22, Paused: f.paused,
		Oldest: f.now().Add(-time.Duration(20+f.looks) * time.Second)}
}

func (f *fakeAPI) origins() []admin.Origin {
	pulls := map[string]int64{"ok": f.counted(90, 17), "not_found": f.counted(35, 23), "failed": f.counted(4, 11), "timeout": f.counted(2, 31)}
	return []admin.Origin{
		{Site: "assets", Rule: "images", Target: "primary", URL: "https://old.example.com", State: f.origin, Inflight: int(4 + f.looks%6), Pulls: pulls,
			LastError: "timeout: no first byte", LastAsked: f.now().Add(-time.Second)},
		{Site: "assets", Rule: "images", Target: "backup", URL: "https://backup.example.com/" + hostile, State: "open", Until: f.now().Add(4 * time.Second),
			Pulls: map[string]int64{hostile: 3}, LastError: hostile},
	}
}

func (f *fakeAPI) migration() admin.Migration {
	span := func(name string, n int64) admin.MigrationSpan {
		return admin.MigrationSpan{Span: name, Requests: n, Bytes: n * 40000, Needed: n * 12 / 100, NeededB: n * 5000, Vain: n / 50, Failed: n / 900, Saved: n / 20, SavedB: n * 2000}
	}
	hit := func(key string, n int64) admin.HeavyHitter {
		return admin.HeavyHitter{Key: key, Count: n, Error: n / 20, Last: f.now().Add(-time.Duration(n) * time.Second)}
	}
	rule := func(id, state string) admin.MigrationRule {
		return admin.MigrationRule{Rule: id, State: state, Spans: []admin.MigrationSpan{span("hour", 41000), span("day", 1903211), span("week", 9004211), span("all", 90042110)},
			LastNeeded: f.now().Add(-40 * time.Second), LastNeededKey: "img/2019/summer/beach.jpg",
			TopKeys:     []admin.HeavyHitter{hit("img/2019/summer/beach.jpg", 900), hit(hostile, 311)},
			TopPrefixes: []admin.HeavyHitter{hit("img/2019/", 5100)}, NotKept: map[string]int64{"no-store": 4120, "vary": 17, hostile: 1}}
	}
	return admin.Migration{Now: f.now(), Since: f.now().Add(-900 * time.Hour), Queue: f.summary(),
		Sentence: "12 % of the last day’s requests still needed the old origin, most of them for img/2019/.",
		Sites: []admin.MigrationSite{
			{Site: "assets", Sentence: "12 % of the last day’s requests still needed it: img/2019/ most of all.", Rules: []admin.MigrationRule{rule("images", "active"), rule("archive", "retired")},
				Inventory: &admin.Inventory{Objects: 4100000, Bytes: 9 << 40, Told: f.now().Add(-200 * time.Hour)}, Left: &admin.Left{Objects: 312000, Bytes: 700 << 30, Done: f.now().Add(300 * time.Hour)}},
			{Site: hostile, Sentence: "the old origin was last needed 3 days ago, for " + hostile},
		}}
}

func (f *fakeAPI) history(step string) admin.History {
	h := admin.History{Step: step}
	each := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[step]
	for i := range 168 {
		n := int64(4000 + 2000*math.Sin(float64(i)/4))
		h.Points = append(h.Points, admin.HistoryPoint{At: f.now().Add(-time.Duration(168-i) * each), MigrationSpan: admin.MigrationSpan{
			Span: step, Requests: n, Needed: n * int64(180-i) / 400, Vain: n / 20, Failed: n / 100}})
	}
	return h
}

func (f *fakeAPI) queue(dead bool) admin.QueuePage {
	p := admin.QueuePage{Summary: f.summary(), Items: append([]admin.QueueItem{}, f.dead...)}
	if !dead {
		for i := range 4 {
			p.Items = append(p.Items, admin.QueueItem{ID: fmt.Sprint("w", i), Site: "assets", Key: fmt.Sprintf("img/2020/%d.jpg", i), Bytes: 3 << 20, State: "waiting", Pulled: f.now()})
		}
		p.Items = append(p.Items, admin.QueueItem{ID: "h", Site: "assets", Key: hostile, State: "retrying", Pulled: f.now(), Error: hostile, Next: f.now().Add(time.Minute)})
		p.Lost = []admin.LostItem{{ID: "fleet-1", Site: "assets", Key: "img/lost.jpg", Error: hostile, Died: f.now()}}
	}
	return p
}

func fakeExplanation(url string) admin.Explanation {
	return admin.Explanation{Site: "assets", Key: "img/a b.jpg", Answer: "from the bucket; when it is not there: pulled from the origin", Rule: "images", Mode: "mirror", When: "miss",
		Asks: []admin.Ask{{Target: "primary", URL: "https://old.example.com/?of=" + url}, {Target: "backup", URL: hostile}}, Keep: true,
		Headers: map[string]string{"Authorization": "(set by the rule, not shown)", "X-Odd": hostile}, StoredAs: "bucket assets, key img/a b.jpg"}
}

func fakeTrial() admin.Trial {
	return admin.Trial{Status: 206, Bytes: 123456, SHA256: "9f86d081884c7d659a2feaa0c55ad015", FirstMS: 12.5, TotalMS: 1480,
		Header: http.Header{"Content-Type": {"image/jpeg"}, "X-Odd": {hostile}}}
}

func fakeMembers() admin.FleetState {
	at := time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC)
	return admin.FleetState{Members: []admin.Member{
		{ID: "gateway-a", Started: at, Seen: at, Version: "1.4.0", Setup: "8c1f5b0e9d3a", Advertise: "http://10.0.0.5:8080", Me: true},
		{ID: hostile, Started: at, Seen: at, Version: hostile, Setup: "ffff", Advertise: hostile}}, Foreign: 2}
}

func fakeConfig(reload admin.ReloadState) admin.ConfigView {
	raw, _ := json.Marshal(map[string]any{"admin": map[string]string{"token": "***"}, "sites": []string{hostile}})
	return admin.ConfigView{File: "/etc/mirrorgate.yaml", Setup: "8c1f5b0e9d3a", Config: raw, Reload: reload}
}

// bareAnswer is what is answered under a path when there is nothing.
func bareAnswer(path string, full any) any {
	switch path {
	case "overview":
		o := full.(admin.Overview)
		return admin.Overview{Version: "dev", Started: o.Started, Now: o.Now}
	case "sites":
		return []admin.Site(nil)
	case "sites/assets":
		return admin.Site{Name: "assets"}
	case "origins":
		return []admin.Origin(nil)
	case "queue":
		return admin.QueuePage{Items: []admin.QueueItem{}}
	case "members":
		return admin.FleetState{}
	}
	return admin.Migration{}
}
