package shared

import "time"

// tempo is how often a gateway does what it does for the fleet, and how long it waits for others.
type tempo struct {
	beat  time.Duration // between two signs of life
	gone  time.Duration // without one of them: a member is gone
	list  time.Duration // between two looks at the list of members, at least
	scan  time.Duration // between two looks for intents of members that are gone
	again time.Duration // before a pull that failed is tried again, the first time
	pull  time.Duration // that one pull may take
	news  time.Duration // between two messages of all members together
}

func usualTempo() tempo {
	return tempo{
		beat: 2 * time.Second, gone: 6 * time.Second, list: 5 * time.Second,
		scan: 3 * time.Second, again: 6 * time.Second, pull: 15 * time.Minute,
		news: 4 * time.Millisecond,
	}
}
