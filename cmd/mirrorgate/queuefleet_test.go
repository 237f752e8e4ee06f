package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"mirrorgate/cache"
	"mirrorgate/cache/shared"
	"mirrorgate/test/harness"
)

const fleetSecret = "the secret of the tests' fleet"

// lostFleet gives the rig a Redis, and puts objects of these keys on its dead list.
func (r *queueRig) lostFleet(t *testing.T, keys ...string) *harness.Redis {
	t.Helper()
	redis := harness.StartRedis(t)
	f, err := os.OpenFile(r.config, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f, "shared: {redis: %q, secret: %q}\n", redis.URL, fleetSecret); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	fleet, err := shared.New(shared.Options{
		Config: shared.Config{Redis: shared.Addresses{redis.URL}, Secret: fleetSecret}, Member: "lost",
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer fleet.Close()
	for _, key := range keys {
		if err := fleet.GiveUp(t.Context(), cache.ID{Site: "site", Key: key}, fmt.Errorf("no %s", key)); err != nil {
			t.Fatal(err)
		}
	}
	return redis
}

// What the fleet has lost is listed, retried and dropped as what one gateway has given up.
func TestQueueOfAFleet(t *testing.T) {
	r := newQueueRig(t, noOrigin, `listen: ""`)
	r.fill(t, "own.txt")
	redis := r.lostFleet(t, "a.txt", "b\x1b.txt", "c.txt", "d.txt")
	page := r.ls(t)
	if len(page.Items) != 1 || len(page.Lost) != 4 || page.LostUnknown != "" {
		t.Fatalf("%+v", page)
	}
	ids := make(map[string]string)
	for _, lost := range page.Lost {
		ids[lost.Key] = lost.ID
		if lost.Site != "site" || lost.Error != "no "+lost.Key || lost.Died.IsZero() {
			t.Errorf("%+v", lost)
		}
	}
	code, table, stderr := r.queue(t, "ls")
	for _, want := range []string{ids["a.txt"] + "  lost ", `"b\x1b.txt"`, `  why: "no b\x1b.txt"`, "1 waiting, 0 dead"} {
		if code != 0 || stderr != "" || !strings.Contains(table, want) {
			t.Errorf("the table, %d, %q, lacks %q:\n%s", code, stderr, want, table)
		}
	}
	if of := r.ls(t, "--site", "other"); len(of.Lost) != 0 {
		t.Errorf("of another site: %+v", of.Lost)
	}
	own := page.Items[0].ID
	r.wantQueue(t, 0, ids["a.txt"]+": tried again\n"+own+": tried again\n", "", "retry", ids["a.txt"], own)
	r.wantQueue(t, 1, own+": dropped\n"+ids["c.txt"]+": dropped\n"+ids["a.txt"]+
		": failed: not on the fleet's dead list: \""+ids["a.txt"]+"\"\n", "1 of 3 failed", "drop", own, ids["c.txt"], ids["a.txt"])
	r.wantQueue(t, 0, "2 dead: tried again\n", "", "retry", "--all")
	if page := r.ls(t); len(page.Items)+len(page.Lost) != 0 {
		t.Errorf("in the end: %+v", page)
	}
	redis.Kill()
	if page := r.ls(t); !strings.Contains(page.LostUnknown, "redis is away") {
		t.Errorf("without Redis: %+v", page)
	}
}
