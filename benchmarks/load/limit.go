package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// limit is a number of requests, or a share of all.
type limit struct {
	set   bool
	count int64
	share float64 // 0.01 is 1%; counts if percent is set
	text  string
}

// UnmarshalText takes "5" and "0.1%".
func (l *limit) UnmarshalText(text []byte) error {
	*l = limit{set: true, text: string(text), count: -1}
	if percent, ok := strings.CutSuffix(l.text, "%"); ok {
		value, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(value >= 0 && value <= 100) {
			return fmt.Errorf("%q is no share between 0%% and 100%%", text)
		}
		l.share = value / 100
		return nil
	}
	count, err := strconv.ParseInt(l.text, 10, 64)
	if err != nil || count < 0 {
		return fmt.Errorf("%q is neither a number of requests nor a share like 0.1%%", text)
	}
	l.count = count
	return nil
}

func (l limit) exceeded(n, all int64) bool {
	switch {
	case !l.set:
		return false
	case l.count >= 0:
		return n > l.count
	}
	return float64(n) > l.share*float64(all)
}

// limits are what decides about the exit status.
type limits struct {
	errors limit
	p99    time.Duration // 0: none
}

// exceeded says what is more than allowed.
func (l limits) exceeded(r report) []string {
	var all []string
	if failed := r.failed(); l.errors.exceeded(failed, r.Due) {
		all = append(all, fmt.Sprintf("%d of %d requests failed, and --max-errors is %s", failed, r.Due, l.errors.text))
	}
	if p99 := time.Duration(r.Total.P99) * time.Microsecond; l.p99 > 0 && p99 > l.p99 {
		all = append(all, fmt.Sprintf("the p99 of whole answers is %v, and --max-p99 is %v", short(p99), l.p99))
	}
	return all
}
