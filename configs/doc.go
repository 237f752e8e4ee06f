// Package configs reads the configuration: one YAML file that holds the Config of each package.
//
// It is strict. An unknown field, a value of another type, a missing environment variable and every contradiction is a
// Mistake with the path of the value and its line; all of them are found in one go. What is accepted works.
//
// It owns the YAML and the checks that need more than one package; what a value means is said, and checked, by the
// package that uses it. It opens no connection, and changes nothing.
package configs
