package main

import (
	"fmt"
	"runtime/debug"
)

// version is set by the linker in releases: -ldflags "-X main.version=1.2.3".
var version = ""

// programVersion is the release's version, else what the Go tool recorded of the build.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(s *streams) error {
	_, err := fmt.Fprintln(s.stdout, "mirrorgate", programVersion())
	return err
}
