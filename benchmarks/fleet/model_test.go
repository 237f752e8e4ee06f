package main

import (
	"math"
	"testing"
	"time"
)

// easy are costs to count with in one's head.
func easy() costs {
	return costs{
		Claim: cost{10, 100, 50}, Seen: cost{8, 100, 150}, Renew: cost{5, 80, 10}, Commit: cost{20, 500, 50},
		Save:     curve{{0, cost{30, 600, 60}}, {1000, cost{1030, 600, 100060}}},
		Filled:   curve{{0, cost{20, 500, 50}}, {1000, cost{120, 500, 10050}}},
		Learnt:   cost{6, 200, 5},
		Standing: curve{{10, cost{100, 1000, 2000}}, {100, cost{1900, 10000, 20000}}, {1000, cost{100900, 1e5, 2e6}}},
		Lease:    300, Intent: 200, Negative: 150, Member: 10000,
	}
}

func roomy() limits { return limits{Core: 1, Network: 1e12, Memory: 1e15} }

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*math.Abs(want)+1e-9 {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// slow is so little of the core that each object is told of in a message of its own.
func slow() limits { return limits{Core: 0.01, Network: 1e12, Memory: 1e15} }

func TestMissCostsWhatIsAsked(t *testing.T) {
	f := fleet{Gateways: 10, Pull: time.Second}
	r := count(easy(), f, slow())
	near(t, "CPU", r.Miss.CPU, 10+20+30+10)
	near(t, "bytes out", r.Miss.Out, 50+50+60+10*100)
	near(t, "round trips", r.RoundTrips, 1+1+2)

	f.Askers, f.Pull = 4, 5*time.Second // two renewals
	r = count(easy(), f, slow())
	near(t, "CPU with askers and renewals", r.Miss.CPU, 10+4*8+2*5+20+30+10)
	near(t, "round trips with askers and renewals", r.RoundTrips, 1+4+2+1+2)

	r = count(easy(), fleet{Gateways: 10, Absent: 1}, roomy())
	near(t, "CPU of an absent object", r.Miss.CPU, 10+6)
	near(t, "round trips of an absent object", r.RoundTrips, 2)
	near(t, "what tells of an absent object", r.FanOut, 0)
}

func TestNewsAreToldTogether(t *testing.T) {
	f := fleet{Gateways: 10, Pull: time.Second}
	r := count(easy(), f, roomy()) // the news alone: 40 - 21 us, and 1060 - 150 bytes
	rate := (1e6 - 100 - 19*mostNews) / (10 + 20 + 21)
	near(t, "misses", r.Misses, rate)
	near(t, "messages", r.News, mostNews)
	near(t, "CPU", r.Miss.CPU, 51+19*mostNews/rate)
	near(t, "what tells", r.FanOut, 10*10*rate+910*mostNews)
	f.Absent = 0.5
	r = count(easy(), f, roomy())
	near(t, "misses, half of them absent", r.Misses, (1e6-100-19*mostNews)/(10+0.5*(20+21)+0.5*6))
	r = count(easy(), f, slow())
	near(t, "messages, one for each", r.News, r.Misses/2)
	r = count(easy(), f, limits{Core: 0.013, Network: 1e12, Memory: 1e15}) // more misses than messages, which are fewer
	near(t, "misses, of which half are told of", r.Misses, (13e3-100)/(10+0.5*(20+40)+0.5*6))
}

func TestCurve(t *testing.T) {
	c := easy().Standing
	near(t, "at a point", c.at(100).CPU, 1900)
	near(t, "between two", c.at(55).CPU, 1000)
	near(t, "between the others", c.at(550).Out, 1010000)
	near(t, "beyond the last", c.at(1900).CPU, 199900)
	near(t, "below the first", c.at(5).CPU, 0)
	near(t, "of one point", c[:1].at(77).CPU, 100)
}

func TestMemoryFollowsTheRate(t *testing.T) {
	f := fleet{Gateways: 3, Pull: time.Second, Spool: 2 * time.Second}
	r := count(easy(), f, roomy())
	near(t, "bytes for a miss per second", r.Notes, 300*(1+2+60)+200*2)
	near(t, "bytes", r.Memory, r.Notes*r.Misses+3*10000)
	f.Absent = 1
	near(t, "bytes for an absent object per second", count(easy(), f, roomy()).Notes, 150*5)
}

func TestWhatSaturatesFirst(t *testing.T) {
	f := fleet{Gateways: 10, Keys: 1e9, Pull: time.Second, Spool: time.Second}
	r := count(easy(), f, roomy())
	check := func(first string, l limits, want float64) {
		t.Helper()
		r := count(easy(), f, l)
		if r.First != first {
			t.Errorf("%s is first, want %s", r.First, first)
		}
		near(t, first, r.Misses, want)
	}
	rate := (1e6 - 100 - 19*mostNews) / 51.
	check("its core", roomy(), rate)
	check("its core", slow(), (1e4-100)/70.)
	check("its network, in", limits{Core: 1, Network: 1e6, Memory: 1e15}, (1e6-1000-100*mostNews)/1100.)
	check("its memory", limits{Core: 1, Network: 1e12, Memory: 1e6}, 9e5/r.Notes)
	check("its core", limits{Core: 50e-6, Network: 1e12, Memory: 1e15}, 0) // standing there is too much already
	near(t, "seconds for all keys", r.All.Seconds(), 1e9/rate)
	f.Gateways = 100
	check("its network, out", limits{Core: 1, Network: 1e6, Memory: 1e15}, (1e6-20000)/10160.)
}
