package crash_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

const (
	killsVariable = "MIRRORGATE_CRASH"      // how often the gateway before a server is killed
	seedVariable  = "MIRRORGATE_CRASH_SEED" // of the load and the aims
	sizeVariable  = "MIRRORGATE_CRASH_SIZE" // bytes of the object whose upload goes on
)

const (
	kib = 1 << 10
	mib = 1 << 20

	// patience is how long anything may take that is expected to happen.
	patience = time.Minute
)

// setting reads a number from the environment.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// seed is the one that is set, or any; it is logged.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := setting(t, seedVariable, rand.Uint64())
	t.Logf("%s=%d repeats the load and the aims", seedVariable, n)
	return n
}

// What is random.
const (
	ofAims = iota
	ofObject
	ofClient
	ofNewer
)

func random(seed uint64, kind, n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, kind<<32|n)) }
