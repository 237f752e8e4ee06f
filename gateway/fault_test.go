package gateway

import (
	"testing"
	"time"

	"mirrorgate/rules"
)

// A rule that is not active is counted as what it is, and is no failure of anybody's that would be logged.
func TestFaultsOfRulesThatAreNotActive(t *testing.T) {
	f := func(state rules.State, want fault) {
		t.Helper()
		for _, failureStatus := range []int{0, 424} {
			got := faultOf(&unaskedError{state}, failureStatus)
			if got.message == "" {
				t.Errorf("%s: nothing is said", state)
			}
			if got.message = ""; got != want {
				t.Errorf("%s: %+v, want %+v", state, got, want)
			}
		}
	}
	f(rules.StatePaused, fault{status: 503, code: "SlowDown", retryAfter: 10 * time.Second, outcome: OutcomePaused})
	f(rules.StateRetired, fault{status: 404, code: "NoSuchKey", outcome: OutcomeRetired})
}
