package admin_test

import (
	"fmt"
	"time"

	"mirrorgate/gateway/admin"
)

// These have all that there can be in an answer.

func fullQueue() admin.QueueSummary {
	return admin.QueueSummary{Waiting: 2, Dead: 1, Bytes: 3, Oldest: time.Unix(1e9, 0), Aside: 1, Paused: true, PausedBy: []string{"file", "api"}}
}

func fullOverview() admin.Overview {
	now := time.Unix(1e9, 0)
	spread := []admin.Distribution{{Outcome: "memory", Bounds: []float64{0.1, 1}, Counts: []int64{1, 2, 3}}}
	return admin.Overview{
		Version: "1", Setup: "ab", Started: now, Now: now, Ready: "not yet", Inflight: 1, FirstByte: spread, Total: spread, Queue: fullQueue(),
		Requests: []admin.OutcomeCount{{Site: "s", Rule: "r", Outcome: "memory", Class: "2xx", Requests: 1, Bytes: 2}},
		Saves:    []admin.SaveCount{{Site: "s", Result: "saved", Count: 1, Bytes: 2}},
		Memory:   admin.MemoryState{Bytes: 1, Max: 2, Entries: 3}, Flights: 1, Readers: 2, Redis: "up",
		Reload: admin.ReloadState{At: now, Loaded: now, Error: "a mistake", Restart: []string{"server.listen"}},
	}
}

// someBooks is the view of one site, s, with one rule.
type someBooks struct{}

var _ admin.MigrationView = someBooks{}

func (someBooks) Show() admin.Migration {
	now := time.Unix(1e9, 0)
	hitters := []admin.HeavyHitter{{Key: "k", Count: 3, Error: 1, Last: now}}
	return admin.Migration{
		Gateway: "a", Now: now, Since: now, Sentence: "All is well.", Queue: fullQueue(),
		Sites: []admin.MigrationSite{{
			Site: "s", Sentence: "All is well.", Inventory: &admin.Inventory{Objects: 2, Bytes: 3, Copied: 1, CopiedB: 1, Told: now},
			Left: &admin.Left{Objects: 1, Bytes: 2, Done: now},
			Rules: []admin.MigrationRule{{
				Rule: "r", State: "retired", Spans: []admin.MigrationSpan{{Span: "hour", From: now, Requests: 1}},
				LastNeeded: now, LastNeededKey: "k", LastRetired: now, LastRetiredKey: "k",
				TopKeys: hitters, TopPrefixes: hitters, NotKept: map[string]int64{"private": 1},
			}},
		}},
	}
}

func (b someBooks) History(site, _, step string) (admin.History, error) {
	now := time.Unix(1e9, 0)
	points := []admin.HistoryPoint{{At: now, MigrationSpan: admin.MigrationSpan{From: now, Requests: 1}}}
	if site == "" {
		site = "s"
	}
	return admin.History{Step: step, Points: points}, b.Tell(site, nil)
}

func (someBooks) Tell(site string, _ *admin.Inventory) error {
	if site != "s" {
		return fmt.Errorf("%w: site %q", admin.ErrNoSuch, site)
	}
	return nil
}
