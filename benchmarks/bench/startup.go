package main

import (
	"context"
	"fmt"
	"io"

	"mirrorgate/benchmarks/peers"
)

// startupCases start the servers again and again.
func startupCases() []benchCase {
	return []benchCase{{name: "startup-empty", table: startupTable, ask: ask{size: 1 << 10}, startsThem: true,
		measure: (*bed).measureStartup, title: "from the start of the program until an object is answered",
		ours: ourselves(startUnprobed), peers: []peer{beside("nginx proxy_pass", startNginxProxy, 0)}}}
}

const startupRounds = 10

// startUnprobed is mirrorgate as soon as it answers with the object, which does not wait for the bucket's probe.
func startUnprobed(b *bed, a ask) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	v.Bucket = "{s3: " + b.lightBucket() + "}"
	return b.launch(&server{name: "mirrorgate"}, a, spec{path: b.mirrorgate, template: "mirrorgate.yaml.tmpl",
		env:  []string{"GOMAXPROCS=1"},
		args: func(config string, _ peers.Values) []string { return []string{"serve", "--config", config} }}, v)
}

func (b *bed) measureStartup(_ context.Context, c benchCase, _ []*server, stdout io.Writer) ([]string, error) {
	all := c.contenders()
	took := make([][]float64, len(all))
	for _, order := range turns(b.opts.count(startupRounds), len(all)) {
		for _, i := range order {
			s, err := all[i].start(b, c.ask)
			if err != nil {
				return nil, err
			}
			took[i] = append(took[i], milliseconds(s.came))
			if err := b.end(s); err != nil {
				return nil, err
			}
		}
	}
	itself := func(ms float64) float64 { return ms }
	var lines []string
	for i, p := range c.peers {
		ours, theirs := of(itself, took[0]), of(itself, took[i+1])
		lines = append(lines, fmt.Sprintf("| %s | %s | %.0f (%.0f to %.0f) | %.0f (%.0f to %.0f) | %v | %d |", c.name, p.name,
			ours.median, ours.least, ours.most, theirs.median, theirs.least, theirs.most, ratios(itself, took[0], took[i+1]),
			len(took[0])))
	}
	writeProgress(stdout, lines)
	return lines, nil
}
