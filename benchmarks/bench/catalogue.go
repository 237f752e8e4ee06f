package main

import (
	"fmt"
	"slices"
	"strings"
)

// benchCase is one object, mirrorgate, and who is measured beside it.
type benchCase struct {
	name, title string
	size        int64
	ours        contender
	peers       []peer
	steady      bool // at a constant rate
}

// contender is a server, and how it is started.
type contender struct {
	name  string
	start func(*bed, int64) (*server, error)
}

// peer is a contender that mirrorgate is compared with.
type peer struct {
	contender
	aim float64 // at most this CPU per answer of mirrorgate, to the peer's; 0: none is set
}

// sizes are those of the objects, with the names that cases have by them.
func sizes() []struct {
	name  string
	bytes int64
} {
	return []struct {
		name  string
		bytes int64
	}{{"1KiB", 1 << 10}, {"64KiB", 64 << 10}, {"10MiB", 10 << 20}}
}

// catalogue is all cases, in the order of the tables.
func catalogue() []benchCase {
	proxy, haproxy := contender{"nginx proxy_pass", startNginxProxy}, contender{"HAProxy", startHAProxy}
	floor := contender{"bare fasthttp", startFloor}
	nginxAims, cacheAims := []float64{1, 0.55, 0.25}, []float64{0.5, 0, 0}
	var inBucket, inDir, inMemory []benchCase
	for i, s := range sizes() {
		inBucket = append(inBucket, benchCase{name: "bucket-" + s.name, size: s.bytes,
			title: "a hit in an S3 bucket, signed by mirrorgate, unsigned by its peers",
			ours:  contender{"mirrorgate", startBucket}, peers: []peer{{proxy, nginxAims[i]}, {haproxy, 1}}})
		inDir = append(inDir, benchCase{name: "dir-" + s.name, size: s.bytes,
			title: "a hit in a directory bucket",
			ours:  contender{"mirrorgate", startDir}, peers: []peer{{contender{"nginx sendfile", startNginxFiles}, 0}}})
		inMemory = append(inMemory, benchCase{name: "memory-" + s.name, size: s.bytes,
			title: "a hit in a cache (mirrorgate has no memory tier yet: its answer is a bucket hit)",
			ours:  contender{"mirrorgate", startBucket}, peers: []peer{
				{contender{"nginx proxy_cache", startNginxCache}, cacheAims[i]}, {contender{"Varnish", startVarnish}, 0},
				{floor, 0}}})
	}
	steady := benchCase{name: "steady-1KiB", size: 1 << 10, steady: true,
		title: "a hit in an S3 bucket at a constant rate",
		ours:  contender{"mirrorgate", startBucket}, peers: []peer{{proxy, 0}, {floor, 0}}}
	return slices.Concat(inBucket, inDir, inMemory, []benchCase{steady})
}

// isMeant tells whether the name is that of the case, or what it begins with before the "-".
func (c benchCase) isMeant(name string) bool {
	return c.name == name || strings.HasPrefix(c.name, name+"-")
}

// chosen are the cases that are meant by a name; all if there is none.
func chosen(names []string) ([]benchCase, error) {
	all := catalogue()
	if len(names) == 0 {
		return all, nil
	}
	var those []benchCase
	for _, c := range all {
		if slices.ContainsFunc(names, c.isMeant) {
			those = append(those, c)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(those, func(c benchCase) bool { return c.isMeant(name) }) {
			return nil, fmt.Errorf("no case %q; there are %s", name, strings.Join(namesOf(all), ", "))
		}
	}
	return those, nil
}

func namesOf(cases []benchCase) (names []string) {
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

// contenders are mirrorgate and its peers, mirrorgate first.
func (c benchCase) contenders() []contender {
	all := []contender{c.ours}
	for _, p := range c.peers {
		all = append(all, p.contender)
	}
	return all
}
