package shared

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrorgate/cache"
	"mirrorgate/test/harness"
)

func TestNews(t *testing.T) {
	f := func(text string, want ...cache.ID) {
		t.Helper()
		got, ok := decodeNews(text)
		if !ok || got.member != "m-1" || !slices.Equal(got.ids, want) || got.encode() != text {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
	}
	one, other := cache.ID{Site: "assets", Key: "a b/\xff.jpg "}, cache.ID{Site: "b", Key: "1 1 xx"}
	f("2 m-1 6 10 assetsa b/\xff.jpg ", one)
	f("2 m-1 6 10 assetsa b/\xff.jpg  1 6 b1 1 xx 6 10 assetsa b/\xff.jpg ", one, other, one)
}

func TestForeignNews(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if got, ok := decodeNews(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
	f("")
	f("2 m-1")
	f("2 m-1 ")
	f("2 m-1 6 5 assets")
	f("2 m-1 6 5 assetsa.jpgx")
	f("2 m-1 6 5 assetsa.jpg ")
	f("2 m-1 6 5 assetsa.jpg 6 5 assetsa.jp")
	f("2 m-1 6 5 assetsa.jpg6 5 assetsa.jpg")
	f("2 m-1  6 5 assetsa.jpg")
	f("2 m-1 06 5 assetsa.jpg")
	f("2 m-1 6 +5 assetsa.jpg")
	f("2 m-1 -1 5 assetsa.jpg")
	f("2 m-1 0 5 a.jpg")
	f("2 m-1 6 0 assets")
	f("2 m-1 99999999999999999999 5 assetsa.jpg")
	f("2 m-1 6 9223372036854775807 assetsa.jpg")
	f("1 m-1 6 5 assetsa.jpg")
	f("2 m/1 6 5 assetsa.jpg")
	f(news{"m-1", []cache.ID{{Site: "assets", Key: strings.Repeat("k", maxKey+1)}}}.encode())
	f(news{"m-1", []cache.ID{{Site: strings.Repeat("s", maxSite+1), Key: "k"}}}.encode())
	f(news{"m-1", slices.Repeat([]cache.ID{image(1)}, maxNews+1)}.encode())
	f(news{"m-1", slices.Repeat([]cache.ID{{Site: "s", Key: strings.Repeat("k", maxKey)}}, maxNews/2)}.encode())
}

// FuzzNews: what is read as news is exactly what would be written, and within its bounds.
func FuzzNews(f *testing.F) {
	f.Add("2 m-1 6 5 assetsa.jpg")
	f.Add("2 m-1 6 5 assetsa.jpg 1 6 b1 1 xx")
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := decodeNews(text)
		if !ok {
			return
		}
		if n.encode() != text || len(n.ids) < 1 || len(n.ids) > maxNews || len(text) > maxNewsBytes || !isMember(n.member) {
			t.Errorf("%q: %+v", text, n)
		}
		for _, id := range n.ids {
			if id.Site == "" || len(id.Site) > maxSite || id.Key == "" || len(id.Key) > maxKey {
				t.Errorf("%q: %+v", text, id)
			}
		}
	})
}

// messages is what is said on the fleet's channel.
func (m *member) messages() <-chan string {
	m.t.Helper()
	sub := m.link.rdb.Subscribe(m.t.Context(), m.names.drops())
	m.t.Cleanup(func() { _ = sub.Close() })
	if _, err := sub.Receive(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	said := make(chan string, 1000)
	go func() {
		for {
			message, err := sub.ReceiveMessage(m.t.Context())
			if err != nil {
				return
			}
			said <- message.Payload
		}
	}()
	return said
}

// told reads what is said until so many objects have been told of, and returns in how many messages.
func told(t *testing.T, said <-chan string, objects int) (messages int) {
	t.Helper()
	tooLate := time.After(soon)
	for objects > 0 {
		select {
		case text := <-said:
			n, ok := decodeNews(text)
			if !ok {
				t.Fatalf("%q is said", text)
			}
			objects -= len(n.ids)
			messages++
		case <-tooLate:
			t.Fatalf("%d objects are not told of", objects)
		}
	}
	return messages
}

func long(n int) cache.ID { return cache.ID{Site: "assets", Key: fmt.Sprintf("%0*d", maxKey, n)} }

// newsOfAFlush: what is written together is told together, in messages with a bound in number and size; all of it, and
// to the others only.
func newsOfAFlush(t *testing.T, f *fleet) {
	saver, other := f.idle(), f.run()
	said := saver.messages()
	hears := func(messages int, ids ...cache.ID) {
		t.Helper()
		for _, id := range ids {
			saver.Saved(id)
		}
		for saver.writer.flush(t.Context(), nil) {
		}
		saver.writer.tell(t.Context())
		if got := told(t, said, len(ids)); got != messages {
			t.Errorf("%d objects are told of in %d messages, want %d", len(ids), got, messages)
		}
		heard := make(map[cache.ID]bool) // messages have no order on a Cluster
		for range ids {
			heard[<-other.saved] = true
		}
		for _, id := range ids {
			if !heard[id] {
				t.Errorf("nobody has heard of %v", id)
			}
		}
	}
	some := func(object func(int) cache.ID, n int) (ids []cache.ID) {
		for i := range n {
			ids = append(ids, object(i))
		}
		return ids
	}
	hears(1, image(1))
	hears(1, some(image, maxNews)...)
	hears(3, some(image, 2*maxNews+1)...)
	hears(3, some(long, maxNews)...) // 132 KiB
	if n := len(other.saved); n > 0 {
		t.Errorf("something was heard twice: %d", n)
	}
	f.run(func(o *Options) { // who has the saver's name hears nothing of what it says
		o.Member = saver.o.Member
		o.Saved = func(id cache.ID) { t.Errorf("heard of %v oneself", id) }
	})
	hears(1, image(1))
}

// waitNoted waits until an object's note says that it is saved.
func (m *member) waitNoted(id cache.ID) {
	m.t.Helper()
	harness.Eventually(m.t, soon, func() error {
		text, err := m.link.rdb.Get(m.t.Context(), m.names.lease(id)).Result()
		if note, _ := decodeLease(text); err != nil || note.state != saved {
			return fmt.Errorf("%q is noted: %v", text, err)
		}
		return nil
	})
}

// newsInARow: what is saved first is told at once; what follows within the gap waits for its end, and is told together.
func newsInARow(t *testing.T, f *fleet) {
	const gap, images = 3 * time.Second, 20
	saver, other := f.idle(), f.run()
	saver.tempo.news = gap // of one member: this one lists nobody
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() { saver.writer.run(ctx, func(context.Context) {}, func(context.Context) {}); close(ended) }()
	said := other.messages()
	began := time.Now()
	saver.Saved(image(0))
	if got := <-other.saved; got != image(0) {
		t.Errorf("heard of %v", got)
	}
	first := time.Since(began)
	for i := range images {
		saver.Saved(image(1 + i))
		saver.waitNoted(image(1 + i)) // the notes do not wait, and each is in a flush of its own
	}
	noted := time.Since(began)
	messages := told(t, said, 1+images)
	took := time.Since(began)
	t.Logf("the first was heard after %v, all were noted after %v and told after %v, in %d messages", first, noted, took, messages)
	if most := 2 + int(took/gap); messages > most {
		t.Errorf("%d messages within %v, want %d at most", messages, took, most)
	}
	if noted < gap && (first > gap/2 || took < gap-first) {
		t.Errorf("the first was heard after %v, and all after %v, of a gap of %v", first, took, gap)
	}
	saver.Saved(image(1 + images)) // which the end does not wait for
	saver.waitNoted(image(1 + images))
	cancel()
	<-ended
	told(t, said, 1)
}
