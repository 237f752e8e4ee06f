package faults_test

import (
	"os"
	"time"
)

// herdForm is how large a herd is.
type herdForm struct {
	clients  int
	size     string        // of the object, as the origin's paths say it
	patience time.Duration // for one herd

	// apart is how long after the first client's first byte the last client has its own: in proportion to the clients, as
	// each costs the cores the same.
	apart time.Duration
}

// formOf reads MIRRORGATE_HERD: "full" is the form of `make herd`, all else the one that fits into every test run.
func formOf() herdForm {
	if os.Getenv("MIRRORGATE_HERD") == "full" {
		return herdForm{clients: 1000, size: "100MiB", patience: 15 * time.Minute, apart: 500 * time.Millisecond}
	}
	return herdForm{clients: 200, size: "20MiB", patience: 2 * time.Minute, apart: 100 * time.Millisecond}
}
