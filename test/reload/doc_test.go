// Package reload_test changes gateways while clients ask them: one gateway that is reloaded again and again, and two
// behind a load balancer that are restarted in turn. No client may get a failure, or a wrong byte.
package reload_test

import (
	"os"
	"time"
)

// form is how much is done.
type form struct {
	answers  int64 // that clients get between two reloads
	restarts int   // of gateways
}

// formOf reads MIRRORGATE_RELOAD: "full" is the form of `make reload`, all else the one that fits into every test run.
func formOf() form {
	if os.Getenv("MIRRORGATE_RELOAD") == "full" {
		return form{answers: 300, restarts: 20}
	}
	return form{answers: 25, restarts: 4}
}

// reloads is how often one gateway is changed, in both forms.
const reloads = 200

// patience is how long anything may take that is expected to happen, and slowPause how slow clients are.
const (
	patience  = 60 * time.Second
	slowPause = 40 * time.Millisecond // before each 64 KiB
)
