package origin

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// statuses are answers other than 200.
func statuses() []Fault {
	limited := refused(429, 502, 503)
	all := []Fault{
		{Name: "status", Does: "any status", Get: refused(401, 403, 404, 451, 502, 503),
			script: func(r *Request, a *Answer) { *a = *Status(r.Params.Status) }},
		{Name: "error-then-ok", Does: "a 5xx the first times, then sound", Get: disputed(), script: errorThenOK},
		{Name: "too-many", Does: "429 with Retry-After", Get: limited, Head: limited, script: retryAfter(429)},
		{Name: "unavailable", Does: "503 with Retry-After", Get: limited, Head: limited, script: retryAfter(503)},
		{Name: "unavailable-until", Does: "503 with Retry-After as a date, so many seconds from now",
			Get: limited, script: retryAt},
		{Name: "unavailable-huge", Does: "503 with a Retry-After of a million years", Defaults: "after=31557600000000",
			Get:    limited,
			script: retryAfter(503)},
		{Name: "unavailable-nonsense", Does: "503 with a Retry-After that means nothing", Defaults: "after=soon",
			Get:    limited,
			script: retryAfter(503)},
		{Name: "too-many-then-ok", Does: "429 with Retry-After the first times, then sound",
			Get: Outcome{Client: Right | Refused, Status: limited.Status, Keep: KeepAny}, script: tooManyThenOK},
		{Name: "not-modified", Does: "304 to a request without a condition", Get: refused(), script: notModified},
		{Name: "range-unasked", Does: "206 with the first half to a request without Range",
			Get: refused(), script: rangeUnasked(2)},
		{Name: "range-unasked-whole", Does: "206 with all of it to a request without Range",
			Get: refused(), script: rangeUnasked(1)},
	}
	for _, status := range []int{203, 204, 300, 400, 401, 403, 404, 410, 418, 451, 500, 502, 504, 508, 600, 999} {
		seen := refused(seenAs(status))
		all = append(all, Fault{Name: fmt.Sprintf("status-%d", status), Does: fmt.Sprintf("%d", status),
			Get: seen, Head: seen,
			script: func(_ *Request, a *Answer) { *a = *Status(status) }})
	}
	return all
}

// seenAs is what a client gets for an origin's status.
func seenAs(status int) int {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnavailableForLegalReasons:
		return status
	case http.StatusGone:
		return http.StatusNotFound
	}
	return http.StatusBadGateway
}

func errorThenOK(r *Request, a *Answer) {
	if r.Number <= r.Params.Times {
		*a = *Status(r.Params.Status)
	}
}

func retryAfter(status int) Script {
	return func(r *Request, a *Answer) { *a = *Status(status, "Retry-After: "+r.Params.After) }
}

func tooManyThenOK(r *Request, a *Answer) {
	if r.Number <= r.Params.Times {
		retryAfter(http.StatusTooManyRequests)(r, a)
	}
}

func retryAt(r *Request, a *Answer) {
	seconds, _ := strconv.Atoi(r.Params.After) // text that is no number: now
	at := time.Now().Add(time.Duration(seconds) * time.Second)
	*a = *Status(http.StatusServiceUnavailable, "Retry-After: "+at.UTC().Format(http.TimeFormat))
}

func httpDate() string { return time.Now().UTC().Format(http.TimeFormat) }

func notModified(r *Request, a *Answer) {
	*a = *Status(http.StatusNotModified, "ETag: "+r.Object.ETag)
}

// rangeUnasked answers a plain GET as if it had asked for a part of the object.
func rangeUnasked(part int64) Script {
	return func(r *Request, a *Answer) {
		if r.Ranged() || r.Method != http.MethodGet {
			return
		}
		r.unconditional()
		r.Header.Set("Range", fmt.Sprintf("bytes=0-%d", r.Object.Truth.Size/part-1))
		*a = *r.Sound()
	}
}
