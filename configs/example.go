package configs

import _ "embed"

// Example is a configuration that shows every field with its meaning and default.
//
//go:embed example.yaml
var Example []byte

// Quickstart is the smallest useful configuration.
//
//go:embed quickstart.yaml
var Quickstart []byte
