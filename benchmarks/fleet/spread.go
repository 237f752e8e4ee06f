package main

import (
	"fmt"
	"slices"
)

// spread is what several turns gave.
type spread struct{ median, least, most float64 }

func (s spread) String() string { return fmt.Sprintf("%.1f (%.1f to %.1f)", s.median, s.least, s.most) }

// middle is the median of each figure, and the spread of CPU.
func middle(turns []cost) (cost, spread) {
	figure := func(of func(cost) float64) spread {
		var all []float64
		for _, c := range turns {
			all = append(all, of(c))
		}
		slices.Sort(all)
		half := len(all) / 2
		return spread{(all[half] + all[(len(all)-1)/2]) / 2, all[0], all[len(all)-1]}
	}
	cpu := figure(func(c cost) float64 { return c.CPU })
	return cost{
		CPU: cpu.median, In: figure(func(c cost) float64 { return c.In }).median,
		Out: figure(func(c cost) float64 { return c.Out }).median,
	}, cpu
}
