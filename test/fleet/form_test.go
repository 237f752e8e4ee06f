package fleet_test

import (
	"os"
	"time"
)

const (
	kib = 1 << 10
	mib = 1 << 20

	// members are the gateways of a fleet at full number, few those where two or three show the same.
	members = 5
	few     = 3

	// patience is how long anything may take that is expected to happen.
	patience = 30 * time.Second

	// tries is how often a measurement of time may be spoilt by a machine that is busy with something else.
	tries = 3
)

// form is how large things are.
type form struct {
	clients  int    // of one object
	large    string // the size of that, as the origin's paths say it
	keys     int    // small objects
	kills    time.Duration
	lost     int           // objects that only a killed gateway has, per gateway
	patience time.Duration // for a crowd, and for clients of many keys
	windows  int           // measurements of hits, in each state of Redis
}

// formOf reads MIRRORGATE_FLEET: "full" is the form of `make fleet`, all else the one that fits into every test run.
func formOf() form {
	if os.Getenv("MIRRORGATE_FLEET") == "full" {
		return form{clients: 500, large: "200MiB", keys: 2000, kills: time.Minute, lost: 200, patience: 30 * time.Minute, windows: 10}
	}
	return form{clients: 100, large: "64MiB", keys: 200, kills: 7 * time.Second, lost: 10, patience: 2 * time.Minute, windows: 1}
}
