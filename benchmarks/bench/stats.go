package main

import (
	"fmt"
	"slices"
)

// spread is what several turns gave.
type spread struct{ median, least, most float64 }

// spreadOf wants at least one value.
func spreadOf(values []float64) spread {
	all := slices.Sorted(slices.Values(values))
	middle := len(all) / 2
	return spread{median: (all[middle] + all[(len(all)-1)/2]) / 2, least: all[0], most: all[len(all)-1]}
}

// String is for ratios.
func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f to %.2f)", s.median, s.least, s.most) }

// figure has as many digits as say something: two after the point of small ones, none of large ones.
func figure(value float64) string {
	switch {
	case value < 10:
		return fmt.Sprintf("%.2f", value)
	case value < 100:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.0f", value)
}

// turns counts rounds; in every other one the order of the servers is turned round, so that whatever drifts
// meanwhile meets each of them alike.
func turns(rounds, servers int) [][]int {
	var order [][]int
	for round := range rounds {
		var one []int
		for i := range servers {
			one = append(one, i)
		}
		if round%2 == 1 {
			slices.Reverse(one)
		}
		order = append(order, one)
	}
	return order
}
