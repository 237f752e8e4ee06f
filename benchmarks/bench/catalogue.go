package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// benchCase is what is asked for, mirrorgate, and who is measured beside it.
type benchCase struct {
	name, title string
	table       int // of tables
	ask         ask
	ours        contender
	peers       []peer
	aim         float64 // of mirrorgate's own figure, where the table has such; 0: none is set
	pairs       int     // rounds, at least

	// measure gives the servers their turns, and returns the lines of the table without the last column.
	measure    func(*bed, context.Context, benchCase, []*server, io.Writer) ([]string, error)
	startsThem bool // measure starts the servers itself
}

// contender is a server, and how it is started.
type contender struct {
	name  string
	start func(*bed, ask) (*server, error)
}

// peer is a contender that mirrorgate is compared with.
type peer struct {
	contender
	aim float64 // at most this ratio of mirrorgate's figure to the peer's; 0: none is set
}

// ourselves is mirrorgate, started like that.
func ourselves(start func(*bed, ask) (*server, error)) contender {
	return contender{"mirrorgate", start}
}

// beside is a peer.
func beside(name string, start func(*bed, ask) (*server, error), aim float64) peer {
	return peer{contender{name, start}, aim}
}

// catalogue is all cases, in the order of the tables.
func catalogue() []benchCase {
	return slices.Concat(bucketCases(), dirCases(), memoryCases(), minioCases(), ruleCases(), sharedCases(),
		steadyCases(), missCases(), fillCases(), herdCases(), crowdCases(), startupCases())
}

// isMeant tells whether the name is that of the case, or what it begins with before a "-".
func (c benchCase) isMeant(name string) bool {
	return c.name == name || strings.HasPrefix(c.name, name+"-")
}

// chosen are the cases that are meant by a name; all if there is none.
func chosen(names []string) ([]benchCase, error) {
	all := catalogue()
	if len(names) == 0 {
		return all, nil
	}
	var those []benchCase
	for _, c := range all {
		if slices.ContainsFunc(names, c.isMeant) {
			those = append(those, c)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(those, func(c benchCase) bool { return c.isMeant(name) }) {
			return nil, fmt.Errorf("no case %q; there are %s", name, strings.Join(namesOf(all), ", "))
		}
	}
	return those, nil
}

func namesOf(cases []benchCase) (names []string) {
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

// contenders are mirrorgate and its peers, mirrorgate first.
func (c benchCase) contenders() []contender {
	all := []contender{c.ours}
	for _, p := range c.peers {
		all = append(all, p.contender)
	}
	return all
}
