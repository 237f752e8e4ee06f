// Package lint proves rules of this repository that no linter of the field knows: which package may import which, how
// long functions and files may be, what no test may do, and what the top level holds. It has tests only;
// `go test ./...` and `make lint` run them.
package lint
