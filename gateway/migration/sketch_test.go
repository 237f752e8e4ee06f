package migration_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mirrorgate/gateway/migration"
)

// events is how many each kind of stream has.
func events(t *testing.T) int {
	t.Helper()
	text := os.Getenv("MIRRORGATE_SKETCH")
	if text == "" {
		return 50_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// streams are orders in which keys may come. The last is the worst for a sketch: what has a counter never comes again
// before it has lost it.
func streams(random *rand.Rand) map[string]func(i int) int {
	zipf := rand.NewZipf(random, 1.1, 1, 1<<20)
	return map[string]func(int) int{
		"few":     func(int) int { return random.IntN(200) },
		"skewed":  func(int) int { return int(zipf.Uint64()) },
		"even":    func(int) int { return random.IntN(100_000) },
		"mixed":   func(i int) int { return []int{7, random.IntN(1 << 30), int(zipf.Uint64())}[i%3] },
		"rolling": func(i int) int { return i % 300 },
		"new":     func(i int) int { return i },
	}
}

// What a sketch says of a key holds for all streams: it came at least and at most so often; the difference is at most
// the length of the stream by the number of counters; and who came more often than that has a counter.
func TestSketchBounds(t *testing.T) {
	const capacity, seed = 256, 7
	for name, next := range streams(rand.New(rand.NewPCG(seed, seed))) {
		s, n := migration.NewSketch(capacity), events(t)
		truth := make(map[int]int)
		for i := range n {
			k := next(i)
			truth[k]++
			s.Add(fmt.Sprint(k), begin())
		}
		bound := float64(n) / capacity
		worst := 0.0
		for k, count := range truth {
			least, most := s.Bounds(fmt.Sprint(k))
			if c := float64(count); c < least || c > most || most-least > bound {
				t.Fatalf("%s: key %d came %d times, the sketch says %v to %v, the error may be %v", name, k, count, least, most, bound)
			}
			if float64(count) > bound && most < float64(count) || least == 0 && float64(count) > bound {
				t.Fatalf("%s: key %d came %d times of %d and has no counter", name, k, count, n)
			}
			worst = max(worst, most-least)
		}
		t.Logf("%s: %d events of %d keys, the largest error %.0f of %.0f allowed", name, n, len(truth), worst, bound)
	}
}

// The bounds hold also when counts fade, and when the sketch gets smaller and larger.
func TestSketchFades(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	zipf := rand.NewZipf(random, 1.1, 1, 1<<16)
	s := migration.NewSketch(100)
	truth := make(map[uint64]float64)
	for i := range events(t) {
		k := zipf.Uint64()
		truth[k]++
		s.Add(fmt.Sprint(k), begin())
		if i%997 == 0 {
			s.Resize(20 + random.IntN(100))
		}
		if i%1009 == 0 {
			s.Fade(0.9)
			for k := range truth {
				truth[k] *= 0.9
			}
		}
	}
	for k, count := range truth {
		least, most := s.Bounds(fmt.Sprint(k))
		if count < least*(1-1e-9) || count > most*(1+1e-9)+1.0/128 {
			t.Fatalf("key %d came %v times, the sketch says %v to %v", k, count, least, most)
		}
	}
}

// Fading halves what is said of a key, and of keys without a counter.
func TestSketchHalves(t *testing.T) {
	s := migration.NewSketch(10)
	for i := range 1000 {
		s.Add(fmt.Sprint(i%20*(i%3)), begin())
	}
	type bounds struct{ least, most float64 }
	before := make(map[string]bounds)
	for i := range 20 {
		least, most := s.Bounds(fmt.Sprint(i))
		before[fmt.Sprint(i)] = bounds{least, most}
	}
	_, most := s.Bounds("absent")
	before["absent"] = bounds{0, most}
	s.Fade(0.5)
	for key, b := range before {
		if least, most := s.Bounds(key); least != b.least/2 || most != b.most/2 {
			t.Errorf("key %s: from %v to %v and %v", key, b, least, most)
		}
	}
	if before["absent"].most == 0 {
		t.Error("no key has lost its counter")
	}
}

func keysOf(list []migration.Hitter) (keys []string) {
	for _, h := range list {
		keys = append(keys, h.Key)
	}
	return keys
}

// What came once is forgotten after a week, and what came a thousand times a day later counts half.
func TestNeedsFade(t *testing.T) {
	r := open(t)
	r.need(images(), "once.jpg")
	for range 1000 {
		r.need(images(), "often.jpg")
	}
	b := r.Show()
	want := []migration.Hitter{{"often.jpg", 1000, 0, begin()}, {"once.jpg", 1, 0, begin()}}
	if got := b.Rule(images()).Keys; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	r.wait(24 * time.Hour)
	b = r.Show()
	want[0].Count = 500
	if got := b.Rule(images()).Keys; !slices.Equal(got, want) {
		t.Errorf("after a day %v, want %v", got, want)
	}
	r.wait(7 * 24 * time.Hour)
	b = r.Show()
	want[0].Count = 4
	if got := b.Rule(images()).Keys; !slices.Equal(got, want[:1]) {
		t.Errorf("after eight days %v, want %v", got, want[:1])
	}
	r.wait(12 * 24 * time.Hour)
	if b := r.Show(); len(b.Rule(images()).Keys) > 0 || b.Rule(images()).Needed.Key != "often.jpg" {
		t.Errorf("after twenty days %+v", b.Rule(images()))
	}
	equal(t, "counters", r.Counters(), 0)
}

// Folders are shown as coarse as tells something: many small ones as the one around them, one that has most for itself.
func TestFolders(t *testing.T) {
	f := func(keys func(i int) string, want ...string) {
		t.Helper()
		r := open(t)
		for i := range 5000 {
			r.need(images(), keys(i))
		}
		b := r.Show()
		if got := keysOf(b.Rule(images()).Folders); !slices.Equal(got, want) {
			t.Errorf("%v, want %q", b.Rule(images()).Folders, want)
		}
	}
	f(func(i int) string { return fmt.Sprintf("media/%d/x.mp4", i%2500) }, "media/")
	f(func(i int) string { return fmt.Sprintf("media/a/b/%d/x.mp4", i) }, "media/a/b/")
	f(func(i int) string { return fmt.Sprintf("media/%d/%d.mp4", i%2, i) }, "media/0/", "media/1/")
	f(func(i int) string {
		if i%2 == 0 {
			return fmt.Sprintf("media/2019/%d", i)
		}
		return fmt.Sprintf("media/%d/x", i)
	}, "media/", "media/2019/")
	f(func(i int) string { return fmt.Sprintf("%d/x", i) })
	f(func(i int) string { return fmt.Sprintf("x%d", i) })
	f(func(i int) string { return fmt.Sprintf("/%d/x", i) }, "/")
}

// Where each key comes once, none is shown as one that comes often.
func TestNoKeyAtTop(t *testing.T) {
	r := open(t)
	for i := range 20_000 {
		r.need(images(), fmt.Sprint(i))
	}
	if b := r.Show(); len(b.Rule(images()).Keys) > 0 {
		t.Errorf("%v", b.Rule(images()).Keys)
	}
	for range 1000 {
		r.need(images(), "often")
	}
	b := r.Show()
	if got := b.Rule(images()).Keys; len(got) != 1 || got[0].Key != "often" || got[0].Count-got[0].Error > 1000 || got[0].Count < 1000 {
		t.Errorf("%v", got)
	}
}

// Keys that a client makes up, long and of any bytes, for a thousand rules: what is kept of them is bounded, and text.
func TestHostileKeys(t *testing.T) {
	r := open(t)
	random := rand.New(rand.NewPCG(1, 1))
	raw := make([]byte, 400)
	for i := range 20_000 {
		for j := range raw {
			raw[j] = byte(random.Uint32())
		}
		id := migration.ID{Site: "site", Rule: fmt.Sprint(i % 1000)}
		r.need(id, strings.Repeat("/", i%7)+string(raw))
		r.need(id, "<script>\x00\xff"+string(raw[:3]))
	}
	if n := r.Counters(); n <= migration.MaxCounters {
		t.Fatalf("the keys have %d counters, which is allowed", n)
	}
	r.Tick()
	if n := r.Counters(); n > migration.MaxCounters {
		t.Errorf("%d counters, at most %d", n, migration.MaxCounters)
	}
	b := r.Show()
	for id, rule := range b.Rules {
		s := b.Situation([]migration.ID{id})
		s.Hour.Numbers[migration.Needed] = 0 // so that it names a key
		for _, key := range slices.Concat(keysOf(rule.Keys), keysOf(rule.Folders), []string{rule.Needed.Key, s.Sentence()}) {
			if !utf8.ValidString(key) || strings.ContainsAny(key, "\x00\n\x1b\u202e\ufffd") || len(key) > 4*migration.MaxKey+100 {
				t.Fatalf("a key is shown as %q", key)
			}
		}
	}
	long := strings.Repeat("é", 300)
	r.need(images(), long)
	b = r.Show()
	equal(t, "a long key", b.Rule(images()).Needed.Key, strings.Repeat("é", migration.MaxKey/2)+"…")
}
