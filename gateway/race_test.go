//go:build race

package gateway_test

// pools tells whether sync.Pool keeps what is put into it: the race detector has it drop some of that, at random.
const pools = false
