package main

// ruleCases ask for the same object, by way of many rules in many sites and of one.
func ruleCases() []benchCase {
	return []benchCase{{name: "rules-1KiB", ask: ask{size: 1 << 10, host: ruledHost}, measure: (*bed).measureSpeed,
		title: "a hit in an S3 bucket with 20 rules and 1,000 sites, beside one of each",
		ours:  ourselves(startManySites), peers: []peer{beside("mirrorgate, one rule and site", startOneSite, 0)}}}
}

const ruledHost = "asked.example.com"

func startOneSite(b *bed, a ask) (*server, error) { return startSites(b, a, 0, 0) }

func startManySites(b *bed, a ask) (*server, error) { return startSites(b, a, 19, 999) }

// startSites is mirrorgate with more rules and sites than the one that is asked. Their buckets are folders of one.
func startSites(b *bed, a ask, rules, sites int) (*server, error) {
	v, err := b.values()
	if err != nil {
		return nil, err
	}
	v.S3, v.Hosts, v.Rules, v.Sites = b.lightBucket(), a.host, rules, sites
	v.Bucket = `{prefix: "asked/", s3: ` + v.S3 + "}"
	return b.startMirrorgate(&server{proxies: true}, a, v)
}
