package main

import (
	"cmp"
	"slices"
	"time"
)

// cost is what something costs Redis.
type cost struct {
	CPU float64 // microseconds of its main thread
	In  float64 // bytes that it reads
	Out float64 // bytes that it writes
}

func (c cost) plus(d cost) cost     { return cost{c.CPU + d.CPU, c.In + d.In, c.Out + d.Out} }
func (c cost) times(n float64) cost { return cost{c.CPU * n, c.In * n, c.Out * n} }
func (c cost) minus(d cost) cost    { return c.plus(d.times(-1)) }

// over is what c costs above d, which was measured at another time: if that is within what measuring tells, nothing.
func (c cost) over(d cost) cost {
	return cost{max(0, c.CPU-d.CPU), max(0, c.In-d.In), max(0, c.Out-d.Out)}
}

func between(a, b cost, x float64) cost { return a.plus(b.minus(a).times(x)) }

// curve is a cost that depends on the number of gateways, as measured at some numbers of them, the smallest first.
type curve []point

type point struct {
	gateways float64
	cost     cost
}

// at is on the line between the two points beside it, or on that through the last two.
func (c curve) at(gateways float64) cost {
	if len(c) == 1 {
		return c[0].cost
	}
	i := 1
	for i < len(c)-1 && c[i].gateways < gateways {
		i++
	}
	a, b := c[i-1], c[i]
	return between(a.cost, b.cost, (gateways-a.gateways)/(b.gateways-a.gateways))
}

// costs are those of all that gateways ask.
type costs struct {
	Claim    cost  // the right to pull, given
	Seen     cost  // the right to pull, which another gateway has
	Renew    cost  // of one lease
	Commit   cost  // what follows a pull
	Save     curve // what follows when the object is in the bucket: it tells all gateways, in a message of its own
	Filled   curve // the same, in messages as full as they may be
	Learnt   cost  // that origins lack an object
	Standing curve // per second, of all members together, while nothing is pulled

	Lease, Intent, Negative float64 // bytes of memory of one note
	Member                  float64 // and of a member, with its connections
}

// fleet is what is counted for.
type fleet struct {
	Gateways int
	Keys     float64       // to be pulled in all
	Askers   float64       // gateways besides the holder that ask for a key while it is pulled
	Pull     time.Duration // from claim to commit
	Spool    time.Duration // from commit to save
	Absent   float64       // of all misses, those that origins do not have
}

// limits are what one Redis has.
type limits struct {
	Core    float64 // of the core of its main thread, the share that it may use
	Network float64 // bytes per second, each way
	Memory  float64 // bytes
}

// How often a gateway waits for Redis, or would if it waited for what it only tells.
const (
	toCommit = 1 // for the intent and the lease together
	toSave   = 2 // one after the other, and many objects together
)

const (
	renewEvery = 2 * time.Second // a lease, while its object is pulled
	savedFor   = time.Minute     // a note says that the object was saved a moment ago
	absentFor  = 5 * time.Second // the default of negative_ttl
)

// load is what a fleet means for Redis.
type load struct {
	Standing   cost    // per second, whether anything is pulled or not
	Miss       cost    // of each
	RoundTrips float64 // of each miss, at all gateways together
	Notes      float64 // bytes of memory that stand for one miss per second

	Misses float64       // per second at which something is used up
	First  string        // what that is
	Memory float64       // bytes at that rate
	News   float64       // messages at that rate that are not full
	FanOut float64       // bytes per second at that rate, which tell of saved objects
	All    time.Duration // until all keys are pulled
}

// newsGap is the least time between two messages of a gateway, for each gateway that there is; full ones go before.
const newsGap = 4 * time.Millisecond

// mostNews is how many messages that are not full all gateways together send in a second.
const mostNews = float64(time.Second / newsGap)

// count counts what the fleet means for a Redis with these limits.
func count(c costs, f fleet, l limits) load {
	var r load
	n, saved := float64(f.Gateways), 1-f.Absent
	r.Standing, r.Notes = c.Standing.at(n), c.notes(f)
	miss, trips := c.miss(f)
	news := c.Save.at(n).over(c.Filled.at(n))
	r.RoundTrips = trips
	r.Misses, r.First = most(r.Standing, miss, news, l, saved, r.Notes, c.Member*n)
	r.News = min(r.Misses*saved, mostNews)
	r.Memory = r.Notes*r.Misses + c.Member*n
	none := c.Filled.at(0)
	r.FanOut = c.Filled.at(n).minus(none).Out*r.Misses*saved + news.Out*r.News
	r.Miss = miss
	if r.Misses > 0 {
		r.Miss = miss.plus(news.times(r.News / r.Misses))
		seconds := min(f.Keys/r.Misses, 1e9) // a Duration holds no more than 292 years
		r.All = time.Duration(seconds * float64(time.Second))
	}
	return r
}

// most is the highest rate of misses, and what allows no more.
func most(standing, miss, news cost, l limits, saved, notes, members float64) (rate float64, first string) {
	type bound struct {
		what string
		at   float64
	}
	bounds := []bound{
		{"its core", rateFor(l.Core*1e6-standing.CPU, miss.CPU, news.CPU, saved)},
		{"its network, out", rateFor(l.Network-standing.Out, miss.Out, news.Out, saved)},
		{"its network, in", rateFor(l.Network-standing.In, miss.In, news.In, saved)},
		{"its memory", (l.Memory - members) / notes},
	}
	least := slices.MinFunc(bounds, func(a, b bound) int { return cmp.Compare(a.at, b.at) })
	return max(0, least.at), least.what
}

// rateFor is how many misses a second there is enough for, of which each costs something, and each message of its own
// something more. There are no more messages than saved objects, nor than mostNews.
func rateFor(enough, miss, news, saved float64) float64 {
	each := enough / (miss + news*saved)
	if each*saved <= mostNews {
		return each
	}
	return (enough - news*mostNews) / miss
}

// miss is what a miss costs, on average over those that origins have and those that they lack. Its news are in a full
// message.
func (c costs) miss(f fleet) (sum cost, roundTrips float64) {
	renewals := float64(f.Pull / renewEvery)
	there := c.Renew.times(renewals).plus(c.Commit).plus(c.Filled.at(float64(f.Gateways)))
	sum = c.Claim.plus(c.Seen.times(f.Askers)).
		plus(there.times(1 - f.Absent)).plus(c.Learnt.times(f.Absent))
	return sum, 1 + f.Askers + (renewals+toCommit+toSave)*(1-f.Absent) + f.Absent
}

// notes is the memory of a miss, times how long it is needed: so much stands for one miss per second.
func (c costs) notes(f fleet) float64 {
	there := c.Lease*(f.Pull+f.Spool+savedFor).Seconds() + c.Intent*f.Spool.Seconds()
	return there*(1-f.Absent) + c.Negative*absentFor.Seconds()*f.Absent
}
