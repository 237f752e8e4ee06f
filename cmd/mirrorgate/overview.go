package main

import (
	"fmt"
	"time"

	"mirrorgate/gateway/admin"
)

// overview is what admin shows of everything at a glance.
func (p *process) overview() admin.Overview {
	stats := p.cache.Stats()
	o := admin.Overview{
		Version: programVersion(), Setup: p.config().Hash(), Started: p.started.UTC(), Now: time.Now().UTC(),
		Inflight: p.gateway.Active(), Queue: spoolQueue{p.spool}.summary(), Saves: []admin.SaveCount{},
		Memory: admin.MemoryState{
			Bytes: stats.Memory.Bytes, Max: stats.Memory.Max, Entries: stats.Memory.Entries,
		},
		Flights: stats.Flights, Readers: stats.Readers, Redis: p.redis(), Reload: p.reloadState(),
	}
	if err := p.ready(); err != nil {
		o.Ready = err.Error()
	}
	for _, s := range p.spool.Saves() {
		o.Saves = append(o.Saves, admin.SaveCount{Site: s.Site, Result: s.Result, Count: s.Count, Bytes: s.Bytes})
	}
	o.Requests = p.requests()
	o.FirstByte, o.Total = p.latencies()
	return o
}

// requests is what has been answered.
func (p *process) requests() []admin.OutcomeCount {
	list := []admin.OutcomeCount{}
	for _, c := range p.gateway.Counts() {
		for _, a := range c.Answers {
			list = append(list, admin.OutcomeCount{
				Site: c.Site, Rule: c.Rule, Outcome: a.Outcome.String(), Class: fmt.Sprintf("%dxx", a.Class),
				Requests: a.Requests, Bytes: a.Bytes,
			})
		}
	}
	return list
}

// latencies is how long that took.
func (p *process) latencies() (firstByte, total []admin.Distribution) {
	firstByte, total = []admin.Distribution{}, []admin.Distribution{}
	for _, l := range p.gateway.Latencies() {
		name := l.Outcome.String()
		firstByte = append(firstByte, admin.Distribution{Outcome: name, Bounds: l.Bounds, Counts: l.FirstByte})
		total = append(total, admin.Distribution{Outcome: name, Bounds: l.Bounds, Counts: l.Total})
	}
	return firstByte, total
}

// redis tells whether the gateways' Redis answers; "": there is none.
func (p *process) redis() string {
	switch {
	case p.fleet == nil:
		return ""
	case p.fleet.Up():
		return "up"
	}
	return "down"
}
