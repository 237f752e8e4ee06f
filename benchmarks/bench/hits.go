package main

// sizes are those of the objects, with the names that cases have by them.
func sizes() []struct {
	name  string
	bytes int64
} {
	return []struct {
		name  string
		bytes int64
	}{{"1KiB", 1 << 10}, {"64KiB", 64 << 10}, {"10MiB", 10 << 20}, {"1GiB", 1 << 30}}
}

// middle is a part of a large object, as a player asks for it that was sent to the middle of a film.
func middle() ask { return ask{size: 10 << 20, middle: 64 << 10} }

// bucketCases have a light server as their bucket.
func bucketCases() (cases []benchCase) {
	aims := []float64{1, 0.55, 0.25, 0.25}
	f := func(name, what string, a ask, nginx, haproxy float64) {
		cases = append(cases, benchCase{name: "bucket-" + name, ask: a, measure: (*bed).measureSpeed,
			title: what + " in an S3 bucket, signed by mirrorgate, unsigned by its peers",
			ours:  ourselves(startBucket), peers: []peer{
				beside("nginx proxy_pass", startNginxProxy, nginx), beside("HAProxy", startHAProxy, haproxy)}})
	}
	for i, s := range sizes() {
		f(s.name, "a hit", ask{size: s.bytes}, aims[i], 1)
	}
	f("range", "the middle 64 KiB of 10 MiB", middle(), 0, 0)
	return cases
}

func dirCases() (cases []benchCase) {
	aims := []float64{1.5, 1, 1, 1}
	f := func(name, what string, a ask, aim float64) {
		cases = append(cases, benchCase{name: "dir-" + name, ask: a, measure: (*bed).measureSpeed,
			title: what + " in a directory bucket",
			ours:  ourselves(startDir), peers: []peer{beside("nginx sendfile", startNginxFiles, aim)}})
	}
	for i, s := range sizes() {
		f(s.name, "a hit", ask{size: s.bytes}, aims[i])
	}
	f("range", "the middle 64 KiB of 10 MiB", middle(), 0)
	return cases
}

func memoryCases() (cases []benchCase) {
	cacheAims, floorAims := []float64{0.5, 0.9, 0}, []float64{1.4, 0, 0}
	for i, s := range sizes()[:len(cacheAims)] {
		cases = append(cases, benchCase{name: "memory-" + s.name, ask: ask{size: s.bytes}, measure: (*bed).measureSpeed,
			title: "a hit in a cache", ours: ourselves(startMemory), peers: []peer{
				beside("nginx proxy_cache", startNginxCache, cacheAims[i]), beside("Varnish", startVarnish, cacheAims[i]),
				beside("bare fasthttp", startFloor, floorAims[i])}})
	}
	return cases
}

// steadyCases are hits at a constant rate.
func steadyCases() []benchCase {
	one := ask{size: 1 << 10}
	return []benchCase{
		{name: "steady-bucket-1KiB", table: steadyTable, ask: one, measure: (*bed).measureSteady,
			title: "a hit in an S3 bucket at a constant rate", ours: ourselves(startBucket), peers: []peer{
				beside("nginx proxy_pass", startNginxProxy, 1), beside("bare fasthttp", startFloor, 0)}},
		{name: "steady-memory-1KiB", table: steadyTable, ask: one, measure: (*bed).measureSteady,
			title: "a hit in a cache at a constant rate", ours: ourselves(startMemory), peers: []peer{
				beside("nginx proxy_cache", startNginxCache, 1), beside("bare fasthttp", startFloor, 0)}},
	}
}
