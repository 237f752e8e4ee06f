package shared

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/test/harness"
)

func wantMembers(t *testing.T, g *gate, want string) []Member {
	t.Helper()
	var list []Member
	harness.Eventually(t, 20*time.Second, func() (err error) {
		if list, err = g.Members(t.Context()); err != nil {
			return err
		}
		ids := ""
		for _, m := range list {
			ids += m.ID + " "
			if m.Me != (m.ID == g.o.Member) || m.Version != "1.0" || m.Seen.IsZero() {
				return fmt.Errorf("%+v", m)
			}
		}
		if strings.TrimSpace(ids) != want {
			return fmt.Errorf("members %q, want %q", ids, want)
		}
		return nil
	})
	return list
}

func TestMembersComeAndGo(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil)
	if a.Size() != 1 {
		t.Errorf("%d members before anything", a.Size())
	}
	wantMembers(t, a, "")
	a.run(t)
	wantMembers(t, a, "aa")
	b := newGate(t, []string{r.URL}, "bb", nil).run(t)
	wantMembers(t, a, "aa bb")
	wantMembers(t, b, "aa bb")
	if err := client(t, r).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	wantMembers(t, a, "aa bb")
	b.stop()
	wantMembers(t, a, "aa")
	if a.Size() != 1 || a.log.lines("level=WARN") != 0 {
		t.Errorf("%d members, %s", a.Size(), a.log.all())
	}
}

// When Redis has been empty, or away from all, nobody is called gone before all have had the time to come back.
func TestNobodyIsGoneAtFirst(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil)
	a.tempo.gone = 2 * time.Second
	f := func() (map[string]bool, error) {
		if err := a.beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		return a.gone(t.Context(), []string{"aa", "bb"})
	}
	for range 2 {
		if gone, err := f(); err != nil || len(gone) != 0 {
			t.Errorf("at first: %v, %v", gone, err)
		}
		harness.Eventually(t, 20*time.Second, func() error {
			gone, err := f()
			if err == nil && (len(gone) != 1 || !gone["bb"]) {
				err = fmt.Errorf("gone: %v", gone)
			}
			return err
		})
		if err := client(t, r).Del(t.Context(), a.names.seen()).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// Every member says once what is wrong, and names who it is.
func TestMembersThatDoNotFit(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	at := func(setup, advertise string) func(*Options) {
		return func(o *Options) { o.Setup, o.Config.Advertise = setup, advertise }
	}
	a := newGate(t, []string{r.URL}, "aa", at("one", "http://10.0.0.5:8080")).run(t)
	b := newGate(t, []string{r.URL}, "bb", at("one", "http://10.0.0.5:8080")).run(t)
	wantMembers(t, a, "aa bb")
	c := newGate(t, []string{r.URL}, "cc", at("two", "")).run(t)
	for _, g := range []*gate{a, b, c} {
		harness.Eventually(t, 20*time.Second, func() error {
			setups := g.log.lines("different configurations", "one: aa, bb", "two: cc")
			clashes := g.log.lines("one shared.advertise", "http://10.0.0.5:8080: aa, bb")
			if setups != 1 || clashes != 1 {
				return fmt.Errorf("%s: %s", g.o.Member, g.log.all())
			}
			return nil
		})
	}
	listed := looksAtMembers(t, a)
	harness.Eventually(t, 20*time.Second, func() error { // and not again with each list
		if n := looksAtMembers(t, a) - listed; n < 30 {
			return fmt.Errorf("%d lists", n)
		}
		return nil
	})
	if n := a.log.lines("level=WARN"); n != 2 {
		t.Errorf("%d warnings: %s", n, a.log.all())
	}
	c.stop()
	b.stop()
	harness.Eventually(t, 20*time.Second, func() error {
		if a.log.lines("have one configuration") != 1 || a.log.lines("advertise of its own") != 1 {
			return fmt.Errorf("%s", a.log.all())
		}
		return nil
	})
}

// looksAtMembers counts how often members were listed by anybody.
func looksAtMembers(t *testing.T, g *gate) (n int) {
	t.Helper()
	info, err := g.link.rdb.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	if _, rest, ok := strings.Cut(info, "cmdstat_hget:calls="); ok {
		_, _ = fmt.Sscanf(rest, "%d", &n)
	}
	return n
}

func TestTwoProcessesWithOneID(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	a := newGate(t, []string{r.URL}, "aa", nil).run(t)
	wantMembers(t, a, "aa")
	a.stop()
	b := newGate(t, []string{r.URL}, "aa", nil).run(t) // a restart is nothing to speak of
	harness.Eventually(t, 20*time.Second, func() error {
		if looksAtMembers(t, b) < 40 {
			return fmt.Errorf("%d lists", looksAtMembers(t, b))
		}
		return nil
	})
	if n := b.log.lines("this gateway's id"); n != 0 {
		t.Errorf("a restart: %s", b.log.all())
	}
	c := newGate(t, []string{r.URL}, "aa", nil).run(t)
	for _, g := range []*gate{b, c} {
		harness.Eventually(t, 20*time.Second, func() error {
			if n := g.log.lines("level=WARN", "another process has this gateway's id", "member=aa"); n != 1 {
				return fmt.Errorf("%d warnings: %s", n, g.log.all())
			}
			return nil
		})
	}
	c.stop()
	harness.Eventually(t, 20*time.Second, func() error {
		if b.log.lines("no other process has this gateway's id") != 1 {
			return fmt.Errorf("%s", b.log.all())
		}
		return nil
	})
}

func TestForeignMembers(t *testing.T) {
	t.Parallel()
	r := harness.StartRedis(t)
	rdb := client(t, r)
	a := newGate(t, []string{r.URL}, "aa", nil).run(t)
	wantMembers(t, a, "aa")
	now, err := rdb.Time(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for id, note := range map[string]string{
		"bb": "", "cc": "{}", "dd": "2 {}", "ee": a.crew.note() + " ", "ff": a.crew.note() + "x", "NO ID": a.crew.note(),
		"gg": strings.Replace(a.crew.note(), `"run"`, `"unknown":1,"run"`, 1),
	} {
		rdb.Do(t.Context(), "ZADD", a.names.seen(), now.UnixMilli()+500, id)
		rdb.HSet(t.Context(), a.names.members(), id, note)
	}
	before := a.link.foreign.Load()
	list, err := a.Members(t.Context())
	if err != nil || len(list) != 2 { // a space behind a note is none of its own, but harmless
		t.Errorf("%+v, %v", list, err)
	}
	if n := a.link.foreign.Load() - before; n < 6 {
		t.Errorf("%d counted", n)
	}
	if err := rdb.Set(t.Context(), a.names.seen(), "a text", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Members(t.Context()); !errors.Is(err, errForeign) || a.link.isAway() {
		t.Errorf("a text in place of the members: %v, away %v", err, a.link.isAway())
	}
}

func FuzzMembers(f *testing.F) {
	f.Add("aa", "1732486744123", writeNote(memberNote{Run: "x", Started: time.Unix(1, 0)}))
	f.Add(hash(objects(1)[0]), "1", writeNote(deadNote{"assets", []byte(objects(1)[0].Key), "why"}))
	f.Add("", "NaN", "1 {}")
	f.Fuzz(func(t *testing.T, id, when, note string) {
		row := []string{id, when, note}
		if m, ok := parseMember(row); ok && (m.ID != id || !isMember(id) || m.Started.IsZero()) {
			t.Errorf("%q: %+v", row, m)
		}
		if d, ok := parseDead(row); ok && (d.ID != DeadPrefix+id || d.Key == "") {
			t.Errorf("%q: %+v", row, d)
		}
	})
}

func FuzzIntent(f *testing.F) {
	shard := shardOf(cache.ID{Site: "assets", Key: "a"})
	for _, version := range []string{format, "2"} {
		f.Add("v", version, "site", "assets", "key", "a", shard, "1-2")
	}
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g string, shard int, at string) {
		id, ok := parseIntent([]string{a, b, c, d, e, g}, shard)
		if ok && (id.Site != d || id.Key != g || shardOf(id) != shard || b != format) {
			t.Errorf("%q: %+v", []string{a, b, c, d, e, g}, id)
		}
		if p, ok := parsePlace(at); ok {
			if back, ok := parsePlace(p.String()); !ok || back != p {
				t.Errorf("%q: %v", at, p)
			}
		}
	})
}
