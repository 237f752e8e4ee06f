package outage_test

import (
	"os"
	"time"
)

// form is how long things last.
type form struct {
	before time.Duration // the load on a sound bucket, to compare with
	outage time.Duration
	rate   int // new objects that are asked for, per second
}

// formOf reads MIRRORGATE_OUTAGE: "full" is the form of `make outage`, all else the one that fits into every test run.
func formOf() form {
	if os.Getenv("MIRRORGATE_OUTAGE") == "full" {
		return form{before: 15 * time.Second, outage: time.Minute, rate: 20}
	}
	return form{before: 3 * time.Second, outage: 8 * time.Second, rate: 10}
}

const (
	// savedWithin is how long after an outage everything is saved at the latest: a bucket that was away is looked at every
	// 30 s at least.
	savedWithin = time.Minute

	// patience is how long anything else may take that is expected to happen.
	patience = 30 * time.Second
)
