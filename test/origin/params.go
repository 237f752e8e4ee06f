package origin

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// DefaultSize is the size in bytes of an object whose path does not say one. It fits no block, chunk or buffer.
	DefaultSize = 192<<10 + 17

	maxChunk = 1 << 20 // a chunk is held in memory
)

// Params is what a path, a query or a Script's setter says about a fault. The package's documentation lists them.
type Params struct {
	Size   int64 // bytes
	At     int64 // byte of the object; -1: half of it
	Chunk  int   // bytes
	Rate   int64 // bytes per second
	Times  int
	Wait   time.Duration // 0: until released
	After  string
	Status int
	To     string
	Header int64 // bytes
}

func defaultParams() Params {
	return Params{
		Size: DefaultSize, At: -1, Chunk: 4 << 10, Rate: 256 << 10, Times: 1, After: "1", Status: 503,
		To: "169.254.169.254", Header: 32 << 10,
	}
}

// set takes one "name=value".
func (p *Params) set(param string) error {
	name, value, _ := strings.Cut(param, "=")
	var err error
	switch name {
	case "size":
		p.Size, err = parseSize(value)
	case "at":
		p.At, err = parseSize(value)
	case "chunk":
		p.Chunk, err = parseChunk(value)
	case "rate":
		p.Rate, err = parsePositive(value)
	case "times":
		p.Times, err = strconv.Atoi(value)
	case "wait":
		p.Wait, err = time.ParseDuration(value)
	case "after":
		p.After = value
	case "status":
		p.Status, err = strconv.Atoi(value)
	case "to":
		p.To = value
	case "header":
		p.Header, err = parsePositive(value)
	default:
		err = fmt.Errorf("no parameter has this name")
	}
	if err != nil {
		return fmt.Errorf("parameter %q: %w", param, err)
	}
	return nil
}

func parseChunk(s string) (int, error) {
	n, err := parsePositive(s)
	if err == nil && n > maxChunk {
		err = fmt.Errorf("more than %d", maxChunk)
	}
	return int(n), err
}

func parsePositive(s string) (int64, error) {
	n, err := parseSize(s)
	if err == nil && n == 0 {
		err = fmt.Errorf("must be more than 0")
	}
	return n, err
}

func parseSize(s string) (int64, error) {
	shift := 0
	for unit, bits := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if number, found := strings.CutSuffix(s, unit); found {
			s, shift = number, bits
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return 0, err
	case n < 0 || n > (1<<62)>>shift:
		return 0, fmt.Errorf("out of range")
	}
	return n << shift, nil
}

// spec is a fault with its parameters, as a path names it. Without a fault the answer is sound.
type spec struct {
	fault  *Fault
	params Params
}

// parseSpec reads "name,param=value,…".
func parseSpec(text string) (spec, error) {
	parts := strings.Split(text, ",")
	return makeSpec(parts[0], parts[1:])
}

func makeSpec(name string, params []string) (spec, error) {
	s := spec{params: defaultParams()}
	fault, found := Find(name)
	if !found {
		return s, fmt.Errorf("no fault is named %q", name)
	}
	s.fault = &fault
	if fault.Defaults != "" {
		params = append(strings.Split(fault.Defaults, ","), params...)
	}
	for _, param := range params {
		if err := s.params.set(param); err != nil {
			return s, fmt.Errorf("fault %s: %w", name, err)
		}
	}
	return s, nil
}

// specOf reads what a decoded path, or else the query, says.
func specOf(path, query string) (spec, error) {
	for segment := range strings.SplitSeq(path, "/") {
		if text, found := strings.CutPrefix(segment, "~"); found {
			return parseSpec(text)
		}
	}
	values, err := url.ParseQuery(query)
	if err != nil || !values.Has("fault") {
		return spec{params: defaultParams()}, nil
	}
	var params []string
	for name := range values {
		if name != "fault" && name != "hop" {
			params = append(params, name+"="+values.Get(name))
		}
	}
	return makeSpec(values.Get("fault"), params)
}

// decoded is the path with %XX undone once, or as it is where that is not possible.
func decoded(path string) string {
	if plain, err := url.PathUnescape(path); err == nil {
		return plain
	}
	return path
}
