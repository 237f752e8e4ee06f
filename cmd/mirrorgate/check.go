package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"mirrorgate/configs"
)

type checkCmd struct {
	File string `arg:"" help:"Configuration file."`
}

// Run checks the file.
func (c *checkCmd) Run(s *streams) error {
	if code := check(c.File, s.stdout, s.stderr); code != exitFine {
		return exit(code)
	}
	return nil
}

// check prints that a configuration file is fine, or every mistake in it, and returns the exit code.
func check(path string, stdout, stderr io.Writer) int {
	cfg, err := configs.Load(path)
	var mistakes configs.Mistakes
	switch {
	case errors.As(err, &mistakes):
		for _, m := range mistakes {
			_, _ = fmt.Fprintf(stderr, "%s: %s\n", path, m)
		}
		return exitUsage
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", path, err)
		return exitUsage
	}
	rules := 0
	for _, site := range cfg.Sites {
		rules += len(site.Rules)
	}
	_, _ = fmt.Fprintf(stdout, "%s: fine: %s, %s\n", path, count(len(cfg.Sites), "site"), count(rules, "rule"))
	return exitFine
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
