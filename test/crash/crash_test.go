package crash_test

import "testing"

const (
	serverKills    = 200 // unless the environment says otherwise
	directoryKills = 60
)

// TestServer: the gateway before a bucket on a server.
func TestServer(t *testing.T) {
	kills := int(setting(t, killsVariable, serverKills))
	s := newServer(t)
	r := startRun(t, s, seed(t), aimsAtServer(s.front))
	r.killTimes(kills)
	r.end(kills)
}

// TestDirectory: the gateway before a directory bucket. A kill leaves at most what was being written.
func TestDirectory(t *testing.T) {
	const uploads = 8 // at one time, each with one temporary file
	kills := int(setting(t, killsVariable, directoryKills))
	d := newDirectory(t)
	r := startRun(t, d, seed(t), aimsAtDirectory(d))
	r.killTimes(kills)
	r.end(kills * uploads)
}
