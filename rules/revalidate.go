package rules

import "time"

// The words of Config.Revalidate; anything else is a duration.
const (
	RevalidateAuto  = "auto"  // copies that the origin called short-lived
	RevalidateNever = "never" // a copy is for ever
)

// minRevalidate is the shortest time between two checks of one copy.
const minRevalidate = 10 * time.Second

// shortLived is the lifetime below which the origin has called a copy short-lived.
const shortLived = time.Hour

// RevalidateAfter gives the age at which a copy is checked against its origin again. lifetime is what the origin gave,
// negative for none, and noCache that it asked for a check before every use. ok is false when the copy is never
// checked.
func (r *Rule) RevalidateAfter(lifetime time.Duration, noCache bool) (age time.Duration, ok bool) {
	switch r.config.Revalidate {
	case RevalidateNever:
		return 0, false
	case RevalidateAuto:
		if noCache {
			return minRevalidate, true
		}
		return max(lifetime, minRevalidate), lifetime >= 0 && lifetime < shortLived
	default:
		age, err := time.ParseDuration(r.config.Revalidate)
		return max(age, minRevalidate), err == nil
	}
}

func (c Config) validateRevalidate(report func(path, problem string)) {
	if c.Revalidate == RevalidateAuto || c.Revalidate == RevalidateNever {
		return
	}
	if age, err := time.ParseDuration(c.Revalidate); err != nil || age < minRevalidate {
		report("revalidate", "must be auto, never or a duration of at least 10s, such as 24h")
	}
}
