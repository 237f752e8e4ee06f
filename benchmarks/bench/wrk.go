package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// wrkResult is what wrk says of a run.
type wrkResult struct {
	requests int64
	rate     float64 // answers per second
}

// runWrk asks for the URL as fast as answers come, over so many connections, from the core of this process.
func runWrk(ctx context.Context, url string, connections, seconds int) (wrkResult, error) {
	path, err := look("wrk")
	if err != nil {
		return wrkResult{}, err
	}
	cmd := exec.CommandContext(ctx, path, "-t1", "-c"+strconv.Itoa(connections), fmt.Sprintf("-d%ds", seconds),
		"--timeout", "30s", url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return wrkResult{}, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return parseWrk(string(out))
}

// parseWrk reads wrk's report. Any answer but 2xx and 3xx and any failed connection is an error: what was measured
// then is not what was meant.
func parseWrk(text string) (r wrkResult, err error) {
	for _, problem := range []string{`Socket errors: .*`, `Non-2xx or 3xx responses: .*`} {
		if found := regexp.MustCompile(problem).FindString(text); found != "" {
			return r, fmt.Errorf("wrk: %s", found)
		}
	}
	requests := regexp.MustCompile(`(?m)^ *(\d+) requests in `).FindStringSubmatch(text)
	rate := regexp.MustCompile(`(?m)^Requests/sec: *([0-9.]+)$`).FindStringSubmatch(text)
	if requests == nil || rate == nil {
		return r, fmt.Errorf("wrk said something else than expected:\n%s", text)
	}
	if r.requests, err = strconv.ParseInt(requests[1], 10, 64); err != nil {
		return r, err
	}
	if r.rate, err = strconv.ParseFloat(rate[1], 64); err != nil {
		return r, err
	}
	if r.requests == 0 || r.rate == 0 {
		return r, fmt.Errorf("wrk got no answer:\n%s", text)
	}
	return r, nil
}
