package main

import (
	"errors"
	"runtime"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"mirrorgate/cache"
	"mirrorgate/gateway/admin"
	"mirrorgate/origin"
)

// measure makes the metrics of all that serves, but for those of requests, which the gateway makes.
func (p *process) measure() (err error) {
	p.started = time.Now()
	meter := p.telemetry.Meter()
	if p.pulls, err = origin.NewTallies(meter, p.pullsFrom); err != nil {
		return err
	}
	problems := []error{
		p.cache.Observe(meter), p.writeback.Observe(meter), cache.Observe(meter, p.condition, conditions()...),
	}
	if p.fleet != nil {
		problems = append(problems, p.fleet.Observe(meter))
	}
	return errors.Join(problems...)
}

// pullsFrom are the origins of the configuration in force.
func (p *process) pullsFrom() (list []*origin.Origin) {
	for _, o := range p.now.Load().origins {
		list = append(list, o.Origin.Origin)
	}
	return list
}

// condition is how the process is.
type condition struct {
	hash    string // of the configuration in force
	ready   error
	started time.Time
	reload  admin.ReloadState
}

func (p *process) condition() condition {
	return condition{hash: p.config().Hash(), ready: p.ready(), started: p.started, reload: p.reloadState()}
}

// conditions are the metrics of a condition.
func conditions() []cache.Measure[condition] {
	return []cache.Measure[condition]{
		{
			Name: "mirrorgate.build.info", Says: "1, with the version of the program and of Go.",
			Read: func(_ condition, put func(int64, ...attribute.KeyValue)) {
				put(1, attribute.String("mirrorgate.version", programVersion()),
					attribute.String("mirrorgate.go", runtime.Version()))
			},
		},
		{
			Name: "mirrorgate.config.info", Says: "1, with a hash of the configuration in force.",
			Read: func(c condition, put func(int64, ...attribute.KeyValue)) {
				put(1, attribute.String("mirrorgate.config.hash", c.hash))
			},
		},
		cache.Level("mirrorgate.config.loaded", "s", "When the configuration in force was read, in Unix time.",
			func(c condition) int64 { return c.reload.Loaded.Unix() }),
		cache.Level("mirrorgate.config.refused", "", "1: the last reload changed nothing, as the file has mistakes.",
			func(c condition) int64 { return one(c.reload.Error != "") }),
		cache.Level("mirrorgate.config.restart", "{field}", "Fields that were changed and hold after a restart only.",
			func(c condition) int64 { return int64(len(c.reload.Restart)) }),
		cache.Level("mirrorgate.ready", "", "1: it may get traffic, as its health says.",
			func(c condition) int64 { return one(c.ready == nil) }),
		cache.Level("mirrorgate.uptime", "s", "Since the start.",
			func(c condition) int64 { return int64(time.Since(c.started).Seconds()) }),
	}
}

// one is 1 for yes.
func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
