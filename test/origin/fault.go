package origin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Client is what a client may see, one or several together.
type Client uint8

// What a client sees. Whatever it is, no byte of the object is ever wrong.
const (
	Right   Client = 1 << iota // the whole answer, as from a sound origin; of gzip, its encoded bytes
	Cut                        // a success that has begun, right as far as it goes, and breaks off visibly
	Refused                    // an error with one of the Outcome's statuses
	Passed                     // the origin's redirect
)

// Keep is what may be in the cache afterwards.
type Keep uint8

// What is kept. Never anything but the whole object, or nothing.
const (
	KeepNothing Keep = iota
	KeepWhole
	KeepAny // the one or the other
)

// Outcome is what a correct cache does with a request for an object that it does not have.
type Outcome struct {
	Client Client // 0: nothing is said about this kind of request
	Status []int  // the error statuses that Refused may be
	Keep   Keep
}

// Allows tells whether a client may see this.
func (o Outcome) Allows(c Client) bool { return o.Client&c != 0 }

// Fault is a named way to misbehave.
type Fault struct {
	Name     string
	Group    string
	Does     string // what is on the wire
	Defaults string // the parameters that are not those of the package's documentation: "size=0,times=3"
	Suffix   string // of a name under which it shows; "": .bin
	Waits    bool   // only the cache's own time limits, or Server.Release, end it
	Changes  bool   // later requests for the path are answered otherwise: the outcomes are those of the first

	// What a correct cache makes of a plain GET, of a HEAD and of a GET with a range that does not begin near the start.
	// It follows at least one redirect, keeps what may be kept, resumes pulls that break under a strong validator, passes
	// the statuses 401, 403 and 451 on and has no second origin.
	Get, Head, Range Outcome

	script Script
}

// Path is where the fault shows: a different object for each name, with parameters like "at=1MiB".
func (f Fault) Path(name string, params ...string) string {
	suffix := f.Suffix
	if suffix == "" {
		suffix = ".bin"
	}
	return "/~" + strings.Join(append([]string{f.Name}, params...), ",") + "/" + name + suffix
}

// Script is what the fault does; it takes its parameters from the Request.
func (f Fault) Script() Script { return f.script }

// Faults lists all faults, group by group. Names are unique.
func Faults() []Fault {
	return slices.Concat(
		grouped("sound", sound()), grouped("cuts", cuts()), grouped("chunks", chunks()), grouped("lengths", lengths()),
		grouped("time", slow()), grouped("statuses", statuses()), grouped("redirects", redirects()),
		grouped("HEAD", heads()), grouped("ranges", ranges()), grouped("resumes", resumes()),
		grouped("status lines", statusLines()), grouped("headers", headers()), grouped("digests", digests()),
		grouped("storing", policies()),
	)
}

// Find returns the fault of a name.
func Find(name string) (Fault, bool) {
	all := Faults()
	if i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name }); i >= 0 {
		return all[i], true
	}
	return Fault{}, false
}

func grouped(group string, faults []Fault) []Fault {
	for i := range faults {
		faults[i].Group = group
	}
	return faults
}

// The usual outcomes.

func kept() Outcome     { return Outcome{Client: Right, Keep: KeepWhole} }
func streamed() Outcome { return Outcome{Client: Right, Keep: KeepNothing} }

// broken is an answer of which a part may have been passed on.
func broken() Outcome {
	return Outcome{Client: Cut | Refused, Status: []int{http.StatusBadGateway, http.StatusGatewayTimeout}}
}

// refused is an answer of which nothing may be passed on.
func refused(status ...int) Outcome {
	if len(status) == 0 {
		status = []int{http.StatusBadGateway}
	}
	return Outcome{Client: Refused, Status: status}
}

// disputed is an answer that may be taken as meant or refused.
func disputed() Outcome {
	return Outcome{Client: Right | Refused, Status: []int{http.StatusBadGateway}, Keep: KeepAny}
}

// anything is an answer of which every honest use is fine.
func anything() Outcome {
	return Outcome{Client: Right | Cut | Refused, Status: broken().Status, Keep: KeepAny}
}

// String is for lists and the names of tests.
func (c Client) String() string {
	var words []string
	for bit, word := range []string{"right", "cut", "refused", "passed"} {
		if c&(1<<bit) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, " or ")
}

// String is for lists.
func (k Keep) String() string { return [...]string{"nothing", "whole", "either"}[k] }

// String is for lists: "right; kept: whole".
func (o Outcome) String() string {
	if o.Client == 0 {
		return "-"
	}
	status := ""
	if len(o.Status) > 0 {
		status = " " + strings.Trim(fmt.Sprint(o.Status), "[]")
	}
	return fmt.Sprintf("%s%s; kept: %s", o.Client, status, o.Keep)
}
