package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// loadResult is what a load got, such as wrk says it.
type loadResult struct {
	requests int64
	rate     float64 // answers per second
}

// runWrk asks for the URL as fast as answers come, over so many connections, from the core of this process.
func runWrk(ctx context.Context, url string, a ask, connections, seconds int) (loadResult, error) {
	path, err := look("wrk")
	if err != nil {
		return loadResult{}, err
	}
	args := []string{"-t1", "-c" + strconv.Itoa(connections), fmt.Sprintf("-d%ds", seconds), "--timeout", "30s"}
	for _, header := range a.headers() {
		args = append(args, "-H", header)
	}
	cmd := exec.CommandContext(ctx, path, append(args, url)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return loadResult{}, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return parseWrk(string(out))
}

// parseWrk reads wrk's report. Any answer but 2xx and 3xx and any failed connection is an error: what was measured
// then is not what was meant.
func parseWrk(text string) (r loadResult, err error) {
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
